"""Attempts that nobody takes are announced once, and what the broker shows is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from courier import Office

from bureaucrat.errors import StorageUnavailable
from bureaucrat.ports import AttemptRow, DestinationRow, Writes

ACTION = '<process name="p"><action participant="work"/></process>'


async def begun(office: Office, text: str = ACTION, id: str = "a") -> None:
    office.settings = replace(office.settings, look=3_600.0)
    await office.run()
    await office.settled(office.courier.launch(text, id))
    await office.sent(1)


def stalls(office: Office) -> Any:
    return office.engine._exchange._stalls


async def look(office: Office, times: int = 1) -> None:
    for _ in range(times):
        await stalls(office).look()


def stalled(office: Office) -> list[dict[str, Any]]:
    bodies = [body for _, body in office.courier.notices() if body["notice"] == "activity.stalled"]
    return [{name: body[name] for name in ("instance", "address", "queue", "since")} for body in bodies]


async def test_what_the_broker_shows_is_kept_when_it_changes(office: Office) -> None:
    await begun(office)
    office.courier.shown = {"worker_work": (1, 3)}

    await look(office)
    before = await office.storage.destinations()
    office.storage.commits.clear()
    await look(office)
    unchanged = [writes.destinations for writes in office.storage.commits if writes.destinations]
    office.courier.shown = {"worker_work": (0, 4)}
    await look(office)

    (row,) = await office.storage.destinations()
    assert [(one.name, one.consumers, one.ready, one.silent_since) for one in before] == [("worker_work", 1, 3, None)]
    assert unchanged == []
    assert (row.consumers, row.ready, row.silent_since) == (0, 4, row.checked)


async def test_an_attempt_in_a_queue_without_a_consumer_is_announced_once(office: Office) -> None:
    """L35."""
    await begun(office)
    office.courier.shown = {"worker_work": (0, 1)}
    await look(office)
    since = (await office.storage.destinations())[0].silent_since
    office.clock.advance_to(1_029.0)
    await look(office)
    early = stalled(office)

    office.clock.advance_to(1_031.0)
    await look(office, 20)

    assert early == []
    assert stalled(office) == [{"instance": "a", "address": "a_0", "queue": "worker_work", "since": since}]


async def test_a_queue_that_is_consumed_again_is_not_stalled(office: Office) -> None:
    await begun(office)
    office.courier.shown = {"worker_work": (0, 1)}
    await look(office)
    office.courier.shown = {"worker_work": (1, 0)}
    await look(office)
    office.clock.advance_to(1_100.0)

    await look(office)

    assert stalled(office) == []
    assert (await office.storage.destinations())[0].silent_since is None


async def test_an_attempt_that_stalls_a_second_time_is_announced_again(office: Office) -> None:
    await begun(office)
    for start in (1_100.0, 1_200.0):
        office.courier.shown = {"worker_work": (0, 1)}
        await look(office)
        office.clock.advance_to(start)
        await look(office)
        office.courier.shown = {"worker_work": (1, 0)}
        await look(office)

    assert len(stalled(office)) == 2


async def test_an_attempt_that_has_not_left_is_not_stalled(office: Office) -> None:
    await begun(office)
    office.courier.is_away = True
    await office.settled(office.courier.launch(ACTION, "b"))
    office.courier.shown = {"worker_work": (0, 1)}
    await look(office)
    office.clock.advance_to(1_031.0)
    await look(office)
    office.courier.back()

    assert [one["instance"] for one in stalled(office)] == ["a"]


async def test_a_queue_that_stays_silent_keeps_no_other_from_being_announced(office: Office) -> None:
    await begun(office)
    await office.settled(*(office.courier.launch(ACTION, f"i{number:04}") for number in range(1_005)))
    await office.sent(1_006)
    other = '<process name="p"><action participant="other"/></process>'
    await office.settled(office.courier.launch(other, "z"))
    await office.sent(1, "other")
    office.courier.shown = {"worker_work": (0, 1), "worker_other": (0, 1)}
    await look(office)
    office.clock.advance_to(1_031.0)

    await look(office)

    assert "z" in [one["instance"] for one in stalled(office)]


async def test_so_many_are_announced_of_one_queue_and_then_nothing_is_searched(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search reads every instance that waits."""
    monkeypatch.setattr("bureaucrat.engine.stalls._MOST", 2)
    monkeypatch.setattr("bureaucrat.engine.stalls._RESCAN", 1)
    await begun(office)
    await office.settled(*(office.courier.launch(ACTION, f"b{number}") for number in range(3)))
    await office.sent(4)
    office.courier.shown = {"worker_work": (0, 4)}
    await look(office)
    office.clock.advance_to(office.clock.now() + 60)
    await look(office)

    office.storage.unreadable.add("attempts")
    await look(office)

    assert office.storage.unreadable == {"attempts"}
    await office.until_true(lambda: len(stalled(office)) == 2)


