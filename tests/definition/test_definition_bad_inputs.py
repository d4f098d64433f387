"""Bad inputs, table A of ``reliability.md``: each is refused in the same way, quickly, with nothing opened."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator

import pytest
from documents import accepted, process, refused

from bureaucrat.definition import ReadLimits, read

BOMB = """<?xml version="1.0"?>
<!DOCTYPE process [
{entities}
]>
<process><assign property="x">&z;</assign></process>"""
DOCTYPE = "2:1 BX104 a DOCTYPE is not allowed, nor are entities or a DTD: remove it"

#: What each file access and connection of this process is told to, while it is a list.
OPENED: list[str] = []
_watching: list[bool] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event in ("open", "socket.connect", "socket.getaddrinfo", "urllib.Request"):
        OPENED.append(f"{event} {arguments}")


sys.addaudithook(_watch)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The files and connections that Python opens during the test."""
    OPENED.clear()
    read("<process/>")
    _watching.append(True)
    yield OPENED
    _watching.clear()


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    begin = time.process_time()
    yield
    assert time.process_time() - begin < 20


def test_a1_a_billion_laughs_are_refused_unexpanded() -> None:
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghiz", strict=True)
    )

    assert refused(BOMB.format(entities=entities)) == [DOCTYPE]


def test_a2_a_quadratic_blow_up_is_refused() -> None:
    assert refused(BOMB.format(entities=f'<!ENTITY z "{"x" * 50_000}">')) == [DOCTYPE]


def test_a3_an_external_entity_of_a_file_is_not_opened(opened: list[str]) -> None:
    assert refused(BOMB.format(entities='<!ENTITY z SYSTEM "file:///etc/passwd">')) == [DOCTYPE]
    assert opened == []


def test_a4_an_external_entity_of_a_server_is_not_asked_for(opened: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"

        assert refused(BOMB.format(entities=f'<!ENTITY z SYSTEM "{url}">')) == [DOCTYPE]
        with pytest.raises(TimeoutError):
            server.accept()
    assert opened == []


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE process SYSTEM "file:///etc/process.dtd">',
        '<!DOCTYPE process PUBLIC "-//x//y" "http://127.0.0.1:9/process.dtd">',
        '<!DOCTYPE process [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
        '<!DOCTYPE process [<!ATTLIST process name CDATA "given">]>',
        "<!doctype process>",
        "<!DOCTYPE",
    ],
)
def test_a5_no_dtd_of_any_kind_is_read(doctype: str, opened: list[str]) -> None:
    assert refused(f"\n{doctype}<process/>") == [DOCTYPE]
    assert opened == []


def test_a6_nothing_is_included(opened: list[str]) -> None:
    text = '<process><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/></process>'

    assert [row[:11] for row in refused(text)] == ["1:10 BX107 "]
    assert opened == []


@pytest.mark.parametrize(
    "text", ["<?xml-stylesheet href='a'?><process/>", "<process><?php x ?></process>", "<process/><?a?>"]
)
def test_a7_processing_instructions_are_refused(text: str) -> None:
    assert ["BX106" in row for row in refused(text)] == [True]


def test_a8_a_million_levels_are_refused_by_size() -> None:
    assert ["BX101" in row for row in refused("<sequence>" * 1_000_000)] == [True]


def test_a8_forty_thousand_levels_are_refused_by_depth() -> None:
    text = process("\n" + "<sequence>\n" * 40_000 + "</sequence>" * 40_000)

    assert refused(text) == [
        "65:1 BX108 <sequence> is inside 64 other elements; 64 levels are allowed: "
        "move an inner part to a process of its own"
    ]


def test_a8_sixty_four_levels_are_read() -> None:
    definition = accepted("<sequence>" * 62 + "<exit/>" + "</sequence>" * 62)

    assert len(definition.activities) == 64
    assert ["BX108" in row for row in refused(process("<sequence>" * 63 + "<exit/>" + "</sequence>" * 63))] == [True]


def test_a9_as_many_activities_as_allowed_are_read_and_no_more() -> None:
    limits = ReadLimits(activities=5_000)

    assert len(read(process('<action participant="a"/>' * 4_999), limits=limits).activities) == 5_000
    assert refused(process('<action participant="a"/>' * 5_000), limits) == [
        "1:124985 BX108 the document has more than 5,000 activities: split it with <call>"
    ]


def test_a9_so_are_elements_that_are_no_activities() -> None:
    limits = ReadLimits(elements=10)

    assert [row[-60:] for row in refused(process("<faults/>" * 10), limits)] == [
        "the document has more than 10 elements: split it with <call>"
    ]


def test_a10_a_hundred_thousand_attributes_are_refused() -> None:
    attributes = "".join(f' a{n}="1"' for n in range(100_000))

    assert refused(process("", attributes)) == [
        "1:1 BX108 <process> has 100,000 attributes; 64 are allowed: remove some"
    ]


