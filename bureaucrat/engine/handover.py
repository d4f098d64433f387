"""How attempts leave the engine: two ways, one for each kind of transport.

Rules: :class:`bureaucrat.engine.direct.Direct` hands attempts to a transport of this process after their commit; what
it loses, recovery sends again. :class:`bureaucrat.engine.outbox.Outbox` writes them as rows with the commit and
publishes them afterwards.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from ..core.effects import Dispatch, Emit, Void
from ..core.instance import Instance
from ..core.messages import Stuck
from ..ports import DeadRow, OutboxRow, Writes


class Handover(Protocol):
    """What the engine's batches need to know of the way out."""

    def attempt(self, dispatch: Dispatch, instance: str, only: frozenset[str] | None) -> OutboxRow | Stuck | None:
        """The row that an attempt is written as; why it cannot leave; None if it leaves without a row, or not at all.

        :param only: destinations that may have lost something; an attempt for any other is not sent again.
        """

    def notice(self, what: str, instance: Instance, at: float, detail: dict[str, object]) -> OutboxRow | None:
        """The row that announces what happened to an instance."""

    def signal(self, emitted: Emit) -> OutboxRow | None:
        """The row that brings a signal to the bus."""

    def dead(self, letter: DeadRow) -> OutboxRow | None:
        """The row that copies a dead letter for whoever watches the broker."""

    def has(self, instance: str, attempt: int) -> bool:
        """Whether this engine sees to the row of an attempt, whatever has become of it."""

    def is_over(self, number: int) -> bool:
        """Whether a row of this engine has left, and is only still to be deleted."""

    def is_unsent(self, instance: str, attempt: int) -> bool:
        """Whether an attempt is still waiting to leave."""

    def seed(self, writes: Writes) -> list[int]:
        """Put into a batch what earlier ones have left to be written; returns the rows it deletes."""

    def failed(self, seeded: list[int]) -> None:
        """The batch that :meth:`seed` was put into is not known to be committed."""

    def ended(self, voids: list[tuple[str, Void]]) -> None:
        """These attempts, by instance, were ended durably: who has not begun with one need not. Before `committed`."""

    def committed(self, writes: Writes, dispatches: dict[tuple[str, int], Dispatch]) -> None:
        """A batch is durable: send what it decided."""

    async def open(self) -> None:
        """Know which participants are paused; before anything is handed over, and now and then."""

    def work(self) -> Coroutine[Any, Any, None]:
        """What lets attempts leave that had to wait, as long as the engine runs."""


def unroutable(dispatch: Dispatch, reason: str = "") -> Stuck:
    """The message that makes an incident of an attempt that nobody can be asked for."""
    reason = reason or f"nobody serves the participant {dispatch.participant!r}"
    return Stuck(dispatch.branch, dispatch.activity, "unroutable", reason, dispatch.attempt)
