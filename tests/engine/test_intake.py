"""What comes from the broker: every message has one end, and is settled once, after the commit of that."""

from __future__ import annotations

import asyncio
import threading
import uuid
from dataclasses import replace
from typing import Any

import pytest
from courier import LAUNCHES, MESSAGES, TIMERS, Office
from world import FaultyStorage

from bureaucrat import wire
from bureaucrat.core.limits import Limits
from bureaucrat.core.messages import Cancel, Resume, Suspend
from bureaucrat.definition.reader import read
from bureaucrat.engine.delivery import Birth, Delivery, Letter
from bureaucrat.engine.starts import start_of
from bureaucrat.errors import StaleVersion, StorageUnavailable
from bureaucrat.ports import InstanceQuery

ACTION = '<process name="p"><action participant="work"/></process>'
DELAY = '<process name="p"><delay duration="1000"/></process>'
AWAIT = '<process name="p"><await event="go" property="got"/></process>'


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


# -- launches


@pytest.mark.parametrize(
    ("wanted", "id"),
    [
        ("order-17", "order-17"),
        ("0199" + "f" * 28, "0199" + "f" * 28),
        ("order 17/2", uuid.uuid5(uuid.NAMESPACE_URL, "order 17/2").hex),
        ("ä_1", uuid.uuid5(uuid.NAMESPACE_URL, "ä_1").hex),
        ("../../etc/passwd", uuid.uuid5(uuid.NAMESPACE_URL, "../../etc/passwd").hex),
        ("x" * 65, uuid.uuid5(uuid.NAMESPACE_URL, "x" * 65).hex),
    ],
)
async def test_an_instance_has_the_id_that_its_launch_asks_for(office: Office, wanted: str, id: str) -> None:
    await office.run()

    await office.settled(office.courier.launch(DELAY, wanted))

    assert [row.id for row in await office.storage.instances(InstanceQuery())] == [id]


async def test_a_launch_without_an_id_starts_an_instance_with_an_id_of_ours(office: Office) -> None:
    await office.run()

    await office.settled(office.courier.launch(DELAY), office.courier.launch(DELAY))

    ids = [row.id for row in await office.storage.instances(InstanceQuery())]
    assert [len(id) for id in ids] == [32, 32]
    assert ids[0] != ids[1]


async def test_a_bare_definition_starts_an_instance(office: Office) -> None:
    """B-031: the body is the XML of a definition and nothing else."""
    await office.run()

    await office.settled(office.courier.launch_body(None, DELAY.encode(), "a"))

    assert await status(office) == "running"


async def test_a_launch_that_comes_a_hundred_times_starts_one_instance(office: Office) -> None:
    """C21."""
    await office.run()

    handed = [office.courier.launch(DELAY, "a") for _ in range(100)]
    await office.settled(*handed)
    again = office.courier.launch(DELAY, "a")
    await office.settled(again)

    assert office.told("launched") == ["launched"]
    assert [one.settled for one in (*handed, again)] == [1] * 101
    assert await office.letters() == []


REQUIRED = '<process name="p"><context><property name="who" type="str" required="yes"/></context></process>'
KEYED = (
    '<process name="p" key="=order"><context><property name="order" type="str"/></context>'
    '<delay duration="9"/></process>'
)


@pytest.mark.parametrize(
    ("text", "fields", "reason"),
    [
        (REQUIRED, {}, "process 'p' needs who; give every required property at the start"),
        (DELAY, {"x": "y" * 200}, "'x' has 202 bytes; a field may have 100"),
        (DELAY, {"x": "y" * 90, "z": "y" * 90}, "all fields have 184 bytes; they may have 150"),
        ('<process name="p"><nowhere/></process>', {}, None),
        ("no XML", {}, None),
        ('<!DOCTYPE p [<!ENTITY e "x">]><process name="p"/>', {}, None),
        (KEYED, {"order": [1]}, "the key of the process is no text or number but [1]"),
        (KEYED.replace("=order", "=nothing"), {}, None),
    ],
)
async def test_a_launch_that_cannot_start_is_a_dead_letter_with_the_reason(
    office: Office, text: str, fields: dict[str, Any], reason: str | None
) -> None:
    office.settings = replace(office.settings, limits=Limits(field_bytes=100, total_bytes=150))
    await office.run()

    handed = office.courier.launch(text, "a", fields=fields)
    await office.settled(handed)

    ((source, message_id, given),) = await office.letters()
    assert (source, message_id, handed.settled, await status(office)) == (LAUNCHES, "a", 1, None)
    assert given == reason or (reason is None and given)


