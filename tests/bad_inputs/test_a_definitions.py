"""A: definitions that nobody should be able to do harm with.

Each comes by the queue of launches. Limits and words are those of the language (L120, L121), which are other than those
of the study in places: 4 MiB, 64 levels, 100,000 activities; each such row says so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from intake import LAUNCHES, Intake

from bureaucrat.testing import Simulation

pytestmark = pytest.mark.usefixtures("bounded")

ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<!DOCTYPE p [<!ENTITY e0 "ha">{ENTITIES}]><process><assign property="x">&e9;</assign></process>'
QUADRATIC = f'<!DOCTYPE p [<!ENTITY a "{"x" * 25_000}">]><process name="p">{"&a;" * 8_000}</process>'
NO_DOCTYPE = "<definition>:1: a DOCTYPE is not allowed, nor are entities or a DTD"
XINCLUDE = '<process><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/></process>'


def holding(inside: str, attributes: str = ' name="p"') -> str:
    return f"<process{attributes}>{inside}</process>"


def action(attributes: str) -> str:
    return holding(f"<action {attributes}/>")


def delay(duration: str) -> str:
    return holding(f'<delay duration="{duration}"/>')


def declared(rest: str) -> str:
    return holding(f'<context>\n<property name="a" {rest}</property></context>')


#: row and what: the document, and what its dead letter says
CASES: dict[str, tuple[bytes | str, str]] = {
    "A1 a billion laughs": (LAUGHS, NO_DOCTYPE),
    "A2 quadratic blow-up": (QUADRATIC, NO_DOCTYPE),
    "A3 an external entity": (
        '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><process>&x;</process>',
        NO_DOCTYPE,
    ),
    "A4 an entity of a host": (
        '<!DOCTYPE p [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]><process>&x;</process>',
        NO_DOCTYPE,
    ),
    "A5 an external DTD": ('<!DOCTYPE p SYSTEM "file:///x.dtd"><process/>', NO_DOCTYPE),
    "A5 a parameter entity": ('<!DOCTYPE p [<!ENTITY % x SYSTEM "file:///x">%x;]><process/>', NO_DOCTYPE),
    "A5 defaults of attributes": (
        '<!DOCTYPE p [<!ATTLIST process name CDATA "given">]><process/>',
        NO_DOCTYPE,
    ),
    "A6 XInclude": (XINCLUDE, 'xmlns:xi="http://www.w3.org/2001/XInclude" is a foreign namespace'),
    "A7 a style sheet": (
        "<?xml-stylesheet href='a'?><process/>",
        "the processing instruction <?xml-stylesheet?> is not allowed",
    ),
    "A7 php": ("<process><?php x ?></process>", "the processing instruction <?php?> is not allowed"),
    "A8 a million levels": (
        "<sequence>" * 1_000_000,
        "the document has 10,000,000 bytes; 4,194,304 are allowed",
    ),  # 10 MB: beyond 4 MiB (L120)
    "A8 many levels": (
        holding("\n" + "<sequence>\n" * 40_000 + "</sequence>" * 40_000),
        "<definition>:65: <sequence> is inside 64 other elements",
    ),  # 64 (L120)
    "A9 too many activities": (holding("<exit/>" * 100_001), "the document has more than 100,000 activities"),
    "A10 100,000 attributes": (holding("", "".join(f' a{n}="1"' for n in range(100_000))), "64 are allowed"),
    "A11 a byte too many": (
        holding("<!--" + "x" * ((4 << 20) - 34) + "-->"),
        "the document has 4,194,305 bytes",
    ),  # 4 MiB (L120)
    "A12 a huge attribute": (holding("", f' name="{"x" * 900_000}"'), "name has 900,000 characters"),
    "A13 UTF-16": ("<process/>".encode("utf-16"), "the body is not UTF-8: byte 0xFF at offset 0"),
    "A13 UTF-7": (b'<?xml version="1.0" encoding="UTF-7"?><process/>', "encoding='UTF-7' is not read"),
    "A13 rot13": (b'<?xml version="1.0" encoding="rot13"?><process/>', "encoding='rot13' is not read"),
    "A13 x": (b'<?xml version="1.0" encoding="x"?><process/>', "encoding='x' is not read"),
    "A14 NUL": (b"<process>\n\x00</process>", "<definition>:2: the character U+0000 cannot stand in XML"),
    "A14 a control character": (
        b"<process>\n<fault message='&#1;'/></process>",
        "<definition>:2: this character reference names no character",
    ),
    "A14 half a surrogate": (
        b"<process>\n<fault message='&#xD800;'/></process>",
        "<definition>:2: this character reference names no character",
    ),
    "A14 no UTF-8": (b"<process>\n\xc3\xbc\xff</process>", "the body is not UTF-8: byte 0xFF at offset 12"),
    "A15 nothing": (b"", "the body is empty"),
    "A15 white space": (b" \n ", "the body is not JSON"),
    "A15 an empty object": (b"{}", "neither process nor definition"),  # JSON is a launch, too: docs/wire.rst
    "A15 a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "the body is not UTF-8"),
    "A16 two roots": ("<process/>\n<process/>", "<definition>:2: a second root, <process>: the first, on line 1"),
    "A16 a tag that is not closed": ("<process>\n <any>\n</process>", "<any> of line 2, column 2 is not closed"),
    "A16 an attribute twice": (
        "<process a='1'\n a='2'/>",
        "<definition>:2: the attribute a is there twice in this tag",
    ),
    "A17 another root": ("<sequence/>", "the root is <sequence>; it must be <process>"),
    "A18 an unknown element": ("<process><acton/></process>", "unknown element <acton>; did you mean <action>?"),
    "A19 no participant": (action(""), "<action> needs the attribute participant"),
    "A19 an empty participant": (action('participant=""'), 'participant="" is no participant'),
    "A19 a participant of two lines": (
        action('participant="a&#13;&#10;b"'),
        "contains white space or a control character",
    ),
    "A19 a long participant": (action(f'participant="{"a" * 10_000}"'), "has 10,000 characters; 200 are allowed"),
    **{f"A20 {one[:9]}": (delay(one), "is no duration: ") for one in ("-1", "abc", "1e400", "9" * 5_000, "NaN")},
    "A21 no integer": (declared('type="int">abc'), '<definition>:2: property "a": "abc" is no int'),
    "A21 no bool": (declared('type="bool">yes'), '<definition>:2: property "a": "yes" is no bool'),
    "A21 no JSON": (declared('type="json">{'), '<definition>:2: property "a": "{" is no JSON'),
    "A21 an unknown type": (declared('type="integer">1'), '<definition>:2: type="integer" is not one of int, float'),
    "A22 a case without a condition": (holding("<switch><case/></switch>"), "<case> needs a <condition>"),
    "A22 two defaults": (
        holding("<switch><default/><default/></switch>"),
        "a second <default> in <switch>, the first is on line 1",
    ),
    "A22 faults in a wrong place": (
        holding("<faults><exit/></faults>"),
        "the activity <exit> cannot stand in <faults>",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_definition_that_is_none_is_a_dead_letter(daemon: Intake, case: str) -> None:
    """With line and column where there is a document; no instance."""
    document, reason = CASES[case]

    with unopened() as opened:
        said = await daemon.fate(LAUNCHES, document)

    assert reason in said
    assert (await daemon.storage.counts())["instances"] == 0
    assert [one for one in opened if "passwd" in one or "connect" in one] == []


_opened: list[list[str]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened and event in ("open", "socket.connect", "socket.getaddrinfo"):
        _opened[-1].append(f"{event} {arguments}")


sys.addaudithook(_hook)


@contextmanager
def unopened() -> Iterator[list[str]]:
    """What Python opens meanwhile; lxml's own reader would show in the contents of the answers."""
    _opened.append([])
    try:
        yield _opened[-1]
    finally:
        _opened.pop()


