"""Edges of reading: exact bounds, exact places, and what counts as white space."""

from __future__ import annotations

import pickle
import time
from typing import Any

import pytest
from documents import accepted, process, refused

from bureaucrat.core.activity import Fields
from bureaucrat.definition import InvalidDefinition, ReadLimits, read
from bureaucrat.definition.problems import did_you_mean, quoted
from bureaucrat.definition.report import Report, Source

NO_EXPRESSION = "invalid syntax: an expression is one value in Python's syntax, such as amount > 100"
LESS = '"<" in a condition must be written &lt; in XML: write'
BEGINS_NONE = 'this "<" begins no element: write &lt;'


def condition(text: str) -> str:
    return process(f"<while><condition>{text}</condition></while>")


def of(inside: str, path: str = "_0") -> Any:
    definition = accepted(inside)
    return definition.activities[definition.paths[path]]


# -- values


@pytest.mark.parametrize(
    ("inside", "row"),
    [
        (
            '<action participant="a" retries="&#160;3"/>',
            'BX203 retries="\\xa03" is no whole number from 0 to 1,000,000',
        ),
        (
            '<action participant="a" backoff="&#160;2"/>',
            'BX203 backoff="\\xa02" is no number from 1 to 1,000: write 2 or 1.5',
        ),
        (
            '<action participant="a" jitter="&#160;&#160;&#160;&#160;NO"/>',
            'BX202 jitter="\\xa0\\xa0\\xa0\\xa0NO" is neither yes nor no: write yes, no, true, false, 1 or 0',
        ),
        (
            '<action participant="a" jitter="&#160;no"/>',
            'BX202 jitter="\\xa0no" is neither yes nor no: write yes, no, true, false, 1 or 0; did you mean no?',
        ),
        (
            '<action participant="a" exhausted="&#160;fault"/>',
            'BX205 exhausted="\\xa0fault" is not one of incident, fault; did you mean fault?',
        ),
        (
            '<action participant="&#160;"/>',
            'BX201 participant="\\xa0" contains white space or a control character: remove it',
        ),
        (
            '<delay until="&#160;5"/>',
            'BX210 until="\\xa05" is no instant: write 2026-11-21T10:00Z, or seconds since 1970; '
            "an expression begins with =",
        ),
        (
            '<foreach select="&#160;a"/>',
            'BX207 select="\\xa0a" is no dotted path: write names with dots between, such as order.id; '
            "or an expression after =",
        ),
        (
            '<foreach select="&#160;=a"/>',
            'BX207 select="\\xa0=a" is no dotted path: write names with dots between, such as order.id; '
            "or an expression after =",
        ),
        (
            '<foreach select="a" parallel="&#160;2"/>',
            'BX203 parallel="\\xa02" is not yes, no or how many at once: write a whole number from 1',
        ),
        (
            '<foreach select="a" parallel="0"/>',
            'BX203 parallel="0" is not yes, no or how many at once: write a whole number from 1',
        ),
        (
            '<action participant="a" backoff="1000.5"/>',
            'BX203 backoff="1000.5" is no number from 1 to 1,000: write 2 or 1.5',
        ),
        (
            '<action participant="a"><reminder after="1" times="2"/></action>',
            'BX315 times="2" needs every beside it, the time from one reminder to the next',
        ),
        (
            "<while><condition>== 3</condition></while>",
            'BX401 <condition> "== 3": invalid syntax: to compare, write ==',
        ),
        (
            "<while><condition>&#160;a</condition></while>",
            'BX401 <condition> "\\xa0a": invalid non-printable character U+00A0',
        ),
        ('<delay duration="=&#160;5"/>', 'BX401 duration="\\xa05": invalid non-printable character U+00A0'),
        ('<delay duration="=  a = 1"/>', 'BX401 duration="a = 1": invalid syntax: to compare, write =='),
        (
            '<context><property name="p" type="bool">&#160;1</property></context>',
            'BX206 property "p": "\\xa01" is no bool: write 1, 0, true or false',
        ),
        (
            "<exit>&#160;</exit>",
            'BX319 <exit> takes no text here, and there is "\\xa0": '
            "a condition stands in <condition>, a remark in <!-- -->",
        ),
        (
            "<exit>&#160;x</exit>",
            'BX319 <exit> takes no text here, and there is "\\xa0x": '
            "a condition stands in <condition>, a remark in <!-- -->",
        ),
    ],
)
def test_a_value_that_is_none_is_told_with_its_whole_message(inside: str, row: str) -> None:
    """A space that does not break is no white space of XML's."""
    assert [one.partition(" ")[2] for one in refused(process(inside))] == [row]


