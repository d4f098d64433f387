"""Words: docs/glossary.rst says what each means, and which are not used in code, texts and documentation.

Rules: identifiers, comments, docstrings and messages are taken apart into words, ``FlowExpression`` and
``flow_expression`` alike; what a word may be used for all the same stands in ALLOWED or ALLOWED_IN, with its reason.
"""

from __future__ import annotations

import ast
import fnmatch
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossary.rst"
NOT_USED = "Words that are not used"

#: Texts that are taken out before words are looked for, each with the reason why it may stand anywhere.
ALLOWED = {
    r"\bCelery(?:'s)? (?:\w+ )?tasks?\b": "Celery calls them so",
    r"\bcelery: ?[\w.]+": "how a definition names a Celery task",
    r"\b\w+\.tasks\b": "a module of Celery tasks, as they are called everywhere",
    r"\btask_[a-z_]+\b|\bworkitem_task\b": "a setting or signal of Celery, and our decorator of a task",
    r"\basyncio tasks?\b|\basyncio\.Task\b|\bTaskGroups?\b|\bcreate_task\b|\b(?:all|current)_tasks?\b": "asyncio's own",
    r"\btask_done\b": "a method of Python's queues",
    r"\btaskqueue(?:_type)?\b|\btask queues?\b": "the kind of participant, and the setting's old name",
    r"\bCancelledError\b|\bcancelled\(\)|\bcancelling\(\)": "Python's own spelling",
    r"^\s*import subprocess\b|\bsubprocess\.\w+": "Python's module",
    r"\bcorrelation_id\b": "a property of AMQP's messages",
    r"\bGitHub Actions workflow\b": "its name there",
}

#: (files, words, reason)
ALLOWED_IN = (
    ("bureaucrat/core/activities/fault.py", {"terminate"}, "the default code of <fault> in existing definitions"),
    ("bureaucrat/core/expressions/*", {"node"}, "Python's ast calls the parts of an expression nodes"),
    ("docs/decisions/0005-own-expressions.rst", {"node"}, "as above"),
    ("bureaucrat/definition/*", {"node"}, "lxml calls the parts of a document nodes, comments among them"),
    (
        "bureaucrat/streams/*",
        {"task", "cancelled", "correlation"},
        "asyncio's tasks; names of the guide, and on its wire",
    ),
    ("docs/howto/streams.rst", {"task"}, "the guide's word"),
    ("bureaucrat/services/*", {"workflow"}, "the JSON documents of registered services are called workflows"),
    ("bureaucrat/services/door.py", {"payload"}, "a message that existing clients compare"),
    ("examples/services/*", {"payload"}, "as above"),
    ("bureaucrat/commands/web.py", {"workflow"}, "the JSON documents of registered services are called workflows"),
    ("bureaucrat/cli.py", {"workflow"}, "as above"),
    ("docs/howto/services.rst", {"workflow"}, "as above"),
    ("docs/decisions/0040-http-door.rst", {"workflow"}, "as above"),
    ("examples/services/*", {"workflow"}, "as above"),
    ("bureaucrat/amqp/*", {"task"}, "asyncio's tasks"),
    ("bureaucrat/amqp/connection.py", {"workflow", "abort", "aborted"}, "pika's names"),
    ("bureaucrat/transports/amqp.py", {"payload", "terminate"}, "names on the wire that existing clients use"),
    ("bureaucrat/wire/*", {"payload", "terminate"}, "as above"),
    ("bureaucrat/message.py", {"payload"}, "as above"),
    ("bureaucrat/engine/intake.py", {"terminate"}, "as above"),
    ("bureaucrat/launcher/launcher.py", {"terminate"}, "as above"),
    ("bureaucrat/engine/*", {"task"}, "asyncio's tasks"),
    ("bureaucrat/embedded.py", {"task"}, "asyncio's tasks"),
    ("bureaucrat/transports/*", {"task"}, "asyncio's tasks"),
    ("bureaucrat/daemon/*", {"task"}, "asyncio's tasks"),
    ("bureaucrat/participants/*", {"task"}, "asyncio's tasks"),
    ("README.rst", {"payload", "terminate"}, "as above"),
    ("docs/wire.rst", {"payload", "terminate"}, "as above"),
    ("docs/glossary.rst", {"terminate"}, "the entry of cancel names it"),
    ("docs/howto/celery.rst", {"task"}, "Celery's word"),
    ("docs/howto/from-canvas.rst", {"task"}, "Celery's word"),
    ("docs/howto/once.rst", {"task"}, "Celery's word"),
    ("docs/decisions/0023-celery.rst", {"task"}, "Celery's word"),
    ("bureaucrat/celery/*", {"task", "terminate", "terminated", "cancelled"}, "Celery's words"),
    ("bureaucrat/in_process.py", {"task"}, "Celery's word"),
    ("bureaucrat/agents/*", {"task"}, "names of the original's API, and asyncio's tasks"),
    ("bureaucrat/agents/supervisor.py", {"subprocess"}, "asyncio's function"),
    ("bureaucrat/agents/tools/rabbit.py", {"cancelled"}, "Python's own spelling"),
    ("bureaucrat/storage/postgresql_sessions.py", {"terminate"}, "asyncpg's word"),
    ("bureaucrat/participants/celery.py", {"task", "terminate"}, "Celery's words"),
    ("bureaucrat/participants/taskqueue.py", {"task"}, "Celery's word"),
)

