"""What signals and queues carry, on every server (M-006, M-007, M-030…M-053)."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

import pytest
from back_ends import BackEnd, new_name, until, until_true

from bureaucrat.agents import MicroAgent, Queue, Signal, consumer, receiver
from bureaucrat.agents.broker import BoundQueue, QueueException, QueueNotFound
from bureaucrat.agents.bus import BoundSignal, SignalNotFound

Heard = list[tuple[Any, ...]]


def hearing(signal: Signal, heard: Heard, answer: Any = None, **options: Any) -> type[MicroAgent]:
    """An agent that keeps what it hears."""

    class Hearing(MicroAgent):
        @receiver(signal, **options)
        async def hear(self, signal: Signal, sender: str, **data: Any) -> Any:
            heard.append((signal.name, sender, data))
            return answer

    return Hearing


def taking(queue: Queue, taken: list[Any], **options: Any) -> type[MicroAgent]:
    """An agent that keeps what it takes."""

    class Taking(MicroAgent):
        @consumer(queue, **options)
        async def take(self, **data: Any) -> None:
            for given in ("amqp", "kafka"):
                data.pop(given, None)
            taken.append(data)

    return Taking


# -- signals


async def test_a_signal_reaches_every_receiver_with_its_name_sender_and_arguments(back_end: BackEnd) -> None:
    """M-003, M-006, M-032, M-036."""
    signal, heard = Signal(new_name(), ["user_id", "tags"]), []
    agents = [hearing(signal, heard)(bus=back_end.bus()), hearing(signal, heard)(bus=back_end.bus())]
    for agent in agents:
        await agent.start()

    bound = getattr(back_end.bus(), signal.name)
    await bound.send("user_agent", user_id=1, tags=["ä", None])

    await until(lambda: len(heard) == 2)
    assert isinstance(bound, BoundSignal)
    assert heard == [(signal.name, "user_agent", {"user_id": 1, "tags": ["ä", None]})] * 2


async def test_one_handler_hears_several_signals_and_two_handlers_one_signal(back_end: BackEnd) -> None:
    """M-003."""
    first, second, heard = Signal(new_name(), []), Signal(new_name(), []), []

    class Two(MicroAgent):
        @receiver(first, second)
        async def both(self, signal: Signal, **_: Any) -> None:
            heard.append(("both", signal.name))

        @receiver(second)
        async def one(self, signal: Signal, **_: Any) -> None:
            heard.append(("one", signal.name))

    bus = back_end.bus()
    await Two(bus=bus).start()

    await getattr(bus, first.name).send("here")
    await until(lambda: len(heard) == 1)
    await getattr(bus, second.name).send("here")

    await until(lambda: len(heard) == 3)
    assert heard[0] == ("both", first.name)
    assert sorted(heard[1:]) == [("both", second.name), ("one", second.name)]


async def test_projects_with_other_prefixes_do_not_hear_each_other(back_end: BackEnd) -> None:
    """M-030, M-042."""
    signal, ours, theirs = Signal(new_name(), ["n"]), [], []
    await hearing(signal, ours)(bus=back_end.bus(prefix="OURS")).start()
    await hearing(signal, theirs)(bus=back_end.bus(prefix="THEIRS")).start()

    await getattr(back_end.bus(prefix="OURS"), signal.name).send("us", n=1)
    await getattr(back_end.bus(prefix="THEIRS"), signal.name).send("them", n=2)

    await until(lambda: ours and theirs)
    assert ours == [(signal.name, "us", {"n": 1})]
    assert theirs == [(signal.name, "them", {"n": 2})]


@pytest.mark.parametrize("answer", [7, "text", None, {"list": [1]}])
async def test_a_call_has_the_first_answer_by_class_and_method(back_end: BackEnd, answer: Any) -> None:
    """M-037, M-039, M-043; and any JSON, not only numbers and texts."""
    signal = Signal(new_name(), ["user_id"])
    await hearing(signal, [], answer)(bus=back_end.bus()).start()

    found = await getattr(back_end.bus(), signal.name).call("user_agent", user_id=1)

    assert found == {"Hearing.hear": answer}


async def test_a_call_that_nobody_hears_returns_at_once(back_end: BackEnd) -> None:
    """A defect of the original: it waited for the whole timeout."""
    signal = Signal(new_name(), [])

    async with asyncio.timeout(20):
        assert await getattr(back_end.bus(), signal.name).call("user_agent", timeout=600) == {}


async def test_a_call_is_over_when_its_time_is_over(back_end: BackEnd) -> None:
    """M-037."""
    signal, never = Signal(new_name(), []), asyncio.Event()

    class Slow(MicroAgent):
        @receiver(signal)
        async def hear(self, **_: Any) -> None:
            await never.wait()

    await Slow(bus=back_end.bus()).start()

    assert await getattr(back_end.bus(), signal.name).call("user_agent", timeout=0.05) == {}


async def test_a_receiver_that_fails_or_is_late_answers_nothing_at_once_and_is_logged(
    back_end: BackEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """M-003, M-006, and a defect of the original: the caller waited for the whole timeout."""
    signal, never = Signal(new_name(), ["how"]), asyncio.Event()

    class Bad(MicroAgent):
        @receiver(signal, timeout=0.05)
        async def hear(self, how: str, **_: Any) -> None:
            if how == "late":
                await never.wait()
            raise ZeroDivisionError("by nothing")

    await Bad(bus=back_end.bus()).start()
    bound = getattr(back_end.bus(), signal.name)

    async with asyncio.timeout(20):
        assert await bound.call("me", timeout=600, how="late") == {"Bad.hear": None}
        assert await bound.call("me", timeout=600, how="broken") == {"Bad.hear": None}
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert logged == [
        f"Bad.hear: receiving {signal.name} from me took more than 0.05 s",
        f"Bad.hear: receiving {signal.name} from me failed",
    ]


async def test_an_answer_that_is_no_json_is_none(back_end: BackEnd, caplog: pytest.LogCaptureFixture) -> None:
    """M-039."""
    signal = Signal(new_name(), [])
    await hearing(signal, [], {1, 2})(bus=back_end.bus()).start()

    assert await getattr(back_end.bus(), signal.name).call("me") == {"Hearing.hear": None}
    assert "Hearing.hear: its answer is null" in caplog.text


async def test_a_waiter_has_every_answer(back_end: BackEnd) -> None:
    """M-033, M-038."""
    signal = Signal(new_name(), [])
    for answer in (1, 2, 3):
        await hearing(signal, [], answer)(bus=back_end.bus()).start()
    found = []

    async with getattr(back_end.bus(), signal.name).waiter("me", timeout=60) as queue:
        async for each in queue:
            found.append(each["Hearing.hear"])
            if len(found) == 3:
                break

    assert sorted(found) == [1, 2, 3]


async def test_a_waiter_ends_by_itself_when_its_time_is_over(back_end: BackEnd) -> None:
    """M-038."""
    signal = Signal(new_name(), [])
    await hearing(signal, [], 1)(bus=back_end.bus()).start()

    async with getattr(back_end.bus(), signal.name).waiter("me", timeout=0.3) as queue:
        assert [each async for each in queue] == [{"Hearing.hear": 1}]


async def test_arguments_that_are_not_as_declared_are_a_warning_and_delivered(
    back_end: BackEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """M-040, M-041: on sending and on receiving."""
    signal, heard = Signal(new_name(), ["code", "flag"], {"code": (int, type(None)), "flag": (bool,)}), []
    await hearing(signal, heard)(bus=back_end.bus()).start()

    await getattr(back_end.bus(), signal.name).send("me", code="7", more=1)

    await until(lambda: heard)
    assert heard == [(signal.name, "me", {"code": "7", "more": 1})]
    wrong = "without flag; with more, not declared; code is a str, declared int or null"
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
        f"{signal.name} is sent {wrong}",
        f"{signal.name} received {wrong}",
    ]


async def test_a_raw_message_that_is_none_is_logged_and_the_next_one_heard(
    back_end: BackEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """M-034."""
    signal, heard = Signal(new_name(), []), []
    bus = back_end.bus()
    await hearing(signal, heard)(bus=bus).start()

    bus.receiver(f"PUBSUB:{signal.name}:me", "[no object]")
    bus.receiver("nonsense", "{}")
    bus.receiver("PUBSUB:nobody_has_declared_it:me", "{}")
    bus.receiver(f"PUBSUB:{signal.name}:me", "{}")

    await until(lambda: heard)
    assert [record.getMessage()[:40] for record in caplog.records] == [
        f"a message of PUBSUB:{signal.name}:me is passed over: "[:40],
        "a message of nonsense is passed over: 'n",
        "a message of PUBSUB:nobody_has_declared_",
    ]


async def test_a_signal_that_was_not_declared_is_no_attribute(back_end: BackEnd) -> None:
    """M-035, M-044."""
    with pytest.raises(SignalNotFound, match="no signal 'nobody_has_declared_it' is declared; declare it in the file"):
        _ = back_end.bus().nobody_has_declared_it


async def test_an_agent_that_stopped_hears_nothing_and_others_do(back_end: BackEnd) -> None:
    """M-020."""
    signal, first, second = Signal(new_name(), ["n"]), [], []
    bus = back_end.bus()
    stopping, staying = hearing(signal, first)(bus=bus), hearing(signal, second)(bus=bus)
    await stopping.start()
    await staying.start()

    await stopping.stop()
    await getattr(bus, signal.name).send("me", n=1)

    await until(lambda: second)
    assert first == []
    await staying.stop()
    assert bus.receivers == {}


# -- queues


async def test_each_message_of_a_queue_is_taken_once_as_keyword_arguments(back_end: BackEnd) -> None:
    """M-004, M-007, M-046, M-049."""
    queue, first, second = Queue(new_name()), [], []
    for taken in (first, second):
        await taking(queue, taken, prefetch=1)(broker=back_end.broker()).start()
    bound = getattr(back_end.broker(), queue.name)

    for number in range(20):
        await bound.send({"n": number, "text": "ä"})

    await until(lambda: len(first) + len(second) == 20)
    assert isinstance(bound, BoundQueue)
    assert sorted(each["n"] for each in first + second) == list(range(20))
    assert all(each["text"] == "ä" for each in first + second)


async def test_messages_wait_for_a_consumer_and_can_be_counted(back_end: BackEnd) -> None:
    """M-046, M-049."""
    queue, taken = Queue(new_name()), []
    bound = getattr(back_end.broker(), queue.name)
    assert await bound.length() == 0

    for number in range(3):
        await bound.send({"n": number})
    await until_true(lambda: _is(bound.length(), 3))
    await taking(queue, taken)(broker=back_end.broker()).start()

    await until(lambda: len(taken) == 3)
    assert sorted(each["n"] for each in taken) == [0, 1, 2]
    await until_true(lambda: _is(bound.length(), 0))


async def _is(length: Any, wanted: int) -> bool:
    return bool(await length == wanted)


@dataclass
class Mail:
    email: str
    text: str = "none"


@pytest.mark.parametrize(("name", "given"), [(None, "dto"), ("mail", "mail")])
async def test_a_dto_is_made_of_the_message_and_given_beside_it(
    back_end: BackEnd, name: str | None, given: str
) -> None:
    """M-007, M-048."""
    queue, taken = Queue(new_name()), []
    await taking(queue, taken, dto_class=Mail, dto_name=name)(broker=back_end.broker()).start()

    await getattr(back_end.broker(), queue.name).send({"email": "a@b"})

    await until(lambda: taken)
    assert taken == [{"email": "a@b", given: Mail("a@b")}]


async def test_a_second_consumer_of_a_queue_is_passed_over_with_a_warning(
    back_end: BackEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """M-004."""
    queue, first, second = Queue(new_name()), [], []
    broker = back_end.broker()
    await taking(queue, first)(broker=broker).start()
    await taking(queue, second)(broker=broker).start()

    await getattr(broker, queue.name).send({"n": 1})

    await until(lambda: first)
    assert (first, second) == ([{"n": 1}], [])
    assert f"Taking.take is not bound: queue {queue.name} is already binded to Taking.take" in caplog.text


async def test_a_queue_that_was_not_declared_is_no_attribute(back_end: BackEnd) -> None:
    """M-050."""
    with pytest.raises(QueueNotFound, match="no queue 'nobody_has_declared_it' is declared; declare it in the file"):
        _ = back_end.broker().nobody_has_declared_it


async def test_what_is_no_json_is_not_sent(back_end: BackEnd) -> None:
    """M-050."""
    queue = Queue(new_name())

    with pytest.raises(QueueException, match=f"a message of queue {queue.name} cannot be sent: Object of type set"):
        await getattr(back_end.broker(), queue.name).send({"n": {1}})


# -- what becomes of messages whose consumer fails


def failing(queue: Queue, tries: list[int], *, good_from: int = 99, **options: Any) -> type[MicroAgent]:
    """An agent that fails until it was called often enough."""

    class Failing(MicroAgent):
        @consumer(queue, **options)
        async def take(self, n: int, **_: Any) -> None:
            tries.append(n)
            if len(tries) < good_from:
                raise ValueError("not yet")

    return Failing


async def test_a_message_is_tried_again_with_growing_pauses_and_then_set_aside(
    back_end: BackEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """M-053, M-056: the default, the original's three attempts; nothing is lost after them."""
    queue, tries = Queue(new_name()), []
    broker = back_end.broker()
    await failing(queue, tries, backoff=0.01)(broker=broker).start()

    await getattr(broker, queue.name).send({"n": 1})

    await until_true(lambda: _is(broker.queue_length(queue.name + ".dead"), 1))
    assert tries == [1, 1, 1]
    where = f"Failing.take: a message of {queue.name} failed"
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        f"{where} (attempt 1): ValueError: not yet; again in 0.01 s",
        f"{where} (attempt 2): ValueError: not yet; again in 0.04 s",
        f"{where} (attempt 3): ValueError: not yet; set aside in {queue.name}.dead",
    ]
    assert await broker.queue_length(queue.name) == 0