async def test_a_launch_by_a_name_that_nobody_registered_is_a_dead_letter(office: Office) -> None:
    await office.run()

    await office.settled(office.courier.launch_body(None, b'{"process": "order"}', "a"))

    reason = "no process named 'order' is registered; deploy it"
    assert await office.letters() == [(LAUNCHES, "a", reason)]


@pytest.mark.parametrize(
    ("given", "key"), [({}, "o-1"), ({"business_key": "mine"}, "mine"), ({"fields": {"order": "o-2"}}, "o-2")]
)
async def test_the_business_key_is_the_one_given_or_else_the_definitions(
    office: Office, given: dict[str, Any], key: str
) -> None:
    await office.run()

    await office.settled(office.courier.launch(KEYED.replace('"str"/>', '"str">o-1</property>'), "a", **given))

    row = await office.storage.instance("a")
    assert row.business_key == key


async def test_a_large_definition_is_read_beside_the_loop_and_learned_on_it(office: Office) -> None:
    office.read, threads = reader_that_tells_its_thread()
    office.courier.learn = lambda participants, events: threads.append(threading.current_thread().name)
    text = '<process name="p">' + '<action participant="work"/>' * 200 + "</process>"
    await office.run()

    await office.settled(office.courier.launch(text, "a"))

    assert threads[0] != threading.main_thread().name
    assert threads[1:] == [threading.main_thread().name]


async def test_what_the_broker_delivers_again_waits_once(office: Office) -> None:
    """A connection that is lost now and then, while storage is away, does not fill the memory."""
    await office.run()
    office.storage.failures = [("before", StorageUnavailable("gone"))] * 20

    first = [office.courier.event("go", f"e{number}") for number in range(5)]
    await office.until_true(lambda: len(office.storage.failures) < 15)
    for one in first:
        one.is_obsolete = True
    again = [office.courier.event("go", f"e{number}") for number in range(5)]
    await office.settled(*again)

    assert [one.settled for one in first] == [0] * 5
    assert office.engine.figures.repeated == 0


async def test_large_messages_are_set_aside_a_few_at_a_time(office: Office) -> None:
    """Each is hashed and written: two hundred in one transaction would hold up everything else."""
    await office.run()

    await office.settled(*(office.courier.message(b"x" * (6 << 20), f"m{number}") for number in range(8)))

    assert [len(one.dead) for one in office.storage.commits if one.dead] == [3, 3, 2]


async def test_the_loop_goes_on_between_definitions_that_are_read_on_it(office: Office) -> None:
    """Two hundred of them in one go would stop heartbeats."""
    turns, seen = [0], list[int]()

    def read_it(text: str) -> Any:
        seen.append(turns[0])
        return read(text)

    async def turn() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    office.read = read_it
    await office.run()
    turning = asyncio.create_task(turn())

    await office.settled(*(office.courier.launch(f'<process name="p{n}"><exit/></process>') for n in range(20)))
    turning.cancel()

    assert len(set(seen)) == 20


def reader_that_tells_its_thread() -> tuple[Any, list[str]]:
    threads: list[str] = []

    def read_it(text: str) -> Any:
        threads.append(threading.current_thread().name)
        return read(text)

    return read_it, threads


# -- answers


async def test_an_answer_with_its_token_is_applied(office: Office) -> None:
    await waiting(office, ACTION)
    (sent,) = await office.sent(1)

    handed = office.courier.answer(sent, x=1)
    await office.settled(handed)

    assert (await status(office), handed.settled) == ("completed", 1)
    assert (await office.storage.branches("a")).values[-1].value == b"1"


async def test_one_answer_a_thousand_times_is_applied_once(office: Office) -> None:
    """C10: the first counts, the others are history."""
    await waiting(office, ACTION)
    (sent,) = await office.sent(1)

    handed = [office.courier.answer(sent, x=1) for _ in range(1_000)]
    await office.settled(*handed)

    assert {one.settled for one in handed} == {1}
    assert office.told("answered") == ["answered"]
    assert len(office.told("late")) == 999
    assert await office.letters() == []


