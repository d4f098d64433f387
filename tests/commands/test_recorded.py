"""``bureaucrat simulate --from``: the test that is written of a stored instance passes, and tells the same story."""

from __future__ import annotations

import runpy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_shell import ROOT
from operated import Office, golden

from bureaucrat.commands.stored import copy_of
from bureaucrat.core.limits import Limits
from bureaucrat.core.messages import Cancel, Message, Resume, Retry, Set, Skip, Stuck, Suspend, TimerFired, Unsent
from bureaucrat.engine.settings import Settings
from bureaucrat.ports import Answered

A = "0199aaaa0000aaaa0000000000000000"
ORDER = (ROOT / "processes" / "order.xml").read_text(encoding="utf-8")
APPROVAL = (ROOT / "processes" / "approval.xml").read_text(encoding="utf-8")


class Life:
    """What happens to one instance in an office."""

    def __init__(self, office: Office, source: str, **fields: object) -> None:
        self.office = office
        self.source = source
        self.fields = fields

    async def start(self, key: str | None = None) -> None:
        await self.office.start(self.source, A, key, **self.fields)

    async def answer(self, label: str, number: int = 0, instance: str = A, **fields: object) -> None:
        """Answer one of the attempts of an activity, a second and some microseconds later."""
        office = self.office
        assert office.engine is not None
        await office.later(1.000_3)
        copy = await copy_of(office.storage, instance)
        assert copy is not None
        definition = await office.engine.definitions.get(copy.instance.definition)
        found = [
            Answered(instance, branch.id, branch.frames[-1].activity, branch.attempt, fields)
            for branch in copy.branches.values()
            if branch.attempt is not None and definition.activities[branch.frames[-1].activity].label == label
        ]
        office.engine.answered(found[number])
        await office.engine.drain()

    async def event(self, name: str, /, **body: object) -> None:
        await self.office.later(0.5)
        assert self.office.engine is not None
        await self.office.engine.event(name, body)
        await self.office.engine.drain()

    async def tell(self, message: Message) -> None:
        await self.office.later(0.25)
        await self.office.tell(A, message)

    async def wait(self, seconds: float, late: float = 0.003) -> None:
        """Let time pass; timers fire a little late, as they do."""
        office = self.office
        until = office.clock.now() + seconds
        while due := await office.storage.due(until, 1):
            office.clock.advance_to(due[0].at + late)
            await office.tell(due[0].instance, TimerFired(due[0].branch, due[0].at))
        office.clock.advance_to(until)

    async def called(self) -> str:
        """The id of an instance that was called."""
        return next(row.id for row in await self.office.rows() if row.id != A and row.ended is None)


async def shipped(life: Life) -> None:
    await life.answer("reserve", stock_id="S-1")
    await life.event("payment.authorized", order_id="1018")
    await life.event("payment.authorized", order_id="1017", amount=120.5)
    await life.answer("capture", status="error", error="gateway timeout")
    await life.wait(1)
    await life.answer("capture", capture_id="C-1")
    await life.answer("invoice", invoice="2026-1")
    await life.answer("ship", parcel="DHL-1")


async def unpaid(life: Life) -> None:
    await life.answer("reserve", status="error", error="no answer")
    await life.wait(5)
    await life.answer("reserve", stock_id="S-1")
    await life.wait(3600)
    await life.answer("give-back", stock_id=None)


async def refused(life: Life) -> None:
    await life.answer("reserve", stock_id='S-"1"\\n')
    await life.event("payment.authorized", order_id="1017")
    await life.answer("capture", status="critical", code="CardRefused", error='no "cover"')
    await life.answer("take-back")


async def timed_out(life: Life) -> None:
    """An attempt runs into its timeout, again and again, until that is thrown and nobody handles it."""
    await life.answer("reserve", stock_id="S-1")
    await life.event("payment.authorized", order_id="1017")
    await life.wait(600)


