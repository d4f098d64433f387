"""What happens to the tasks of an app, seen from its worker, and the answer to each.

Rules: a task is answered once for each time that it ends, by whoever sees its end: the process that ran it by Celery's
signals, and for what that process cannot tell any more (it was killed, or for too long at work) the main process by
its request. A retry of Celery's, a rejection that requeues and a message that the broker delivers again are no ends.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from celery import signals, states
from celery.exceptions import Reject, Terminated, TimeLimitExceeded, WorkerLostError, WorkerShutdown, WorkerTerminate

from .. import wire
from . import answers
from .answers import Faults

log = logging.getLogger(__name__)

_ANSWERED: Final = "bureaucrat-answered"  #: among what a request holds
#: what ends a function because its worker ends
_STOPS: Final = (WorkerShutdown, WorkerTerminate, KeyboardInterrupt)
_IGNORED: Final = "the task ended with Ignore, as one does that replaces itself; what becomes of it is not known here"

Send = Callable[[wire.Asked, dict[str, Any]], None]


class Watch:
    """Answers for the tasks of one app.

    :param send: publishes an answer, where work is done.
    :param send_soon: the same in Celery's main process.
    """

    def __init__(self, app: Any, send: Send, send_soon: Send, faults: Faults) -> None:
        self._app = app
        self._send = send
        self._send_soon = send_soon
        self._faults = faults

    def connect(self) -> None:
        """Hear Celery's signals from now on."""
        for signal, receiver in (
            (signals.task_success, self._succeeded),
            (signals.task_failure, self._failed),
            (signals.task_postrun, self._ended),
            (signals.task_revoked, self._revoked),
            (signals.task_unknown, self._unknown),
            (signals.task_rejected, self._rejected),
        ):
            signal.connect(receiver, weak=False)

    # -- in the process that ran it

    def _succeeded(self, sender: Any = None, result: Any = None, **_: Any) -> None:
        asked = self._asked(sender, sender.request.__dict__)
        if asked is not None:
            self._answer(sender.request.__dict__, asked, answers.of_result(asked, sender.request.args or (), result))

    def _failed(self, sender: Any = None, task_id: Any = None, exception: Any = None, **_: Any) -> None:
        request = sender.request.__dict__
        asked = self._asked(sender, request)
        if asked is not None and request.get("id") == task_id:
            self._answer(request, asked, answers.of_error(exception, self._faults))

    def _ended(self, sender: Any = None, state: Any = None, retval: Any = None, **_: Any) -> None:
        """What is told by no other signal."""
        request = sender.request.__dict__
        asked = self._asked(sender, request)
        if asked is None:
            return
        if state == states.REJECTED and isinstance(retval, Reject) and not retval.requeue:
            self._answer(request, asked, answers.of_reason(f"the task was rejected: {retval.reason or 'no reason'}"))
        elif state == states.IGNORED:
            self._answer(request, asked, answers.of_reason(_IGNORED))
        elif state is None:
            error = sys.exc_info()[1]
            is_stop = isinstance(error, _STOPS) and sender.acks_late
            if error is not None and not is_stop and not _is_limit(error, sender):
                self._answer(request, asked, answers.of_error(error, self._faults))

    def _answer(self, request: dict[str, Any], asked: wire.Asked, fields: dict[str, Any]) -> None:
        if not request.get(_ANSWERED):
            request[_ANSWERED] = True
            self._send(asked, fields)

    # -- in the main process

    def _revoked(
        self, sender: Any = None, request: Any = None, terminated: bool = False, expired: bool = False, **_: Any
    ) -> None:
        asked = self._asked(sender, request.__dict__)
        if asked is not None and not request.__dict__.get(_ANSWERED):
            how = "expired" if expired else "was terminated" if terminated else "was revoked"
            self._send_soon(asked, answers.of_reason(f"the Celery task {how}"))

    def _unknown(self, sender: Any = None, message: Any = None, name: str = "", **_: Any) -> None:
        asked = self._asked(sender, message.headers or {})
        if asked is not None:
            reason = f"NotRegistered: the worker {sender.hostname} knows no Celery task {name!r}"
            self._send_soon(asked, answers.of_reason(reason))

    def _rejected(self, sender: Any = None, message: Any = None, exc: Any = None, **_: Any) -> None:
        asked = self._asked(sender, message.headers or {})
        if asked is not None:
            self._send_soon(asked, answers.of_reason(f"the worker {sender.hostname} cannot read the message: {exc}"))

    def wrap(self, base: type[Any]) -> type[Any]:
        """A class of requests that tells what only the main process sees."""
        watch = self

        class AnsweringRequest(base):  # type: ignore[misc] # whatever the task has
            def on_timeout(self, soft: bool, timeout: float) -> Any:
                if not soft:
                    watch.ended_by(self, TimeLimitExceeded(timeout))
                return super().on_timeout(soft, timeout)

            def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
                if not return_ok:  # the pool says so; else the process that ran it has told everything
                    error = exc_info.exception
                    watch.ended_by(self, getattr(error, "exc", error))
                return super().on_failure(exc_info, send_failed_event, return_ok)

        return AnsweringRequest

    def ended_by(self, request: Any, error: BaseException) -> None:
        """The pool says that a task has ended, and how."""
        held = request.request_dict
        asked = self._asked(request.task, held)
        if asked is None or held.get(_ANSWERED) or isinstance(error, Terminated):
            return
        if isinstance(error, TimeLimitExceeded):
            reason = f"the Celery task has exceeded its time limit of {error.args[0]:g} s"
        elif isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt):
            if request._already_cancelled or request._already_revoked or self._comes_again(request):
                return
            reason = f"the process that worked on it was lost: {error}"
        else:
            reason = f"{type(error).__name__}: {error}"
        held[_ANSWERED] = True
        self._send_soon(asked, answers.of_reason(reason))
        if self._is_requeued(request.task):
            request.acknowledge()  # once more would be once too often

    def _comes_again(self, request: Any) -> bool:
        """Whether Celery has a task done again whose process was lost. Once: what kills two will kill a third."""
        task, retries = request.task, request.request_dict.get("retries") or 0
        if getattr(task, "retry_on_worker_lost", False) and (task.max_retries is None or retries < task.max_retries):
            return True
        return self._is_requeued(task) and not request.delivery_info.get("redelivered")

    @staticmethod
    def _is_requeued(task: Any) -> bool:
        return bool(task.acks_late and task.reject_on_worker_lost)

    # -- both

    def _asked(self, sender: Any, headers: Mapping[str, Any]) -> wire.Asked | None:
        """What a process has asked for; None if no process has, or it is another app's."""
        return wire.asked_of(headers) if sender.app is self._app else None


def _is_limit(error: BaseException, task: Any) -> bool:
    """Whether it is what a time limit ends a greenlet by; the pool tells the request of that, too."""
    is_timeout = type(error).__name__ == "Timeout" and type(error).__module__.partition(".")[0] == "gevent"
    return is_timeout and bool((task.request.timelimit or [None])[0] or task.time_limit)