async def test_of_two_answers_to_one_token_the_first_counts(office: Office) -> None:
    """C11."""
    await waiting(office, '<process name="p"><action participant="work"/><delay duration="9"/></process>')
    (sent,) = await office.sent(1)

    first, second = office.courier.answer(sent, x=1), office.courier.answer(sent, x=2)
    await office.settled(first, second)

    values = {row.name: row.value for row in (await office.storage.branches("a")).values}
    assert values == {"": b"{}", "x": b"1"}
    assert office.told("answered", "late") == ["answered", "late"]


async def test_an_answer_after_the_end_is_history(office: Office) -> None:
    """C8, C12."""
    await waiting(office, ACTION)
    (sent,) = await office.sent(1)
    await office.settled(office.courier.cancel("a"))

    handed = office.courier.answer(sent, x=1)
    await office.settled(handed)

    assert (await status(office), handed.settled, await office.letters()) == ("canceled", 1, [])
    assert office.told("late") == ["late"]


FORGED = "the token was not made by this engine; an answer sends back the header as it came"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token[:-5],
        lambda token: token.replace("a:1:", "a:2:"),
        lambda token: "nonsense",
        lambda token: ":::::",
        lambda token: "ä\ud800:1:1::x",
        lambda token: "a:1:1::",
    ],
)
async def test_an_answer_with_a_token_that_is_not_ours_is_a_dead_letter(office: Office, spoil: Any) -> None:
    """C9."""
    await waiting(office, ACTION)
    (sent,) = await office.sent(1)
    header = {**sent.body["header"], "token": spoil(sent.token)}
    content = wire.Response("a_0", header["token"], {"x": 1})

    handed = office.courier.hand_in(MESSAGES, lambda: content, b"body", "m1")
    await office.settled(handed)

    assert await office.letters() == [(MESSAGES, "m1", FORGED)]
    assert (office.engine.figures.forged, await status(office), handed.settled) == (1, "running", 1)


async def test_a_token_of_another_database_is_not_ours(office: Office) -> None:
    await waiting(office, ACTION)
    (sent,) = await office.sent(1)
    await office.die()
    office.storage = FaultyStorage()
    await waiting(office, ACTION)

    await office.settled(office.courier.answer(sent, x=1))

    assert [reason for _, _, reason in await office.letters()] == [FORGED]


async def test_an_answer_with_the_token_of_another_instance_is_a_dead_letter(office: Office) -> None:
    """C9."""
    await waiting(office, ACTION, "a")
    await office.settled(office.courier.launch(ACTION, "b"))
    first, second = await office.sent(2)
    header = {**first.body["header"], "token": second.token}

    handed = office.courier.message({"header": header, "fields": {"x": 1}})
    await office.settled(handed)

    reason = "the token is of another instance than the target a_0; an answer sends back the header as it came"
    assert [reason for _, _, reason in await office.letters()] == [reason]
    assert (await status(office, "a"), await status(office, "b")) == ("running", "running")
    assert office.engine.figures.forged == 1


async def test_an_answer_without_a_token_is_for_the_one_attempt_at_its_address(office: Office) -> None:
    await waiting(office, ACTION)

    handed = office.courier.untokened("a_0", x=1)
    await office.settled(handed)

    assert (await status(office), handed.settled) == ("completed", 1)


async def test_an_answer_without_a_token_is_refused_where_tokens_are_asked_for(office: Office) -> None:
    office.settings = replace(office.settings, accept_untokened=False)
    await waiting(office, ACTION)

    await office.settled(office.courier.untokened("a_0", x=1))

    reason = "the answer has no token, and [bureaucrat] accept_untokened is off"
    assert await office.letters() == [(MESSAGES, "", reason)]
    assert await status(office) == "running"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("nobody_0", "there is no instance nobody"),
        ("a_7", "the process 'p' has no activity at a_7"),
        ("a_0_0_0", "the process 'p' has no activity at a_0_0_0"),
        ("a_x", "the process 'p' has no activity at a_x"),
        ("etc", "there is no instance etc"),
    ],
)
async def test_an_answer_for_an_address_that_does_not_exist_is_a_dead_letter(
    office: Office, target: str, reason: str
) -> None:
    await waiting(office, ACTION)

    await office.settled(office.courier.untokened(target, x=1))

    assert await office.letters() == [(MESSAGES, "", reason)]


