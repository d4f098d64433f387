"""How large a definition may be (L120)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What is beyond one of these is refused before a tree is built of it."""

    document_bytes: int = 4 << 20  #: of UTF-8
    depth: int = 64  #: elements inside each other, the process counted
    activities: int = 100_000
    elements: int = 400_000  #: fields, conditions and the like counted
    attributes: int = 64  #: of one element
    attribute_characters: int = 64 << 10  #: of one attribute's value, as written
    problems: int = 1_000  #: told in one answer; after as many, reading stops


#: Of what was accepted before: it is read whatever the settings say now.
ACCEPTED = ReadLimits(document_bytes=16 << 20, activities=1_000_000, elements=4_000_000)


def limits_of(document: int, activities: int) -> ReadLimits:
    """For so many bytes and activities; elements that are no activities may be four times as many."""
    return ReadLimits(document_bytes=document, activities=activities, elements=4 * activities)
