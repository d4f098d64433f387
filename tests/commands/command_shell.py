"""The command line as a user has it: a program of its own, its lines, its exit code."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 60.0  #: seconds; nothing here takes nearly as long


@dataclass
class Program:
    """A started program; its output is read line by line."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def until(self, text: str) -> str:
        """Read until a line that contains the text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if text in line:
                return self.lines[-1]
        raise AssertionError(f"it ended without {text!r}:\n" + "\n".join(self.lines))

    def end(self) -> int:
        """Read to the end; the exit code."""
        assert self.process.stdout is not None
        self.lines += [line.rstrip("\n") for line in self.process.stdout]
        return self.process.wait(TIMEOUT)


@dataclass
class Shell:
    """Runs the command line in a folder of the test."""

    folder: Path
    environment: dict[str, str]
    started: list[Program] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "bureaucrat", *arguments]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return self.paste(self.command(*arguments), **environment)

    def paste(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a whole command to its end."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT,
        )

    def start(self, *arguments: str) -> Program:
        """Start it; what it writes to standard error comes with the rest."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self.started.append(Program(process))
        return self.started[-1]

    def kill(self) -> None:
        """End what still runs."""
        for program in self.started:
            program.process.kill()

    def write(self, name: str, text: str) -> str:
        """A file in the folder; its name."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return name
