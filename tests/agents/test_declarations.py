"""Signals, queues and marks of methods, as they are declared (M-001…M-014, M-023, M-042, M-043, M-050, M-051)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from back_ends import new_name

import bureaucrat.agents
from bureaucrat.agents import (
    MicroAgent,
    Queue,
    Signal,
    consumer,
    cron,
    load_queues,
    load_signals,
    load_stuff,
    on,
    periodic,
    receiver,
)
from bureaucrat.agents.bus import SerializingError as NoSignal
from bureaucrat.agents.queue import Consumer, QueueNotFound
from bureaucrat.agents.queue import SerializingError as NoMessage
from bureaucrat.agents.signal import Receiver, SignalNotFound
from bureaucrat.agents.tools.mocks import BrokerMock, BusMock


def declared(folder: Path, **given: Any) -> str:
    """The address of a file of declarations."""
    path = folder / "signals.json"
    path.write_text(json.dumps({"version": 2, **given}))
    return f"file://{path}"


# -- files


def test_signals_and_queues_are_read_from_one_file(tmp_path: Path) -> None:
    """M-010, M-011, M-012, M-013."""
    plain, typed, queue, bound = (new_name() for _ in range(4))
    types = {"uuid": "string", "code": ["number", "null"], "flag": "boolean", "ids": "array", "more": "object"}
    source = declared(
        tmp_path,
        signals=[{"name": plain, "providing_args": ["user_id"]}, {"name": typed, "providing_args": types}],
        queues=[{"name": queue}, {"name": bound, "exchange": "pushed", "topics": ["*.ios"]}],
    )

    signals, queues = load_stuff(source)

    assert getattr(signals, plain) == Signal(plain, ["user_id"])
    given = {"uuid": (str,), "code": (int, type(None)), "flag": (bool,), "ids": (list,), "more": (dict,)}
    assert getattr(signals, typed) == Signal(typed, list(types), given)
    assert getattr(queues, queue) == Queue(queue)
    assert getattr(queues, bound) == Queue(bound, "pushed", ["*.ios"])


def test_what_is_loaded_is_a_tuple_of_everything_that_is_registered(tmp_path: Path) -> None:
    """M-008, M-009, M-042, M-050."""
    before, signal = Signal(new_name(), []), new_name()
    queue = new_name()

    signals = load_signals(declared(tmp_path, signals=[{"name": signal, "providing_args": []}]))
    queues = load_queues(declared(tmp_path, queues=[{"name": queue}]))

    assert getattr(signals, before.name) is before
    assert isinstance(signals, tuple)
    assert isinstance(queues, tuple)
    assert Signal.get(signal) is Signal.get_all()[signal]
    assert Queue.get(queue) is Queue.get_all()[queue]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A server of the web with one file."""
    body = json.dumps({"signals": [{"name": "from_the_web", "providing_args": []}]}).encode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/signals.json"
    server.shutdown()
    thread.join()
    server.server_close()


def test_declarations_are_read_from_the_web(web: str) -> None:
    """M-008."""
    assert load_signals(web).from_the_web == Signal("from_the_web", [])


def test_names_of_events_with_dots_are_attributes_with_underscores(tmp_path: Path) -> None:
    """Events of processes are called so."""
    signals = load_signals(declared(tmp_path, signals=[{"name": "order.paid-twice", "providing_args": []}]))

    assert signals.order_paid_twice.name == "order.paid-twice"
    assert Signal.get("order_paid_twice") is signals.order_paid_twice


class Shouting:
    """A module that writes JSON."""

    @staticmethod
    def dumps(data: Any) -> bytes:
        return json.dumps(data).upper().encode()

    loads = staticmethod(json.loads)


