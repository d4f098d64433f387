"""How problems are told, and what ``explain`` knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documents import accepted, process, refused

import bureaucrat.definition
from bureaucrat.definition import InvalidDefinition, Problem, explain, read
from bureaucrat.definition.grammar import ELEMENTS, TAGS, child_of, tag_of
from bureaucrat.definition.problems import CODES, did_you_mean, quoted
from bureaucrat.errors import BureaucratError

PROBLEM = Problem("order.xml", 31, 14, "BX204", 'timeout="30 min" is no duration: write 30m, PT30M or 1800')
SOURCES = "".join(path.read_text("utf-8") for path in Path(bureaucrat.definition.__path__[0]).glob("*.py"))


def test_a_problem_is_a_line_of_lint() -> None:
    assert PROBLEM.row() == (
        'order.xml:31:14  error   BX204  timeout="30 min" is no duration: write 30m, PT30M or 1800'
    )
    assert PROBLEM.row(17).startswith("order.xml:31:14    error   BX204  timeout")


def test_a_problem_as_text_has_its_file_and_line() -> None:
    assert str(PROBLEM) == 'order.xml:31: timeout="30 min" is no duration: write 30m, PT30M or 1800'


def test_the_error_says_all_problems_in_the_order_of_the_lines() -> None:
    text = process("\n<exit x=''/><exit scope='a'/>\n<y/>")

    with pytest.raises(InvalidDefinition) as caught:
        read(text, file="p.xml")

    assert isinstance(caught.value, BureaucratError)
    assert str(caught.value) == (
        "p.xml:2: unknown attribute x of <exit>; it takes id, name, due, scope, outcome\n"
        'p.xml:2: scope="a" names no activity; no activity around it has an id\n'
        "p.xml:3: unknown element <y>; no element has a name like this; remove it"
    )


def test_an_explanation_says_what_is_wrong_and_shows_it() -> None:
    assert explain(" bx204 ") == (
        "BX204  This is no duration\n\n"
        "A duration is a number of seconds (120, 0.5), short (90s, 1h30m, 2d) or ISO 8601 (PT1H30M), from 0\n"
        "to 10 years. Where the language allows an expression, it begins with =.\n\n"
        'wrong   <delay duration="30 min"/>\n\n'
        'right   <delay duration="30m"/>\n'
        '        <delay duration="=patience * 60"/>'
    )


def test_a_code_that_nobody_knows_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r'there is no code "BX2044"; did you mean BX204\?'):
        explain("BX2044")


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_page(code: str) -> None:
    page = CODES[code]

    assert re.fullmatch(r"BX[123459]\d\d", code)
    assert page.title[0].isupper()
    assert not page.title.endswith(".")
    assert page.text.endswith(".")
    assert page.text.count(". ") >= 1 or len(page.text) > 40


def test_the_codes_that_are_told_are_those_that_have_pages() -> None:
    assert set(re.findall(r"BX\d{3}", SOURCES)) == set(CODES)


def as_document(example: str) -> str:
    """An example is a document, or what stands at the nearest place where its first element may stand."""
    if "<process" in example or not example.startswith("<"):
        return example
    tag = re.match(r"<(\w+)", example)
    assert tag is not None
    inner = {"case": "switch", "condition": "while", "property": "context", "input": "action participant='a'"}.get(
        tag[1]
    )
    if tag[1] == "case" and "code=" in example:
        inner = "faults"
    if tag[1] == "reminder":
        inner = "action participant='a'"
    return process(f"<{inner}>{example}</{inner.split()[0]}>" if inner else example)


@pytest.mark.parametrize(
    "code", sorted(code for code, page in CODES.items() if page.wrong and code != "BX320" and code[:3] != "BX5")
)
def test_the_wrong_example_has_this_problem_and_the_right_one_has_none(code: str) -> None:
    wrong, right = as_document(CODES[code].wrong), as_document(CODES[code].right)

    assert code in [row.split()[1] for row in refused(wrong.encode())]
    if right.count("condition>") <= 2 or "<while>" in right:
        assert read(right).activities


def test_values_in_messages_are_short_and_on_one_line() -> None:
    assert quoted("a\nb\x00\u200b") == '"a\\nb\\x00\\u200b"'
    assert quoted("ä" * 100) == '"' + "ä" * 47 + '…"'


def test_nothing_is_meant_by_what_is_far_too_long() -> None:
    assert did_you_mean("actions", ["action", "any"]) == "; did you mean action?"
    assert did_you_mean("action" * 7, ["action" * 7]) == ""


def test_long_messages_are_cut() -> None:
    definition = process(
        "<exit scope='b'/>"
        + "".join(f"<sequence id='{'x' * 150}{n}'>" for n in range(9))
        + "<exit scope='c'/>"
        + "</sequence>" * 9
    )

    assert [len(row) < 620 for row in refused(definition)] == [True, True]


def test_places_count_characters_as_their_author_wrote_them() -> None:
    text = "<process>\r\n  <!-- ü€😀 --><assign property='x'>'€😀&lt;' + &#60;</assign></process>"

    rows = refused(text.encode())

    assert [row[:10] for row in rows] == ["2:47 BX401"]
    assert text.split("\r\n")[1][46:51] == "&#60;"


def test_every_type_of_the_grammar_can_be_reached() -> None:
    reached, queue = {"process"}, ["process"]
    while queue:
        parent = queue.pop()
        found = {child.type for tag in TAGS if (child := child_of(parent, tag))} - reached
        reached |= found
        queue += found

    assert reached == set(ELEMENTS)
    assert {tag_of(type) for type in ELEMENTS} == TAGS


def test_white_space_around_values_does_not_count() -> None:
    definition = accepted('<action participant="a" retries=" 3 " jitter=" no " exhausted=" fault " backoff=" 2 "/>')

    action = definition.activities[1]
    assert (action.policy.retries, action.policy.jitter, action.exhausted) == (3, False, "fault")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("[1, 2,]", "at character 6: remove the comma before the bracket"),
        ('{"a": 1 , }', "at character 9: remove the comma before the bracket"),
        ("{'a': 1}", "at character 2: write texts and keys in double quotes, not in single ones"),
        ("[None]", "at character 2: write null"),
        ('{"a": False}', "at character 7: write false"),
    ],
)
def test_what_python_would_read_and_json_does_not_is_told_with_what_to_write(text: str, advice: str) -> None:
    row = refused(process(f"<context><property name='a' type='json'>{text}</property></context>"))

    assert [one.partition(" is no JSON ")[2] for one in row] == [advice]


@pytest.mark.parametrize("text", ["[1, 2", "[1 2]", "nothing"])
def test_what_is_no_json_for_another_reason_is_told_by_its_place(text: str) -> None:
    (row,) = refused(process(f"<context><property name='a' type='json'>{text}</property></context>"))

    assert re.search(r" is no JSON: [A-Z].* at character \d$", row)


@pytest.mark.parametrize(
    ("name", "meant"), [("null", "None"), ("None_", ""), ("true", "True"), ("FALSE", "False"), ("nil", "None")]
)
def test_a_literal_of_another_language_is_told_with_ours(name: str, meant: str) -> None:
    (row,) = refused(process(f"<assign property='a'>b is {name}</assign>"))

    assert row.endswith(f"there is no `{name}`: write {meant}" if meant else "write == instead")


def test_a_child_that_is_written_as_an_attribute_is_told() -> None:
    rows = refused(process("<while condition='a'><condition>a</condition></while>"))

    assert [row.partition(" BX302 ")[2] for row in rows] == [
        "condition is no attribute of <while> but stands in it: write <condition>…</condition>"
    ]


@pytest.mark.parametrize(
    ("attribute", "advice"),
    [
        ("duration='${ a }'", '; an expression is written "=a"'),
        ("duration='{{a}}'", '; an expression is written "=a"'),
        ("duration='#{a}'", '; an expression is written "=a"'),
        ("duration='{a} {b}'", ""),
        ("delay='{a}'", ""),
    ],
)
def test_an_expression_in_braces_is_told_how_it_is_written(attribute: str, advice: str) -> None:
    """Where it may stand at all."""
    tag = "action participant='a'" if attribute.startswith("delay") else "delay"

    (row,) = refused(process(f"<{tag} {attribute}/>"))

    assert row.partition("30m, PT30M or 1800")[2] == advice


@pytest.mark.parametrize(("type", "meant"), [("list", "json"), ("String", "str"), ("long", "int"), ("number", "float")])
def test_a_type_of_another_language_is_told_with_ours(type: str, meant: str) -> None:
    (row,) = refused(process(f"<context><property name='a' type='{type}'/></context>"))

    assert row.endswith(f"is not one of int, float, str, bool, json; did you mean {meant}?")


def test_what_is_no_choice_here_is_not_advised() -> None:
    (row,) = refused(process("<action participant='a' arguments='list'/>"))

    assert row.endswith("is not one of workitem, kwargs")
