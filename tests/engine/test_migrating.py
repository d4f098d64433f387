"""An instance goes on by another definition (L112): one order, one transaction, and what comes still finds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from courier import Office
from world import World

from bureaucrat.core.messages import Answer, Migrate, Resume, Suspend
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.engine.bounds import Bound, Bounds
from bureaucrat.engine.codec import decode, encode_message
from bureaucrat.engine.delivery import Birth, Delivery
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.orders import Order
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.starts import start_of
from bureaucrat.errors import Refused, StaleVersion, UnknownInstance
from bureaucrat.ports import IncidentRow, MailRow, WaitRow

ACTION = '<action id="a" participant="work"/>'
WAIT = '<await id="w" event="go"><condition>event["x"] == 2</condition></await>'
REST = '<assign id="s" property="y">1 / 0</assign>'


def process(body: str) -> Definition:
    return read(f'<process name="p">{body}</process>')


OLD = process(f'<all id="y">{ACTION}{WAIT}{REST}</all>')
NEW = process(f'<delay id="d" duration="1h"/><all id="y">{REST}{WAIT}<delay id="e" duration="1h"/>{ACTION}</all>')


def migrate(to: Definition, **more: Any) -> Migrate:
    return Migrate(to.hash, to.source, called="p@2", **more)


async def started(world: World) -> Engine:
    """An engine whose attempts the test answers."""
    engine = await world.start()
    world.transport.serves = lambda participant: True
    world.transport.send = lambda dispatch, instance: None
    return engine


async def launched(world: World, definition: Definition = OLD, **fields: Any) -> None:
    engine = world.engine or await started(world)
    start = start_of(definition, fields, world.settings.limits)
    engine.put(Delivery("i", start, Birth(definition)))
    await engine.drain()


async def told(world: World, *messages: Any) -> list[str | Exception]:
    """What came of messages that were put in together."""
    answers: list[str | Exception] = []
    for message in messages:
        world.engine.put(Delivery("i", message, reply=answers.append))
    await world.engine.drain()
    return answers


async def test_an_order_changes_everything_in_one_transaction_and_is_kept(world: World) -> None:
    await launched(world)
    await world.engine.event("go", {"x": 1})
    await world.engine.drain()
    before, (wait,) = len(world.storage.commits), await world.storage.waits_of("i")
    (incident,) = await world.storage.incidents("i")
    order = Order("bea@desk", migrate(NEW, reason="ticket 5521", who="bea@desk"))

    await world.storage.post(MailRow(77, "i", encode_message(order), 1.0))
    await world.engine.sweep()
    await world.engine.drain()

    assert len(world.storage.commits) == before + 1
    row, audit = await world.storage.instance("i"), await world.storage.audit(77)
    assert row is not None
    assert audit is not None
    assert (row.definition, row.status) == (NEW.hash, "faulted")
    assert (audit.who, audit.command, audit.outcome, audit.reason) == ("bea@desk", "migrate", "done", "ticket 5521")
    assert decode(audit.detail)["text"] == ""
    stored = await world.storage.definition(NEW.hash)
    assert stored is not None
    assert stored.source == NEW.source
    w, s = NEW.ids["w"], NEW.ids["s"]
    assert await world.storage.waits_of("i") == [
        WaitRow("i", "_1_1", w, wait.activation, "go", "", "", wait.since, fresh=False)
    ]
    kept = IncidentRow("i", 1, "_1_0", s, "i_1_0", incident.kind, incident.code, incident.message, incident.opened)
    assert await world.storage.incidents("i") == [kept]
    assert world.engine.figures.incidents == 1
    assert await world.storage.mail(10) == []


async def test_an_event_that_was_offered_is_not_offered_again_and_the_next_one_is(world: World) -> None:
    await launched(world, process(ACTION + WAIT))
    await told(world, Answer("", 1, 1, {}))
    await world.engine.event("go", {"x": 1})
    await world.engine.drain()

    await told(world, migrate(process(WAIT + ACTION)))
    waits = world.storage.commits[-1].waits
    await world.engine.event("go", {"x": 2})
    await world.engine.drain()

    assert [wait.fresh for wait in waits] == [False]
    assert world.told("completed", "dispatched") == ["dispatched", "completed", "completed", "dispatched"]


async def test_a_migration_is_alone_in_its_batch_and_in_its_turn(world: World) -> None:
    await launched(world, process(ACTION + WAIT))
    before = len(world.storage.commits)

    answers = await told(world, Suspend(), Resume(), migrate(process(f"{ACTION}<exit/>")), Suspend(), Resume())

    assert answers == ["running"] * 5
    assert [len(writes.history) for writes in world.storage.commits[before:]] == [4, 2, 4]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (Migrate("f00d"), "the definition f00d is not in the database; was a backup restored in part?"),
        (Migrate("f00d", NEW.source), "the definition that was sent along is not f00d"),
        (Migrate("f00d", "<process/>x"), "<definition>:1: a definition ends with </process>"),
        (migrate(OLD), "p: it runs p@2 already"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(world: World, order: Migrate, reason: str) -> None:
    await launched(world)
    before = await world.storage.instance("i")

    (answer,) = await told(world, order)

    assert isinstance(answer, Refused)
    assert reason in str(answer)
    after = await world.storage.instance("i")
    assert before is not None
    assert after is not None
    assert (after.definition, after.status) == (before.definition, before.status)
    assert await world.storage.definition(NEW.hash) is None


async def test_nobody_is_migrated_who_is_not_there_or_has_ended(world: World) -> None:
    await started(world)

    (nobody,) = await told(world, migrate(NEW))
    await launched(world, process("<exit/>"))
    (ended,) = await told(world, migrate(NEW))

    assert isinstance(nobody, UnknownInstance)
    assert str(ended) == "the instance is completed"


async def test_a_migration_is_done_again_if_the_instance_was_changed_elsewhere(world: World) -> None:
    await launched(world)
    world.storage.failures.append(("before", StaleVersion("changed")))

    answers = await told(world, migrate(NEW))

    row = await world.storage.instance("i")
    assert row is not None
    assert (answers, row.definition) == (["faulted"], NEW.hash)


@pytest.mark.parametrize("whole", [0, 64])
async def test_what_was_asked_for_before_completes_whatever_it_was_asked_for(world: World, whole: int) -> None:
    world.settings = Settings(history="full", sweep=0.0, load_whole=whole)
    loop = '<foreach id="f" select="=range(20)" parallel="yes"><action id="a" participant="work"/></foreach>'
    await launched(world, process(loop))
    await told(
        world, migrate(process(f'<delay id="d" duration="1h"/><sequence id="q">{loop}<exit outcome="all"/></sequence>'))
    )
    await started(world)

    answers = await told(world, *(Answer(f"_0.{number}", 2, number) for number in range(20, 0, -1)))

    row = await world.storage.instance("i")
    assert row is not None
    assert (row.status, row.outcome) == ("completed", "all")
    assert len(answers) == 20


async def test_a_token_is_good_for_an_answer_after_a_migration_and_a_restart(office: Office) -> None:
    await office.run()
    await office.settled(office.courier.launch(process(f'{ACTION}<action participant="end"/>').source, "i"))
    (sent,) = await office.sent(1)
    await office.engine.tell("i", migrate(process(f'<delay duration="1h"/>{ACTION}<action participant="end"/>')))
    await office.restart()

    again = office.courier.answer(sent, x=1)
    twice = office.courier.answer(sent, x=2)
    await office.settled(again, twice)
    (end,) = await office.sent(1, "end")

    assert end.body["fields"]["x"] == 1
    assert end.token != sent.token


async def test_who_knows_no_token_answers_at_the_new_address(office: Office) -> None:
    await office.run()
    await office.settled(office.courier.launch(process(f'{ACTION}<action participant="end"/>').source, "i"))
    await office.engine.tell("i", migrate(process(f'<delay duration="1h"/>{ACTION}<action participant="end"/>')))

    await office.settled(office.courier.untokened("i_0", x=1), office.courier.untokened("i_1", x=2))

    (end,) = await office.sent(1, "end")
    assert end.body["fields"]["x"] == 2


async def test_queues_and_events_of_the_new_definition_are_made_known(office: Office) -> None:
    await office.run()
    await office.settled(office.courier.launch(process(ACTION).source, "i"))

    await office.engine.tell("i", migrate(process(f'{ACTION}<action participant="new"/><await event="news"/>')))

    assert office.courier.learned[-1] == (["new", "work"], ["news"])


async def test_a_participant_has_no_more_attempts_than_it_may_have_after_a_migration(office: Office) -> None:
    office.settings = replace(office.settings, bounds=Bounds((("work", Bound(2)),), "worker:"))
    await office.run()
    loop = '<foreach id="f" select="=range(4)" parallel="yes"><action id="a" participant="work"/></foreach>'
    await office.settled(office.courier.launch(process(loop).source, "i"))
    first, second = await office.sent(2)

    await office.engine.tell("i", migrate(process(f'<delay id="d" duration="1h"/>{loop}<action participant="end"/>')))
    in_flight = office.engine.figures.in_flight["work"]
    await office.settled(office.courier.answer(first), office.courier.answer(second))
    third, fourth = (await office.sent(4))[2:]
    await office.settled(office.courier.answer(third), office.courier.answer(fourth))

    assert in_flight == 2
    assert len(await office.sent(1, "end")) == 1
    assert office.engine.figures.in_flight["work"] == 0
