"""What a document says of compensation, as a whole (L100, L101).

Rules: a compensation runs when the activity that it is for has ended; so it cannot leave that activity, and what it
does is not compensated in its turn. What a ``<compensate>`` names is looked up at the end, when all ids are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from .document import Node
from .problems import did_you_mean, quoted
from .report import Report

#: what a compensation cannot hold, and why
_NOT_INSIDE: Final = {
    "compensation": "what a compensation does is not compensated in its turn: remove it",
    "compensate": "what the activity remembered was forgotten for this compensation: do here what is to be done",
}


class Undoing:
    """Looks at compensations while the tree is walked."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._compensations: list[Node] = []  #: those around, outermost first
        self._wishes: list[tuple[Node, list[str]]] = []

    @contextmanager
    def inside(self, node: Node) -> Iterator[None]:
        """Look at an element; what is looked at meanwhile stands inside it."""
        if self._compensations:
            self._inner(node, self._compensations[-1])
        if node.type == "compensation":
            self._compensations.append(node)
        yield
        if node.type == "compensation":
            self._compensations.pop()
        if node.type == "process":
            self._root(node)

    def add(self, node: Node, around: Sequence[str]) -> None:
        """Note a ``<compensate>``, with the ids of the activities around it."""
        if "scope" in node.values and not self._compensations:
            self._wishes.append((node, list(around)))

    def check(self, ids: dict[str, Node]) -> None:
        """Whether each ``<compensate>`` names what has completed before and can be compensated."""
        for node, around in self._wishes:
            scope = node.values["scope"]
            reason = _reason(scope, around, ids)
            if reason is not None:
                place, _ = self._report.source.attribute(node.offset, "scope")
                self._report.add(place, "BX321", f"scope={quoted(scope)} names {reason}")

    def _inner(self, node: Node, around: Node) -> None:
        if node.type in _NOT_INSIDE:
            where = f"<{node.tag}> inside the <compensation> of line {around.line}"
            self._report.add(node.offset, "BX323", f"{where}: {_NOT_INSIDE[node.type]}")
        elif node.type == "exit" and "scope" not in node.attributes:
            reason = "this exit would end the instance out of a compensation, and leave the others undone"
            self._report.add(node.offset, "BX323", f"{reason}: name what is to end by scope, or throw a <fault>")

    def _root(self, node: Node) -> None:
        for own in _compensations(node):
            reason = "a compensation of <process> never runs: when a process has completed nothing can go back"
            self._report.add(own.offset, "BX322", f"{reason}; put it on the <call> of it, or on a <sequence> inside")


def _compensations(node: Node) -> list[Node]:
    return [found for place in (node, *node.of("context")) for found in place.of("compensation")]


def _reason(scope: str, around: Sequence[str], ids: dict[str, Node]) -> str | None:
    """Why nothing of that id can be compensated; None if it can."""
    named = ids.get(scope)
    if named is None:
        return f"no activity{did_you_mean(scope, sorted(ids))}"
    what = f"the <{named.tag}> of line {named.line}"
    if scope in around:
        return f"{what}, which is around it and has not completed; without scope all that was done in it is compensated"
    if not _can_be_compensated(named):
        return f"{what}, and neither it nor anything inside it has a <compensation>"
    return None


def _can_be_compensated(node: Node) -> bool:
    """Whether it or something inside it is remembered."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.type == "compensation":
            return True
        waiting += one.children
    return False
