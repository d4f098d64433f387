"""The Python trees that expressions are put together from, and the function they become (language, L21 to L23).

Rules:

- The compiled function sees :data:`NAMESPACE` and nothing else: no built-in, no module.
- Guards are called by name, with the budget first where they pay from it.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, MappingProxyType
from typing import Any, Final

from . import guards, texts
from .functions import FUNCTIONS, METHODS, listed

#: What stands for the file in the code's frames, by which an error's line is found.
FILENAME: Final = "<expression>"

#: The guard of each operator.
BINARY: Final[Mapping[type[ast.operator], str]] = MappingProxyType(
    {
        ast.Add: "add",
        ast.Sub: "subtract",
        ast.Mult: "multiply",
        ast.Div: "divide",
        ast.FloorDiv: "divide_whole",
        ast.Mod: "modulo",
        ast.Pow: "power",
        ast.LShift: "shift_left",
        ast.RShift: "shift_right",
        ast.BitOr: "either",
        ast.BitAnd: "both",
        ast.BitXor: "differ",
    }
)
UNARY: Final[Mapping[type[ast.unaryop], str]] = MappingProxyType(
    {ast.USub: "negative", ast.UAdd: "positive", ast.Invert: "invert"}
)
COMPARISON: Final[Mapping[type[ast.cmpop], str]] = MappingProxyType(
    {
        ast.Lt: "less",
        ast.LtE: "less_or_equal",
        ast.Gt: "greater",
        ast.GtE: "greater_or_equal",
        ast.Eq: "equal",
        ast.NotEq: "unequal",
        ast.In: "contains",
        ast.NotIn: "lacks",
    }
)
_GUARDS: Final = (
    *BINARY.values(),
    *UNARY.values(),
    *COMPARISON.values(),
    "key",
    "name",
    "item",
    "piece",
    "turns",
    "rows",
)

#: The names a compiled expression sees. Python insists on a dict here; nobody writes to it.
NAMESPACE: Final[dict[str, Any]] = {
    "__builtins__": {},
    "listed": listed,
    "written": texts.written,
    "represent": texts.represent,
    **{guard: getattr(guards, guard) for guard in _GUARDS},
    **{f"function_{name}": function.run for name, function in FUNCTIONS.items()},
    **{f"method_{name}": method.run for name, method in METHODS.items()},
}


#: Literals as other languages write them, and as we do.
LITERALS: Final[Mapping[str, str]] = MappingProxyType(
    {"null": "None", "nil": "None", "none": "None", "undefined": "None", "true": "True", "false": "False"}
)

#: What a turn that builds such a value costs in steps beyond its time, for the memory it takes.
_BUILDING: Final[Mapping[type[ast.AST], int]] = MappingProxyType(
    {ast.List: 1, ast.Tuple: 1, ast.ListComp: 1, ast.Set: 4, ast.Dict: 4, ast.SetComp: 4, ast.DictComp: 4}
)

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def load(name: str) -> ast.Name:
    """A name of ours."""
    return ast.Name(name, ast.Load())


def element(whole: ast.expr, name: str) -> ast.Subscript:
    """``whole["name"]``."""
    return ast.Subscript(whole, ast.Constant(name), ast.Load())


def call(guard: str, *values: ast.expr, keywords: list[ast.keyword] | None = None) -> ast.Call:
    """``guard(values…)``."""
    return ast.Call(load(guard), list(values), keywords or [])


def same(value: ast.expr, name: str) -> ast.expr:
    """How to speak again of a value that was put in a variable; a literal stands for itself."""
    return value if isinstance(value, ast.Constant) else load(name)


def is_singleton(node: ast.expr) -> bool:
    """Whether the node is None, True or False."""
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def foreign_literal(nodes: list[ast.expr]) -> str:
    """What to write for a literal of another language among these nodes; empty if there is none."""
    for node in nodes:
        if isinstance(node, ast.Name) and node.id.lower() in LITERALS:
            return f"there is no `{node.id}`: write {LITERALS[node.id.lower()]}"
    return ""


def is_text(node: ast.expr) -> bool:
    """Whether the node is a text in quotes."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def parameters(*names: str) -> ast.arguments:
    """What a function of ours takes, by position."""
    return ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])


def calculated(guard: str, *operands: ast.expr) -> ast.Constant | None:
    """The result of numeric literals; None if they are not, or if it must fail when the process runs."""
    values = [operand.value for operand in operands if isinstance(operand, ast.Constant)]
    if len(values) < len(operands) or any(type(value) not in (int, float) for value in values):
        return None
    try:
        return ast.Constant(NAMESPACE[guard](guards.Budget(0.0), *values))
    except (guards.BoundPassed, ArithmeticError, ValueError, TypeError):
        return None


def assemble(body: ast.expr, lines: int) -> Callable[[Any, Any, Any], Any]:
    """The function of context, budget and extra that calculates `body`, which stands `lines` lower in the source."""
    tree = ast.Expression(ast.Lambda(parameters("context", "budget", "extra"), body))
    ast.increment_lineno(ast.fix_missing_locations(ast.copy_location(tree, body)), lines)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        code = compile(tree, FILENAME, "eval", dont_inherit=True)
    (inner,) = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return FunctionType(inner, NAMESPACE)


def turn_cost(node: Comprehension) -> int:
    """Steps of one turn: one, and more for a long body and for what it builds."""
    first, *others = node.generators
    body = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    body += [*first.ifs, *(part for clause in others for part in (clause.iter, *clause.ifs))]
    parts = [part for whole in body for part in ast.walk(whole) if isinstance(part, ast.expr)]
    return 1 + len(parts) // 6 + sum(_BUILDING.get(type(part), 0) for part in parts)
