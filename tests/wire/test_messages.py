"""What each queue carries, read from bytes: tables of good and bad (reliability 5.C)."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from bureaucrat.wire import (
    Attempt,
    EventMessage,
    LaunchRequest,
    Malformed,
    Notice,
    OldTimer,
    Question,
    Response,
    StatusAnswer,
    Terminate,
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
    encode_question,
    encode_status,
    encode_terminate,
)

WORKITEM = "application/x-bureaucrat-workitem"
MESSAGE = "application/x-bureaucrat-message"
LAUNCH = "application/x-bureaucrat-launch"
QUESTION = "application/x-bureaucrat-question"
TYPES = [WORKITEM, MESSAGE, "application/json", "application/json; charset=utf-8", "text/plain", "", None]

HEADER = {"message": "response", "target": "3f9c_2_0", "origin": "3f9c_2_0", "token": "T1", "key": "K1"}
FIELDS = {"order_id": 1017, "status": "done"}
WITH_HEADER = {"header": HEADER, "fields": {**FIELDS, "inst:fault": 1}}
WITH_NAME = {
    "name": "response",
    "target": "3f9c_2_0",
    "origin": "3f9c_2_0",
    "payload": {**FIELDS, "inst:token": "T1", "inst:key": "K1", "inst:x": 1},
}
ANSWER = Response("3f9c_2_0", "T1", FIELDS)
TIMER = {"instant": 1_700_000_000, "code": "timeout", "target": "3f9c_0"}


def body_of(value: Any) -> bytes:
    return json.dumps(value).encode()


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


# -- answers and control


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("record", [WITH_HEADER, WITH_NAME], ids=["workitem", "message"])
def test_an_answer_is_read_by_its_shape_whatever_its_type(content_type: str | None, record: dict[str, Any]) -> None:
    """B-033, B-050, B-051: also a message that says it is a workitem; what begins with ``inst:`` is no field."""
    assert decode_message(content_type, body_of(record)) == ANSWER


@pytest.mark.parametrize("record", [WITH_HEADER, WITH_NAME], ids=["workitem", "message"])
def test_the_type_decides_where_the_shape_could_be_either(record: dict[str, Any]) -> None:
    """A body that has a header and a name is what its content type says."""
    both = {**WITH_HEADER, "name": "terminate", "target": "3f9c", "payload": {}}

    assert decode_message(MESSAGE, body_of(both)) == Terminate("3f9c")
    assert decode_message(WORKITEM, body_of(both)) == ANSWER
    assert decode_message(None, body_of(both)) == ANSWER


@pytest.mark.parametrize("token", [None, "absent"])
def test_an_answer_may_come_without_a_token(token: str | None) -> None:
    """Existing participants know none."""
    header = without(HEADER, "token") if token else {**HEADER, "token": None}
    body = without(WITH_NAME["payload"], "inst:token")

    assert decode_message(None, body_of({**WITH_HEADER, "header": header})).token is None
    assert decode_message(None, body_of({**WITH_NAME, "payload": body})).token is None


def test_an_instance_is_canceled_by_the_old_name() -> None:
    """B-096: with or without a reason."""
    record = {"name": "terminate", "target": "3f9c", "origin": "", "payload": {}}

    assert decode_message(MESSAGE, body_of(record)) == Terminate("3f9c", "")
    assert decode_message(MESSAGE, body_of({**record, "payload": {"reason": "x"}})) == Terminate("3f9c", "x")
    assert decode_message(*encode_terminate("3f9c", "because")) == Terminate("3f9c", "because")
    assert decode_message(*encode_terminate("3f9c")) == Terminate("3f9c", "")
    assert decode_message(*encode_terminate("3f9c", compensate=True)) == Terminate("3f9c", "", True)
    assert decode_message(MESSAGE, body_of({**record, "payload": {"compensate": False}})) == Terminate("3f9c")


def test_old_timers_are_read_from_either_queue() -> None:
    """B-044, B-045: as a registration, or as the message it becomes."""
    fired = {"name": "timeout", "target": "3f9c_0", "origin": "", "payload": {}}

    assert decode_old_timer(body_of(TIMER), "application/json", "utf-8") == OldTimer("3f9c_0", "timeout", 1_700_000_000)
    assert decode_message("application/json", body_of(TIMER)) == OldTimer("3f9c_0", "timeout", 1_700_000_000)
    assert decode_message(MESSAGE, body_of(fired)) == OldTimer("3f9c_0", "timeout", 0)


def test_the_instant_of_a_timer_may_have_passed() -> None:
    """C22: -5 fires now; a fraction is kept."""
    assert decode_old_timer(body_of({**TIMER, "instant": -5})).instant == -5
    assert decode_old_timer(body_of({**TIMER, "instant": 1.5})).instant == 1.5


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**TIMER, "instant": "abc"}, "instant is text; a number is expected"),
        ({**TIMER, "instant": True}, "instant is true or false; a number is expected"),
        ({**TIMER, "instant": 1e18}, "instant is beyond the year 9999; seconds since 1970 are expected"),
        ({**TIMER, "instant": 10**18}, "instant is beyond the year 9999; seconds since 1970 are expected"),
        (without(TIMER, "instant"), "instant is missing; a number is expected"),
        ({**TIMER, "code": "start"}, "code is 'start'; 'timeout' is expected"),
        ({**TIMER, "code": None}, "code is null; text is expected"),
        ({**TIMER, "target": "../x"}, "target is '../x', which is no address: letters, digits, . - and _ only"),
    ],
)
def test_a_timer_that_is_none_is_refused(record: dict[str, Any], reason: str) -> None:
    """C22."""
    with pytest.raises(Malformed) as caught:
        decode_old_timer(body_of(record))

    assert caught.value.reason == reason


def test_a_question_says_where_to_answer_to() -> None:
    """The queue and the number of the question are properties of the message."""
    content_type, body = encode_question("3f9c")

    asked = decode_message(content_type, body, reply_to="amq.gen-1", correlation_id="7")

    assert content_type == QUESTION
    assert asked == Question("3f9c", "amq.gen-1", "7")
    assert decode_message(None, body, reply_to="q") == Question("3f9c", "q", None)


BAD_TARGETS = [
    "../../etc/passwd",
    "x'; DROP TABLE instances",
    "x" * 1_000_000,
    "😀",
    "a/b",
    "a b",
    "",
    "_0",
    "a\n",
    "a\x7f",
]


@pytest.mark.parametrize("target", BAD_TARGETS, ids=lambda target: ascii(target[:20]))
def test_a_target_has_the_shape_of_an_address(target: str) -> None:
    """C6: paths, SQL, a megabyte and pictures are refused before anything is looked up."""
    shapes = [{**WITH_NAME, "target": target}, {**WITH_HEADER, "header": {**HEADER, "target": target}}]

    for record in shapes:
        with pytest.raises(Malformed, match=r"target is .*, which is no address: ") as caught:
            decode_message(None, body_of(record))
        assert len(caught.value.reason) < 200


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "name is missing; text is expected"),
        ([], "the body is a list; an object is expected"),
        (without(WITH_NAME, "target"), "target is missing; text is expected"),
        (without(WITH_NAME, "payload"), "payload is missing; an object is expected"),
        ({**WITH_NAME, "name": 1}, "name is a number; text is expected"),
        ({**WITH_NAME, "target": ["a"]}, "target is a list; text is expected"),
        ({**WITH_NAME, "payload": None}, "payload is null; an object is expected"),
        ({**WITH_NAME, "payload": "x"}, "payload is text; an object is expected"),
        ({**WITH_NAME, "payload": {"inst:token": 7}}, "payload.'inst:token' is a number; text or nothing is expected"),
        (
            {**WITH_NAME, "payload": {"inst:token": "t" * 1_025}},
            "payload.'inst:token' has 1,025 characters; 1,024 are allowed",
        ),
        ({**WITH_NAME, "name": "start"}, "name is 'start'; 'response', 'terminate' or 'timeout' is expected"),
        (
            {**WITH_NAME, "name": "x" * 100},
            f"name is '{'x' * 60}' and 40 more characters; 'response', 'terminate' or 'timeout' is expected",
        ),
        (
            {"name": "terminate", "target": "a", "payload": {"compensate": 1}},
            "payload.compensate is a number; true or false is expected",
        ),
        (
            {"name": "terminate", "target": "a", "payload": {"reason": {}}},
            "payload.reason is an object; text or nothing is expected",
        ),
        ({"header": HEADER}, "fields is missing; an object is expected"),
        ({"header": "x", "fields": {}}, "header is text; an object is expected"),
        ({"header": HEADER, "fields": []}, "fields is a list; an object is expected"),
        ({"header": without(HEADER, "target"), "fields": {}}, "header.target is missing; text is expected"),
        ({"header": without(HEADER, "message"), "fields": {}}, "header.message is missing; text is expected"),
        ({"header": {**HEADER, "message": "start"}, "fields": {}}, "header.message is 'start'; 'response' is expected"),
        ({"header": {**HEADER, "token": 1}, "fields": {}}, "header.token is a number; text or nothing is expected"),
        ({"question": "life", "instance": "a"}, "question is 'life'; 'status' is expected"),
        ({"question": "status"}, "instance is missing; text is expected"),
        (
            {"question": "status", "instance": "a_0"},
            "instance is 'a_0', which is no id of an instance: 1 to 64 letters, digits, . and -",
        ),
        ({"question": "status", "instance": "a"}, "the property reply_to is missing; text is expected"),
    ],
)
def test_a_message_that_is_none_is_refused_with_the_place(record: Any, reason: str) -> None:
    """C5: what is missing, or found instead."""
    with pytest.raises(Malformed) as caught:
        decode_message(None, body_of(record))

    assert caught.value.reason == reason


def test_a_question_with_a_strange_number_is_refused() -> None:
    """Its properties come from outside, too."""
    content_type, body = encode_question("3f9c")

    with pytest.raises(Malformed, match="reply_to has more than 255 bytes"):
        decode_message(content_type, body, reply_to="q" * 256)
    with pytest.raises(Malformed, match=r"correlation_id is '.*'; control characters are not allowed"):
        decode_message(content_type, body, reply_to="q", correlation_id="\x00")


# -- content types

NEVER_READ = [
    "application/x-python-serialize",
    "application/x-pickle",
    "application/x-yaml",
    "text/YAML; charset=utf-8",
    "application/x-msgpack",
    "application/msgpack",
    "application/gzip",
    "application/zip",
]


class Trap:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("it was decoded",)


@pytest.mark.parametrize("content_type", NEVER_READ)
def test_what_could_run_code_is_refused_by_its_type_alone(content_type: str) -> None:
    """C15: whatever the body is, JSON and XML included."""
    for body in (pickle.dumps(Trap()), body_of(WITH_NAME), b"<process/>"):
        for decode in (decode_message, decode_launch, decode_attempt):
            with pytest.raises(Malformed, match=r"content type '.*' is never read; send JSON"):
                decode(content_type, body)
        with pytest.raises(Malformed, match=r"is never read"):
            decode_event(body, None, content_type)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "base64", "utf-16", "binary"])
def test_what_is_compressed_is_not_read(encoding: str) -> None:
    """C15: a small body could become a large one."""
    for decode in (decode_message, decode_launch, decode_attempt):
        with pytest.raises(Malformed, match=f"the encoding '{encoding}' is not read; send UTF-8, not compressed"):
            decode("application/json", body_of(WITH_NAME), content_encoding=encoding)


def test_another_charset_is_not_read() -> None:
    """It may stand among the parameters of the type as well."""
    with pytest.raises(Malformed, match="the encoding 'latin-1' is not read"):
        decode_event(b'{"event":"x"}', None, 'application/json; charset="latin-1"')

    assert decode_event(b'{"event":"x"}', None, "application/json;version=1", "UTF-8").name == "x"


@pytest.mark.parametrize("content_type", ["image/png", "application/xml", "x"])
def test_an_unknown_type_is_no_message(content_type: str) -> None:
    """C17 is another thing: the property ``type`` is not looked at."""
    with pytest.raises(Malformed, match=f"the content type '{content_type}' is not known here; send JSON"):
        decode_message(content_type, body_of(WITH_NAME))

    assert decode_message("application/vnd.shop+json", body_of(WITH_NAME)) == ANSWER


# -- launches


@pytest.mark.parametrize("content_type", [None, "", "text/xml", "application/xml", "text/plain", "image/png", LAUNCH])
def test_a_bare_definition_starts(content_type: str | None) -> None:
    """B-026, B-031: whatever type it says it has; a mark and white space may stand before it."""
    assert decode_launch(content_type, b"<process/>", "id-1") == LaunchRequest("id-1", definition="<process/>")
    assert decode_launch(content_type, b"\xef\xbb\xbf \r\n<a>\xc3\xa9</a>").definition == " \r\n<a>é</a>"


def test_a_launch_names_its_process_or_brings_a_definition() -> None:
    """With fields, a version and a business key, or without."""
    named = {"process": "order", "version": 3, "fields": {"a": [1]}, "business_key": "1017"}

    assert decode_launch(LAUNCH, body_of(named), "x") == LaunchRequest("x", None, "order", 3, {"a": [1]}, "1017")
    assert decode_launch(None, body_of({"definition": "<a/>"}), "") == LaunchRequest(None, "<a/>")
    assert decode_launch(None, body_of({"process": "a", "fields": None, "version": None})) == LaunchRequest(
        None, process="a"
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "neither process nor definition is given; one of them is expected"),
        ({"process": "a", "definition": "b"}, "both process and definition are given; one of them is expected"),
        ({"process": ""}, "process is empty; 1 to 255 bytes are expected"),
        ({"process": 7}, "process is no text; text is expected"),
        ({"process": "é" * 128}, "process has more than 255 bytes"),
        ({"definition": 7}, "definition is a number; text is expected"),
        (
            {"process": "a", "feilds": {}},
            "the key 'feilds' is not known; known are process, version, definition, ",
        ),
        ({"process": "a", "fields": []}, "fields is a list; an object is expected"),
        ({"process": "a", "version": True}, "version is no positive number"),
        ({"process": "a", "version": 0}, "version is no positive number"),
        ({"definition": "a", "version": 1}, "version is given without process; "),
        ({"process": "a", "business_key": 7}, "business_key is a number; text or nothing is expected"),
        ([], "the body is a list; an object is expected"),
    ],
)
def test_a_launch_that_is_none_is_refused(record: Any, reason: str) -> None:
    """C5, C20: a key that is misspelt is not passed over."""
    with pytest.raises(Malformed) as caught:
        decode_launch(LAUNCH, body_of(record))

    assert caught.value.reason.startswith(reason)


def test_a_definition_that_is_not_utf_8_or_too_large_is_refused() -> None:
    """C3: before it is parsed."""
    with pytest.raises(Malformed, match="the body is not UTF-8: byte 0xE9 at offset 3"):
        decode_launch(None, b"<a>\xe9</a>")
    with pytest.raises(Malformed, match=r"the body has 20,971,520 bytes; 16,777,216 are allowed"):
        decode_launch(None, b"<" * 20 * 1024 * 1024)
    with pytest.raises(Malformed, match=r"the message id is '.*'; control characters"):
        decode_launch(None, b"<a/>", "a\x00")


@pytest.mark.parametrize(
    "request_",
    [
        LaunchRequest("x", "<a/>", fields={"a": {"b": [1.5, None, "é"]}}),
        LaunchRequest("x", process="order", version=2, business_key="1017"),
        LaunchRequest(None, process="order"),
    ],
)
def test_what_we_launch_is_read_as_it_was_meant(request_: LaunchRequest) -> None:
    """Both directions agree."""
    assert decode_launch(*encode_launch(request_), request_.id) == request_


# -- events


def test_an_event_is_its_name_and_the_rest() -> None:
    """B-040: the README's example; every other key is data."""
    body = b'{"event":"fake_event_name","other_data":"some data"}'

    assert decode_event(body, "m1") == EventMessage("m1", "fake_event_name", {"other_data": "some data"})
    assert decode_event(body).id is None
    assert decode_signal("order.paid", b'{"event": 1}') == EventMessage(None, "order.paid", {"event": 1})
    assert encode_event("paid", {"event": "x", "n": 1}) == ("application/json", b'{"event":"paid","n":1}')


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, "is missing; text is expected"),
        (7, "is no text; text is expected"),
        ("", "is empty; 1 to 255 bytes are expected"),
        ("x" * 256, "has more than 255 bytes"),
        ("é" * 128, "has more than 255 bytes"),
        ("x" * 1_000_000, "has more than 255 bytes"),
        ("a\nb", "is 'a\\nb'; control characters are not allowed"),
        ("a\x85", "is 'a\\x85'; control characters are not allowed"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_the_name_of_an_event_is_short_and_plain(name: Any, reason: str) -> None:
    """C18."""
    with pytest.raises(Malformed) as caught:
        decode_event(body_of({"event": name} if name is not None else {"a": 1}))

    assert caught.value.reason == f"event {reason}"


def test_a_signal_is_an_object_under_a_name() -> None:
    """Names of 255 bytes are the longest that a routing key can be."""
    assert decode_signal("é" * 127, b"{}").name == "é" * 127
    with pytest.raises(Malformed, match="the routing key is empty"):
        decode_signal("", b"{}")
    with pytest.raises(Malformed, match="the body is empty"):
        decode_signal("x", b"")


# -- attempts

DISPATCH = {"target": "3f9c_2_0", "token": "T1", "key": "K1", "participant": "charge", "attempt": 2}


def test_an_attempt_in_the_workitem_format_is_a_header_and_fields() -> None:
    """The format that we write; to the letter."""
    content_type, body = encode_attempt({"a": 1}, **DISPATCH)

    assert content_type == WORKITEM
    assert json.loads(body) == {
        "header": {
            "message": "response",
            "target": "3f9c_2_0",
            "origin": "3f9c_2_0",
            "token": "T1",
            "key": "K1",
            "participant": "charge",
            "attempt": 2,
        },
        "fields": {"a": 1},
    }
    assert decode_attempt(content_type, body) == Attempt({"a": 1}, **DISPATCH)


def test_an_attempt_in_the_message_format_succeeds_when_it_is_echoed() -> None:
    """B-033, B-046, B-052: ``status`` is preset; a field of the process that is called so gives way."""
    content_type, body = encode_attempt({"a": 1, "status": "mine"}, **DISPATCH, format="message")

    assert content_type == MESSAGE
    assert json.loads(body) == {
        "name": "response",
        "target": "3f9c_2_0",
        "origin": "3f9c_2_0",
        "payload": {"a": 1, "status": "done", "inst:token": "T1", "inst:key": "K1"},
    }
    assert decode_message(content_type, body) == Response("3f9c_2_0", "T1", {"a": 1, "status": "done"})
    assert decode_attempt(content_type, body) == Attempt({"a": 1}, "3f9c_2_0", "T1", "K1", format="message")


@pytest.mark.parametrize("format", ["workitem", "message"])
def test_an_answer_carries_the_token_back(format: Any) -> None:
    """T-006: in the format that the attempt came in; ``done`` unless the participant says something else."""
    attempt = decode_attempt(*encode_attempt({"a": 1}, **DISPATCH, format=format))

    done = decode_message(*encode_answer(attempt, {"b": 2}))
    failed = decode_message(*encode_answer(attempt, {"status": "error", "error": "x"}))

    assert done == Response("3f9c_2_0", "T1", {"b": 2, "status": "done"})
    assert failed == Response("3f9c_2_0", "T1", {"status": "error", "error": "x"})


@pytest.mark.parametrize("record", [{"header": {"target": "a_0"}, "fields": {}}, {**WITH_NAME, "payload": {}}])
def test_an_attempt_without_a_token_has_the_message_id_or_none(record: dict[str, Any]) -> None:
    """An older daemon writes none; its answer is then without one, too."""
    assert decode_attempt(None, body_of(record), "M1").token == "M1"
    attempt = decode_attempt(None, body_of(record))

    assert (attempt.token, attempt.key, attempt.participant, attempt.attempt) == ("", "", "", 1)
    assert decode_message(*encode_answer(attempt, {})) == Response(attempt.target, None, {"status": "done"})


@pytest.mark.parametrize("attempt", [0, "1", True, None, 1.5])
def test_the_number_of_an_attempt_is_positive(attempt: Any) -> None:
    """C5 for workers."""
    with pytest.raises(Malformed, match=r"header.attempt is no positive number"):
        decode_attempt(None, body_of({"header": {**HEADER, "attempt": attempt}, "fields": {}}))


# -- what clients are told


def test_the_answer_to_a_question_says_how_an_instance_is() -> None:
    """To the letter, as clients in other languages read it."""
    incident = {"address": "a_0", "kind": "error", "code": "x", "message": "m", "opened": 1.5}
    answer = StatusAnswer("a", True, "order", "1017", "running", None, 1.0, None, {"n": 1}, None, [incident])

    content_type, body = encode_status(answer)

    assert content_type == "application/json"
    assert json.loads(body) == {
        "instance": "a",
        "known": True,
        "process": "order",
        "business_key": "1017",
        "status": "running",
        "outcome": None,
        "started": 1.0,
        "ended": None,
        "fields": {"n": 1},
        "fault": None,
        "incidents": [incident],
    }
    assert decode_status(body) == answer


def test_an_unknown_instance_may_have_been_a_dead_letter() -> None:
    """Then the answer has the reason."""
    _, body = encode_status(StatusAnswer("a", False, dead="no such process"))

    assert json.loads(body) == {"instance": "a", "known": False, "dead": "no such process"}
    assert decode_status(body) == StatusAnswer("a", False, dead="no such process")


def test_a_notice_has_keys_of_its_own_beside_the_common_ones() -> None:
    """The routing key is its name and the instance."""
    notice = Notice("incident.opened", "a", "order", None, "running", None, 2.5, {"code": "x"})

    _, body = encode_notice(notice)

    assert json.loads(body) == {
        "notice": "incident.opened",
        "instance": "a",
        "process": "order",
        "business_key": None,
        "status": "running",
        "outcome": None,
        "at": 2.5,
        "code": "x",
    }
    assert notice.routing_key == "incident.opened.a"
    assert decode_notice(body) == notice


@pytest.mark.parametrize("decode", [decode_status, decode_notice])
def test_what_is_no_answer_of_ours_is_refused(decode: Any) -> None:
    """The place is named; keys that a later version adds are passed over."""
    with pytest.raises(Malformed, match=r"Expected `str`, got `int` - at `\$\.instance`"):
        decode(body_of({"instance": 1, "known": True, "notice": "x"}))
    with pytest.raises(Malformed, match="missing required field"):
        decode(b"{}")

    assert decode(body_of({"instance": "a", "known": True, "notice": "x", "later": 1})).instance == "a"
