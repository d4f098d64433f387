"""What is answered for a task, by how it ends: Celery's own tracer and requests, without a worker."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from billiard.einfo import ExceptionInfo
from celery import Celery, signals
from celery.app.trace import trace_task
from celery.exceptions import Ignore, Reject, Retry, TimeLimitExceeded, WorkerLostError, WorkerTerminate
from celery.worker.request import Request

from bureaucrat import Fault
from bureaucrat.celery.watching import Watch
from bureaucrat.wire import Asked, attempt_headers

ASKED = Asked("t", "k", "i_0", "celery:shop.any", 1, "workitem", None, "bureaucrat_msgs")
WORKITEM = {"header": {"message": "response", "target": "i_0", "token": "t"}, "fields": {"n": 1}}
NO_FIELDS = {"status": "error", "error": "TypeError: it returned a list; return a dict of changed fields, or nothing"}
STOPPED = {"status": "error", "error": "WorkerTerminate"}
_SIGNALS = ("success", "failure", "postrun", "revoked", "unknown", "rejected")


class Declined(Exception):
    """A fault by the mapping."""


def passes(workitem: Any) -> None: ...


class Shop:
    """An app with one task, which does what the test says, and the answers that are given for it."""

    def __init__(self) -> None:
        self.app = Celery("shop", set_as_current=False, backend="cache+memory://")
        self.does: Any = lambda: None
        self.answers: list[dict[str, Any]] = []  #: where work is done
        self.soon: list[dict[str, Any]] = []  #: in the main process
        self.done: list[str] = []  #: with the message

        @self.app.task(name="shop.any", shared=False, bind=True)
        def any_of_them(task: Any, *args: Any, **kwargs: Any) -> Any:
            return self.does(*args, **kwargs)

        self.task = any_of_them
        self.watch = Watch(
            self.app,
            lambda asked, fields: self.answers.append(fields),
            lambda asked, fields: self.soon.append(fields),
            {Declined: "CardRefused"},
        )
        self.watch.connect()

    def run(self, does: Any, *args: Any, asked: Asked | None = ASKED, **kwargs: Any) -> list[dict[str, Any]]:
        """Have the task done as a worker does it."""
        self.does = does
        request: dict[str, Any] = {"id": "1", "delivery_info": {}, "ignore_result": True}
        request |= {} if asked is None else attempt_headers(asked)
        given = args if args or kwargs else ({**WORKITEM, "fields": {"n": 1}},)
        trace_task(self.app.tasks["shop.any"], "1", given, kwargs, request, app=self.app)
        return self.answers

    def request(self, *, redelivered: bool = False, asked: bool = True, **options: Any) -> Any:
        """A message that a worker has taken."""
        task = self.app.tasks["shop.any"]
        for name, value in options.items():
            setattr(task, name, value)
        headers = {"id": "1", "task": "shop.any", "ignore_result": True, **(attempt_headers(ASKED) if asked else {})}
        message = type("Message", (), {})()
        message.headers, message.properties, message.body = headers, {}, json.dumps([[WORKITEM], {}, {}])
        message.delivery_info = {"redelivered": redelivered}
        message.payload = [[WORKITEM], {}, {}]
        message.content_type, message.content_encoding = "application/json", "utf-8"
        made = self.watch.wrap(Request)(
            message,
            app=self.app,
            task=task,
            on_ack=lambda *_: self.done.append("acknowledged"),
            on_reject=lambda log, errors, requeue: self.done.append("requeued" if requeue else "rejected"),
        )
        return made


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Whose receivers are forgotten afterwards."""
    before = {name: list(getattr(signals, f"task_{name}").receivers or []) for name in _SIGNALS}
    yield Shop()
    for name, receivers in before.items():
        getattr(signals, f"task_{name}").receivers = receivers


def raising(error: BaseException) -> Any:
    def does(*_: Any) -> None:
        raise error

    return does


