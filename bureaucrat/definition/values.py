"""What attributes and texts say: one function for each kind of value.

Rules: a function takes the text and its line and gives the value as the core keeps it, or raises :class:`Refused` with
a message that begins with the value in quotes; it knows nothing of elements and places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from bureaucrat.core.activity import Value
from bureaucrat.core.calendars import moment_of
from bureaucrat.core.context import is_reserved
from bureaucrat.core.durations import parse_duration
from bureaucrat.core.expressions import FUNCTION_NAMES, Expression, InvalidExpression, compile_expression
from bureaucrat.cron import Zone, normalized, zone_names, zone_of

from .grammar import Kind
from .problems import closest, did_you_mean, quoted

_WHITE: Final = " \t\n"
MOST_NAME: Final = 200  #: characters of a name
MOST_TIMES: Final = 1_000_000
MOST_FACTOR: Final = 1_000
MOST_PRIORITY: Final = 9
_NOT_A_WORD: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_IN_PATHS: Final = re.compile(r"[\s()\[\]{}'\"=+*/<>,]")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
_VERSION: Final = re.compile(r"[^@]+@[1-9][0-9]{0,8}")
_ONE_VALUE: Final = ": an expression is one value in Python's syntax, such as amount > 100"
_SYNTAX_ADVICE: Final = {"=": ": to compare, write ==", "&": ": write and", "|": ": write or", "!": ": write not"}
_BRACES: Final = re.compile(r"[$#]?\{+\s*([^{}]*?)\s*\}+")  # how other languages write an expression in a text
_FLAGS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class Refused(Exception):
    """A value that is none: the problem's code and message, and at which character of the text it is."""

    def __init__(self, code: str, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.index = index


def expression(text: str, line: int, reads: frozenset[str] = frozenset()) -> Expression:
    """A compiled expression; `line` is that of the text's first character that is not white."""
    source = text.strip(_WHITE)
    lead = text.index(source)
    if not source:
        raise Refused("BX402", '"" is no expression: write one, such as amount > 100')
    if source.startswith("=") and not source.startswith("=="):
        raise Refused("BX403", f"{quoted(source)} is an expression without the =: write {quoted(source[1:].strip())}")
    try:
        return compile_expression(source, line=line, allowed=reads)
    except InvalidExpression as error:
        before = source.split("\n")[: error.line - 1]
        index = lead + sum(len(one) + 1 for one in before) + error.column - 1
        reason = error.reason
        if reason == "invalid syntax":
            reason += _SYNTAX_ADVICE.get(source[index - lead : index - lead + 1], _ONE_VALUE)
        raise Refused("BX401", f"{quoted(source)}: {reason}", min(index, len(text))) from error


def _label(text: str, line: int) -> str:
    return text


def _word(text: str, line: int) -> str:
    if not text:
        raise Refused("BX201", '"" is empty: write a name, or leave the attribute out')
    if len(text) > MOST_NAME:
        raise Refused("BX201", f"{quoted(text)} has {len(text):,} characters; {MOST_NAME} are allowed")
    bad = _NOT_A_WORD.search(text)
    if bad:
        raise Refused("BX201", f"{quoted(text)} contains white space or a control character: remove it")
    return text


def _field(text: str, line: int) -> str:
    name = text.strip(_WHITE)
    if not name:
        raise Refused("BX201", f"{quoted(text)} is no name: write one")
    if len(name) > MOST_NAME or _CONTROL.search(name):
        reason = f"is no name: write at most {MOST_NAME} characters, none of them a control character"
        raise Refused("BX201", f"{quoted(text)} {reason}")
    return name


def _property(text: str, line: int) -> str:
    name = _field(text, line)
    if is_reserved(name):
        reason = 'is reserved: "status" and names that begin with "inst:" are the engine\'s; choose another'
        raise Refused("BX208", f"{quoted(name)} {reason}")
    if name in FUNCTION_NAMES:
        reason = "is a function of the expressions; choose another name"
        raise Refused("BX209", f"{quoted(name)} {reason}")
    return name


def _path(text: str, line: int) -> str:
    path = text.strip(_WHITE)
    if not all(path.split(".")) or _NOT_IN_PATHS.search(path):
        raise Refused("BX207", f"{quoted(text)} is no dotted path: write names with dots between, such as order.id")
    return path


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip(_WHITE) for part in text.split(","))


def _codes(text: str, line: int) -> tuple[str, ...]:
    codes = _parts(text)
    if not all(codes):
        raise Refused("BX212", f'{quoted(text)} is no list of fault codes: write "Timeout" or "Timeout, ActionError"')
    return codes


def _flag(text: str, line: int) -> bool:
    found = _FLAGS.get(text.strip(_WHITE))
    if found is None:
        close = did_you_mean(text.strip(_WHITE).lower(), _FLAGS)
        raise Refused("BX202", f"{quoted(text)} is neither yes nor no: write yes, no, true, false, 1 or 0{close}")
    return found


def _whole(least: int, most: int, text: str, line: int) -> int:
    bare = text.strip(_WHITE)
    if not _INTEGER.fullmatch(bare) or not least <= int(bare) <= most:
        raise Refused("BX203", f"{quoted(text)} is no whole number from {least:,} to {most:,}")
    return int(bare)


def _factor(text: str, line: int) -> float:
    bare = text.strip(_WHITE)
    if not _DECIMAL.fullmatch(bare) or not 1 <= float(bare) <= MOST_FACTOR:
        raise Refused("BX203", f"{quoted(text)} is no number from 1 to {MOST_FACTOR:,}: write 2 or 1.5")
    return float(bare)


