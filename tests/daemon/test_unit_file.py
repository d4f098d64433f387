"""``systemd/bureaucrat.service``, by systemd's own judgement (``systemd-analyze``, Debian package systemd)."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from service_manager import ROOT

UNIT = ROOT / "systemd" / "bureaucrat.service"
EXPOSURE = 1.5  #: of 10; a service without any such line has more than 9


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The file with the one path that is another on each system: of this Python's program."""
    text = UNIT.read_text(encoding="utf-8")
    program = Path(sys.executable).parent / "bureaucrat"
    found = tmp_path / UNIT.name
    found.write_text(text.replace("ExecStart=/usr/bin/bureaucrat ", f"ExecStart={program} "), encoding="utf-8")
    assert found.read_text(encoding="utf-8") != text
    return found


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    assert program is not None, "systemd-analyze is missing; on Debian and Ubuntu: apt-get install systemd"
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


def value(name: str) -> str:
    """What the only line of this name says."""
    (found,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def test_systemd_has_nothing_to_object_to(unit: Path) -> None:
    """Neither unknown lines nor a program that is not there."""
    ended = analyze("verify", "--man=no", str(unit))

    ours = [line for line in ended.stderr.splitlines() if unit.name in line]
    assert (ended.returncode, ours) == (0, [])


def test_it_is_hardened(unit: Path) -> None:
    """``systemd-analyze security``: at most 1.5."""
    ended = analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE * 10:.0f}", str(unit))

    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", ended.stdout)
    assert float(exposure) <= EXPOSURE, ended.stdout


def test_the_program_is_started_as_it_can_be() -> None:
    """In the foreground, with options that it has; systemd hears of it and watches it."""
    from bureaucrat.cli import cli

    _, *arguments = shlex.split(value("ExecStart"))
    known = {option for parameter in cli.params for option in parameter.opts}

    assert {word for word in arguments if word.startswith("-")} <= known
    assert "--foreground" in arguments
    names = ("Type", "WatchdogSec", "Restart", "StateDirectory")
    assert {name: value(name) for name in names} == {
        "Type": "notify",
        "WatchdogSec": "30",
        "Restart": "always",
        "StateDirectory": "bureaucrat",
    }
