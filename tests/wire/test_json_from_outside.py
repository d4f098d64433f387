"""``loads``: what is JSON as the engine keeps it, and what is refused with which reason (reliability C1 to C4)."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bureaucrat.core.values import complaint
from bureaucrat.wire import MAX_BYTES, MAX_DEPTH, Malformed, load_object, loads

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.sampled_from([":", '":', "\\u003a", '"', "1" * 30, "[[[{{"]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=60,
)


def reason_of(body: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        loads(body)
    assert str(caught.value) == caught.value.reason
    return caught.value.reason


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@settings(max_examples=200, deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_every_value_that_python_writes_is_read_as_it_is(value: Any, ascii: bool, indent: int | None) -> None:
    """Written compactly or with white space, with escapes or without."""
    body = json.dumps(value, ensure_ascii=ascii, indent=indent).encode()

    assert loads(body) == value


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b" \r\n\t[1, 2.5, -0.0, 1E5]\n", [1, 2.5, -0.0, 100000.0]),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b'"1234567890123456789012"', "1234567890123456789012"),
        (b'"\\ud83d\\ude00\\u003a"', "\U0001f600:"),
        (b'{"a" : ":\\u003A:", "b":{"a":1}}', {"a": ":::", "b": {"a": 1}}),
        (b'"\\\\u0000"', "\\u0000"),
        (b'{"":1}', {"": 1}),
        (nested(MAX_DEPTH), json.loads(nested(MAX_DEPTH))),
        (b"[" + b"[],{}," * 100 + b"[]]", [[], {}] * 100 + [[]]),
    ],
    ids=repr,
)
def test_what_may_look_odd_is_read_all_the_same(body: bytes, value: Any) -> None:
    """A mark, white space, the last integers, escapes that only look like NUL, many shallow lists."""
    assert loads(body) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty; JSON is expected"),
        (b"\xef\xbb\xbf", "the body is empty; JSON is expected"),
        (b"hello", "the body is not JSON: Expecting value at line 1, column 1"),
        (b'{"a": 1,\n  "b" 2}', "the body is not JSON: Expecting ':' delimiter at line 2, column 7"),
        (b"1 2", "the body is not JSON: Extra data at line 1, column 3"),
        (b"\x0c1", "the body is not JSON: Expecting value at line 1, column 1"),
        (b"\xef\xbb\xbf\xef\xbb\xbf1", "the body is not JSON: Expecting value at line 1, column 1"),
        (b'"\xff"', "the body is not UTF-8: byte 0xFF at offset 1"),
        (b'"\xed\xa0\x80"', "the body is not UTF-8: byte 0xED at offset 1"),
        ('{"a": 1}'.encode("utf-16"), "the body is not UTF-8: byte 0xFF at offset 0"),
        (b"\x80\x04\x95", "the body is not UTF-8: byte 0x80 at offset 0"),
        (b'{"a": {"b": [1, NaN]}}', "a.b[1] is NaN, which JSON has no word for"),
        (b"-Infinity", "the body is -Infinity, which JSON has no word for"),
        (b'{"a": 1e999}', "a is inf, which JSON has no word for"),
        (b"[9223372036854775808]", "[0] is an integer beyond 64 bits"),
        (b'{"n": -9223372036854775809}', "n is an integer beyond 64 bits"),
        (b'{"n": ' + b"7" * 5_000 + b"}", "n is an integer beyond 64 bits"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "a has the key 'b' twice"),
        (b'{"a" :1,"a":2}', "the body has the key 'a' twice"),
        (b'{"a":":","\\u0061":"\\u003a"}', "the body has the key 'a' twice"),
        (
            b'{"' + b"k" * 100 + b'":1,"' + b"k" * 100 + b'":1}',
            f"the body has the key '{'k' * 60}' and 40 more characters twice",
        ),
        (b'{"a": ["\\ud800"]}', "a[0] contains half of a surrogate pair"),
        (b'{"a": ["\\udc00\\ud800"]}', "a[0] contains half of a surrogate pair"),
        (b'{"a": "x\\u0000y"}', "a contains a NUL character"),
        (b'{"a\\u0000": 1}', "the key 'a\\x00' contains a NUL character"),
        (b'{"a b": {"\\ud800": 1}}', "the key 'a b'.'\\ud800' contains half of a surrogate pair"),
        (b'"\x00"', "the body is not JSON: Invalid control character at line 1, column 2"),
        (nested(MAX_DEPTH + 1), "the body has more than 64 lists and objects in each other"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "the body has more than 64 lists and objects in each other"),
        (b"[" * 100_000, "the body has more than 64 lists and objects in each other"),
        (nested(100_000), "the body has more than 64 lists and objects in each other"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_what_is_no_json_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    """C1, C2, C4: each names the place and what is wrong with it."""
    assert reason_of(body) == reason


def test_a_body_that_is_too_large_is_not_read() -> None:
    """C3: 16 MiB are the bound, and it is a bound of bytes."""
    largest = b'"' + b"x" * (MAX_BYTES - 2) + b'"'

    assert len(loads(largest)) == MAX_BYTES - 2
    assert reason_of(largest + b" ") == "the body has 16,777,217 bytes; 16,777,216 are allowed"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"null", "null"), (b"true", "true or false"), (b"1", "a number"), (b'"x"', "text"), (b"[{}]", "a list")],
)
def test_only_an_object_is_a_message(body: bytes, kind: str) -> None:
    """C1: a scalar or a list is JSON, and no message."""
    with pytest.raises(Malformed, match=f"the body is {kind}; an object is expected"):
        load_object(body)

    assert load_object(b"{}") == {}


_PARTS = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "-",
    "0",
    "1",
    "null",
    "NaN",
    "1e999",
    "9223372036854775808",
    '"a"',
    '"a":',
]
_PARTS += [r'"\u003a"', r'"\u0000"', r'"\ud800"', '{"a":1,"a":2}', r'{"a":":","\u0061":1}']
PIECES = st.sampled_from([*_PARTS, " ", "\x00", "é", "9" * 25, '"b" :'])


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
@example('{"a":1,"a":":"}')
@example('{"a":"\\u003a","a":1}')
@example('{"x":{"a":1},"x":":"}')
def test_it_reads_what_pythons_json_reads_and_refuses_what_we_cannot_keep(text: str) -> None:
    """Against the standard library, which lets more pass: nothing that is good is refused, nothing bad is read."""
    doubled = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        doubled.extend([1] * (len(found) - len(dict(found))))
        return dict(found)

    try:
        expected = json.loads(text, object_pairs_hook=pairs)
        is_good = not doubled and complaint(expected) is None
    except ValueError:
        is_good = False

    try:
        read = loads(text.encode("utf-8", "surrogatepass"))
    except Malformed:
        assert not is_good
    else:
        assert is_good
        assert read == expected


@settings(max_examples=200, deadline=None)
@given(VALUES, st.data())
def test_a_key_that_stands_there_twice_is_found_wherever_it_is(value: Any, data: st.DataObject) -> None:
    """However many colons, escapes and spaces are around it."""
    assume(not (isinstance(value, float) and math.isnan(value)))
    body = json.dumps({"x": value, "z": [value]}, ensure_ascii=data.draw(st.booleans()))
    again = data.draw(st.sampled_from(['{"k":1,"k":2}', '{"k" :1,"k":":"}', '{"k":"\\u003a","\\u006b":{}}']))
    at = data.draw(st.sampled_from(["front", "end"]))
    doubled = f'{{"y":{again},{body[1:]}' if at == "front" else f'{body[:-1]},"y":{again}}}'

    assert reason_of(doubled.encode()) == "y has the key 'k' twice"


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"NaN]", r"the body is not JSON: JSON is malformed: .* \(byte 2097153\)"),
        (b'"\xff"]', "the body is not JSON: .*utf-8.*"),
        (b"[" * 5_000, "the body has more than 64 lists and objects in each other"),
    ],
)
def test_a_large_body_that_is_no_json_is_not_read_twice(tail: bytes, reason: str) -> None:
    """To say the line and column would take seconds, in which nothing else is done."""
    body = b"[" + b"1," * (1024 * 1024) + tail

    with pytest.raises(Malformed) as caught:
        loads(body)

    assert re.fullmatch(reason, caught.value.reason)
