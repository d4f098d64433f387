"""Orders on their way: one mailbox row each, and what the audit log says of it once an engine took it.

Rules: nothing is changed here; the row's number is that of the audit row, so what came of an order can be waited for;
an order that nobody took stays in the mailbox and is carried out by the next engine that runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ..engine.codec import decode_message, encode_message
from ..engine.numbers import numbers_of
from ..engine.orders import Order, Ordered, audit_row
from ..ports import AuditRow, MailRow
from .window import Window
from .wording import rough

_LOOK = 0.05  #: seconds between two looks
_MOST = 10_000  #: rows of the mailbox that are looked through


class Mailing:
    """Posts orders and waits for what comes of them."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._numbers: Callable[[], int] = numbers_of(window.clock)

    async def post(self, instance: str, order: Ordered) -> int:
        """Leave an order; returns its number.

        :raises StorageUnavailable: it was not left.
        """
        number = self._numbers()
        row = MailRow(number, instance, encode_message(order), self._window.clock.now())
        await self._window.storage.post(row)
        return number

    async def outcomes(self, numbers: Sequence[int], patience: float) -> dict[int, AuditRow]:
        """What came of the orders that were taken, until none was taken for so many seconds."""
        loop = asyncio.get_running_loop()
        found: dict[int, AuditRow] = {}
        until = loop.time() + patience
        while True:
            new = await self._look([number for number in numbers if number not in found])
            found |= new
            if len(found) == len(numbers) or (not new and loop.time() >= until):
                return found
            until = loop.time() + patience if new else until
            await asyncio.sleep(_LOOK)

    async def _look(self, numbers: Sequence[int]) -> dict[int, AuditRow]:
        rows = [await self._window.storage.audit(number) for number in numbers]
        return {row.number: row for row in rows if row is not None}


def nobody(orders: int, patience: float) -> str:
    """What is said of orders that nobody took."""
    what, stays = ("it", "it stays and is") if orders == 1 else (f"{orders:,} orders", "they stay and are")
    return (
        f"nobody took {what} in {rough(patience)}: it seems that no daemon runs on this database; "
        f"{stays} carried out when one does"
    )


async def waiting(window: Window, instance: str | None) -> list[AuditRow]:
    """Orders that nobody took yet, newest first, as the audit log will have them.

    :param instance: only those for it.
    """
    found = []
    for row in await window.storage.mail(_MOST):
        order = _order(row)
        if order is not None and instance in (None, row.instance):
            asked = order.message if isinstance(order, Order) else order
            found.append(audit_row(row.number, row.at, order.who, asked, row.instance, "waiting", "nobody took it yet"))
    return found[::-1]


def _order(row: MailRow) -> Ordered | None:
    try:
        message = decode_message(row.message)
    except Exception:  # whatever it is, it is no order of ours; the engine sets it aside
        return None
    return message if isinstance(message, Ordered) else None


async def post(window: Window, instance: str, order: Ordered) -> int:
    """Leave one order, and do not wait."""
    return await Mailing(window).post(instance, order)