async def test_what_could_not_be_written_is_announced_by_the_next_look(office: Office) -> None:
    await begun(office)
    await office.emptied("outbox")
    office.courier.shown = {"worker_work": (0, 1)}
    await look(office)
    office.clock.advance_to(1_031.0)
    office.courier.shown = {"worker_work": (0, 2)}
    await office.emptied("outbox")
    office.storage.failures = [("before", StorageUnavailable("gone"))]
    try:
        await look(office)
    except StorageUnavailable:
        failed = True

    await look(office, 6)

    assert failed
    assert len(stalled(office)) == 1
    assert [row.ready for row in await office.storage.destinations()] == [2]


async def test_an_instance_that_cannot_be_read_does_not_end_the_watch(office: Office) -> None:
    await begun(office, id="bad")
    await office.settled(office.courier.launch(ACTION, "good"))
    await office.sent(2)
    writes = Writes(branches=(await office.storage.branches("bad")).branches)
    writes.branches[0].state = b'"nonsense"'
    await office.storage.batch().commit(writes)
    office.courier.shown = {"worker_work": (0, 1)}
    await look(office)
    office.clock.advance_to(1_031.0)

    await look(office)

    assert [one["instance"] for one in stalled(office)] == ["good"]


async def test_a_running_engine_looks_now_and_then_also_after_the_broker_was_away(office: Office) -> None:
    await office.run()
    office.courier.is_blind = True
    office.courier.changed.clear()
    await office.until_true(office.courier.changed.is_set)
    office.courier.shown = {"worker_work": (2, 0)}

    office.courier.is_blind = False
    await office.until_true(lambda: office.storage._tables.destinations.find("key"))

    (row,) = await office.storage.destinations()
    assert row == DestinationRow("worker_work", 2, 0, row.checked)


async def test_what_waits_elsewhere_is_not_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is; nor is what was announced already read again."""
    monkeypatch.setattr("bureaucrat.engine.stalls._RESCAN", 1)
    await begun(office)
    other = '<process name="p"><action participant="other"/></process>'
    await office.settled(*(office.courier.launch(other, f"z{number}") for number in range(5)))
    await office.settled(office.courier.launch(ACTION, "b"))
    await office.sent(2)
    await office.sent(5, "other")
    read: list[str] = []
    instance = office.storage.instance
    office.storage.instance = lambda id: (read.append(id), instance(id))[1]
    office.courier.shown = {"worker_work": (0, 2), "worker_other": (1, 0)}
    await look(office)
    office.clock.advance_to(1_031.0)

    await look(office, 3)

    assert read == ["a", "b"]
    assert [one["instance"] for one in stalled(office)] == ["a", "b"]


async def test_what_an_older_version_wrote_is_announced_too(office: Office) -> None:
    """It did not write whom attempts are for."""
    await begun(office)
    other = '<process name="p"><action participant="other"/></process>'
    await office.settled(office.courier.launch(other, "b"))
    for id in ("a", "b"):
        branches = (await office.storage.branches(id)).branches
        await office.storage.batch().commit(Writes(branches=[replace(row, participant="") for row in branches]))
    office.courier.shown = {"worker_work": (0, 2), "worker_other": (1, 0)}
    await look(office)
    office.clock.advance_to(1_031.0)

    await look(office, 20)

    assert [one["instance"] for one in stalled(office)] == ["a"]


@pytest.mark.parametrize("gone", ["instance", "attempt"])
async def test_an_attempt_that_is_over_when_it_is_read_is_not_stalled(office: Office, gone: str) -> None:
    await begun(office)
    office.courier.shown = {"worker_work": (0, 1)}
    await look(office)
    office.clock.advance_to(1_031.0)
    number = 7 if gone == "attempt" else 1
    row = AttemptRow("work", "a" if gone == "attempt" else "nobody", "", number)
    office.storage.attempts = one_page([row])

    await look(office)

    assert stalled(office) == []


def one_page(rows: list[AttemptRow]) -> Any:
    async def attempts(limit: int, after: AttemptRow | None = None) -> list[AttemptRow]:
        return [row for row in rows if after is None or row > after]

    return attempts
