"""``make mutants``: does every change that mutmut makes to the core and the definition fail a test or the type check?

Those that do not, the survivors, are listed in ``survivors.txt`` with the reason why none has to. This script runs
mutmut on a copy of the checkout and compares. A survivor that is not listed, or a listed one that is killed by now, is
told, and the exit code is 1.

A survivor is known by its module, its function and the lines that it changes, so that the list holds when something
else in the file is edited. The list is text::

    == the reason, which holds for all that follow

    bureaucrat.core.states move
    - if new not in TRANSITIONS[old]:
    + if new not in TRANSITIONS[None]:

Usage: ``check.py [--keep FOLDER] [--write] [PART…]``. A part is ``core``, ``expressions`` or ``definition``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("survivors.txt")
UNEXPLAINED = "not explained yet"
NEEDED = ("bureaucrat", "tests", "setup.cfg", "processes", "examples")
KILLED = {1, 3}
TYPED = 37
TIMEOUTS = {36, 24, -24, 152, 255, -9}
CRASHED = {-11}


@dataclass(frozen=True)
class Part:
    """What is mutated together, and the tests that are fast and sharp for it."""

    mutated: tuple[str, ...]
    spared: tuple[str, ...]
    tests: tuple[str, ...]


PARTS = {
    "core": Part(
        ("bureaucrat/core/*",),
        ("bureaucrat/core/expressions/*",),
        (
            "tests/mutants/whole_files.py",
            "tests/corpus/test_defects.py",
            "tests/core/test_[bcd]*.py",
            "tests/core/test_effects.py",
            "tests/engine",
        ),
    ),
    "expressions": Part(
        ("bureaucrat/core/expressions/*",),
        (),
        ("tests/core/test_expressions.py", "tests/core/test_expressions_[bcr]*.py"),
    ),
    "definition": Part(
        ("bureaucrat/definition/*",),
        (),
        ("tests/definition/test_[bp]*.py", "tests/definition/test_definition_[bet]*.py"),
    ),
}
#: What takes seconds, measures them (mutmut's switch in every function makes a step several times slower) or tries
#: something else each time.
SPARED = (
    "tests/core/test_durations.py::test_any_text_is_read_or_refused_and_nothing_else_happens",
    "tests/core/test_cost.py",
    "tests/core/test_durations.py::test_what_the_advice_proposes_is_a_duration_and_always_the_same",
    "tests/engine/test_engine.py::test_an_attempt_that_was_under_way_is_dispatched_again_after_a_restart",
    "tests/core/test_expressions_bounds.py::test_no_expression_takes_long",
    "tests/core/test_expressions_bounds.py::test_no_expression_takes_much_memory",
    "tests/core/test_expressions_bounds.py::test_two_processes_with_other_hashes_give_equal_results",
    "tests/definition/test_definition_bad_inputs.py::test_hostile_text_is_refused_in_linear_time",
)


class Survivor(NamedTuple):
    """A mutant that nothing has killed."""

    module: str
    function: str
    change: tuple[str, ...]  #: the lines that go (``- …``) and those that come (``+ …``)

    def __str__(self) -> str:
        return "\n".join([f"{self.module} {self.function}", *self.change, ""])


# -- mutmut


def prepare(folder: Path, part: Part) -> None:
    """A copy of what mutmut and the tests need, and mutmut's settings for the part."""
    for name in NEEDED:
        source, copy = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy)
    tests = [str(path.relative_to(ROOT)) for pattern in part.tests for path in sorted(ROOT.glob(pattern))]
    settings: dict[str, object] = {
        "source_paths": ["bureaucrat"],
        "only_mutate": list(part.mutated),
        "do_not_mutate": list(part.spared),
        "also_copy": ["processes", "examples"],
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider", *(f"--deselect={test}" for test in SPARED)],
        "type_check_command": [sys.executable, "tests/mutants/typed.py", "mypy"],
        "timeout_multiplier": 5.0,
        "timeout_constant": 1.0,
        "use_setproctitle": False,
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "pyproject.toml").write_text("\n".join(["[tool.mutmut]", *lines, ""]), encoding="utf-8")


def run(folder: Path, workers: int) -> None:
    """Let mutmut try all mutants that it has not tried yet."""
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(workers)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}  # the same every time
    with (folder / "mutmut.log").open("w", encoding="utf-8") as log:
        done = subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=False)
    if done.returncode:
        text = (folder / "mutmut.log").read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"mutmut failed with exit code {done.returncode}; its last words:\n{text[-3000:]}")


class Outcome(NamedTuple):
    """What became of the mutants of a part."""

    figures: Counter[str]
    survivors: Counter[Survivor]


def outcome(folder: Path) -> Outcome:
    """Read mutmut's results."""
    figures: Counter[str] = Counter()
    survivors: Counter[Survivor] = Counter()
    for path in sorted((folder / "mutants").rglob("*.meta")):
        file = path.with_suffix("")
        for key, code in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            status = _status(code)
            figures[status] += 1
            if status == "survived":
                survivors[_survivor(file, key)] += 1
    return Outcome(figures, survivors)