@pytest.mark.parametrize(
    ("options", "good_from", "tries", "dead"),
    [
        ({"on_error": "retry", "attempts": 5, "backoff": 0.001}, 4, 4, 0),
        ({"on_error": "retry", "attempts": 1}, 99, 1, 1),
        ({"on_error": "requeue"}, 2, 2, 0),
        ({"on_error": "dead_letter"}, 99, 1, 1),
        ({"on_error": "drop"}, 99, 1, 0),
    ],
)
async def test_each_policy_does_what_it_says(
    back_end: BackEnd, options: dict[str, Any], good_from: int, tries: int, dead: int
) -> None:
    queue, tried, broker = Queue(new_name()), [], back_end.broker()
    await failing(queue, tried, good_from=good_from, **options)(broker=broker).start()

    await getattr(broker, queue.name).send({"n": 1})

    await until(lambda: len(tried) == tries)
    await until_true(lambda: _is(broker.queue_length(queue.name + ".dead"), dead))
    await until_true(lambda: _is(broker.queue_length(queue.name), 0))
    assert len(tried) == tries


async def test_a_consumer_that_is_late_or_lacks_an_argument_has_failed(
    back_end: BackEnd, caplog: pytest.LogCaptureFixture
) -> None:
    """M-056: a message was left for good in the original."""
    queue, never, broker = Queue(new_name()), asyncio.Event(), back_end.broker()

    class Late(MicroAgent):
        @consumer(queue, timeout=0.05, on_error="dead_letter")
        async def take(self, n: int, **_: Any) -> None:
            await never.wait()

    await Late(broker=broker).start()

    await getattr(broker, queue.name).send({"n": 1})
    await until_true(lambda: _is(broker.queue_length(queue.name + ".dead"), 1))
    await getattr(broker, queue.name).send({"m": 1})
    await until_true(lambda: _is(broker.queue_length(queue.name + ".dead"), 2))

    assert "failed (attempt 1): it took more than 0.05 s; set aside" in caplog.text
    assert "missing 1 required positional argument: 'n'" in caplog.text


