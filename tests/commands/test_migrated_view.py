"""What an instance did before it migrated is shown in the words of the definition that it runs now."""

from __future__ import annotations

from operated import Office

from bureaucrat.commands.migrated import as_of_now
from bureaucrat.core.messages import Migrate
from bureaucrat.definition.reader import read
from bureaucrat.engine.codec import encode
from bureaucrat.ports import HistoryRow

A = "0199aaaa0000aaaa0000000000000000"
LOOP = """
<process name="files">
  <action id="gone" participant="list"/>
  <foreach id="each" select="=range(2)" parallel="yes"><action id="load" participant="load"/></foreach>
</process>
"""
MOVED = """
<process name="files">
  <sequence id="all">
    <foreach id="each" select="=range(2)" parallel="yes">
      <delay id="pause" duration="0"/>
      <action id="load" participant="load"/>
    </foreach>
  </sequence>
</process>
"""


def record(number: int, what: str, activity: int | None, address: str, **detail: object) -> HistoryRow:
    return HistoryRow("I", number, float(number), what, activity, address, encode(detail))


def test_records_before_migrations_have_the_activities_and_addresses_of_now() -> None:
    old, new = read(LOOP), read(MOVED)
    there = [0, -1, 2, 4]
    back = [0, -1, 2, -1, 3]
    history = [
        record(1, "launched", None, "I"),
        record(2, "completed", 1, "I_0"),
        record(3, "started", 2, "I_1"),
        record(4, "started", 2, "I_1.2"),
        record(5, "started", 3, "I_1.2_0"),
        record(6, "migrated", None, "I", places=there),
        record(7, "completed", 4, "I_0_0.2_1"),
        record(8, "migrated", None, "I", places=back),
        record(9, "completed", 2, "I_1"),
    ]

    once, twice = as_of_now(history[:7], new), as_of_now(history, old)

    assert [(row.activity, row.address) for row in once] == [
        (None, "I"),
        (None, "I_0"),
        (2, "I_0_0"),
        (2, "I_0_0.2"),
        (4, "I_0_0.2_1"),
        (None, "I"),
        (4, "I_0_0.2_1"),
    ]
    assert [(row.activity, row.address) for row in twice] == [
        (None, "I"),
        (None, "I_0"),
        (2, "I_1"),
        (2, "I_1.2"),
        (3, "I_1.2_0"),
        (None, "I"),
        (3, "I_1.2_0"),
        (None, "I"),
        (2, "I_1"),
    ]


async def test_a_migrated_instance_is_shown_with_what_it_did_before(office: Office) -> None:
    await office.open()
    await office.start(LOOP, A)
    await office.answer(A)
    new = read(MOVED)
    await office.tell(A, Migrate(new.hash, new.source, called="files@2"))
    await office.answer(A)

    said, listed = await office.says("show", A), await office.says("show", A, "--history")

    named = [word for line in said.out.splitlines() for word in line.split() if word in ("all", "each", "load", "gone")]
    assert sorted(set(named)) == ["all", "each", "load"]  # and not what is gone
    words = [line.split()[2:4] for line in listed.out.splitlines() if line.split()[0].isdigit()]
    assert ["migrated", "called=files@2"] in words
    assert ["completed", "since"] not in words
