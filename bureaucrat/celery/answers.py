"""What a task answers, by how it ended.

Rules: pure: neither Celery nor a broker is known here. Nothing is raised: what cannot be answered is an error that says
so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import wire
from ..functions import Workitem, failure_of, fields_of

#: exception class -> the code of the fault that it is
Faults = Mapping[type[BaseException], str]


def of_result(asked: wire.Asked, args: Sequence[Any], returned: Any) -> dict[str, Any]:
    """The fields of the answer to what a task returned.

    :param args: what it was called with; of a workitem that it changed and did not return, the changes count.
    """
    given = wire.returned_fields(args[0]) if args and asked.arguments == "workitem" else {}
    fields = given if isinstance(given, dict) else {}
    workitem = Workitem(fields, asked.token, asked.key, asked.target, asked.participant, asked.attempt)
    return fields_of(workitem, wire.returned_fields(returned), asked.result)


def of_error(error: BaseException, faults: Faults) -> dict[str, Any]:
    """The fields of the answer to what a task raised: ``critical`` for a Fault and for the classes in `faults`."""
    failure = failure_of(error)
    code = next((code for kind, code in faults.items() if isinstance(error, kind)), None)
    if code is None or failure["status"] == "critical":
        return failure
    return {"status": "critical", "code": code, "error": failure["error"]}


def of_reason(reason: str) -> dict[str, Any]:
    """The fields of the answer of a task that could not say anything itself."""
    return {"status": "error", "error": reason}
