"""Drawings of definitions: every activity once, boxes within boxes, nothing over anything else, texts in their box."""

from __future__ import annotations

import random
import re
from itertools import combinations
from pathlib import Path

import pytest
from lxml import etree

from bureaucrat.core.activities import ACTIVITIES
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.diagram import Caption, Live, Sign, lay_out, lines_of, outline, svg
from bureaucrat.diagram.icons import KINDS
from bureaucrat.diagram.measure import cut, width

ROOT = Path(__file__).parent.parent.parent
SVG = "{http://www.w3.org/2000/svg}"
EVERY = """
<process name="every" key="id" unique="yes">
  <context><property name="id" type="str" required="yes"/><property name="words" type="json">[]</property>
    <faults>
      <case code="Late, Lost"><assign property="x">1 +
          1</assign></case>
      <default><fault/></default>
    </faults>
  </context>
  <action participant="charge" id="pay" name="Charge the card" retries="1" timeout="1h30m" due="90s">
    <reminder after="0.5s"><action participant="human:clerk"/></reminder>
    <faults><case code="Timeout"/></faults>
  </action>
  <await event="paid" key="id" equals="f'{id}'" timeout="2d"><condition>event["x"] == 1</condition></await>
  <await id="news" event="=id"/>
  <delay until="2027-01-01T00:00:00Z"/>
  <delay id="rest" duration="=seconds('2d')"/>
  <delay cron="0 2 * * *"/>
  <call process="other@2"/>
  <call id="ask" process="other"/>
  <signal id="say" event="told"><compensation><signal event="untold"/></compensation></signal>
  <sequence id="undone"><compensation/><compensate scope="say"/><compensate/></sequence>
  <signal id="tell" event="told"/>
  <assign id="sum" property="y">2</assign>
  <switch id="which">
    <case><condition>x == 1</condition><condition>y</condition><exit outcome="early"/></case>
    <case id="rare"><condition>x == 2</condition><exit scope="which"/></case>
    <default><fault code="Odd" message="not 1"/></default>
  </switch>
  <sequence id="loop">
    <while id="turns"><condition>x &lt; 3</condition><action participant="work"/></while>
    <foreach id="each" select="words.all" as="one" collect="found" value="one"><action participant="=one"/></foreach>
    <foreach id="some" select="=[1]" parallel="3">
      <any id="race" winner="who"><delay duration="1"/><sequence/></any>
    </foreach>
    <foreach id="all-of-them" select="=[1]" parallel="yes"><all/></foreach>
  </sequence>
</process>
"""


def nested(depth: int) -> str:
    """Activities in activities, of every kind that holds others."""
    if not depth:
        return '<action participant="leaf"/>'
    tag = ("sequence", "all", "while", "foreach", "any")[depth % 5]
    begin = {"while": "<while><condition>1 > 2</condition>", "foreach": '<foreach select="=[1]">'}.get(tag, f"<{tag}>")
    return f'{begin}{nested(depth - 1)}<action participant="side{depth}"/></{tag}>'


def grown(chance: random.Random, depth: int) -> str:
    """Something random of a few hundred activities."""
    if not depth:
        return (
            '<await event="it.has.happened" timeout="3d"><faults><case code="Timeout"><exit/></case></faults></await>'
        )
    parts = []
    for _ in range(chance.randint(1, 4)):
        tag = chance.choice(("sequence", "all", "any", "action"))
        inside = "" if tag == "action" else grown(chance, depth - 1)
        attribute = f' participant="{"w" * chance.randint(1, 90)}"' if tag == "action" else ""
        parts.append(f"<{tag}{attribute}>{inside}</{tag}>")
    return "".join(parts)


LARGE = {
    "flat": "".join(f'<action id="step-{number}" participant="work"/>' for number in range(1000)),
    "wide": "<all>" + "".join(f"<sequence><await event='e{number}'/></sequence>" for number in range(300)) + "</all>",
    "deep": nested(30),
    "grown": "".join(grown(random.Random(seed), 4) for seed in range(6)),
    "empty": "",
}
DEFINITIONS = {
    **{path.name: read(path.read_bytes(), file=path.name) for path in sorted((ROOT / "processes").glob("*.xml"))},
    **{name: read(f'<process name="{name}">{body}</process>') for name, body in LARGE.items()},
    "every": read(EVERY),
}


def state_of(definition: Definition) -> dict[int, Live]:
    """Every sign, with notes, on two of three activities."""
    signs = [*Sign]
    return {
        index: Live(signs[index % len(signs)], (f"note {index}", "a long note " * 9)[: index % 3])
        for index in range(len(definition.activities))
        if index % 3
    }


