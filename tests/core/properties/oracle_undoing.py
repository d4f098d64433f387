"""Compensation in the oracle: each run holds what was done inside it, and hands it on when it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .oracle_runs import Memory, Run, Steps, compensation_of

_SIMPLE = ("action", "assign", "await", "call", "compensate", "delay", "exit", "fault", "signal")


class Undoing:
    """The part of an instance that knows compensation."""

    root: Run
    live: list[Run]
    remembered: int
    compensating: bool
    gives_up: bool
    run: Callable[..., Steps]
    open: Callable[..., None]

    def remember(self, me: Run) -> None:
        """It has completed; loops were remembered turn by turn."""
        if me.tag == "while" or (me.tag == "foreach" and not me.is_item):
            return
        if not me.is_handled and me.handling is None:
            self._remember(me)

    def end_turn(self, me: Run) -> None:
        """A turn has completed, and no handler has done it."""
        self._remember(me)

    def _remember(self, me: Run) -> None:
        body = compensation_of(me.element)
        if body is None or me.parent is None:
            return
        self.remembered += 1
        scopes = [
            (one, one.scope, dict(one.scope))
            for one in me.outward()
            if one.scope is not None and one.parent is not None
        ]
        inside = [one for one in me.held if one.number > me.mark]
        me.held = [one for one in me.held if one not in inside]
        me.held.append(Memory(self.remembered, body, me.path, me.element, scopes))

    # -- running

    def undo_all(self) -> Steps:
        """What runs before a canceled instance ends."""
        self.live.append(self.root)
        try:
            yield from self.do_compensate(self.root)
        finally:
            self.live.remove(self.root)

    def do_compensate(self, me: Run) -> Steps:
        last = self.remembered + 1
        while True:
            found = [(one, run) for run, one in self._meant(me) if one.number < last]
            if not found:
                return
            memory, holder = max(found, key=lambda pair: pair[0].number)
            last = memory.number
            holder.held.remove(memory)
            run = Run(memory.body, f"{memory.path}_compensation_0.{last}", me, me.task)
            self.open(run)
            own, declared = run.scope or {}, run.declared
            closed = [copy for one, scope, copy in memory.scopes if not (one in me.outward() and one.scope is scope)]
            run.scope = {}
            for values in reversed(closed):
                run.scope.update(values)
            run.scope.update(own)
            run.declared = {*run.scope, *declared}
            run.in_loop = any(one.tag == "foreach" for one in (memory.element, *memory.element.iterancestors()))
            yield from self.run(run)

    def _meant(self, me: Run) -> list[tuple[Run, Memory]]:
        """What it may run, with the run that holds each."""
        place, around = self.root, list(me.outward())[1:]
        complex = [one for one in around if one.tag not in _SIMPLE]
        scope = me.element.get("scope") if me.tag == "compensate" else None
        if scope is not None:
            (target,) = me.element.getroottree().xpath("//*[@id=$id]", id=scope)
            outside = list(target.iterancestors())
            place = next(one for one in complex if one.element in outside)
        elif complex:
            handling = next((one for one in complex if one.handling is not None), None)
            place = handling or next(one for one in complex if _is_scope(one))
        is_whole = place.handling is not None and place.own_fault
        after = 0 if is_whole or place.tag != "foreach" else place.mark
        return [
            (run, memory)
            for run in self.live
            if place in run.outward()
            for memory in run.held
            if memory.number > after and (scope is None or target in (memory.element, *memory.element.iterancestors()))
        ]


def _is_scope(run: Run) -> bool:
    parts: tuple[Any, ...] = tuple(run.element.find(name) for name in ("context", "faults", "compensation"))
    return run.tag in ("foreach", "process") or any(part is not None for part in parts)
