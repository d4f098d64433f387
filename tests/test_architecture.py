"""The rules of docs/architecture.rst and CONTRIBUTING.rst that a program can check, over the source of every module.

Rules: nothing here imports what it checks, except the one test that starts the command line in a process of its own;
imports inside functions and under TYPE_CHECKING count like any other.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bureaucrat"

#: Lowest first. A part imports from its own layer and from those before it.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "clock", "cron", "config"}),
    frozenset({"amqp"}),
    frozenset({"core"}),
    frozenset({"definition", "wire", "diagram"}),
    frozenset({"lint"}),
    frozenset({"ports", "functions", "in_process", "message", "once"}),
    frozenset({"engine"}),
    frozenset({"doctor"}),
    frozenset({"agents", "streams", "services", "celery", "launcher", "embedded", "stores", "testing", "postgresql"}),
    frozenset({"django"}),
    frozenset({"bureaucrat"}),  # the public API, bureaucrat/__init__.py
    frozenset({"commands"}),
    frozenset({"web", "cli", "daemon", "__main__"}),
)
#: One technology each; they know nothing but these parts, and not each other.
ADAPTERS = frozenset({"storage", "transports", "participants"})
ADAPTERS_IMPORT = frozenset({"ports", "functions", "core", "errors", "clock", "config", "wire", "amqp"})
#: Who may know that there is RabbitMQ.
KNOW_AMQP = frozenset({"amqp", "transports", "participants", "launcher", "celery", "agents", "daemon", "commands"})
#: Who chooses adapters: of the embedded default, the simulation, the service, a command; and the public API.
#: And who puts a worker together: ``bureaucrat worker``, and agents that serve participants.
COMPOSING_MODULES = frozenset({"bureaucrat.commands.serving", "bureaucrat.agents.tools.amqp"})
COMPOSITION_ROOTS = frozenset({"embedded", "stores", "testing", "daemon", "cli", "__main__", "bureaucrat"})

#: Where only one part may know a library, and where one may not.
_COMMAND_LINE = frozenset({"cli", "commands", "__main__"})
ONLY_IN = {
    "lxml": frozenset({"definition"}),
    "click": _COMMAND_LINE,
    "rich": _COMMAND_LINE,
    "prometheus_client": frozenset({"daemon"}),
    "daemon": frozenset({"daemon"}),  # python-daemon
    "pika": frozenset({"amqp", "launcher"}),
    "asyncpg": frozenset({"storage"}),
    "aiormq": frozenset({"agents"}),
    "redis": frozenset({"agents", "transports"}),
    "aiokafka": frozenset({"agents"}),
    "aio_pika": frozenset({"agents", "streams"}),
}

#: The core does no I/O, and knows no time, chance or thread but what it is given.
_NOT_IN_CORE = """
    asyncio concurrent contextvars ctypes fcntl http io locale logging mmap multiprocessing os pathlib queue random
    resource sched secrets select selectors shelve shutil signal smtplib socket socketserver sqlite3 ssl subprocess
    tempfile threading time urllib uuid zoneinfo
"""
NOT_IN_CORE = frozenset(_NOT_IN_CORE.split())
#: Built-ins that do I/O, or whose result differs from process to process.
NOT_CALLED_IN_CORE = frozenset({"open", "input", "breakpoint", "hash"})
TELLS_THE_TIME = frozenset({"now", "utcnow", "today"})

UNIX_ONLY = frozenset({"fcntl", "pwd", "grp", "termios", "resource", "daemon"})
MOST_LINES_OF_FILE = 400
MOST_LINES_OF_FUNCTION = 50
AIM_OF_FUNCTION = 25

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One import statement's one target."""

    target: str  #: dotted; of our own modules the module itself, never a name in it
    line: int


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path

    @property
    def part(self) -> str:
        """The layer's word for where it belongs: ``core``, ``cli``, …; ``bureaucrat`` for the public API."""
        return self.name.split(".")[1] if "." in self.name else self.name

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @cached_property
    def comments(self) -> dict[int, str]:
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(ROOT)}:{line}"


def _modules() -> dict[str, Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path)
    return found


MODULES = _modules()


def _anchor(module: Module, level: int) -> str | None:
    """The package that a relative import starts from; None if it lies outside of ours."""
    parts = module.name.split(".")
    kept = len(parts) - level + module.is_package
    return ".".join(parts[:kept]) if kept > 0 else None


