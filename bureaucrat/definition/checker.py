"""A document against the grammar: every problem is told, every value read (L121).

Rules: the tree is walked once, outside in; an element that stands in a wrong place, or whose name is nearly right, is
checked as what it was meant to be; what is unknown is told and left. Nothing is built here: when no problem was told,
every node has its type, its values and its content, and :mod:`bureaucrat.definition.build` cannot fail.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from .contents import read_attributes, read_content
from .document import Node
from .grammar import ACTIVITIES, ELEMENTS, ROOT, TAGS, Child, child_of, homes
from .problems import closest, did_you_mean, quoted
from .report import Report
from .rules import RULES
from .undoing import Undoing

#: Where an activity goes instead of into such an element.
_INSTEAD: Final = {
    "switch": "put it into a <case> or the <default>",
    "faults": "put it into a <case> or the <default>",
    "context": "put it after </context>",
}


def check(report: Report, root: Node) -> None:
    """Tell every problem of the tree, and give its nodes their types and values."""
    checker = _Checker(report)
    checker.root(root)
    checker.exits_lead_outward()
    checker.undoing.check(checker.ids)


class _Checker:
    def __init__(self, report: Report) -> None:
        self._report = report
        self.ids: dict[str, Node] = {}
        self.undoing = Undoing(report)
        self._around: list[str] = []  #: ids of the activities around, outermost first
        self._exits: list[tuple[Node, list[str]]] = []

    def root(self, node: Node) -> None:
        if node.tag != ROOT:
            advice = f": put it into a <{ROOT}>" if node.tag in ACTIVITIES else ""
            self._report.add(node.offset, "BX320", f"the root is <{_shown(node.tag)}>; it must be <{ROOT}>{advice}")
            if closest(node.tag, [ROOT]) is None:
                return
        self._element(node, ROOT)

    def exits_lead_outward(self) -> None:
        """An exit names an activity around it; which ids there are is known at the end."""
        for node, around in self._exits:
            scope = node.values["scope"]
            if scope in around:
                continue
            place, _ = self._report.source.attribute(node.offset, "scope")
            if scope in self.ids:
                reason = f"the <{self.ids[scope].tag}> of line {self.ids[scope].line}, which is not around this exit"
            else:
                reason = "no activity"
            others = f"; around it are {', '.join(around)}" if around else "; no activity around it has an id"
            close = did_you_mean(scope, around) or others
            self._report.add(place, "BX318", f"scope={quoted(scope)} names {reason}{close}")

    def _element(self, node: Node, type: str) -> None:
        node.type = type
        read_attributes(self._report, node)
        read_content(self._report, node)
        name = node.values.get("id")
        if name is not None:
            self._identify(node, name)
            self._around.append(name)
        around = self._around
        if type == "compensation":  # it runs when what is around it has ended
            self._around = [] if name is None else [name]
        with self.undoing.inside(node):
            self._children(node)
        self._around = around
        if name is not None:
            self._around.pop()
        if type == "exit" and "scope" in node.values:
            self._exits.append((node, list(self._around)))
        if type == "compensate":
            self.undoing.add(node, self._around)
        for rule in RULES.get(type, ()):
            rule(self._report, node)

    def _identify(self, node: Node, name: str) -> None:
        other = self.ids.setdefault(name, node)
        if other is not node:
            place, _ = self._report.source.attribute(node.offset, "id")
            reason = f"id={quoted(name)} is the id of the <{other.tag}> on line {other.line}, too"
            self._report.add(place, "BX306", f"{reason}: ids are unique in a definition")

    def _children(self, node: Node) -> None:
        for child in node.children:
            type = self._type_of(node, child)
            if type is not None:
                self._element(child, type)
        counts = Counter(child.type for child in node.children)
        for tag, allowed in ELEMENTS[node.type].children.items():
            if counts[allowed.type] < allowed.least:
                self._report.add(node.offset, "BX307", f"<{node.tag}> needs a <{tag}>{_purpose(node)}")
            if allowed.most is not None and counts[allowed.type] > allowed.most:
                self._surplus(node, tag, allowed)

    def _type_of(self, node: Node, child: Node) -> str | None:
        """What the child is, or was meant to be; None if nobody knows."""
        found = child_of(node.type, child.tag)
        if found is not None:
            return found.type
        if child.tag in TAGS:
            self._report.add(child.offset, "BX303", _misplaced(node, child.tag))
            return child.tag
        element = ELEMENTS[node.type]
        here = sorted({*element.children, *(ACTIVITIES if element.activities else ())})
        meant = closest(child.tag, here) or closest(child.tag, sorted(TAGS))
        close = f"did you mean <{meant}>?" if meant else "no element has a name like this; remove it"
        self._report.add(child.offset, "BX301", f"unknown element <{_shown(child.tag)}>; {close}")
        found = child_of(node.type, meant) if meant else None
        return found.type if found else None

    def _surplus(self, node: Node, tag: str, allowed: Child) -> None:
        first, *others = node.of(allowed.type)
        for other in others:
            reason = f"a second <{tag}> in <{node.tag}>, the first is on line {first.line}: join them"
            self._report.add(other.offset, "BX309", reason)


def _misplaced(node: Node, tag: str) -> str:
    if tag in ACTIVITIES:
        advice = _INSTEAD.get(node.type, "put it beside, or both into a <sequence>")
        return f"the activity <{tag}> cannot stand in <{node.tag}>: {advice}"
    places = [f"<{home}>" for home in homes(tag)]
    advice = (
        f"it belongs in {', '.join(places)}" if places else "it is the root of a definition; to run another, <call> it"
    )
    return f"<{tag}> cannot stand in <{node.tag}>: {advice}"


def _purpose(node: Node) -> str:
    match node.type:
        case "case":
            return "; what runs if no case fits stands in <default>"
        case "while":
            return "; it is looked at before each turn"
    return ""


def _shown(tag: str) -> str:
    return quoted(tag)[1:-1]
