"""What a worker takes from a topic: its partitions, and the agents that get what comes.

Rules: a worker stands by on every partition, so that it takes over when another dies; when workers come and go, those
that a partition does not belong to stand back, one after the other, until its owner has it.
"""

from __future__ import annotations

from .brokers import Broker, Consumer, Delivery
from .events import Shared
from .home import Taker


def owner(partition: int, members: list[str]) -> str:
    """Which of the members, sorted, a partition belongs to."""
    return members[partition % len(members)]


class Feed:
    """One topic of one worker."""

    def __init__(self, topic: str, partitions: int) -> None:
        self.topic = topic
        self.partitions = partitions
        self.takers: list[Taker] = []
        self._consumers: dict[int, Consumer] = {}
        self._offsets = [0] * partitions

    async def start(self, broker: Broker) -> None:
        """Stand by on every partition."""
        for partition in range(self.partitions):
            if partition not in self._consumers:
                self._consumers[partition] = await broker.consume(self.topic, partition, self._take)

    async def rebalance(self, name: str, members: list[str]) -> None:
        """Stand back from what belongs to others."""
        for partition, consumer in list(self._consumers.items()):
            if owner(partition, members) != name:
                await consumer.renew()

    async def stop(self) -> None:
        """Take nothing more; returns when what was begun has ended."""
        for consumer in self._consumers.values():
            await consumer.release()
        self._consumers.clear()

    def _take(self, delivery: Delivery) -> None:
        partition = delivery.message.partition
        offset = self._offsets[partition]
        self._offsets[partition] += 1
        shared = Shared(delivery, len(self.takers))
        for taker in self.takers:
            taker.take(delivery, offset, shared)
