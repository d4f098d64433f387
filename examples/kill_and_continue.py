"""Kills the engine in the middle of a process, starts it again, and counts what the participants did.

Run it alone, or give it the command to kill:  python examples/kill_and_continue.py [bureaucrat run … --db FILE]

The participants of the example append a line to a ledger for every effect: that file stands for the world outside,
where a second parcel would be a second parcel. Exit code 0: the process was completed, and each was there once.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KILL_AFTER = re.compile(r" capture done in ")
EXPECTED = ["capture", "invoice", "reserve_stock", "ship"]


def default_command(folder: Path) -> list[str]:
    """The run of the order with a database of its own."""
    return [
        *(sys.executable, "-m", "bureaucrat", "run", str(ROOT / "processes" / "order.xml")),
        *("--participants", str(ROOT / "examples" / "participants.py"), "--field", "order_id=1017"),
        *("--event", "payment.authorized order_id=1017 after=1s", "--db", str(folder / "run.db")),
    ]


def start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a run whose lines can be read."""
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    )


def run_until_killed(command: list[str], environment: dict[str, str]) -> bool:
    """Run until `capture` is done, then kill it; whether there was something to kill."""
    with start(command, environment) as engine:
        assert engine.stdout is not None
        for line in engine.stdout:
            print(line, end="", flush=True)
            if KILL_AFTER.search(line):
                engine.kill()  # as kill -9 does: no handler runs, nothing is put in order
                print(
                    f"--- killed (-9) process {engine.pid}, right after capture was done; starting it again", flush=True
                )
                return True
    return False


def run_to_its_end(command: list[str], environment: dict[str, str]) -> int:
    """Run again, and show it."""
    with start(command, environment) as engine:
        assert engine.stdout is not None
        for line in engine.stdout:
            print(line, end="", flush=True)
    return engine.returncode


def count_effects(ledger: Path) -> bool:
    """Say how often each participant had an effect, by key; whether each had exactly one."""
    entries = ledger.read_text(encoding="utf-8").split("\n")[:-1]
    print("--- the ledger: what happened in the world, by key")
    for entry, times in Counter(entries).items():
        key, participant = entry.split()
        print(f"{participant:<14} {key:<40} {'once' if times == 1 else f'{times} TIMES'}")
    participants = sorted(entry.split()[1] for entry in entries)
    is_right = participants == EXPECTED
    print("each of them once" if is_right else f"this should have been each of {', '.join(EXPECTED)} once")
    return is_right


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bureaucrat-") as name:
        folder = Path(name)
        command = sys.argv[1:] or default_command(folder)
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        ledger = folder / "ledger"
        environment = {**os.environ, "BUREAUCRAT_LEDGER": str(ledger), "PYTHONPATH": os.pathsep.join(paths)}
        ledger.touch()
        was_killed = run_until_killed(command, environment)
        if not was_killed:
            print("--- it ended before it could be killed")
        code = run_to_its_end(command, environment) if was_killed else 1
        is_right = count_effects(ledger)
    return 0 if code == 0 and is_right else 1


if __name__ == "__main__":
    sys.exit(main())
