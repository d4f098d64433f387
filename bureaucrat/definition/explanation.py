"""What ``bureaucrat explain`` knows about one code."""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """A title in a few words, some sentences, and how it looks wrong and right (empty if it cannot be shown)."""

    title: str
    text: str
    wrong: str = ""
    right: str = ""