def _status(code: int | None) -> str:
    if code in KILLED:
        return "killed by tests"
    if code == TYPED:
        return "refused by the type check"
    if code in TIMEOUTS:
        return "killed by the time"
    if code in CRASHED:
        return "killed by a crash"
    return "not tried" if code in (None, 2) else "survived"  # no test reaches it, too


def _survivor(file: Path, key: str) -> Survivor:
    module, _, name = key.rpartition(".")
    plain = name.partition("__mutmut_")[0]
    function = plain.removeprefix("xǁ").replace("ǁ", ".") if plain.startswith("xǁ") else plain.removeprefix("x_")
    bare = function.rpartition(".")[2]
    before, after = (_source(file, one, bare) for one in (f"{plain}__mutmut_orig", name))
    lines = (line[:2] + line[2:].strip() for line in ndiff(before, after) if line[:2] in ("- ", "+ "))
    return Survivor(module, function, tuple(lines))


def _source(file: Path, name: str, bare: str) -> list[str]:
    first, last = json.loads(Path(f"{file}.spans").read_text(encoding="utf-8"))["spans"][name]
    return file.read_text(encoding="utf-8").replace(f"def {name}(", f"def {bare}(").split("\n")[first - 1 : last]


# -- the list


def read_list(text: str) -> dict[str, list[Survivor]]:
    """The listed survivors by their reason."""
    reasons: dict[str, list[Survivor]] = {}
    found: list[Survivor] = []
    for block in text.split("\n\n"):
        first, *rest = block.strip("\n").split("\n")
        if first.startswith("== "):
            found = reasons.setdefault(" ".join([first.removeprefix("== "), *rest]), [])
        elif first and not first.startswith("#"):
            module, _, function = first.partition(" ")
            found.append(Survivor(module, function, tuple(rest)))
    return reasons


def write_list(reasons: dict[str, list[Survivor]]) -> str:
    """The text of the list."""
    blocks = [HEAD]
    for reason, survivors in reasons.items():
        blocks += [f"== {reason}\n", *map(str, sorted(survivors))]
    return "\n".join(blocks)


HEAD = """\
# The mutants of the core and the definition that survive, each under the reason why no test has to kill it.
# Compared with what mutmut finds by "make mutants"; see check.py here for the format.
"""


def updated(
    reasons: dict[str, list[Survivor]], found: Counter[Survivor], modules: set[str]
) -> dict[str, list[Survivor]]:
    """The list without what is killed by now, and with what is new under no reason."""
    left = Counter(found)
    new: dict[str, list[Survivor]] = {}
    for reason, survivors in reasons.items():
        for one in survivors:
            if one.module not in modules:
                new.setdefault(reason, []).append(one)
            elif left[one]:
                left[one] -= 1
                new.setdefault(reason, []).append(one)
    new.setdefault(UNEXPLAINED, []).extend(left.elements())
    return {reason: survivors for reason, survivors in new.items() if survivors}


def modules_of(part: Part) -> set[str]:
    """The modules that belong to a part."""
    spared = {path for pattern in part.spared for path in ROOT.glob(pattern.replace("*", "**/*.py"))}
    files = {path for pattern in part.mutated for path in ROOT.glob(pattern.replace("*", "**/*.py"))} - spared
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files}


# -- the command


def check(name: str, part: Part, options: argparse.Namespace) -> bool:
    """Run one part and tell what differs from the list; whether nothing does."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = (options.keep or Path(temporary)) / name
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder, part)
        run(folder, options.workers)
        figures, found = outcome(folder)
    reasons = read_list(LIST.read_text(encoding="utf-8"))
    modules = modules_of(part)
    listed = Counter(one for survivors in reasons.values() for one in survivors if one.module in modules)
    if options.write:
        LIST.write_text(write_list(updated(reasons, found, modules)), encoding="utf-8")
    new, gone = found - listed, listed - found
    print(f"{name}: {figures.total()} mutants; " + ", ".join(f"{n} {what}" for what, n in sorted(figures.items())))
    for title, survivors in (("survives and is not listed", new), ("is listed and does not survive", gone)):
        for one in survivors.elements():
            print(f"\n{title}: {one}", end="")
    unexplained = sum(one.module in modules for one in reasons.get(UNEXPLAINED, []))
    if unexplained:
        print(f"{unexplained} listed without a reason")
    return not (new or gone or unexplained or figures["not tried"])


def main() -> int:
    """Run the parts that are asked for, all if none is."""
    parser = argparse.ArgumentParser(description="run mutmut and compare what survives with the list")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--keep", type=Path, help="work in this folder, and go on with what was tried there before")
    parser.add_argument("--write", action="store_true", help="bring the list up to date; what is new has no reason yet")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    names = options.parts or list(PARTS)
    told = [check(name, PARTS[name], options) for name in names]
    return 0 if all(told) else 1


if __name__ == "__main__":
    sys.exit(main())