class Drawn:
    """What an SVG says about each activity's box."""

    def __init__(self, text: str) -> None:
        self.root = etree.fromstring(text.encode())
        self.groups = {int(group.get("id")[1:]): group for group in self.root.iter(f"{SVG}g") if group.get("id")}

    def box(self, index: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        x, y, wide, high = (
            int(self.groups[index].find(f"{SVG}rect").get(name)) for name in ("x", "y", "width", "height")
        )
        return x, y, x + wide, y + high


@pytest.mark.parametrize("is_live", [False, True], ids=["definition", "instance"])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_activity_is_drawn_once_within_what_it_stands_in(name: str, is_live: bool) -> None:
    """Texts stand within their box, boxes within that of their parent, what is attached to a simple activity within
    that of its parent; no two of one parent overlap, and all is within the page."""
    definition = DEFINITIONS[name]
    element = outline(definition, state_of(definition) if is_live else None)
    drawn = Drawn(svg(lay_out(element), Caption("head", ("one   two",)) if is_live else None))

    assert sorted(drawn.groups) == list(range(len(definition.activities)))
    assert len([*drawn.root.iter(f"{SVG}g")]) == len(drawn.groups) + 1 + len(
        drawn.root.findall(f".//{SVG}circle[@r='9']")
    )
    stands_in: dict[int, list[int]] = {}
    for activity in definition.activities[1:]:
        around = activity.parent
        while drawn.groups[around].find(f"{SVG}rect").get("class").split()[0] != "group":
            around = definition.activities[around].parent
        stands_in.setdefault(around, []).append(activity.index)
    for around, inside in stands_in.items():
        left, top, right, bottom = drawn.box(around)
        for index in inside:
            a, b, c, d = drawn.box(index)
            assert left < a < c < right, (around, index)
            assert top + 30 < b < d < bottom, (around, index)
        for one, other in combinations([drawn.box(index) for index in inside], 2):
            assert one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
    for index, group in drawn.groups.items():
        a, b, c, d = drawn.box(index)
        for text in group.findall(f"{SVG}text"):
            x, y, size = int(text.get("x")), int(text.get("y")), 13 if text.get("class") == "title" else 11
            assert a < x < x + width(text.text, size, is_bold=size == 13) < c
            assert b + size < y < d - 4
    _, _, right, bottom = drawn.box(0)
    assert right + 24 < int(drawn.root.get("width"))
    assert bottom + 24 < int(drawn.root.get("height"))


def test_arrows_lead_from_one_activity_to_the_next() -> None:
    """From the middle of one box's lower edge to that of the next one's upper edge."""
    definition = read('<process name="p"><action participant="a"/><delay duration="5m"/></process>')
    drawing = lay_out(outline(definition))

    first, second = drawing.box.boxes
    arrows = [line.points for line in drawing.box.lines if line.style == "arrow"]
    axis = first.x + first.width // 2

    assert [dot.style for dot in drawing.box.dots] == ["start", "end"]
    assert second.x + second.width // 2 == axis
    assert arrows[1] == [(axis, first.y + first.height), (axis, second.y)]
    assert {point[0] for points in arrows for point in points} == {axis}


def test_nothing_leads_on_from_an_end() -> None:
    """A case that ends with an exit or a fault does not join the others."""
    definition = DEFINITIONS["approval.xml"]
    switch = definition.ids["decide"]

    (box,) = [one for one in _boxes(lay_out(outline(definition)).box) if one.element.index == switch]

    bottoms = [case.y + case.height for case in box.boxes]
    left = [line.points[0][1] for line in box.lines if line.style == "flow" and line.points[0][1] in bottoms]
    assert len(box.boxes) == 4
    assert left == bottoms[:2]


def _boxes(box: object) -> list:  # type: ignore[type-arg]
    return [box, *(found for inside in box.boxes for found in _boxes(inside))]  # type: ignore[attr-defined]


def test_what_is_long_is_continued_beside_it() -> None:
    """A thousand activities are no column of sixty thousand pixels, and three hundred branches no row."""
    sizes = {
        name: (drawing.width, drawing.height)
        for name in ("flat", "wide")
        for drawing in [lay_out(outline(DEFINITIONS[name]))]
    }

    assert max(size for both in sizes.values() for size in both) < 6_000


def test_the_same_definition_is_drawn_the_same_each_time() -> None:
    text = (ROOT / "processes" / "approval.xml").read_bytes()

    drawings = {svg(lay_out(outline(read(text, file="approval.xml")))) for _ in range(2)}

    golden = Path(__file__).parent / "golden" / "approval.svg"
    assert drawings == {golden.read_text(encoding="utf-8")}


def test_texts_of_every_kind_of_activity() -> None:
    """The title of each, then what else is written on it."""
    found: list[str] = []
    waiting = [outline(DEFINITIONS["every"])]
    while waiting:
        element = waiting.pop(0)
        found.append(" | ".join([element.kind, element.title, *element.details]))
        waiting = [*element.attached, *element.inside, *waiting]

    assert found == (Path(__file__).parent / "golden" / "texts.txt").read_text(encoding="utf-8").splitlines()


def test_every_activity_has_a_picture() -> None:
    """Of a loop that of all loops; whoever adds an activity adds one."""
    kinds = {"loop" if tag in ("while", "foreach") else tag for tag in ACTIVITIES}

    assert kinds - set(KINDS) == set()
    assert len(set(KINDS.values())) == len(KINDS) - 2  # a handler has that of a fault; compensations have one


def test_no_text_breaks_out_of_the_document() -> None:
    """Markup in a text is text, and a character that XML has no place for is replaced."""
    bad = "</text><script>alert(1)</script>&amp;\"'\u0001\x1b[2J\ud800"
    definition = read('<process name="p"><action participant="a"/></process>')
    element = outline(definition, {1: Live(Sign.INCIDENT, (bad,))})

    text = svg(lay_out(element), Caption(bad, (bad,)))

    drawn = etree.fromstring(text.encode())
    shown = "</text><script>alert(1)</script>&amp;\"'\ufffd\ufffd[2J\ufffd"
    assert drawn.find(f"{SVG}title").text == shown
    assert [*drawn.iter(f"{SVG}script")] == []
    assert "<script" not in text


def test_a_drawing_needs_nothing_else() -> None:
    """No script, no reference to anything outside, no handler of events."""
    text = svg(lay_out(outline(DEFINITIONS["every"], state_of(DEFINITIONS["every"]))), Caption("p"))

    links = re.findall(r"https?://[^\"<]+|url\(|@import|@font-face|href|\bon\w+=\"", text)

    assert links == ["http://www.w3.org/2000/svg"]
    assert "prefers-color-scheme:dark" in text


def test_a_long_text_is_cut_and_its_title_has_all_of_it() -> None:
    name = "a.participant.with.a.very.long.name." * 5
    definition = read(f'<process name="p"><action participant="{name}"/></process>', file="p.xml")

    drawn = Drawn(svg(lay_out(outline(definition))))

    group = drawn.groups[1]
    assert group.find(f"{SVG}text").text.endswith("…")
    assert group.find(f"{SVG}title").text == f"action {name}\np.xml:1"


def test_no_sign_is_told_by_its_colour_only() -> None:
    """Each has its own picture on the box, its word in the box's title and in the legend."""
    definition = read('<process name="p">' + '<delay duration="1"/>' * 6 + "</process>")
    state = {index: Live(sign) for index, sign in enumerate(Sign, 1)}

    drawn = Drawn(svg(lay_out(outline(definition, state))))

    pictures = [drawn.groups[index].find(f"{SVG}g/{SVG}path").get("d") for index in state]
    words = [drawn.groups[index].find(f"{SVG}title").text.splitlines()[1] for index in state]
    legend = [text.text for text in drawn.root.findall(f"{SVG}text")]
    assert len(set(pictures)) == 6
    assert words == [sign.value for sign in Sign]
    assert legend == [*words, "faint: not reached"]


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("iiii", 12), ("mmmm", 44), ("日本", 28), ("e\u0301", 8), ("é", 9)]
)
def test_texts_are_measured_by_their_letters(text: str, expected: int) -> None:
    assert width(text, 12) == expected


