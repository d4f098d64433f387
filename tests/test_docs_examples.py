"""The examples of the pages for users are run as they stand: their files, their Python, their commands.

Rules: a block with a name is a file in a folder of the page's own; a block of Python without a name is run there, after
those above it, with their names at hand, and proves something: by an assert, or by printing what the block of ``text``
after it says. In a block of ``console`` each line that begins with ``$`` is run, and what stands below is what it
prints, but for times and ids.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_docs import ROOT, Block, blocks

PAGES = (
    "docs/language.rst",
    "docs/migrating.rst",
    "docs/participants.rst",
    "docs/testing.rst",
    "docs/howto/from-canvas.rst",
    "docs/howto/once.rst",
)
WITH_COMMANDS = ("docs/running.rst", "docs/howto/from-canvas.rst")
#: pages that use the files of another one, and say so
BESIDE = {"docs/testing.rst": "README.rst"}

#: what differs from run to run, and what stands for it
_VOLATILE = (
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", "DATE"),
    (r"\b\d\d:\d\d:\d\d(?:\.\d{3})?", "TIME"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"\b\d{10}\.\d+", "INSTANT"),
    (r"\b0\.\d{6,}", "NUMBER"),
    (r"\b\d+(?:\.\d+)? (?:ms|s|m|h|d)\b(?: \d\d (?:s|m|h))?(?: \d+ h)?", "DURATION"),
    (r"\bin \d+\.\d\ds\b", "in DURATION"),
    (r"\b\d+ changes? in \d+ transactions?", "WORK"),
    (r"\bbureaucrat \d+\.\d+\.\d+", "bureaucrat VERSION"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, whose modules can be imported and are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def of_page(page: str) -> list[Block]:
    return [block for block in blocks() if block.page == page]


def write_files(page: str, folder: Path) -> None:
    """Every block that has a name, as the file of that name."""
    named = [block for one in (page, BESIDE.get(page, "")) for block in of_page(one) if block.name]
    names = [block.name for block in named]
    assert len(set(names)) == len(names), f"two files of {page} have one name"
    for block in named:
        (folder / block.name).write_text(block.text, encoding="utf-8")


def pieces_of(page: str) -> list[tuple[Block, str]]:
    """Each piece of Python without a name, and what it prints: the block of ``text`` that follows."""
    shown = [block for block in of_page(page) if not block.name]
    following = [*shown[1:], None]
    return [
        (block, after.text if after is not None and after.language == "text" else "")
        for block, after in zip(shown, following, strict=True)
        if block.language == "python"
    ]


def execute(block: Block, names: dict[str, Any]) -> None:
    """Run a piece of Python; a traceback names the page and the line."""
    exec(compile("\n" * (block.line - 1) + block.text, str(ROOT / block.page), "exec"), names)


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs_as_it_stands(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From its top to its end, beside the files that the page shows."""
    write_files(page, folder)
    pieces = pieces_of(page)
    assert len(pieces) > 2

    names: dict[str, Any] = {"__name__": "example"}
    for piece, printed in pieces:
        execute(piece, names)
        assert capsys.readouterr().out == printed, str(piece)

    imports_only = ("from bureaucrat.testing import Simulation\n",)
    proved = [piece for piece, printed in pieces if printed or "assert" in piece.text or piece.text in imports_only]
    assert [str(piece) for piece, _ in pieces if piece not in proved] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_shows_as_a_file_passes(page: str, folder: Path) -> None:
    """``test_order.py`` is imported, and each of its tests is called."""
    write_files(page, folder)

    for path in sorted(folder.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        tests = [value for name, value in vars(module).items() if name.startswith("test_")]
        assert tests
        for test in tests:
            test()


def test_every_process_of_the_language_page_is_run() -> None:
    """An example that nothing happens to would show nothing."""
    page = of_page("docs/language.rst")
    python = "\n".join(block.text for block in page if block.language == "python")

    shown = [block for block in page if block.language == "xml" and block.text.startswith("<process")]

    assert len(shown) > 15
    assert [str(block) for block in shown if not block.name or f'"{block.name}"' not in python] == []


def test_every_activity_has_an_example_on_the_language_page() -> None:
    """The page is the reference of what this version understands."""
    from bureaucrat.core.activities import ACTIVITIES

    page = of_page("docs/language.rst")
    shown = "\n".join(block.text for block in page if block.language == "xml")
    text = (ROOT / "docs" / "language.rst").read_text(encoding="utf-8")

    assert [tag for tag in sorted(ACTIVITIES) if not re.search(rf"^{tag}\n~+$", text, re.MULTILINE)] == []
    assert [tag for tag in sorted(ACTIVITIES) if f"<{tag}" not in shown] == []


def test_the_chapter_of_every_activity_has_a_process_with_it() -> None:
    """Small, and run by the test above; whoever looks it up need not look elsewhere."""
    from bureaucrat.core.activities import ACTIVITIES

    lines = (ROOT / "docs" / "language.rst").read_text(encoding="utf-8").splitlines()
    headings = [at for at, line in enumerate(lines) if re.fullmatch(r"[~=-]{3,}", line)]
    chapters = {lines[at - 1]: (at, end) for at, end in zip(headings, [*headings[1:], len(lines)], strict=True)}
    named = [block for block in of_page("docs/language.rst") if block.name and block.language == "xml"]

    def has_example(tag: str) -> bool:
        start, end = chapters[tag]
        return any(start < block.line < end and f"<{tag}" in block.text for block in named)

    assert [tag for tag in sorted(ACTIVITIES) if not has_example(tag)] == []


def test_every_attribute_and_type_of_the_grammar_is_named_on_the_language_page() -> None:
    """Whoever adds one says what it means."""
    from bureaucrat.definition.grammar import ELEMENTS, tag_of

    text = (ROOT / "docs" / "language.rst").read_text(encoding="utf-8")
    known = {name for element in ELEMENTS.values() for name in element.attributes} - {"parent", "label", "choices"}
    tags = {tag_of(type) for type in ELEMENTS}

    assert [name for name in sorted(known) if not re.search(rf"\b{name}\b", text)] == []
    assert [tag for tag in sorted(tags) if not re.search(rf"\b{tag}\b", text)] == []


def test_the_functions_of_expressions_are_those_of_the_language_page() -> None:
    """No more and no fewer."""
    from bureaucrat.core.expressions.functions import FUNCTIONS, METHODS

    text = " ".join((ROOT / "docs" / "language.rst").read_text(encoding="utf-8").split())

    assert f"the functions ``{' '.join(FUNCTIONS)}``" in text
    assert all(re.search(rf"\b{name}\b", text) for name in METHODS)


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Each command of a page's consoles, with the lines that it prints."""
    found: list[tuple[str, list[str]]] = []
    for block in of_page(page):
        if block.language == "console":
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    found.append((line[2:], []))
                else:
                    found[-1][1].append(line)
    return found


def steady(lines: list[str]) -> list[str]:
    """Lines without what differs from run to run."""
    text = "\n".join(line.rstrip() for line in lines if line.strip())
    for pattern, word in _VOLATILE:
        text = re.sub(pattern, word, text)
    return text.splitlines()


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_the_commands_of_a_page_print_what_stands_there(page: str, folder: Path) -> None:
    """In order, in one folder; ``# exit code 1`` below a command's lines is its exit code, else it is 0."""
    write_files(page, folder)
    told = commands(page)
    assert len(told) > 3

    for command, expected in told:
        command, _, elsewhere = command.partition(" 2> ")
        program, *arguments = shlex.split(command)
        if program == "touch":
            (folder / arguments[0]).touch()
            continue
        ended = _run(folder, program, arguments)
        printed = ended.stdout if elsewhere else ended.stdout + ended.stderr
        code = [line.removeprefix("# exit code ") for line in expected if line.startswith("# exit code ")] or ["0"]
        assert steady(printed.splitlines()) == steady([line for line in expected if not line.startswith("# ")])
        assert [str(ended.returncode)] == code, command


def _run(folder: Path, program: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    assert program in ("bureaucrat", "python")
    start = "import sys; sys.argv[0] = 'bureaucrat'; from bureaucrat.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, *(["-c", start] if program == "bureaucrat" else []), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