def test_the_text_of_a_property_without_a_name_is_checked_too() -> None:
    rows = refused(process('<context><property type="bool">maybe</property></context>'))

    assert [row.partition(" ")[2] for row in rows] == [
        'BX305 <property> needs the attribute name="…"',
        'BX206 property "": "maybe" is no bool: write 1, 0, true or false',
    ]


def test_white_space_before_the_equals_sign_does_not_count() -> None:
    assert of('<foreach select=" =lines"/>').select.source == "lines"
    assert accepted("", ' key=" =order"').business_key.expression.source == "order"  # type: ignore[union-attr]
    assert accepted("", ' key="&#160;=x"').business_key.expression.source == "context['\\xa0=x']"  # type: ignore[union-attr]


def test_a_space_that_does_not_break_is_text_and_part_of_a_name() -> None:
    assert of('<signal event="&#160;"/>').event.literal == "\xa0"
    assert of('<sequence><faults><case code="A,&#160;B"/></faults></sequence>').handlers[0].codes == ("A", "\xa0B")
    assert of('<assign property="&#160;p">1</assign>').property == "\xa0p"
    assert of('<signal event="&#160;=x"/>').event.literal == "\xa0=x"
    assert of('<signal event=" =x"/>').event.expression.source == "x"


@pytest.mark.parametrize("factor", ["1", "1000"])
def test_the_least_and_the_largest_factor_are_factors(factor: str) -> None:
    assert of(f'<action participant="a" backoff="{factor}"/>').policy.backoff == float(factor)


def test_a_name_may_have_two_hundred_characters_and_no_more() -> None:
    name = "n" * 200
    reason = "is no name: write at most 200 characters, none of them a control character"

    assert of(f'<assign property="{name}">1</assign>').property == name
    assert [row.partition(" ")[2] for row in refused(process(f'<assign property="{name}n">1</assign>'))] == [
        f"BX201 property={quoted(name)} {reason}"
    ]
    assert [row.partition(" ")[2] for row in refused(process('<assign property="a&#9;b">1</assign>'))] == [
        f'BX201 property="a\\tb" {reason}'
    ]


def test_an_instant_is_the_same_wherever_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        until = of('<delay until="2026-11-21 11:00" timezone="Europe/Berlin"/>').until.literal
    finally:
        monkeypatch.undo()
        time.tzset()

    assert until == 1_795_255_200.0


def test_a_signal_sends_its_fields_and_nothing_else() -> None:
    assert of('<signal event="e"/>').body == Fields((), all=False)


# -- the text of properties


def property_of(type: str, text: str) -> Any:
    inside = f'<context><property name="p" type="{type}">{text}</property></context>'
    return accepted(inside).activities[0].scope[0].initial  # type: ignore[index]


def refusal_of(type: str, text: str) -> str:
    (row,) = refused(process(f'<context><property name="p" type="{type}">{text}</property></context>'))
    return row.partition("BX206 property ")[2].partition("…")[2]


def test_a_number_may_have_four_hundred_characters_and_no_more() -> None:
    half = "0.5" + "0" * 397

    assert property_of("float", half) == 0.5
    assert refusal_of("float", half + "0") == '" is no float: write a number, such as 0.5, or choose type="str"'
    assert refusal_of("int", "1" * 400) == '" cannot be kept: the value is an integer beyond 64 bits'
    assert refusal_of("int", "1" * 401) == '" is no int: write digits, such as 42, or choose type="str"'
    assert refusal_of("json", "1" * 400) == '" is no JSON of ours: the value is an integer beyond 64 bits'
    assert refusal_of("json", "1" * 401) == '" is no JSON of ours: it holds an integer beyond 64 bits'


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_json_may_be_nested_a_hundred_deep_and_no_deeper(opening: str, closing: str) -> None:
    inner = f"{opening}1{closing}"

    assert property_of("json", opening * 99 + inner + closing * 99)
    assert refusal_of("json", opening * 101 + inner + closing * 101) == (
        '" is no JSON of ours: it is nested deeper than 100'
    )


# -- elements


