"""What a batch must ask of the storage, since other engines may have changed it a moment ago.

Rules: it is asked after the instances were locked, in the same transaction: what others have committed is seen then,
and what they have not cannot concern these instances.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..core.instance import Copy
from ..core.messages import Offer, Redispatch, TimerFired, Unsent
from ..ports import Batch, Storage
from .delivery import Delivery
from .handover import Handover
from .members import Members

_LAUNCH_HORIZON = 60.0  #: seconds that mail may wait for the start of its instance, which another engine works on


@dataclass(slots=True)
class Elsewhere:
    """What was found for one batch."""

    unsent: dict[tuple[str, int], int] = field(default_factory=dict)  #: attempts in anybody's outbox: their rows


class Asking:
    """Asks it. Of a storage that is not shared nothing is asked, for nobody else writes."""

    def __init__(self, storage: Storage, members: Members, handover: Handover) -> None:
        self._storage = storage
        self._members = members
        self._handover = handover

    async def look(self, batch: Batch, deliveries: list[Delivery]) -> tuple[list[Delivery], Elsewhere]:
        """What is known of the attempts of these deliveries, and those of them that nobody else was faster with."""
        if not self._members.is_shared:
            return deliveries, Elsewhere()
        timed = {one.instance for one in deliveries if isinstance(one.message, TimerFired | Redispatch)}
        unsent = await batch.unsent(sorted(timed)) if timed else {}
        woken = await self._woken(deliveries)
        left = [one for one in deliveries if not _is_offered(one) or (_event(one), one.instance) not in woken]
        return left, Elsewhere(unsent)

    async def _woken(self, deliveries: Iterable[Delivery]) -> set[tuple[int, str]]:
        """Which events have woken which instances already: no event does so in two transactions (L62)."""
        offers: dict[int, dict[str, None]] = {}
        for one in deliveries:
            if _is_offered(one):
                offers.setdefault(_event(one), {})[one.instance] = None
        found: set[tuple[int, str]] = set()
        for event, instances in offers.items():
            found |= {(event, instance) for instance in await self._storage.woken(event, list(instances))}
        return found

    def around(self, copy: Copy, delivery: Delivery, elsewhere: Elsewhere) -> list[Delivery]:
        """The delivery; before it, if it is a timer of an attempt that has not left yet, word of that.

        What is the business of the engine that has the attempt's row is nothing here: it alone knows whether the
        attempt is under way.
        """
        message = delivery.message
        if not isinstance(message, TimerFired | Redispatch) or copy.instance.has_ended:
            return [delivery]
        branch = copy.branches.get(message.branch)
        if branch is None or branch.attempt is None:
            return [delivery]
        attempt = copy.instance.id, branch.attempt
        number = elsewhere.unsent.get(attempt)
        if number is not None and (self._handover.has(*attempt) or self._handover.is_over(number)):
            number = None
        if isinstance(message, Redispatch):
            return [delivery] if number is None else []
        if number is not None and self._members.is_anothers(number) and not delivery.released:
            return []
        if number is None and not self._handover.is_unsent(*attempt):
            return [delivery]
        return [Delivery(copy.instance.id, Unsent(branch.id, branch.attempt), cause=delivery), delivery]

    def is_early(self, delivery: Delivery, now: float) -> bool:
        """Whether mail is for an instance that another engine may be about to start: then it comes again."""
        if not self._members.is_shared or delivery.since is None or delivery.order is not None:
            return False
        return now - delivery.since < _LAUNCH_HORIZON


def _is_offered(delivery: Delivery) -> bool:
    return isinstance(delivery.message, Offer) and not delivery.released


def _event(delivery: Delivery) -> int:
    assert isinstance(delivery.message, Offer), "nothing else is offered"
    return delivery.message.event
