"""Functions that take fields by their names, as tasks that take a workitem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from .. import wire
from ..functions import Function, Workitem, fields_of


def workitem_task(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a task of a function that takes fields by its parameters, as ``@participant`` functions do.

    It stands below Celery's decorator; with ``bind=True`` the first parameter is the task. Parameters called
    ``workitem`` and ``fields`` get those. What it returns: a dict of changes, the workitem, or nothing (then what it
    changed in ``workitem.fields`` counts).
    """
    plain = Function.of(function)
    if plain.is_async:
        raise TypeError(f"{function.__name__} is async, and Celery calls functions; declare it with `def`")
    bound = replace(plain, parameters=plain.parameters[1:])

    @wraps(function)
    def call(*given: Any) -> dict[str, Any]:
        *task, record = given
        attempt = wire.attempt_of(record)
        workitem = Workitem(
            attempt.fields, attempt.token, attempt.key, attempt.target, attempt.participant, attempt.attempt
        )
        returned = function(*task, **(bound if task else plain).arguments(workitem))
        return wire.load_object(wire.encode_answer(attempt, fields_of(workitem, returned))[1])

    del call.__wrapped__  # whoever asks for the signature is told what a caller has to give
    return call
