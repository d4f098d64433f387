"""``bureaucrat graph``: a definition of a file, of the registry, of an instance; as a tree and as SVG."""

from __future__ import annotations

from contextlib import redirect_stdout
from pathlib import Path

import pytest
from fake_terminal import Terminal
from lxml import etree
from operated import Office, golden
from operated_processes import CALLING, FILES, ORDER, PAGES, PAUSE, WATCHED
from pictures import pictured

from bureaucrat.core.messages import Cancel, Stuck
from bureaucrat.engine.settings import Settings
from bureaucrat.ports import DestinationRow

ROOT = Path(__file__).parent.parent.parent
A = "0199aaaa0000aaaa0000000000000000"
README = (ROOT / "README.rst").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"


def file(name: str, text: str) -> str:
    """A file in the present folder; its name."""
    Path(name).write_text(text, encoding="utf-8")
    return name


def is_same(file: str, other: Path) -> bool:
    """Whether two files hold the same."""
    return Path(file).read_bytes() == other.read_bytes()


def states(text: str) -> dict[str, str]:
    """The sign of each activity that an SVG shows, by its title."""
    groups = [group for group in etree.fromstring(text.encode()).iter(f"{SVG}g") if group.get("id")]
    return {
        str(group.findtext(f"{SVG}text")): str(group.get("class")).partition(" ")[2].removeprefix("s-")
        for group in groups
    }


async def test_graph_of_a_file_needs_no_database(office: Office) -> None:
    file("order.xml", ORDER)

    said = await office.command("graph", "order.xml")

    assert (said.code, said.out, said.err) == (0, golden("graph-file"), "")


async def test_graph_in_ascii(office: Office) -> None:
    file("watched.xml", WATCHED)

    said = await office.command("graph", "watched.xml", "--plain")

    assert said.out == golden("graph-plain")
    assert said.out.isascii()


async def test_graph_of_an_instance_shows_what_it_has_done_and_what_it_waits_for(office: Office) -> None:
    await pictured(office)

    said = await office.says("graph", "1017")

    assert said.out == golden("graph-instance")


async def test_the_picture_of_the_readme_is_what_graph_draws(office: Office) -> None:
    """An order with an incident, a wait and items in work; drawn again it is the same."""
    await pictured(office)

    said = await office.says("graph", "1017", "-o", "1017.svg")

    assert said.out == "1017.svg   19 activities, 1360 x 1226 pixels\n"
    assert is_same("1017.svg", ROOT / "docs" / "order.svg")
    assert ".. image:: docs/order.svg" in README


async def test_graph_writes_an_svg_to_standard_output(office: Office) -> None:
    file("pause.xml", PAUSE)

    said = await office.command("graph", "pause.xml", "-o", "-")

    assert etree.fromstring(said.out.encode()).findtext(f"{SVG}title") == "pause"


async def test_graph_as_json_is_the_tree(office: Office) -> None:
    file("pause.xml", PAUSE)

    said = await office.command("graph", "pause.xml", "--json")

    night = {"activity": "night", "kind": "delay", "details": ["wait 8h"], "state": None, "notes": []}
    process = {"activity": "pause", "kind": "process", "details": [], "state": None, "notes": []}
    nothing: dict[str, list[object]] = {"inside": [], "attached": []}
    assert said.json == {**process, "inside": [{**night, **nothing}], "attached": []}


async def test_graph_of_a_registered_process(office: Office) -> None:
    """By its name the newest version, else the one that is named."""
    await office.open()
    file("one.xml", PAUSE)
    file("two.xml", PAUSE.replace("8h", "9h"))
    office.run()
    for deployed in ("one.xml", "two.xml"):
        assert (await office.says("deploy", deployed)).code == 0

    newest, first, none = [await office.says("graph", name) for name in ("pause", "pause@1", "pause@3")]

    assert newest.out == "pause   pause@2   1 activity\n└ night     delay wait 9h\n"
    assert first.out == "pause   pause@1   1 activity\n└ night     delay wait 8h\n"
    assert (none.code, none.err) == (4, "bureaucrat: there is no pause@3; versions of pause are 1, 2\n")


async def test_graph_of_what_is_not_there_says_what_could_be_meant(office: Office) -> None:
    await office.open()
    file("one.xml", PAUSE)
    office.run()
    await office.says("deploy", "one.xml")

    said = await office.says("graph", "pose")

    assert said.code == 4
    assert said.err.splitlines() == [
        "bureaucrat: no instance has an id or a business key 'pose'",
        "  see            bureaucrat ps --all --db b.db",
        "  no process is registered by that name, and there is no such file",
        "  did you mean   bureaucrat graph pause --db b.db",
    ]


async def test_graph_of_a_broken_file_names_its_problems(office: Office) -> None:
    file("bad.xml", "<process name='p'><actoin participant='a'/></process>")

    bad, gone = await office.command("graph", "bad.xml"), await office.command("graph", "gone.xml")

    assert bad.code == gone.code == 2
    assert bad.err.startswith("bureaucrat: not drawn: 1 problem in bad.xml\n  bad.xml:1:19")
    assert gone.err == "bureaucrat: gone.xml cannot be read: No such file or directory\n"


