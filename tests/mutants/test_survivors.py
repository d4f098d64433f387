"""The list of surviving mutants is in order, without running any; ``make mutants`` runs them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from check import LIST, ROOT, UNEXPLAINED, Survivor, read_list, write_list

REASONS = read_list(LIST.read_text("utf-8"))


def functions(module: str) -> dict[str, list[str]]:
    """The lines of each function of a module, by its name; of a method with its class before."""
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    text = path.read_text("utf-8")
    lines = [line.strip() for line in text.split("\n")]
    return {name: lines[node.lineno - 1 : node.end_lineno] for name, node in _defined(ast.parse(text), "")}


def _defined(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _defined(node, f"{node.name}.")


def test_every_survivor_has_a_reason() -> None:
    assert UNEXPLAINED not in REASONS
    assert min(map(len, REASONS)) > 20


def test_the_list_is_written_as_it_is_read() -> None:
    assert write_list(REASONS) == LIST.read_text("utf-8")


def test_what_a_survivor_changes_still_stands_there() -> None:
    """What does not is told here already; ``make mutants`` tells the rest."""
    known: dict[str, dict[str, list[str]]] = {}
    gone: list[Survivor] = []
    for one in (one for survivors in REASONS.values() for one in survivors):
        known.setdefault(one.module, functions(one.module))
        lines = known[one.module].get(one.function, [])
        if not all(line[2:] in lines for line in one.change if line.startswith("- ")):
            gone.append(one)

    assert gone == []