@pytest.mark.parametrize("make", [lambda text: text, lambda text: text.encode()], ids=["text", "bytes"])
def test_a11_one_byte_too_many_is_refused_unparsed(make: object) -> None:
    assert callable(make)
    limits = ReadLimits(document_bytes=1_000)
    good = "<process/>" + " " * 990

    assert read(make(good), limits=limits).name == "process"
    assert refused(make(good + " "), limits) == [
        "1:1 BX101 the document has 1,001 bytes; 1,000 are allowed: split it with <call>"
    ]
    assert "1,001 bytes" in refused(make("ü" + " " * 999), limits)[0]


def test_a12_a_huge_attribute_is_refused() -> None:
    assert refused(process("", f' name="{"x" * 900_000}"')) == [
        "1:1 BX108 name has 900,000 characters; 65,536 are allowed: put long text in a <property>"
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_a13_wide_encodings_are_refused(encoding: str) -> None:
    assert refused("<process/>".encode(encoding)) == [
        "1:1 BX102 the document is not UTF-8 but looks like UTF-16 or UTF-32: save the file as UTF-8"
    ]


@pytest.mark.parametrize("encoding", ["UTF-7", "rot13", "x", "latin-1", "idna", "\u00e9"])
def test_a13_declared_encodings_are_refused(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><process/>'

    shown = encoding.encode().decode("ascii", "replace")
    assert refused(text.encode()) == [
        f'1:1 BX102 encoding="{shown}" is not read: save the file as UTF-8 and write encoding="UTF-8", or leave it out'
    ]


@pytest.mark.parametrize("encoding", [" " * 5_000 + "encoding='latin-1'", f"encoding='{'x' * 5_000}'"])
def test_a13_an_encoding_cannot_be_hidden(encoding: str) -> None:
    assert ["BX102" in row for row in refused(f"<?xml version='1.0' {encoding}?><process/>".encode())] == [True]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"<process>\n\x00</process>", "2:1 BX109"),
        (b"<process>\n\x0b</process>", "2:1 BX109"),
        (b"<process>\n\xef\xbf\xbf</process>", "2:1 BX109"),
        (b"<process>\n<fault message='&#1;'/></process>", "2:21 BX109"),
        (b"<process>\n<fault message='&#xD800;'/></process>", "2:25 BX109"),
        (b"<process>\n\xc3\xbc\xff</process>", "2:2 BX102"),
        (b"\xff", "1:1 BX102"),
        ("<process>\n\ud800</process>", "2:1 BX109"),
    ],
)
def test_a14_characters_that_xml_has_not_are_refused_at_their_place(text: bytes | str, place: str) -> None:
    assert [row[: len(place)] for row in refused(text)] == [place]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "the document is empty"),
        (b" \n ", "the document is empty"),
        (b"\xef\xbb\xbf", "the document is empty"),
        (b"{}", "this is JSON"),
        (b"\n [1]", "this is JSON"),
        (b"process", "this is no XML"),
        (b"<!-- x -->", "this is no XML"),
        (b" &lt;process/&gt;", "every < is written &lt; here, as if it were a text"),
    ],
)
def test_a15_what_is_no_document_is_refused(text: bytes, what: str) -> None:
    assert [row.split(" ", 1)[1] for row in refused(text)] == [f"BX103 {what}: a definition begins with <process>"]


def test_a15_a_picture_is_refused() -> None:
    assert refused(b"\x89PNG\r\n\x1a\n\x00\x00") == ["1:1 BX102 the document is no text: is it the right file?"]


@pytest.mark.parametrize("text", ["<!doctype html>", "<!DOCTYPE  HTML PUBLIC 'x'>", "\n<HTML><p></HTML>"])
def test_a15_a_page_for_a_browser_is_refused(text: str) -> None:
    assert [row.split(" ", 1)[1] for row in refused(text)] == [
        "BX103 this is an HTML page: a definition begins with <process>; is it the right file?"
    ]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("<process/>\n<process/>", "2:1 BX113 a second root, <process>: the first, on line 1, has ended; use one"),
        (
            "<process>\n <any>\n</process>",
            "3:1 BX112 </process> where </any> is due: <any> of line 2, column 2 is not closed",
        ),
        ("<process>\n <any>", "2:2 BX112 <any> is never closed: </any> is missing"),
        ("<process><![CDATA[ x", "1:10 BX118 the CDATA section that begins here never ends: ]]> is missing"),
        ("<process>\n<any", "2:1 BX117 the document ends inside this tag: it is cut off, or a > is missing"),
        ("<process a='1'\n a='2'/>", "2:7 BX114 the attribute a is there twice in this tag: remove one"),
        ("<process>]]></process>", "1:10 BX119 this is not well-formed XML: Sequence ']]>' not allowed in content"),
        ("<?x", "1:1 BX106 the processing instruction <?x?> is not allowed: remove it"),
    ],
)
def test_a16_broken_markup_is_told_with_both_places(text: str, row: str) -> None:
    assert refused(text) == [row]