@pytest.mark.parametrize("raw", ["not JSON", "[1]", '{"n": '])
async def test_a_message_that_cannot_be_read_is_set_aside_and_the_next_one_taken(back_end: BackEnd, raw: str) -> None:
    """M-048: whatever the policy; to try again is in vain."""
    queue, taken, broker = Queue(new_name()), [], back_end.broker()
    await taking(queue, taken, on_error="requeue")(broker=broker).start()

    await broker.send(queue.name, raw)
    await broker.send(queue.name, json.dumps({"n": 1}))

    await until(lambda: taken)
    assert taken == [{"n": 1}]
    await until_true(lambda: _is(broker.queue_length(queue.name + ".dead"), 1))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"on_error": "ignore"}, "on_error='ignore'; write one of retry, requeue, dead_letter, drop"),
        ({"attempts": 0}, "attempts=0; write a whole number from 1 on"),
        ({"prefetch": "many"}, "prefetch='many'; write a whole number from 1 on"),
    ],
)
async def test_options_that_cannot_be_read_are_refused(back_end: BackEnd, options: dict[str, Any], text: str) -> None:
    agent = taking(Queue(new_name()), [], **options)(broker=back_end.broker())

    with pytest.raises(QueueException, match=f"Taking.take: {text}"):
        await agent.start()


