"""Kept events are found by what is in them: digests, the events that are read, and those of older databases."""

from __future__ import annotations

from typing import Any

import pytest
from courier import Office

from bureaucrat.core.activities.await_ import event_value
from bureaucrat.engine.keys import ANY, digest, digests
from bureaucrat.ports import WaitRow, Writes
from bureaucrat.testing import Simulation

KEYED = """
<process name="p">
  <context><property name="order" type="json"/><property name="paid" type="json"/></context>
  <action participant="work"/>
  <await event="payment" key="order.id" property="paid"/>
</process>
"""


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, []),
        ({"a": 1, "b": "x", "c": True, "d": 2.0, "e": 2.5}, ["a", "b", "c", "d", "e"]),
        ({"a": None, "b": [1, {"c": 2}], "c": {}}, []),
        ({"a": {"b": {"c": "x", "d": False}, "e": 1}, "f": "y"}, ["a.b.c", "a.b.d", "a.e", "f"]),
        ({"a": {"": 1}, "lone \ud800": "\udfff"}, ["a.", "lone \ud800"]),
    ],
)
def test_an_event_has_a_digest_of_each_scalar_that_a_key_may_be_compared_with(
    body: dict[str, Any], paths: list[str]
) -> None:
    expected = [digest(path, event_value(body, path) or "") for path in paths]

    assert sorted(digests(body)) == sorted(expected)
    assert len(set(expected)) == len(paths)
    assert all(0 < one < 1 << 63 for one in expected)


def test_the_same_is_the_same_in_every_process() -> None:
    """It is stored."""
    assert digest("order_id", "1017") == 8077175412644841167
    assert digests({"n": 1}) == digests({"n": "1"}) == digests({"n": 1.0}) == [digest("n", "1")]


def test_an_event_with_very_many_scalars_is_found_by_all() -> None:
    assert len(digests({str(number): number for number in range(64)})) == 64
    assert digests({str(number): number for number in range(65)}) == [ANY]


@pytest.mark.parametrize("body", [{"order": {"id": 7}}, {"order": {"id": "7"}, **{f"x{n}": n for n in range(99)}}])
def test_a_wait_finds_the_event_that_came_before_it(body: dict[str, Any]) -> None:
    simulation = Simulation(KEYED)
    simulation.launch({"order": {"id": 7}})
    simulation.event("payment", order={"id": 8})
    simulation.event("payment", **body)

    simulation.answer("work")

    simulation.assert_ended()
    assert simulation.fields["paid"] == body


def test_an_event_with_the_digest_and_another_value_is_not_the_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bureaucrat.engine.keys.digest", lambda path, value: 7)
    monkeypatch.setattr("bureaucrat.engine.events.digest", lambda path, value: 7)
    simulation = Simulation(KEYED)
    simulation.launch({"order": {"id": 7}})
    simulation.event("payment", order={"id": 8})

    simulation.answer("work")

    assert [wait.event for wait in simulation.waits()] == ["payment"]


def test_a_signal_is_found_by_what_is_in_it() -> None:
    text = """
    <process name="p">
      <context><property name="id" type="int">7</property></context>
      <signal event="e"><field name="id">7</field></signal><signal event="e"><field name="id">8</field></signal>
      <await event="e" key="id" since="start"/>
    </process>
    """
    simulation = Simulation(text)

    simulation.launch()

    simulation.assert_ended()


async def test_whoever_reports_it_an_event_is_found_by_what_is_in_it(office: Office) -> None:
    """From the queue, from the bus, and as an order of a person."""
    await office.run()
    await office.settled(office.courier.launch(KEYED, "a", fields={"order": {"id": 7}}))
    (sent,) = await office.sent(1)
    await office.settled(office.courier.event("payment", id="m", order={"id": 7}))
    asked: list[int | None] = []
    kept = office.storage.kept_events

    async def spied(wait: Any, limit: int, after: tuple[float, int], digest: int | None) -> Any:
        asked.append(digest)
        return await kept(wait, limit, after, digest)

    office.storage.kept_events = spied
    await office.settled(office.courier.answer(sent))

    await office.until_true(lambda: "ended" in office.told("ended"))
    assert asked == [digest("order.id", "7")]


async def test_an_event_of_which_nobody_knows_what_is_in_it_is_found_all_the_same(office: Office) -> None:
    """An older version has stored it; the migration gave it the digest that fits all."""
    await office.run()
    await office.settled(office.courier.launch(KEYED, "a", fields={"order": {"id": 7}}))
    (sent,) = await office.sent(1)
    await office.settled(office.courier.event("payment", order={"id": 7}))
    (event,) = await office.storage.kept_events(WaitRow("a", "", 1, 1, "payment", "order.id", "7", 0.0), 9)
    office.storage._tables.event_keys.clear("event", event.number)
    keys = [("payment", ANY, event.accepted, event.number)]
    await office.storage.batch().commit(Writes(event_keys=keys))

    await office.settled(office.courier.answer(sent))

    await office.until_true(lambda: "ended" in office.told("ended"))
