"""What people see of compensation: what can be undone, what is being undone, and what it waits for."""

from __future__ import annotations

import json

from operated import Office, golden

from bureaucrat.commands.plain import line
from bureaucrat.commands.story import Story
from bureaucrat.commands.tree import Tree
from bureaucrat.core.records import WORDS
from bureaucrat.testing import Simulation

TRIP = """
<process name="trip" key="no">
  <context><property name="no" type="str"/></context>
  <action id="hotel" participant="hotel">
    <compensation><action id="free-hotel" participant="free"/></compensation></action>
  <foreach id="each" select="=[1, 2]">
    <action id="seat" participant="seat">
      <compensation><action id="free-seat" participant="free"/></compensation></action>
  </foreach>
  <action id="pay" participant="pay"/>
</process>
"""
A = "0199aaaa0000aaaa0000000000000000"
ME = ("--who", "bea@desk")


async def booked(office: Office) -> None:
    await office.open()
    await office.start(TRIP, A, "7", no="7")
    for _ in range(3):
        await office.answer(A)


async def test_what_can_be_undone_is_told_and_so_is_the_way(office: Office) -> None:
    await booked(office)
    await office.answer(A, status="error", error="card: 503")

    said = await office.says("show", "7")

    assert said.out == golden("show-undoable")


async def test_programs_are_told_each_of_it(office: Office) -> None:
    await booked(office)

    said = await office.says("show", "7", "--json")

    assert said.json["remembering"] == 3
    assert [(one["activity"], one["address"]) for one in said.json["remembered"]] == [
        ("seat", f"{A}_1_0"),
        ("seat", f"{A}_1_0"),
        ("hotel", f"{A}_0"),
    ]


async def test_cancel_with_compensation_is_seen_while_it_runs(office: Office) -> None:
    await booked(office)
    office.run()

    said = await office.says("cancel", "7", "--compensate", "--reason", "ill", *ME)
    listed = await office.says("ps")
    shown = await office.says("show", "7")
    again = await office.says("cancel", "7", "--compensate", *ME)

    assert said.out == "7: canceled; the instance is compensating\n"
    assert listed.out == golden("ps-compensating")
    assert shown.out == golden("show-compensating")
    reason = "it runs its compensations already; cancel it without them to end it at once"
    assert again.out.splitlines()[0] == f"7: refused: {reason}"
    kept = next(one for one in await office.storage.audits() if one.outcome == "done")
    assert json.loads(kept.detail) == {"reason": "ill", "compensate": True}


async def test_it_is_found_by_its_status(office: Office) -> None:
    await booked(office)
    office.run()
    await office.says("cancel", "7", "--compensate", *ME)

    said = await office.says("ps", "--status", "compensating", "--json")

    assert [one["id"] for one in said.json["instances"]] == [A]


async def test_an_incident_of_a_compensation_offers_no_compensation(office: Office) -> None:
    await booked(office)
    office.run()
    await office.says("cancel", "7", "--compensate", *ME)
    await office.taken()
    await office.answer(A, status="critical", code="Gone", error="no such seat")

    said = await office.says("show", "7")

    assert "--compensate" not in said.out
    assert said.out.splitlines()[1].startswith("why   free-seat (process 'trip', line 8): fault Gone")


async def test_of_many_kinds_the_newest_are_named(office: Office) -> None:
    steps = "".join(
        f'<assign id="s{n}" property="x">1<compensation><action id="u{n}" participant="u"/></compensation></assign>'
        for n in range(10)
    )
    await office.open()
    await office.start(f'<process name="many">{steps}<action id="pay" participant="pay"/></process>', A)
    await office.answer(A, status="error", error="503")

    said = await office.says("show", A)

    lines = [one for one in said.out.splitlines() if "undone" in one or "give up:" in one]
    assert lines == [
        f"      bureaucrat cancel {A} --compensate --db b.db   give up: runs u9, u8, u7, u6, u5 …",
        "can be undone   s9, s8, s7, s6, s5, s4, s3, s2 …   (10, newest first)",
    ]


def test_the_row_of_a_compensation_stands_below_what_it_undoes() -> None:
    """Live, and as it is built from what is stored."""
    one = Simulation(
        """<process name="p"><faults><default><compensate id="back"/></default></faults>
        <action id="hotel" participant="h"><compensation><action id="free" participant="f"/></compensation></action>
        <assign id="bed" property="b">1<compensation><assign id="unmake" property="b">0</assign></compensation></assign>
        <action id="pay" participant="p"/></process>"""
    )
    one.launch({})
    one.answer("hotel")
    one.throw("pay", "Broke")

    trees = [drawn(one, is_restored=each) for each in (False, True)]
    one.answer("free")

    assert trees[0] == [
        "+ hotel h",
        "` * free f",
        "+ bed b b=0",
        "` + unmake b b=0",
        "- pay p canceled",
        "* back compensate compensation of hotel",
    ]
    assert [row.split()[1:3] for row in trees[1]] == [row.split()[1:3] for row in trees[0]]
    assert drawn(one, is_restored=False)[-1] == "+ back compensate"


def drawn(one: Simulation, *, is_restored: bool) -> list[str]:
    story = Story(one.instance, one.definition, None, one.trace[0].at)
    if is_restored:
        story.restore([entry for entry in one.trace if WORDS[entry.what]], one.copy())
    for entry in () if is_restored else one.trace:
        story.take(entry)
    story.look(one.copy(), one.waits(), one.incidents())
    tree = Tree(one.definition, is_ascii=True).draw(story.rows, one.clock.now())
    return [" ".join(text.plain.replace("0.00 s", "").split()) for text in tree]


def test_plain_progress_says_what_is_compensated() -> None:
    one = Simulation(
        '<process name="p"><action id="hotel" participant="h"><compensation>'
        '<action id="free" participant="f"/></compensation></action><compensate id="back"/></process>'
    )
    one.launch({})
    one.answer("hotel")
    one.answer("free")
    story = Story(one.instance, one.definition, "7", one.trace[0].at)

    lines = [line(story, entry, story.take(entry)) for entry in one.trace]

    assert [one.split(" ", 1)[1] for one in lines if one] == [
        "p 7 started",
        "p 7 hotel attempt 1 asks h",
        "p 7 hotel done in 0.00 s",
        "p 7 hotel is compensated",
        "p 7 free attempt 1 asks f",
        "p 7 free done in 0.00 s",
        "p 7 back done in 0.00 s",
        "p 7 completed in 0.0 s, outcome completed",
    ]