async def test_an_answer_without_a_token_where_nothing_waits_is_history(office: Office) -> None:
    text = '<process name="p"><action participant="work"/><delay duration="9"/><action participant="x"/></process>'
    await waiting(office, text)
    await office.settled(office.courier.untokened("a_0", x=1))

    handed = [office.courier.untokened(target, x=2) for target in ("a_0", "a_1", "a_2", "a")]
    await office.settled(*handed)

    assert office.told("late") == ["late"] * 4
    assert await office.letters() == []


# -- cancels and old timers


async def test_a_cancel_ends_its_instance_and_says_why(office: Office) -> None:
    """B-096."""
    await waiting(office)

    await office.settled(office.courier.cancel("a", "wrong order"))

    assert await status(office) == "canceled"
    entries = [entry.detail for entry in office.progress if entry.what == "canceled" and "reason" in entry.detail]
    assert entries == [{"reason": "wrong order"}]


async def test_a_client_may_want_what_was_done_compensated(office: Office) -> None:
    text = (
        '<process name="p"><assign property="x">1<compensation><delay duration="9"/></compensation></assign>'
        '<delay duration="1000"/></process>'
    )
    await waiting(office, text)

    await office.settled(office.courier.message(wire.encode_terminate("a", "ill", compensate=True)[1], "m1"))

    assert await status(office) == "compensating"


async def test_a_cancel_of_an_ended_instance_is_ignored(office: Office) -> None:
    """C8."""
    await waiting(office)

    handed = [office.courier.cancel("a"), office.courier.cancel("a")]
    await office.settled(*handed)

    assert (await status(office), await office.letters()) == ("canceled", [])


async def test_a_cancel_of_an_activity_is_a_dead_letter(office: Office) -> None:
    await waiting(office)

    await office.settled(office.courier.cancel("a_0"))

    reason = "a_0 is an activity; only a whole instance can be canceled from outside"
    assert await office.letters() == [(MESSAGES, "", reason)]
    assert await status(office) == "running"


async def test_a_cancel_that_comes_before_its_launch_waits_for_it(office: Office) -> None:
    await office.run()
    cancel = office.courier.cancel("a")
    await office.swept()
    before = cancel.settled

    launch = office.courier.launch(DELAY, "a")
    await office.settled(launch, cancel)

    assert (before, cancel.settled, await status(office)) == (0, 1, "canceled")
    assert await office.letters() == []


async def test_a_cancel_whose_launch_never_comes_is_a_dead_letter_after_a_while(office: Office) -> None:
    """C7."""
    await office.run()
    cancel = office.courier.message(wire.encode_terminate("a")[1], "m1")
    await office.swept(3)
    office.clock.advance_to(1_059.0)
    await office.swept(3)
    before = cancel.settled

    office.clock.advance_to(1_061.0)
    await office.settled(cancel)
    await office.swept()

    assert (before, cancel.settled) == (0, 1)
    assert await office.letters() == [(MESSAGES, "m1", "there is no instance a")]


async def test_cancels_without_instances_hold_up_nobody(office: Office) -> None:
    await office.run()

    strangers = [office.courier.cancel(f"nobody{number}") for number in range(100)]
    await office.until_true(lambda: sum(one.settled for one in strangers) >= 50)
    await office.settled(office.courier.launch(DELAY, "a"))

    assert sum(not one.settled for one in strangers) <= 50


async def test_a_launch_counts_though_a_cancel_came_before_it_in_its_batch(office: Office) -> None:
    engine = await office.start()
    definition = engine.definitions.read(DELAY)
    start = start_of(definition, {}, office.settings.limits)

    engine.put(Delivery("a", Cancel(), letter=Letter(MESSAGES, b"cancel", "m1")))
    engine.put(Delivery("a", start, Birth(definition)))
    await engine.drain()

    assert await status(office) == "running"
    assert await office.letters() == [(MESSAGES, "m1", "there is no instance a")]


