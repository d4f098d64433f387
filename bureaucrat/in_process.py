"""Celery tasks as functions of this process, for runs and tests without a broker.

Rules: this module imports no Celery: who has a task has imported it. A task is called as a function is, so that nothing
is sent, stored or reported; what its app does with results happens in workers only.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from . import wire

PREFIX = "celery:"


class Envelope(Protocol):
    """What a participant of ours gets."""

    fields: dict[str, Any]
    token: str
    key: str
    target: str
    participant: str
    attempt: int


def is_celery(value: object) -> bool:
    """Whether it is a Celery task."""
    celery = sys.modules.get("celery")
    return celery is not None and isinstance(value, celery.Task)


def found_in(source: object) -> Iterator[tuple[str, Any]]:
    """The Celery tasks of an app or a module, by the name that a definition gives them; of an app in it all it has."""
    celery = sys.modules.get("celery")
    if celery is None:
        return
    for value in [source] if isinstance(source, celery.Celery) else list(vars(source).values()):
        if isinstance(value, celery.Celery):
            value.loader.import_default_modules()
            for name, task in value.tasks.items():
                if not name.startswith("celery."):  # its own
                    yield PREFIX + name, task
        elif is_celery(value):
            yield PREFIX + value.name, value


def imported(participants: Iterable[str]) -> dict[str, Any]:
    """The tasks that these names lead to, of those that say where they stand: ``celery:shop.tasks.charge``."""
    found = {}
    for participant in participants:
        module, dot, name = participant.removeprefix(PREFIX).rpartition(".")
        if participant.startswith(PREFIX) and dot:
            task = getattr(_module(module), name, None)
            if is_celery(task):
                found[participant] = task
    return found


def _module(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise


def with_workitem(task: Any) -> Callable[..., Any]:
    """The call of a task that takes a workitem as its one argument, and gives it back, changes, or nothing."""

    def call(workitem: Envelope) -> Any:
        _, body = wire.encode_attempt(
            workitem.fields,
            target=workitem.target,
            token=workitem.token,
            key=workitem.key,
            participant=workitem.participant,
            attempt=workitem.attempt,
        )
        given = wire.load_object(body)
        returned = _called(task, workitem, "workitem", [given], {})
        return wire.returned_fields(given if returned is None else returned)

    return call


def with_fields(task: Any) -> Callable[..., Any]:
    """The call of a task that takes fields as its own arguments."""

    def call(workitem: Envelope, fields: dict[str, Any]) -> Any:
        return _called(task, workitem, "kwargs", [], fields)

    return call


def _called(task: Any, workitem: Envelope, arguments: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a task as a worker does: what is bound to it finds the headers of its message."""
    asked = wire.Asked(
        workitem.token,
        workitem.key,
        workitem.target,
        workitem.participant,
        workitem.attempt,
        arguments,
        result=None,
        answers="",
    )
    plain = sys.modules["celery"].Task.__call__  # pushes a request of its own, without headers
    task.push_request(args=args, kwargs=kwargs, headers=wire.attempt_headers(asked))
    try:
        return (task.run if type(task).__call__ is plain else task)(*args, **kwargs)
    finally:
        task.pop_request()
