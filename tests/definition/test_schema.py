"""The XSD for editors: it is made of the grammar, and takes every definition that the reader takes (L122).

After the grammar was changed: ``python tests/definition/test_schema.py`` writes both files anew.
"""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from documents import EVERYTHING, ORIGINAL
from lxml import etree

from bureaucrat.core.activities import ACTIVITIES as TABLE
from bureaucrat.definition import InvalidDefinition, read
from bureaucrat.definition.grammar import (
    ACTIVITIES,
    ELEMENTS,
    NAMESPACE,
    ROOT,
    TAGS,
    Attribute,
    Content,
    Kind,
    child_of,
)
from bureaucrat.definition.schema import schema, schema_files, schema_in_namespace

TESTS = Path(__file__).parent.parent
PLAIN, IN_NAMESPACE = schema_files()
XS = "{http://www.w3.org/2001/XMLSchema}"
SCHEMA = etree.XMLSchema(etree.parse(PLAIN))
NAMESPACE_SCHEMA = etree.XMLSchema(etree.parse(IN_NAMESPACE))


def complaints(text: str | bytes) -> list[str]:
    """What the schema says of a document."""
    root = etree.fromstring(text if isinstance(text, bytes) else text.encode())
    used = NAMESPACE_SCHEMA if root.tag.startswith("{") else SCHEMA
    used.validate(root)
    return [f"{error.line}: {error.message}" for error in used.error_log]


def is_read(text: str) -> bool:
    try:
        read(text)
    except InvalidDefinition:
        return False
    return True


# -- the file


def test_the_shipped_schema_is_the_one_that_is_made_of_the_grammar() -> None:
    """Else: ``python tests/definition/test_schema.py``."""
    assert Path(PLAIN).read_text("utf-8") == schema()
    assert Path(IN_NAMESPACE).read_text("utf-8") == schema_in_namespace()


def declared() -> dict[str, tuple[dict[str, str], dict[str, tuple[bool, list[str]]], bool]]:
    """Of each type of the schema: its children, its attributes with their words, whether it holds activities."""
    found = {}
    for type in etree.parse(PLAIN).getroot().iterfind(f"{XS}complexType"):
        children = {one.get("name"): one.get("type") for one in type.iter(f"{XS}element")}
        attributes = {
            one.get("name"): (
                one.get("use") == "required",
                [word.get("value") for word in one.iter(f"{XS}enumeration")],
            )
            for one in type.iter(f"{XS}attribute")
        }
        found[type.get("name")] = children, attributes, type.find(f".//{XS}group") is not None
    return found


def test_elements_attributes_and_words_of_the_schema_are_those_of_the_grammar() -> None:
    expected = {
        name: (
            {tag: child.type for tag, child in element.children.items()},
            {key: (one.required, list(one.choices)) for key, one in element.attributes.items()},
            element.activities,
        )
        for name, element in ELEMENTS.items()
    }

    assert declared() == expected


def test_activities_of_the_schema_the_grammar_and_the_core_are_the_same() -> None:
    group = etree.parse(PLAIN).getroot().find(f"{XS}group")
    assert group is not None

    tags = {one.get("name") for one in group.iter(f"{XS}element")}

    assert tags == set(TABLE) == set(ACTIVITIES)


# -- what is valid


def corpus() -> list[tuple[str, str]]:
    """Every definition of the corpus."""
    found = []
    for path in sorted((TESTS / "corpus").glob("*.xml")):
        for one in etree.parse(path).getroot().iter(ROOT):
            found.append((f"{path.name}:{one.sourceline}", etree.tostring(one, encoding="unicode", with_tail=False)))
    return found


def shown() -> list[tuple[str, str]]:
    """Every definition of the documentation and the processes that are shipped."""
    sys.path.insert(0, str(TESTS))
    from test_docs import definitions

    files = sorted((TESTS.parent / "processes").glob("*.xml"))
    return [(str(block), block.text) for block in definitions()] + [(one.name, one.read_text("utf-8")) for one in files]