async def incident_retried(life: Life) -> None:
    await life.answer("work", status="error", error="first")
    await life.tell(Retry("", 1, {"hint": "again"}))
    await life.answer("work", status="error", error="second")
    await life.tell(Skip("", 1, {"done": True}))
    await life.answer("other", x=1)


async def incident_open(life: Life) -> None:
    await life.tell(Set({"note": [1, 2]}))
    await life.answer("work", status="odd")


async def skipped(life: Life) -> None:
    """No incident: it was done by hand."""
    await life.tell(Skip("", 1, {"by": "hand"}))
    await life.answer("other", x=1)


async def suspended(life: Life) -> None:
    await life.tell(Suspend("a while"))
    await life.answer("work", x=1)
    await life.tell(Resume())
    await life.answer("other")


async def canceled(life: Life) -> None:
    await life.answer("work", x=1)
    await life.tell(Cancel("no more"))


async def faulted(life: Life) -> None:
    await life.answer("work", status="critical", code="Broken", error="glass")
    await life.tell(Retry("", 1))
    await life.answer("work", x=2)
    await life.answer("other")


async def unroutable(life: Life) -> None:
    await life.tell(Stuck("", 1, "unroutable", "nobody serves work"))
    await life.tell(Retry("", 1))
    await life.answer("work")


async def reviewed(life: Life) -> None:
    await life.wait(2 * 86_400 + 10)
    await life.answer("remind")
    await life.answer("review", decision="changes", comment="more")
    await life.answer("revise", text="second draft")
    await life.answer("review", decision="approved")
    await life.answer("publish")


async def items(life: Life) -> None:
    """Side by side, three at a time; the second is answered first, one fails and is skipped."""
    await life.answer("load", 1, size=2)
    await life.answer("load", 0, size=1)
    await life.answer("load", 1, status="error", error="not a page")
    await life.answer("load", 0, size=3)
    copy = await copy_of(life.office.storage, A)
    assert copy is not None
    (branch,) = [branch for branch in copy.branches.values() if branch.frames and branch.frames[-1].incident]
    await life.tell(Skip(branch.id, branch.frames[-1].activity, {"size": 0}))
    await life.answer("load", 0, size=5)


async def late(life: Life) -> None:
    """The first attempt is answered after the second was made; the second one's answer changes nothing."""
    await life.wait(70)
    copy = await copy_of(life.office.storage, A)
    assert copy is not None
    assert life.office.engine is not None
    for attempt in (1, 2):
        life.office.clock.advance_to(life.office.clock.now() + 1)
        life.office.engine.answered(Answered(A, "", 1, attempt, {"by": attempt}))
        await life.office.engine.drain()
    await life.answer("other")


async def down(life: Life) -> None:
    """The engine was down when the timeout was due; the answer is there before the timer fires."""
    life.office.clock.advance_to(life.office.clock.now() + 7200)
    await life.answer("work", x=1)
    await life.answer("other")


async def called(life: Life) -> None:
    await life.answer("inner", instance=await life.called(), got="it")
    await life.wait(7200)
    await life.answer("after")


async def called_and_canceled(life: Life) -> None:
    await life.answer("inner", status="error", error="bad", instance=await life.called())
    await life.wait(60)
    await life.answer("after")


async def called_with_incident(life: Life) -> None:
    child = await life.called()
    await life.answer("inner", status="error", error="bad", instance=child)
    await life.office.tell(child, Retry("", 1))
    await life.answer("inner", instance=child)
    await life.wait(7200)
    await life.answer("after")


async def everything(life: Life) -> None:
    await life.answer("first", which="b")
    await life.answer("b-work")
    await life.event("go", order={"id": 7})
    await life.wait(2)
    for _ in range(2):
        await life.answer("turn")
    for number in range(2):
        await life.answer("each", mark=number)
    await life.answer("left", side="l")
    await life.wait(400)
    await life.answer("last")