def _places(text: str, line: int) -> str:
    bare = text.strip(_WHITE)
    if bare not in ("yes", "no") and not (_INTEGER.fullmatch(bare) and int(bare) >= 1):
        raise Refused("BX203", f"{quoted(text)} is not yes, no or how many at once: write a whole number from 1")
    return bare


def _duration(text: str, line: int) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Refused("BX204", str(error)) from error


def _period(text: str, line: int) -> float:
    found = _duration(text, line)
    if not found:
        raise Refused("BX204", f"{quoted(text)} is no time to repeat after: write more than 0")
    return found


def _instant(text: str, line: int) -> float | datetime:
    """Epoch seconds; of a timestamp without zone what the clocks there show."""
    bare = text.strip(_WHITE)
    try:
        if _DECIMAL.fullmatch(bare):
            return float(bare)
        moment = moment_of(bare)
        return moment.timestamp() if moment.tzinfo else moment
    except ValueError as error:
        reason = "is no instant: write 2026-11-21T10:00Z, or seconds since 1970; an expression begins with ="
        raise Refused("BX210", f"{quoted(text)} {reason}") from error


def _cron(text: str, line: int) -> str:
    try:
        return normalized(text)
    except ValueError as error:
        raise Refused("BX213", f"{quoted(text)} {error}") from error


def _zone(text: str, line: int) -> Zone:
    name = text.strip(_WHITE)
    found = zone_of(name)
    if found is None:
        close = _meant(name)
        advice = f"; did you mean {close}?" if close else "; write a name such as Europe/Berlin or UTC"
        raise Refused("BX214", f"{quoted(text)} is no time zone{advice}")
    return found


def _meant(name: str) -> str | None:
    """The zone that was probably meant: its case may differ, and what stands before its city may be missing."""
    names = sorted(zone_names())
    word = name.casefold().replace(" ", "_")
    whole = {known.casefold(): known for known in names}
    cities = {known.casefold().rpartition("/")[2]: known for known in names if "/" in known}
    return whole.get(word) or cities.get(word) or closest(name, [known for known in names if "/" in known])


def _participant(text: str, line: int) -> str:
    if not text.strip(_WHITE):
        raise Refused("BX201", f"{quoted(text)} is no participant: write whom to ask, such as worker:charge")
    return _word(text, line)


def _text(text: str, line: int) -> str:
    if not text.strip(_WHITE):
        raise Refused("BX201", f"{quoted(text)} is empty: write a text, or an expression after =")
    return text


def _process(text: str, line: int) -> str:
    if text.startswith("$"):
        return "$" + _field(text[1:], line)
    name = _word(text, line)
    if "@" in name and not _VERSION.fullmatch(name):
        reason = "is no version of a process: write its name, @ and a whole number from 1, such as order@3"
        raise Refused("BX211", f"{quoted(name)} {reason}")
    return name


def _value(literal: Callable[[str, int], Any], text: str, line: int) -> Value:
    """A literal, or an expression after ``=`` (L3)."""
    bare = text.lstrip(_WHITE)
    if not bare.startswith("="):
        try:
            return Value(literal(text, line))
        except Refused as refused:
            braces = _BRACES.fullmatch(bare.rstrip(_WHITE))
            advice = f"; an expression is written {quoted('=' + braces[1])}" if braces else ""
            raise Refused(refused.code, refused.message + advice) from refused
    begin = len(text) - len(bare) + 1
    try:
        return Value(expression=expression(text[begin:], line))
    except Refused as refused:
        raise Refused(refused.code, refused.message, refused.index + begin) from refused


def _selection(text: str, line: int) -> Expression:
    if text.lstrip(_WHITE).startswith("="):
        found = _value(_label, text, line).expression
        assert found is not None, "it begins with ="
        return found
    try:
        path = _path(text, line)
    except Refused as refused:
        raise Refused(refused.code, f"{refused.message}; or an expression after =") from refused
    return _subscripts(path.split("."), line)


def _key(text: str, line: int) -> Value:
    """A business key: the field of that name, or an expression (L83)."""
    if text.lstrip(_WHITE).startswith("="):
        return _value(_label, text, line)
    return Value(expression=_subscripts([_field(text, line)], line))


def _subscripts(names: list[str], line: int) -> Expression:
    return expression("context" + "".join(f"[{name!r}]" for name in names), line)


#: How each kind of attribute is read; a choice is looked up in the grammar.
READERS: Final[Mapping[Kind, Callable[[str, int], Any]]] = MappingProxyType(
    {
        Kind.LABEL: _label,
        Kind.WORD: _word,
        Kind.FIELD: _field,
        Kind.PROPERTY: _property,
        Kind.PATH: _path,
        Kind.CODES: _codes,
        Kind.LIST: lambda text, line: [part for part in _parts(text) if part],
        Kind.FLAG: _flag,
        Kind.COUNT: partial(_whole, 0, MOST_TIMES),
        Kind.TIMES: partial(_whole, 1, MOST_TIMES),
        Kind.FACTOR: _factor,
        Kind.PLACES: _places,
        Kind.DURATION: _duration,
        Kind.EXPRESSION: expression,
        Kind.CRON: _cron,
        Kind.ZONE: _zone,
        Kind.TEXT_VALUE: partial(_value, _text),
        Kind.MESSAGE_VALUE: partial(_value, _label),
        Kind.PARTICIPANT_VALUE: partial(_value, _participant),
        Kind.PROCESS_VALUE: partial(_value, _process),
        Kind.PRIORITY_VALUE: partial(_value, partial(_whole, 0, MOST_PRIORITY)),
        Kind.DURATION_VALUE: partial(_value, _duration),
        Kind.PERIOD_VALUE: partial(_value, _period),
        Kind.INSTANT_VALUE: partial(_value, _instant),
        Kind.SELECTION: _selection,
        Kind.KEY: _key,
    }
)
