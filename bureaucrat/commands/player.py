"""Brings a simulation, call by call, to do what an instance has done.

Rules: every call is made before it is written down, so what is written can be done; time passes as in the history, in
whole milliseconds that a person can read or, where that is too coarse, to the instants that were recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, floor
from typing import Any

from ..core.instance import Frame
from ..core.messages import (
    Answer,
    Cancel,
    Ended,
    Message,
    Offer,
    Resume,
    Retry,
    Set,
    Skip,
    Suspend,
    TimerFired,
)
from ..core.states import State
from ..engine.codec import decode
from ..errors import Refused
from ..testing import OpenAttempt, Simulation, told
from .family import Family, Member
from .scenario import Call, answering, simulated
from .wording import iso

_LATE = 0.000_1  #: seconds within which a timer that is fired by hand is due


class Diverged(Exception):
    """The simulation is not where the history was; the text says how."""


class Player:
    """A simulation of an instance, and the calls that were made.

    :param start: epoch seconds of the launch.
    :param is_exact: the instants that were recorded, and timers fired as late as they were.
    """

    def __init__(self, stored: Family, start: float, *, is_exact: bool = False) -> None:
        self.stored = stored
        self.main = stored.members[0]
        self.calls: list[Call] = []
        self.simulation = Simulation(self.main.source, start=start, settings=simulated(stored.answer_timeout))
        for source, version in stored.others:
            self.simulation.deploy(source, version)
        self.start = start
        self._ids = {self.main.row.id: self.main.row.id}
        self._events: set[int] = set()
        self._is_exact = is_exact
        self._now = start

    def play(self, call: Call) -> None:
        """Make a call.

        :raises Diverged: it cannot be made.
        """
        try:
            call.play(self.simulation)
        except (Refused, AssertionError) as error:
            raise Diverged(f"{call.line()} is refused: {str(error).splitlines()[0]}") from error
        self.calls.append(call)

    def launch(self, fields: Mapping[str, Any], comment: str = "") -> None:
        """Start the instance, under its own id."""
        self.play(Call("launch", (dict(fields),), {"instance": self.main.row.id}, comment))

    def until(self, instant: float, *, is_end: bool = False) -> None:
        """Let time pass.

        :param is_end: rather a millisecond more than one less.
        """
        comment = _clock(instant)
        if self._is_exact:
            if instant > self._now:
                self.play(Call("clock.advance_to", (instant,), comment=comment))
                self._now = instant
            return
        milliseconds = (instant - self._now) * 1000
        wait = (ceil(milliseconds) if is_end else floor(milliseconds)) / 1000
        if wait > 0:
            self.play(Call("advance", (wait,), comment=comment))
            self._now += wait

    @property
    def expected(self) -> list[str]:
        """What the history tells of the instance, in the words of a test."""
        return lines_of(self.main)

    def lines(self, instance: str, member: Member) -> list[str]:
        """What has happened to one instance of the simulation, in the same words."""
        entries = [entry for entry in self.simulation.trace if entry.instance == instance]
        found = (told(member.definition, one.what, one.activity, one.address, one.detail) for one in entries)
        return [line for line in found if line is not None]

    def is_timer(self, message: Message) -> bool:
        """Whether it comes by itself, with the time."""
        return isinstance(message, TimerFired) and not self._is_exact

    # -- messages

    def take(self, member: Member, message: Message, comment: str = "") -> None:
        """Have an instance take a message.

        :raises Diverged: it cannot.
        """
        match message:
            case Answer():
                self._answer(member, message, comment)
            case Offer():
                self._offer(member, message, comment)
            case Ended():
                self._ended(member, message)
            case TimerFired() if not self._is_exact:
                pass  # it comes with the time
            case TimerFired() if member is not self.main:
                self.play(Call("advance", (0,)))
            case TimerFired():
                self.play(Call("tell", (TimerFired(message.branch, self._now + _LATE),)))
            case _ if member is not self.main:
                self._command(Call("tell", (message,), comment=comment, whose=self._place(member)))
            case _:
                self._command(self._named(message, comment))

    def _command(self, call: Call) -> None:
        """What a person asked; what is refused now was refused then, or else the story shows it."""
        try:
            call.play(self.simulation)
        except Refused:
            return
        except AssertionError as error:
            raise Diverged(f"{call.line()} cannot be done: {str(error).splitlines()[0]}") from error
        self.calls.append(call)

    def _ended(self, member: Member, message: Ended) -> None:
        """The end of a called instance that is not stored, or was never made; if it is not known yet."""
        frame = self.frame(member, message.branch, message.activity)
        if frame is not None and frame.activation == message.activation and frame.state is State.WAITING:
            self.play(Call("tell", (message,), whose=None if member is self.main else self._place(member)))

    def _named(self, message: Message, comment: str) -> Call:
        """The call that a test has for a message."""
        match message:
            case Cancel(reason, compensate):
                undoing = {"compensate": True} if compensate else {}
                return Call("cancel", (reason,) if reason else (), undoing, comment)
            case Suspend(reason) | Resume(reason):
                name = type(message).__name__.lower()
                return Call(name, (reason,) if reason else (), comment=comment)
            case Set(fields):
                return Call("set", (), fields, comment)
            case Retry(branch, activity, fields) | Skip(branch, activity, fields):
                name = type(message).__name__.lower()
                return Call(name, self._spot(branch, activity), fields, comment)
        return Call("tell", (message,), comment=comment)

    def _spot(self, branch: str, activity: int) -> tuple[str, ...]:
        """The shortest words that name an activation: none for the oldest incident."""
        incidents = self.simulation.incidents()
        if incidents and (incidents[0].branch, incidents[0].activity) == (branch, activity):
            return ()
        known = self.main.definition.activities[activity]
        for word in filter(None, (known.id, known.name)):
            if self._found(word) == (branch, activity):
                return (word,)
        return (self.main.definition.address("", branch, activity) or known.tag,)

    def _found(self, word: str) -> tuple[str, int] | None:
        try:
            return self.simulation.find(word)
        except AssertionError:
            return None

    def _answer(self, member: Member, message: Answer, comment: str) -> None:
        instance = self.instance_of(member)
        sent = self.simulation.sent
        mine = [
            place
            for place, one in enumerate(sent)
            if (one.instance, one.dispatch.branch, one.dispatch.activity)
            == (instance, message.branch, message.activity)
            and message.attempt in (None, one.dispatch.attempt)
        ]
        if not mine:
            raise Diverged(f"the attempt {message.attempt} that was answered is not made")
        self.play(self.answer_call(sent[mine[-1]], message.fields, mine[-1], comment))

    def answer_call(self, attempt: OpenAttempt, fields: Mapping[str, Any], place: int, comment: str = "") -> Call:
        """The shortest call that answers this attempt and no other."""
        opened = self.simulation.open
        place_in = next((number for number, one in enumerate(opened) if one is attempt), None)
        if place_in is None:
            return Call("answer_attempt", (dict(fields),), comment=comment, picked=("sent", place))
        activity = self.simulation.definition_of(attempt.instance).activities[attempt.dispatch.activity]
        first = next(one for one in opened if one is attempt or activity.label in self.simulation.names_of(one))
        if first is attempt and activity.label in self.simulation.names_of(attempt):
            return answering(activity.label, fields, comment)
        if attempt.instance == self.simulation.instance:
            return answering(attempt.dispatch.address.removeprefix(attempt.instance), fields, comment)
        return Call("answer_attempt", (dict(fields),), comment=comment, picked=("open", place_in))

    def _offer(self, member: Member, message: Offer, comment: str) -> None:
        """Publish an event once; one that a signal of the simulation itself has emitted was taken already."""
        if message.event in self._events:
            return
        frame = self.frame(member, message.branch, message.activity)
        if frame is not None and frame.activation == message.activation:
            self._events.add(message.event)
            self.play(Call("event", (message.name,), message.body, comment))

    # -- what is where

    def frame(self, member: Member, branch: str, activity: int) -> Frame | None:
        """An activation that is active in the simulation."""
        found = self.simulation.copy(self.instance_of(member)).branches.get(branch)
        return None if found is None else found.frame_of(activity)

    def instance_of(self, member: Member) -> str:
        """The id that an instance has in the simulation; of a called one it has to do with the time of the call."""
        if member.row.id not in self._ids:
            caller = member.caller
            above = "" if caller is None else self._ids.get(caller.instance, "")
            for id in self.simulation.instances():
                found = self.simulation.record(id).caller
                if found is not None and caller is not None and found == replace(caller, instance=above):
                    self._ids[member.row.id] = id
        if member.row.id not in self._ids:
            raise Diverged(f"the instance {member.row.id} is not called")
        return self._ids[member.row.id]

    def _place(self, member: Member) -> int:
        return self.simulation.instances().index(self.instance_of(member))


def lines_of(member: Member) -> list[str]:
    """What a history tells of an instance, in the words of a test."""
    inputs = ("input", "released")
    rows = [row for row in member.history if row.what not in inputs]
    found = (told(member.definition, row.what, row.activity, row.address, decode(row.detail)) for row in rows)
    return [line for line in found if line is not None]


def _clock(instant: float) -> str:
    return (iso(instant) or "").replace("T", " ")
