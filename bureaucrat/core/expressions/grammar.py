"""Which expressions there are, and the Python that each becomes (language, L20 to L23).

Rules:

- A white list: a node that :class:`Translator` has no rule for is refused with its place in the source.
- No identifier of the source reaches the compiled code: a bare name becomes a look-up in the context, a comprehension's
  variable a number, a function or method becomes a guard of ours. No attribute is ever read by a name of the source.
- What cannot grow, hang or depend on a hash's order becomes the plain Python operation: a comparison with a literal,
  ``and or not``, a condition, a look-up in the context. Everything else calls one of
  :mod:`bureaucrat.core.expressions.guards`.
- Nothing is calculated here but two numeric literals, and that by the same guards.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NoReturn

from .assembly import (
    BINARY,
    COMPARISON,
    UNARY,
    Comprehension,
    calculated,
    call,
    element,
    foreign_literal,
    is_singleton,
    is_text,
    load,
    parameters,
    same,
    turn_cost,
)
from .functions import FUNCTIONS, METHODS, Function, nearest
from .guards import MAX_BITS
from .parsing import InvalidExpression, Origin

MAX_NODES: Final = 500
MAX_DEPTH: Final = 40

#: Names with a meaning of their own, which no comprehension may take.
MAPPINGS: Final = frozenset({"context", "workitem", "event", "answer"})
_OF_CONTEXT: Final = ("get", "keys", "values", "items")

_REFUSED: Final[Mapping[type[ast.AST], str]] = MappingProxyType(
    {
        ast.Lambda: "a lambda is not allowed",
        ast.NamedExpr: "an assignment (:=) is not allowed",
        ast.Await: "await is not allowed",
        ast.Yield: "yield is not allowed",
        ast.YieldFrom: "yield is not allowed",
        ast.Starred: "unpacking with * is not allowed",
        ast.GeneratorExp: "a generator may only be the sole argument of a function: write a list, [ … for … ]",
        ast.Slice: "a slice may only stand alone in [ ]",
    }
)


class Translator:
    """One expression's way from the tree that Python parsed to the tree that is compiled."""

    def __init__(self, origin: Origin, allowed: frozenset[str]) -> None:
        self.names: set[str] = set()  #: properties read by a literal name
        self.is_metered = False  #: whether the compiled code needs a budget
        self._origin = origin
        self._allowed = allowed
        self._variables: Mapping[str, str] = {}  # of the comprehensions around, and what they are called when compiled
        self._nodes = 0
        self._depth = 0

    def translate(self, node: ast.expr) -> ast.expr:
        """The tree to compile for one node of the source, or :class:`InvalidExpression`."""
        self._count(node)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(node, f"the expression is nested more than {MAX_DEPTH} deep")
        made = ast.copy_location(self._rule(node), node)
        self._depth -= 1
        return made

    def _count(self, node: ast.expr) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse(node, f"the expression has more than {MAX_NODES} parts")

    def _refuse(self, node: ast.expr, reason: str) -> NoReturn:
        raise InvalidExpression(reason, *self._origin.of(node))

    def _rule(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Name():
                return self._name(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.BoolOp():
                return ast.BoolOp(node.op, self._all(node.values))
            case ast.BinOp():
                return self._binary(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.IfExp():
                return ast.IfExp(*self._all([node.test, node.body, node.orelse]))
            case ast.Subscript():
                return self._subscript(node)
            case ast.Call():
                return self._call(node)
            case ast.Attribute():
                self._refuse_attribute(node)
            case ast.JoinedStr():
                return self._guard("written", *self._parts(node))
            case ast.ListComp() | ast.SetComp() | ast.DictComp():
                return self._comprehension(node)
        return self._display(node)

    def _all(self, nodes: Iterable[ast.expr]) -> list[ast.expr]:
        return [self.translate(node) for node in nodes]

    def _guard(self, guard: str, *values: ast.expr, keywords: list[ast.keyword] | None = None) -> ast.Call:
        """A call of one of ours that pays from the budget."""
        self.is_metered = True
        return call(guard, load("budget"), *values, keywords=keywords)

    def _literal(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if isinstance(value, str):
            if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
                self._refuse(node, "a text may hold no NUL character and no half of a surrogate pair")
        elif isinstance(value, float):
            if not math.isfinite(value):
                self._refuse(node, "the number is too large")
        elif isinstance(value, int):
            if value.bit_length() > MAX_BITS:
                self._refuse(node, f"an integer has at most {MAX_BITS:,} bits")
        elif value is not None:
            kind = "..." if value is ... else f"a {type(value).__name__} literal"
            self._refuse(node, f"{kind} is not allowed")
        return node

    def _name(self, node: ast.Name) -> ast.expr:
        name = node.id
        if name in self._variables:
            return load(self._variables[name])
        if name in ("event", "answer"):
            return self._special(node)
        if name in MAPPINGS:
            whole = "context" if name == "context" else "workitem.fields"
            self._refuse(node, f'`{whole}` is not a value: name one property, {whole}["…"]')
        self._check_name(node, name)
        if name in FUNCTIONS:
            self._refuse(node, f"`{name}` is a function: call it, {name}(…)")
        self.names.add(name)
        return element(load("context"), name)

    def _check_name(self, node: ast.expr, name: str) -> None:
        if name.startswith("__"):
            self._refuse(node, f'a name may not begin with __: write context["{name}"]')

    def _special(self, node: ast.Name) -> ast.expr:
        if node.id not in self._allowed:
            self._refuse(node, f'there is no `{node.id}` here; a property of that name is context["{node.id}"]')
        return element(load("extra"), node.id)

    def _context(self, node: ast.expr) -> ast.expr | None:
        """The context, where that is what the node means."""
        match node:
            case ast.Name(id="context") | ast.Attribute(value=ast.Name(id="workitem"), attr="fields"):
                self._count(node)
                return load("context")
        return None

    def _subscript(self, node: ast.Subscript) -> ast.expr:
        context = self._context(node.value)
        if context is not None:
            return ast.Subscript(context, self._property(node.slice), ast.Load())
        if isinstance(node.value, ast.Name) and node.value.id in ("event", "answer"):
            return self._of_special(self.translate(node.value), node.slice)
        whole = self.translate(node.value)
        if isinstance(node.slice, ast.Slice):
            self._count(node.slice)
            bounds = (node.slice.lower, node.slice.upper, node.slice.step)
            return self._guard("piece", whole, *(self.translate(one) if one else ast.Constant(None) for one in bounds))
        return call("item", whole, self.translate(node.slice))

    def _of_special(self, whole: ast.expr, key: ast.expr) -> ast.expr:
        """``event["k"]``: a missing key is a missing property, so this is a plain subscript."""
        place = self.translate(key)
        if not (isinstance(place, ast.Constant) and isinstance(place.value, str)):
            place = call("key", place)
        return ast.Subscript(whole, place, ast.Load())

    def _property(self, node: ast.expr) -> ast.expr:
        """What stands in ``context[ ]``."""
        place = self.translate(node)
        if not isinstance(place, ast.Constant):
            return call("name", place)
        if not isinstance(place.value, str):
            self._refuse(node, "a property's name is a text")
        self.names.add(place.value)
        return place

    def _refuse_attribute(self, node: ast.Attribute) -> NoReturn:
        if self._context(node):
            self._refuse(node, '`workitem.fields` is not a value: name one property, workitem.fields["…"]')
        if node.attr in METHODS:
            self._refuse(node, f"`{node.attr}` is a method: call it, .{node.attr}(…)")
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        whole = "workitem.fields" if owner == "workitem" else owner or "…"
        self._refuse(node, f'there are no attributes: write {whole}["{node.attr}"]')

    def _call(self, node: ast.Call) -> ast.expr:
        match node.func:
            case ast.Name(id=name) if name in FUNCTIONS:
                self._count(node.func)
                arguments, keywords = self._arguments(node, name, FUNCTIONS[name])
                return self._guard(f"function_{name}", *arguments, keywords=keywords)
            case ast.Name(id=name):
                self._refuse_function(node, name)
            case ast.Attribute():
                return self._method(node, node.func)
        self._refuse(node, "only functions and methods can be called")

    def _refuse_function(self, node: ast.expr, name: str) -> NoReturn:
        if name in METHODS:
            self._refuse(node, f"`{name}` is a method: write value.{name}(…)")
        self._refuse(node, f"there is no function `{name}`{nearest(name, FUNCTIONS)}")

    def _method(self, node: ast.Call, func: ast.Attribute) -> ast.expr:
        name = func.attr
        if name not in METHODS:
            if name in FUNCTIONS:
                self._refuse(node, f"`{name}` is a function: write {name}(…)")
            self._refuse(node, f"there is no method `{name}`{nearest(name, METHODS)}")
        context = self._context(func.value)
        if context is not None:
            return self._method_of_context(node, context, name)
        receiver = self.translate(func.value)
        arguments, _ = self._arguments(node, name, METHODS[name])
        return self._guard(f"method_{name}", receiver, *arguments)

    def _method_of_context(self, node: ast.Call, context: ast.expr, name: str) -> ast.expr:
        if name not in _OF_CONTEXT:
            self._refuse(node, f"the context has no method `{name}`, only {', '.join(_OF_CONTEXT)}")
        bound = ast.Attribute(context, name, ast.Load())
        self._check_arguments(node, name, METHODS[name])
        if name == "get":
            wanted, *default = node.args
            return ast.Call(bound, [self._property(wanted), *self._all(default)], [])
        return self._guard("listed", ast.Call(bound, [], []))

    def _check_arguments(self, node: ast.Call, name: str, callee: Function) -> None:
        for keyword in node.keywords:
            if keyword.arg not in callee.keywords:
                named = f"{keyword.arg}=" if keyword.arg else "**"
                self._refuse(keyword.value, f"{name}() takes no {named}")
        complaint = callee.complaint(len(node.args))
        if complaint:
            self._refuse(node, f"{name}() {complaint}")

    def _arguments(self, node: ast.Call, name: str, callee: Function) -> tuple[list[ast.expr], list[ast.keyword]]:
        self._check_arguments(node, name, callee)
        if len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.GeneratorExp):
            self._count(node.args[0])
            return [self._comprehension(node.args[0], is_lazy=name in ("any", "all"))], []
        arguments = self._all(node.args)
        return arguments, [ast.keyword(keyword.arg, self.translate(keyword.value)) for keyword in node.keywords]

    def _binary(self, node: ast.BinOp) -> ast.expr:
        guard = BINARY.get(type(node.op))
        if guard is None:
            self._refuse(node, "there is no operator @")
        if guard == "modulo" and is_text(node.left):
            self._refuse(node, '% does not format text: write f"…{value}…"')
        left, right = self._all([node.left, node.right])
        return calculated(guard, left, right) or self._guard(guard, left, right)

    def _unary(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.translate(node.operand)
        guard = UNARY.get(type(node.op))
        if guard is None:
            return ast.UnaryOp(node.op, operand)
        return calculated(guard, operand) or self._guard(guard, operand)

    def _comparison(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            context = self._context(node.comparators[0])
            if context is not None:
                wanted = self.translate(node.left)
                place = wanted if is_text(wanted) else call("key", wanted)
                return ast.Compare(place, node.ops, [context])
        nested = len(node.ops) - 1
        self._depth += nested
        left, *others = self._all([node.left, *node.comparators])
        self._depth -= nested
        return self._chain(node, left, node.ops, others)

    def _chain(self, node: ast.Compare, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr]) -> ast.expr:
        """``a < b < c`` as ``(lambda x, y: x < y and y < c)(a, b)``: b is evaluated once, c only if need be."""
        op, right = ops[0], others[0]
        if len(ops) == 1:
            return self._compare(node, left, op, right)
        first, second = f"left_{len(ops)}", f"right_{len(ops)}"
        here = self._compare(node, same(left, first), op, same(right, second))
        rest = self._chain(node, same(right, second), ops[1:], others[1:])
        both = ast.Lambda(parameters(first, second), ast.BoolOp(ast.And(), [here, rest]))
        return ast.Call(both, [left, right], [])

    def _compare(self, node: ast.Compare, left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
        if isinstance(op, (ast.Is, ast.IsNot)):
            if not is_singleton(right) or (isinstance(left, ast.Constant) and not is_singleton(left)):
                foreign = foreign_literal(node.comparators)
                self._refuse(node, foreign or "`is` compares with None, True or False: write == instead")
            return ast.Compare(left, [op], [right])
        if isinstance(op, (ast.In, ast.NotIn)):
            is_cheap = isinstance(right, (ast.List, ast.Tuple)) and all(isinstance(e, ast.Constant) for e in right.elts)
        else:
            is_cheap = isinstance(left, ast.Constant) or isinstance(right, ast.Constant)
        if is_cheap:
            return ast.Compare(left, [op], [right])
        return self._guard(COMPARISON[type(op)], left, right)

    def _parts(self, node: ast.JoinedStr) -> Iterable[ast.expr]:
        for part in node.values:
            if not isinstance(part, ast.FormattedValue):
                yield self.translate(part)
                continue
            if part.format_spec is not None:
                self._refuse(node, "a format after : is not allowed in an f-string: round() the number")
            if part.conversion == ord("a"):
                self._refuse(node, "!a is not allowed in an f-string")
            value = self.translate(part.value)
            yield self._guard("represent", value) if part.conversion == ord("r") else value

    def _display(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.List():
                return ast.List(self._all(node.elts), ast.Load())
            case ast.Tuple():
                return ast.Tuple(self._all(node.elts), ast.Load())
            case ast.Set():
                return ast.Set([call("key", element) for element in self._all(node.elts)])
            case ast.Dict():
                keys = [self._key(key, node) for key in node.keys]
                return ast.Dict([*keys], self._all(node.values))
        self._refuse(node, _REFUSED.get(type(node), f"{type(node).__name__} is not allowed"))

    def _key(self, key: ast.expr | None, node: ast.expr) -> ast.expr:
        if key is None:
            self._refuse(node, "unpacking with ** is not allowed")
        place = self.translate(key)
        return place if is_text(place) else call("key", place)

    def _comprehension(self, node: Comprehension, is_lazy: bool = False) -> ast.expr:
        around = self._variables
        cost = turn_cost(node)
        clauses = [self._clause(clause, node, cost) for clause in node.generators]
        made: ast.expr
        match node:
            case ast.DictComp():
                made = ast.DictComp(self._key(node.key, node), self.translate(node.value), clauses)
            case ast.SetComp():
                made = ast.SetComp(call("key", self.translate(node.elt)), clauses)
            case _:
                made = (ast.GeneratorExp if is_lazy else ast.ListComp)(self.translate(node.elt), clauses)
        self._variables = around
        return made

    def _clause(self, clause: ast.comprehension, node: ast.expr, cost: int) -> ast.comprehension:
        if clause.is_async:
            self._refuse(node, "async is not allowed")
        source = self.translate(clause.iter)
        target, levels = self._target(clause.target)
        if levels:
            source = self._guard("rows", source, ast.Constant(cost), ast.Constant(levels))
        else:
            source = self._guard("turns", source, ast.Constant(cost))
        return ast.comprehension(target, source, self._all(clause.ifs), 0)

    def _target(self, node: ast.expr) -> tuple[ast.expr, int]:
        """A comprehension's variable, or several that are unpacked; and how many levels deep."""
        self._count(node)
        match node:
            case ast.Name(id=name):
                if name in FUNCTIONS or name in MAPPINGS:
                    self._refuse(node, f"`{name}` has a meaning of its own: give the variable another name")
                self._check_name(node, name)
                variable = f"variable_{self._nodes}"
                self._variables = {**self._variables, name: variable}
                return ast.Name(variable, ast.Store()), 0
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                targets = [self._target(element) for element in elements]
                levels = 1 + max((depth for _, depth in targets), default=0)
                return ast.Tuple([target for target, _ in targets], ast.Store()), levels
        self._refuse(node, "a comprehension's variable is a plain name")