@pytest.mark.parametrize(
    ("inside", "row"),
    [
        (
            "<switch><calle><condition>a</condition></calle></switch>",
            "BX301 unknown element <calle>; did you mean <case>?",
        ),
        ("<sequence><falt/></sequence>", "BX301 unknown element <falt>; did you mean <fault>?"),
        ("<switch><delai/></switch>", "BX301 unknown element <delai>; did you mean <delay>?"),
    ],
)
def test_a_misspelt_element_is_what_fits_there_or_else_anywhere(inside: str, row: str) -> None:
    assert [one.partition(" ")[2] for one in refused(process(inside))] == [row]


def test_a_foreign_namespace_is_refused_with_and_without_a_prefix() -> None:
    reason = 'is a foreign namespace: only "urn:bureaucrat:process:1" or none is allowed; remove it and what carries it'

    assert refused("<process xmlns='urn:x'/>") == [f'1:1 BX107 xmlns="urn:x" {reason}']
    assert refused("<process xmlns:a='urn:x'/>") == [f'1:1 BX107 xmlns:a="urn:x" {reason}']


def test_as_many_attributes_and_as_long_ones_as_allowed_are_read() -> None:
    definition = read("<process id='abc' name='d'/>", limits=ReadLimits(attributes=2, attribute_characters=3))

    assert (definition.activities[0].id, definition.name) == ("abc", "d")


def test_elements_with_a_prefix_are_counted_too() -> None:
    text = '<b:process xmlns:b="urn:bureaucrat:process:1"><b:exit/><b:exit/></b:process>'

    assert len(read(text, limits=ReadLimits(activities=3)).activities) == 3
    assert refused(text, ReadLimits(activities=2)) == [
        "1:56 BX108 the document has more than 2 activities: split it with <call>"
    ]


def test_an_id_may_have_two_hundred_characters_and_no_more() -> None:
    assert of(f"<exit id='{'i' * 200}'/>").id == "i" * 200
    assert [row.partition(" ")[2] for row in refused(process(f"<exit id='{'i' * 201}'/>"))] == [
        f"BX201 id={quoted('i' * 201)} has 201 characters; 200 are allowed"
    ]


# -- markup


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (
            process("<??><?b?>"),
            [
                "1:10 BX106 the processing instruction <??> is not allowed: remove it",
                "1:14 BX106 the processing instruction <?b?> is not allowed: remove it",
            ],
        ),
        ("<process a:b:c='1'/>", ['1:1 BX107 "a:b:c": attributes have no prefix, remove it']),
        (
            condition("a" * 60 + " <b and " + "c" * 40),
            [f"1:89 BX110 {LESS} {'a' * 60} &lt;b and cccccccc…"],
        ),
        (condition("a" * 60 + " < " + "c" * 14), [f"1:89 BX110 {LESS} {'a' * 60} &lt; {'c' * 14}"]),
        (condition("a" * 60 + " < " + "c" * 15), [f"1:89 BX110 {LESS} {'a' * 60} &lt; {'c' * 13}…"]),
        ("<!--" + "x" * 9_000 + "-->" + condition("a < b"), [f"1:9037 BX110 {LESS} a &lt; b"]),
        (condition("a < b" + " " * 8_187), [f"1:30 BX110 {LESS} a &lt; b"]),
        (condition("a < b" + " " * 8_188), [f"1:30 BX110 {BEGINS_NONE}"]),
        (condition("a < <condition>b"), [f"1:30 BX110 {BEGINS_NONE}"]),
        (condition("a</condition> b < c "), [f"1:44 BX110 {BEGINS_NONE}"]),
        (process("<signal event='e'><field name='a'/> b < c </field></signal>"), [f"1:48 BX110 {BEGINS_NONE}"]),
        (
            condition("<!-- a < b & c -->x < y<![CDATA[ < 3 & 2 ]]> < z &amp;"),
            [
                f'1:46 BX401 <condition> "x < y < 3 & 2  < z &": {NO_EXPRESSION}',
                f"1:48 BX110 {LESS} <!-- a < b & c -->x &lt; y<![CDATA[ < 3 & 2 ]]> &lt; z &amp;",
            ],
        ),
        (condition("<!-- ]]> <b --> x <y"), [f"1:46 BX110 {LESS} <!-- ]]> <b --> x &lt;y"]),
        (
            condition("<![CDATA[ --> <b ]]> x <y"),
            [
                '1:39 BX401 <condition> "--> <b  x <y": ' + NO_EXPRESSION,
                f"1:51 BX110 {LESS} <![CDATA[ --> <b ]]> x &lt;y",
            ],
        ),
        (
            condition("x <y <!-- a <b --> and c <d <!-- e <f --> "),
            [f"1:30 BX110 {LESS} x &lt;y <!-- a <b --> and c &lt;d <!-- e <f -->"],
        ),
        (
            condition("x <y <!-- a <b "),
            [
                f"1:30 BX110 {LESS} x &lt;y &lt;!-- a &lt;b",
                '1:34 BX401 <condition> "x <y <!-- a <b": invalid syntax: write not',
            ],
        ),
        (
            condition("x <y <!-- a <b </condition><condition>z --> w"),
            [
                f"1:30 BX110 {LESS} x &lt;y &lt;!-- a &lt;b",
                '1:34 BX401 <condition> "x <y <!-- a <b": invalid syntax: write not',
                f'1:69 BX401 <condition> "z --> w": {NO_EXPRESSION}',
            ],
        ),
        (condition("x <y</condition><condition><!-- --> z"), [f"1:30 BX110 {LESS} x &lt;y"]),
        (
            condition("x < 1 <foo("),
            [
                f"1:30 BX110 {LESS} x &lt; 1 &lt;foo(",
                "1:38 BX401 <condition> \"x < 1 <foo(\": '(' was never closed",
            ],
        ),
        (condition("x <y<exit/>"), ["1:30 BX117 this tag is not complete: a quote or its > is missing"]),
    ],
)
def test_broken_markup_is_told_in_exactly_these_rows(text: str, rows: list[str]) -> None:
    """What stands in a comment or a CDATA section is not bare, and what has an element in it is no expression."""
    assert refused(text) == rows