def test_a_cut_text_fits() -> None:
    """Whatever the room; and what fits is not cut."""
    text = "payment authorized"

    cuts = [cut(text, 12, room) for room in range(0, 200, 20)]

    assert cuts[-1] == text
    assert all(width(one, 12) <= room for one, room in zip(cuts[1:], range(20, 200, 20), strict=True))
    assert cuts[2] == "pay…"


def test_what_starts_a_process_is_written_on_it() -> None:
    """The key first, where there is one."""
    starts = (
        '<start cron="0 2 * * *" timezone="Europe/Berlin"/><start event="asked"/>'
        '<start event="told"><condition>event["x"] == 1</condition></start>'
    )
    definition = read(f'<process name="p" key="order">{starts}<delay duration="1s"/></process>')

    assert outline(definition, {}).details == (
        "key order",
        "starts by cron 0 2 * * * Europe/Berlin",
        "starts by event asked",
        'starts by event told if event["x"] == 1',
    )


def test_lines_of_a_tree_in_letters_of_every_terminal() -> None:
    """ASCII where it is asked for; the names stand in one column."""
    definition = DEFINITIONS["order.xml"]
    state = {1: Live(Sign.DONE), 2: Live(Sign.WAITING, ("else Timeout in 5 m",)), 5: Live(Sign.INCIDENT)}

    lines = [*lines_of(outline(definition, state), is_ascii=True)]

    assert [f"{line.lead}{line.sign or ' '} {line.name}{line.what}" for line in lines][:4] == [
        "| + reserve         action reserve_stock, 3 retries",
        "| o payment         await event payment.authorized, key order_id, timeout 30m",
        "| `-  on Timeout    ",
        "|   |   give-back   action release_stock, 3 retries",
    ]
    assert all("".join((line.lead, line.sign, line.name, line.what)).isascii() for line in lines)
