"""``docs/rules.rst`` says of each rule of the language where it is told and where it is tested; all of it is collected.

A rule is tested by the rows of ``tests/corpus`` that name it, and by the tests whose name or docstring, or whose file's
docstring, has its number. It is told in the chapter of a page that has its number in brackets. A rule without a test
must stand in the chapter of what this version has not. After a change: ``python tests/test_rules.py`` writes the page
anew.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from textwrap import fill

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "rules.rst"
NOT_YET = "Not in this version"

#: The rules, by the sections of the language: what each is about.
RULES = {
    "Activities in general": {
        "L1": "addresses, and ids of instances",
        "L2": "durations",
        "L3": "literals, or expressions after =",
        "L4": "timeouts",
        "L5": "timers never fire early",
        "L6": "handlers directly in any activity",
        "L7": "reminders",
    },
    "Context": {
        "L10": "which scope is read, and which is written",
        "L11": "types of properties; values are JSON",
        "L12": "when a scope is initialised",
        "L13": "reserved names",
        "L14": "an answer is compared with what was sent",
        "L15": "fields of the start, and required properties",
    },
    "Expressions": {
        "L20": "names",
        "L21": "what is allowed",
        "L22": "bounds, and what passing one throws",
        "L23": "expressions give the same everywhere",
        "L24": "conditions",
    },
    "Activities": {
        "L30": "tokens and keys",
        "L31": "what an answer's status means",
        "L32": "exceptions of Python participants",
        "L33": "used-up retries",
        "L34": "late answers",
        "L35": "actions without a timeout, and stalled ones",
        "L40": "what a foreach goes through",
        "L41": "items side by side, and their handlers",
        "L42": "what is collected",
        "L43": "what the actions of parallel items are sent",
        "L50": "calls",
        "L60": "events that fail the conditions",
        "L61": "keys of events",
        "L62": "which events count",
        "L63": "an event is offered once",
        "L70": "loops that never wait",
    },
    "Starting": {
        "L80": "starts by schedule",
        "L81": "starts by event",
        "L82": "versions",
        "L83": "business keys, and unique ones",
    },
    "Faults": {
        "L90": "which handler runs, and what ends",
        "L91": "a fault that nobody handles",
        "L92": "faults in handlers",
        "L93": "the engine's own codes",
    },
    "Compensation": {
        "L100": "what is remembered",
        "L101": "what is run, and in which order",
    },
    "From outside": {
        "L110": "cancel, suspend and resume",
        "L111": "retry, skip, set and move",
        "L112": "migrate",
        "L113": "commands on many instances",
    },
    "Limits and refusals": {
        "L120": "how large what may be, and what is refused",
        "L121": "every problem in one answer, and warnings",
        "L122": "the XSD",
    },
}
KNOWN = {rule: about for section in RULES.values() for rule, about in section.items()}

HEAD = """\
Where each rule is tested
=========================

The rules of the process definition language, and for each the chapter that tells users of it, the files of
``tests/corpus`` whose rows name it, and the other tests that do. This page is written by ``tests/test_rules.py``, which
also fails when it is not what the tests and pages say, or when a rule has no test and is not among what this version
has not.
"""

_RANGE = re.compile("L(\\d+)\u2013L(\\d+)")
_RULE = re.compile(r"\bL\d+\b")
_HEADING = re.compile(r"^(\S.*)\n[~-]{3,}$", re.MULTILINE)


def numbers_in(text: str) -> set[str]:
    """The rules that a text names; ``L110–L113`` names all between, too."""
    found = set(_RULE.findall(text))
    for first, last in _RANGE.findall(text):
        found |= {rule for rule in KNOWN if int(first) <= int(rule[1:]) <= int(last)}
    return found


@cache
def rows() -> dict[str, set[str]]:
    """The files of the corpus with rows of each rule."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "tests" / "corpus").glob("*.xml"):
        for names in re.findall(r'<row\s[^>]*?\brules="([^"]*)"', path.read_text(encoding="utf-8")):
            for rule in _RULE.findall(names):
                found[rule].add(path.name)
    return found


@cache
def other_tests() -> dict[str, set[str]]:
    """The files with tests of each rule, and those that are about it as a whole."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path != Path(__file__):
            for text in _told(ast.parse(path.read_text(encoding="utf-8"))):
                for rule in numbers_in(text):
                    found[rule].add(path.relative_to(ROOT).as_posix())
    return found


def _told(tree: ast.Module) -> Iterator[str]:
    yield ast.get_docstring(tree) or ""
    for part in ast.walk(tree):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name.startswith("test_"):
            yield f"{part.name} {ast.get_docstring(part) or ''}"


@cache
def chapters() -> dict[str, list[tuple[str, str]]]:
    """Page and heading of each chapter that tells of a rule, in the order of the pages."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted((ROOT / "docs").glob("*.rst"), key=lambda one: (one.name != "language.rst", one.name)):
        if path == PAGE:
            continue
        text = path.read_text(encoding="utf-8")
        headings = list(_HEADING.finditer(text))
        ends = [*(heading.start() for heading in headings[1:]), len(text)]
        for heading, end in zip(headings, ends, strict=False):
            body = text[heading.end() : end]
            for rule in numbers_in(" ".join(re.findall(r"\[[^]]*\bL\d[^]]*\]", body))):
                found[rule].append((path.name, heading[1]))
    return found


def not_yet() -> set[str]:
    """The rules that this version has not, or not wholly."""
    return {rule for rule, places in chapters().items() if ("language.rst", NOT_YET) in places}


def page() -> str:
    """The text of ``docs/rules.rst``."""
    parts = [HEAD]
    for section, rules in RULES.items():
        parts.append(f"\n{section}\n{'-' * len(section)}\n")
        parts += [f"{rule}: {about}\n{_body(rule)}" for rule, about in rules.items()]
    return "\n".join(parts)


def _body(rule: str) -> str:
    told: dict[str, list[str]] = defaultdict(list)
    for file, heading in chapters().get(rule, []):
        told[file].append(heading.replace("``", ""))
    lines = [f"`{Path(file).stem} <{file}>`_: {', '.join(names)}." for file, names in told.items()]
    if rule in rows():
        lines.append(f"Corpus: {', '.join(sorted(rows()[rule]))}.")
    if rule in other_tests():
        lines.append(f"Tests: {', '.join(f'``{file}``' for file in sorted(other_tests()[rule]))}.")
    if rule not in rows() and rule not in other_tests():
        lines.append("No tests.")
    return "".join(f"{_wrapped(line)}\n" for line in lines)


def _wrapped(line: str) -> str:
    return fill(
        line, 118, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )


def test_the_page_of_rules_is_what_tests_and_chapters_say() -> None:
    """Else: ``python tests/test_rules.py``."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("rule", KNOWN)
def test_a_rule_is_told_and_tested_or_not_in_this_version(rule: str) -> None:
    """A chapter for users has its number; a row of the corpus or a test names it."""
    assert chapters()[rule]
    assert rule in rows() or rule in other_tests() or rule in not_yet()


def test_only_rules_that_there_are_are_named() -> None:
    """In the corpus, in tests, on pages and in the code."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "bureaucrat").rglob("*.py")]

    named: Iterable[str] = {
        *rows(),
        *other_tests(),
        *chapters(),
        *(rule for text in sources for rule in _RULE.findall(text)),
    }

    assert set(named) - set(KNOWN) == set()


def test_most_rules_are_rows_of_the_corpus() -> None:
    """Which is the law; the others are about what no story can show."""
    assert set(KNOWN) - set(rows()) - not_yet() == {"L32", "L113", "L121", "L122"}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} is written\n")
