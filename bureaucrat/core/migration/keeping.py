"""Where the compensations that an instance remembers are in a new definition (L112).

Rules: each must have a place with a ``<compensation>``, inside the same of what is active, or the plan drops it; what
items and compensations it ran in stays as it was.
"""

from __future__ import annotations

from ..instance import Copy
from ..remembered import Remembered
from ..table import Definition, numbers_in, static_path
from .matching import Matching, word_of

#: what is remembered, by number -> its branch and activity there; None: it is forgotten
Kept = dict[int, tuple[str, int] | None]


def keep(matching: Matching, copy: Copy) -> tuple[Kept, dict[int, str]]:
    """Places for all that is remembered; and why there is none, by the activity.

    :param copy: with all that it remembers loaded.
    """
    active = {frame.activity for branch in copy.branches.values() for frame in branch.frames}
    reasons: dict[int, str] = {}
    for index in sorted({entry.activity for entry in copy.remembered.values()}):
        reason = _why_not(matching, index, active)
        if reason is not None:
            reasons[index] = reason
    kept: Kept = {}
    for number, entry in copy.remembered.items():
        kept[number] = None if entry.activity in reasons else _place(matching, entry)
    said = {index: reason for index, reason in reasons.items() if index not in matching.dropped}
    return kept, said


def same_numbers(matching: Matching, old: int, new: int) -> bool:
    """Whether two activities stand in the same parallel loops and compensations."""
    return [matching.pairs.get(one) for one in matching.old.numbered(old)] == matching.new.numbered(new)


def _why_not(matching: Matching, index: int, active: set[int]) -> str | None:
    old, there = matching.old.activities[index], matching.pairs.get(index)
    reason = None
    if there is None:
        reason = matching.reasons[index]
    elif matching.new.activities[there].compensation is None:
        reason = f"at {matching.called}:{matching.new.activities[there].line} it has no compensation"
    elif not same_numbers(matching, index, there) or not _same_holders(matching, index, there, active):
        reason = f"at {matching.called}:{matching.new.activities[there].line} it is inside something else"
    if reason is None:
        return None
    return f"its compensation is remembered, and {reason}; or have it forgotten: {word_of(old)} = drop"


def _same_holders(matching: Matching, old: int, new: int, active: set[int]) -> bool:
    """Whether the same of what is active is around both: that decides who compensates it."""
    here = {matching.pairs[one] for one in _lineage(matching.old, old) & active if one in matching.pairs}
    there = {matching.pairs[one] for one in active if one in matching.pairs}
    return here == _lineage(matching.new, new) & there


def _lineage(definition: Definition, index: int) -> set[int]:
    lineage = set()
    while index >= 0:
        lineage.add(index)
        index = definition.activities[index].parent
    return lineage


def _place(matching: Matching, entry: Remembered) -> tuple[str, int]:
    old, new = matching.old, matching.new
    index = matching.pairs[entry.activity]
    address = new.address_in(index, numbers_in(old.address("", entry.branch, entry.activity)))
    is_item = static_path(entry.branch) == old.activities[entry.activity].path and new.activities[index].forks_items
    return address if is_item else address.removesuffix(new.activities[index].tail), index