@pytest.mark.parametrize("documents", [corpus, shown], ids=["corpus", "documentation"])
def test_every_definition_there_is_is_valid(documents: object) -> None:
    found = documents()  # type: ignore[operator]
    assert len(found) > 20

    assert {name: complaints(text) for name, text in found if complaints(text)} == {}


@pytest.mark.parametrize("text", [EVERYTHING, ORIGINAL], ids=["everything", "original"])
def test_everything_of_the_language_is_valid(text: str) -> None:
    assert complaints(text.encode()) == []
    assert complaints(text.replace(f'xmlns="{NAMESPACE}"', "").encode()) == []


# -- documents made of the grammar

#: Values that the reader takes, for each kind; spelled in as many ways as there are.
VALUES = {
    Kind.LABEL: ["", "a label", " é "],
    Kind.WORD: ["x", "a-b.c:d"],
    Kind.FIELD: [" name ", "two words"],
    Kind.PROPERTY: [" name ", "prop"],
    Kind.PATH: ["order.id", " order "],
    Kind.CODES: ["Timeout", " A , B "],
    Kind.LIST: ["", "a, b"],
    Kind.FLAG: ["yes", " no ", "true", "false", "1", "0"],
    Kind.COUNT: ["0", " +3 ", "-0", "1000000", "007"],
    Kind.TIMES: ["1", "1000000"],
    Kind.FACTOR: ["1", " 1.5 ", "1000", "+2.0"],
    Kind.PLACES: ["yes", " no ", "1", "+12"],
    Kind.DURATION: [
        "0",
        "0.5",
        " 90s ",
        "1h30m",
        "2d",
        "1w2d3h4m5s6ms",
        "PT1H30M",
        "P1W",
        "P1DT0.5S",
        "\u00a01m\u2003",
    ],
    Kind.EXPRESSION: [" a > 1 ", "'é'"],
    Kind.CRON: ["0 2 * * *", " */5 9-17 * * 1-5 "],
    Kind.ZONE: ["UTC", "Europe/Berlin"],
    Kind.TEXT_VALUE: ["text", "=a"],
    Kind.MESSAGE_VALUE: ["", "text", "= a "],
    Kind.PARTICIPANT_VALUE: ["celery:a.b", "= a + 'x' "],
    Kind.PROCESS_VALUE: ["$text", "$ my text", "order", "order@3", "=a"],
    Kind.PRIORITY_VALUE: ["0", " 9 ", " =a"],
    Kind.DURATION_VALUE: ["90s", " PT5M", " = a * 2"],
    Kind.PERIOD_VALUE: ["0.001", "1d", "=a"],
    Kind.INSTANT_VALUE: ["2026-11-21T10:00Z", "0", "=a"],
    Kind.SELECTION: ["a.b", " = a[1:]"],
    Kind.KEY: ["a", "=a"],
}
#: Values that neither takes.
NEITHER = {
    Kind.WORD: ["", "a b", "x" * 201],
    Kind.FIELD: ["", " "],
    Kind.PROPERTY: [" \t"],
    Kind.PATH: [""],
    Kind.CODES: [""],
    Kind.FLAG: ["True", "maybe", ""],
    Kind.COUNT: ["-1", "three", "1000001", "", "1.0"],
    Kind.TIMES: ["0", "1000001"],
    Kind.FACTOR: ["0.5", "1001", "1e1", ""],
    Kind.PLACES: ["0", "many", "-1", ""],
    Kind.DURATION: ["30 min", "soon", "-1", "1y", "", "=a", "P1Y"],
    Kind.EXPRESSION: ["", " "],
    Kind.CRON: ["", " "],
    Kind.ZONE: ["", " "],
    Kind.TEXT_VALUE: ["", " "],
    Kind.PARTICIPANT_VALUE: ["", "a b"],
    Kind.PROCESS_VALUE: [""],
    Kind.PRIORITY_VALUE: ["10", "high", ""],
    Kind.DURATION_VALUE: ["30 min", "tomorrow", ""],
    Kind.PERIOD_VALUE: ["1 day", ""],
    Kind.INSTANT_VALUE: [""],
    Kind.SELECTION: [""],
    Kind.KEY: [""],
}
#: Attributes that come together.
_TOGETHER = {"collect": "value", "value": "collect", "equals": "key", "unique": "key"}


