"""``bureaucrat dead``: messages that no instance took."""

from __future__ import annotations

from hashlib import sha256

import pytest
from operated import NOON, Office, golden
from operated_processes import PAUSE

from bureaucrat.core.messages import Cancel
from bureaucrat.engine.codec import encode_message
from bureaucrat.ports import DeadRow

A = "0199aaaa0000aaaa0000000000000000"
ME = ("--who", "bea@desk")


def letter(number: int, body: bytes = b'{"secret": "swordfish"}', whole: bool = True, **given: str) -> DeadRow:
    """A dead letter."""
    digest = sha256(body).hexdigest() if whole else "of more than was kept"
    usual = {"source": "bureaucrat_msgs", "reason": "no instance has this id", "message_id": f"m{number}"}
    return DeadRow(number=number, at=NOON, body=body, digest=digest, **{**usual, **given})


async def test_dead_letters_are_listed_without_their_bodies(office: Office) -> None:
    await office.open()
    await office.write(dead=[letter(7), letter(8, b"x" * 2000, reason="the token\nwas not made here")])

    said, one = await office.says("dead", "list"), await office.says("dead", "list", "--message-id", "m7")

    assert said.out == golden("dead-list")
    assert [line.split()[0] for line in one.out.splitlines()[1:2]] == ["7"]
    assert "swordfish" not in said.out


async def test_no_dead_letters_are_told(office: Office) -> None:
    await office.open()

    assert (await office.says("dead", "list")).out == "0 of 0 dead letters\n"


async def test_a_dead_letter_is_shown_and_its_body_on_demand(office: Office) -> None:
    await office.open()
    properties = b'{"exchange":"","content_type":"application/json","headers":{"h":1},"is_mandatory":true}'
    await office.write(dead=[DeadRow(7, NOON, "q", "why", "", b'{"a":1}', sha256(b'{"a":1}').hexdigest(), properties)])

    closed = await office.says("dead", "show", "7")
    opened = await office.says("dead", "show", "7", "--body", *ME)

    assert closed.out == golden("dead-show")
    assert opened.out == golden("dead-show-body")
    (kept,) = (await office.says("audit", "--json")).json["orders"]
    assert (kept["command"], kept["who"]) == ("looked", "bea@desk")


async def test_of_a_large_body_the_beginning_is_shown(office: Office) -> None:
    await office.open()
    await office.write(dead=[letter(7, b"x" * 5000, whole=False)])

    said = await office.says("dead", "show", "7", "--body", *ME)

    assert "body         4.9 KiB, only the beginning was kept" in said.out.splitlines()
    assert "x" * 4000 + "…" in said.out.splitlines()
    assert "replay" not in said.out


@pytest.mark.parametrize("options", [[], ["--body"]])
async def test_dead_letters_for_programs(office: Office, options: list[str]) -> None:
    await office.open()
    await office.write(dead=[letter(7, b"abc")])
    expected = {
        "letter": 7,
        "at": "2026-11-25T12:00:00.000Z",
        "from": "bureaucrat_msgs",
        "reason": "no instance has this id",
        "message_id": "m7",
        "size": 3,
        "whole": True,
        "properties": {},
    }

    one, every = await office.says("dead", "show", "7", "--json", *options), await office.says("dead", "list", "--json")

    assert one.json == expected | ({"body": "abc"} if options else {})
    assert every.json == {"letters": [expected], "total": 1}


async def test_a_dead_letter_is_given_in_again(office: Office) -> None:
    await office.open()
    await office.start(PAUSE, A)
    await office.write(dead=[letter(7, encode_message(Cancel("late")), source="engine", message_id=A)])
    office.run()

    said = await office.says("dead", "replay", "7", *ME)

    assert (said.code, said.out) == (0, f"7: done: given to instance {A} again\n")
    assert await office.storage.dead_letters() == []


async def test_dead_letters_are_dropped(office: Office) -> None:
    await office.open()
    await office.write(dead=[letter(7), letter(8, b"x"), letter(9, b"y")])
    office.run()

    said = await office.says("dead", "drop", "7", "8", "--reason", "a test of ours", *ME)

    assert (said.code, said.out) == (0, "7: done: dropped\n8: done: dropped\n")
    assert [row.number for row in await office.storage.dead_letters()] == [9]
    assert {row.reason for row in await office.storage.audits()} == {"a test of ours"}


async def test_what_cannot_be_replayed_is_refused_with_the_reason(office: Office) -> None:
    await office.open()
    await office.write(dead=[letter(7)])
    office.run()

    said = await office.says("dead", "replay", "7")
    machine = await office.says("dead", "replay", "7", "--json")

    answer = "it came from the queue 'bureaucrat_msgs', and this engine has no broker"
    assert (said.code, said.out) == (4, f"7: refused: {answer}\n")
    (result,) = machine.json["results"]
    assert (result["letter"], result["outcome"], result["answer"]) == (7, "refused", answer)


async def test_a_letter_whose_end_was_not_kept_is_not_asked_for(office: Office) -> None:
    await office.open()
    await office.write(dead=[letter(7, whole=False)])

    said = await office.says("dead", "replay", "7")

    assert said.code == 4
    assert said.err.splitlines()[0] == (
        "bureaucrat: of dead letter 7 only the beginning was kept; whoever sent it has to send it again"
    )


async def test_a_letter_that_is_none_is_told(office: Office) -> None:
    await office.open()

    said = await office.says("dead", "drop", "7")

    assert said.code == 4
    assert said.err.splitlines() == [
        "bureaucrat: there is no dead letter 7; it was replayed or dropped, or never was",
        "  see   bureaucrat dead list --db b.db",
    ]


@pytest.mark.parametrize(("option", "code", "lines"), [("--no-wait", 0, 2), ("--timeout=10ms", 1, 3)])
async def test_orders_that_nobody_takes_are_told(office: Office, option: str, code: int, lines: int) -> None:
    await office.open()
    await office.write(dead=[letter(7)])

    said = await office.says("dead", "drop", "7", option)

    assert said.code == code
    assert said.out.startswith("7: asked   order ")
    assert len(said.out.splitlines()) == lines
    assert said.out.splitlines()[-1] == "see what comes of it   bureaucrat audit --db b.db"
