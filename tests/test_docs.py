"""The documentation is true as far as a program can tell: its links, its definitions, its Python, its first example."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.rst"), *(ROOT / "docs").rglob("*.rst")])

_DIRECTIVE = re.compile(
    r"^(?P<indent> *)\.\. code-block:: (?P<language>\w+)\n(?P<options>(?: +:\w+:.*\n)*)\n", re.MULTILINE
)
_LINK = re.compile(r"`[^`<]*<([^>`]+)>`__?")
#: a path in double backquotes that begins with a folder of ours
_PATH = re.compile(r"``((?:bureaucrat|core|docs|examples|processes|tests|\.ci)/[\w./-]*\w/?)``")
_HEADING = re.compile(r"^(.+)\n([=~-])\2+$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One ``code-block`` of a page."""

    page: str
    line: int
    language: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def blocks() -> list[Block]:
    return [block for page in PAGES for block in _blocks_of(page)]


def _blocks_of(page: Path) -> list[Block]:
    source = page.read_text(encoding="utf-8")
    found = []
    for match in _DIRECTIVE.finditer(source):
        name = re.search(r":name: *(\S+)", match["options"])
        body = _indented(source[match.end() :], len(match["indent"]))
        line = source.count("\n", 0, match.end()) + 1
        file = page.relative_to(ROOT).as_posix()
        found.append(Block(file, line, match["language"], name[1] if name else "", body))
    return found


def _indented(text: str, outer: int) -> str:
    """The lines of a block: as long as they are indented more than its directive."""
    kept: list[str] = []
    for line in text.splitlines():
        if line.strip() and len(line) - len(line.lstrip()) <= outer:
            break
        kept.append(line)
    inner = min(len(line) - len(line.lstrip()) for line in kept if line.strip())
    return "\n".join(line[inner:] for line in kept).strip() + "\n"


def of(language: str) -> list[Block]:
    return [block for block in blocks() if block.language == language]


def definitions() -> list[Block]:
    """Blocks that show a whole process; others show a part of one."""
    return [block for block in of("xml") if block.text.startswith(("<process", "<?xml"))]


def test_there_is_something_to_test() -> None:
    """A search that finds nothing would pass everything."""
    assert definitions()
    assert of("python")
    assert len(PAGES) > 10


@pytest.mark.parametrize("block", definitions(), ids=str)
def test_every_process_in_the_documentation_is_valid(block: Block) -> None:
    """It is read without a problem, by what ``bureaucrat lint`` uses."""
    from bureaucrat.definition.reader import read

    definition = read(block.text)

    assert definition.name in block.text


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_every_piece_of_python_in_the_documentation_compiles(block: Block) -> None:
    """It is Python, at least."""
    ast.parse(block.text, str(block))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """To a file that is there, relative to the page; links to other sites are not followed."""
    links = _LINK.findall(page.read_text(encoding="utf-8"))

    missing = [link for link in links if "://" not in link and not (page.parent / link.partition("#")[0]).exists()]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """``core/…`` is short for ``bureaucrat/core/…``."""
    named = _PATH.findall(page.read_text(encoding="utf-8"))

    missing = [path for path in named if not (ROOT / path).exists() and not (ROOT / "bureaucrat" / path).exists()]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_heading_that_a_page_refers_to_exists(page: Path) -> None:
    """```Where it is going`_`` is a heading of the same page."""
    source = re.sub(r"``.*?``", "", page.read_text(encoding="utf-8"))
    headings = {match[1] for match in _HEADING.finditer(source)}

    missing = [name for name in re.findall(r"`([^`<>]+)`_(?!_)", source) if name not in headings]

    assert missing == []


def test_every_page_can_be_reached_from_the_index() -> None:
    """Nothing is written that nobody finds."""
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "index.rst"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".rst" or not page.exists():
            continue
        reached.add(page)
        links = _LINK.findall(page.read_text(encoding="utf-8"))
        waiting += [page.parent / link for link in links if "://" not in link]

    assert {page.resolve() for page in PAGES} - reached == set()


def test_the_first_example_of_the_readme_runs(tmp_path: Path) -> None:
    """Its files, its commands, in a folder of their own."""
    readme = [block for block in blocks() if block.page == "README.rst"]
    for block in readme:
        if block.name:
            (tmp_path / block.name).write_text(block.text, encoding="utf-8")
    commands = [
        shlex.split(line)[1:]
        for block in readme
        if block.language == "sh"
        for line in block.text.splitlines()
        if line.startswith("bureaucrat ")
    ]
    assert [command[0] for command in commands] == ["lint", "run"]

    for command in commands:
        program = "import sys; from bureaucrat.cli import main; sys.exit(main())"
        arguments = [sys.executable, "-c", program, *command]
        ended = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr or ended.stdout


@pytest.mark.parametrize("target", ["run", "test", "check", "bench", "dev", "clean", "help"])
def test_the_makefile_has_what_the_documentation_names(target: str) -> None:
    """Each is a target, and ``make help`` explains it."""
    make = shutil.which("make")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert target == "help" or f"make {target}" in makefile
    if make:
        subprocess.run([make, "-n", "help"], cwd=ROOT, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("is_ci", [True, False])
def test_a_skipped_test_fails_the_session_in_continuous_integration(tmp_path: Path, is_ci: bool) -> None:
    """So says CONTRIBUTING.rst; the reason is shown, and what comes after it still runs."""
    (tmp_path / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    (tmp_path / "test_one.py").write_text("import pytest\npytest.skip('no broker', allow_module_level=True)\n")
    (tmp_path / "test_two.py").write_text(
        "import pytest\n"
        "@pytest.mark.skip(reason='no database')\ndef test_marked(): pass\n"
        "def test_inside(): pytest.skip('no browser')\n"
        "def test_good(): pass\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    environment |= {"CI": "true"} if is_ci else {}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:cov", "--rootdir", str(tmp_path)]

    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    assert "1 passed" in ended.stdout
    if is_ci:
        assert ended.returncode == 1, ended.stdout
        assert all(f"set. Skipped: {reason}" in ended.stdout for reason in ("no broker", "no database", "no browser"))
        assert "1 failed, 1 passed, 2 errors" in ended.stdout, (
            "a mark fails in the set-up, a module when it is collected"
        )
    else:
        assert ended.returncode == 0, ended.stdout