#: What can be compensated.
DONE = '<delay id="done" duration="1s"><compensation/></delay>'
#: Where the reader is stricter than its grammar: in each of these types that child never runs.
NEVER = {(ROOT, "compensation"), ("context", "compensation")}
NEVER |= {("compensation", tag) for tag in ("compensation", "compensate", "exit")}


class Author:
    """Writes documents: what must be there, and whatever else it is asked for."""

    def __init__(self) -> None:
        self._number = 0

    def value(self, attribute: Attribute, choice: int = 0) -> str:
        known = attribute.choices or VALUES[attribute.kind]
        value = known[choice % len(known)]
        self._number += 1
        return value + str(self._number) if attribute.kind in (Kind.WORD, Kind.FIELD, Kind.PROPERTY) else value

    def element(self, type: str, tag: str, given: dict[str, str] | None = None, inside: str = "") -> str:
        """An element with what it cannot be without, these attributes and this content besides."""
        element = ELEMENTS[type]
        attributes = {name: self.value(one) for name, one in element.attributes.items() if one.required} | (given or {})
        for name in list(attributes):
            other = _TOGETHER.get(name)
            if other and other not in attributes:
                attributes[other] = self.value(element.attributes[other])
        if type == ROOT:
            attributes.setdefault("id", "root")
        if re.fullmatch(r"[a-z.:-]+\d+", attributes.get("scope", "")):
            attributes["scope"] = "done" if type == "compensate" else "root"
        if type == "delay" and not {"duration", "until", "cron"} & set(attributes):
            attributes |= {"cron": "0 2 * * *"} if "timezone" in attributes else {"duration": "1s"}
        if type == "start" and not {"cron", "event"} & set(attributes):
            attributes |= {"event": "placed"} if "<condition" in inside else {"cron": "0 2 * * *"}
        if type == "reminder" and "times" in attributes and "every" not in attributes:
            attributes["every"] = "1d"
        is_empty = element.content is Content.EXPRESSION and inside != " "
        there = etree.fromstring(f"<x>{inside}</x>")
        body = inside + ("event" if type == "event-condition" else "a") * is_empty
        if type == ROOT:
            body = body + DONE if "<start" in inside else DONE + body
        body += "".join(
            self.element(child.type, name)
            for name, child in element.children.items()
            if child.least and there.find(name) is None
        )
        text = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
        return f"<{tag}{text}>{body}</{tag}>"


AUTHOR = Author()


def ways() -> dict[str, list[tuple[str, str]]]:
    """How each type is reached from the root: pairs of type and tag, the outermost first."""
    found = {ROOT: [(ROOT, ROOT)]}
    waiting = [ROOT]
    while waiting:
        parent = waiting.pop(0)
        for tag in sorted(TAGS):
            child = child_of(parent, tag)
            is_new = child is not None and child.type not in found and (parent, tag) not in NEVER
            if child is not None and is_new:
                found[child.type] = [*found[parent], (child.type, tag)]
                waiting.append(child.type)
    return found


WAYS = ways()


def document(type: str, given: dict[str, str] | None = None, inside: str = "") -> str:
    """A document around one element of a type."""
    *around, (_, tag) = WAYS[type]
    text = AUTHOR.element(type, tag, given, inside)
    for outer, outer_tag in reversed(around):
        text = AUTHOR.element(outer, outer_tag, inside=text)
    return text


def test_every_type_is_reached() -> None:
    assert set(WAYS) == set(ELEMENTS)


@pytest.mark.parametrize("type", sorted(WAYS))
def test_both_take_an_element_with_each_of_its_attributes(type: str) -> None:
    for name, attribute in ELEMENTS[type].attributes.items():
        for choice in range(len(attribute.choices or VALUES[attribute.kind])):
            text = document(type, {name: AUTHOR.value(attribute, choice)})

            assert (is_read(text), complaints(text)) == (True, []), text


