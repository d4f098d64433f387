"""Transfers, brought to the agent of their account, whoever sends them with whatever key: group_by."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterable

from bureaucrat import streams as faust
from bureaucrat.streams import StreamT


class Transfer(faust.Record):
    account: str
    amount: float


app = faust.App("transfers-example", topic_partitions=4)
transfers = app.topic("transfers", value_type=Transfer)
balances: dict[str, float] = defaultdict(float)  #: of the accounts whose partitions are here


@app.agent(transfers)
async def booked(stream: StreamT[Transfer]) -> AsyncIterable[float]:
    """Adds up what comes to each account."""
    async for transfer in stream.group_by(Transfer.account):
        balances[transfer.account] += transfer.amount
        yield balances[transfer.account]


async def main() -> None:
    async with app:
        for account, amount in (("ann", 10.0), ("bob", 5.0), ("ann", 2.5)):
            print(account, await booked.ask(Transfer(account, amount)))


if __name__ == "__main__":
    asyncio.run(main())
