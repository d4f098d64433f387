"""Definitions in memory: as many as there is room for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest

from bureaucrat.clock import ManualClock
from bureaucrat.definition import InvalidDefinition, ReadLimits, read
from bureaucrat.definition.limits import ACCEPTED
from bureaucrat.engine.definitions import Definitions, Recent
from bureaucrat.ports import Writes
from bureaucrat.storage.memory import MemoryStorage


@dataclass(eq=False)
class Text:
    """Stands for a definition."""

    source: str


def kept(recent: Recent, names: str) -> str:
    return "".join(name for name in names if recent.get(name) is not None)


def test_what_was_not_used_for_the_longest_time_is_forgotten_first() -> None:
    """Beyond a number."""
    recent = Recent(most=3)
    for name in "abc":
        recent.put(name, Text(name))
    recent.get("a")

    recent.put("d", Text("d"))

    assert kept(recent, "abcd") == "acd"


def test_a_few_large_texts_do_not_fill_the_memory() -> None:
    """Beyond a length of all together; one that is longer than that is kept alone, for it is at work now."""
    recent = Recent(longest=10)
    for name in "abc":
        recent.put(name, Text(4 * name))
    after_three = kept(recent, "abc")

    recent.put("c", Text("c"))
    recent.put("d", Text(5 * "d"))
    after_five = kept(recent, "abcd")
    recent.put("e", Text(11 * "e"))

    assert (after_three, after_five, kept(recent, "abcde")) == ("bc", "bcd", "e")


async def test_a_definition_that_was_accepted_is_read_again_under_lower_limits() -> None:
    """After a restart with other settings its instances go on; a new one of that size is refused."""
    storage, clock = MemoryStorage(), ManualClock(1_000.0)
    await storage.open()
    text = f"<process>{'<exit/>' * 9}</process>"
    before = Definitions(storage, read, clock)
    definition = before.read(text)
    writes = Writes()
    before.store(definition, writes)
    async with storage.batch() as batch:
        await batch.commit(writes)

    after = Definitions(storage, partial(read, limits=ReadLimits(activities=5)), clock)
    after.read_stored = partial(read, limits=ACCEPTED)

    with pytest.raises(InvalidDefinition):
        after.read(text)
    assert (await after.get(definition.hash)).source == text
