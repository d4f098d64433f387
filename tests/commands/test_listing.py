"""``bureaucrat ps``: what is where, why it waits, and what is wrong."""

from __future__ import annotations

import pytest
from operated import NOON, Office, golden
from operated_processes import ORDER, PAGES, PAUSE, SHIPPING

from bureaucrat.core.messages import Suspend
from bureaucrat.ports import DestinationRow

A, B, C, D, E, F = (f"0199aaaa0000{letter * 4}0000000000000000" for letter in "abcdef")


async def filled(office: Office) -> None:
    """An instance in every state."""
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A, stock="x")
    await office.start(SHIPPING, B)
    await office.answer(B, status="error", error="carrier: 503")
    await office.start(PAGES, C)
    await office.answer(C)
    await office.start(PAUSE, D)
    await office.start(ORDER, E, "1018", order_id="1018")
    await office.write(destinations=[DestinationRow("worker_reserve_stock", 0, 3, NOON, NOON)])
    await office.start(PAUSE, F)
    await office.tell(F, Suspend("ticket 5521"))
    await office.later(60)


async def test_ps_says_where_each_instance_is_and_what_wakes_it(office: Office) -> None:
    await filled(office)

    said = await office.says("ps")

    assert said.out == golden("ps")
    assert (said.code, said.err) == (0, "")


async def test_ps_for_programs_has_the_same(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")

    said = await office.says("ps", "--json")

    assert said.json == {
        "instances": [
            {
                "id": A,
                "process": "order",
                "key": "1017",
                "status": "running",
                "state": "running",
                "at": "reserve",
                "waits_for": "attempt 1 asked reserve_stock 0.0 s ago",
                "since": "2026-11-25T12:00:01.000Z",
                "started": "2026-11-25T12:00:01.000Z",
                "ended": None,
                "outcome": None,
                "incidents": 0,
                "held": 0,
            }
        ],
        "matched": 1,
        "statuses": {"running": 1},
        "incidents": 0,
    }


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--process", "order"], ["1018", "1017"]),
        (["--status", "suspended"], ["0199aaaa0000ff"]),
        (["--key", "1017"], ["1017"]),
        (["--with-incidents"], ["0199aaaa0000bb"]),
        (["--limit", "2"], ["0199aaaa0000ff", "1018"]),
        (["--since", "61500ms"], ["0199aaaa0000ff", "1018"]),
        (["--since", "2026-11-25T12:00:08+00:00"], ["0199aaaa0000ff", "1018"]),
        (["--outcome", "shipped"], []),
        (["--status", "canceled"], []),
    ],
)
async def test_filters_choose(office: Office, options: list[str], keys: list[str]) -> None:
    await filled(office)

    said = await office.says("ps", *options)

    *lines, foot = [line for line in said.out.splitlines() if not line.startswith(("by cause", "why"))]
    assert [line.split()[0] for line in lines[1:]] == keys
    matched = 6 if "--limit" in options else len(keys)
    assert foot.startswith(f"{len(keys)} of {matched}   ")


async def test_what_has_ended_is_listed_when_it_is_asked_for(office: Office) -> None:
    await office.open()
    await office.start('<process name="quick"><exit outcome="early"/></process>', A)

    default, everything = await office.says("ps"), await office.says("ps", "--all")
    by_outcome = await office.says("ps", "--outcome", "early")

    assert default.out.splitlines() == ["0 of 0   completed 1   incidents 0   stalled 0 of those shown"]
    assert everything.out.splitlines() == [
        "KEY             PROCESS  STATE      AT             WAITS FOR  SINCE",
        "0199aaaa0000aa  quick    completed  outcome early             0.0 s",
        "1 of 1   completed 1   incidents 0   stalled 0 of those shown",
    ]
    assert by_outcome.out == everything.out


async def test_an_unknown_status_is_told_with_the_one_that_was_meant(office: Office) -> None:
    await office.open()

    said = await office.says("ps", "--status", "runing")

    assert said.code == 2
    assert "there is no status 'runing'; did you mean running?" in said.err


async def test_a_time_that_is_none_is_told(office: Office) -> None:
    await office.open()

    said = await office.says("ps", "--since", "yesterday")

    assert said.code == 2
    assert "'yesterday' is no length of time (2h, 7d) and no instant (2026-11-25T13:05)" in said.err


async def test_incidents_are_shown_by_cause(office: Office) -> None:
    await office.open()
    for number, id in enumerate((A, B, C)):
        await office.start(ORDER, id, f"10{number}", order_id=f"10{number}")
        await office.answer(id, status="error", error="stock: 503")
    await office.start(SHIPPING, D)
    await office.answer(D, status="critical", code="Lost", error="no such parcel")

    said = await office.says("ps", "--incidents")

    assert said.out == golden("ps-incidents")


async def test_incidents_by_cause_for_programs(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A, status="error", error="stock: 503")

    said = await office.says("ps", "--incidents", "--json")

    (cause,) = said.json["causes"]
    name = cause.pop("cause")
    assert name.startswith("c")
    assert cause == {
        "process": "order",
        "activity": "reserve",
        "kind": "error",
        "code": "ActionError",
        "message": "stock: 503",
        "count": 1,
        "first": "2026-11-25T12:00:02.000Z",
        "last": "2026-11-25T12:00:02.000Z",
        "example": A,
    }


async def test_incidents_of_two_versions_of_a_process_have_one_cause(office: Office) -> None:
    await office.open()
    for source, id in ((SHIPPING, A), (SHIPPING.replace("<process", "\n<process").replace("invoice", "bill"), B)):
        await office.start(source, id)
        await office.answer(id, status="error", error="carrier: 503")

    said = await office.says("ps", "--incidents", "--json")

    assert [(cause["activity"], cause["count"]) for cause in said.json["causes"]] == [("bill", 2), ("ship", 2)]


async def test_no_incidents_are_told(office: Office) -> None:
    await office.open()

    assert (await office.says("ps", "--incidents")).out == "no open incidents\n"


async def test_a_database_that_is_not_there_is_told_with_the_remedy(office: Office) -> None:
    said = await office.says("ps")

    assert said.code == 3
    assert said.err.splitlines() == [
        "bureaucrat: there is no database b.db",
        "  from     --db",
        "  choose   the database that the daemon uses: --db FILE, or its settings: -c CONFIG",
    ]


async def test_a_file_that_is_no_database_is_told(office: Office) -> None:
    office.path.write_text("this is no database, and long enough for SQLite to see that")

    said = await office.says("ps")

    assert said.code == 3
    assert said.err.startswith("bureaucrat: database b.db: it is no SQLite database")
