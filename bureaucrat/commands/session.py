"""One simulated instance that a person drives, command by command.

Rules: what waits is numbered, and a number means what it meant when it was last shown; a command that cannot be done
changes nothing; every command is a call of the simulation, so that all of them can be done again without the last.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.durations import parse_duration
from ..core.table import Definition
from ..definition.problems import did_you_mean
from ..errors import Refused
from ..testing import OpenAttempt, Simulation
from .failure import Exit, Failure
from .fields import parse_body, parse_fields
from .pending import Waiting, next_timer, pending
from .scenario import Call, Scenario, answering, ends_of, name_of


class Session:
    """A simulation, and what was done in it.

    :raises Failure: the instance cannot be started with these fields.
    """

    def __init__(
        self, definition: Definition, file: str, others: Sequence[tuple[str, Definition]], fields: dict[str, Any]
    ) -> None:
        self.definition = definition
        self._file = file
        self._others = others
        self.calls: list[Call] = [Call("launch", (fields,))]
        self.simulation = self._played(self.calls)
        self.waiting = pending(self.simulation)

    def _played(self, calls: Sequence[Call]) -> Simulation:
        simulation = Simulation(self.definition, processes=[definition for _, definition in self._others])
        try:
            for call in calls:
                call.play(simulation)
        except Refused as refused:
            raise Failure(Exit.REFUSED, f"not started: {refused}") from refused
        return simulation

    # -- what it is told

    def do(self, words: Sequence[str]) -> list[str]:
        """One command; lines that it says by itself.

        :raises Failure: it cannot be done, and why.
        """
        name, *rest = words
        if name.isdigit():
            return self._reply(self._numbered(name), rest)
        command = COMMANDS.get(name)
        if command is None:
            raise Failure(Exit.INVALID, f"there is no command {name!r}{did_you_mean(name, COMMANDS)}; help lists all")
        return command.do(self, rest) or []

    def _call(self, call: Call) -> None:
        try:
            call.play(self.simulation)
        except (Refused, AssertionError) as refused:
            self.simulation = self._played(self.calls)  # nothing of it is to remain
            raise Failure(Exit.REFUSED, f"refused: {str(refused).splitlines()[0]}") from refused
        self.calls.append(call)

    def refresh(self) -> None:
        """Number anew what waits."""
        self.waiting = pending(self.simulation)

    def _reply(self, waiting: Waiting, words: Sequence[str]) -> list[str]:
        """The obvious: an attempt is answered, an event happens, a timer fires, an incident is tried again."""
        fields = self._fields(words)
        match waiting.kind:
            case "attempt":
                self._call(self._answer(waiting, fields))
            case "event":
                self._call(Call("event", (waiting.event,), {**dict(waiting.body), **fields}))
            case "incident":
                self._call(Call("retry", (waiting.address or "process",), fields))
            case _:
                self._until(waiting.until)
        return []

    def _answer(self, waiting: Waiting, fields: dict[str, Any]) -> Call:
        """The shortest call that answers this attempt and no other."""
        for word in (waiting.label, waiting.address):
            if self._attempt(word) is self._attempt(waiting.address):
                return answering(word, fields)
        raise AssertionError("an address names itself")

    def _attempt(self, word: str) -> OpenAttempt | None:
        try:
            return self.simulation.attempt(word)
        except AssertionError:
            return None

    def answer(self, words: Sequence[str]) -> None:
        """``answer WHERE k=v…``"""
        waiting, rest = self._where("attempt", words)
        self._call(self._answer(waiting, self._fields(rest)))

    def error(self, words: Sequence[str]) -> None:
        """``error [WHERE] [TEXT]``"""
        waiting, rest = self._where("attempt", words)
        self._call(self._answer(waiting, {"status": "error", "error": " ".join(rest) or "it failed"}))

    def critical(self, words: Sequence[str]) -> None:
        """``critical [WHERE] CODE [TEXT]``"""
        waiting, rest = self._where("attempt", words)
        if not rest:
            raise Failure(Exit.INVALID, "critical needs the code of a fault: critical [WHERE] CODE [TEXT]")
        code, *text = rest
        self._call(self._answer(waiting, {"status": "critical", "code": code, "error": " ".join(text)}))

    def event(self, words: Sequence[str]) -> list[str]:
        """``event NAME k=v…``"""
        if not words or "=" in words[0]:
            raise Failure(Exit.INVALID, "event needs a name: event NAME k=v")
        before = len(self.simulation.trace)
        self._call(Call("event", (words[0],), parse_body(words[1:])))
        is_taken = len(self.simulation.trace) > before
        return [] if is_taken else [f"nobody waits for {words[0]} like this; it is kept"]

    def skip(self, words: Sequence[str]) -> None:
        """``skip [WHERE] k=v…``"""
        self._by_hand("skip", words)

    def retry(self, words: Sequence[str]) -> None:
        """``retry [WHERE] k=v…``"""
        self._by_hand("retry", words)

    def _by_hand(self, name: str, words: Sequence[str]) -> None:
        if words and "=" not in words[0]:
            waiting, rest = self._where("", words)
            self._call(Call(name, (waiting.address,), self._fields(rest)))
            return
        if not self.simulation.incidents():
            raise Failure(Exit.REFUSED, f"there is no incident: {name} WHERE k=v")
        self._call(Call(name, (), self._fields(words)))

    def advance(self, words: Sequence[str]) -> None:
        """``advance DURATION``"""
        try:
            (text,) = words
            seconds = parse_duration(text)
        except ValueError as error:
            said = str(error) if len(words) == 1 else "advance needs a length of time: advance 2d"
            raise Failure(Exit.INVALID, said) from error
        self._call(Call("advance", (text if not text[-1].isdigit() else seconds,)))

    def next(self, words: Sequence[str]) -> None:
        """``next``"""
        instant = next_timer(self.simulation)
        if instant is None:
            raise Failure(Exit.REFUSED, "no timer runs")
        self._until(instant)

    def _until(self, instant: float) -> None:
        wait = max(instant - self.simulation.clock.now(), 0.0)
        self._call(Call("advance", (round(wait + 0.0005, 3),)))

    def set(self, words: Sequence[str]) -> None:
        """``set k=v…``"""
        self._call(Call("set", (), self._fields(words)))

    def plain(self, name: str) -> None:
        """``suspend``, ``resume``"""
        self._call(Call(name))

    def cancel(self, words: Sequence[str]) -> None:
        """``cancel [compensate]``"""
        if list(words) not in ([], ["compensate"]):
            raise Failure(Exit.INVALID, "write cancel, or cancel compensate")
        self._call(Call("cancel", (), {"compensate": True} if words else {}))

    def undo(self, words: Sequence[str]) -> list[str]:
        """``undo``"""
        if len(self.calls) == 1:
            raise Failure(Exit.REFUSED, "there is nothing to undo")
        undone = self.calls.pop()
        self.simulation = self._played(self.calls)
        return [f"undone: {undone.line()}"]

    def save(self, words: Sequence[str]) -> list[str]:
        """``save FILE``"""
        if len(words) != 1:
            raise Failure(Exit.INVALID, "save needs one file: save test_order.py")
        try:
            Path(words[0]).write_text(self.scenario().text(), encoding="utf-8")
        except OSError as error:
            raise Failure(Exit.INVALID, f"{words[0]} cannot be written: {error.strerror}") from error
        return [f"written: pytest {words[0]}"]

    def scenario(self) -> Scenario:
        """What was done, as a test."""
        simulation = self.simulation
        return Scenario(
            about=f"{self.definition.name}, as it was played with ``bureaucrat simulate``.",
            name=name_of([self.definition.name]),
            process=self._file,
            others=[(file, None) for file, _ in self._others],
            calls=self.calls,
            happened=simulation.happened(),
            ends=ends_of(simulation),
        )

    # -- what is named

    def _fields(self, words: Sequence[str]) -> dict[str, Any]:
        """``k=v``, of the type that the process declares; what it does not declare is JSON, or text."""
        declared = {one.name for one in self.definition.activities[0].scope or ()}
        found: dict[str, Any] = {}
        for word in words:
            name = word.partition("=")[0]
            is_typed = ":" in name or name in declared
            found |= parse_fields(self.definition, [word], "") if is_typed else parse_body([word])
        return found

    def _numbered(self, word: str) -> Waiting:
        number = int(word)
        if not 1 <= number <= len(self.waiting):
            raise Failure(Exit.REFUSED, f"nothing has the number {word}; show lists what waits")
        return self.waiting[number - 1]

    def _where(self, kind: str, words: Sequence[str]) -> tuple[Waiting, Sequence[str]]:
        """What the first word names, and the rest; without such a word the only one of its kind."""
        known = [one for one in self.waiting if kind in ("", one.kind)]
        if words:
            if words[0].isdigit():
                return self._numbered(words[0]), words[1:]
            found = [one for one in known if words[0] in (one.label, one.address)]
            if found:
                return found[0], words[1:]
        if kind and len(known) == 1:
            return known[0], words
        names = ", ".join(one.label for one in known[:9]) or "nothing"
        asked = f"{words[0]!r} is none of them" if words else "name one"
        raise Failure(Exit.REFUSED, f"{asked}: {names} {'can be answered' if kind else 'waits'}")


@dataclass(frozen=True, slots=True)
class Command:
    """One word that a person can type."""

    do: Callable[[Session, Sequence[str]], list[str] | None]
    usage: str
    help: str


def _named(name: str) -> Callable[[Session, Sequence[str]], None]:
    return lambda session, words: session.plain(name)


COMMANDS: dict[str, Command] = {
    "answer": Command(Session.answer, "answer WHERE k=v…", "the participant has done it, and answers these fields"),
    "error": Command(Session.error, "error [WHERE] [TEXT]", "it failed, and may be tried again"),
    "critical": Command(Session.critical, "critical [WHERE] CODE [TEXT]", "it throws this fault"),
    "event": Command(Session.event, "event NAME k=v…", "an event happens"),
    "advance": Command(Session.advance, "advance DURATION", "time passes, with all that falls due: advance 2d"),
    "next": Command(Session.next, "next", "time passes until the next timer"),
    "skip": Command(Session.skip, "skip [WHERE] k=v…", "complete it by hand"),
    "retry": Command(Session.retry, "retry [WHERE] k=v…", "try an incident again, after setting these fields"),
    "set": Command(Session.set, "set k=v…", "change fields of the process"),
    "suspend": Command(_named("suspend"), "suspend", "keep answers, events and timers back"),
    "resume": Command(_named("resume"), "resume", "apply what was kept back"),
    "cancel": Command(Session.cancel, "cancel [compensate]", "end everything; or what was done is compensated first"),
    "undo": Command(Session.undo, "undo", "as if the last command had not been"),
    "save": Command(Session.save, "save FILE", "write what was done as a test for pytest"),
}


def split(line: str) -> list[str]:
    """The words of a line; what stands behind # is a comment.

    :raises Failure: a quote is not closed.
    """
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise Failure(Exit.INVALID, f"{line.strip()!r}: {error}") from error
