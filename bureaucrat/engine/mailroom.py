"""What is done with the mailbox before each batch: fetch, set aside what cannot be read, carry out what is asked."""

from __future__ import annotations

from collections.abc import Callable

from ..ports import MailRow, OutboxRow, Outgoing
from .delivery import Letter
from .desk import Desk
from .mailbox import Mailbox
from .recovery import Recovery
from .shell import Shell


class Mailroom:
    """Tends the mailbox.

    :param row: makes a message for the broker a row; None: there is no broker.
    """

    def __init__(
        self, shell: Shell, mailbox: Mailbox, recovery: Recovery, row: Callable[[Outgoing, str], OutboxRow] | None
    ) -> None:
        self._shell = shell
        self._mailbox = mailbox
        self._recovery = recovery
        self._desk = Desk(shell, row)

    @property
    def is_idle(self) -> bool:
        return self._mailbox.is_idle and self._desk.is_idle

    async def tend(self) -> None:
        """Do all there is to do.

        :raises StorageUnavailable: the rest is done by the next call.
        """
        if self._mailbox.has_news:
            self._mailbox.has_news = False
            await self._recovery.fetch_mail()
        await self._mailbox.fetch(self._shell.settings.share)
        if unreadable := tuple(self._mailbox.unreadable):
            await self._set_aside(unreadable)
            del self._mailbox.unreadable[: len(unreadable)]  # more may have come meanwhile
            self._mailbox.over(row.number for row, _ in unreadable)
        for row, order in self._mailbox.ordered:
            self._desk.put(row, order)
        self._mailbox.ordered.clear()
        while not self._desk.is_idle:
            self._mailbox.over([await self._desk.work()])

    async def _set_aside(self, unreadable: tuple[tuple[MailRow, str], ...]) -> None:
        collector = self._shell.collector()
        for row, reason in unreadable:
            self._shell.bury(Letter("engine", row.message, row.instance), reason, collector)
            collector.writes.mail_gone.append(row.number)
        await self._shell.commit(collector)