def test_another_module_reads_and_writes_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M-012."""
    monkeypatch.setitem(__import__("sys").modules, "shouting", Shouting)
    name = new_name()

    signals, queues = load_stuff(
        declared(tmp_path, jsonlib="shouting", signals=[{"name": name, "providing_args": []}], queues=[{"name": name}])
    )

    try:
        assert getattr(signals, name).serialize({"a": "b"}) == '{"A": "B"}'
        assert getattr(queues, name).serialize({"a": "b"}) == '{"A": "B"}'
    finally:
        Signal.set_jsonlib(json)
        Queue.set_jsonlib(json)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is no JSON: Expecting property name"),
        ("[]", "is no object; write"),
        ('{"signals": {}}', "signals is no list"),
        ('{"signals": [{"providing_args": []}]}', r"signals\[0\] has no name"),
        ('{"queues": [{"name": "a"}, "b"]}', r"queues\[1\] has no name"),
        (
            '{"signals": [{"name": "a", "providing_args": {"n": "float"}}]}',
            r"signals\[0\]\.n is a float; there are string, number, object, array, boolean, null",
        ),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "signals.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=complaint) as error:
        load_stuff(f"file://{path}")
    assert str(error.value).startswith(f"file://{path}")


def test_a_source_that_is_none_says_what_to_write() -> None:
    with pytest.raises(ValueError, match=r"signals\.json: write file://PATH, or an address that begins with http"):
        load_signals("signals.json")
    with pytest.raises(ValueError, match=r"file:///nowhere/at/all cannot be read: .*No such file"):
        load_signals("file:///nowhere/at/all")


# -- signals and queues


def test_a_signal_has_a_channel_for_each_sender_and_a_pattern_for_all() -> None:
    """M-042."""
    signal = Signal("user_created", ["user_id"])

    assert signal.make_channel_name("PREF", "user_agent") == "PREF:user_created:user_agent"
    assert signal.make_channel_name("PREF") == "PREF:user_created:*"


def test_arguments_and_messages_go_through_json() -> None:
    """M-042, M-044, M-050."""
    signal, queue = Signal(new_name(), []), Queue(new_name())

    assert signal.deserialize(signal.serialize({"n": [1, None]})) == {"n": [1, None]}
    assert queue.deserialize(queue.serialize({"n": 1}).encode()) == {"n": 1}
    with pytest.raises(NoSignal, match=f"signal {signal.name} cannot be sent"):
        signal.serialize({"n": object()})
    with pytest.raises(NoSignal, match=f"signal {signal.name} is no JSON"):
        signal.deserialize("n")
    with pytest.raises(NoSignal, match=f"signal {signal.name} is a list, not an object"):
        signal.deserialize("[]")
    with pytest.raises(NoMessage, match=f"a message of queue {queue.name} is no JSON"):
        queue.deserialize("n")


def test_a_name_that_is_not_registered_is_refused() -> None:
    """M-042, M-044, M-050."""
    with pytest.raises(SignalNotFound, match="no signal 'never' is declared"):
        Signal.get("never")
    with pytest.raises(QueueNotFound, match="no queue 'never' is declared"):
        Queue.get("never")


@pytest.mark.parametrize(
    ("value", "types", "is_good"),
    [
        (1, (int,), True),
        (True, (int,), False),
        (True, (bool,), True),
        (1, (bool,), False),
        (1.5, (int,), False),
        (None, (int, type(None)), True),
        ("a", (str,), True),
        ([], (list,), True),
        ({}, (list, dict), True),
    ],
)
def test_types_of_arguments_are_those_of_json(value: Any, types: tuple[type, ...], is_good: bool) -> None:
    """M-013, M-040."""
    assert (Signal(new_name(), ["n"], {"n": types}).complaints({"n": value}) == []) is is_good


# -- marks of methods

SIGNAL, QUEUE = Signal("declared_signal", []), Queue("declared_queue")


class Parent(MicroAgent):
    @on("pre_start")
    def prepare(self) -> None:
        """It is called first."""

    @periodic(5, timeout=4)
    async def again(self) -> None:
        """It is called again and again."""

    @cron("0 */4 * * *", timeout=3)
    async def scheduled(self) -> None:
        """It is called by a schedule."""

    @receiver(SIGNAL, timeout=2)
    async def hear(self, **_: Any) -> None:
        """It hears."""

    @consumer(QUEUE, 30, dict, "obj", prefetch=5)
    async def take(self, **_: Any) -> None:
        """It takes."""


def described(agent: MicroAgent) -> dict[str, Any]:
    return {name: value for name, value in agent.info().items() if name not in ("bus", "broker")}


def test_decorators_have_the_documented_parameters() -> None:
    """M-001, M-002, M-003, M-004, M-016, M-026, M-027, M-043, M-051."""
    agent = Parent(BusMock(), BrokerMock())

    periodic_task, cron_task = agent.periodic_tasks[0], agent.cron_tasks[0]
    assert (periodic_task.period, periodic_task.timeout, periodic_task.start_after) == (5, 4, 0)
    assert (cron_task.cron.spec, cron_task.timeout) == ("0 */4 * * *", 3)
    assert agent.receivers == [Receiver(agent, agent.hear, SIGNAL, 2)]
    assert agent.receivers[0].key == "Parent.hear"
    assert agent.consumers == [Consumer(agent, agent.take, QUEUE, 30, {"prefetch": 5}, dict, "obj")]
    assert agent.hook.by_label["pre_start"] == [agent.prepare]


def test_what_a_class_declares_its_subclasses_have_and_may_override_and_take_away() -> None:
    """M-023."""

    class Child(Parent):
        async def again(self) -> None:
            """The period is the parent's."""

        @cron("@daily")
        async def scheduled(self) -> None:
            """The schedule is its own."""

        hear = None  # type: ignore[assignment]

    agent = Child(BusMock(), BrokerMock())

    assert described(agent) == {
        "name": "Child",
        "periodic": [{"name": "again", "period": 5}],
        "cron": [{"name": "scheduled", "cron": "0 0 * * *"}],
        "receivers": [],
        "consumers": [{"name": "Child.take", "queue": "declared_queue"}],
        "participants": [],
    }
    assert agent.periodic_tasks[0].handler == agent.again


def test_one_method_may_have_several_marks() -> None:
    class Both(MicroAgent):
        @receiver(SIGNAL)
        @periodic(10)
        async def work(self, **_: Any) -> None:
            """Called by both."""

    assert described(Both(bus=BusMock()))["periodic"] == [{"name": "work", "period": 10}]
    assert described(Both(bus=BusMock()))["receivers"] == [{"name": "Both.work", "signal": "declared_signal"}]


@pytest.mark.parametrize(
    "declare",
    [
        lambda: periodic(0.001),
        lambda: periodic(1, timeout=0.001),
        lambda: periodic(1, start_after=-1),
        lambda: cron("* * * * *", timeout=0),
    ],
)
def test_seconds_that_are_none_are_refused(declare: Any) -> None:
    """M-001, M-002."""
    with pytest.raises(AssertionError, match="must be"):
        declare()


def test_a_moment_that_there_is_not_is_refused() -> None:
    """M-005."""
    with pytest.raises(AssertionError, match=r"^Bad label$"):
        on("pre_lunch")


def test_the_documented_names_are_there() -> None:
    """M-014."""
    names = (
        "Signal Queue MicroAgent ServerInterrupt receiver consumer periodic cron on load_stuff load_signals load_queues"
    )

    assert set(names.split()) <= set(bureaucrat.agents.__all__)
