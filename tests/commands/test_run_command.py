"""``bureaucrat run`` in a pipe: what it prints, how it ends, how it goes on."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from command_shell import ROOT, Shell

ORDER = str(ROOT / "processes" / "order.xml")
PARTICIPANTS = str(ROOT / "examples" / "participants.py")

HELLO = '<process name="hello"><action id="greet" participant="greet"/><exit id="end" outcome="greeted"/></process>'
GREET = """
from bureaucrat import Fault, participant

@participant("greet")
def greet(fields):
    print("a participant prints")
    return {"greeting": "hello " + str(fields.get("name", "world"))}

@participant("fail")
def fail(fields):
    raise ValueError("it is broken")

@participant("throw")
def throw(fields):
    raise Fault("Broken", "it is thrown")
"""
#: `work` is begun before the lock file is there, and does not end then.
SLOW = """
import asyncio
from bureaucrat import participant

@participant("work")
async def work(fields):
    await asyncio.Event().wait()
"""
WAITING = """<process name="waiting" key="name"><context><property name="name" type="str"/></context>
<await id="signal" event="go" key="name" timeout="1h"/></process>"""


@pytest.fixture
def hello(shell: Shell) -> list[str]:
    """The arguments that run a process of one action."""
    return ["run", shell.write("hello.xml", HELLO), "--participants", shell.write("greet.py", GREET)]


@pytest.fixture
def waiting(shell: Shell) -> list[str]:
    """The arguments that run a process that waits for an event."""
    return ["run", shell.write("waiting.xml", WAITING), "--field", "name=a", "--db", "run.db"]


def without_times(text: str) -> list[str]:
    """The lines with every time and id in them replaced."""
    text = re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", text)
    text = re.sub(r"\d+(\.\d+)? (s|m)\b( \d\d s)?", "T", text)
    return re.sub(r"[0-9a-f]{32}", "ID", text).splitlines()


def continuing(output: str) -> list[str]:
    """The command that the output says to go on with."""
    found = re.search(r"^go on   (.*)$", output, re.MULTILINE)
    assert found is not None, output
    return shlex.split(found[1])


# -- to its end


def test_an_order_runs_to_its_end_line_by_line(shell: Shell) -> None:
    """Each change is a line: time, instance, activity, what, how long, changed fields."""
    event = "payment.authorized order_id=1017 after=200ms"

    ended = shell.run("run", ORDER, "-p", PARTICIPANTS, "-f", "order_id=1017", "-e", event, "--db", "run.db")

    assert ended.stderr == ""
    assert ended.returncode == 0
    lines = without_times(ended.stdout.replace(str(ROOT) + "/", "").replace("invoice attempt", "invoice  attempt"))
    assert lines[:2] == [
        "bureaucrat 0.1.0   order (processes/order.xml, 11 activities)   SQLite run.db, "
        "participants examples/participants.py",
        "instance ID   order_id=1017",
    ]
    assert lines[2:11] == [
        "TIME order 1017 started",
        "TIME order 1017 reserve attempt 1 of 4 asks reserve_stock",
        "TIME order 1017 reserve done in T   stock_id=S-1017",
        "TIME order 1017 payment waits for event payment.authorized, order_id=1017, else Timeout in T",
        'TIME order 1017 payment done in T   payment={"order_id": 1017}',
        "TIME order 1017 capture attempt 1 of 6 asks capture",
        'TIME order 1017 capture attempt 1 error "gateway timeout", again in T',
        "TIME order 1017 capture attempt 2 of 6 asks capture",
        lines[10],
    ]
    assert lines[10].startswith("TIME order 1017 capture done in T   capture_id=C-")
    assert "TIME order 1017 ship done in T   parcel=DHL-1017" in lines
    assert "TIME order 1017 invoice done in T   invoice=2026-1017" in lines
    assert re.fullmatch(
        r"completed in T, outcome shipped   4 actions, 1 retry, 0 incidents; "
        r"\d+ changes in \d+ transactions, each on disk before the next step",
        lines[-2],
    )
    assert json.loads(lines[-1].removeprefix("fields "))["parcel"] == "DHL-1017"


@pytest.mark.parametrize("name", ["approval.xml", "example1.xml"])
def test_the_other_shipped_processes_run_to_their_ends(shell: Shell, name: str) -> None:
    """With the participants that are shipped beside them, and nothing else."""
    process = str(ROOT / "processes" / name)

    ended = shell.run("run", process, "-p", PARTICIPANTS, "-f", "document=handbook")

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_process_without_participants_needs_none(shell: Shell) -> None:
    """``--participants`` may be left out."""
    process = shell.write("only.xml", '<process name="only"><assign property="answer">6 * 7</assign></process>')

    ended = shell.run("run", process)

    assert ended.returncode == 0
    assert ended.stdout.endswith('fields {"answer": 42}\n')


SIDE_BY_SIDE = """<process name="sides">
<foreach id="each" select="=['a', 'b']" as="one" parallel="yes"><action id="left" participant="greet"/></foreach>
<foreach id="again" select="=['a', 'b']" as="one"><action id="right" participant="greet"/></foreach>
<action id="rest" participant="fail"/>
</process>"""


def test_what_is_done_in_parallel_items_has_the_number_of_its_item(shell: Shell, hello: list[str]) -> None:
    """Also what was done before; one after another there is nothing to tell apart."""
    arguments = ("run", shell.write("sides.xml", SIDE_BY_SIDE), "--db", "run.db", *hello[2:])

    ended, again = shell.run(*arguments), shell.run(*arguments)

    assert ended.returncode == again.returncode == 1
    told = re.findall(r" sides [0-9a-f]{8} (.*?) (?:done in|attempt|begins)", ended.stdout)
    assert sorted(told[1:9]) == ["each 1", "each 1", "each 2", "each 2", "left 1", "left 1", "left 2", "left 2"]
    assert told[9:] == ["each", "again", "right", "right", "right", "right", "again", "rest"]
    assert re.search(r" again done in 0.\d\d s, 2 items$", ended.stdout, re.MULTILINE)
    before = re.findall(r" sides [0-9a-f]{8} (.*?) done in .*\(before\)$", again.stdout, re.MULTILINE)
    assert sorted(before) == ["again", "each", "each 1", "each 2", "left 1", "left 2", "right", "right"]


CAUGHT = """<process name="hidden" due="0s">
<faults><case code="Broken"/></faults>
<switch id="choose">
  <case id="first"><condition>True</condition><faults><case code="Odd"/></faults><fault id="odd" code="Odd"/></case>
