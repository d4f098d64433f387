"""The outbox: what was decided and is to be published, from the commit until the broker has it.

Rules: a row is written in the transaction that decided it and published after the commit; it is deleted in a later
transaction once the broker has confirmed it; between the two it may be published twice, with the same token. What an
earlier run left is published at the start. No row is in memory twice. What the gate keeps back is not in
memory, but for its number; it is read when it may leave.

Where several engines share the storage each sees to the rows that it has numbered, and to its share of what the dead
have left. A row whose attempt another engine has ended may leave all the same: whoever gets it answers too late.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Coroutine, Iterable
from typing import Any

from .. import wire
from ..core.effects import Dispatch, Emit, Void
from ..core.instance import Instance
from ..core.messages import Stuck
from ..errors import StorageUnavailable
from ..ports import Courier, DeadRow, OutboxRow, Outgoing, Writes, maker_of
from .asked import attempts_of
from .codec import encode
from .gate import Gate, Kept
from .handover import unroutable
from .leaves import Leaves
from .shell import Shell
from .tokens import Named, Tokens

log = logging.getLogger(__name__)

_PAGE = 1_000  #: rows that are read at a time
_PARKED = 10  #: times the limit that may wait, those for missing queues included


class Outbox:
    """Keeps account of the rows of this process."""

    def __init__(self, courier: Courier, shell: Shell) -> None:
        self._courier = courier
        self._shell = shell
        self._waiting: dict[int, OutboxRow] = {}
        self._attempts: dict[tuple[str, int], int] = {}  #: of rows that wait: instance and attempt -> number
        self._begun: set[int] = set()  #: rows that have left and stay until they are answered
        self._for: Counter[str] = Counter()  #: how many of them are for each destination
        self._bytes = 0  #: of their bodies
        self._confirmed: list[int] = []
        self._over: set[int] = set()  #: rows that the broker has, or needs no more; a reader may see them yet
        self._deleted: list[int] = []  #: those of them that are gone from storage
        self.refusals: list[tuple[OutboxRow, str]] = []  #: rows that can never be sent, and why; to be set aside
        self._loads = 0  #: readers under way
        self._since: dict[str, set[tuple[str, int]]] = {}  #: destinations made anew -> attempts that left since
        self.sent_to: set[str] = set()  #: destinations of attempts, since the start
        self.tokens = Tokens(b"")
        self.origin = ""  #: names this database on the bus
        self.gate = Gate(shell.settings.bounds, shell.clock, shell.figures, shell.put, self._let_go, self._dropped)
        self.leaves = Leaves(shell, self.gate.is_paused)  #: in place of the gate's, where others give leave, too
        self._leaving: dict[int, Kept] = {}  #: rows that may be published, and are still to be read

    # -- what a batch writes

    def attempt(self, dispatch: Dispatch, instance: str, only: frozenset[str] | None) -> OutboxRow | Stuck | None:
        if (instance, dispatch.attempt) in self._attempts:
            return None
        if not self._courier.serves(dispatch.participant):
            return unroutable(dispatch)
        token = self._token(instance, dispatch)
        try:
            outgoing = self._courier.outgoing(dispatch, instance, token)
        except Exception as error:  # whatever it is, it is about this attempt and no other message of the batch
            log.exception("an attempt cannot be made a message", extra={"instance": instance})
            return unroutable(dispatch, f"the attempt cannot be sent: {type(error).__name__}: {error}")
        if only is not None and not self._is_lost(outgoing.destination, instance, dispatch.attempt, only):
            return None
        row = self.row(outgoing, instance)
        row.attempt, row.priority, row.branch = dispatch.attempt, dispatch.priority, dispatch.branch
        if self.gate.holds_back(dispatch.participant, instance, dispatch.branch, dispatch.attempt):
            row.participant = dispatch.participant
        return row

    def notice(self, what: str, instance: Instance, at: float, detail: dict[str, object]) -> OutboxRow:
        notice = wire.Notice(
            notice=what,
            instance=instance.id,
            process=instance.process,
            business_key=instance.business_key,
            status=instance.status.value,
            outcome=instance.outcome,
            at=at,
            more=detail,
        )
        return self.row(self._courier.announcement(f"{what}.{instance.id}", wire.encode_notice(notice)[1]), instance.id)

    def signal(self, emitted: Emit) -> OutboxRow:
        number = self._shell.numbers()
        outgoing = self._courier.signal(emitted.name, encode(emitted.body), f"{self.origin}-{number}", self.origin)
        return self.row(outgoing, "", number)

    def dead(self, letter: DeadRow) -> OutboxRow:
        """The row that copies a dead letter to the broker."""
        return self.row(self._courier.dead(letter.body, letter.reason, letter.source, letter.message_id), "")

    def row(self, outgoing: Outgoing, instance: str, number: int | None = None) -> OutboxRow:
        """Any message as a row."""
        return OutboxRow(
            self._shell.numbers() if number is None else number,
            outgoing.destination,
            outgoing.body,
            self._shell.clock.now(),
            instance,
            properties=encode(outgoing.properties),
        )

    # -- its books

    def has(self, instance: str, attempt: int) -> bool:
        return (instance, attempt) in self._attempts

    def is_over(self, number: int) -> bool:
        return number in self._over

    def is_unsent(self, instance: str, attempt: int) -> bool:
        number = self._attempts.get((instance, attempt))
        return number is not None and number not in self._begun

    def begin_anew(self, destination: str) -> None:
        """A queue was made anew: from now on note which attempts leave for it, for they are not lost."""
        self._since[destination] = set()

    def note_leaves(self, destination: str) -> None:
        """The same, if that is not noted already."""
        self._since.setdefault(destination, set())

    def caught_up(self, destinations: Iterable[str]) -> None:
        """What these had lost was sent again."""
        for destination in destinations:
            self._since.pop(destination, None)

    def _is_lost(self, destination: str, instance: str, attempt: int, only: frozenset[str]) -> bool:
        return destination in only and (instance, attempt) not in self._since.get(destination, ())

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be taken in before some of it has left; what waits for a missing queue may wait
        for days, and is no reason to stop the rest."""
        waiting, most = len(self._waiting), self._shell.settings.outbox_limit
        if self._bytes >= self._shell.settings.outbox_bytes:
            return True
        if waiting < most:
            return False
        parked = sum(self._for[queue] for queue in self._courier.missing())
        return waiting - parked >= most or waiting >= most * _PARKED

    @property
    def size(self) -> int:
        return len(self._waiting) + len(self.gate) + len(self._leaving)

    @property
    def has_confirmed(self) -> bool:
        """Whether there are rows to delete."""
        return bool(self._confirmed)

    def begun(self, number: int) -> None:
        """It has left, and is to be answered before it is deleted."""
        if number in self._waiting:
            self._begun.add(number)

    def confirmed(self, number: int) -> None:
        """The broker has it."""
        row = self._taken(number)
        if row is None:
            return
        if row.attempt is not None and row.destination in self._since:
            self._since[row.destination].add((row.instance, row.attempt))
        self._confirmed.append(number)
        self._over.add(number)
        self._shell.figures.published += 1

    def refused(self, number: int, reason: str) -> None:
        """No broker can have it."""
        row = self._taken(number)
        if row is not None:
            self._over.add(number)
            self.refusals.append((row, reason))

    def seed(self, writes: Writes) -> list[int]:
        seeded, self._confirmed = self._confirmed, []
        writes.outbox_gone += seeded
        return seeded

    def failed(self, seeded: list[int]) -> None:
        self._confirmed += seeded

    def ended(self, voids: list[tuple[str, Void]]) -> None:
        sent = [(instance, void) for instance, void in voids if not self.is_unsent(instance, void.attempt)]
        if sent:
            self._courier.revoke((void.participant, self._token(instance, void)) for instance, void in sent)

    def _token(self, instance: str, of: Dispatch | Void) -> str:
        user = self._shell.settings.users.of(of.participant)
        return self.tokens.of(instance, of.attempt, of.activity, of.branch, user)

    def named(self, token: str) -> Named | None:
        """What a token of ours names, whoever may answer it."""
        return self.tokens.read(token, ("", *self._shell.settings.users.all))

    def committed(self, writes: Writes, dispatches: dict[tuple[str, int], Dispatch]) -> None:
        self._deleted += writes.outbox_gone
        for attempt in writes.attempts_gone:
            number = self._attempts.get(attempt)
            if number is not None:
                if not self._kept_no_longer(number, attempt):
                    self._taken(number)
                    self._courier.discard(number)
                self._over.add(number)
                self._deleted.append(number)
        self._tidy()
        for row in sorted(writes.outbox, key=_priority):
            self._publish(row)
        self.gate.committed(writes)
        if self._shell.members.is_shared:
            self.leaves.committed_elsewhere(writes)

    def _publish(self, row: OutboxRow) -> None:
        if row.number in self._waiting or row.number in self._over:
            return
        if row.participant and self._shell.members.is_shared:
            return  # it belongs to nobody until it has leave
        if row.attempt is not None:
            self._attempts[row.instance, row.attempt] = row.number
            if row.participant and self.gate.owes_leave(row.participant, row.instance, row.branch, row.attempt):
                kept = Kept(row.number, row.priority or 0, row.participant, row.instance, row.branch, row.attempt)
                self.gate.keep(kept)
                return
            self.sent_to.add(row.destination)
        self._waiting[row.number] = row
        self._for[row.destination] += 1
        self._bytes += len(row.body)
        self._courier.publish(row)

    # -- what the gate tells

    def _let_go(self, kept: Kept) -> None:
        self._leaving[kept.number] = kept
        self.gate.wake.set()

    def _dropped(self, kept: Kept) -> None:
        """Nobody waits for this attempt: its row is to be deleted."""
        self._attempts.pop(kept.of, None)
        self._confirmed.append(kept.number)
        self._over.add(kept.number)

    def _kept_no_longer(self, number: int, attempt: tuple[str, int]) -> bool:
        """Whether this row was kept back, or not read yet; it is not any more."""
        if not self.gate.forget(number) and self._leaving.pop(number, None) is None:
            return False
        del self._attempts[attempt]
        return True

    async def open(self) -> None:
        await self.gate.look(self._shell.storage)

    def work(self) -> Coroutine[Any, Any, None]:
        """What lets rows leave, as long as the engine runs."""
        return self.gate.run(self._depart)

    async def _depart(self) -> None:
        """Read and publish what may leave."""
        try:
            while numbers := list(self._leaving)[:_PAGE]:
                rows = {row.number: row for row in await self._shell.storage.outbox_rows(numbers)}
                for number in numbers:
                    self._leave(self._leaving.pop(number, None), rows.get(number))
        except StorageUnavailable as error:
            log.warning("what may leave cannot be read", extra={"reason": str(error)})

    def _leave(self, kept: Kept | None, row: OutboxRow | None) -> None:
        if kept is not None and row is not None:
            row.participant = ""
            self._publish(row)
        elif kept is not None:  # it was ended in the transaction that let it go
            self._attempts.pop(kept.of, None)

    def _taken(self, number: int) -> OutboxRow | None:
        """Take out a row that waits no more."""
        row = self._waiting.pop(number, None)
        if row is None:
            return None
        self._begun.discard(number)
        self._bytes -= len(row.body)
        self._for[row.destination] -= 1
        if not self._for[row.destination]:
            del self._for[row.destination]
        if row.attempt is not None and self._attempts.get((row.instance, row.attempt)) == number:
            del self._attempts[row.instance, row.attempt]
        return row

    def _tidy(self) -> None:
        """Forget what is deleted, unless a reader may have seen it before."""
        if not self._loads:
            self._over.difference_update(self._deleted)
            self._deleted.clear()

    async def load(self, but: Collection[int] | None = None) -> int:
        """Publish what stands in storage, falls to this engine and is not under way; returns how many rows that were.

        :param but: without what these have numbered; None: without what other living engines have.
        """
        found, after, members = 0, 0, self._shell.members
        but = members.others if but is None else but
        self._loads += 1
        try:
            while rows := await self._shell.storage.outbox(_PAGE, after, but):
                for row in rows:
                    is_mine = maker_of(row.number) == members.number or members.falls_to_me(str(row.number))
                    if is_mine and not self._knows(row):
                        self._publish(row)
                        found += 1
                after = rows[-1].number
        finally:
            self._loads -= 1
            self._tidy()
        if found:
            log.info("published what an earlier run, or another daemon, left", extra={"rows": found})
        return found

    def _knows(self, row: OutboxRow) -> bool:
        """Whether a stored row is under way, kept back or done with."""
        if row.participant and self._shell.members.is_shared:
            return True  # it is nobody's
        is_here = row.attempt is not None and self._attempts.get((row.instance, row.attempt)) == row.number
        return is_here or row.number in self._waiting or row.number in self._over

    async def restore(self) -> None:
        """Have the gate know what an earlier run let go that has no answer yet. After :meth:`load`."""
        if self._shell.members.is_shared:
            self.leaves.note(await self._shell.storage.kept())
            return
        bounds = self._shell.settings.bounds
        bounded = [name for name in await self._shell.storage.asked() if name and bounds.of(name) is not None]
        async for row in attempts_of(self._shell.storage, bounded):
            number = self._attempts.get((row.instance, row.attempt))
            if number is None or number in self._waiting:
                self.gate.in_flight(row)
        self.gate.admit()


def _priority(row: OutboxRow) -> int:
    return -(row.priority or 0)
