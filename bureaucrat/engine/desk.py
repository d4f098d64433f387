"""Orders of people that are for no instance: events they report, dead letters they replay or drop, what they deploy.
And events that programs report.

Rules: an order is done in one transaction with its entry in the audit log and the end of its mailbox row; a row that
another took first is nobody's any more. What a program reports has no entry; if it cannot be taken it is a dead letter.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from ..core.messages import Start
from ..core.values import complaint
from ..errors import AlreadySeen, Refused, StaleVersion, StorageUnavailable
from ..ports import DeadRow, MailRow, OutboxRow, Outgoing
from .codec import Mail, decode_message, properties_of
from .delivery import Letter
from .mends import carry_out as mend
from .orders import Deploy, Desked, Drop, Happened, Mend, Pausing, Replay, Report, Scheduling, Undeploy, audit_row
from .pausing import pause_or_resume
from .scheduling import carry_out
from .shell import Shell
from .writes import Collector

log = logging.getLogger(__name__)


class Desk:
    """Carries such orders out.

    :param row: makes a message for the broker a row; None: there is no broker.
    """

    def __init__(self, shell: Shell, row: Callable[[Outgoing, str], OutboxRow] | None) -> None:
        self._shell = shell
        self._row = row
        self._orders: deque[tuple[MailRow, Desked | Report]] = deque()

    @property
    def is_idle(self) -> bool:
        return not self._orders

    def put(self, row: MailRow, order: Desked | Report) -> None:
        """Take an order in."""
        self._orders.append((row, order))

    async def work(self) -> int:
        """Carry out the next order; returns its mailbox row, which is over.

        :raises StorageUnavailable: the order waits for the next call.
        """
        row, order = self._orders[0]
        refusal, is_done = "", False
        while not is_done:
            try:
                await self._do(row, order, refusal)
                is_done = True
            except AlreadySeen:
                refusal = "an event with this id was accepted before"
            except StaleVersion as stale:  # a version was given to somebody else, or a schedule has gone on
                log.info("an order is decided anew", extra={"order": row.number, "reason": str(stale)})
        self._orders.popleft()
        return row.number

    async def _do(self, row: MailRow, order: Desked | Report, refusal: str) -> None:
        """Decide and write. What takes long to decide is decided before the transaction; its rows are guarded."""
        collector = await self._decide(row, order, refusal) if isinstance(order, Deploy) else None
        async with self._shell.storage.batch() as batch:
            if row.number not in await batch.take_mail([row.number]):
                return
            if isinstance(order, Replay | Drop):
                await batch.claim("dead letters")  # of two that replay one letter the second finds it gone
            collector = collector or await self._decide(row, order, refusal)
            await batch.commit(collector.writes)
        self._shell.stored(collector)

    def _take(self, row: MailRow, report: Report, refusal: str) -> Collector:
        """The event; if it was accepted before, nothing but the end of its row."""
        collector = self._shell.collector()
        problem = complaint(report.body)
        if problem is not None:
            self._shell.bury(Letter("engine", row.message), f"the event's body is no JSON: {problem}", collector)
        elif not refusal:
            self._happen(row, report, collector)
        collector.writes.mail_gone.append(row.number)
        return collector

    def _happen(self, row: MailRow, event: Happened | Report, collector: Collector) -> None:
        now = self._shell.clock.now()
        collector.event(event.id or str(row.number), event.name, event.body, now)
        if event.id:
            collector.writes.inbox.append((event.id, now))

    async def _decide(self, row: MailRow, order: Desked | Report, refusal: str) -> Collector:
        """All that an order changes, and what is said of it."""
        if isinstance(order, Report):
            return self._take(row, order, refusal)
        collector = self._shell.collector()
        outcome, answer = "done", ""
        try:
            if refusal:
                raise Refused(refusal)
            answer = await self._carry_out(row, order, collector)
        except Refused as refused:
            collector = self._shell.collector()  # without what was put into it before
            outcome, answer = "refused", str(refused)
        except StorageUnavailable:
            raise
        except Exception as error:  # a defect of ours must not stop the orders after it
            log.exception("an order could not be carried out", extra={"order": row.number})
            collector = self._shell.collector()
            outcome, answer = "failed", f"{type(error).__name__}: {error}"
        now = self._shell.clock.now()
        audit = audit_row(row.number, now, order.who, order, row.instance, outcome, answer)
        collector.writes.audit.append(audit)
        collector.writes.mail_gone.append(row.number)
        return collector

    async def _carry_out(self, row: MailRow, order: Desked, collector: Collector) -> str:
        match order:
            case Happened():
                self._happen(row, order, collector)
                return "accepted"
            case Replay():
                return self._replay(await self._letter(order.letter), collector)
            case Drop():
                letter = await self._letter(order.letter)
                collector.writes.dead_gone.append(letter.number)
                return "dropped"
            case Deploy():
                return "\n".join(await self._shell.registry.deploy(order, collector.writes))
            case Undeploy():
                return "\n".join(await self._shell.registry.undeploy(order, collector.writes))
            case Scheduling():
                return "\n".join(await carry_out(order, self._shell, collector.writes))
            case Pausing():
                return await pause_or_resume(order, self._shell, collector.writes)
            case Mend():
                return await mend(order, row.instance, self._shell, collector)
        return "shown"

    async def _letter(self, number: int) -> DeadRow:
        letter = await self._shell.storage.dead_letter(number)
        if letter is None:
            raise Refused(f"there is no dead letter {number}; it was replayed or dropped already")
        return letter

    def _replay(self, letter: DeadRow, collector: Collector) -> str:
        """Take it as if it came now: through its queue again, or, of our own, through the mailbox."""
        if letter.source == "engine":
            message = _message(letter)
            if message is None or isinstance(message, Start):
                raise Refused("this message cannot be applied again; it is kept for reading only")
            collector.post(letter.message_id, message, self._shell.clock.now())
            answer = f"given to instance {letter.message_id} again"
        elif self._row is None:
            raise Refused(f"it came from the queue {letter.source!r}, and this engine has no broker")
        elif not letter.is_whole:
            raise Refused("only its beginning was kept, it was too large; whoever sent it has to send it again")
        else:
            properties = replace(properties_of(letter.properties), exchange="")  # straight into its queue
            collector.writes.outbox.append(self._row(Outgoing(letter.source, letter.body, properties), ""))
            answer = f"put into the queue {letter.source} again"
        collector.writes.dead_gone.append(letter.number)
        return answer


def _message(letter: DeadRow) -> Mail | None:
    try:
        return decode_message(letter.body)
    except Exception:  # whatever it is, it cannot be read, and that is the answer
        return None
