"""Unique business keys (L83): among unfinished instances of a process, however they are started."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from courier import LAUNCHES, Office
from test_desk import ordered
from world import World

from bureaucrat.definition.reader import read
from bureaucrat.engine.orders import Deploy
from bureaucrat.errors import Refused, StaleVersion, StorageUnavailable
from bureaucrat.ports import InstanceQuery

ORDER = '<process name="order" key="order_id" unique="yes"><action participant="work"/></process>'
OTHER = '<process name="other" key="order_id" unique="yes"><action participant="work"/></process>'
SHORT = '<process name="order" key="order_id" unique="yes"/>'
CALLER = (
    '<process name="caller"><call process="order">'
    '<faults><case code="NotUnique"><exit outcome="twice"/></case></faults>'
    '<input><field name="order_id">1017</field></input></call></process>'
)
REASON = "order 1017 is unfinished already, and its key is unique: instance a"


def launch(office: Office, id: str, key: object = 1017, text: str = ORDER, **more: Any) -> Any:
    return office.courier.launch(text, id, fields={"order_id": key}, **more)


async def there(office: Office) -> dict[str, str | None]:
    """The instances, with their keys."""
    return {row.id: row.business_key for row in reversed(await office.storage.instances(InstanceQuery()))}


async def test_a_second_launch_is_a_dead_letter_with_the_reason_and_the_one_that_runs(office: Office) -> None:
    await office.run()
    first = launch(office, "a")
    await office.settled(first)
    second = launch(office, "b")

    await office.settled(second)
    await office.swept()

    assert (await there(office), second.settled) == ({"a": "1017"}, 1)
    assert await office.letters() == [(LAUNCHES, "b", REASON)]
    assert office.engine.figures.dead_letters == 1


async def test_of_two_launches_that_come_together_the_first_starts_and_their_neighbours_do_not_notice(
    office: Office,
) -> None:
    await office.run()
    handed = [launch(office, "a"), launch(office, "n"), launch(office, "b"), launch(office, "c", 1018)]
    handed += [launch(office, "d", text=OTHER), launch(office, "e", text=SHORT)]

    await office.settled(*handed)
    await office.sent(3)

    assert await there(office) == {"a": "1017", "c": "1018", "d": "1017"}
    assert await office.letters() == [(LAUNCHES, id, REASON) for id in "nbe"]
    assert [one.settled for one in handed] == [1] * 6


async def test_started_by_name_by_text_and_with_an_id_twice_it_is_started_once(office: Office) -> None:
    await office.run()
    await ordered(office, Deploy("bea", {"order.xml": ORDER}))
    by_name = json.dumps({"process": "order", "fields": {"order_id": "1017"}}).encode()

    await office.settled(office.courier.launch_body(None, by_name, "a"))
    twice = office.courier.launch_body(None, by_name, "a")
    await office.settled(twice, office.courier.launch_body(None, by_name, "b"), launch(office, "c"))

    assert await there(office) == {"a": "1017"}
    assert await office.letters() == [(LAUNCHES, "b", REASON), (LAUNCHES, "c", REASON)]


async def test_a_key_that_the_launch_names_counts_as_well(office: Office) -> None:
    await office.run()
    await office.settled(launch(office, "a"))

    await office.settled(launch(office, "b", 5, business_key="1017"))

    assert await office.letters() == [(LAUNCHES, "b", REASON)]


async def test_once_the_first_has_ended_the_key_is_free(office: Office) -> None:
    await office.run()
    await office.settled(launch(office, "a"))
    (sent,) = await office.sent(1)
    await office.settled(office.courier.answer(sent))

    await office.settled(launch(office, "b"))

    assert await there(office) == {"a": "1017", "b": "1017"}


async def test_a_refused_launch_may_be_canceled_without_harm(office: Office) -> None:
    await office.run()
    await office.settled(launch(office, "a"))
    refused, cancel = launch(office, "b"), office.courier.cancel("b")

    await office.settled(refused)
    office.clock.advance_to(office.clock.now() + 100)
    await office.swept()

    assert (await there(office), cancel.settled) == ({"a": "1017"}, 1)


@pytest.mark.parametrize(
    "failure",
    [
        ("before", StorageUnavailable("gone")),
        ("after", StorageUnavailable("who knows", unknown=True)),
        ("before", StaleVersion("changed")),
    ],
)
async def test_a_refusal_is_written_though_storage_fails(office: Office, failure: tuple[str, Exception]) -> None:
    await office.run()
    await office.settled(launch(office, "a"))
    await office.emptied("outbox")
    office.storage.failures = [None, failure]  # the first commit is the one that is refused

    second = launch(office, "b")
    await office.settled(second)

    assert (await there(office), second.settled) == ({"a": "1017"}, 1)
    assert await office.letters() == [(LAUNCHES, "b", REASON)]


async def test_a_call_is_told_by_a_fault_and_its_start_is_no_dead_letter(office: Office) -> None:
    await office.run()
    await ordered(office, Deploy("bea", {"order.xml": ORDER}))
    await office.settled(launch(office, "a"))

    await office.settled(office.courier.launch(CALLER, "c"))
    await office.until_true(lambda: office.told("ended"))
    await office.emptied("mailbox")

    row = await office.storage.instance("c")
    assert (row.status, row.outcome) == ("completed", "twice")
    assert (await office.letters(), len(await there(office))) == ([], 2)


async def test_a_called_instance_has_the_key_of_its_process(office: Office) -> None:
    await office.run()
    await ordered(office, Deploy("bea", {"order.xml": ORDER}))
    await office.settled(office.courier.launch(CALLER, "c"))
    await office.sent(1)

    await office.settled(launch(office, "b"))

    (called,) = [id for id in await there(office) if id != "c"]
    assert (await there(office))[called] == "1017"
    assert await office.letters() == [(LAUNCHES, "b", REASON.removesuffix("a") + called)]


async def test_a_key_stays_taken_over_a_restart(office: Office) -> None:
    await office.run()
    await office.settled(launch(office, "a"))
    await office.restart()

    await office.settled(launch(office, "b"))

    assert await office.letters() == [(LAUNCHES, "b", REASON)]


async def test_a_start_without_a_broker_is_refused(world: World) -> None:
    engine = await world.start()
    starts = [asyncio.ensure_future(engine.launch(read(ORDER), {"order_id": 1017}, id)) for id in "ab"]
    await asyncio.sleep(0)

    await engine.drain()

    running, refused = await asyncio.gather(*starts, return_exceptions=True)
    assert (running, type(refused), str(refused)) == ("running", Refused, REASON)