@pytest.mark.parametrize(
    ("returned", "fields"),
    [
        ({**WORKITEM, "fields": {"n": 2}}, {"n": 2}),
        ({"name": "response", "target": "i_0", "payload": {"n": 3, "inst:token": "t"}}, {"n": 3}),
        ({"n": 4}, {"n": 4}),
        (None, {"n": 1}),
        (
            [1],
            {"status": "error", "error": "TypeError: it returned a list; return a dict of changed fields, or nothing"},
        ),
    ],
)
def test_what_is_returned_is_the_answer(shop: Shop, returned: Any, fields: dict[str, Any]) -> None:
    """A workitem in either form, changes, nothing; anything else is an error."""
    assert shop.run(lambda workitem: returned) == [fields]


def test_what_a_function_changes_in_the_workitem_counts(shop: Shop) -> None:
    """If it returns nothing."""
    assert shop.run(lambda workitem: workitem["fields"].update(n=7)) == [{"n": 7}]


def test_what_a_task_of_others_returns_has_the_name_that_the_action_gives(shop: Shop) -> None:
    asked = Asked("t", "k", "i_0", "celery:shop.any", 1, "kwargs", "total", "bureaucrat_msgs")

    assert shop.run(lambda price: [price], asked=asked, price=5) == [{"total": [5]}]


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (OSError("no paper"), {"status": "error", "error": "OSError: no paper"}),
        (Fault("NoCover", "why"), {"status": "critical", "code": "NoCover", "error": "why"}),
        (Declined("why"), {"status": "critical", "code": "CardRefused", "error": "Declined: why"}),
        (Reject("unknown"), {"status": "error", "error": "the task was rejected: unknown"}),
    ],
)
def test_what_is_raised_is_the_answer(shop: Shop, error: Exception, fields: dict[str, Any]) -> None:
    """L32: an error, a fault, a class that was named as one."""
    assert shop.run(raising(error)) == [fields]


def test_a_task_that_ignores_itself_is_an_error(shop: Shop) -> None:
    """Nobody else would ever say that it has ended."""
    (fields,) = shop.run(raising(Ignore()))

    assert fields["error"].startswith("the task ended with Ignore")


@pytest.mark.parametrize("error", [Retry("later"), Reject("later", requeue=True)])
def test_what_comes_again_is_no_answer(shop: Shop, error: Exception) -> None:
    """A retry of Celery's, and a rejection that requeues."""
    assert shop.run(raising(error)) == []


def test_what_leaves_a_function_ends_it(shop: Shop) -> None:
    """``sys.exit()`` is an answer."""
    with pytest.raises(SystemExit):
        shop.run(raising(SystemExit(3)))

    assert shop.answers == [{"status": "error", "error": "SystemExit: 3"}]


@pytest.mark.parametrize(("acks_late", "answers"), [(True, []), (False, [STOPPED])])
def test_a_worker_that_stops_answers_only_for_what_does_not_come_again(
    shop: Shop, acks_late: bool, answers: list[dict[str, Any]]
) -> None:
    """What was not acknowledged is delivered to another."""
    shop.app.tasks["shop.any"].acks_late = acks_late

    with pytest.raises(WorkerTerminate):
        shop.run(raising(WorkerTerminate()))
    assert shop.answers == answers


def test_what_no_process_has_asked_for_is_not_touched(shop: Shop) -> None:
    """Tasks go on to be what they were; so do those of other apps in the program."""
    shop.run(lambda *_: "x", asked=None)
    shop.run(raising(OSError()), asked=None)
    shop.watch.ended_by(shop.request(asked=False), WorkerLostError("x"))
    other = Celery("other", set_as_current=False)
    other.task(name="shop.any", shared=False)(passes)
    trace_task(other.tasks["shop.any"], "1", (WORKITEM,), {}, {"id": "1", **attempt_headers(ASKED)}, app=other)

    assert (shop.answers, shop.soon) == ([], [])


# -- the main process


def info(error: BaseException) -> ExceptionInfo:
    try:
        raise error
    except BaseException:
        return ExceptionInfo()


LOST = {"status": "error", "error": "the process that worked on it was lost: gone"}


