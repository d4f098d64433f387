"""``bureaucrat.message.Message``, for code that was written for the original."""

from __future__ import annotations

import json

import pytest

from bureaucrat.message import Message
from bureaucrat.wire import Malformed, Response, decode_message

BODY = '{"name":"response","target":"3f9c_2_0","origin":"3f9c_2","payload":{"a":1}}'


@pytest.mark.parametrize("body", [BODY, BODY.encode(), bytearray(BODY.encode())])
def test_a_message_is_read_and_written_as_before(body: str | bytes) -> None:
    """B-035: names, instances, payload; ``dumps`` gives the same text again."""
    message = Message.loads(body)

    assert (message.name, message.target, message.origin) == ("response", "3f9c_2_0", "3f9c_2")
    assert (message.target_pid, message.origin_pid) == ("3f9c", "3f9c")
    assert message.payload == {"a": 1}
    assert message.dumps() == BODY
    assert repr(message) == "<Message name='response' target='3f9c_2_0' origin='3f9c_2'>"


def test_the_payload_of_a_message_may_be_left_out() -> None:
    """B-035: then it is an object without properties."""
    message = Message("terminate", "3f9c", "")

    assert message.payload == {}
    assert json.loads(message.dumps()) == {"name": "terminate", "target": "3f9c", "origin": "", "payload": {}}
    assert message.origin_pid == ""


def test_the_payload_is_called_fields_as_well() -> None:
    """B-082: the original's README says ``Workitem.fields``."""
    message = Message.loads(BODY)

    message.fields["b"] = 2
    assert message.payload == {"a": 1, "b": 2}

    message.fields = {"c": 3}
    assert message.payload == {"c": 3}


def test_what_a_message_writes_the_daemon_reads() -> None:
    """B-034, B-051: its content type is known by both of its names."""
    message = Message.loads(BODY)
    message.payload["status"] = "done"

    assert Message.content_type == Message.mime_type == "application/x-bureaucrat-message"
    assert decode_message(Message.mime_type, message.dumps().encode()) == Response(
        "3f9c_2_0", None, {"a": 1, "status": "done"}
    )


@pytest.mark.parametrize("body", ["", "[]", '{"name": 1}', BODY.replace('"origin"', '"x"'), '"\ud800"'])
def test_what_is_no_message_is_refused(body: str) -> None:
    """B-038: one kind of error, with the reason."""
    with pytest.raises(Malformed):
        Message.loads(body)
