"""Run processes in a test, with virtual time.

:class:`Simulation` is the real core and engine over memory adapters and a clock that the test moves: three weeks pass
in a millisecond. Nothing is mocked; a test drives one process and looks at what it did.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from ..clock import ManualClock
from ..core.activities import ParallelForeach
from ..core.activities.parallel import Forking
from ..core.durations import parse_duration
from ..core.instance import Copy, Instance
from ..core.messages import Cancel, Message, Migrate, Move, Resume, Retry, Set, Skip, Suspend, TimerFired
from ..core.table import Definition
from ..definition.reader import read
from ..engine.codec import add_loaded, add_remembered, decode, decode_instance
from ..engine.delivery import Birth, Delivery
from ..engine.engine import Engine
from ..engine.numbers import counted
from ..engine.settings import Settings
from ..engine.starts import business_key_of, start_of
from ..engine.writes import Progress
from ..functions import Functions
from ..ports import Due, IncidentRow, InstanceQuery, ScheduleRow, WaitRow
from ..storage.memory import MemoryStorage
from .desk import Desk, OpenAttempt
from .happened import told

START = 1_800_000_000.0  #: epoch seconds at which simulations begin (15 January 2027)
_LOOKS = (
    0.0005  #: seconds; the clock moves whenever the engine looks, so timers one after another are due that much later
)
DEFAULT_SETTINGS = Settings(history="full")


class Simulation:
    """One process definition, and instances of it, in virtual time.

    :param process: a path, the XML text, or a definition that was read. None: the first of `processes`.
    :param participants: functions by participant name, or a module with ``@participant`` functions or Celery tasks. An
        action of any other participant stays open until the test answers it.
    :param processes: processes that are registered, each as `process`: they can be called by name, and start by
        themselves as their ``<start>``s say. Of two with the same name the second is version 2.
    :param start: epoch seconds at which the simulation begins.
    :raises InvalidDefinition: with every problem of the document.
    """

    def __init__(
        self,
        process: str | Path | bytes | Definition | None = None,
        participants: object = None,
        *,
        processes: Iterable[str | Path | bytes | Definition] = (),
        start: float = START,
        settings: Settings = DEFAULT_SETTINGS,
    ) -> None:
        registered = [_read(one) for one in processes]
        self.definition = registered[0] if process is None else _read(process)
        self.clock = ManualClock(start)
        self.storage = MemoryStorage()
        self.trace: list[Progress] = []  #: what happened, in order, of every instance
        self.instance = ""  #: the instance launched last; what the methods mean without `instance=`
        self._settings = settings
        self._numbers = counted()
        self._functions = Functions.of(*([] if participants is None else [participants]))
        self._desk = Desk(self._functions)
        self._engine = self._new_engine()
        _drive(self.storage.open())
        _drive(self._engine.start())
        for definition in registered:
            self.deploy(definition)

    def _new_engine(self) -> Engine:
        return Engine(
            self.storage,
            self._desk,
            read=lambda text: read(text),
            clock=self.clock,
            numbers=self._numbers,
            settings=self._settings,
            observe=self.trace.extend,
        )

    # -- what happens

    def launch(self, fields: Mapping[str, Any] | None = None, *, instance: str | None = None) -> str:
        """Start an instance; returns its id.

        :raises Refused: required properties are missing, the fields are no JSON, or its unique key is taken.
        """
        self.instance = instance or uuid.uuid5(uuid.NAMESPACE_OID, str(self._numbers())).hex
        start = start_of(self.definition, dict(fields or {}), self._settings.limits)
        key = business_key_of(self.definition, start.fields, self.clock.now())
        self._engine.put(Delivery(self.instance, start, Birth(self.definition, key), reply=self._reply))
        self._settle()
        return self.instance

    def answer(self, activity: str, fields: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Answer the oldest open attempt of a participant, or of the activity with that id, name or address."""
        attempt = self.attempt(activity)
        self._desk.open.remove(attempt)
        self.answer_attempt(attempt, {**(fields or {}), **more})

    def answer_attempt(self, attempt: OpenAttempt, fields: Mapping[str, Any]) -> None:
        """Answer one attempt, open or not: late, twice, in any order."""
        self._desk.answer(attempt, fields)
        self._settle()

    def fail(self, activity: str, error: str = "it failed") -> None:
        """Answer ``error``: recoverable, tried again by the policy."""
        self.answer(activity, {"status": "error", "error": error})

    def throw(self, activity: str, code: str, message: str = "") -> None:
        """Answer ``critical``: throws the fault `code`."""
        self.answer(activity, {"status": "critical", "code": code, "error": message})

    def event(self, name: str, /, **body: Any) -> None:
        """Publish an event."""
        _drive(self._engine.event(name, body))
        self._settle()

    def advance(self, duration: float | str) -> None:
        """Let time pass (seconds, or ``"3d"``), with everything that falls due on the way."""
        until = self.clock.now() + _seconds(duration)
        while (due := self._next_due(until + _LOOKS)) is not None:
            self.clock.advance_to(due.at)
            if due.instance:
                self._put(due.instance, TimerFired(due.branch, due.at))
            else:
                _drive(self._engine.sweep())  # it finds what is due of the schedules
                self._settle()
        self.clock.advance_to(until)

    def _next_due(self, until: float) -> Due | None:
        """The branch whose timer fires next; without an instance: a tick comes first."""
        timers: list[Due] = _drive(self.storage.due(until, 1))
        ticks: list[ScheduleRow] = _drive(self.storage.due_schedules(until, 1))
        found = timers + [Due("", "", row.due) for row in ticks if row.due is not None]
        return min(found, key=lambda due: due.at, default=None)

    def restart(self, after: float | str = 0) -> None:
        """Stop the engine as if it were killed, and start another on the same storage, that much later."""
        self.clock.advance_to(self.clock.now() + _seconds(after))
        self._desk.open.clear()
        self._engine = self._new_engine()
        _drive(self._engine.start())
        self._settle()

    # -- what an operator does

    def deploy(self, process: str | Path | bytes | Definition, version: int | None = None) -> str:
        """Register a process, so that it can be called by its name; says which version it has become.

        :raises Refused: it has no name, or the version has other content.
        """
        definition = _read(process)
        (told,) = _drive(self._engine.registry.register({definition.file: definition}, "test", version))
        return str(told)

    def undeploy(self, name: str, version: int | None = None) -> list[str]:
        """Have nothing started any more by a name, or by one version of it.

        :raises Refused: there is none.
        """
        return list(_drive(self._engine.registry.retire(name, version)))

    def cancel(self, reason: str = "", *, compensate: bool = False) -> None:
        self._put(self.instance, Cancel(reason, compensate))

    def suspend(self, reason: str = "") -> None:
        self._put(self.instance, Suspend(reason))

    def resume(self, reason: str = "") -> None:
        self._put(self.instance, Resume(reason))

    def set(self, **fields: Any) -> None:
        self._put(self.instance, Set(fields))

    def retry(self, activity: str | None = None, /, **fields: Any) -> None:
        """Try the oldest open incident again, or that of the activity with that id, name or address."""
        if activity is None:
            incident = self.incidents()[0]
            branch, index = incident.branch, incident.activity
        else:
            branch, index = self.find(activity)
        self._put(self.instance, Retry(branch, index, fields))

    def skip(self, activity: str | None = None, /, **fields: Any) -> None:
        """Complete by hand: the oldest incident, or the activity with that id, name or address."""
        if activity is None:
            incident = self.incidents()[0]
            branch, index = incident.branch, incident.activity
        else:
            branch, index = self.find(activity)
        self._put(self.instance, Skip(branch, index, fields))

    def move(self, end: str, start: str) -> None:
        """End the activity with that id, name or address, and start another in its place.

        :raises Refused: the one cannot take the place of the other; says why.
        """
        branch, index = self.find(end)
        to = next(one.index for one in self.definition.activities if start in (one.id, one.name, one.tag))
        self._put(self.instance, Move(branch, index, to))

    def migrate(self, process: str | Path | bytes | Definition, plan: Mapping[str, str] | None = None) -> None:
        """Have the instance go on by another definition; instances that are launched later begin by it.

        :param plan: what becomes what, by ids and addresses, where it is not found without.
        :raises Refused: something active has no place there; says what, and why.
        """
        definition = _read(process)
        called = "new" if definition.file.startswith("<") else definition.file
        order = Migrate(definition.hash, definition.source, dict(plan or {}), called)
        self._put(self.instance, order)
        self.definition = definition

    def tell(self, message: Message, instance: str | None = None) -> None:
        """Give an instance any message of the core."""
        self._put(instance or self.instance, message)

    # -- what one sees

    @property
    def status(self) -> str:
        return self.record().status.value

    @property
    def outcome(self) -> str | None:
        return self.record().outcome

    @property
    def fields(self) -> dict[str, Any]:
        """The values of the process's own scope."""
        return dict(self.copy().branches[""].scopes[0].values)

    @property
    def open(self) -> list[OpenAttempt]:
        """Attempts that wait for an answer of the test."""
        waiting = {(row.instance, row.attempt) for row in _drive(self.storage.attempts(sys.maxsize))}
        return [one for one in self._desk.open if (one.instance, one.dispatch.attempt) in waiting]

    @property
    def sent(self) -> list[OpenAttempt]:
        """Every attempt that was dispatched."""
        return list(self._desk.sent)

    def attempt(self, activity: str) -> OpenAttempt:
        """The oldest open attempt of a participant, or of the activity with that id, name or address.

        One that the process has given up since (a timeout, a cancel) is found only if there is no other.
        """
        for attempt in chain(self.open, self._desk.open):
            if activity in self.names_of(attempt):
                return attempt
        raise AssertionError(f"no open attempt of {activity!r}\n{self.story()}")

    def names_of(self, attempt: OpenAttempt) -> tuple[str | None, ...]:
        """What an attempt answers to: its participant, its address, and its activity's id and name."""
        dispatch, index = attempt.dispatch, attempt.dispatch.activity
        if self.record(attempt.instance).migrations:  # it may be elsewhere now
            frames = chain.from_iterable(branch.frames for branch in self.copy(attempt.instance).branches.values())
            has_it = (one for one in frames if any(sent.number == dispatch.attempt for sent in one.attempts))
            index = next((one.activity for one in has_it), index)
        known = self.definition_of(attempt.instance).activities[index]
        short = dispatch.address.removeprefix(self.instance)
        return (dispatch.participant, known.id, known.name, dispatch.address, short)

    def record(self, instance: str | None = None) -> Instance:
        """The guard record of an instance."""
        row = _drive(self.storage.instance(instance or self.instance))
        assert row is not None, f"there is no instance {instance or self.instance}"
        return decode_instance(row)

    def copy(self, instance: str | None = None) -> Copy:
        """An instance as it is stored."""
        copy = Copy(self.record(instance))
        add_loaded(copy, _drive(self.storage.branches(copy.instance.id)))
        add_remembered(copy, _drive(self.storage.remembered(copy.instance.id, sys.maxsize)))
        return copy

    def incidents(self) -> list[IncidentRow]:
        """Open incidents of the instance, oldest first."""
        return list(_drive(self.storage.incidents(self.instance)))

    def waits(self, instance: str | None = None) -> list[WaitRow]:
        """What the instance's awaits wait for."""
        return list(_drive(self.storage.waits_of(instance or self.instance)))

    def instances(self) -> list[str]:
        """The ids of all instances, oldest first: what was launched, and what that has called."""
        rows = _drive(self.storage.instances(InstanceQuery(limit=sys.maxsize)))
        return [row.id for row in sorted(rows, key=lambda row: row.started)]

    def events_of(self, instance: str | None = None) -> Iterable[dict[str, Any]]:
        """The stored history, decoded."""
        for row in _drive(self.storage.history(instance or self.instance, 0, 1_000_000)):
            yield {"number": row.number, "at": row.at, "what": row.what, "detail": decode(row.detail)}

    def happened(self) -> list[str]:
        """What happened to the instance: what its history keeps for people, a line each."""
        entries = (entry for entry in self.trace if entry.instance == self.instance)
        lines = (told(self.definition, entry.what, entry.activity, entry.address, entry.detail) for entry in entries)
        return [line for line in lines if line is not None]

    def story(self) -> str:
        """What happened so far, a line each, and where it stands."""
        lines = [f"  {entry.what:<10} {self._label(entry)}" for entry in self.trace if entry.what != "started"]
        return "\n".join([*lines, f"  it is {self.status}; active: {', '.join(self.active()) or 'nothing'}"])

    def active(self) -> list[str]:
        """Labels of what is active and holds nothing active: id, else name, else participant, else tag."""
        branches = self.copy().branches.values()
        leaves = [self.definition.activities[branch.frames[-1].activity] for branch in branches if branch.frames]
        return [leaf.label for leaf in leaves if not isinstance(leaf, Forking | ParallelForeach)]

    def assert_ended(self, outcome: str | None = None) -> None:
        """Fail, with the story, unless the instance has completed (with that outcome)."""
        record = self.record()
        wanted = outcome or record.outcome
        assert (record.status, record.outcome) == ("completed", wanted), f"not so:\n{self.story()}"

    def assert_waiting(self, activity: str) -> None:
        """Fail, with the story, unless the activity with that label is active."""
        assert activity in self.active(), f"{activity} is not waiting:\n{self.story()}"

    def definition_of(self, instance: str) -> Definition:
        """What an instance runs."""
        row = _drive(self.storage.instance(instance))
        assert row is not None, f"there is no instance {instance}"
        known: Definition = _drive(self._engine.definitions.get(row.definition))
        return known

    def _label(self, entry: Progress) -> str:
        if entry.activity is None:
            return str(entry.detail)
        if self.record(entry.instance).definition != self.definition.hash:  # it was called
            return f"{entry.address}  {entry.detail or ''}"
        return f"{self.definition.activities[entry.activity].label}  {entry.detail or ''}"

    def find(self, activity: str) -> tuple[str, int]:
        """The branch and index of what is active under an id, name, tag or address."""
        for branch in self.copy().branches.values():
            for frame in reversed(branch.frames):
                known = self.definition.activities[frame.activity]
                address = self.definition.address("", branch.id, frame.activity)
                if activity in (known.id, known.name, known.tag, address, self.instance + address):
                    return branch.id, frame.activity
        raise AssertionError(f"{activity!r} is not active\n{self.story()}")

    def _put(self, instance: str, message: Message) -> None:
        self._engine.put(Delivery(instance, message, reply=self._reply))
        self._settle()

    def _reply(self, result: str | Exception) -> None:
        if isinstance(result, Exception):
            raise result

    def _settle(self) -> None:
        _drive(self._engine.drain())


def _read(process: str | Path | bytes | Definition) -> Definition:
    if isinstance(process, Definition):
        return process
    if isinstance(process, Path) or (isinstance(process, str) and not process.lstrip().startswith("<")):
        path = Path(process)
        return read(path.read_bytes(), file=str(path))
    return read(process)


def _seconds(duration: float | str) -> float:
    return parse_duration(duration) if isinstance(duration, str) else duration


def _drive(coroutine: Any) -> Any:
    """Run a coroutine that never waits for anything: memory adapters do not."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a memory adapter waited")
