"""What the grammar's table cannot say: how attributes and children of one element go together.

Rules: one function for each; it runs when the element's attributes and children have been read, looks at what is
there, and tells at most what is wrong with this element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from bureaucrat.core.calendars import no_zone

from .document import Node
from .grammar import ACTIVITIES
from .problems import quoted
from .report import Report

Rule = Callable[[Report, Node], None]


def _default_is_last(report: Report, node: Node) -> None:
    default: Node | None = None
    for branch in node.of("case", "default"):
        if branch.type == "default":
            default = branch
        elif default is not None:
            reason = f"this <case> never runs: the <default> of line {default.line} always fits; put <default> last"
            report.add(branch.offset, "BX308", reason)


def _faults_stand_in_one_place(report: Report, node: Node) -> None:
    inside = [faults for context in node.of("context") for faults in context.of("faults")]
    for faults in node.of("faults")[:1]:
        if inside:
            reason = f"<{node.tag}> has <faults> in its <context>, line {inside[0].line}, too: join them"
            report.add(faults.offset, "BX310", reason)


def _compensation_stands_in_one_place(report: Report, node: Node) -> None:
    inside = [one for context in node.of("context") for one in context.of("compensation")]
    for own in node.of("compensation")[:1]:
        if inside:
            reason = f"<{node.tag}> has a <compensation> in its <context>, line {inside[0].line}, too: join them"
            report.add(own.offset, "BX310", reason)


def _delay_has_one_end(report: Report, node: Node) -> None:
    given = [name for name in ("duration", "until", "cron") if name in node.attributes]
    if len(given) == 1:
        return
    what = "has " + " and ".join(given) if given else "has none"
    report.add(node.offset, "BX311", f"<delay> needs one of duration, until and cron, and {what}")


def _start_has_one_cause(report: Report, node: Node) -> None:
    given = [name for name in ("cron", "event") if name in node.attributes]
    if len(given) != 1:
        what = "has both" if given else "has none"
        report.add(node.offset, "BX325", f"<start> needs one of cron and event, and {what}")
        return
    for name in ("timezone", "overlap", "missed"):
        if name in node.attributes and given == ["event"]:
            place, _ = report.source.attribute(node.offset, name)
            report.add(place, "BX325", f"{name} needs cron beside it: an event has no ticks")
    for condition in node.of("event-condition") if given == ["cron"] else ():
        report.add(condition.offset, "BX325", "a <condition> needs an event that it is about: a tick has none")


def _starts_stand_first(report: Report, node: Node) -> None:
    first = next((child for child in node.children if child.type in ACTIVITIES), None)
    for start in node.of("start"):
        if first is not None and start.offset > first.offset:
            reason = f"<start> stands before the activities; here <{first.tag}> of line {first.line} is before it"
            report.add(start.offset, "BX326", f"{reason}: move it up")


def _ticks_give_no_fields(report: Report, node: Node) -> None:
    required = [one for context in node.of("context") for one in context.of("property") if one.values.get("required")]
    for start in node.of("start") if required else ():
        if "cron" in start.attributes:
            name = quoted(required[0].attributes.get("name", ""))
            reason = f"a tick gives no fields, and the property {name} of line {required[0].line} is required"
            report.add(start.offset, "BX327", f"{reason}: nothing could start; give the property a value")


def _delay_has_a_zone(report: Report, node: Node) -> None:
    until = node.values.get("until")
    if until is not None and isinstance(until.literal, datetime) and "timezone" not in node.attributes:
        place, _ = report.source.attribute(node.offset, "until")
        report.add(place, "BX210", f"until={quoted(node.attributes['until'])} {no_zone(until.literal)}")
    if "timezone" in node.attributes and not {"until", "cron"} & node.attributes.keys():
        place, _ = report.source.attribute(node.offset, "timezone")
        report.add(place, "BX324", "timezone needs cron or until beside it, whose times are those of that zone")


def _collect_has_value(report: Report, node: Node) -> None:
    for name, other, what in (
        ("collect", "value", "an expression that gives what is collected of each item"),
        ("value", "collect", "the property that takes the list"),
    ):
        if name in node.attributes and other not in node.attributes:
            place, _ = report.source.attribute(node.offset, name)
            report.add(place, "BX312", f"{name} needs {other} beside it, {what}")


def _equals_has_key(report: Report, node: Node) -> None:
    if "equals" in node.attributes and "key" not in node.attributes:
        place, _ = report.source.attribute(node.offset, "equals")
        report.add(place, "BX313", "equals needs key beside it, the place in the event whose value it is compared with")


def _unique_has_key(report: Report, node: Node) -> None:
    if node.values.get("unique") and "key" not in node.attributes:
        place, _ = report.source.attribute(node.offset, "unique")
        report.add(place, "BX314", "unique needs key beside it, the field that no two unfinished instances share")


def _times_has_every(report: Report, node: Node) -> None:
    if node.values.get("times", 1) > 1 and "every" not in node.attributes:
        place, _ = report.source.attribute(node.offset, "times")
        reason = (
            f"times={quoted(node.attributes['times'])} needs every beside it, the time from one reminder to the next"
        )
        report.add(place, "BX315", reason)


def _names_differ(report: Report, nodes: Iterable[Node], what: str) -> None:
    seen: dict[str, Node] = {}
    for node in nodes:
        name = node.values.get("name")
        if name in seen:
            place, _ = report.source.attribute(node.offset, "name")
            report.add(place, "BX316", f"the {what} {quoted(name)} is on line {seen[name].line} already: remove one")
        elif name is not None:
            seen[name] = node


def _properties_differ(report: Report, node: Node) -> None:
    _names_differ(report, node.of("property"), "property")


def _fields_differ(report: Report, node: Node) -> None:
    _names_differ(report, node.of("field", "output-field", "form-field"), "field")


def _required_is_given_later(report: Report, node: Node) -> None:
    """Whether a required property stands where the start can give it; the root looks at all contexts but its own."""
    for context in node.of("context"):
        for one in context.of("property"):
            if one.values.get("required"):
                place, _ = report.source.attribute(one.offset, "required")
                _tell_required(report, node, one, place)


def _tell_required(report: Report, node: Node, one: Node, place: int) -> None:
    if node.type != "process":
        reason = f"required belongs in the context of <process>: nothing gives <{node.tag}> its values"
        report.add(place, "BX317", f"{reason}; remove it, or move the property")
    elif one.texts:
        reason = f"a required property has no text, here {quoted(one.texts[0].text.strip())}: the start gives its value"
        report.add(place, "BX317", f"{reason}; remove the one or the other")


_ANYWHERE: Final = (_faults_stand_in_one_place, _compensation_stands_in_one_place, _required_is_given_later)

#: The rules of each type of element.
RULES: Final[Mapping[str, tuple[Rule, ...]]] = MappingProxyType(
    {
        "process": (_unique_has_key, _starts_stand_first, _ticks_give_no_fields, *_ANYWHERE),
        "start": (_start_has_one_cause,),
        "context": (_properties_differ,),
        "fault-case": _ANYWHERE,
        "fault-default": _ANYWHERE,
        "compensation": _ANYWHERE,
        "reminder": (_times_has_every, *_ANYWHERE),
        "input": (_fields_differ,),
        "output": (_fields_differ,),
        "form": (_fields_differ,),
        "sequence": _ANYWHERE,
        "switch": (_default_is_last, *_ANYWHERE),
        "case": _ANYWHERE,
        "default": _ANYWHERE,
        "while": _ANYWHERE,
        "foreach": (_collect_has_value, *_ANYWHERE),
        "all": _ANYWHERE,
        "any": _ANYWHERE,
        "delay": (_delay_has_one_end, _delay_has_a_zone),
        "await": (_equals_has_key,),
        "signal": (_fields_differ,),
    }
)