async def test_graph_says_that_a_file_cannot_be_written(office: Office) -> None:
    file("pause.xml", PAUSE)

    said = await office.command("graph", "pause.xml", "-o", "no/such.svg")

    assert said.code == 3
    assert said.err == (
        "bureaucrat: no/such.svg cannot be written: No such file or directory\n  choose   another file: -o FILE\n"
    )


async def test_graph_without_a_history_shows_what_is_certain(office: Office) -> None:
    """What stands before an active activity of the same sequence is done; it is said that more is not known."""
    office.settings = Settings(sweep=0.02, history="none")
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A)

    said = await office.says("graph", A, "-o", "-")

    assert states(said.out) == {
        "order": "",
        "reserve": "done",
        "payment": "waiting",
        "capture": "off",
        "exit shipped": "off",
    }
    assert said.err == ("bureaucrat: its history is not kept: what it has done is shown only where that is certain\n")


async def test_graph_of_a_loop_tells_its_item_and_what_was_done_before(office: Office) -> None:
    await office.open()
    await office.start(PAGES, A)
    await office.answer(A)

    said = await office.says("graph", A)

    assert said.out.splitlines()[2:] == [
        "└ ● page        item in [1, 2, 3]   item 2/3",
        "  └ ● load      action              attempt 1 asked load 0.0 s ago, 1 done before",
    ]


async def test_graph_of_a_wide_loop_counts_its_items_and_names_their_incidents(office: Office) -> None:
    """Five of them; of more it is said how many."""
    await office.open()
    await office.start(FILES, A)
    for branch in range(1, 8):
        await office.tell(A, Stuck(f"_0.{branch}", 2, "unroutable", "nobody serves it"))

    said = await office.says("graph", A)

    notes = [f'! item {item} load: "nobody serves it"' for item in range(1, 6)]
    assert said.out.splitlines()[-2:] == [
        f"└ ● each        n in range(1000), side by side   0/1,000 done, 1,000 in work, {', '.join(notes)}, ! 2 more",
        "  └ ! load      action                           7 incident, 993 active",
    ]


async def test_graph_of_what_has_ended(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.tell(A, Cancel("no more"))
    await office.start('<process name="quick"><exit outcome="early"/></process>', "q")

    canceled, completed = [states((await office.says("graph", id, "-o", "-")).out) for id in (A, "q")]

    assert canceled == {
        "order": "canceled",
        "reserve": "canceled",
        "payment": "off",
        "capture": "off",
        "exit shipped": "off",
    }
    assert completed == {"quick": "done", "exit early": "done"}


async def test_graph_shows_that_nobody_consumes_a_queue(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.write(destinations=[DestinationRow("worker_reserve_stock", 0, 3, 0.0, office.clock.now() - 60)])

    said = await office.says("graph", A)

    assert "no consumer on queue worker_reserve_stock for 1 m" in said.out


async def test_graph_shows_reminders_and_handlers_that_run(office: Office) -> None:
    """A reminder whose activity waits; a fault that a handler of the process handles."""
    await office.open()
    await office.start(WATCHED, A)
    await office.later(601)
    await office.fire()
    watched = await office.says("graph", A)
    source = (
        '<process name="p"><faults><default><delay id="d" duration="1h"/></default></faults><fault code="X"/></process>'
    )
    await office.start(source, "b")

    handled = await office.says("graph", "b", "-o", "-")

    assert [line[:15] for line in watched.out.splitlines()[-3:]] == [
        "  ├ ○ guest    ",
        "  └╌● after 10m",
        "    └ ● nag    ",
    ]
    assert states(handled.out) == {"p": "", "fault X": "canceled", "on any other fault": "active", "d": "waiting"}


async def test_graph_shows_what_can_be_compensated_and_what_is(office: Office) -> None:
    source = """
    <process name="trip">
      <action id="flight" participant="flight">
        <compensation><action id="undo" participant="undo"/></compensation>
      </action>
      <action id="hotel" participant="hotel"/>
    </process>
    """
    await office.open()
    await office.start(source, A)
    await office.answer(A)

    before = await office.says("graph", A)
    await office.tell(A, Cancel(compensate=True))
    after = await office.says("graph", A, "-o", "-")

    assert "action   1.00 s, can be compensated" in before.out
    assert states(after.out) == {
        "trip": "",
        "flight": "done",
        "compensation": "active",
        "undo": "active",
        "hotel": "canceled",
    }


async def test_graph_shows_an_incident_of_the_process_itself(office: Office) -> None:
    """A case or the process can need a person, too."""
    await office.open()
    await office.start(CALLING, A, child="<broken")

    said = await office.says("graph", A, "-o", "-")

    assert states(said.out) == {"calling": "", "ask": "incident"}


@pytest.mark.parametrize("options", [(), ("--plain",)], ids=["colours", "plain"])
async def test_graph_on_a_terminal_keeps_to_its_width(
    office: Office, options: tuple[str, ...], terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line is cut at the terminal's edge."""
    monkeypatch.setenv("COLUMNS", "60")
    file("order.xml", ORDER)

    with redirect_stdout(terminal):
        await office.command("graph", "order.xml", *options)

    lines = terminal.text.splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["reserve", "payment", "capture", "exit"]
    assert max(map(len, lines)) <= 60
    assert lines[2].isascii() == bool(options)