@pytest.mark.parametrize("type", sorted(WAYS))
def test_both_refuse_a_value_that_is_none_of_its_kind(type: str) -> None:
    for name, attribute in ELEMENTS[type].attributes.items():
        for value in ["neither", ""] if attribute.choices else NEITHER.get(attribute.kind, []):
            text = document(type, {name: value})

            assert not is_read(text), text
            assert complaints(text), text


@pytest.mark.parametrize("type", sorted(WAYS))
def test_both_take_an_element_in_another_where_the_grammar_has_it_and_refuse_it_elsewhere(type: str) -> None:
    for tag in sorted(TAGS):
        child = child_of(type, tag)
        if child is None:
            text = document(type, inside=f"<{tag}/>")
            assert not is_read(text), text
            assert complaints(text), text
        elif (type, tag) not in NEVER:
            text = document(type, inside=AUTHOR.element(child.type, tag))
            assert (is_read(text), complaints(text)) == (True, []), text


@pytest.mark.parametrize("type", sorted(WAYS))
def test_both_refuse_what_is_unknown_and_miss_what_is_required(type: str) -> None:
    whole = document(type)
    tag = WAYS[type][-1][1]
    begin = whole.rindex(f"<{tag}")
    texts = [
        document(type, {"unknown": "1"}),
        document(type, inside="<unknown/>"),
        *(
            whole[:begin] + whole[begin:].replace(f" {name}=", f" no-{name}=", 1)
            for name, one in ELEMENTS[type].attributes.items()
            if one.required
        ),
    ]
    if ELEMENTS[type].content is Content.NONE:
        texts.append(document(type, inside="text"))

    for text in texts:
        assert (is_read(text), bool(complaints(text))) == (False, True), text


@pytest.mark.parametrize("type", ["condition", "field", "output-field"])
def test_both_miss_an_expression(type: str) -> None:
    text = document(type, inside=" ")

    assert (is_read(text), bool(complaints(text))) == (False, True)


def test_both_refuse_an_id_that_is_there_twice() -> None:
    text = '<process id="a"><exit id="b"/><sequence><exit id="a"/></sequence></process>'

    assert (is_read(text), bool(complaints(text))) == (False, True)


class Wanderer:
    """Draws documents of the grammar at random; most are valid."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def element(self, type: str, tag: str, depth: int = 0) -> str:
        element, chance = ELEMENTS[type], self._random
        given = {
            name: AUTHOR.value(one, chance.randrange(50))
            for name, one in element.attributes.items()
            if chance.random() < 0.2
        }
        if chance.random() < 0.03:
            given[chance.choice(["unknown", "timeout", "id"])] = chance.choice(["1s", "", "é", "=a"])
        tags = [name for name in sorted(TAGS) if child_of(type, name)]
        chosen = chance.sample(tags, min(len(tags), chance.randrange(4))) if depth < 5 else []
        if chance.random() < 0.02:
            chosen.append(chance.choice(sorted(TAGS)))
        inside = "".join(
            self.element(child.type if (child := child_of(type, name)) else name, name, depth + 1) for name in chosen
        )
        if element.content is not Content.NONE:
            inside += escape(chance.choice(["a", "a < 1", "1"]))
        return AUTHOR.element(type, tag, given, inside)


def test_the_schema_takes_whatever_the_reader_takes() -> None:
    """Of documents at random, of which the reader refuses some, and the schema some of these."""
    texts = [Wanderer(seed).element(ROOT, ROOT) for seed in range(400)]

    taken = [text for text in texts if is_read(text)]

    assert 50 < len(taken) < len(texts)
    assert [(text, complaints(text)) for text in taken if complaints(text)] == []
    assert any(complaints(text) for text in texts)


if __name__ == "__main__":
    Path(PLAIN).write_text(schema(), "utf-8")
    Path(IN_NAMESPACE).write_text(schema_in_namespace(), "utf-8")