BAD_CLASS_ENDINGS = ("Manager", "Base", "Impl", "Helper", "Util", "Utils")
NAMED_BY_OTHERS = frozenset({"AgentsManager"})  #: a name of the API that agents are written for
BAD_MODULES = frozenset({"util", "utils", "helper", "helpers", "common", "misc"})

#: Public names that are verbs or Python's own, and need no entry.
NO_NOUNS = frozenset({"read"})

#: Tables whose rows are no word of their own.
_ROW = re.compile(r"^(\w+)Row$")
#: the words in a name or text, and the marks that no phrase reaches across
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[][(){}.,:;=/|]")


@dataclass(frozen=True)
class Text:
    """One piece of a file: an identifier, a string, a comment, a line of documentation."""

    file: str
    line: int
    text: str


def glossary_terms() -> dict[str, list[str]]:
    """The terms under each heading of the glossary, in order."""
    sections: dict[str, list[str]] = {}
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    heading = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch(r"[=-]{3,}", following) and line:
            heading = line
            sections[heading] = []
        elif re.match(r"\w", line) and re.match(r"    \S", following):
            sections[heading] += line.split(", ")
    return sections


def defined() -> list[str]:
    return [term for heading, terms in glossary_terms().items() if heading != NOT_USED for term in terms]


def banned() -> list[str]:
    return glossary_terms()[NOT_USED]


def words(text: str) -> list[str]:
    return [part.lower() for part in _PARTS.findall(text)]


@cache
def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf" {re.escape(word)}(?:e?s)? ")


def without_what_is_allowed(text: str) -> str:
    for pattern in ALLOWED:
        text = re.sub(pattern, " ", text, flags=re.MULTILINE)
    return text


def bad_words(text: str, bad: list[str]) -> list[str]:
    found = f" {' '.join(words(without_what_is_allowed(text)))} "
    return [word for word in bad if _pattern(word).search(found)]


def is_allowed_in(file: str, word: str) -> bool:
    return any(fnmatch.fnmatch(file, files) and word in allowed for files, allowed, _ in ALLOWED_IN)


def code_texts() -> Iterator[Text]:
    """Python's tokens: strings, comments, and names, those with dots between them (``subprocess.run``) in one."""
    wanted = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.COMMENT)}
    for path in sorted([*(ROOT / "bureaucrat").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]):
        file = path.relative_to(ROOT).as_posix()
        name, before = Text(file, 0, ""), ""
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
            if token.type in wanted:
                yield Text(file, token.start[0], token.string)
            elif token.type == tokenize.NAME and before in (".", "import"):
                name = Text(file, token.start[0], f"{name.text}{'.' if before == '.' else ' '}{token.string}")
            elif token.type == tokenize.NAME:
                yield name
                name = Text(file, token.start[0], token.string)
            before = token.string
        yield name


def paragraphs(path: Path) -> Iterator[Text]:
    """The documentation, a paragraph at a time, so that a phrase is found across the end of a line."""
    file = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    if path == GLOSSARY:
        text = text[: text.index(f"\n{NOT_USED}\n")]
    line = 1
    for paragraph in text.split("\n\n"):
        yield Text(file, line, " ".join(paragraph.split()))
        line += paragraph.count("\n") + 2


