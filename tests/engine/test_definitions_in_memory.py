"""Definitions in memory: as many as there is room for."""

from __future__ import annotations

from dataclasses import dataclass

from bureaucrat.engine.definitions import Recent


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