def test_a_comment_may_hold_what_would_be_odd_elsewhere() -> None:
    assert [activity.tag for activity in accepted("<!--<--><exit/>").activities] == ["process", "exit"]


@pytest.mark.parametrize("empty", ["<!---->", "<![CDATA[]]>", "<![CDATA[ ]]><![CDATA[ ]]>"])
def test_an_empty_comment_or_section_ends_where_it_ends(empty: str) -> None:
    definition = accepted(f"<sequence>{empty}<exit/>{empty}</sequence>")

    assert [activity.tag for activity in definition.activities] == ["process", "sequence", "exit"]


@pytest.mark.parametrize(
    ("raw", "row"),
    [
        (
            b"\xef\xbb\xbf<?xml version='1.0' encoding='latin-1'?><process/>",
            '1:1 BX102 encoding="latin-1" is not read: '
            'save the file as UTF-8 and write encoding="UTF-8", or leave it out',
        ),
        (b"<process>\r<x/></process>", "2:1 BX301 unknown element <x>; no element has a name like this; remove it"),
        (b"a\nbc\nd\xff", "3:2 BX102 the byte 0xFF is no UTF-8 here: save the file as UTF-8"),
    ],
)
def test_what_is_wrong_with_bytes_is_told_at_its_place(raw: bytes, row: str) -> None:
    assert refused(raw) == [row]


# -- messages


def test_the_error_is_the_same_in_another_process() -> None:
    with pytest.raises(InvalidDefinition) as caught:
        read("<process><x/></process>")

    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    assert again.args == (caught.value.problems,)


def test_a_message_is_one_line_of_at_most_six_hundred_characters() -> None:
    report = Report(Source("p.xml", "text"), 10)

    report.add(2, "BX100", "one\ntwo")
    report.add(2, "BX100", "x" * 600)
    report.add(2, "BX100", "x" * 601)

    assert [problem.message for problem in report.problems] == ["one two", "x" * 600, "x" * 599 + "…"]


def test_a_value_of_forty_eight_characters_is_shown_whole() -> None:
    assert quoted("ä" * 48) == '"' + "ä" * 48 + '"'
    assert quoted("ä" * 49) == '"' + "ä" * 47 + '…"'


def test_a_name_of_forty_characters_is_looked_for() -> None:
    assert did_you_mean("a" * 40, ["a" * 40]) == f"; did you mean {'a' * 40}?"
    assert did_you_mean("a" * 41, ["a" * 41]) == ""