# -- what shows when it runs


CALL = """<process name="p"><sequence><call process="$text"/>
  <faults><case code="InvalidDefinition"><exit outcome="caught"/></case></faults></sequence></process>"""


def test_a23_a_bomb_in_a_field_is_a_fault_that_the_caller_can_catch() -> None:
    simulation = Simulation(CALL)
    simulation.launch({"text": LAUGHS})

    simulation.assert_ended("caught")


def test_a24_a_process_that_calls_itself_for_ever_is_a_fault() -> None:
    """At depth 64 (L50), not 32."""
    simulation = Simulation(processes=['<process name="again"><call process="again"/></process>'])
    simulation.launch()

    (incident,) = simulation.incidents()
    assert (len(simulation.instances()), simulation.status, incident.code) == (65, "faulted", "LimitExceeded")


async def test_a25_a_loop_without_an_end_is_cut_and_others_go_on(daemon: Intake) -> None:
    """RunawayLoop after a million activities (L70), in turns of a few hundred; others are served meanwhile."""
    loop = '<process name="p"><while><condition>True</condition><assign property="x">1</assign></while></process>'
    await daemon.over(daemon.deliver(LAUNCHES, loop, message_id="loop"))

    await daemon.is_well()

    row = await daemon.storage.instance("loop")
    assert row is not None
    assert row.status == "running"
    await daemon.over(daemon.deliver("bureaucrat_msgs", '{"name": "terminate", "target": "loop", "payload": {}}'))


@pytest.mark.parametrize(
    "inside",
    ['<assign property="x">1</assign>' * 11, "<switch/>", "<all/>", "<any/>", "<sequence/>", "<faults/>"],
    ids=["eleven children", "switch", "all", "any", "sequence", "no handler"],
)
async def test_a26_what_the_original_did_not_end_ends(daemon: Intake, inside: str) -> None:
    assert await daemon.fate(LAUNCHES, holding(inside)) == "completed"