async def unsent(life: Life) -> None:
    """The broker was away while the attempt's time ran: it begins anew."""
    await life.wait(50)
    await life.tell(Unsent("", 1))
    await life.wait(30)
    await life.answer("work", x=1)
    await life.answer("other")


async def compensated(life: Life) -> None:
    await life.answer("flight", seat="7A")
    await life.answer("hotel", status="critical", code="Full", error="no room")
    await life.answer("no-flight", status="error", error="not now")
    copy = await copy_of(life.office.storage, A)
    assert copy is not None
    (branch,) = [branch for branch in copy.branches.values() if branch.frames and branch.frames[-1].incident]
    await life.tell(Retry(branch.id, branch.frames[-1].activity))
    await life.answer("no-flight")


async def given_up(life: Life) -> None:
    """Canceled, and what was done is compensated first."""
    await life.answer("flight", seat="7A")
    await life.tell(Cancel("changed my mind", compensate=True))
    await life.answer("no-flight")


TRIP = """
<process name="trip">
  <sequence id="book">
    <faults><default><compensate/><exit outcome="stays"/></default></faults>
    <action id="flight" participant="flight">
      <compensation><action id="no-flight" participant="no_flight"/></compensation>
    </action>
    <action id="hotel" participant="hotel"/>
  </sequence>
</process>
"""
WORK = """
<process name="work">
  <action id="work" participant="work" timeout="1m" retries="{retries}" delay="1s" jitter="0"/>
  <action id="other" participant="other"/>
</process>
"""
PLAIN = '<process name="work"><action id="work" participant="work"/><action id="other" participant="other"/></process>'
ALONE = '<process name="work"><action participant="work"/></process>'
PAGES = """
<process name="pages">
  <context><property name="sizes" type="json"/></context>
  <foreach id="pages" select="=range(5)" as="page" parallel="3" collect="sizes" value="size">
    <action id="load" participant="load"/>
  </foreach>
</process>
"""
CALLER = """
<process name="caller">
  <context><property name="child" type="str"/><property name="got" type="str"/></context>
  <call id="ask" process="{process}" timeout="{timeout}">
    <output><field name="got">answer.get("got")</field></output>
    <faults><case code="Timeout"/></faults>
  </call>
  <action id="after" participant="after"/>
</process>
"""
CHILD = '<process name="child"><action id="inner" participant="inner"/><delay id="nap" duration="1h"/></process>'
EVERYTHING = """
<process name="everything">
  <context><property name="which" type="str">a</property><property name="order" type="json">{"id": 7}</property>
    <property name="n" type="int">0</property><property name="news" type="json"/></context>
  <action id="first" participant="first"/>
  <switch id="choose">
    <case><condition>which == "a"</condition><fault code="A"/></case>
    <default><action id="b-work" participant="work"/></default>
  </switch>
  <await id="go" event="go" key="order.id" property="news"/>
  <delay id="pause" duration="1500ms"/>
  <while id="turns"><condition>n &lt; 2</condition>
    <action id="turn" participant="turn"/><assign property="n">n + 1</assign></while>
  <foreach id="list" select="=['x', 'y']"><action id="each" participant="each"/></foreach>
  <any id="race" winner="winner"><sequence id="right"><delay duration="5m"/></sequence>
    <sequence id="slow"><action id="left" participant="left"/><delay duration="1h"/></sequence></any>
  <all id="both">
    <signal event="told"><field name="n">n</field></signal><await id="heard" event="told" since="start"/>
  </all>
  <sequence id="guarded">
    <faults><default><assign property="caught">context["inst:fault"]["code"]</assign></default></faults>
    <fault code="Own" message="m"/>
  </sequence>
  <action id="last" participant="last"/>
  <exit outcome="all done"/>
</process>
"""


