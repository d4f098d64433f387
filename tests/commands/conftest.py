"""A command line for each test."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from command_shell import ROOT, TIMEOUT, Shell
from fake_terminal import Terminal
from operated import Office

#: what would change what a command prints; whoever runs tests in several processes sets a size of the terminal
NOT_PASSED_ON = frozenset({"BUREAUCRAT_LEDGER", "NO_COLOR", "COLUMNS", "LINES"})


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """The command line in an empty folder; temporary files of the programs stay in it."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "work").mkdir()
    environment = {name: text for name, text in os.environ.items() if name not in NOT_PASSED_ON}
    environment |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "PYTHONUTF8": "1"}
    made = Shell(tmp_path / "work", environment)
    watchdog = threading.Timer(TIMEOUT, made.kill)
    watchdog.start()
    yield made
    watchdog.cancel()
    made.kill()
    for program in made.started:
        program.process.wait()
        if program.process.stdout is not None:
            program.process.stdout.close()


@pytest.fixture
async def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Office]:
    """A database in an empty folder, with an engine that a test opens."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bureaucrat"])
    made = Office(tmp_path / "b.db", capsys.readouterr)
    yield made
    await made.close()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What a command writes to, once it is standard output."""
    for name, value in {"TERM": "xterm", "COLUMNS": "80", "LINES": "25", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    return Terminal()
