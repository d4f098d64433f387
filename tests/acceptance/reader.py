"""A reader of a page: a folder beside the checkout, a shell, and the programs that the page takes for granted.

Rules: ``sudo``, ``curl`` and ``rabbitmqctl`` are stand-ins; the ports are the tests'. Nothing else differs from what a
person does who follows the page.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rabbit import SCRIPTS, Rabbit
from test_docs_examples import commands, steady, write_files

ROOT = Path(__file__).parents[2]
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
    replaced: dict[str, str]  #: what the page says, and what is true here
    letters: dict[str, str] = field(default_factory=dict)  #: the page's numbers of dead letters, and those there are
    background: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def local(self, text: str) -> str:
        """The page's text with what is true in this run."""
        for shown, here in (self.replaced | self.letters).items():
            text = text.replace(shown, here)
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

    def follow(self, page: str) -> int:
        """Give every command of a page's consoles, each of which must succeed and print what stands below it.

        :returns: how many there are.
        """
        told = commands(page)
        for command, lines in told:
            if command.endswith("&"):
                self.begin(command)
                continue
            printed, code = self.bash(command)
            assert steady(printed.splitlines()) == steady(lines), f"{command}\n{printed}\n{self.logs}"
            assert code == 0, command
        return len(told)

    @property
    def logs(self) -> str:
        """The ends of what programs have logged."""
        return "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))

    def provide(self, **scripts: str) -> None:
        """More programs to be found: each by its script for ``sh``."""
        for name, script in scripts.items():
            program = self.folder.parent / "bin" / name
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)

    def learn(self, page: str, printed: str) -> None:
        """The numbers of dead letters that the page shows are others here."""
        for shown, here in zip(re.findall(r"\b\d{19}\b", page), re.findall(r"\b\d{19}\b", printed), strict=False):
            self.letters[shown] = here


@contextmanager
def reader(page: str, folder: Path, rabbit: Rabbit, replaced: dict[str, str]) -> Iterator[Day]:
    """What the reader of a page has when its first console begins.

    :param replaced: what the page says, and what is true here.
    """
    programs, office = folder / "bin", folder / "office"
    programs.mkdir()
    office.mkdir()
    (folder / "bureaucrat").symlink_to(ROOT)
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
    made = Day(office, environment, replaced)
    write_files(page, office)
    for path in office.iterdir():
        path.write_text(made.local(path.read_text(encoding="utf-8")), encoding="utf-8")
    try:
        yield made
    finally:
        for process in made.background:
            process.kill()
            process.wait()


def _assigned(rabbit: Rabbit) -> str:
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in rabbit.environment.items() if name != "PATH")
