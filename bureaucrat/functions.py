"""Participants that are Python functions.

Rules: ``@participant("name")`` marks a function and nothing else, so that importing a module changes nothing anywhere;
whoever serves a module collects its marked functions. A parameter called ``workitem`` gets the :class:`Workitem`, one
called ``fields`` the dict of fields, any other the field of its name. What comes back: a dict of changes, or nothing
(then what the function changed in ``workitem.fields`` counts), or with ``result=`` anything (L32).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from . import in_process
from .core.effects import Dispatch
from .core.values import complaint
from .errors import Fault
from .once import GIVEN, Once

_MARK = "__bureaucrat_participants__"
_ONCE = "__bureaucrat_once__"
_KIND = "worker:"  #: `worker:charge` and `charge` are one participant

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Workitem:
    """What a participant gets to work on."""

    fields: dict[str, Any]  #: what the process sends; change it to answer
    token: str  #: names this attempt
    key: str  #: names the activation: the same for all its attempts; be idempotent by it (L30)
    target: str  #: address of the activity
    participant: str
    attempt: int = 1


def participant(name: str, *, once: Once | Callable[[], Any] | bool | None = None) -> Callable[[F], F]:
    """Mark a function, sync or async, as the participant of this name. One function may have several.

    :param once: it is done once for each key: a ``Once``, or what one is made of. Its parameter ``connection`` or
        ``session`` gets what it writes with; what raises, or answers another status than ``done``, has done nothing.
    """
    kept = None if once is None else Once.of(once)

    def mark(function: F) -> F:
        names: tuple[str, ...] = getattr(function, _MARK, ())
        setattr(function, _MARK, (*names, name))
        if kept is not None:
            setattr(function, _ONCE, kept)
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Function:
    """A marked function and how it is called."""

    call: Callable[..., Any]
    parameters: tuple[tuple[str, bool], ...]  #: name, and whether it may be left out
    takes_all: bool  #: it has ``**fields``
    is_async: bool
    once: Once | None = None

    @classmethod
    def of(cls, function: Callable[..., Any], once: Once | None = None) -> Function:
        """Look at a function's signature once.

        :raises TypeError: it is async, and to be done once.
        """
        once = once or getattr(function, _ONCE, None)
        given = inspect.signature(function).parameters.values()
        several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        named = tuple((p.name, p.default is not p.empty) for p in given if p.kind not in several)
        takes_all = any(p.kind is p.VAR_KEYWORD for p in given)
        is_async = inspect.iscoroutinefunction(function)
        if once is not None and is_async:
            raise TypeError(f"{function.__name__} is async, and `once` is for functions; declare it with `def`")
        return cls(function, named, takes_all, is_async, once)

    def arguments(self, workitem: Workitem, connection: Any = None) -> dict[str, Any]:
        """The keyword arguments of one call.

        :raises LookupError: a field that a parameter needs is not there.
        """
        arguments: dict[str, Any] = dict(workitem.fields) if self.takes_all else {}
        for name, is_optional in self.parameters:
            if name == "workitem":
                arguments[name] = workitem
            elif name == "fields":
                arguments[name] = workitem.fields
            elif self.once is not None and name in GIVEN:
                arguments[name] = connection
            elif name in workitem.fields:
                arguments[name] = workitem.fields[name]
            elif not is_optional:
                raise LookupError(f"{self.call.__name__}() takes {name!r}, and the process sends no such field")
        return arguments

    def answer(self, workitem: Workitem, result: str | None = None) -> dict[str, Any]:
        """Call it, if it is not async, and give the fields of its answer (L31, L32).

        :param result: the property that takes whatever it returns.
        :raises Exception: whatever it raises.
        """
        if self.once is None:
            return self._answer(workitem, result, None)

        def work(connection: Any) -> dict[str, Any]:
            fields = self._answer(workitem, result, connection)
            if fields.get("status", "done") != "done":
                raise _Refused(fields)  # as if it had raised
            return fields

        try:
            done: dict[str, Any] = self.once.do(workitem.key, work)
        except _Refused as refused:
            return refused.fields
        return done

    def _answer(self, workitem: Workitem, result: str | None, connection: Any) -> dict[str, Any]:
        returned = self.call(**self.arguments(workitem, connection))
        if inspect.isawaitable(returned):
            raise TypeError(f"{self.call!r} gives an awaitable; declare it with `async def`")
        return fields_of(workitem, returned, result)


class _Refused(Exception):
    """A function has answered that it did not do its work."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields


