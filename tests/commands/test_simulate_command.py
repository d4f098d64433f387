"""``bureaucrat simulate``: a process that is played, command by command, through a pipe and on a terminal."""

from __future__ import annotations

import io
import runpy
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from command_shell import ROOT
from fake_terminal import Terminal
from operated import golden
from operated_processes import FILES, PAGES, SHIPPING, WATCHED

from bureaucrat import cli
from bureaucrat.commands.failure import Exit
from bureaucrat.commands.progress import Output
from bureaucrat.commands.session import Session
from bureaucrat.commands.theatre import Prompt, Stage
from bureaucrat.definition.reader import read

ORDER = str(ROOT / "processes" / "order.xml")
Play = Callable[..., tuple[int, str, str]]
CALLER = """
<process name="caller">
  <call id="ask" process="asked"><output><field name="got">answer["got"]</field></output></call>
</process>
"""
ASKED = '<process name="asked"><action id="do" participant="work"/><delay id="rest" duration="1h"/></process>'


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Play:
    """Play a file with a script: exit code, what was printed, what went wrong."""

    def played(arguments: list[str], *lines: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        code = cli.main(["simulate", *arguments])
        return code, *capsys.readouterr()

    return played


def file(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def run_test(path: str) -> list[str]:
    """Run the tests of a file that was written; their names."""
    found = {name: made for name, made in runpy.run_path(path).items() if name.startswith("test_")}
    for test in found.values():
        test()
    return list(found)


def last(out: str, lines: int = 1) -> list[str]:
    return [line.strip() for line in out.splitlines()[-lines:]]


def test_an_order_is_played_to_its_end_through_a_pipe(play: Play) -> None:
    code, out, err = play(
        [ORDER, "-f", "order_id=1017"],
        "1 stock_id=S-1",
        "",
        "1   # the payment",
        "error gateway timeout",
        "next",
        "answer capture capture_id=5",
        "show",
        "answer ship parcel=DHL",
        "1 invoice=7",
        "fields",
        "history",
        "help",
    )

    assert (code, err) == (0, "")
    assert out == golden("simulate-order")


def test_what_was_played_is_written_as_a_test_that_passes(play: Play) -> None:
    script = ["1 stock_id=S-1", "next", "answer give-back stock_id:json=null", "save test_unpaid.py"]

    code, out, _ = play([ORDER, "-f", "order_id=1017"], *script)

    text = Path("test_unpaid.py").read_text(encoding="utf-8")
    assert (code, last(out)) == (0, ["written: pytest test_unpaid.py"])
    assert text == golden("simulate-saved").replace("ORDER_XML", ORDER)
    assert run_test("test_unpaid.py") == ["test_order"]


def test_a_test_that_was_written_fails_when_the_process_has_changed(play: Play) -> None:
    source = Path(ORDER).read_text(encoding="utf-8")
    file("order.xml", source)
    play(["order.xml", "-f", "order_id=1017"], "1", "next", "1", "save test_unpaid.py")
    run_test("test_unpaid.py")

    file("order.xml", source.replace('outcome="unpaid"', 'outcome="late"'))

    with pytest.raises(AssertionError):
        run_test("test_unpaid.py")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("anser 1", Exit.INVALID, "there is no command 'anser'; did you mean answer?; help lists all"),
        ("9", Exit.REFUSED, "nothing has the number 9; show lists what waits"),
        ("answer shp", Exit.REFUSED, "'shp' is none of them: ship, invoice can be answered"),
        ("answer", Exit.REFUSED, "name one: ship, invoice can be answered"),
        ("critical ship", Exit.INVALID, "critical needs the code of a fault: critical [WHERE] CODE [TEXT]"),
        ("event a=1", Exit.INVALID, "event needs a name: event NAME k=v"),
        ("skip", Exit.REFUSED, "there is no incident: skip WHERE k=v"),
        ("skip nothing", Exit.REFUSED, "'nothing' is none of them: ship, invoice waits"),
        ("advance soon", Exit.INVALID, '"soon" is no duration: write for example 30m, PT30M or 1800'),
        ("advance", Exit.INVALID, "advance needs a length of time: advance 2d"),
        ("cancel now", Exit.INVALID, "write cancel, or cancel compensate"),
        ("undo", Exit.REFUSED, "there is nothing to undo"),
        ("save", Exit.INVALID, "save needs one file: save test_order.py"),
        ("save no/such.py", Exit.INVALID, "no/such.py cannot be written: No such file or directory"),
        ("resume", Exit.REFUSED, "refused: the instance is not suspended"),
        ("1 what", Exit.INVALID, "'what' is no name=value"),
        ("1 'open", Exit.INVALID, '"1 \'open": No closing quotation'),
    ],
)
def test_a_command_that_cannot_be_done_ends_a_script(play: Play, line: str, code: int, said: str) -> None:
    """With its exit code; what stands behind it is not done."""
    ended, out, err = play([file("s.xml", SHIPPING)], line, "1")

    assert (ended, err) == (code, f"bureaucrat: {said}\n")
    assert "done in" not in out


def test_no_timer_is_no_next(play: Play) -> None:
    code, _, err = play([file("p.xml", '<process name="p"><await event="e"/></process>')], "next")

    assert (code, err) == (Exit.REFUSED, "bureaucrat: no timer runs\n")


