"""Expressions: checked and compiled once when a definition is read, evaluated as often as the process needs (language,
section 3).

Rules:

- Python's syntax, a subset without side effects (L21): :mod:`~bureaucrat.core.expressions.grammar` says which and
  translates it, :mod:`~bureaucrat.core.expressions.guards` bounds what it does (L22).
- An evaluation reads the context, which is never copied, and changes nothing. What it gives is JSON, a copy, and the
  same in every process (L23).
- It fails in three ways, each a fault of the process: `UndefinedProperty` for a key that the context, the event or the
  answer lacks, `LimitExceeded` for a passed bound, `ExpressionError` for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from ..faults import EXPRESSION_ERROR, LIMIT_EXCEEDED, UNDEFINED_PROPERTY, Thrown
from ..values import MAX_INTEGER, MIN_INTEGER
from .assembly import FILENAME, assemble
from .functions import FUNCTIONS
from .grammar import Translator
from .guards import MAX_SIZE, BoundPassed, Budget
from .parsing import InvalidExpression, parse

__all__ = ["FUNCTION_NAMES", "Expression", "InvalidExpression", "compile_expression"]

#: No property may be declared under these names (L20).
FUNCTION_NAMES: Final = frozenset(FUNCTIONS)

_LONGEST: Final = 200  # characters of the source, and of a reason, in a fault's message
_ERRORS: Final = (BoundPassed, TypeError, ValueError, ArithmeticError, LookupError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Call it with the context, the time, and the event or answer where it may read one."""

    source: str
    line: int  #: of the definition's file, where the source begins
    names: frozenset[str]  #: properties it reads by a literal name
    _run: Callable[[Any, Any, Any], Any] = field(repr=False, compare=False)
    _is_metered: bool = field(repr=False, compare=False)

    def __call__(self, context: Mapping[str, Any], now: float, extra: Mapping[str, Any] | None = None) -> Any:
        """The result, JSON that shares nothing with the context.

        `now` is the time of the message being handled, UTC seconds since 1970; `extra` is ``{"event": {…}}`` or
        ``{"answer": {…}}``. Throws :class:`~bureaucrat.core.faults.Thrown`.
        """
        try:
            value = self._run(context, Budget(now) if self._is_metered else None, extra)
            return value if type(value) is bool else _Copy().of(value)
        except _ERRORS as exc:
            raise self._thrown(exc) from exc

    def _thrown(self, exc: BaseException) -> Thrown:
        code, reason = _fault(exc)
        line = self.line
        trace = exc.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == FILENAME:
                line = self.line + trace.tb_lineno - 1
            trace = trace.tb_next
        return Thrown(code, f"`{_shortened(self.source)}`, line {line}: {_shortened(reason)}")


def compile_expression(source: str, *, line: int = 1, allowed: frozenset[str] = frozenset()) -> Expression:
    """The expression that `source` is; :class:`InvalidExpression` if it is none.

    `line` is the definition's line where the source begins; `allowed` names those of ``event`` and ``answer`` that
    there are to read besides the context.
    """
    try:
        parsed = parse(source)
        translator = Translator(parsed.origin, allowed)
        run = assemble(translator.translate(parsed.tree), parsed.origin.lines)
    except SyntaxError as exc:
        raise InvalidExpression(exc.msg) from exc
    except (RecursionError, MemoryError) as exc:
        raise InvalidExpression("the expression is nested too deeply") from exc
    return Expression(source, line, frozenset(translator.names), run, translator.is_metered)


class _Copy:
    """A result on its way to become a property: JSON, ours alone, and no larger than a property may be."""

    __slots__ = ("_size",)

    def __init__(self) -> None:
        self._size = 0

    def of(self, value: Any) -> Any:
        """The copy, or why there cannot be one."""
        kind = type(value)
        if kind is str:
            self._grow(len(value))
        elif kind is int:
            if not MIN_INTEGER <= value <= MAX_INTEGER:
                raise ValueError("the result is an integer beyond 64 bits")
        elif kind is float:
            if not isfinite(value):
                raise ValueError(f"the result is {value}, which is no JSON number")
        elif kind is list or kind is tuple:
            self._grow(len(value))
            return [self.of(part) for part in value]
        elif kind is dict:
            self._grow(len(value))
            return {self._key(name): self.of(part) for name, part in value.items()}
        elif kind is set:
            raise TypeError("the result is a set, which has no order: write sorted(…)")
        elif value is not None and kind is not bool:
            raise TypeError(f"the result is a {kind.__name__}, which is no JSON")
        return value

    def _key(self, name: Any) -> str:
        if type(name) is not str:
            raise TypeError(f"the result has the key {name!r}, which is no text")
        self._grow(len(name))
        return name

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_SIZE:
            raise BoundPassed(f"the result has more than {MAX_SIZE:,} characters and elements")


def _fault(exc: BaseException) -> tuple[str, str]:
    """The code and the reason of what went wrong."""
    match exc:
        case BoundPassed():
            return LIMIT_EXCEEDED, str(exc)
        case RecursionError():
            return LIMIT_EXCEEDED, "a value is nested too deeply"
        case MemoryError():
            return LIMIT_EXCEEDED, "it takes too much memory"
        case KeyError(args=(name, *_)):
            return UNDEFINED_PROPERTY, f'there is no "{name}"'
    return EXPRESSION_ERROR, str(exc) or type(exc).__name__


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
