"""What one element says: its attributes and its text, read by the grammar.

Rules: each value lands in the node as the core keeps it, or a problem is told at its place; the children are not
looked at.
"""

from __future__ import annotations

from typing import Final

from .document import Node, Text
from .grammar import ACTIVITIES, ELEMENTS, Attribute, Content, Kind
from .problems import closest, did_you_mean, quoted
from .properties import parse_property
from .report import Report
from .values import READERS, Refused, expression

_WHITE: Final = " \t\n"
#: What types are called in other languages.
_ELSEWHERE: Final = {
    **dict.fromkeys(("list", "array", "dict", "object", "map", "tuple"), "json"),
    **dict.fromkeys(("string", "varchar", "char"), "str"),
    **dict.fromkeys(("number", "double", "decimal"), "float"),
    **dict.fromkeys(("long", "short"), "int"),
}


def read_attributes(report: Report, node: Node) -> None:
    """Read each attribute; tell those that are unknown, wrong or missing."""
    known = ELEMENTS[node.type].attributes
    for name, text in node.attributes.items():
        attribute = known.get(name)
        if attribute is None:
            _unknown(report, node, name)
        else:
            _read(report, node, name, text, attribute)
    meant = {closest(name, known) for name in node.attributes if name not in known}
    for name, attribute in known.items():
        if attribute.required and name not in node.attributes and name not in meant:
            choices = f", one of {', '.join(attribute.choices)}" if attribute.choices else ""
            report.add(node.offset, "BX305", f'<{node.tag}> needs the attribute {name}="…"{choices}')


def _unknown(report: Report, node: Node, name: str) -> None:
    place, _ = report.source.attribute(node.offset, name)
    known = ELEMENTS[node.type].attributes
    if name == "timeout" and node.type in ACTIVITIES:
        reason = f"<{node.tag}> never waits, so it takes no timeout: put it on what waits, or on the <sequence> around"
        report.add(place, "BX304", reason)
        return
    if name in ELEMENTS[node.type].children:
        reason = f"{name} is no attribute of <{node.tag}> but stands in it: write <{name}>…</{name}>"
        report.add(place, "BX302", reason)
        return
    others = f"; it takes {', '.join(known)}" if known else "; it takes none"
    close = did_you_mean(name, known) or others
    report.add(place, "BX302", f"unknown attribute {quoted(name)[1:-1]} of <{node.tag}>{close}")


def _read(report: Report, node: Node, name: str, text: str, attribute: Attribute) -> None:
    place, begin = report.source.attribute(node.offset, name)
    try:
        if attribute.kind is Kind.CHOICE:
            node.values[name] = _choice(text, attribute.choices)
        else:
            node.values[name] = READERS[attribute.kind](text, report.source.line(begin))
    except Refused as refused:
        if refused.code == "BX401":
            place = report.source.inside(begin, refused.index)
        report.add(place, refused.code, f"{name}={refused.message}")


def _choice(text: str, choices: tuple[str, ...]) -> str:
    bare = text.strip(_WHITE)
    if bare not in choices:
        meant = _ELSEWHERE.get(bare.lower(), "")
        close = did_you_mean(bare, choices) or (f"; did you mean {meant}?" if meant in choices else "")
        raise Refused("BX205", f"{quoted(text)} is not one of {', '.join(choices)}{close}")
    return bare


def read_content(report: Report, node: Node) -> None:
    """Read the element's text; tell text that is wrong, missing, or none that is meant.

    Other content is not looked at; nor did the original.
    """
    match ELEMENTS[node.type].content:
        case Content.NONE:
            _stray(report, node, node.texts)
        case Content.EXPRESSION:
            _stray(report, node, node.texts[1:])
            _expression(report, node)
        case Content.PROPERTY:
            _stray(report, node, node.texts[1:])
            _property(report, node)


def _stray(report: Report, node: Node, texts: list[Text]) -> None:
    for text in texts:
        reason = f"<{node.tag}> takes no text here, and there is {quoted(text.text.strip(_WHITE))}"
        advice = "a condition stands in <condition>, a remark in <!-- -->"
        report.add(report.source.first(text.offset), "BX319", f"{reason}: {advice}")


def _expression(report: Report, node: Node) -> None:
    if not node.texts:
        reason = f"<{node.tag}> holds no expression: write one between its tags, such as amount > 100"
        report.add(node.offset, "BX402", reason)
        return
    begin = report.source.first(node.texts[0].offset)
    source = node.texts[0].text.strip(_WHITE)
    try:
        node.content = expression(source, report.source.line(begin), ELEMENTS[node.type].reads)
    except Refused as refused:
        place = report.source.inside(begin, refused.index)
        report.add(place, refused.code, f"<{node.tag}> {refused.message}")


def _property(report: Report, node: Node) -> None:
    type = node.values.get("type")
    if type is None:
        return
    try:
        node.content = parse_property(type, node.lead)
    except Refused as refused:
        begin = report.source.first(node.texts[0].offset)
        place = report.source.inside(begin, refused.index)
        report.add(place, refused.code, f"property {quoted(node.attributes.get('name', ''))}: {refused.message}")
