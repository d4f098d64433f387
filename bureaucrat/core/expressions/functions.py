"""The functions and methods that an expression may call (language, L21, L23).

Rules:

- Each is a plain function of the evaluation's :class:`~bureaucrat.core.expressions.guards.Budget` and its arguments,
  pays before it works, and stands once in :data:`FUNCTIONS` or :data:`METHODS` with how many arguments it takes.
  Nothing else can be called.
- What Python computes lazily is a list here. What goes through a set goes through it in order.
- A method looks at the type of its receiver itself; Python's attributes are never read by a name from the source.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import GeneratorType, MappingProxyType
from typing import Any, Final

from ..durations import parse_duration
from . import texts
from .guards import MAX_BITS, BoundPassed, Budget, add, elements, key, name_of, number, weigh

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REVERSE: Final = frozenset({"reverse"})
_DEFAULT: Final = frozenset({"default"})
_MANY: Final = 500  #: as many arguments as an expression may have nodes
_MAX_DIGITS: Final = 1_300  #: decimal digits that make some 4,096 bits


@dataclass(frozen=True, slots=True)
class Function:
    """Something callable: what runs, and how many arguments the author may write."""

    run: Callable[..., Any]
    least: int
    most: int
    keywords: frozenset[str] = frozenset()

    def complaint(self, count: int) -> str | None:
        """What to say of a call with the wrong number of arguments."""
        if self.least <= count <= self.most:
            return None
        if self.least == self.most:
            wanted = f"{self.least} argument" if self.least == 1 else f"{self.least or 'no'} arguments"
        else:
            wanted = (
                f"{self.least} or more arguments" if self.most == _MANY else f"{self.least} to {self.most} arguments"
            )
        return f"takes {wanted}, not {count}"


def _len(budget: Budget, value: Any) -> int:
    return len(value)


def _int(budget: Budget, value: Any = 0) -> Any:
    if type(value) is str:
        if len(value) > MAX_BITS:
            raise BoundPassed(f"int() takes at most {MAX_BITS:,} characters")
        budget.charge(len(value) >> 3)
    return number(budget, int(value))


def _float(budget: Budget, value: Any = 0.0) -> Any:
    if type(value) is str:
        budget.charge(len(value) >> 4)
    return number(budget, float(value))


def _bool(budget: Budget, value: Any = False) -> bool:
    return bool(value)


def _choices(budget: Budget, values: tuple[Any, ...]) -> Any:
    """What min and max choose from: their arguments, or the elements of the only one."""
    found = elements(budget, values[0]) if len(values) == 1 else values
    budget.charge(len(found))
    weigh(budget, found)
    return found


def _min(budget: Budget, *values: Any, **default: Any) -> Any:
    return min(_choices(budget, values), **default)


def _max(budget: Budget, *values: Any, **default: Any) -> Any:
    return max(_choices(budget, values), **default)


def _sum(budget: Budget, values: Any, start: Any = 0) -> Any:
    """Left to right: newer Pythons' own sum corrects the errors of floats, older ones' does not."""
    if type(start) is str:
        raise TypeError('sum() does not join texts: write "".join(texts)')
    found = elements(budget, values)
    budget.charge(len(found))
    total = start
    for value in found:
        total = add(budget, total, value)
    return total


def _some(budget: Budget, values: Any) -> Any:
    """Elements to look at one by one; a generator's turns are paid for by itself."""
    if type(values) is GeneratorType:
        return values
    found = elements(budget, values)
    budget.charge(len(found))
    return found


def _any(budget: Budget, values: Any) -> bool:
    return any(_some(budget, values))


def _all(budget: Budget, values: Any) -> bool:
    return all(_some(budget, values))


def _round(budget: Budget, value: Any, digits: Any = None) -> Any:
    if type(digits) is int and abs(digits) > _MAX_DIGITS:
        raise BoundPassed(f"round() takes at most {_MAX_DIGITS:,} digits")
    if type(value) is int:
        budget.charge(1 + (value.bit_length() >> 4))
    return number(budget, round(value, digits))


def _abs(budget: Budget, value: Any) -> Any:
    return number(budget, abs(value))


def _sorted(budget: Budget, values: Any, reverse: Any = False) -> list[Any]:
    found = elements(budget, values)
    budget.build(list, len(found))
    weigh(budget, found)
    return sorted(found, reverse=bool(reverse))


