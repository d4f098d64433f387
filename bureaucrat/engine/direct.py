"""Attempts go straight to a transport of this process.

Rules: nothing of an attempt is stored but the branch that waits for it: what a transport loses, or the gate has kept
back, is sent again by recovery at the next start.
"""

from __future__ import annotations

from collections.abc import Coroutine
from itertools import count
from typing import Any

from ..core.effects import Dispatch, Emit, Void
from ..core.instance import Instance
from ..ports import DeadRow, Transport, Writes
from .delivery import Delivery
from .gate import Gate, Kept
from .handover import unroutable
from .shell import Shell


class Direct:
    """Hands attempts over after their commit, as the gate lets them go."""

    def __init__(self, transport: Transport, shell: Shell) -> None:
        self._transport = transport
        self._shell = shell
        self._gate = Gate(shell.settings.bounds, shell.clock, shell.figures, shell.put, self._leave, self._forget)
        self._kept: dict[tuple[str, int], tuple[int, Dispatch]] = {}  #: instance and attempt -> number in the gate
        self._numbers = count(1)

    def attempt(self, dispatch: Dispatch, instance: str, only: frozenset[str] | None) -> None:
        return None

    def notice(self, what: str, instance: Instance, at: float, detail: dict[str, object]) -> None:
        return None

    def signal(self, emitted: Emit) -> None:
        return None

    def dead(self, letter: DeadRow) -> None:
        return None

    def has(self, instance: str, attempt: int) -> bool:
        return (instance, attempt) in self._kept

    def is_over(self, number: int) -> bool:
        return False

    def is_unsent(self, instance: str, attempt: int) -> bool:
        return (instance, attempt) in self._kept

    def seed(self, writes: Writes) -> list[int]:
        return []

    def failed(self, seeded: list[int]) -> None:
        return None

    def ended(self, voids: list[tuple[str, Void]]) -> None:
        return None

    def committed(self, writes: Writes, dispatches: dict[tuple[str, int], Dispatch]) -> None:
        for attempt in writes.attempts_gone:
            kept = self._kept.pop(attempt, None)
            if kept is not None:
                self._gate.forget(kept[0])
        for (instance, _), dispatch in dispatches.items():
            if not self._transport.serves(dispatch.participant):
                self._shell.put(Delivery(instance, unroutable(dispatch)))
            elif self._gate.holds_back(dispatch.participant, instance, dispatch.branch, dispatch.attempt):
                self._keep(dispatch, instance)
            else:
                self._transport.send(dispatch, instance)
        self._gate.committed(writes)

    async def open(self) -> None:
        await self._gate.look(self._shell.storage)

    def work(self) -> Coroutine[Any, Any, None]:
        return self._gate.run()

    def _keep(self, dispatch: Dispatch, instance: str) -> None:
        key = instance, dispatch.attempt
        if key in self._kept:  # it was asked for again; its fields may be others now
            self._kept[key] = self._kept[key][0], dispatch
            return
        number = next(self._numbers)
        self._kept[key] = number, dispatch
        priority = dispatch.priority or 0
        self._gate.keep(Kept(number, priority, dispatch.participant, instance, dispatch.branch, dispatch.attempt))

    def _leave(self, kept: Kept) -> None:
        found = self._kept.pop(kept.of, None)
        if found is not None:  # else it was ended in the transaction that let it go
            self._transport.send(found[1], kept.instance)

    def _forget(self, kept: Kept) -> None:
        self._kept.pop(kept.of, None)
