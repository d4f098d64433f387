"""Runs the command as a person does, in a process of its own: beside a measurement of coverage it would take thrice as
long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parent / "run.py"


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command with these words.

    :param more: for its environment.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    return subprocess.run(
        [sys.executable, str(RUN), *words],
        env={**environment, "PYTHONPATH": str(RUN.parent.parent.parent), **more},
        capture_output=True,
        text=True,
        check=False,
    )
