"""What comes from the broker: every message has one end, and is settled once, after the commit of that."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from courier import EVENTS, LAUNCHES, MESSAGES, TIMERS, Handed, MemoryCourier, Office

from bureaucrat.errors import StaleVersion, StorageUnavailable

ACTION = '<process name="p"><action participant="work"/></process>'
DELAY = '<process name="p"><delay duration="1000"/></process>'
AWAIT = '<process name="p"><await event="go" as="got"/></process>'


async def waiting(office: Office, text: str = DELAY, id: str = "a") -> None:
    """An instance that waits."""
    await office.run()
    await office.settled(office.courier.launch(text, id))


async def status(office: Office, id: str = "a") -> str | None:
    row = await office.storage.instance(id)
    return None if row is None else row.status


KINDS: dict[str, Any] = {
    "a launch": lambda courier: courier.launch(DELAY, "b"),
    "an answer": lambda courier: courier.answer(courier.attempts()[0], x=1),
    "an answer without a token": lambda courier: courier.untokened("a_0", x=1),
    "a cancel": lambda courier: courier.cancel("a"),
    "an old timer": lambda courier: courier.old_timer("a_0", 5_000.0),
    "an event": lambda courier: courier.event("go", "e1"),
    "an event without an id": lambda courier: courier.event("go"),
    "a question": lambda courier: courier.ask("a"),
    "nonsense": lambda courier: courier.message(b"nonsense"),
    "an answer for nobody": lambda courier: courier.untokened("nobody_0"),
}
FAILURES: dict[str, list[tuple[str, Exception] | None]] = {
    "nothing": [],
    "a failed commit": [("before", StorageUnavailable("gone"))],
    "an unknown commit that happened": [("after", StorageUnavailable("who knows", unknown=True))],
    "an unknown commit that did not": [("before", StorageUnavailable("who knows", unknown=True))],
    "a stale version": [("before", StaleVersion("changed"))],
    "an outage": [("before", StorageUnavailable("gone"))] * 20,
}
#: what changes an instance, and so can find it changed
CHANGING = ("a launch", "an answer", "an answer without a token", "a cancel", "an old timer")
CASES = [(kind, failure) for kind in KINDS for failure in FAILURES if kind != "a question" or failure == "nothing"]


@pytest.mark.parametrize(
    ("kind", "failure"), [case for case in CASES if case[1] != "a stale version" or case[0] in CHANGING]
)
async def test_every_message_is_settled_once_whatever_happens_to_its_commit(
    office: Office, kind: str, failure: str
) -> None:
    await waiting(office, ACTION)
    await office.swept()
    await office.emptied("outbox")
    office.storage.failures = list(FAILURES[failure])

    handed = KINDS[kind](office.courier)
    settled_before = handed.settled
    await office.settled(handed)
    await office.swept(3)

    assert (settled_before, handed.settled) == (0, 1)
    assert office.storage.failures == []
    await office.emptied("outbox", "mailbox")