</switch>
<delay duration="50ms"/>
<action id="thrown" participant="throw"/>
</process>"""


def test_what_happens_to_the_process_or_a_case_is_told_though_neither_is_shown(shell: Shell, hello: list[str]) -> None:
    """Else nobody would see why something was canceled."""
    ended = shell.run("run", shell.write("hidden.xml", CAUGHT), *hello[2:])

    assert ended.returncode == 0
    told = re.findall(r" hidden [0-9a-f]{8} (.*(?:caught|overdue).*)", ended.stdout)
    assert told == ['first caught Odd: ""', "overdue", 'caught Broken: "it is thrown"']


def test_a_called_process_is_shown_as_well(shell: Shell) -> None:
    """Under its own name."""
    ended = shell.run("run", str(ROOT / "processes" / "example1.xml"), "-p", PARTICIPANTS)

    assert re.search(r" other [0-9a-f]{8} echo done in ", ended.stdout)


CALLER = '<process name="caller"><call id="c" process="hello"/></process>'


def test_a_process_is_called_by_the_name_of_its_neighbour(shell: Shell, hello: list[str]) -> None:
    """Run again with the same database it is the same version."""
    file, participants = shell.write("caller.xml", CALLER), hello[-1]
    arguments = ("run", file, "--with", "hello.xml", "-p", participants, "--db", "run.db")

    ended, again = shell.run(*arguments), shell.run(*arguments)

    assert (ended.returncode, again.returncode) == (0, 0)
    assert re.search(r" hello [0-9a-f]{8} greet done in ", ended.stdout)
    with sqlite3.connect(shell.folder / "run.db") as connection:
        assert connection.execute("SELECT name, version FROM versions").fetchall() == [("hello", 1)]


def test_a_neighbour_is_looked_at_before_anything_starts(shell: Shell) -> None:
    shell.write("caller.xml", CALLER)
    shell.write("nameless.xml", '<process><action participant="work"/></process>')

    nameless = shell.run("run", "caller.xml", "--with", "nameless.xml")
    missing = shell.run("run", "caller.xml", "--with", "missing.xml")

    assert (nameless.returncode, nameless.stderr.splitlines()) == (
        2,
        [
            "bureaucrat: not started: a process is called by its name",
            '  nameless.xml: <process> has no name to be found by: write <process name="…">',
        ],
    )
    assert (missing.returncode, missing.stderr) == (2, "bureaucrat: there is no file missing.xml\n")


def test_what_a_neighbour_needs_is_in_the_opening_and_the_command_that_goes_on(shell: Shell) -> None:
    shell.write("caller.xml", CALLER)
    shell.write("hello.xml", HELLO)

    ended = shell.run("run", "caller.xml", "--with", "hello.xml", "--db", "run.db")

    assert "! hello.xml:1  nobody serves 'greet'; no module was given: --participants MODULE" in ended.stdout
    assert " -m bureaucrat run caller.xml --with hello.xml --db run.db --retry" in ended.stdout


def test_a_call_of_a_process_that_is_not_there_is_an_incident(shell: Shell) -> None:
    shell.write("caller.xml", CALLER)

    ended = shell.run("run", "caller.xml")

    assert ended.returncode == 1
    assert "no process named 'hello' is registered; deploy it" in ended.stdout


def test_json_is_one_object_and_nothing_else(shell: Shell, hello: list[str]) -> None:
    """Progress, and what participants print, go to standard error."""
    ended = shell.run(*hello, "--field", "name=you", "--json")

    found = json.loads(ended.stdout)
    assert len(found.pop("id")) == 32
    assert found == {
        "process": "hello",
        "key": None,
        "status": "completed",
        "outcome": "greeted",
        "fields": {"name": "you", "greeting": "hello you"},
        "incidents": [],
    }
    assert "a participant prints" in ended.stderr
    assert "greet done in" in ended.stderr


def test_the_temporary_database_is_gone_when_nothing_is_unfinished(shell: Shell, hello: list[str]) -> None:
    """Without ``--db`` nothing stays behind."""
    ended = shell.run(*hello)

    assert ended.returncode == 0
    assert list(Path(shell.environment["TMPDIR"]).iterdir()) == []


def test_the_temporary_database_is_kept_when_something_is_unfinished(shell: Shell) -> None:
    """And its place is said, so that the run can go on."""
    process = shell.write("waiting.xml", WAITING)

    ended = shell.run("run", process, "--field", "name=a", "--timeout", "10ms")
    again = shell.paste([*continuing(ended.stdout), "--event", "go name=a"])

    assert ended.returncode == 1
    assert "what is unfinished is kept in " in ended.stdout
    assert again.returncode == 0, again.stdout + again.stderr


def test_no_colour_and_no_drawing_in_a_pipe(shell: Shell, hello: list[str]) -> None:
    """Plain text: no escape sequence."""
    ended = shell.run(*hello)

    assert "\x1b" not in ended.stdout + ended.stderr


# -- fields and events


def test_fields_have_the_types_that_are_declared_or_asked_for(shell: Shell) -> None:
    """A declared type is used for a plain ``k=v``; other fields are text unless they say."""
    process = shell.write(
        "typed.xml",
        '<process name="typed"><context><property name="amount" type="float"/><property name="on" type="bool"/>'
        '<property name="lines" type="json"/></context></process>',
    )
    fields = ["amount=2", "on=true", 'lines=["a"]', "plain=5", "number:int=5", "more:json={}", "empty="]

    ended = shell.run("run", process, "--json", *(word for one in fields for word in ("--field", one)))

    assert json.loads(ended.stdout)["fields"] == {
        "amount": 2.0,
        "on": True,
        "lines": ["a"],
        "plain": "5",
        "number": 5,
        "more": {},
        "empty": "",
    }


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--field", "name"], "--field 'name' is no name=value: write for example --field name=1017"),
        (["--field", "n:integer=5"], "there is no type 'integer'; did you mean int?"),
        (["--field", "n:int=five"], '"five" is no int'),
        (["--event", "a=1"], "names no event: write for example --event 'payment.authorized"),
        (["--event", "go after=soon"], 'after="soon" is no duration'),
        (["--event", "go name"], "'name' is no name=value"),
        (["--event", "go 'name"], "No closing quotation"),
        (["--timeout", "soon"], '"soon" is no duration'),
        (["--tmeout", "1s"], "Did you mean '--timeout'?"),
    ],
)
def test_a_bad_argument_says_what_to_write(shell: Shell, hello: list[str], arguments: list[str], text: str) -> None:
    """Exit code 2, and nothing was started."""
    ended = shell.run(*hello, *arguments)

    assert ended.returncode == 2
    assert text in ended.stderr
    assert ended.stdout == ""


def test_missing_fields_are_named_all_at_once(shell: Shell) -> None:
    """With the arguments to add."""
    ended = shell.run("run", ORDER, "-p", PARTICIPANTS)

    assert ended.returncode == 2
    assert ended.stderr == "bureaucrat: the process 'order' needs order_id (str): add --field order_id=…\n"


def test_an_event_wakes_what_waits_for_it(shell: Shell, waiting: list[str]) -> None:
    """Its values are JSON where they parse as JSON."""
    ended = shell.run(*waiting, "--event", "go name=b", "--event", "go name=a after=50ms")

    assert ended.returncode == 0, ended.stdout


# -- definitions and modules that cannot be used


def test_a_bad_definition_is_refused_with_all_its_problems(shell: Shell) -> None:
    """Exit code 2; each problem with its line and a caret."""
    process = shell.write(
        "bad.xml", '<process>\n  <actoin participant="a"/>\n  <delay duration="30 min"/>\n</process>\n'
    )

    ended = shell.run("run", process)

    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "bureaucrat: not started: 2 problems in bad.xml",
        "  bad.xml:2:3   error   BX301  unknown element <actoin>; did you mean <action>?",
        '         2 | <actoin participant="a"/>',
        "             ^",
        '  bad.xml:3:10  error   BX204  duration="30 min" is no duration: write 30m, PT30M or 1800',
        '         3 | <delay duration="30 min"/>',
        "                    ^",
        "  more   bureaucrat explain BX204",
    ]


def test_a_file_that_is_not_there_has_a_neighbour(shell: Shell, hello: list[str]) -> None:
    """The name that was probably meant."""
    ended = shell.run("run", "helo.xml")

    assert ended.returncode == 2
    assert "helo.xml cannot be read: No such file or directory; did you mean hello.xml?" in ended.stderr


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x = 1 / 0\n", ["cannot be imported: ZeroDivisionError: division by zero", "bad.py:1"]),
        ("x =\n", ["cannot be imported: SyntaxError", "bad.py:1"]),
        ("import not_installed_anywhere\n", ["No module named 'not_installed_anywhere'", "-m pip show not_installed"]),
        ("import sys; sys.exit(5)\n", ["cannot be imported: SystemExit: 5"]),
        ("x = 1\n", ["bad.py has no participants", "@participant("]),
    ],
)
def test_a_module_that_cannot_be_used_is_explained(shell: Shell, text: str, wanted: list[str]) -> None:
    """Exit code 3, with the place, and without a traceback."""
    process, module = shell.write("hello.xml", HELLO), shell.write("bad.py", text)

    ended = shell.run("run", process, "--participants", module)

    assert ended.returncode == 3
    assert all(one in ended.stderr for one in wanted), ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gret.py", "there is no file gret.py; did you mean greet.py?"),
        ("nowhere.at.all", "A file is given by its path, with .py"),
        ("folder/none.py", "there is no file folder/none.py"),
    ],
)
def test_a_module_that_is_not_there_is_named(shell: Shell, hello: list[str], name: str, text: str) -> None:
    """Exit code 3."""
    ended = shell.run(*hello[:2], "--participants", name)

    assert ended.returncode == 3
    assert text in ended.stderr


def test_participants_come_from_several_modules_by_name_and_by_path(shell: Shell) -> None:
    """A module finds its neighbours, and a dotted name is looked for in the present folder."""
    shell.write("neighbour.py", "TEXT = 'from the neighbour'\n")
    shell.write(
        "one.py",
        "from bureaucrat import participant\nimport neighbour\n"
        "@participant('a')\ndef a(fields):\n    return {'a': neighbour.TEXT}\n",
    )
    shell.write(
        "two.py", "from bureaucrat import participant\n@participant('b')\ndef b(fields):\n    return {'b': 2}\n"
    )
    process = shell.write("ab.xml", '<process name="ab"><action participant="a"/><action participant="b"/></process>')

    ended = shell.run("run", process, "--participants", "one.py", "--participants", "two", "--json")

    assert json.loads(ended.stdout)["fields"] == {"a": "from the neighbour", "b": 2}


def test_a_database_that_cannot_be_used_says_why_and_what_else(shell: Shell, hello: list[str]) -> None:
    """Exit code 3."""
    ended = shell.run(*hello, "--db", "greet.py")

    assert ended.returncode == 3
    assert "greet.py: it is no SQLite database" in ended.stderr
    assert "choose   another file than greet.py: --db FILE" in ended.stderr


def test_what_nobody_expected_is_one_line(shell: Shell, waiting: list[str]) -> None:
    """With --debug the traceback comes, too."""
    shell.run(*waiting, "--timeout", "10ms")
    with sqlite3.connect(shell.folder / "run.db") as database:
        database.execute("UPDATE instances SET state = 'damaged'")
    database.close()

    ended = shell.run(*waiting)
    debugged = shell.run(*waiting, "--debug")

    assert ended.returncode == debugged.returncode == 3
    assert re.fullmatch(r"bureaucrat: unexpected \w+: .*; the same with --debug shows where\n", ended.stderr)
    assert "Traceback" in debugged.stderr


# -- what needs a person


def test_an_action_that_nobody_serves_says_who_is_there(shell: Shell) -> None:
    """The command it prints goes on, once somebody serves it."""
    process = shell.write("hello.xml", HELLO)
    module = shell.write("greet.py", GREET.replace('"greet"', '"great"'))

    ended = shell.run("run", process, "--participants", module, "--db", "run.db")
    shell.write("greet.py", GREET)
    again = shell.paste(continuing(ended.stdout))

    assert ended.returncode == 1
    place = "hello.xml:1"
    assert f"! {place}  nobody serves 'greet'; greet.py serves fail, great, throw; did you mean great?" in ended.stdout
    assert "  ! greet (hello.xml:1): nobody serves the participant 'greet'; greet.py serves" in ended.stdout
    assert again.returncode == 0, again.stdout + again.stderr
    assert "greet incident retried" in again.stdout


def test_used_up_attempts_are_told_with_the_last_error(shell: Shell) -> None:
    """And where the action stands in the file."""
    process = shell.write(
        "p.xml", '<process name="p">\n<action id="a" participant="fail" retries="1" delay="1ms"/></process>'
    )
    module = shell.write("greet.py", GREET)

    ended = shell.run("run", process, "-p", module, "--db", "run.db")

    assert ended.returncode == 1
    assert '  ! a (p.xml:2): 2 of 2 attempts answered error, last "ValueError: it is broken"' in ended.stdout
    assert continuing(ended.stdout)[-3:] == ["--db", "run.db", "--retry"]


def test_a_fault_that_nobody_handles_is_told_with_its_code(shell: Shell) -> None:
    """In the lines and in the JSON."""
    process = shell.write("p.xml", '<process name="p"><action id="a" participant="throw"/></process>')
    module = shell.write("greet.py", GREET)

    ended = shell.run("run", process, "-p", module, "--db", "run.db", "--json")

    found = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert '  ! a (p.xml:1): fault Broken, and no handler around takes it: "it is thrown"' in ended.stderr
    assert found["status"] == "faulted"
    assert [(one["activity"], one["kind"], one["code"]) for one in found["incidents"]] == [("a", "fault", "Broken")]
    assert shlex.split(found["continue"])[-1] == "--retry"


def test_it_waits_for_what_goes_on_beside_an_incident(shell: Shell) -> None:
    """A sibling of the activity that rests runs to its end first."""
    process = shell.write(
        "p.xml",
        '<process name="p"><all><action id="a" participant="fail"/>'
        '<sequence><delay duration="300ms"/><action id="b" participant="greet"/></sequence></all></process>',
    )

    ended = shell.run("run", process, "-p", shell.write("greet.py", GREET), "--db", "run.db")

    assert ended.returncode == 1
    assert "b done in" in ended.stdout


def test_an_incident_in_a_called_process_is_one_of_the_caller(shell: Shell) -> None:
    """The run ends, and --retry finds it."""
    inner = '<process name="inner"><action id="a" participant="fail"/></process>'
    process = shell.write(
        "p.xml",
        f'<process name="p"><context><property name="inner" type="str"><![CDATA[{inner}]]></property></context>'
        '<call id="c" process="$inner"/></process>',
    )
    module = shell.write("greet.py", GREET)

    ended = shell.run("run", process, "-p", module, "--db", "run.db")
    shell.write("greet.py", GREET.replace('raise ValueError("it is broken")', "return {}"))
    again = shell.paste(continuing(ended.stdout))

    assert ended.returncode == 1
    assert "! a (process 'inner', line 1): 1 of 1 attempts answered error" in ended.stdout
    assert again.returncode == 0, again.stdout + again.stderr


# -- going on


def test_it_goes_on_after_it_was_killed_and_shows_what_was_before(shell: Shell) -> None:
    """kill -9 in the middle: what was committed is not done again."""
    arguments = ["run", ORDER, "-p", PARTICIPANTS, "-f", "order_id=1017", "--db", "run.db"]
    first = shell.start(*arguments)
    first.until("payment waits for")
    first.process.kill()
    first.end()

    ended = shell.run(*arguments, "-e", "payment.authorized order_id=1017")

    lines = without_times(ended.stdout)
    assert ended.returncode == 0, ended.stdout
    assert lines[1] == "goes on with instance ID (order 1017), started TIME   --new starts another".replace(
        "TIME", lines[1].split("started ")[1].split()[0]
    )
    assert lines[2] == "TIME order 1017 reserve done in T   stock_id=S-1017   (before)"
    assert not any("asks reserve_stock" in line for line in lines)
    assert "4 actions (1 before), 1 retry, 0 incidents" in lines[-2]


def test_an_attempt_that_was_in_work_is_asked_again(shell: Shell) -> None:
    """With the same number, because it is the same attempt."""
    process = shell.write("p.xml", '<process name="p"><action id="a" participant="work"/></process>')
    arguments = ["run", process, "-p", shell.write("slow.py", SLOW), "--db", "run.db"]
    first = shell.start(*arguments)
    first.until("a attempt 1 asks work")
    first.process.kill()
    first.end()
    shell.write("slow.py", SLOW.replace("await asyncio.Event().wait()", "return {}"))

    ended = shell.run(*arguments)

    assert ended.returncode == 0, ended.stdout
    assert " a attempt 1 asks work again\n" in ended.stdout


def test_the_example_of_killing_shows_that_nothing_happens_twice(shell: Shell) -> None:
    """examples/kill_and_continue.py: its exit code is the proof."""
    ended = shell.paste([sys.executable, str(ROOT / "examples" / "kill_and_continue.py")])

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "--- killed (-9) process" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "each of them once"


def test_two_runs_on_one_database_are_refused(shell: Shell, waiting: list[str]) -> None:
    """The second says so, and what to do; the first is not disturbed."""
    first = shell.start(*waiting)
    first.until("signal waits for")

    ended = shell.run(*waiting)

    assert ended.returncode == 3
    assert "run.db is used by another" in ended.stderr
    assert "choose   another file than run.db: --db FILE" in ended.stderr
    first.process.kill()


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")],
)
def test_a_signal_stops_it_and_it_says_how_to_go_on(
    shell: Shell, waiting: list[str], number: signal.Signals, code: int, name: str
) -> None:
    """What it waits for, and the command, with the events that are still to come."""
    first = shell.start(*waiting, "--event", "go name=a after=1h")
    first.until("signal waits for")

    first.process.send_signal(number)
    ended = first.end()
    command = continuing("\n".join(first.lines))
    again = shell.paste([*command[:-2], "--event", "go name=a"])

    assert ended == code
    text = "\n".join(first.lines)
    assert f"stopped by {name} after" in text
    assert "    signal (waiting.xml:2): event go, name=a, else Timeout in " in text
    assert command[-2:] == ["--event", "go name=a after=1h"]
    assert again.returncode == 0, again.stdout + again.stderr


def test_it_gives_up_waiting_when_it_is_told_to(shell: Shell, waiting: list[str]) -> None:
    """Exit code 1; nothing is lost."""
    ended = shell.run(*waiting, "--timeout", "100ms")

    assert ended.returncode == 1
    assert re.search(r"^not completed in 0\.\d s, the time it was given", ended.stdout, re.MULTILINE)


def test_new_starts_another_beside_the_unfinished_one(shell: Shell, waiting: list[str]) -> None:
    """Without it the unfinished one is meant, and fields for another are said to be unused."""
    shell.run(*waiting, "--timeout", "10ms")
    other = [*waiting[:3], "name=b", *waiting[4:]]

    same = shell.run(*other, "--timeout", "10ms")
    both = shell.run(*other, "--new", "--event", "go name=b")
    rest = shell.run(*waiting, "--event", "go name=a")

    assert "! the fields for waiting b are not used; --new starts it, too" in same.stdout
    assert "waiting b completed" in both.stdout
    assert both.returncode == 0
    assert "waiting a completed" in rest.stdout


def test_a_unique_key_is_refused_twice(shell: Shell) -> None:
    """``unique`` holds among unfinished instances."""
    process = shell.write("waiting.xml", WAITING.replace('key="name">', 'key="name" unique="yes">', 1))
    arguments = ["run", process, "--field", "name=a", "--db", "run.db", "--timeout", "10ms"]

    shell.run(*arguments)
    ended = shell.run(*arguments, "--new")

    assert ended.returncode == 2
    assert re.fullmatch(
        "bureaucrat: not started: waiting a is unfinished already, and its key is unique: instance [0-9a-f]{32}\n"
        "  go on with what is unfinished: the same command without --new\n",
        ended.stderr,
    )


def test_of_several_that_would_have_one_unique_key_the_first_is_started(shell: Shell) -> None:
    process = shell.write("waiting.xml", WAITING.replace('key="name">', 'key="name" unique="yes">', 1))

    ended = shell.run("run", process, "--field", "name=a", "--db", "run.db", "--instances", "3")

    assert ended.returncode == 2
    assert ended.stderr.startswith("bureaucrat: 2 of 3 not started: waiting a is unfinished already")
    assert ended.stderr.count("waiting a is unfinished already") == 2
    with sqlite3.connect(shell.folder / "run.db") as connection:
        assert connection.execute("SELECT business_key, ended FROM instances").fetchall() == [("a", None)]


def test_an_instance_keeps_the_definition_it_was_started_with(shell: Shell, waiting: list[str]) -> None:
    """When the file has changed since, that is said."""
    shell.run(*waiting, "--timeout", "10ms")
    shell.write("waiting.xml", WAITING.replace('event="go"', 'event="come"'))

    ended = shell.run(*waiting, "--event", "go name=a")

    assert ended.returncode == 0
    assert "! it goes on with the definition it was started with; waiting.xml has changed since" in ended.stdout


@pytest.mark.parametrize("history", ["none", "activity", "full"])
def test_what_was_before_depends_on_the_history_that_was_kept(shell: Shell, history: str) -> None:
    """Without one it goes on all the same."""
    process = shell.write(
        "p.xml", '<process name="p"><action id="a" participant="greet"/><await id="w" event="go"/></process>'
    )
    arguments = ["run", process, "-p", shell.write("greet.py", GREET), "--db", "run.db", "--history", history]
    first = shell.start(*arguments)
    first.until("w waits for")
    first.process.kill()
    first.end()

    ended = shell.run(*arguments, "--event", "go")

    assert ended.returncode == 0, ended.stdout
    assert ("a done in" in ended.stdout) is (history != "none")


# -- many


def test_many_instances_are_one_line_each_in_a_pipe(shell: Shell, hello: list[str]) -> None:
    """``{n}`` is the number of each."""
    ended = shell.run(*hello, "--instances", "3", "--field", "name=number {n}", "--json")

    found = json.loads(ended.stdout)["instances"]
    assert sorted(one["fields"]["greeting"] for one in found) == ["hello number 1", "hello number 2", "hello number 3"]
    assert ended.stderr.count("outcome greeted\n") == 3
    assert "3 of 3 completed in " in ended.stderr


def test_many_instances_go_on_together(shell: Shell, waiting: list[str]) -> None:
    """With an event for each; those of an earlier run are not started again."""
    many = [*waiting[:3], "name=w{n}", *waiting[4:], "--instances", "20"]
    first = shell.run(*many, "--timeout", "10ms")

    ended = shell.run(*many, "--event", "go name=w{n}")

    assert first.returncode == 1
    assert "20 instances: starts 20" in first.stdout
    assert "and 10 more" in first.stdout
    assert ended.returncode == 0, ended.stdout
    assert "20 instances: goes on with 20" in ended.stdout
    assert "20 of 20 completed in " in ended.stdout


# -- the program itself


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["run", "-h"], ["lint", "-h"], ["explain", "-h"]])
def test_help_is_there(shell: Shell, arguments: list[str]) -> None:
    """For the program and each command."""
    ended = shell.run(*arguments)

    assert ended.returncode == 0
    assert ended.stdout.startswith("Usage: bureaucrat")


def test_the_version_is_one_line(shell: Shell) -> None:
    """``bureaucrat 0.1.0``."""
    assert re.fullmatch(r"bureaucrat \d+\.\d+\.\d+\n", shell.run("--version").stdout)


def test_the_module_of_the_command_line_runs_as_well(shell: Shell) -> None:
    """``python -m bureaucrat.cli``."""
    ended = shell.paste([sys.executable, "-m", "bureaucrat.cli", "--version"])

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_reader_that_leaves_is_no_error(shell: Shell) -> None:
    """``bureaucrat lint … | head -1``"""
    process = shell.write("bad.xml", "<process>" + "<x/>" * 900 + "</process>")
    program = shell.start("lint", process)

    program.until("bad.xml:1:10")
    assert program.process.stdout is not None
    program.process.stdout.close()

    assert program.process.wait(60) in (1, 2)
    assert isinstance(program.process, subprocess.Popen)


CELERY_TASKS = """
from celery import shared_task


@shared_task
def charge(workitem):
    workitem["fields"]["paid"] = True
    return workitem
"""


@pytest.mark.parametrize("arguments", [[], ["-p", "tills.py"]], ids=["by its name", "of a module"])
def test_a_celery_task_is_called_here(shell: Shell, arguments: list[str]) -> None:
    """Without a broker, and without a module where its name says what to import."""
    shell.write("tills.py", CELERY_TASKS)
    process = shell.write("sale.xml", '<process name="sale"><action participant="celery:tills.charge"/></process>')

    ended = shell.run("run", process, *arguments, "--json")

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["fields"] == {"paid": True}


def test_a_celery_task_that_cannot_be_imported_is_explained(shell: Shell) -> None:
    """Exit code 3, with the place; one that is not there is named by the warning that nobody serves it."""
    shell.write("tills.py", "1 / 0")
    process = shell.write("sale.xml", '<process name="sale"><action participant="celery:tills.charge"/></process>')

    ended = shell.run("run", process)

    assert ended.returncode == 3
    assert "tills.charge cannot be imported: ZeroDivisionError: division by zero" in ended.stderr