def _targets(module: Module, node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = ".".join(filter(None, (_anchor(module, node.level) if node.level else None, node.module)))
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if inner in MODULES else base


def imports(module: Module) -> list[Import]:
    """Everything a module imports, wherever in it."""
    nodes = (node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return [Import(target, node.lineno) for node in nodes for target in dict.fromkeys(_targets(module, node))]


def own_imports(module: Module) -> Iterator[tuple[Module, int]]:
    """The modules of ours that a module imports."""
    for found in imports(module):
        if found.target in MODULES:
            yield MODULES[found.target], found.line


def rank(part: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


def may_import(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    if imported == "amqp" and importer not in KNOW_AMQP:
        return False
    if importer in ADAPTERS:
        return imported in ADAPTERS_IMPORT
    if imported in ADAPTERS:
        return importer in COMPOSITION_ROOTS
    return rank(imported) <= rank(importer)


def functions(module: Module) -> Iterator[tuple[_Function, int]]:
    """Every function with its length in lines, decorators not counted."""
    for node in ast.walk(module.tree):
        if isinstance(node, _Function):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a plain or dotted name."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ast.unparse(node.func), node


def assert_none(problems: list[str], rule: str) -> None:
    assert not problems, f"{rule}:\n  " + "\n  ".join(problems)


def test_every_module_belongs_to_a_layer() -> None:
    """A new part of the package has its place in LAYERS, or is an adapter."""
    known = frozenset().union(*LAYERS) | ADAPTERS

    strangers = sorted({module.part for module in MODULES.values()} - known)

    assert_none(strangers, "no layer is known for these parts of bureaucrat/; see LAYERS")


def test_imports_go_down_only() -> None:
    """No module imports from a layer above its own; adapters are imported by composition roots only."""
    known = frozenset().union(*LAYERS) | ADAPTERS

    problems = [
        f"{module.at(line)}: {module.part} imports {target.part} ({target.name})"
        for module in MODULES.values()
        for target, line in own_imports(module)
        if module.part in known
        and target.part in known
        and not may_import(module.part, target.part)
        and not (module.name in COMPOSING_MODULES and target.part in ADAPTERS)
    ]

    assert_none(problems, "imports go down only (docs/architecture.rst, Layers)")


def test_every_own_import_names_a_module_that_exists() -> None:
    """An import of ours is a module of ours, and no relative import leaves the package."""
    problems = []
    for module in MODULES.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.level and _anchor(module, node.level) is None:
                target = "." * node.level + (node.module or "")
                problems.append(f"{module.at(node.lineno)}: {target} is outside the package")
        for found in imports(module):
            if found.target.split(".")[0] == "bureaucrat" and found.target not in MODULES:
                problems.append(f"{module.at(found.line)}: there is no module {found.target}")

    assert_none(problems, "these imports cannot work")


def test_there_are_no_import_cycles() -> None:
    """No module reaches itself by imports, those for type checking and those inside functions included."""
    graph = {name: sorted({target.name for target, _ in own_imports(module)}) for name, module in MODULES.items()}

    cycles = [" -> ".join(cycle) for cycle in _cycles(graph)]

    assert_none(cycles, "these modules import each other")


def _cycles(graph: dict[str, list[str]]) -> Iterator[list[str]]:
    """One cycle for each way back that a search in depth meets."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        waiting = [(start, False)]
        while waiting:
            name, is_left = waiting.pop()
            if is_left:
                path.pop()
                done.add(name)
            elif name in path:
                yield [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                waiting.append((name, True))
                waiting += [(target, False) for target in graph[name]]


def test_the_core_imports_the_standard_library_and_itself_only() -> None:
    """And of the standard library nothing that does I/O, tells the time, draws a number or starts a thread."""
    problems = []
    for module in MODULES.values():
        if module.part != "core":
            continue
        for found in imports(module):
            top = found.target.split(".")[0]
            if found.target.startswith("bureaucrat.core"):
                continue
            if top not in sys.stdlib_module_names or top in NOT_IN_CORE:
                problems.append(f"{module.at(found.line)}: imports {found.target}")

    assert_none(problems, "the core is pure")


def test_the_core_does_no_io_and_reads_no_clock() -> None:
    """Files, the clock and the random hash of texts are reached by built-ins and methods, too."""
    problems = []
    for module in MODULES.values():
        if module.part != "core":
            continue
        for name, node in calls(module):
            owner, _, method = name.rpartition(".")
            is_clock = method in TELLS_THE_TIME and owner.split(".")[-1] in ("datetime", "date")
            if name in NOT_CALLED_IN_CORE or is_clock:
                problems.append(f"{module.at(node.lineno)}: calls {name}()")

    assert_none(problems, "the core is pure")


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_where_it_belongs_only(library: str) -> None:
    """Whoever replaces lxml, click or rich has one place to look at."""
    problems = [
        f"{module.at(found.line)}: imports {found.target}"
        for module in MODULES.values()
        for found in imports(module)
        if found.target.split(".")[0] == library and module.part not in ONLY_IN[library]
    ]

    assert_none(problems, f"{library} is for {', '.join(sorted(ONLY_IN[library]))} only")


def test_files_are_short() -> None:
    """A file that has grown too long has more than one purpose."""
    lengths = {module.at(1): module.text.count("\n") for module in MODULES.values()}

    problems = [f"{place}: {lines} lines" for place, lines in lengths.items() if lines > MOST_LINES_OF_FILE]

    assert_none(problems, f"a file has at most {MOST_LINES_OF_FILE} lines")


def test_functions_are_short() -> None:
    """Fifty lines are the bound, 25 the aim; ``pytest -rP`` shows those in between."""
    found = [
        (lines, f"{module.at(node.lineno)}: {node.name} has {lines} lines")
        for module in MODULES.values()
        for node, lines in functions(module)
        if lines > AIM_OF_FUNCTION
    ]

    for _, text in sorted(found, reverse=True):
        print(text)
    problems = [text for lines, text in found if lines > MOST_LINES_OF_FUNCTION]
    assert_none(problems, f"a function has at most {MOST_LINES_OF_FUNCTION} lines")


def test_only_the_command_line_prints() -> None:
    """Everything else logs, returns or raises."""
    problems = [
        module.at(node.lineno)
        for module in MODULES.values()
        if module.part != "cli"
        for name, node in calls(module)
        if name == "print"
    ]

    assert_none(problems, "print() is for the command line")


def test_nothing_sleeps_by_the_clock() -> None:
    """Waiting is a timer of the engine or an await of the event loop; a sleeping thread cannot be stopped."""
    problems = [
        module.at(node.lineno)
        for module in MODULES.values()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep")
        or (isinstance(node, ast.ImportFrom) and node.module == "time" and any(a.name == "sleep" for a in node.names))
    ]

    assert_none(problems, "time.sleep is not used")


def test_a_broad_except_gives_its_reason() -> None:
    """``except Exception`` has a comment on its line that says why everything is caught there."""
    problems = [
        module.at(node.lineno)
        for module in MODULES.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _is_reason(module.comments.get(node.lineno))
    ]

    assert_none(problems, "a broad except needs its reason as a comment on the same line")


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or ast.unparse(name) in ("Exception", "BaseException") for name in names)


def _is_reason(comment: str | None) -> bool:
    """Whether a comment begins with words, not with an instruction for a tool."""
    return comment is not None and not re.match(r"noqa|type:|pragma|fmt:", comment) and len(comment.split()) > 2


def _reached_from(*starts: str) -> list[Module]:
    """All modules of ours that these modules import, directly or not, and themselves."""
    found: dict[str, Module] = {}
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = MODULES[name]
            waiting += [target.name for target, _ in own_imports(MODULES[name]) if target.part != "daemon"]
    return list(found.values())


def test_nothing_the_command_line_needs_is_for_unix_only() -> None:
    """``run`` and ``lint`` work on Windows: also what they import late, inside functions."""
    commands = [name for name in MODULES if name.startswith("bureaucrat.commands.")]  # each is imported by its name
    assert "bureaucrat.cli" in MODULES, "there is no bureaucrat/cli"
    assert commands, "there are no commands"

    problems = [
        f"{module.at(found.line)}: imports {found.target}"
        for module in _reached_from("bureaucrat.cli", *commands)
        for found in imports(module)
        if found.target.split(".")[0] in UNIX_ONLY
    ]

    assert_none(problems, "these modules do not exist on Windows")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["lint", "--help"], ["lint", "processes/order.xml"]]
)
def test_the_command_line_works_without_modules_of_unix(arguments: list[str]) -> None:
    """The same for what the libraries import: with those modules blocked, the commands still come up."""
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({sorted(UNIX_ONLY)})); sys.argv[1:] = {arguments}; "
        "from bureaucrat.cli import main; sys.exit(main())"
    )

    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 0, ended.stderr or ended.stdout
