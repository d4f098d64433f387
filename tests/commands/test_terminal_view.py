"""``bureaucrat run`` on a terminal: the tree, drawn again and again; here on a pseudo-terminal."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from command_shell import ROOT, Shell

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals in Python")
if sys.platform != "win32":
    import fcntl
    import termios

_ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")
ORDER = ["run", str(ROOT / "processes" / "order.xml"), "-p", str(ROOT / "examples" / "participants.py")]


class Screen:
    """What a terminal shows: enough of one for what is drawn here."""

    def __init__(self) -> None:
        self.lines = [""]
        self.styles: set[str] = set()
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        place = 0
        while place < len(text):
            found = _ESCAPE.match(text, place)
            if found:
                self._escape(found[1], found[2])
                place = found.end()
            else:
                self._character(text[place])
                place += 1

    def _escape(self, argument: str, kind: str) -> None:
        if kind == "A":
            self._row = max(0, self._row - int(argument or 1))
        elif kind == "K":
            self.lines[self._row] = "" if argument == "2" else self.lines[self._row][: self._column]
        elif kind == "m":
            self.styles.add(argument)

    def _character(self, one: str) -> None:
        if one == "\r":
            self._column = 0
        elif one == "\n":
            self._row += 1
            self._column = 0
            self.lines += [""] * (self._row + 1 - len(self.lines))
        else:
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + one + line[self._column + 1 :]
            self._column += 1

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).rstrip()


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str], columns: int, rows: int) -> None:
        self.screen = Screen()
        self.shown: list[str] = []  #: what the screen showed, after each piece of output
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self._decoder = __import__("codecs").getincrementaldecoder("utf-8")("replace")

    def until(self, text: str) -> str:
        """Read until the screen shows a text."""
        while self._read():
            if text in self.screen.text:
                return self.screen.text
        raise AssertionError(f"it ended without {text!r}:\n{self.screen.text}")

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            continue
        os.close(self._master)
        return self.process.wait(60)

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # Linux says so when the program has gone
            return False
        self.screen.feed(self._decoder.decode(data))
        self.shown.append(self.screen.text)
        return bool(data)


def on_terminal(shell: Shell, *arguments: str, columns: int = 150, rows: int = 40, **environment: str) -> Terminal:
    found = shell.environment | {"TERM": "xterm-256color"} | environment
    return Terminal(shell.command(*arguments), shell.folder, found, columns, rows)


def without_times(text: str) -> list[str]:
    text = re.sub(r"\d+(\.\d+)? (s|m)\b( \d\d s)?", "T", text)
    return [re.sub(r" {2,}", "  ", line) for line in text.split("\n")]


def test_an_order_is_drawn_as_a_tree(shell: Shell) -> None:
    """What runs has a running time; what has ended stays."""
    event = "payment.authorized order_id=1017 after=500ms"
    terminal = on_terminal(shell, *ORDER, "-f", "order_id=1017", "-e", event, "--db", "run.db")

    terminal.until("○ payment")
    code = terminal.end()

    lines = without_times(terminal.screen.text)
    assert code == 0
    assert lines[2:4] == [
        "  ✓ reserve  reserve_stock  T  stock_id=S-1017",
        '  ✓ payment  event payment.authorized  T  payment={"order_id": 1017}',
    ]
    assert re.fullmatch(
        r'  ✓ capture  capture  attempt 2 of 6  T  capture_id=C-\S+  1st: "gateway timeout", again after T', lines[4]
    )
    assert lines[5:9] == [
        "  ┬ fulfil  all  T",
        "  ├ ✓ ship  ship  T  parcel=DHL-1017",
        "  └ ✓ invoice  invoice  T  invoice=2026-1017",
        "  ✓ shipped  outcome shipped  T",
    ]
    assert lines[9].startswith("completed in T, outcome shipped  4 actions, 1 retry, 0 incidents; ")
    assert lines[10:12] == ["{", '  "amount": 120.5,']
    assert any("order_id=1017, else Timeout in " in shown for shown in terminal.shown)
    assert any("↻ capture" in shown and "again in" in shown for shown in terminal.shown)
    assert any("● ship" in shown for shown in terminal.shown)


def test_what_was_done_before_is_in_the_tree(shell: Shell) -> None:
    """Ctrl-C, then the same again."""
    arguments = [*ORDER, "-f", "order_id=1017", "--db", "run.db"]
    first = on_terminal(shell, *arguments)
    first.until("○ payment")
    first.process.send_signal(2)
    stopped = first.end()

    second = on_terminal(shell, *arguments, "-e", "payment.authorized order_id=1017")
    code = second.end()

    assert stopped == 130
    assert "stopped by Ctrl-C after" in first.screen.text
    assert code == 0
    lines = without_times(second.screen.text)
    assert lines[2] == "  ✓ reserve  reserve_stock  T  before  stock_id=S-1017"
    assert "  ✓ shipped  outcome shipped  T" in lines


def test_a_loop_shows_its_turns_and_a_call_what_it_called(shell: Shell) -> None:
    """Nested, with lines that lead down."""
    process, module = str(ROOT / "processes" / "example1.xml"), str(ROOT / "examples" / "participants.py")

    terminal = on_terminal(shell, "run", process, "-p", module)
    code = terminal.end()

    lines = without_times(terminal.screen.text)
    assert code == 0
    assert "  ┬ count-to-four  while  T  4 turns" in lines
    assert "  └ ✓ plain  participant2  T" in lines
    call = lines.index('  ┬ other  process $some_process  T  answered="hello world, said the other process"')
    assert lines[call + 1] == "  ├ ✓ echo  participant2  T"


def test_an_incident_stands_out(shell: Shell) -> None:
    """With the reason in its line."""
    process = shell.write("p.xml", '<process name="p"><action id="a" participant="nobody"/></process>')

    terminal = on_terminal(shell, "run", process, "--db", "run.db")
    code = terminal.end()

    assert code == 1
    assert "  ! a  nobody  T  incident: nobody serves the participant 'nobody'" in without_times(terminal.screen.text)


def test_a_small_screen_shows_the_end_of_what_runs(shell: Shell) -> None:
    """More lines than the screen has are not drawn over and over; at the end all are there."""
    turns = 30
    process = shell.write(
        "p.xml",
        '<process name="p"><while id="loop"><context><property name="n" type="int">0</property></context>'
        f'<condition>n &lt; {turns}</condition><assign id="step" property="n">n + 1</assign>'
        '<delay duration="5ms"/></while></process>',
    )

    terminal = on_terminal(shell, "run", process, rows=10)
    code = terminal.end()

    assert code == 0
    assert "30 turns" in terminal.screen.text


def test_a_terminal_without_those_signs_gets_letters(shell: Shell) -> None:
    """ASCII where the encoding has nothing else."""
    arguments = [*ORDER, "-f", "order_id=1017", "-e", "payment.authorized order_id=1017"]

    terminal = on_terminal(shell, *arguments, PYTHONUTF8="0", PYTHONIOENCODING="ascii", columns=100)
    code = terminal.end()

    assert code == 0
    assert "  + reserve" in terminal.screen.text
    assert terminal.screen.text.isascii()
    assert max(map(len, terminal.screen.text.split("\n")[2:9])) <= 100


def test_no_color_is_respected(shell: Shell) -> None:
    """https://no-color.org"""
    arguments = [*ORDER, "-f", "order_id=1017", "-e", "payment.authorized order_id=1017"]

    terminal = on_terminal(shell, *arguments, NO_COLOR="1")
    terminal.end()

    colours = {
        part for style in terminal.screen.styles for part in style.split(";") if part[:1] in "3489" and len(part) > 1
    }
    assert colours == set()


def test_a_terminal_that_can_do_nothing_gets_lines(shell: Shell) -> None:
    """TERM=dumb."""
    arguments = [*ORDER, "-f", "order_id=1017", "-e", "payment.authorized order_id=1017"]

    terminal = on_terminal(shell, *arguments, TERM="dumb")
    terminal.end()

    assert " order 1017 reserve done in " in terminal.screen.text


def test_many_instances_are_a_summary(shell: Shell) -> None:
    """One line a second, and one at the end."""
    process = shell.write("p.xml", '<process name="p"><delay duration="100ms"/></process>')

    terminal = on_terminal(shell, "run", process, "--instances", "5")
    code = terminal.end()

    assert code == 0
    assert re.search(
        r"5 instances: 5 completed, 0 running, 0 with an incident   0 actions, 0 retries", terminal.screen.text
    )