@dataclass(frozen=True)
class Case:
    """One instance: its process, its start, and what happens to it."""

    name: str
    source: str
    happens: Callable[[Life], Awaitable[None]]
    fields: dict[str, object]
    guessed: bool = True  #: it can be told from a history of the level ``activity``, too

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("an order that is shipped", ORDER, shipped, {"order_id": "1017"}),
    Case("an order that is not paid", ORDER, unpaid, {"order_id": "1017"}),
    Case("an order whose card is refused", ORDER, refused, {"order_id": "1017"}),
    Case("timeouts that are used up", ORDER, timed_out, {"order_id": "1017"}),
    Case("an incident that is retried and skipped", PLAIN, incident_retried, {}),
    Case("an incident that is open", PLAIN, incident_open, {"a": 1}),
    Case("an activity that is done by hand", PLAIN, skipped, {}),
    Case("a while of suspension", PLAIN, suspended, {}),
    Case("an end by cancel", PLAIN, canceled, {}),
    Case("a fault that nobody handles", PLAIN, faulted, {}),
    Case("a participant that nobody serves", ALONE, unroutable, {}),
    Case("a document that is reviewed twice", APPROVAL, reviewed, {"document": "handbook"}, guessed=False),
    Case("items side by side", PAGES, items, {}),
    Case("answers that come late", WORK.format(retries=1), late, {}),
    Case("an engine that was down", WORK.format(retries=0), down, {}, guessed=False),
    Case("an attempt that had not left", WORK.format(retries=0), unsent, {}, guessed=False),
    Case("a called instance", CALLER.format(process="$child", timeout="1d"), called, {"child": CHILD}),
    Case(
        "a call that takes too long",
        CALLER.format(process="$child", timeout="10s"),
        called_and_canceled,
        {"child": CHILD},
    ),
    Case(
        "a called instance with an incident",
        CALLER.format(process="$child", timeout="1d"),
        called_with_incident,
        {"child": CHILD},
    ),
    Case("what is compensated", TRIP, compensated, {}),
    Case("a cancel with compensation", TRIP, given_up, {}),
    Case("every activity", EVERYTHING, everything, {}),
]


def run_test(path: str) -> list[str]:
    """Run the tests of a file that was written; their names."""
    found = {name: made for name, made in runpy.run_path(path).items() if name.startswith("test_")}
    for test in found.values():
        test()
    return list(found)


