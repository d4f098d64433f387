"""What a batch must know before an instance goes on by another definition."""

from __future__ import annotations

from ..core.messages import Migrate
from ..definition.problems import InvalidDefinition
from ..errors import UnknownDefinition
from ..ports import Storage
from .definitions import Definitions
from .delivery import Delivery, Outlook


async def look_out(delivery: Delivery, message: Migrate, storage: Storage, definitions: Definitions) -> Outlook | None:
    """Find it; None if the definition is not to be had, and then the delivery says why."""
    try:
        target = definitions.read(message.text) if message.text else await definitions.get(message.to)
    except (InvalidDefinition, UnknownDefinition) as error:
        delivery.refusal = str(error)
        return None
    if target.hash != message.to:
        delivery.refusal = f"the definition that was sent along is not {message.to}"
        return None
    waits = {(row.branch, row.activity): row for row in await storage.waits_of(delivery.instance)}
    incidents = {row.number: row for row in await storage.incidents(delivery.instance)}
    return Outlook(target, waits, incidents)
