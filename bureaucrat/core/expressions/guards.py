"""What an expression's operators do while it runs, so that none can eat time or memory (language, L22, L23).

Rules:

- A compiled expression calls these functions wherever plain Python could grow, hang or depend on the order of a hash.
- Work is paid for from a :class:`Budget` **before** it is done: one step is about 100 ns or 64 bytes of what is built.
- A passed bound raises :class:`BoundPassed`; every other error is the one Python raises, or a ``ValueError``,
  ``TypeError`` or ``LookupError`` with a better reason. Never a ``KeyError``: that means a missing property.
- Values are exactly Python's own ``None bool int float str list tuple dict set``. They may share parts, so going
  through one may take exponential time: whoever does, pays for each visit (:func:`weigh`).
- What is hashed is a scalar of at most 64 bits: tuples of ``-1`` and ``-2`` and multiples of ``2**61 - 1`` all collide.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

MAX_STEPS: Final = 1_000_000
MAX_BITS: Final = 4_096  #: of an integer
MAX_SIZE: Final = 1 << 20  #: characters of a text, elements of a collection

NUMBERS: Final = frozenset({int, float, bool})
SCALARS: Final = NUMBERS | {str, type(None)}
SEQUENCES: Final = frozenset({str, list, tuple})

_SMALL = 1 << 64  # integers below are cheap to calculate with and spread well as hashes

_NAMES: Final = {dict: "mapping", str: "text", type(None): "None"}

Guard = Callable[["Budget", Any, Any], Any]


class BoundPassed(Exception):
    """An expression asked for more time, digits, characters or elements than it may have (L22)."""


class Budget:
    """What one evaluation may still spend, and the time it takes for now."""

    __slots__ = ("left", "now")

    def __init__(self, now: float) -> None:
        self.left = MAX_STEPS
        self.now = now

    def charge(self, steps: int) -> None:
        """Pay for work that is about to be done."""
        self.left -= steps
        if self.left < 0:
            raise BoundPassed(f"it takes more than {MAX_STEPS:,} steps")

    def build(self, kind: type, size: int, cost: int = 1) -> None:
        """Pay for a text or collection of `size` characters or elements, at `cost` steps each, if it is in bounds."""
        if size > MAX_SIZE:
            what = "characters" if kind is str else "elements"
            raise BoundPassed(f"a {name_of(kind)} would have more than {MAX_SIZE:,} {what}")
        self.charge(1 + (size >> 4) if kind is str else 1 + size * cost)


def name_of(kind: type) -> str:
    """What people call values of a type."""
    return _NAMES.get(kind, kind.__name__)


def number(budget: Budget, value: Any) -> Any:
    """A number that was just calculated, if it is one that expressions may hold."""
    kind = type(value)
    if kind is int:
        if not -_SMALL < value < _SMALL:
            bits = value.bit_length()
            if bits > MAX_BITS:
                raise BoundPassed(f"an integer would have more than {MAX_BITS:,} bits")
            budget.charge(bits >> 6)
    elif kind is float:
        if value - value != 0.0:
            raise ValueError(f"{value} is no JSON number")
    elif kind is complex:
        raise ValueError("the root of a negative number is no JSON number")
    return value


def add(budget: Budget, left: Any, right: Any) -> Any:
    """``left + right``."""
    kind = type(left)
    if kind in NUMBERS and type(right) in NUMBERS:
        return number(budget, left + right)
    if kind in SEQUENCES and type(right) is kind:
        budget.build(kind, len(left) + len(right))
    return left + right


def multiply(budget: Budget, left: Any, right: Any) -> Any:
    """``left * right``, numbers or a sequence some times."""
    if type(left) in SEQUENCES:
        left, right = right, left
    if type(left) not in NUMBERS:
        return left * right  # a TypeError
    if type(right) in SEQUENCES:
        if type(left) is not float:
            budget.build(type(right), len(right) * max(0, left))
        return right * left
    return number(budget, left * right)


def _weigh_integer(budget: Budget, value: Any) -> None:
    """Pay for an operand that makes an operation slow even where its result is small."""
    if type(value) is int and not -_SMALL < value < _SMALL:
        budget.charge(value.bit_length() >> 6)


def modulo(budget: Budget, left: Any, right: Any) -> Any:
    """``left % right`` of numbers; text is not formatted with it."""
    if type(left) is str:
        raise TypeError('% does not format text: write f"…{value}…"')
    _weigh_integer(budget, left)
    return number(budget, left % right)


def power(budget: Budget, left: Any, right: Any) -> Any:
    """``left ** right``; ``1 ** huge`` is small and still one multiplication for each bit."""
    if type(left) is int and type(right) is int:
        if (abs(left).bit_length() - 1) * right > MAX_BITS:
            raise BoundPassed(f"an integer would have more than {MAX_BITS:,} bits")
        budget.charge(right.bit_length())
    return number(budget, left**right)


def shift_left(budget: Budget, left: Any, right: Any) -> Any:
    """``left << right``."""
    if type(right) is int and right > MAX_BITS:
        raise BoundPassed(f"an integer would have more than {MAX_BITS:,} bits")
    return number(budget, left << right)


def _plain(operate: Callable[[Any, Any], Any], budget: Budget, left: Any, right: Any) -> Any:
    """An operator that cannot grow beyond its operands by more than a few bits; of sets and mappings too."""
    kind = type(left)
    if kind in (set, dict) and type(right) is kind:
        budget.build(kind, len(left) + len(right))
    _weigh_integer(budget, left)
    return number(budget, operate(left, right))


subtract: Guard = partial(_plain, operator.sub)
divide: Guard = partial(_plain, operator.truediv)
divide_whole: Guard = partial(_plain, operator.floordiv)
shift_right: Guard = partial(_plain, operator.rshift)
either: Guard = partial(_plain, operator.or_)
both: Guard = partial(_plain, operator.and_)
differ: Guard = partial(_plain, operator.xor)


def negative(budget: Budget, value: Any) -> Any:
    """``-value``."""
    return number(budget, -value)


def positive(budget: Budget, value: Any) -> Any:
    """``+value``."""
    return number(budget, +value)


def invert(budget: Budget, value: Any) -> Any:
    """``~value``; of a bool as of 0 and 1, which newer Pythons warn about."""
    return number(budget, ~+value)


def weigh(budget: Budget, value: Any) -> None:
    """Pay for going through a whole value, parts that are shared as often as they are met."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        kind = type(part)
        if kind is str:
            budget.charge(len(part) >> 6)
        elif kind is list or kind is tuple:
            budget.charge(1 + len(part))
            waiting.extend(part)
        elif kind is dict:
            budget.charge(1 + 2 * len(part))
            waiting.extend(part)
            waiting.extend(part.values())
        elif kind is set:
            budget.charge(1 + len(part))


