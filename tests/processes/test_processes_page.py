"""``docs/processes.rst``: its commands are run as they stand, each by a program of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from shipped import PROCESSES, ROOT

PAGE = (ROOT / "docs" / "processes.rst").read_text(encoding="utf-8")
#: each command, and what stands below it
COMMANDS = re.findall(r"^    \$ bureaucrat (.+)\n    (.+)$", PAGE, re.MULTILINE)

_TIME = re.compile(r"in \d+\.\d s")


@pytest.mark.parametrize(("command", "end"), COMMANDS, ids=[command.split()[1] for command, _ in COMMANDS])
def test_a_command_ends_as_the_page_says(command: str, end: str, tmp_path: Path) -> None:
    """From a checkout: with the processes and examples in the present folder."""
    for folder in ("processes", "examples"):
        (tmp_path / folder).symlink_to(ROOT / folder)

    ended = subprocess.run(
        [sys.executable, "-m", "bureaucrat", *shlex.split(command)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )

    told = ended.stdout.splitlines()[-2].partition("   ")[0]
    assert (ended.returncode, ended.stderr) == (0, "")
    assert _TIME.sub("in T", told) == _TIME.sub("in T", end)


def test_every_shipped_process_is_run_on_the_page() -> None:
    """And each section says what it shows, and where its tests are."""
    run = {Path(shlex.split(command)[1]).name for command, _ in COMMANDS}
    sections = len(re.findall(r"^-+$", PAGE, re.MULTILINE))

    assert {path.name for path in PROCESSES.iterdir()} == run
    assert PAGE.count("\nIt shows\n") == PAGE.count("\nTests\n") == sections
