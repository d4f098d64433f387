"""Which mutants mypy refuses: mutmut's ``type_check_command``, run in its folder of mutants.

Every mutant is a function of its own beside the original. mypy checks them all at once, as strictly as ``make check``
does; what is told here, as JSON lines, is what a mutant has and its original has not.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NUMBER = re.compile(r"__mutmut_(?:\d+|orig)")


def complaints() -> list[dict[str, Any]]:
    """All that mypy says of the mutated files; it is asked about these only."""
    files = sorted(str(path).removesuffix(".spans") for path in Path("bureaucrat").rglob("*.spans"))
    command = [sys.executable, "-m", "mypy", "--output=json", "--no-incremental", *files]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    return [one for one in found if one["severity"] == "error"]


def of_mutants(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What is said inside a mutant and not inside its original."""
    originals: set[tuple[str, str]] = set()
    inside: list[tuple[tuple[str, str], dict[str, Any]]] = []
    for one in found:
        function = _function(one["file"], one["line"])
        known = (_NUMBER.sub("", function), _NUMBER.sub("", one["message"]))
        if function.endswith("__mutmut_orig"):
            originals.add(known)
        elif function:
            inside.append((known, one))
    return (one for known, one in inside if known not in originals)


def _function(file: str, line: int, known: dict[str, dict[str, list[int]]] = {}) -> str:  # noqa: B006 (a cache)
    """The generated function that a line stands in; empty if it stands in none."""
    if file not in known:
        known[file] = json.loads(Path(file + ".spans").read_text(encoding="utf-8"))["spans"]
    return next((name for name, (first, last) in known[file].items() if first <= line <= last), "")


if __name__ == "__main__":
    for complaint in of_mutants(complaints()):
        print(json.dumps(complaint))
