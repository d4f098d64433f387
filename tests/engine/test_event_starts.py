"""Events start instances, once each (L81)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from courier import Office
from test_desk import ordered

from bureaucrat.core.messages import Start
from bureaucrat.engine.codec import decode_message
from bureaucrat.engine.orders import Deploy, Happened, Undeploy
from bureaucrat.errors import StorageUnavailable
from bureaucrat.ports import InstanceQuery

PLACED = (
    '<process name="n" key="order"><start event="placed"/><await event="placed" since="start" key="order"/></process>'
)
UNIQUE = '<process name="n" key="order" unique="yes"><start event="placed"/><delay duration="1h"/></process>'


async def deployed(office: Office, *texts: str, number: int = 800) -> None:
    await office.run()
    row = await ordered(
        office, Deploy("bea", {f"{place}.xml": text for place, text in enumerate(texts)}), number=number
    )
    assert row.outcome == "done", row.answer


def id_of(event: str, process: str = "n") -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{event}/{process}").hex


async def there(office: Office) -> dict[str, str]:
    await office.swept()
    return {row.id: row.status for row in await office.storage.instances(InstanceQuery())}


async def test_an_event_starts_once_however_often_it_comes(office: Office) -> None:
    await deployed(office, PLACED)

    for _ in range(2):
        await office.settled(office.courier.event("placed", "event-1", order=1017))

    assert await there(office) == {id_of("event-1"): "running"}
    (row,) = await office.storage.instances(InstanceQuery())
    assert (row.process, row.business_key) == ("n", "1017")
    assert await office.letters() == []


async def test_the_instance_that_an_event_started_never_consumes_it_even_if_clocks_disagree(office: Office) -> None:
    """The wait looks back to the start of the instance, which another daemon's clock may put before the event."""
    await deployed(office, PLACED)
    await office.settled(office.courier.event("placed", "event-1", order=1017))
    await office.swept()
    (wait,) = await office.storage.waits_of(id_of("event-1"))
    (event,) = await office.storage.kept_events(replace(wait, instance="other", since=0.0), 9)

    kept = await office.storage.kept_events(replace(wait, since=0.0), 9)

    assert kept == []
    assert await office.storage.woken(event.number, [wait.instance]) == {wait.instance}
    assert await office.storage.woken_by(event.number) == [(wait.instance, "", 0)]


async def test_a_broker_is_asked_for_the_events_that_start_something(office: Office) -> None:
    await deployed(office, PLACED, '<process name="m"><start event="paid"/><start event="sent"/></process>')
    before = [events for _, events in office.courier.learned]

    await office.restart()

    assert before == [["placed"], ["paid", "sent"]]
    assert sorted(events for _, events in office.courier.learned[2:]) == [["paid", "sent"], ["placed"]]


async def test_after_a_restart_no_broker_is_asked_for_what_starts_nothing_any_more(office: Office) -> None:
    await deployed(office, PLACED)
    await ordered(office, Undeploy("bea", "n"))

    await office.restart()

    assert len(office.courier.learned) == 1


@pytest.mark.parametrize(
    "failure", [("before", StorageUnavailable("x")), ("after", StorageUnavailable("x", unknown=True))]
)
async def test_an_offer_that_fails_is_made_again_and_starts_one(office: Office, failure: Any) -> None:
    await deployed(office, PLACED)
    office.storage.failures = [None, failure]  # the event is stored, and then offered

    await office.settled(office.courier.event("placed", "event-1", order=1017))

    assert await there(office) == {id_of("event-1"): "running"}


async def test_an_event_whose_instance_would_be_a_second_one_is_a_dead_letter_that_says_which_is_the_first(
    office: Office,
) -> None:
    await deployed(office, UNIQUE, '<process name="z"><start event="placed"/></process>')
    await office.settled(office.courier.event("placed", "event-1", order=1017))
    await office.swept()

    await office.settled(office.courier.event("placed", "event-2", order=1017, more=[1]))

    assert sorted((await there(office)).items()) == sorted(
        [(id_of("event-1"), "running"), (id_of("event-1", "z"), "completed"), (id_of("event-2", "z"), "completed")]
    )
    (letter,) = await office.storage.dead_letters()
    reason = f"n 1017 is unfinished already, and its key is unique: instance {id_of('event-1')}"
    assert (letter.source, letter.message_id, letter.reason) == ("engine", id_of("event-2"), reason)
    assert decode_message(letter.body) == Start({"order": 1017, "more": [1]})


async def test_an_event_that_does_not_give_what_is_required_is_a_dead_letter(office: Office) -> None:
    required = '<context><property name="order" type="int" required="yes"/></context>'
    await deployed(office, f'<process name="n"><start event="placed"/>{required}</process>')

    await office.settled(office.courier.event("placed", "event-1", amount=5))

    assert await there(office) == {}
    reason = (
        "the event placed (event-1) starts no instance of n: "
        "process 'n' needs order; give every required property at the start"
    )
    assert await office.letters() == [("engine", id_of("event-1"), reason)]


async def test_a_process_whose_definition_is_gone_makes_a_dead_letter_and_hinders_no_other(office: Office) -> None:
    await deployed(office, PLACED, '<process name="z"><start event="placed"/></process>')
    row = await office.storage.registered("n")
    office.storage._tables.definitions.remove((row.definition,))
    await office.restart()

    await office.settled(office.courier.event("placed", "event-1", order=1017))

    assert await there(office) == {id_of("event-1", "z"): "completed"}
    (letter,) = await office.letters()
    assert letter[2].startswith("the event placed (event-1) starts no instance of n: the definition ")


async def test_an_event_that_a_person_reports_starts_too(office: Office) -> None:
    await deployed(office, PLACED)

    await ordered(office, Happened("bea", "placed", {"order": 1}, "mine"))

    assert await there(office) == {id_of("mine"): "running"}


async def test_an_event_without_id_starts_by_its_number(office: Office) -> None:
    await deployed(office, PLACED)

    await office.settled(office.courier.event("placed", order=1), office.courier.event("placed", order=2))

    assert list((await there(office)).values()) == ["running", "running"]