async def test_what_is_at_work_when_an_agent_stops_is_finished_and_the_rest_waits(back_end: BackEnd) -> None:
    """M-020."""
    queue, begun, go_on, done = Queue(new_name()), asyncio.Event(), asyncio.Event(), []

    class Slow(MicroAgent):
        @consumer(queue, prefetch=1)
        async def take(self, n: int, **_: Any) -> None:
            begun.set()
            await go_on.wait()
            done.append(n)

    agent = Slow(broker=back_end.broker())
    await agent.start()
    bound = getattr(back_end.broker(), queue.name)
    await bound.send({"n": 1})
    await begun.wait()
    stopping = asyncio.create_task(agent.stop())
    await bound.send({"n": 2})
    go_on.set()
    await stopping

    assert done == [1]
    await until_true(lambda: _is(bound.length(), 1))


async def test_what_is_not_finished_in_time_goes_back_into_the_queue(back_end: BackEnd) -> None:
    queue, begun, never, taken = Queue(new_name()), asyncio.Event(), asyncio.Event(), []

    class Stuck(MicroAgent):
        @consumer(queue)
        async def take(self, n: int, **_: Any) -> None:
            begun.set()
            await never.wait()

    broker = back_end.broker()
    agent = Stuck(broker=broker)
    await agent.start()
    await getattr(broker, queue.name).send({"n": 1})
    await begun.wait()

    await broker.unbind_agent(agent, grace=0.0)
    await taking(queue, taken)(broker=back_end.broker()).start()

    await until(lambda: taken)
    assert taken == [{"n": 1}]
