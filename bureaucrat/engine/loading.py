"""What of an instance a batch loads: the branches it is for, what is around them, and what steps have asked for.

Rules: a small instance is loaded whole; of a large one what its messages are for. A step that needs more says so, and
is repeated on a fresh copy with more of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..core.instance import Copy, NeedBranches, NeedRemembered
from ..core.messages import Start
from ..core.table import branches_around
from ..ports import Batch
from .codec import add_loaded, add_remembered
from .delivery import Delivery

_REMEMBERED = 256  #: compensations that are loaded at first; each time the step needs more, twice as many


@dataclass(slots=True)
class More:
    """What steps have asked for."""

    below: list[str] = field(default_factory=list)  #: ids that branches begin with
    remembered: int = 0  #: how many of the newest compensations
    has_all: bool = False  #: there are no more of these

    def note(self, need: NeedBranches | NeedRemembered) -> None:
        """Load more the next time.

        :raises NeedBranches: it was loaded, and it was not enough.
        :raises NeedRemembered: the same; some that the instance counts are not there.
        """
        if isinstance(need, NeedRemembered):
            if self.has_all:
                raise need
            self.remembered = max(_REMEMBERED, 2 * self.remembered)
        elif need.branch in self.below:
            raise need
        else:
            self.below.append(need.branch)


async def load(batch: Batch, copy: Copy, group: list[Delivery], more: More, load_whole: int) -> None:
    """Load what the messages of one instance need.

    :param load_whole: up to so many branches an instance is loaded whole.
    """
    if isinstance(group[0].message, Start) and not copy.instance.branches:
        return
    if len(copy.branches) < copy.instance.branches:
        if copy.instance.branches > load_whole:
            await _load_around(batch, copy, [getattr(delivery.message, "branch", "") for delivery in group])
        else:
            add_loaded(copy, await batch.load([(copy.instance.id, None)]))
    for branch in more.below:
        add_loaded(copy, await batch.load_below(copy.instance.id, branch))
    if more.remembered:
        rows = await batch.remembered(copy.instance.id, more.remembered)
        more.has_all = len(rows) < more.remembered
        add_remembered(copy, rows)


async def _load_around(batch: Batch, copy: Copy, branches: Iterable[str]) -> None:
    """Load branches and all that is around them. The name of a branch begins with that of what is around it; but the
    branch of a compensation is called after what it compensates, and then what is around it has another name."""
    addressed, asked = list(branches), set(copy.branches)
    wanted = addressed
    while wanted := [id for one in wanted for id in branches_around(one) if id not in asked]:
        add_loaded(copy, await batch.load([(copy.instance.id, wanted)]))
        asked.update(wanted)
        wanted = _missing(copy, addressed)


def _missing(copy: Copy, branches: Iterable[str]) -> list[str]:
    """What is not there of the branches around these."""
    missing: dict[str, None] = {}
    for id in branches:
        branch = copy.branches.get(id)
        while branch is not None and branch.parent is not None:
            if branch.parent not in copy.branches:
                missing[branch.parent] = None
            branch = copy.branches.get(branch.parent)
    return list(missing)
