"""The engine's side of a broker: what comes from it, what goes to it, and what it has lost.

Rules: the broker is a courier that may lose, the database is the truth. A queue that had to be made anew has lost what
was in it: the attempts that went there and wait are sent again, with the same tokens; those that left after it was made
are not. Queues of others are made by others, and seen to be new a little later: what left between goes twice.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ..core.activities.await_ import Await
from ..core.messages import Stuck
from ..core.table import Definition
from ..definition.problems import InvalidDefinition
from ..errors import StorageUnavailable, UnknownDefinition
from ..ports import Courier, Incoming, OutboxRow
from .codec import properties_of
from .delivery import Letter
from .intake import Intake
from .outbox import Outbox
from .pausing import participants_of
from .shell import Shell
from .signing import tokens_of
from .stalls import Stalls
from .writes import Collector

log = logging.getLogger(__name__)

_SWEEPS_A_LOOK = 5  # between two looks for rows of the dead that came later than their death was seen

Resend = Callable[[frozenset[str] | None, Callable[[], None], Callable[[str], bool]], Awaitable[int]]


class Exchange:
    """Puts courier, outbox and intake together.

    :param resend: sends again what waits for an answer, as far as it went to these destinations; None: all of it. It
        says how many attempts it asks for, tells of each that is over, and asks which participants are served there.
    """

    def __init__(self, courier: Courier, shell: Shell, resend: Resend) -> None:
        self._courier = courier
        self._shell = shell
        self._resend = resend
        self.outbox = Outbox(courier, shell)
        self._intake = Intake(shell, self.outbox, courier.reply)
        self._stalls = Stalls(shell, courier, self.outbox)
        self._has_started = False
        self._lost: set[str] = set()
        self._has_lost_answers = False
        self._changes = 0  #: of the members, when the outbox was read last
        self._sweeps = 0

    async def start(self) -> None:
        """Know what there is, then begin to receive and to send."""
        storage, outbox = self._shell.storage, self.outbox
        outbox.tokens, self._has_lost_answers = await tokens_of(storage, self._shell.settings.signing_keys)
        outbox.origin = await storage.setting("database_id", uuid.uuid4().hex)
        self._stalls.remember(await storage.destinations())
        starters = [await storage.registered(process) for process in await storage.starters()]
        hashes = [row.definition for row in starters if row is not None]
        for hash in dict.fromkeys([*await storage.definitions_in_use(), *hashes]):
            try:
                await self._shell.definitions.get(hash)
            except (UnknownDefinition, InvalidDefinition) as error:
                log.error("a definition that is in use cannot be read", extra={"reason": str(error)[:500]})
        asked = [name for name in await storage.asked() if name and self._courier.serves(name)]
        if asked:  # queues that an expression named are in no definition, and may be lost, too
            self._courier.learn(asked, [])
        await self._courier.start(self)
        self._has_started = True
        await outbox.load()
        await outbox.restore()

    def learn(self, definition: Definition) -> None:
        """A definition may be run: have the queues of its participants, hear the signals it waits for."""
        participants = participants_of(definition)
        awaits = [one for one in definition.activities if isinstance(one, Await)]
        events = {str(one.event.literal) for one in awaits if one.event.expression is None}
        events.update(start.event for start in definition.event_starts)
        self._courier.learn(sorted(participants), sorted(events))

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """What runs as long as the engine does."""
        return [self._intake.run(), self._stalls.run()]

    def pause(self) -> None:
        """Receive no more."""
        self._courier.pause()

    async def stop(self) -> None:
        """Let what was sent be confirmed, and forget it."""
        await self._courier.stop()
        try:
            await self._flush()
        except StorageUnavailable as error:
            log.warning("what was sent is sent again at the next start", extra={"reason": str(error)})

    async def sweep(self, is_unsure: bool) -> None:
        """Do what can wait a second.

        :param is_unsure: whether a commit may have happened of which nobody was told.
        """
        self._shell.figures.outbox_rows = self.outbox.size
        self.outbox.gate.wake.set()
        if is_unsure:
            await self.outbox.load()
        await self._adopt()
        await self._flush()
        await self._intake.retry_early()
        await self._send_again()

    async def _adopt(self) -> None:
        """Publish what dead engines have left; let those leave that wait for it where another has freed a place."""
        members = self._shell.members
        if not members.is_shared:
            return
        self._sweeps += 1
        if members.changes != self._changes:
            changes = members.changes
            await self.outbox.load()
            self._changes = changes
        elif self._sweeps % _SWEEPS_A_LOOK == 0:
            await self.outbox.load(but=members.living)
            await self.outbox.leaves.show()
        await self.outbox.open()
        kept = await self._shell.storage.kept()
        self.outbox.leaves.note(members.sift("leaves", kept, lambda name: name))

    async def _flush(self) -> None:
        """Delete what the broker has, and see to what it can never have."""
        refusals = tuple(self.outbox.refusals)
        if not self.outbox.has_confirmed and not refusals:
            return
        collector = self._shell.collector()
        seeded = self.outbox.seed(collector.writes)
        for row, reason in refusals:
            self._set_aside(row, reason, collector)
        try:
            await self._shell.commit(collector)
        except BaseException:  # whatever it is, the rows are still to be deleted
            self.outbox.failed(seeded)
            raise
        del self.outbox.refusals[: len(refusals)]  # more may have come meanwhile

    def _set_aside(self, row: OutboxRow, reason: str, collector: Collector) -> None:
        """What becomes of a row that no broker can have: an incident if it is an attempt, else a dead letter."""
        collector.writes.outbox_gone.append(row.number)
        token = properties_of(row.properties).message_id
        named = None if row.attempt is None or token is None else self.outbox.named(token)
        if named is not None:
            stuck = Stuck(
                named.branch, named.activity, "unroutable", f"the attempt cannot be sent: {reason}", row.attempt
            )
            collector.post(row.instance, stuck, self._shell.clock.now())
            return
        letter = Letter("engine", row.body, row.instance)
        self._shell.bury(letter, f"it cannot be sent to {row.destination[:200]}: {reason}", collector)

    async def _send_again(self) -> None:
        if not self._lost and not self._has_lost_answers:
            return
        lost, self._lost = frozenset(self._lost), set()
        is_all, self._has_lost_answers = self._has_lost_answers, False
        done, total = 0, -1

        def one_is_over() -> None:
            nonlocal done
            done += 1
            if done == total:
                self.outbox.caught_up(lost - self._lost)

        try:
            total = await self._resend(
                None if is_all else lost, one_is_over, lambda name: self._courier.destination(name) in lost
            )
        except BaseException:  # whatever it is, they are still to be sent
            self._lost |= lost
            self._has_lost_answers |= is_all
            raise
        if done >= total:
            self.outbox.caught_up(lost - self._lost)

    # -- what the courier tells

    def received(self, incoming: Incoming) -> None:
        self._intake.received(incoming)

    def begun(self, number: int) -> None:
        self.outbox.begun(number)

    def confirmed(self, number: int) -> None:
        self.outbox.confirmed(number)

    def refused(self, number: int, reason: str) -> None:
        self.outbox.refused(number, reason)

    def lost(self, destination: str | None) -> None:
        if destination is None:
            self._has_lost_answers = True
        elif (
            self._shell.members.is_shared
            or destination in self.outbox.sent_to
            or self._stalls.knows(destination)
            or not self._has_started
        ):
            self._lost.add(destination)
            self.outbox.begin_anew(destination)

    def gone(self, destination: str) -> None:
        self.outbox.begin_anew(destination)

    def back(self, destination: str, *, is_anew: bool) -> None:
        if is_anew and self._stalls.knows(destination):
            log.warning(
                "a queue of others was made again; what it may have lost is sent again", extra={"queue": destination}
            )
            self._lost.add(destination)
            self.outbox.note_leaves(destination)
        elif destination not in self._lost:
            self.outbox.caught_up([destination])