def _compare(operate: Callable[[Any, Any], Any], budget: Budget, left: Any, right: Any) -> Any:
    """A comparison: as long as the shorter of the two."""
    kind = type(left)
    if kind not in NUMBERS and kind is type(right) and left is not None:
        weigh(budget, left if len(left) < len(right) else right)
    return operate(left, right)


less: Guard = partial(_compare, operator.lt)
less_or_equal: Guard = partial(_compare, operator.le)
greater: Guard = partial(_compare, operator.gt)
greater_or_equal: Guard = partial(_compare, operator.ge)
equal: Guard = partial(_compare, operator.eq)
unequal: Guard = partial(_compare, operator.ne)


def search_cost(text: str, wanted: str) -> int:
    """Steps that looking for a text in another may take: short ones are compared at each place, long ones not."""
    return 1 + (len(text) >> 6) * (1 + (min(len(wanted), 100) >> 2))


def contains(budget: Budget, wanted: Any, where: Any) -> bool:
    """``wanted in where``."""
    kind = type(where)
    if kind is dict or kind is set:
        return key(wanted) in where
    if kind is str:
        if type(wanted) is str:
            budget.charge(search_cost(where, wanted))
    elif kind is list or kind is tuple:
        if type(wanted) is str:
            budget.charge(len(where) * (1 + (len(wanted) >> 6)))
        elif type(wanted) in SCALARS:
            budget.charge(len(where))
        else:
            weigh(budget, where)
    return wanted in where


def lacks(budget: Budget, wanted: Any, where: Any) -> bool:
    """``wanted not in where``."""
    return not contains(budget, wanted, where)


def key(value: Any) -> Any:
    """A value that may be hashed: a key of a mapping, a member of a set."""
    kind = type(value)
    if kind not in SCALARS:
        raise TypeError(f"a {name_of(kind)} cannot be a key of a mapping or a member of a set")
    if kind is int and not -_SMALL < value < _SMALL:
        raise BoundPassed("an integer beyond 64 bits cannot be a key of a mapping or a member of a set")
    if kind is float and value != value:
        raise ValueError("nan is no JSON number")
    return value


def name(value: Any) -> str:
    """A value that names a property."""
    if type(value) is not str:
        raise TypeError(f"a property's name is text, not {name_of(type(value))}")
    return value


def item(whole: Any, place: Any) -> Any:
    """``whole[place]``."""
    kind = type(whole)
    if kind is dict:
        try:
            return whole[key(place)]
        except KeyError:
            raise LookupError(f"there is no key {place!r}") from None
    if kind in SEQUENCES:
        return whole[place]
    raise TypeError(f"a {name_of(kind)} has no elements to take by [ ]")


def piece(budget: Budget, whole: Any, start: Any, stop: Any, step: Any) -> Any:
    """``whole[start:stop:step]``."""
    kind = type(whole)
    if kind not in SEQUENCES:
        raise TypeError(f"a {name_of(kind)} cannot be sliced")
    span = slice(start, stop, step)
    budget.build(kind, len(range(*span.indices(len(whole)))))
    return whole[span]


def _rank(member: Any) -> tuple[int, Any]:
    if member is None:
        return 0, 0
    return (2, member) if type(member) is str else (1, member)


def elements(budget: Budget, value: Any) -> Any:
    """What a loop over the value meets, with a length; a set in order: None, numbers, texts (L23)."""
    kind = type(value)
    if kind is set:
        weigh(budget, value)
        budget.charge(len(value))
        return sorted(value, key=_rank)
    if kind in SEQUENCES or kind is dict:
        return value
    raise TypeError(f"a {name_of(kind)} has no elements to go through")


def turns(budget: Budget, value: Any, cost: int) -> Any:
    """The elements a comprehension goes through, all its turns paid for at `cost` steps each."""
    found = elements(budget, value)
    budget.charge(1 + cost * len(found))
    return found


def rows(budget: Budget, value: Any, cost: int, levels: int) -> list[Any]:
    """As :func:`turns`, for a comprehension that unpacks each element, and theirs, `levels` deep."""
    return [_row(budget, row, levels) for row in turns(budget, value, cost)]


def _row(budget: Budget, row: Any, levels: int) -> Any:
    found: Sequence[Any] = elements(budget, row)
    if levels == 1 or type(found) is str:
        return found
    budget.build(list, len(found))
    return [_row(budget, part, levels - 1) if type(part) in (list, tuple, set) else part for part in found]