def documentation_texts() -> Iterator[Text]:
    for path in sorted([*ROOT.glob("*.rst"), *(ROOT / "docs").rglob("*.rst")]):
        yield from paragraphs(path)


def definition_texts() -> Iterator[Text]:
    for path in sorted((ROOT / "processes").rglob("*.xml")):
        file = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield Text(file, number, line)


def sql_texts() -> Iterator[Text]:
    for path in sorted((ROOT / "bureaucrat").rglob("*.sql")):
        file = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield Text(file, number, line)


def source_trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "bureaucrat").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("texts", [code_texts, documentation_texts, definition_texts, sql_texts])
def test_words_that_are_not_used_do_not_occur(texts: type[Iterator[Text]]) -> None:
    """Each finding names the glossary's entry, which says what to write instead."""
    bad = banned()

    found = [
        f"{text.file}:{text.line}: {word}"
        for text in texts()
        for word in bad_words(text.text, bad)
        if not is_allowed_in(text.file, word)
    ]

    assert not found, "docs/glossary.rst says what to write instead:\n  " + "\n  ".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FlowExpression", ["flow expression"]),
        ("flow_expressions = 1", ["flow expression"]),
        ("the jobs of a node", ["job", "node"]),
        ("jobber, nodes_of", ["node"]),
        ("a Celery task in a TaskGroup", []),
        ("asyncio.create_task(task)", ["task"]),
        ("import subprocess", []),
        ("a subprocess of it", ["subprocess"]),
        ("except CancelledError", []),
        ("it was cancelled", ["cancelled"]),
        ("a sub-process; a process, instance by instance", ["sub process"]),
    ],
)
def test_words_are_found_in_names_and_in_prose(text: str, expected: list[str]) -> None:
    """The search itself: parts of names, plurals, and what is allowed."""
    assert sorted(bad_words(text, banned())) == sorted(expected)


def test_every_word_is_defined_once() -> None:
    """Two entries for one word would be two meanings, and a word that is defined is not one to avoid."""
    terms = [*defined(), *banned()]

    assert len(terms) > 100, "the glossary could not be read"
    assert sorted(terms) == sorted(set(terms))


def test_every_public_name_has_its_word_in_the_glossary() -> None:
    """What ``import bureaucrat`` offers (docs/api.rst) is called by words that are explained."""
    names = re.findall(r"^- ``(\w+)``", (ROOT / "docs" / "api.rst").read_text(encoding="utf-8"), re.MULTILINE)

    nouns = {words(name)[-1] for name in names if not name.startswith("__")} - NO_NOUNS

    assert nouns, "docs/api.rst lists no names"
    assert nouns - set(defined()) == set()


def test_every_state_has_its_word_in_the_glossary() -> None:
    """The states of activations and instances are shown to people."""
    from bureaucrat.core.states import State, Status

    assert {state.value for state in [*State, *Status]} - set(defined()) == set()


def test_every_activity_has_its_word_in_the_glossary() -> None:
    """The tags that authors write."""
    from bureaucrat.core.activities import ACTIVITIES

    assert set(ACTIVITIES) - set(defined()) == set()


def test_every_stored_row_has_its_word_in_the_glossary() -> None:
    """``WaitRow`` is a row of waits; ``DeadRow`` of dead letters."""
    tree = ast.parse((ROOT / "bureaucrat" / "ports" / "rows.py").read_text(encoding="utf-8"))
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]

    rows = {match[1].lower() for name in classes if (match := _ROW.match(name))}

    assert rows, "bureaucrat/ports/rows.py has no rows"
    assert rows - {term.split()[0] for term in defined()} == set()


def test_no_class_is_named_by_what_it_is_in_the_program() -> None:
    """A class is named by what it stands for, not Manager, Base, Impl or Helper."""
    found = [
        f"{file}:{node.lineno}: {node.name}"
        for file, tree in source_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(BAD_CLASS_ENDINGS) and node.name not in NAMED_BY_OTHERS
    ]

    assert found == []


def test_no_module_is_a_drawer() -> None:
    """What lies in utils has no place; give it one."""
    found = [file for file, _ in source_trees() if BAD_MODULES & {Path(file).stem, Path(file).parent.name}]

    assert found == []
