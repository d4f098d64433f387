"""docs/operations.rst: the first day, followed literally by a shell, on a RabbitMQ of the tests' own.

Rules: a line that begins with ``$`` is given to bash, and what stands below is what it prints; one that ends with ``&``
goes on in the background. What only looks is asked again until it prints that, for the daemon does its work beside. The
programs that are not the page's subject (``sudo``, ``curl``, ``rabbitmqctl``) are stand-ins; the broker's port and that
of the health server are the tests'.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rabbit import SCRIPTS, Rabbit, free_port
from service import until
from test_docs_examples import commands, of_page, steady, write_files

ROOT = Path(__file__).parents[2]
PAGE = "docs/operations.rst"
LOOKS = ("bureaucrat ps", "bureaucrat show", "bureaucrat audit", "bureaucrat dead list", "tail ")
_VOLATILE = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "INSTANT"),
    (r"\b\d{19}\b", "LETTER"),
    (r"\(pid \d+\)|ps -p \d+|kill \d+", "PROCESS"),
    (r"according to \S+", "according to FILE"),
    (r" +", " "),
)
_BUREAUCRAT = "import sys; sys.argv[0] = 'bureaucrat'; from bureaucrat.cli import main; sys.exit(main())"
_CURL = """
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[-1], timeout=5).read().decode().strip())
except OSError:
    sys.exit(22)
"""


@dataclass
class Day:
    """A folder beside the checkout, with programs to be found."""

    folder: Path
    environment: dict[str, str]
    ports: dict[str, int]
    letters: dict[str, str] = field(default_factory=dict)  #: the page's numbers of dead letters, and those there are
    background: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def local(self, text: str) -> str:
        """The page's text with the ports and numbers of this run."""
        for port, here in self.ports.items():
            text = text.replace(f":{port}", f":{here}")
        for number, here in self.letters.items():
            text = text.replace(number, here)
        return text

    def bash(self, command: str) -> tuple[str, int]:
        """What it prints, and its exit code."""
        ended = subprocess.run(
            ["bash", "-c", self.local(command)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return ended.stdout, ended.returncode

    def begin(self, command: str) -> None:
        """Start it, and wait for nothing."""
        line = f"exec {self.local(command).removesuffix('&')}"
        self.background.append(subprocess.Popen(["bash", "-c", line], cwd=self.folder, env=self.environment))

    def learn(self, page: str, printed: str) -> None:
        """The numbers of dead letters that the page shows are others here."""
        for shown, here in zip(re.findall(r"\b\d{19}\b", page), re.findall(r"\b\d{19}\b", printed), strict=False):
            self.letters[shown] = here


@pytest.fixture
def day(tmp_path: Path, rabbit: Rabbit) -> Iterator[Day]:
    """What the reader has when the first console begins."""
    programs, office = tmp_path / "bin", tmp_path / "office"
    programs.mkdir()
    office.mkdir()
    (tmp_path / "bureaucrat").symlink_to(ROOT)
    python = shlex.quote(sys.executable)
    scripts = {
        "bureaucrat": f'exec {python} -c "{_BUREAUCRAT}" "$@"',
        "python": f'exec {python} "$@"',
        "sudo": 'exec "$@"',
        "curl": f'exec {python} -c {shlex.quote(_CURL)} "$@"',
        "rabbitmqctl": f'exec env {_assigned(rabbit)} {SCRIPTS}/rabbitmqctl "$@"',
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BUREAUCRAT_")}
    environment = kept | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    made = Day(office, environment, {"5672": rabbit.port, "9464": free_port()})
    write_files(PAGE, office)
    (office / "config.ini").write_text(made.local((office / "config.ini").read_text()))
    yield made
    for process in made.background:
        process.kill()
        process.wait()


def _assigned(rabbit: Rabbit) -> str:
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in rabbit._environment().items() if name != "PATH")


def normal(text: str) -> list[str]:
    for pattern, word in _VOLATILE:
        text = re.sub(pattern, word, text)
    return [line.strip() for line in steady(text.splitlines())]


def test_the_first_day_goes_as_the_page_says(day: Day) -> None:
    """T-005: a worker and the daemon from one file of settings; every command prints what stands below it."""
    told = commands(PAGE)
    assert len(told) > 25

    for command, lines in told:
        if command.endswith("&"):
            day.begin(command)
            continue
        codes = [int(line.rpartition(" ")[2]) for line in lines if line.startswith("# exit code ")] or [0]
        page = "\n".join(line for line in lines if not line.startswith("# exit code "))
        printed, code = day.bash(command)
        if command.startswith(LOOKS) and normal(printed) != normal(day.local(page)):
            printed, code = _when_so(day, command, page)
        day.learn(page, printed)
        assert normal(printed) == normal(day.local(page)), f"{command}\n{_logs(day)}"
        assert code == codes[0], command


def _when_so(day: Day, command: str, page: str) -> tuple[str, int]:
    """Ask again until it prints what the page shows; the last answer if it never does."""
    last = day.bash(command)

    def is_so() -> bool:
        nonlocal last
        last = day.bash(command)
        day.learn(page, last[0])
        return normal(last[0]) == normal(day.local(page))

    try:
        until(is_so, command, 30)
    except AssertionError:
        return last
    return last


def _logs(day: Day) -> str:
    return "".join((day.folder / name).read_text() for name in ("daemon.log", "worker.log"))


def test_every_block_for_a_shell_can_be_read_by_one() -> None:
    """Those that need root or a service manager are not run."""
    blocks = [block for block in of_page(PAGE) if block.language == "sh"]
    assert len(blocks) > 2

    for block in blocks:
        subprocess.run(["bash", "-n", "-c", block.text], check=True)
        for path in re.findall(r"(?<![/\w])bureaucrat/([\w./-]+)", block.text):
            assert path.startswith("bin/") or (ROOT / path).exists() or path.endswith((".db", ".ini")), path


def test_every_metric_is_on_the_page() -> None:
    """With its name, and no other."""
    from bureaucrat.daemon.metrics import registry_of
    from bureaucrat.engine.figures import Figures

    text = (ROOT / PAGE).read_text(encoding="utf-8")
    names = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in registry_of(Figures()).collect()
        if metric.name.startswith("bureaucrat_")
    }

    assert set(re.findall(r"^(bureaucrat_\w+)", text, re.MULTILINE)) == names