async def test_an_old_timer_ends_a_delay(office: Office) -> None:
    """B-044."""
    await waiting(office)

    handed = office.courier.old_timer("a_0", 1_500.0)
    await office.settled(handed)
    before = await status(office)
    office.clock.advance_to(1_501.0)
    await office.until_true(lambda: office.told("ended"))

    assert (before, await status(office), handed.settled) == ("running", "completed", 1)


@pytest.mark.parametrize("instant", [999.0, 0, -5])
async def test_an_old_timer_in_the_past_fires_now(office: Office, instant: float) -> None:
    """C22."""
    await waiting(office)

    await office.settled(office.courier.old_timer("a_0", instant))
    await office.until_true(lambda: office.told("ended"))

    assert await status(office) == "completed"


async def test_a_timeout_message_ends_a_delay_at_once(office: Office) -> None:
    await waiting(office)

    handed = office.courier.message({"name": "timeout", "target": "a_0", "origin": "", "payload": {}})
    await office.settled(handed)
    await office.until_true(lambda: office.told("ended"))

    assert await status(office) == "completed"


async def test_an_old_timer_lets_another_activity_time_out(office: Office) -> None:
    await waiting(office, ACTION)

    await office.settled(office.courier.old_timer("a_0", 0))
    await office.until_true(lambda: office.told("incident"))

    (incident,) = await office.storage.incidents("a")
    assert (incident.kind, incident.code) == ("fault", "Timeout")


async def test_an_old_timer_for_an_activity_between_two_attempts_is_ignored(office: Office) -> None:
    await waiting(office, '<process name="p"><action participant="work" retries="3" delay="100"/></process>')
    (sent,) = await office.sent(1)
    await office.settled(office.courier.answer(sent, status="error", error="busy"))

    handed = office.courier.old_timer("a_0", 0)
    await office.settled(handed)
    await office.swept()

    assert (await status(office), handed.settled) == ("running", 1)
    assert await office.storage.incidents("a") == []


async def test_an_old_timer_of_a_suspended_instance_fires_when_it_goes_on(office: Office) -> None:
    await waiting(office)
    await office.engine.tell("a", Suspend())

    await office.settled(office.courier.old_timer("a_0", 0))
    await office.swept()
    before = await status(office)
    await office.engine.tell("a", Resume())
    await office.until_true(lambda: office.told("ended"))

    assert (before, await status(office)) == ("suspended", "completed")


@pytest.mark.parametrize(
    ("target", "reason"),
    [("nobody_0", "there is no instance nobody"), ("a_7", "the process 'p' has no activity at a_7")],
)
async def test_an_old_timer_for_an_unknown_target_is_a_dead_letter(office: Office, target: str, reason: str) -> None:
    await waiting(office)

    await office.settled(office.courier.old_timer(target, 5_000.0))

    assert await office.letters() == [(TIMERS, "", reason)]


async def test_an_old_timer_for_an_activity_that_is_over_is_ignored(office: Office) -> None:
    await waiting(office, '<process name="p"><action participant="work"/><delay duration="9"/></process>')
    await office.settled(office.courier.untokened("a_0"))

    handed = office.courier.old_timer("a_0", 0)
    await office.settled(handed)

    assert (await status(office), await office.letters()) == ("running", [])


# -- events


async def test_an_event_wakes_whoever_waits_for_it(office: Office) -> None:
    """B-040."""
    await waiting(office, AWAIT)

    handed = office.courier.event("go", "e1", n=1)
    await office.settled(handed)
    await office.until_true(lambda: office.told("ended"))

    values = {row.name: row.value for row in (await office.storage.branches("a")).values}
    assert (values["got"], handed.settled) == (b'{"n":1}', 1)


async def test_an_event_with_an_id_counts_once_and_holds_up_nobody_in_its_chunk(office: Office) -> None:
    await office.run()

    ids = ["e1", "e2", "e1", "e3", "e2", "e1"]
    handed = [office.courier.event("go", id) for id in ids]
    handed.append(office.courier.message(b"nonsense", "m1"))
    await office.settled(*handed)
    later = office.courier.event("go", "e3")
    await office.settled(later)

    events = office.storage._tables.events.find("key")
    assert [row.id for row in events] == ["e1", "e2", "e3"]
    assert [one.settled for one in (*handed, later)] == [1] * 8
    assert office.engine.figures.repeated == 4
    assert [id for _, id, _ in await office.letters()] == ["m1"]


