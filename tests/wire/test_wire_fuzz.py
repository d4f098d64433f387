"""Whatever bytes come in, only ``Malformed`` goes out; and what we write ourselves is read back as it was."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_json_from_outside import VALUES

from bureaucrat.wire import (
    Attempt,
    LaunchRequest,
    Malformed,
    Notice,
    Response,
    StatusAnswer,
    decode_attempt,
    decode_event,
    decode_launch,
    decode_message,
    decode_notice,
    decode_old_timer,
    decode_signal,
    decode_status,
    encode_answer,
    encode_attempt,
    encode_event,
    encode_launch,
    encode_notice,
    encode_status,
)

pytestmark = pytest.mark.unmeasured
HEADER = {"message": "response", "target": "a_0", "origin": "a_0", "token": "T", "key": "K", "attempt": 1}
SEEDS: list[Any] = [
    {"header": HEADER, "fields": {"n": 1, "deep": {"list": [1, "two", None, 3.5]}}},
    {"name": "response", "target": "a_0", "origin": "a_0", "payload": {"status": "done", "inst:token": "T"}},
    {"name": "terminate", "target": "a", "origin": "", "payload": {"reason": "x"}},
    {"instant": 1_700_000_000, "code": "timeout", "target": "a_0"},
    {"question": "status", "instance": "a"},
    {"process": "order", "version": 1, "fields": {"é": "\U0001f600"}, "business_key": "k"},
    {"definition": "<process/>"},
    {"event": "paid", "n": 1},
    {"instance": "a", "known": True, "fields": {}, "incidents": [{}], "fault": {"code": "x", "message": ""}},
    {"notice": "instance.completed", "instance": "a", "at": 1.0, "more": 7},
]
STRANGE = [
    None,
    True,
    -1,
    0,
    2**63,
    1e18,
    "",
    "x" * 300,
    "\x00",
    "\ud800",
    "../x",
    [],
    {},
    [[]],
    {"a": {}},
    float("nan"),
]
TYPES = [
    None,
    "",
    "application/json",
    "application/x-bureaucrat-message",
    "application/x-bureaucrat-workitem",
    "\ud800",
    "a;b;c",
]
DECODERS: list[Callable[[bytes, Any, Any], Any]] = [
    lambda body, kind, id: decode_message(kind, body, reply_to=id, correlation_id=id),
    lambda body, kind, id: decode_launch(kind, body, id),
    lambda body, kind, id: decode_attempt(kind, body, id),
    lambda body, kind, id: decode_event(body, id, kind),
    lambda body, kind, id: decode_signal(id, body, id, kind),
    lambda body, kind, id: decode_old_timer(body, kind),
    lambda body, kind, id: decode_status(body),
    lambda body, kind, id: decode_notice(body),
]


def changed_value(value: Any, draw: random.Random) -> Any:
    """The value with something strange in one place."""
    if draw.random() < 0.2 or not isinstance(value, dict | list) or not value:
        return draw.choice(STRANGE)
    if isinstance(value, list):
        at = draw.randrange(len(value))
        return [*value[:at], changed_value(value[at], draw), *value[at + 1 :]]
    key = draw.choice(list(value))
    kept = {name: inner for name, inner in value.items() if name != key}
    return kept if draw.random() < 0.2 else {**kept, key: changed_value(value[key], draw)}


def changed_bytes(body: bytes, draw: random.Random) -> bytes:
    """The body with some bytes lost, doubled or replaced."""
    changed = bytearray(body)
    for _ in range(draw.randrange(1, 4)):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(4):
            case 0:
                del changed[at : at + draw.randrange(1, 9)]
            case 1:
                changed[at:at] = changed[at : at + draw.randrange(1, 20)]
            case 2:
                changed[at:at] = draw.choice([b"\xff", b"\x00", b'"', b"\\", b"{", b"]", b"\xef\xbb\xbf", b"\\ud800"])
            case _:
                changed[at : at + 1] = draw.randbytes(1)
    return bytes(changed)


def test_twenty_thousand_broken_messages_are_refused_and_nothing_else_happens() -> None:
    """C1 to C6, C18: each is read, or refused with a short reason."""
    draw = random.Random(20261125)
    read = 0
    reasons: list[str] = []

    for _ in range(20_000):
        value = draw.choice(SEEDS)
        for _ in range(draw.randrange(3)):
            value = changed_value(value, draw)
        body = json.dumps(value, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")
        if draw.random() < 0.5:
            body = changed_bytes(body, draw)
        for decode in DECODERS:
            try:
                decode(body, draw.choice(TYPES), draw.choice(["m1", "", None, "\x00", 7]))
                read += 1
            except Malformed as error:
                reasons.append(error.reason)

    assert read > 5_000
    assert len(reasons) > 50_000
    assert all(0 < len(reason) < 600 for reason in reasons)


FIELDS = st.dictionaries(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=10).filter(
        lambda name: not name.startswith("inst:") and name not in ("status", "event")
    ),
    VALUES,
    max_size=5,
)
ADDRESSES = st.from_regex(r"[a-f0-9]{8}(_[0-9]{1,3}){0,4}", fullmatch=True)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None)
@given(FIELDS, FIELDS, ADDRESSES, NAMES, NAMES, NAMES, st.integers(1, 99))
def test_attempts_and_answers_come_back_in_both_formats(
    fields: dict[str, Any], answered: dict[str, Any], target: str, token: str, key: str, participant: str, number: int
) -> None:
    """What the daemon writes, a worker reads; what the worker writes, the daemon reads."""
    given_ = {"target": target, "token": token, "key": key, "participant": participant, "attempt": number}

    item = decode_attempt(*encode_attempt(fields, **given_))
    message = decode_attempt(*encode_attempt(fields, **given_, format="message"))

    assert item == Attempt(fields, **given_)
    assert message == Attempt(fields, target, token, key, format="message")
    for attempt in (item, message):
        answer = decode_message(*encode_answer(attempt, answered))
        assert answer == Response(target, token, {**answered, "status": "done"})


@settings(max_examples=200, deadline=None)
@given(FIELDS, NAMES, st.none() | NAMES, st.booleans(), st.none() | st.integers(1, 9))
def test_what_clients_send_comes_back(
    fields: dict[str, Any], name: str, key: str | None, by_name: bool, version: int | None
) -> None:
    """Launches and events."""
    launch = (
        LaunchRequest("i", process=name, version=version, fields=fields, business_key=key)
        if by_name
        else LaunchRequest("i", definition=name, fields=fields, business_key=key)
    )

    event = decode_event(encode_event(name, fields)[1], "m")

    assert decode_launch(*encode_launch(launch), "i") == launch
    assert (event.id, event.name, event.body) == ("m", name, fields)


@settings(max_examples=200, deadline=None)
@given(FIELDS, NAMES, st.none() | NAMES, st.none() | st.floats(0, 1e10))
def test_what_clients_are_told_comes_back(fields: dict[str, Any], name: str, key: str | None, at: float | None) -> None:
    """Answers to questions and notices."""
    more = {f"x{name}": value for name, value in fields.items()}
    status = StatusAnswer(
        name, True, name, key, "running", key, at, at, fields, {"code": "x", "message": name}, [fields]
    )
    notice = Notice(name, name, key, key, "running", None, at, more)

    assert decode_status(encode_status(status)[1]) == status
    assert decode_notice(encode_notice(notice)[1]) == notice


def test_the_reason_never_shows_what_a_field_holds() -> None:
    """House rule for logs: reasons are logged, values are not."""
    secret = "s3cret"
    bodies = [
        {"header": HEADER, "fields": {"password": secret + "\x00"}},
        {"header": HEADER, "fields": secret},
        {"process": "x", "fields": secret},
    ]

    reasons = []
    for body in bodies:
        for decode in DECODERS:
            try:
                decode(json.dumps(body).encode(), None, "m")
            except Malformed as error:
                reasons.append(error.reason)

    assert len(reasons) > 10
    assert [reason for reason in reasons if secret in reason] == []
