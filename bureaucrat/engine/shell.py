"""What every part around the core works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from ..errors import StorageUnavailable
from ..ports import Storage
from .definitions import Definitions
from .delivery import Delivery, Letter
from .figures import Figures
from .members import Members
from .registry import Registry
from .settings import Settings
from .writes import Collector


@dataclass(frozen=True, slots=True)
class Shell:
    """The engine's means, and its doors."""

    storage: Storage
    definitions: Definitions
    registry: Registry
    clock: Clock
    numbers: Callable[[], int]
    settings: Settings
    figures: Figures
    members: Members
    put: Callable[[Delivery], None]  #: takes a message to an instance in
    collector: Callable[[], Collector]  #: an empty collection, for what is written beside the batches
    bury: Callable[[Letter, str, Collector], None]  #: makes a message a dead letter, with the reason
    stored: Callable[[Collector], None]  #: told of such a collection after its commit
    unstored: Callable[[StorageUnavailable], None]  #: told why such a commit failed; it may have happened all the same

    async def commit(self, collector: Collector) -> None:
        """Write a collection that belongs to no batch."""
        if collector.writes.is_empty:
            return
        try:
            async with self.storage.batch() as batch:
                await batch.commit(collector.writes)
        except StorageUnavailable as error:
            self.unstored(error)
            raise
        self.stored(collector)