def test_a17_another_root_is_refused() -> None:
    assert refused("<sequence/>") == ["1:1 BX320 the root is <sequence>; it must be <process>: put it into a <process>"]


def test_a18_an_unknown_element_is_told_with_the_one_that_was_meant() -> None:
    assert refused(process('<acton participant="a"/>')) == [
        "1:10 BX301 unknown element <acton>; did you mean <action>?"
    ]


@pytest.mark.parametrize(
    "attributes", ["", 'participant=""', 'participant="a&#13;&#10;b"', f'participant="{"a" * 10_000}"']
)
def test_a19_a_participant_that_is_none_is_refused(attributes: str) -> None:
    rows = refused(process(f"<action {attributes}/>"))

    assert [row.split()[1] in ("BX201", "BX305") for row in rows] == [True]
    assert len(rows[0]) < 200


@pytest.mark.parametrize("duration", ["-1", "abc", "1e400", "9" * 5_000, "NaN", "4000d", "11y"])
def test_a20_a_duration_that_is_none_is_refused(duration: str) -> None:
    rows = refused(process(f'<delay duration="{duration}"/>'))

    assert ["BX204 duration=" in row for row in rows] == [True]
    assert len(rows[0]) < 250


@pytest.mark.parametrize(
    "declaration",
    [
        'type="int">abc',
        'type="bool">yes',
        'type="json">{',
        'type="integer">1',
        'type="json">' + "[" * 200000,
        ">1",
        'type="json">' + "[" * 102 + "]" * 102,
        'type="int">' + "9" * 5000,
        'type="json">' + "9" * 5000,
        'type="float">nan',
        'type="json">{"a": {"b": 1, "b": 2}}',
        'type="json">[1e999]',
        'type="json">"\\u0000"',
    ],
)
def test_a21_a_property_that_is_none_is_refused(declaration: str) -> None:
    rows = refused(process(f'<context>\n<property name="a" {declaration}</property></context>'))

    assert [row.startswith("2:") and row.split()[1] in ("BX205", "BX206", "BX305") for row in rows] == [True]
    assert len(rows[0]) < 250


@pytest.mark.parametrize(
    ("inside", "codes"),
    [
        ("<switch><case/></switch>", ["BX307"]),
        ("<switch><default/><default/></switch>", ["BX309"]),
        ("<faults><exit/></faults>", ["BX303"]),
        ("<switch><faults/><default/><case><condition>a</condition></case></switch>", ["BX308"]),
        ("<assign property='a'>1<context/></assign>", ["BX303"]),
    ],
)
def test_a22_what_stands_in_a_wrong_place_is_refused(inside: str, codes: list[str]) -> None:
    assert [row.split()[1] for row in refused(process(inside))] == codes


def test_a26_eleven_children_are_eleven_addresses() -> None:
    definition = accepted('<delay duration="1"/>' * 11 + "<switch/><all/><sequence/>")

    assert [activity.path for activity in definition.activities] == ["", *(f"_{n}" for n in range(14))]


@pytest.mark.parametrize(
    "text",
    [
        "<process>" + '<a b="' * 300_000,
        "<process>" + "<" * 2_000_000,
        "<process>" + "<!--" * 500_000,
        "<process>" + "<condition>" * 200_000,
        "<process>" + "<condition></condition>" * 100_000 + "<",
        "<process><condition>" + "<!--" * 1_000 + "</condition>",
        "<process><condition>" + "&" * 2_000_000 + "</condition></process>",
        "<process " + "a " * 1_000_000 + "/>",
        "<process " + " " * 2_000_000 + "='1'/>",
        "<?xml version" + " " * 2_000_000 + "?><process/>",
        process("<" + "x" * 2_000_000 + "/>"),
        process("<x/>" * 100_000),
        process("<exit scope='a'/>" * 20_000),
        process("<while><condition>" + " " * 2_000_000 + "a b</condition></while>"),
        process("<assign property='a'>" + "&lt;" * 500_000 + "</assign>"),
    ],
)
def test_hostile_text_is_refused_in_linear_time(text: str) -> None:
    begin = time.process_time()

    rows = refused(text)

    assert time.process_time() - begin < 5
    assert len(rows) <= 1_001
    assert max(map(len, rows)) < 700


def test_reading_stops_after_many_problems() -> None:
    rows = refused(process("<x/>" * 50), ReadLimits(problems=5))

    assert [row.split()[1] for row in rows] == ["BX301"] * 5 + ["BX108"]
    assert rows[-1].endswith("reading stopped after 5 problems; there may be more")
