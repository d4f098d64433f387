"""Functions that take fields by their names, as tasks that take a workitem."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial, update_wrapper, wraps
from typing import Any

from .. import wire
from ..functions import Function, Workitem
from ..once import Once


def workitem_task(
    function: Callable[..., Any] | None = None, *, once: Once | Callable[[], Any] | bool | None = None
) -> Any:
    """Make a task of a function that takes fields by its parameters, as ``@participant`` functions do.

    It stands below Celery's decorator; with ``bind=True`` the first parameter is the task. Parameters called
    ``workitem`` and ``fields`` get those. What it returns: a dict of changes, the workitem, or nothing (then what it
    changed in ``workitem.fields`` counts).

    :param once: it is done once for each key, as with ``@participant``: a ``Once``, or what one is made of.
    """
    kept = None if once is None else Once.of(once)
    return _task(function, kept) if function is not None else lambda function: _task(function, kept)


def _task(function: Callable[..., Any], once: Once | None) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__name__} is async, and Celery calls functions; declare it with `def`")
    plain = Function.of(function, once)
    bound = replace(plain, parameters=plain.parameters[1:])

    @wraps(function)
    def call(*given: Any) -> dict[str, Any]:
        *task, record = given
        attempt = wire.attempt_of(record)
        workitem = Workitem(
            attempt.fields, attempt.token, attempt.key, attempt.target, attempt.participant, attempt.attempt
        )
        called = replace(bound, call=update_wrapper(partial(function, *task), function)) if task else plain
        return wire.load_object(wire.encode_answer(attempt, called.answer(workitem))[1])

    del call.__wrapped__  # whoever asks for the signature is told what a caller has to give
    return call
