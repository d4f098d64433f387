"""Which names of the context an activity reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

from bureaucrat.core.activities import Action, Await, Call, Switch
from bureaucrat.core.activity import Activity, Handler
from bureaucrat.core.expressions import Expression
from bureaucrat.core.expressions.parsing import parse

_WHOLE = ("keys", "values", "items")


class Names(NamedTuple):
    """What one activity reads."""

    read: frozenset[str]  #: as far as the definition spells it out
    reads_all: bool  #: whether it may read any other name, too


def names_of(activity: Activity) -> Names:
    """What an activity reads: in its expressions, and by what it sends."""
    read: set[str] = set()
    reads_all = _sends_all(activity)
    # a case has its conditions, too
    for expression in _expressions(replace(activity, cases=()) if isinstance(activity, Switch) else activity):
        names, is_open = _of_expression(expression)
        read |= names
        reads_all = reads_all or is_open
    match activity:
        case Await(key=str(key), equals=None):
            read.add(key.split(".")[0])
        case Call(variable=str(variable)):
            read.add(variable)
    return Names(frozenset(read), reads_all)


def _sends_all(activity: Activity) -> bool:
    match activity:
        case Action():
            return activity.given is None or activity.given.all
        case Call():
            return activity.given.all
    return False


def _expressions(value: Any) -> Iterator[Expression]:
    """Every expression in an activity, whatever attribute or child it stands in."""
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _expressions(one)
    elif is_dataclass(value) and not isinstance(value, Handler):
        for one in fields(value):
            yield from _expressions(getattr(value, one.name))


def _of_expression(expression: Expression) -> tuple[frozenset[str], bool]:
    """The names that an expression reads, and whether it may read names that are known only when it runs."""
    if "context" not in expression.source and "workitem" not in expression.source:
        return expression.names, False
    found: set[str] = set()
    is_open = False
    for part in ast.walk(parse(expression.source).tree):
        match part:
            case ast.Compare(left=wanted, ops=[ast.In() | ast.NotIn()], comparators=[whole]) if _is_context(whole):
                pass
            case ast.Subscript(value=whole, slice=wanted) if _is_context(whole):
                pass
            case ast.Call(func=ast.Attribute(value=whole, attr="get"), args=[wanted, *_]) if _is_context(whole):
                pass
            case ast.Call(func=ast.Attribute(value=whole, attr=method)) if _is_context(whole) and method in _WHOLE:
                is_open = True
                continue
            case _:
                continue
        if isinstance(wanted, ast.Constant):
            found.add(str(wanted.value))
        else:
            is_open = True
    return expression.names | found, is_open


def _is_context(part: ast.expr) -> bool:
    match part:
        case ast.Name(id="context") | ast.Attribute(value=ast.Name(id="workitem"), attr="fields"):
            return True
    return False
