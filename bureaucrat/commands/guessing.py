"""What an instance was told, guessed from a history that has no inputs: what was done is known, and what was written,
but not with which values.

Rules: all records of one instant are what came of one message; its cause is the first of them that has one. A value
that was written is what the field has now. After each guess the simulation must have done what the history tells next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..core.activities import Action, Await
from ..core.activity import Activity
from ..core.messages import Cancel, Message, Resume, Retry, Set, Skip, Stuck, Suspend
from ..engine.codec import decode
from ..ports import HistoryRow
from ..testing import OpenAttempt, told
from .family import Family, Member
from .player import Diverged, Player
from .scenario import Call
from .stored import fields_of

_GUESSED = "guessed"
_KINDS = frozenset({"engine", "unroutable"})


class Guessing:
    """Plays an instance step by step."""

    def __init__(self, stored: Family) -> None:
        self._members = stored.members
        main = stored.members[0]
        self.player = Player(stored, main.history[0].at)
        self._main = main
        self._values = fields_of(main.copy)

    def play(self) -> None:
        """All of it.

        :raises Diverged: the simulation cannot be brought to do what the history tells next.
        """
        self.player.launch(self._start(), "the fields that nothing has written since")
        steps = self._steps()
        for place, step in enumerate(steps):
            if self._is_done(step):
                continue
            self.player.until(step[0][1].at)
            if not self._is_done(step):
                self._cause(step)
            if not self._is_done(step):
                self.player.until(step[0][1].at, is_end=True)
            if not self._is_done(step):
                what = self._told(step[0][0], step[0][1])
                raise Diverged(f"the history goes on with {what!r}, {len(steps) - place} steps before its end")

    def _start(self) -> dict[str, Any]:
        written = {name for row in self._main.history for name in decode(row.detail).get("wrote", ())}
        required = {one.name for one in self._main.definition.activities[0].scope or () if one.required}
        return {name: value for name, value in self._values.items() if name not in written or name in required}

    def _steps(self) -> list[list[tuple[Member, HistoryRow]]]:
        """The records of each instant, of the instance and those it has called; what a test is not told is left out."""
        rows = [(member, row) for member in self._members for row in member.history if self._told(member, row)]
        rows.sort(key=lambda one: one[1].at)
        steps: list[list[tuple[Member, HistoryRow]]] = []
        for member, row in rows:
            if not steps or steps[-1][0][1].at != row.at or steps[-1][0][0] is not member:
                steps.append([])
            steps[-1].append((member, row))
        return steps

    def _told(self, member: Member, row: HistoryRow) -> str | None:
        return told(member.definition, row.what, row.activity, row.address, decode(row.detail))

    def _is_done(self, step: list[tuple[Member, HistoryRow]]) -> bool:
        """Whether the simulation has come as far as the end of a step."""
        member, row = step[-1]
        instance = self._instance(member)
        if instance is None:
            return False
        wanted = [line for one in member.history if one.number <= row.number and (line := self._told(member, one))]
        return len(self.player.lines(instance, member)) >= len(wanted)

    def _instance(self, member: Member) -> str | None:
        try:
            return self.player.instance_of(member)
        except Diverged:
            return None

    # -- causes

    def _cause(self, step: list[tuple[Member, HistoryRow]]) -> None:
        """Do what must have led to a step; to try again, or to skip, comes with fields that are changed before."""
        changed = [name for _, row in step if row.what == "changed" for name in decode(row.detail)["names"]]
        for member, row in step:
            if row.what == "resolved" and self._resolved(member, row, changed):
                return
            if changed and row.what == "completed" and self._by_hand(member, row, self._values_of(changed)):
                return
        for member, row in step:
            detail = decode(row.detail)
            activity = None if row.activity is None else member.definition.activities[row.activity]
            if self._try(member, row, activity, detail):
                return

    def _try(self, member: Member, row: HistoryRow, activity: Activity | None, detail: dict[str, Any]) -> bool:
        """Do what must have led to one record; whether there was something to do."""
        match row.what:
            case "failed":
                return self._answer(member, row.address, {"status": "error", "error": detail["error"]})
            case "incident":
                return self._incident(member, row, detail)
            case "caught":
                thrown = {"status": "critical", "code": detail["code"], "error": detail["message"]}
                return self._answer(member, str(detail["thrown_at"]), thrown)
            case "completed" if isinstance(activity, Action):
                wrote = self._values_of(detail.get("wrote", ()))
                return (
                    self._answer(member, row.address, wrote)
                    or self._late(member, row.address, wrote)
                    or self._by_hand(member, row, wrote)
                )
            case "completed" if isinstance(activity, Await):
                return self._event(member, row, activity, detail)
            case "resolved" if detail["how"] == "answered":
                return self._late(member, row.address, self._written(member, row))
            case "completed" if activity is not None and not activity.children:
                return self._by_hand(member, row, {})
            case "suspended" | "resumed" | "changed":
                return self._command(member, row.what, detail)
            case "compensating":
                return self._take(member, Cancel(compensate=True))
            case "ended" if detail["status"] == "canceled":
                return self._take(member, Cancel())
        return False

    def _take(self, member: Member, message: Message) -> bool:
        self.player.take(member, message)
        return True

    def _command(self, member: Member, what: str, detail: dict[str, Any]) -> bool:
        names = detail.get("names", ())
        commands: dict[str, Message] = {
            "suspended": Suspend(detail.get("reason", "")),
            "resumed": Resume(detail.get("reason", "")),
            "changed": Set(self._values_of(names)),
        }
        return self._take(member, commands[what])

    def _answer(self, member: Member, address: str, fields: dict[str, Any]) -> bool:
        """Answer the attempt at an address; False: there is none."""
        attempt = self._attempt(member, address)
        if attempt is None:
            return False
        self.player.play(self.player.answer_call(attempt, fields, -1, _GUESSED if fields else ""))
        return True

    def _late(self, member: Member, address: str, fields: dict[str, Any]) -> bool:
        """Answer an attempt that is not open any more: an earlier one, or one whose incident is open (L34)."""
        place = (self._instance(member) or "") + address.removeprefix(member.row.id)
        sent = self.player.simulation.sent
        mine = [number for number, one in enumerate(sent) if one.dispatch.address == place]
        if mine:
            self.player.play(self.player.answer_call(sent[mine[-1]], fields, mine[-1], "guessed: which attempt"))
        return bool(mine)

    def _attempt(self, member: Member, address: str) -> OpenAttempt | None:
        instance = self._instance(member)
        place = (instance or "") + address.removeprefix(member.row.id)
        return next((one for one in self.player.simulation.open if one.dispatch.address == place), None)

    def _incident(self, member: Member, row: HistoryRow, detail: dict[str, Any]) -> bool:
        kind, code, message = detail["kind"], detail["code"], detail["message"]
        place = member.definition.locate(row.address.removeprefix(member.row.id))
        assert place is not None, "the definition is that of the instance"
        if kind in _KINDS:
            return self._take(member, Stuck(place.branch, place.activity, kind, message))
        if kind == "fault":
            return self._answer(member, row.address, {"status": "critical", "code": code, "error": message})
        if code == "BadAnswer":
            status = message.partition("the status ")[2].partition(";")[0].strip("'\"")
            return self._answer(member, row.address, {"status": status})
        return self._answer(member, row.address, {"status": "error", "error": message})

    def _resolved(self, member: Member, row: HistoryRow, changed: Sequence[str]) -> bool:
        """Try again or skip; False: the incident was ended by something else."""
        place = member.definition.locate(row.address.removeprefix(member.row.id))
        assert place is not None, "the definition is that of the instance"
        match decode(row.detail)["how"]:
            case "retried":
                return self._take(member, Retry(place.branch, place.activity, self._values_of(changed)))
            case "skipped":
                return self._take(member, Skip(place.branch, place.activity, self._written(member, row)))
        return False

    def _written(self, member: Member, row: HistoryRow) -> dict[str, Any]:
        """What an activity has written in the step in which it was completed by hand."""
        ends = [one for one in member.history if one.address == row.address and one.at == row.at]
        return self._values_of([name for one in ends for name in decode(one.detail).get("wrote", ())])

    def _by_hand(self, member: Member, row: HistoryRow, fields: dict[str, Any]) -> bool:
        place = member.definition.locate(row.address.removeprefix(member.row.id))
        if place is None or self._instance(member) is None or self.player.frame(member, *place) is None:
            return False
        return self._take(member, Skip(place.branch, place.activity, fields))

    def _event(self, member: Member, row: HistoryRow, activity: Await, detail: dict[str, Any]) -> bool:
        """The event that woke it; if such a one does not, it is completed by hand."""
        instance = self._instance(member)
        place = member.definition.locate(row.address.removeprefix(member.row.id))
        if instance is None or place is None:
            return False
        wait = next((w for w in self.player.simulation.waits(instance) if (w.branch, w.activity) == tuple(place)), None)
        if wait is None:
            return False
        written = [self._value(name) for name in detail.get("wrote", ()) if name == activity.property]
        body = dict(written[0]) if written and isinstance(written[0], dict) else _body(wait.path, wait.value)
        self.player.play(Call("event", (wait.event,), body, "its body is guessed"))
        if self.player.frame(member, *place) is not None:
            self._take(member, Skip(place.branch, place.activity, {}))
        return True

    def _values_of(self, names: Iterable[str]) -> dict[str, Any]:
        return {name: self._value(name) for name in names}

    def _value(self, name: str) -> Any:
        return self._values.get(name)


def _body(path: str, value: str) -> dict[str, Any]:
    """The least that an event must have to be compared."""
    body: Any = value
    for part in reversed(path.split(".") if path else []):
        body = {part: body}
    return body if path else {}
