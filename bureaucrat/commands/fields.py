"""``--field`` and ``--event``: from the text of an argument to the values that are meant.

Rules: ``k=v`` has the type that the process declares for k, else it is text; ``k:int=5`` names the type; whoever writes
something else is told what to write.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..core.durations import parse_duration
from ..core.table import Definition
from ..definition.problems import did_you_mean
from ..definition.properties import parse_property
from ..definition.values import Refused as NoValue
from .failure import Exit, Failure

_TYPES = ("str", "int", "float", "bool", "json")
_AFTER = "after"
_NUMBER = "{n}"  #: in a text it stands for the number of the instance


def parse_fields(definition: Definition | None, arguments: Iterable[str], option: str = "--field ") -> dict[str, Any]:
    """The fields that the arguments of ``--field`` give.

    :param definition: says their types; None: each is text unless it names its type.
    :param option: what stands before each argument on the command line.
    :raises Failure: one of them is none, or does not fit its type.
    """
    scope = () if definition is None else definition.activities[0].scope or ()
    declared = {one.name: one.type for one in scope}
    return dict(_field(argument, declared, option) for argument in arguments)


def _field(argument: str, declared: dict[str, str], option: str) -> tuple[str, Any]:
    name, equals, text = argument.partition("=")
    name, colon, type = name.strip().partition(":")
    if not equals or not name:
        example = f"{name or 'order_id'}=1017"
        raise Failure(Exit.INVALID, f"{option}{argument!r} is no name=value: write for example {option}{example}")
    if colon and type not in _TYPES:
        close = did_you_mean(type, _TYPES)
        raise Failure(
            Exit.INVALID, f"{option}{argument!r}: there is no type {type!r}{close}; write {', '.join(_TYPES)}"
        )
    found = type or declared.get(name, "str")
    try:
        return name, parse_property(found, text)
    except NoValue as refused:
        why = f"the process declares {name} as {found}" if not colon else f"{found} was asked for"
        raise Failure(Exit.INVALID, f"{option}{argument!r}: {refused.message} ({why})") from refused


def numbered(fields: Any, number: int) -> Any:
    """The fields of instance number `number`: ``{n}`` in a text is that number."""
    match fields:
        case str():
            return fields.replace(_NUMBER, str(number))
        case list():
            return [numbered(one, number) for one in fields]
        case dict():
            return {name: numbered(one, number) for name, one in fields.items()}
    return fields


def check_required(definition: Definition, fields: dict[str, Any]) -> None:
    """Refuse a start that lacks required fields (L15), naming each with what to write."""
    missing = definition.missing(fields)
    if not missing:
        return
    types = {one.name: one.type for one in definition.activities[0].scope or ()}
    close = {name: did_you_mean(name, set(fields) - set(types)) for name in missing}
    names = ", ".join(f"{name} ({types[name]}{close[name]})" for name in missing)
    add = " ".join(f"--field {name}=…" for name in missing)
    raise Failure(Exit.INVALID, f"the process {definition.name!r} needs {names}: add {add}")


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An event to publish some time after the start."""

    argument: str  #: as it was given
    name: str
    body: dict[str, Any]
    after: float  #: seconds

    @property
    def is_for_each(self) -> bool:
        """Whether there is one for each instance."""
        return _NUMBER in self.argument

    def bodies(self, instances: int) -> list[dict[str, Any]]:
        """What is to be published."""
        if not self.is_for_each:
            return [self.body]
        return [numbered(self.body, number) for number in range(1, instances + 1)]


def parse_event(argument: str) -> PlannedEvent:
    """``payment.authorized order_id=1017 after=2s``

    :raises Failure: it is none.
    """
    try:
        words = shlex.split(argument)
    except ValueError as error:
        raise Failure(Exit.INVALID, f"--event {argument!r}: {error}") from error
    if not words or "=" in words[0]:
        example = "'payment.authorized order_id=1017 after=2s'"
        raise Failure(Exit.INVALID, f"--event {argument!r} names no event: write for example --event {example}")
    body: dict[str, Any] = {}
    after = 0.0
    for word in words[1:]:
        name, text = _pair(word, f"--event {argument!r}: ")
        if name == _AFTER:
            after = _duration(argument, text)
        else:
            body[name] = _json_or_text(text)
    return PlannedEvent(argument, words[0], body, after)


def parse_body(words: Iterable[str]) -> dict[str, Any]:
    """The body of an event: ``order_id=1017``; what reads as JSON is JSON, everything else is text.

    :raises Failure: a word is no name=value.
    """
    return {name: _json_or_text(text) for name, text in (_pair(word, "") for word in words)}


def _pair(word: str, where: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    if not equals or not name:
        raise Failure(Exit.INVALID, f"{where}{word!r} is no name=value")
    return name, text


def _duration(argument: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Failure(Exit.INVALID, f"--event {argument!r}: after={error}") from error


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda name: name)
    except ValueError:
        return text