@pytest.mark.parametrize(
    ("options", "soon", "done"),
    [
        ({}, [LOST], []),  # acknowledged when it began
        ({"acks_late": True, "reject_on_worker_lost": False}, [LOST], ["acknowledged"]),
        ({"acks_late": True, "reject_on_worker_lost": True}, [], ["requeued"]),
        ({"acks_late": True, "reject_on_worker_lost": True, "redelivered": True}, [LOST], ["acknowledged"]),
    ],
    ids=["early", "late", "requeued", "requeued twice"],
)
def test_a_lost_process_is_an_answer_unless_the_message_comes_again(
    shop: Shop, options: dict[str, Any], soon: list[Any], done: list[str]
) -> None:
    """What has ended two processes is not given to a third."""
    shop.request(**options).on_failure(info(WorkerLostError("gone")))

    assert (shop.soon, shop.done) == (soon, done)
    assert shop.answers == []


def test_a_time_limit_is_answered_once(shop: Shop) -> None:
    """The pool tells of it twice."""
    request = shop.request(acks_late=True, reject_on_worker_lost=True)

    request.on_timeout(True, 1)
    request.on_failure(info(TimeLimitExceeded(2)))
    request.on_timeout(False, 2)

    assert shop.soon == [{"status": "error", "error": "the Celery task has exceeded its time limit of 2 s"}]


@pytest.mark.parametrize(("limit", "answers"), [(2, []), (None, [{"status": "error", "error": "Timeout: 2 seconds"}])])
def test_a_greenlet_leaves_its_time_limit_to_the_pool(
    shop: Shop, limit: int | None, answers: list[dict[str, Any]]
) -> None:
    """Which tells the request; without a limit the function has raised it itself."""
    shop.app.tasks["shop.any"].time_limit = limit
    timeout = gevent.Timeout(2)

    with pytest.raises(gevent.Timeout):
        shop.run(raising(timeout))

    assert shop.answers == answers


def test_what_the_pool_cannot_bring_back_is_answered(shop: Shop) -> None:
    shop.request().on_failure(info(ValueError("no pickle")))

    assert shop.soon == [{"status": "error", "error": "ValueError: no pickle"}]


def test_a_task_that_celery_retries_itself_after_a_loss_is_not_answered(shop: Shop) -> None:
    """``retry_on_worker_lost``, of newer versions; the last time it is."""
    request = shop.request(retry_on_worker_lost=True, max_retries=1)
    shop.watch.ended_by(request, WorkerLostError("gone"))
    before = list(shop.soon)
    request.request_dict["retries"] = 1
    shop.watch.ended_by(request, WorkerLostError("gone"))

    assert (before, shop.soon) == ([], [LOST])


@pytest.mark.parametrize(
    ("signum", "expired", "how"),
    [(None, False, "was revoked"), (signal.SIGTERM, False, "was terminated"), (None, True, "expired")],
)
def test_a_revoked_task_is_an_answer(shop: Shop, signum: Any, expired: bool, how: str) -> None:
    request = shop.request()

    request._announce_revoked("why", signum is not None, signum, expired)

    assert shop.soon == [{"status": "error", "error": f"the Celery task {how}"}]


def test_messages_that_a_worker_cannot_use_are_answered(shop: Shop) -> None:
    """It knows no such task, or cannot read the arguments; those of nobody are passed over."""
    consumer = type("Consumer", (), {"app": shop.app, "hostname": "shop@here"})()
    message = type("Message", (), {"headers": attempt_headers(ASKED)})()
    nobodys = type("Message", (), {"headers": None})()

    for one in (message, nobodys):
        signals.task_unknown.send(sender=consumer, message=one, exc=KeyError(), name="shop.none", id="1")
        signals.task_rejected.send(sender=consumer, message=one, exc=ValueError("no args"))

    assert [fields["error"] for fields in shop.soon] == [
        "NotRegistered: the worker shop@here knows no Celery task 'shop.none'",
        "the worker shop@here cannot read the message: no args",
    ]