@dataclass(slots=True)
class Functions:
    """The participants of one or several modules."""

    by_name: dict[str, Function] = field(default_factory=dict)
    by_keywords: dict[str, Function] = field(default_factory=dict)  #: Celery tasks, for ``arguments="kwargs"``

    @classmethod
    def of(cls, *sources: object) -> Functions:
        """Collect from modules (their marked functions and Celery tasks), from Celery apps, and from mappings (name to
        function)."""
        functions = cls()
        for source in sources:
            for name, function in _marked(source):
                functions.add(name, function)
        return functions

    def add(self, name: str, function: Callable[..., Any]) -> None:
        """Let a function or a Celery task be the participant of this name."""
        if in_process.is_celery(function):
            self.by_name[name] = Function.of(in_process.with_workitem(function))
            self.by_keywords[name] = Function.of(in_process.with_fields(function))
        else:
            self.by_name[name] = Function.of(function)

    @property
    def own(self) -> list[str]:
        """The names of those that are no Celery tasks."""
        return [name for name in self.by_name if name not in self.by_keywords]

    def find(self, participant: str, arguments: str = "workitem") -> Function | None:
        """The function that serves a participant, with or without the prefix ``worker:`` or ``celery:``."""
        for name in (participant.removeprefix(_KIND), participant, in_process.PREFIX + participant):
            if arguments == "kwargs" and name in self.by_keywords:
                return self.by_keywords[name]
            if name in self.by_name:
                return self.by_name[name]
        return None


def _marked(source: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    if isinstance(source, dict):
        yield from source.items()
        return
    for function in list(vars(source).values()):  # to look at a Celery app changes it
        for name in getattr(function, _MARK, ()):
            yield name, function
    yield from in_process.found_in(source)


def workitem_of(dispatch: Dispatch, instance: str) -> Workitem:
    """What a function gets for an attempt: fields of its own, that nobody else sees it change."""
    return Workitem(
        fields=_own(dispatch.fields),
        token=f"{instance}:{dispatch.attempt}",
        key=dispatch.key,
        target=dispatch.address,
        participant=dispatch.participant,
        attempt=dispatch.tries,
    )


def answer_of(dispatch: Dispatch, workitem: Workitem, returned: Any) -> dict[str, Any]:
    """The fields of the answer to what a function returned (L31, L32)."""
    return fields_of(workitem, returned, dispatch.result)


def fields_of(workitem: Workitem, returned: Any, result: str | None = None) -> dict[str, Any]:
    """The same where no more than the workitem is known; `result` names the property that takes what was returned."""
    if result is not None:
        fields = {result: returned}
    elif returned is None:
        fields = workitem.fields
    elif isinstance(returned, Workitem):
        fields = returned.fields
    elif isinstance(returned, dict):
        fields = returned
    else:
        kind = type(returned).__name__
        return failure_of(TypeError(f"it returned a {kind}; return a dict of changed fields, or nothing"))
    problem = complaint(fields)
    return failure_of(TypeError(f"it answered what is no JSON: {problem}")) if problem else _own(fields)


def failure_of(error: BaseException) -> dict[str, Any]:
    """The fields of the answer to what a function raised: ``critical`` for a Fault, else ``error`` (L32)."""
    if isinstance(error, Fault):
        return {"status": "critical", "code": _clean(error.code), "error": _clean(error.message)}
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return {"status": "error", "error": _clean(text)}


def _own(fields: dict[str, Any]) -> dict[str, Any]:
    """The same JSON, sharing nothing; tuples have become lists."""
    copied: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(fields))
    return copied


def _clean(text: str) -> str:
    """A text that every storage can keep: half surrogates (of undecodable file names) and NUL are spelled out."""
    return str(text).encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
