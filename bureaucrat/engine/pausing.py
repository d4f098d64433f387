"""What a person asks of participants: pause, resume.

Rules: a pause is for one participant, however it is written; one that nobody has heard of is refused, for it is most
likely mistyped. An expression may give any name, so what attempts are for counts as heard of.
"""

from __future__ import annotations

from collections.abc import Collection

from ..core.activities.action import Action
from ..core.table import Definition
from ..definition.problems import InvalidDefinition, did_you_mean
from ..errors import Refused, UnknownDefinition
from ..ports import PauseRow, Storage, Writes
from .bounds import Bounds
from .definitions import Definitions
from .orders import Pausing
from .shell import Shell


async def pause_or_resume(order: Pausing, shell: Shell, writes: Writes) -> str:
    """Change the row as a person asks; returns a line that says so.

    :raises Refused: there is no such participant, or nothing to change.
    """
    name = shell.settings.bounds.name(order.participant)
    paused = {row.participant for row in await shell.storage.pauses()}
    if order.what == "resume":
        if name not in paused:
            raise Refused(f"{name[:200]} is not paused{did_you_mean(name, paused)}")
        writes.pauses_gone.append((name,))
        return f"{name} resumed"
    if name in paused:
        raise Refused(f"{name} is paused already")
    await _check(name, shell)
    writes.pauses.append(PauseRow(name, shell.clock.now(), order.who, order.reason))
    return f"{name} paused"


async def _check(name: str, shell: Shell) -> None:
    bounds = shell.settings.bounds
    known = {bounds.name(one) for one in await shell.storage.asked()}
    if name not in known:
        known |= (await named(shell.storage, shell.definitions, bounds)).keys()
    if name not in known:
        raise Refused(f"no definition names a participant {name[:200]!r}{did_you_mean(name, known)}")


async def named(storage: Storage, definitions: Definitions, bounds: Bounds) -> dict[str, list[str]]:
    """The participants that definitions name which are registered or run: each with their processes, in order."""
    active = [row.definition for row in await storage.versions() if not row.retired]
    found: dict[str, set[str]] = {}
    for hash in dict.fromkeys([*active, *await storage.definitions_in_use()]):
        try:
            definition = await definitions.get(hash)
        except (UnknownDefinition, InvalidDefinition):
            continue  # whatever it names, nothing is sent by it
        for name in participants_of(definition):
            found.setdefault(bounds.name(name), set()).add(definition.name)
    return {name: sorted(found[name]) for name in sorted(found)}


def participants_of(definition: Definition) -> Collection[str]:
    """Those that a definition names without an expression."""
    actions = (one for one in definition.activities if isinstance(one, Action))
    return {str(one.participant.literal) for one in actions if one.participant.expression is None}
