"""What a person asks of a damaged instance: derive anew what can be derived, send again what may be lost.

Rules: what is wrong is looked for again in this very moment; what is written is guarded by the instance's version, and
told in its history and in the audit log.
"""

from __future__ import annotations

from ..core.messages import Redispatch
from ..errors import Refused
from ..ports import HistoryRow, Writes
from .anatomy import calls
from .codec import encode
from .mending import Mended, mend, published
from .orders import Mend
from .picture import Picture, pictures
from .shell import Shell
from .writes import Collector


async def carry_out(order: Mend, instance: str, shell: Shell, collector: Collector) -> str:
    """Put into a collection what mends an instance; returns a line that says what that is.

    :raises Refused: nothing of it is wrong that can be derived.
    """
    picture, seen = await _seen(instance, shell)
    now = shell.clock.now()
    made = mend(picture, seen, now)
    told = list(dict.fromkeys(note.text for note in made.notes))
    if order.resend:
        told += _resend(picture, made)
    if not told:
        raise Refused("nothing is wrong with it that can be derived from the rest")
    for name in Writes.__slots__:
        getattr(collector.writes, name).extend(getattr(made.writes, name))
    for of, message in made.owed:
        collector.post(of, message, now)
    if made.writes.instances and picture.copy is not None and shell.settings.history != "none":
        number, detail = picture.copy.instance.recorded, {"who": order.who, "reason": order.reason, "what": told}
        collector.writes.history.append(HistoryRow(instance, number, now, "mended", None, instance, encode(detail)))
    return "; ".join(told)[:2_000]


async def _seen(instance: str, shell: Shell) -> tuple[Picture, dict[str, Picture]]:
    """The instance with those that it has called, as one moment sees them."""
    seen = await pictures(shell.storage, shell.definitions, [instance])
    called = calls(seen[instance])
    if called:
        seen = await pictures(shell.storage, shell.definitions, list(dict.fromkeys([instance, *called])))
    return seen[instance], seen


def _resend(picture: Picture, made: Mended) -> list[str]:
    """Have sent again whatever it waits for and that has left, with the same keys and tokens."""
    attempts = published(picture)
    made.owed += [(picture.id, Redispatch(branch, number)) for branch, number in attempts]
    return [f"attempt {number} is sent again" for _, number in attempts]