def _range(budget: Budget, *bounds: Any) -> list[int]:
    numbers = range(*bounds)
    if max(abs(numbers.start), abs(numbers.stop)) >= 1 << 63:
        raise BoundPassed("range() counts within 64 bits")
    budget.build(list, max(0, -((numbers.start - numbers.stop) // numbers.step)))
    return list(numbers)


def _list(budget: Budget, values: Any = ()) -> list[Any]:
    found = elements(budget, values)
    budget.build(list, len(found))
    return list(found)


def _tuple(budget: Budget, values: Any = ()) -> tuple[Any, ...]:
    return tuple(_list(budget, values))


def _set(budget: Budget, values: Any = ()) -> set[Any]:
    found = elements(budget, values)
    budget.build(set, len(found), cost=2)
    return set(map(key, found))


def _dict(budget: Budget, values: Any = ()) -> dict[Any, Any]:
    found = values.items() if type(values) is dict else elements(budget, values)
    budget.build(dict, len(found), cost=2)
    made = {}
    for pair in found:
        if type(pair) not in (tuple, list) or len(pair) != 2:
            raise ValueError("dict() takes a mapping, or pairs of a key and a value")
        made[key(pair[0])] = pair[1]
    return made


def _enumerate(budget: Budget, values: Any, start: Any = 0) -> list[Any]:
    found = elements(budget, values)
    budget.build(list, len(found), cost=3)
    if type(start) is not int or abs(start) >= 1 << 63:
        raise ValueError("enumerate() counts from an integer of 64 bits")
    return list(enumerate(found, start))


def _zip(budget: Budget, *values: Any) -> list[Any]:
    found = [elements(budget, one) for one in values]
    budget.build(list, min(map(len, found)), cost=2 + len(found))
    return list(zip(*found, strict=False))


def _now(budget: Budget) -> float:
    return budget.now


def _epoch(budget: Budget, value: Any) -> float:
    budget.charge(10)
    moment = datetime.fromisoformat(texts.text_for(value, "epoch()"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH).total_seconds()


def _iso(budget: Budget, value: Any) -> str:
    budget.charge(10)
    if type(value) not in (int, float):
        raise TypeError(f"iso() takes seconds since 1970, not {name_of(type(value))}")
    moment = _EPOCH + timedelta(seconds=value)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _seconds(budget: Budget, value: Any) -> float:
    budget.charge(100)
    return parse_duration(texts.text_for(value, "seconds()"))


def _mapping(receiver: Any, method: str) -> dict[Any, Any]:
    if type(receiver) is not dict:
        raise TypeError(f"{method}() is for a mapping, not {name_of(type(receiver))}")
    return receiver


def _get(budget: Budget, receiver: Any, wanted: Any, default: Any = None) -> Any:
    return _mapping(receiver, "get").get(key(wanted), default)


def listed(budget: Budget, view: Any, cost: int = 1) -> list[Any]:
    """Keys, values or pairs of a mapping; of the context too."""
    budget.build(list, len(view), cost)
    return list(view)


def _keys(budget: Budget, receiver: Any) -> list[Any]:
    return listed(budget, _mapping(receiver, "keys"))


def _values(budget: Budget, receiver: Any) -> list[Any]:
    return listed(budget, _mapping(receiver, "values").values())


def _items(budget: Budget, receiver: Any) -> list[Any]:
    return listed(budget, _mapping(receiver, "items").items(), cost=3)


#: The functions by name, called with the budget and their arguments.
FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        "len": Function(_len, 1, 1),
        "int": Function(_int, 0, 1),
        "float": Function(_float, 0, 1),
        "str": Function(texts.to_text, 0, 1),
        "bool": Function(_bool, 0, 1),
        "min": Function(_min, 1, _MANY, _DEFAULT),
        "max": Function(_max, 1, _MANY, _DEFAULT),
        "sum": Function(_sum, 1, 2),
        "any": Function(_any, 1, 1),
        "all": Function(_all, 1, 1),
        "round": Function(_round, 1, 2),
        "abs": Function(_abs, 1, 1),
        "sorted": Function(_sorted, 1, 1, _REVERSE),
        "range": Function(_range, 1, 3),
        "list": Function(_list, 0, 1),
        "dict": Function(_dict, 0, 1),
        "tuple": Function(_tuple, 0, 1),
        "set": Function(_set, 0, 1),
        "enumerate": Function(_enumerate, 1, 2),
        "zip": Function(_zip, 1, _MANY),
        "now": Function(_now, 0, 0),
        "epoch": Function(_epoch, 1, 1),
        "iso": Function(_iso, 1, 1),
        "seconds": Function(_seconds, 1, 1),
    }
)

#: The methods by name, called with the budget, the receiver and their arguments.
METHODS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        "get": Function(_get, 1, 2),
        "keys": Function(_keys, 0, 0),
        "values": Function(_values, 0, 0),
        "items": Function(_items, 0, 0),
        "upper": Function(texts.upper, 0, 0),
        "lower": Function(texts.lower, 0, 0),
        "strip": Function(texts.strip, 0, 1),
        "split": Function(texts.split, 0, 2),
        "join": Function(texts.join, 1, 1),
        "startswith": Function(texts.startswith, 1, 1),
        "endswith": Function(texts.endswith, 1, 1),
        "replace": Function(texts.replace, 2, 3),
    }
)


def nearest(name: str, known: Mapping[str, Function]) -> str:
    """What to say after "there is no such function"."""
    near = difflib.get_close_matches(name, known)
    return f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(sorted(known))}"