async def test_an_event_without_an_id_counts_each_time(office: Office) -> None:
    await office.run()

    await office.settled(*(office.courier.event("go", n=1) for _ in range(3)))

    events = office.storage._tables.events.find("key")
    assert [(row.name, row.body) for row in events] == [("go", b'{"n":1}')] * 3
    assert len({row.id for row in events}) == 3
    assert office.engine.figures.unidentified == 3


async def test_a_signal_goes_to_the_bus_and_its_echo_is_dropped(office: Office) -> None:
    await waiting(office, '<process name="p"><signal event="go"/></process>')
    await office.until_true(office.courier.signals)
    (signal,) = office.courier.signals()

    echo = office.courier.bus(signal)
    await office.settled(echo)

    assert [row.name for row in office.storage._tables.events.find("key")] == ["go"]
    assert echo.settled == 1


async def test_a_signal_of_another_database_is_an_event(office: Office) -> None:
    await waiting(office, '<process name="p"><signal event="go"/></process>')
    await office.until_true(office.courier.signals)
    (signal,) = office.courier.signals()
    await office.die()
    office.storage = FaultyStorage()
    await office.run()

    await office.settled(office.courier.bus(signal), office.courier.bus(signal))

    (event,) = office.storage._tables.events.find("key")
    origin = signal.properties.headers["bureaucrat-origin"]
    assert (event.name, event.id) == ("go", signal.properties.message_id)
    assert event.id.startswith(origin)


# -- questions


async def test_whoever_asks_for_an_unknown_instance_is_told_so(office: Office) -> None:
    await office.run()

    await office.settled(office.courier.ask("a", "me", "17"))

    assert office.courier.replies == [("me", "17", {"instance": "a", "known": False, "dead": None})]


async def test_whoever_asks_for_a_launch_that_failed_is_told_why(office: Office) -> None:
    await office.run()
    await office.settled(office.courier.launch(REQUIRED, "a"))

    await office.settled(office.courier.ask("a"))

    ((_, _, answer),) = office.courier.replies
    reason = "process 'p' needs who; give every required property at the start"
    assert answer == {"instance": "a", "known": False, "dead": reason}


async def test_whoever_asks_is_told_where_an_instance_stands(office: Office) -> None:
    await waiting(office, KEYED)

    await office.settled(office.courier.ask("a"))

    ((_, _, answer),) = office.courier.replies
    assert answer["started"] == pytest.approx(1_000.0, abs=1)
    assert {**answer, "started": 0} == {
        "instance": "a",
        "known": True,
        "process": "p",
        "business_key": "",
        "status": "running",
        "outcome": None,
        "started": 0,
        "ended": None,
        "fields": {"order": ""},
        "fault": None,
        "incidents": [],
    }


async def asked(office: Office) -> dict[str, Any]:
    """What is answered about the instance, without the times."""
    await office.settled(office.courier.ask("a"))
    ((_, _, answer),) = office.courier.replies
    names = ("status", "outcome", "fields", "fault", "incidents")
    return {name: answer[name] for name in names} | {"has_ended": answer["ended"] is not None}


async def test_whoever_asks_for_an_ended_instance_is_told_its_fields(office: Office) -> None:
    await waiting(office, ACTION)
    await office.settled(office.courier.answer((await office.sent(1))[0], x=[1]))

    assert await asked(office) == {
        "status": "completed",
        "outcome": "completed",
        "fields": {"x": [1]},
        "fault": None,
        "incidents": [],
        "has_ended": True,
    }


async def test_whoever_asks_for_a_faulted_instance_is_told_its_incidents(office: Office) -> None:
    await waiting(office, ACTION)
    (sent,) = await office.sent(1)
    await office.settled(office.courier.answer(sent, status="critical", code="Broken", error="no paper"))

    answer = await asked(office)

    (incident,) = answer["incidents"]
    opened = incident.pop("opened")
    assert incident == {"address": "a_0", "kind": "fault", "code": "Broken", "message": "no paper"}
    assert (answer["status"], answer["has_ended"], 1_000 < opened < 1_001) == ("faulted", False, True)
