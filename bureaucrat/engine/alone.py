"""What no other batch may be under way beside: offers of events, and looks at schedules.

Rules: a part gives a chunk, which is one transaction and is decided in it; if it was not written, the part forgets it
and finds it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..ports import Batch
from .delivery import Delivery
from .pipeline import Pipeline
from .writes import Collector


class Part(Protocol):
    """Something that gives chunks."""

    @property
    def is_idle(self) -> bool: ...

    async def next_chunk(self, collector: Collector, batch: Batch) -> list[Delivery]:
        """The deliveries of the next chunk, which is committed with `batch`; what belongs to it is put into
        `collector`."""
        ...

    def committed(self, collector: Collector) -> None:
        """The chunk is durable."""
        ...

    def clear(self) -> None:
        """It is not."""
        ...


class Alone:
    """Works on the parts, the first that has something to do."""

    def __init__(
        self,
        pipeline: Pipeline,
        collector: Callable[[], Collector],
        *parts: Part,
    ) -> None:
        self._pipeline = pipeline
        self._collector = collector
        self._parts = parts

    @property
    def is_idle(self) -> bool:
        return all(part.is_idle for part in self._parts)

    async def work(self) -> None:
        """One chunk. No other batch is under way."""
        part = next(part for part in self._parts if not part.is_idle)
        collector = self._collector()
        if await self._fly(part, collector):
            part.committed(collector)
        else:
            part.clear()

    async def _fly(self, part: Part, collector: Collector) -> bool:
        """Commit a chunk; once more if storage has told which of its starts cannot be (L83)."""
        deliveries: list[Delivery] = []

        async def chunk(batch: Batch) -> list[Delivery]:
            deliveries.extend(await part.next_chunk(collector, batch))
            return deliveries

        async def same(batch: Batch) -> list[Delivery]:
            return deliveries

        if await self._pipeline.fly_alone(chunk, collector):
            return True
        is_told = any(delivery.refusal for delivery in deliveries)
        return is_told and await self._pipeline.fly_alone(same, collector)