def file(name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")


def text_of(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


async def lived(office: Office, case: Case, history: str) -> None:
    office.settings = Settings(sweep=0.02, history=history)
    await office.open()
    life = Life(office, case.source, **case.fields)
    await life.start()
    await case.happens(life)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_full_history_becomes_a_test_that_passes(office: Office, case: Case) -> None:
    """Nothing is left to say: the simulation does what the history tells, and the fields are those that are stored."""
    await lived(office, case, "full")

    said = await office.says("simulate", "--from", A, "-o", "test_it.py")

    assert (said.code, said.err) == (0, ""), text_of("test_it.py")
    assert len(run_test("test_it.py")) == 1


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_history_without_inputs_becomes_a_test_that_says_what_it_has_guessed(
    office: Office, case: Case
) -> None:
    """It passes all the same; where the history does not tell enough it ends there and says so."""
    await lived(office, case, "activity")

    said = await office.says("simulate", "--from", A, "-o", "test_it.py")

    assert len(run_test("test_it.py")) == 1
    assert said.err.startswith("bureaucrat: the history of this instance has no inputs")
    assert "the history of this instance has no inputs" in text_of("test_it.py")
    assert said.code == (0 if case.guessed else 1), said.err + text_of("test_it.py")
    assert ("it ends early" in said.err) == (not case.guessed), said.err


async def test_the_test_that_is_written_can_be_read(office: Office) -> None:
    """Without -o it is written to standard output."""
    await lived(office, CASES[1], "full")

    said = await office.says("simulate", "--from", A)

    assert said.out == golden("recorded-unpaid")


async def test_what_is_called_by_its_name_is_deployed_in_its_version(office: Office) -> None:
    """Each version once, whichever instance has called it."""
    office.settings = Settings(sweep=0.02, history="full")
    engine = await office.open()
    for source in (CHILD.replace("1h", "3h"), CHILD):
        await engine.registry.register({"child.xml": engine.definitions.read(source)}, "test", None)
    life = Life(office, CALLER.format(process="child", timeout="1d"))
    await life.start()
    await called(life)

    said = await office.says("simulate", "--from", A, "-o", "test_it.py")

    assert (said.code, said.err) == (0, "")
    assert "    sim.deploy(OTHER_1, version=2)\n" in text_of("test_it.py")
    assert run_test("test_it.py") == [f"test_caller_{A}"]


async def test_a_simulation_that_goes_another_way_is_told(office: Office) -> None:
    """The daemon had other settings: the test passes, and says where it leaves the history; so does the command."""
    office.settings = Settings(sweep=0.02, history="full", limits=Limits(answer_timeout=10.0))
    await office.open()
    life = Life(office, PLAIN, a=1)
    await life.start()
    await life.wait(60)

    said = await office.says("simulate", "--from", A, "-o", "test_it.py")

    note = (
        "the simulation differs from the history in line 1 of 1: 'nothing' instead of "
        "'incident work: Timeout, work had no answer in time'"
    )
    assert (said.code, said.err) == (1, f"bureaucrat: {note}\n")
    assert note in " ".join(text_of("test_it.py").replace("#   ", "").split())
    assert len(run_test("test_it.py")) == 1


async def test_the_time_that_answers_may_take_is_that_of_the_settings(office: Office) -> None:
    office.settings = Settings(sweep=0.02, history="full", limits=Limits(answer_timeout=10.0))
    await office.open()
    life = Life(office, PLAIN)
    await life.start()
    await life.wait(60)
    file("config.ini", "[storage]\nurl = sqlite:///b.db\n[bureaucrat]\nanswer_timeout = 10s\n")

    said = await office.command("simulate", "--from", A, "-c", "config.ini", "-o", "test_it.py")

    assert (said.code, said.err) == (0, "")
    assert "settings=Settings(limits=Limits(answer_timeout=10.0))" in text_of("test_it.py")
    assert run_test("test_it.py") == [f"test_work_{A}"]


async def test_other_values_in_the_database_are_told(office: Office) -> None:
    """An answer overwrote a value that was guessed: it is named, and the test does not compare the fields."""
    await lived(office, CASES[11], "activity")

    said = await office.says("simulate", "--from", A, "-o", "test_it.py")

    assert "these fields have other values in the database: " in said.err
    assert "sim.fields" not in text_of("test_it.py")


async def test_an_instance_without_a_history_cannot_be_written(office: Office) -> None:
    await lived(office, CASES[8], "none")

    said = await office.says("simulate", "--from", A)

    assert said.code == 4
    assert said.err == (
        f"bureaucrat: the history of {A} is not kept, or not from its start\n"
        "  keep     [bureaucrat] history = full, for the next one\n"
    )


async def test_a_test_that_cannot_be_written_is_told(office: Office) -> None:
    await lived(office, CASES[8], "full")

    said = await office.says("simulate", "--from", A, "-o", "no/such.py")

    assert (said.code, said.err.splitlines()[0]) == (
        3,
        "bureaucrat: no/such.py cannot be written: No such file or directory",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "write a FILE to play, or --from ID to write a test of an instance"),
        (["a.xml", "--from", "x"], "write a FILE to play, or --from ID to write a test of an instance"),
        (["a.xml", "-o", "x.py"], "-o is for --from; a session is written by its command save FILE"),
    ],
)
async def test_simulate_plays_or_writes(office: Office, arguments: list[str], said: str) -> None:
    told = await office.command("simulate", *arguments)

    assert (told.code, told.err) == (2, f"bureaucrat: {said}\n")
