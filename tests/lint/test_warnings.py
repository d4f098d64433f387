"""What each rule warns of, and what it leaves alone (L121)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from bureaucrat.definition import explain, read
from bureaucrat.definition.problems import CODES
from bureaucrat.lint import RULES, warnings_of

FOLDER = Path(__file__).parent
DECLARED = '<context><property name="x" type="int">0</property></context>'


def process(inside: str) -> str:
    return inside if inside.startswith("<process") else f'<process name="p">{inside}</process>'


def told(inside: str) -> list[str]:
    """``line:column code message`` of the warnings of a process, without the remedy."""
    found = warnings_of(read(process(inside)))
    return [f"{one.line}:{one.column} {one.code} {re.split('[:;] ', one.message)[0]}" for one in found]


def codes(inside: str) -> list[str]:
    return [one.code for one in warnings_of(read(process(inside)))]


#: What each warning says, at which place. The process's own tag takes the first 18 columns.
WARNED = {
    "the branches of an all write one name": (
        '<all id="both">\n<assign property="x">1</assign>\n'
        '<sequence><assign property="x">2</assign></sequence>\n</all>',
        ['3:11 BX501 two branches of the <all> "both" on line 1 write `x`, this and the <assign> on line 2'],
    ),
    "three branches are told for each two": (
        '<all><assign property="x">1</assign><assign property="x">2</assign><assign property="x">3</assign></all>',
        ["1:55 BX501 two branches of the <all> on line 1 write `x`, this and the <assign> on line 1"],
    ),
    "one branch adds, the other writes": (
        f'<all>{DECLARED}<assign property="x">x + 1</assign><assign property="x">2</assign></all>',
        ["1:120 BX501 two branches of the <all> on line 1 write `x`, this and the <assign> on line 1"],
    ),
    "every activity that writes is known": (
        '<all><await event="e" property="a" timeout="1s"/><any winner="a"/>'
        '<action participant="p" result="b"/><foreach select="=[1]" collect="b" value="1"/>'
        '<action participant="p"><output><field name="c">1</field></output></action>'
        '<call process="q"><output><field name="c">1</field></output></call></all>',
        [
            "1:68 BX501 two branches of the <all> on line 1 write `a`, this and the <await> on line 1",
            "1:121 BX501 two branches of the <all> on line 1 write `b`, this and the <action> on line 1",
            "1:242 BX501 two branches of the <all> on line 1 write `c`, this and the <action> on line 1",
        ],
    ),
    "the items write what is declared around": (
        f'{DECLARED}<foreach id="f" select="=[x]" parallel="yes"><assign property="x">2</assign></foreach>',
        ['1:125 BX502 every item of the <foreach> "f" on line 1 writes `x`, and the last one wins'],
    ),
    "a property of a scope is never read": (
        f'<sequence>{DECLARED}<assign property="x">1</assign></sequence>',
        ["1:38 BX503 the property `x` is declared and nothing in its scope reads it"],
    ),
    "a property of the process is neither read nor written": (
        DECLARED,
        ["1:28 BX503 the property `x` is declared and nothing reads or writes it"],
    ),
    "it is read beside its scope only": (
        f'<sequence>{DECLARED}</sequence><assign property="y">x</assign>',
        ["1:38 BX503 the property `x` is declared and nothing in its scope reads it"],
    ),
    "the process calls itself": (
        '<call process="p"/>',
        ["1:19 BX504 the process calls itself"],
    ),
    "after an exit": (
        '<exit id="e"/><exit/><exit/>',
        ["1:33 BX505 this never runs"],
    ),
    "after a fault that is handled around": (
        '<faults><default/></faults><fault code="A"/><exit/>',
        ["1:63 BX505 this never runs"],
    ),
    "after a loop that never ends": (
        '<while><condition>False</condition><condition>1</condition><delay duration="1"/></while><exit/>',
        ["1:107 BX505 this never runs"],
    ),
    "after what is made of these": (
        "<sequence><switch><case><condition>x</condition><exit/></case><default><all><exit/><delay duration='1'/></all>"
        "</default></switch></sequence><any><exit/></any><exit/>",
        ["1:159 BX505 this never runs"],
    ),
    "after a sequence that ends in an any which never does": (
        "<any><exit/><sequence><exit/></sequence></any><exit/>",
        ["1:65 BX505 this never runs"],
    ),
    "in a handler, too": (
        "<faults><default><exit/><delay duration='1'/></default></faults>",
        ["1:43 BX505 this never runs"],
    ),
    "after the handler that leaves": (
        "<sequence><faults><default><exit/></default></faults><exit/></sequence><exit/>",
        ["1:90 BX505 this never runs"],
    ),
    "a case behind one that always fits": (
        "<switch><case><condition>True</condition></case><case><condition>x</condition></case><default/></switch>",
        ["1:67 BX505 this never runs"],
    ),
    "a wait without an end": (
        '<await event="e"/>',
        ["1:19 BX511 if the event never comes, this waits for ever and nobody is told"],
    ),
    "a person who never answers": (
        '<action participant="human:clerk"/>',
        ["1:19 BX511 if the answer never comes, this waits for ever and nobody is told"],
    ),
    "the time around is not that of the handlers": (
        '<sequence timeout="1d"><faults><default><await event="e"/></default></faults><exit/></sequence>',
        ["1:59 BX511 if the event never comes, this waits for ever and nobody is told"],
    ),
    "a wait in a compensation, which runs when its activity is long over": (
        '<delay duration="1" timeout="1d"><compensation><await event="e"/></compensation></delay>',
        ["1:66 BX511 if the event never comes, this waits for ever and nobody is told"],
    ),
    "a race of two that may never come": (
        '<any><await event="e"/><sequence><await event="f"/></sequence></any>',
        [
            "1:24 BX511 if the event never comes, this waits for ever and nobody is told",
            "1:52 BX511 if the event never comes, this waits for ever and nobody is told",
        ],
    ),
    "a race of one that may never come and a race that may never end": (
        '<any><await event="e"/><sequence><any><await event="f"/><await event="g"/></any></sequence></any>',
        [
            "1:24 BX511 if the event never comes, this waits for ever and nobody is told",
            "1:57 BX511 if the event never comes, this waits for ever and nobody is told",
            "1:75 BX511 if the event never comes, this waits for ever and nobody is told",
        ],
    ),
    "a race beside a race whose handler may wait for ever": (
        '<any><await event="e"/><any><faults><case code="A"><await event="f"/></case></faults>'
        '<action participant="a"/><delay duration="1d"/></any></any>',
        [
            "1:24 BX511 if the event never comes, this waits for ever and nobody is told",
            "1:70 BX511 if the event never comes, this waits for ever and nobody is told",
        ],
    ),
    "a fault that nothing handles": (
        '<fault code="Unpaid"/>',
        ['1:19 BX512 nothing around handles the fault "Unpaid"'],
    ),
    "a fault whose case is misspelt": (
        '<sequence><faults><case code="Unpayed"/></faults><fault code="Unpaid"/></sequence>',
        ['1:68 BX512 nothing around handles the fault "Unpaid"'],
    ),
    "a default takes what a case was to": (
        '<sequence><faults><case code="Unpayed"/><default/></faults><fault code="Unpaid"/></sequence>',
        ['1:78 BX512 the fault "Unpaid" has no <case> around it and ends in the <default> on line 1'],
    ),
    "a fault in its own handler": (
        '<faults><case code="A"><fault code="A"/></case></faults>',
        ['1:42 BX512 nothing around handles the fault "A"'],
    ),
    "a fault in one of several handlers": (
        '<faults><case code="A"><fault code="A"/></case><default/></faults>',
        ['1:42 BX512 nothing around handles the fault "A"'],
    ),
    "a fault of a reminder goes no further": (
        '<sequence><faults><default/></faults><delay duration="1"/>'
        '<reminder after="1s"><fault code="A"/></reminder></sequence>',
        ['1:98 BX512 nothing around handles the fault "A"'],
    ),
    "work behind the wait of a race": (
        '<any id="race"><sequence><assign property="y">1</assign><delay duration="1d"/><signal event="z"/>\n'
        '<switch><case><condition>y</condition><action participant="a"/></case></switch></sequence><exit/></any>',
        ["2:1 BX513 the race goes on while this runs, for the <delay> on line 1 does not end it alone"],
    ),
    "every item sends what is around it": (
        '<process name="p"><context><property name="book" type="json" required="yes"/></context>'
        '<foreach select="=range(9)" parallel="3"><sequence>'
        '<action participant="print"/></sequence></foreach></process>',
        ["1:139 BX514 every item of the <foreach> on line 1 sends all fields, `book` among them"],
    ),
    "every item sends the list, and many fields": (
        '<process name="p"><context><property name="a" type="int"/><property name="b" type="int"/>'
        '<property name="c" type="int"/></context><foreach select="=d[1:]" parallel="yes">'
        '<action participant="print"/></foreach></process>',
        ["1:171 BX514 every item of the <foreach> on line 1 sends all fields, `a`, `b`, `c`, … among them"],
    ),
    "no timeout comes": (
        '<sequence><faults><case code="A, Timeout"/></faults><await event="e" due="1d"/></sequence>',
        ["1:37 BX517 no Timeout comes here"],
    ),
    "a timeout that is an incident": (
        '<action participant="a" timeout="1s" exhausted="incident"><faults><case code="Timeout"/></faults></action>',
        ["1:85 BX517 no Timeout comes here"],
    ),
    "a timeout that is handled further inside": (
        '<faults><case code="Timeout"/></faults><delay duration="1d" timeout="1h"><faults><default/></faults></delay>',
        ["1:27 BX517 no Timeout comes here"],
    ),
    "a literal of another language": (
        "<switch><case><condition>a == true</condition></case></switch><delay duration='=NULL'/>",
        [
            "1:27 BX520 `true` is read here as a property, and there is none of this name",
            "1:81 BX520 `NULL` is read here as a property, and there is none of this name",
        ],
    ),
    "a name that stays with the item": (
        '<foreach id="page" select="=[1]"><assign property="how">1</assign></foreach>'
        "<delay duration='=how'/><delay duration='=how'/>",
        ['1:95 BX519 `how` is written inside the <foreach> "page" on line 1, stays with the item, and is gone here'],
    ),
}


@pytest.mark.parametrize("about", WARNED)
def test_a_warning_is_told_where_it_is(about: str) -> None:
    inside, expected = WARNED[about]

    assert told(inside) == expected


#: What is near to these and is meant.
FINE = {
    row.get("about"): etree.tostring(row[0], encoding="unicode") for row in etree.parse(FOLDER / "fine.xml").getroot()
}


@pytest.mark.parametrize("about", FINE)
def test_what_is_meant_is_left_alone(about: str) -> None:
    assert told(FINE[about]) == []


def test_a_warning_says_what_to_do() -> None:
    (found,) = warnings_of(read('<process>\n  <fault code="Unpaid"/>\n</process>', file="order.xml"))

    assert found.row() == (
        'order.xml:2:3  warning BX512  nothing around handles the fault "Unpaid": the instance will be faulted until a '
        'person decides, a called one throws it at its caller; add a <case code="Unpaid"> if that is not meant'
    )


def test_a_misspelt_code_is_told_with_its_neighbour() -> None:
    inside = '<sequence><faults><case code="Unpayed"/></faults><fault code="Unpaid"/></sequence>'

    (found,) = warnings_of(read(process(inside)))

    assert '; did you mean "Unpayed"?' in found.message


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        (WARNED["no timeout comes"][0], "nothing in the <sequence> on line 1 has a timeout"),
        (WARNED["a timeout that is an incident"][0], 'with exhausted="incident" it is an incident'),
        (WARNED["a timeout that is handled further inside"][0], "that of the <delay> on line 1 ends elsewhere"),
    ],
)
def test_why_no_timeout_comes_is_told(inside: str, why: str) -> None:
    (found,) = warnings_of(read(process(inside)))

    assert found.message == f"no Timeout comes here: {why}; give what waits a timeout, or remove this"


def test_warnings_come_in_the_order_of_the_lines() -> None:
    inside = '<fault code="B"/>\n<await event="e"/>\n<fault code="A"/>'

    assert [row[:9] for row in told(inside)] == ["1:19 BX51", "2:1 BX511", "3:1 BX512"]


def test_every_code_of_a_warning_is_told_by_a_rule_and_has_a_page() -> None:
    known = {code for code in CODES if code.startswith("BX5")}

    found = {row.split()[1] for _, rows in WARNED.values() for row in rows}

    assert found | {"BX590"} == known
    assert len(RULES) == len({rule.__name__ for rule in RULES})
    assert all(rule.__doc__ for rule in RULES)


def as_process(example: str) -> str:
    return example if example.startswith("<process") else f"<process>{example}</process>"


@pytest.mark.parametrize("code", [code for code in sorted(CODES) if code.startswith("BX5")])
def test_the_wrong_example_of_a_page_has_the_warning_and_the_right_one_has_not(code: str) -> None:
    page = CODES[code]

    assert explain(code).startswith(code)
    assert code in codes(as_process(page.wrong))
    assert [code for example in page.right.splitlines() for code in codes(as_process(example))] == []