def test_an_incident_is_tried_again_or_skipped(play: Play) -> None:
    code, out, _ = play(
        [file("s.xml", SHIPPING)],
        "error ship no truck",
        "1 by=rail",
        "error ship no train",
        "skip parcel=7",
        "answer invoice",
    )

    assert code == 0
    assert '1  ship   incident ActionError: "no truck"' in out
    assert last(out) == ["completed, outcome completed   by=rail  parcel=7"]


def test_a_fault_is_thrown_and_fields_are_set(play: Play) -> None:
    """By the only attempt no name is needed; a wait is ended by hand; a field has the type that is declared."""
    source = """
    <process name="p">
      <context><property name="n" type="int">1</property></context>
      <action id="a" participant="work"><faults><case code="Late"><await id="w" event="go"/></case></faults></action>
    </process>
    """
    _, out, _ = play(
        [file("p.xml", source)], "set n=5 m={}", "critical Late it rains", "suspend", "resume", "skip w x=[1]"
    )

    assert 'caught Late: "it rains"' in out
    assert "suspended: resume goes on" in out
    assert last(out) == ["completed, outcome completed   n=5  m={}  x=[1]"]


def test_an_event_for_nobody_is_kept(play: Play) -> None:
    _, out, _ = play([file("s.xml", SHIPPING)], "event news a=1", "cancel")

    assert "nobody waits for news like this; it is kept" in out
    assert last(out) == ["canceled"]


def test_a_cancel_compensates_if_it_is_to(play: Play) -> None:
    source = """
    <process name="trip">
      <action participant="book"><compensation><action participant="unbook"/></compensation></action>
      <action participant="pay"/>
    </process>
    """
    _, out, _ = play([file("trip.xml", source)], "answer book", "cancel compensate", "answer unbook")

    assert "action is compensated" in out or "book is compensated" in out
    assert last(out) == ["canceled"]


def test_undo_goes_back_as_often_as_there_was_something(play: Play) -> None:
    script = ["1 n=1", "1 n=2", "undo", "undo", "1 n=3", "1 n=4", "1 n=5", "fields"]

    _, out, _ = play([file("p.xml", PAGES)], *script)

    assert 'undone: sim.answer("load", {"n": 2})' in out
    assert [line for line in out.splitlines() if "done in" in line][-1].endswith(
        "completed, outcome completed"
    ) is False
    assert last(out, 2)[0].startswith("completed")


def test_items_are_named_by_their_address(play: Play) -> None:
    """Of many with one name a number, or the address, names each."""
    source = FILES.replace("1000", "3")
    _, out, _ = play([file("f.xml", source)], "answer _0.2_0", "2", "show", "answer load", "save test_files.py")

    text = Path("test_files.py").read_text(encoding="utf-8")
    assert "  3  load _0.3_0   asks load" in out
    assert [line.strip() for line in text.splitlines() if "sim.answer" in line] == [
        'sim.answer("_0.2_0")',
        'sim.answer("_0.3_0")',
        'sim.answer("load")',
    ]
    assert '"completed load _0.2_0",' in text
    assert run_test("test_files.py") == ["test_files"]


def test_what_is_called_is_played_too(play: Play) -> None:
    """Its attempts and timers are among what waits, its rows stand below the call, and the test deploys it."""
    code, out, _ = play(
        [file("caller.xml", CALLER), "--with", file("asked.xml", ASKED)],
        "answer do got=1",
        "show",
        "next",
        "save test_called.py",
    )

    assert code == 0
    assert any(line.startswith("  ├ ○ rest") for line in out.splitlines())
    assert run_test("test_called.py") == ["test_caller"]
    assert "sim.deploy(OTHER_1)" in Path("test_called.py").read_text(encoding="utf-8")


def test_reminders_and_retries_come_with_the_next_timer(play: Play) -> None:
    _, out, _ = play([file("w.xml", WATCHED)], "next", "answer nag", "next", "next")

    assert "+10 m watched" in out
    assert "guest reminder" in out or "visit reminder 1" in out
    assert "visit overdue" in out


def test_a_start_that_lacks_something_says_what(play: Play) -> None:
    """As with run."""
    code, _, err = play([ORDER])

    assert code == 2
    assert err == "bureaucrat: the process 'order' needs order_id (str): add --field order_id=…\n"


def test_quit_ends_a_script(play: Play) -> None:
    code, out, _ = play([file("s.xml", SHIPPING)], "quit", "nonsense")

    assert (code, last(out)) == (0, ["> quit"])


def test_a_terminal_has_a_prompt_that_outlives_a_mistake(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(["nonsense", "1", "", "answer invoice", "EOF"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    monkeypatch.setattr(sys, "stdin", Terminal())

    with redirect_stdout(terminal):
        code = cli.main(["simulate", file("s.xml", SHIPPING)])

    assert code == 0
    assert "there is no command 'nonsense'" in terminal.text
    assert "completed, outcome completed" in terminal.text


def test_commands_and_what_waits_are_completed_on_a_terminal(terminal: Terminal) -> None:
    stage = Stage(Session(read(SHIPPING), "s.xml", [], {"shape": 1}), Output(terminal))

    prompt = Prompt(stage)

    assert prompt.completenames("s") == ["skip", "set", "suspend", "save", "show"]
    assert prompt.completedefault("sh") == ["ship", "shape="]
