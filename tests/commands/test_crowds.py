"""``ps`` and ``show`` of attempts that a participant may not have yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from operated import NOON, Office, golden
from operated_processes import ORDER

from bureaucrat.ports import AttemptRow, BranchRow, DestinationRow, OutboxRow

A, B, C = (f"0199aaaa0000{letter * 4}0000000000000000" for letter in "abc")
STOCK = "reserve_stock"


async def crowded(office: Office, tmp_path: Path, settings: str) -> None:
    """Of three orders two are kept back; there are settings that say by what."""
    text = f"[storage]\nurl = sqlite:///{office.path}\n[participant:{STOCK}]\n{settings}\n"
    (tmp_path / "config.ini").write_text(text)
    await office.open()
    for id, number in ((A, "1017"), (B, "1018"), (C, "1019")):
        await office.start(ORDER, id, number, order_id=number)
    rows = [
        OutboxRow(number, f"worker_{STOCK}", b"", NOON, id, 1, participant=STOCK) for number, id in enumerate((B, C))
    ]
    await office.write(outbox=rows)


async def waits(office: Office, *arguments: str) -> list[str]:
    said = await office.command("ps", "--json", *arguments)
    return [one["waits_for"] for one in said.json["instances"]][::-1]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ("max_in_flight = 1", "waits for a place: 1 of 1 in flight, 2 wait"),
        ("max_in_flight = 1\nrate = 2/m", "waits for a place: 1 of 1 in flight, 2 wait"),
        ("max_in_flight = 5\nrate = 2/m", "waits for its turn: at most 2/m leave, 2 wait"),
        ("max_in_flight = 1000", "waits for a place: 1 in flight, 2 wait"),
    ],
)
async def test_ps_says_what_an_attempt_waits_for(office: Office, tmp_path: Path, settings: str, text: str) -> None:
    await crowded(office, tmp_path, settings)

    said = await waits(office, "-c", "config.ini")

    assert said == [f"attempt 1 asked {STOCK} 2.0 s ago", text, text]


async def test_ps_says_so_without_the_settings_too(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 1")

    said = await waits(office, "--db", office.path.name)

    assert said[1:] == ["waits for a place: 1 in flight, 2 wait"] * 2


async def test_a_queue_that_nobody_consumes_is_told_first(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 1")
    await office.write(destinations=[DestinationRow(f"worker_{STOCK}", 0, 1, NOON, NOON)])
    await office.later(60)

    said = await waits(office, "-c", "config.ini")

    assert said == [f"no consumer on queue worker_{STOCK} for 1 m 03 s"] * 3


async def test_a_participant_that_is_written_in_two_ways_is_counted_as_one(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 3")
    row = BranchRow("other", "", None, 1, b"[]", f"worker:{STOCK}")
    unknown = BranchRow("other", "1", None, 2, b"[]")
    await office.write(branches=[row, unknown, BranchRow("other", "2", None, 3, b"[]", "unbounded")])

    said = await waits(office, "-c", "config.ini")

    assert said[1:] == ["waits for a place: 2 in flight, 2 wait"] * 2
    assert AttemptRow("", "other", "1", 2) in await office.storage.attempts(9)


async def test_show_says_what_would_let_it_leave(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 1")

    said = await office.command("show", "1018", "-c", "config.ini", "--utc")

    assert said.out == golden("show-crowd")


async def test_show_without_the_settings_names_the_worker_only(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 1")

    said = await office.says("show", "1018", "--json")

    (why,) = said.json["why"]
    assert why["text"].endswith("waits for a place: 1 in flight, 2 wait")
    assert why["commands"] == ["bureaucrat worker MODULE"]
