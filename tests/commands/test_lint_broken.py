"""What lint says of definitions as people get them wrong (L121).

After a message was changed on purpose: ``python tests/commands/test_lint_broken.py`` writes the file anew; read it by
eye before it is committed, as its author would who sees only these lines.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from broken_documents import BROKEN
from click.testing import CliRunner

from bureaucrat.commands.lint import lint

GOLDEN = Path(__file__).parent / "golden" / "lint-broken.txt"


def told() -> str:
    """All that lint says of all documents in the folder where it runs."""
    for name, text in BROKEN.items():
        Path(f"{name}.xml").write_bytes(text if isinstance(text, bytes) else text.encode())
    said = [CliRunner().invoke(lint, [f"{name}.xml"]) for name in BROKEN]
    assert [name for name, one in zip(BROKEN, said, strict=True) if one.exit_code != 2] == []
    return "\n".join(re.sub(r".* problems?\.   bureaucrat.*\n|\d+ errors?, .*\n", "", one.output) for one in said)


def test_each_mistake_is_told_as_it_stands_in_the_golden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert told() == GOLDEN.read_text(encoding="utf-8")


def test_every_line_says_where_and_what_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place, a code that can be explained, and behind a colon, a comma or a semicolon what to write instead."""
    monkeypatch.chdir(tmp_path)

    rows = [line for line in told().splitlines() if re.match(r"[\w-]+\.xml:\d", line)]

    assert len(rows) >= len(BROKEN) >= 60
    assert [
        row
        for row in rows
        if not re.match(r"[\w-]+\.xml:\d+:\d+ +error +BX\d{3}  (?:.+[:;,] .+|.+ needs .+|.+ from \d.+)", row)
    ] == []


if __name__ == "__main__":
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        GOLDEN.write_text(told(), encoding="utf-8")
    sys.stdout.write(f"{GOLDEN} is written\n")
