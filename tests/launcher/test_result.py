"""``Launcher.result``, ``status``, ``event`` and ``cancel``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_daemon import PATIENCE, FakeDaemon, next_cancel, next_event, next_launch
from rabbit import Rabbit

from bureaucrat.errors import BureaucratError, Refused
from bureaucrat.launcher import (
    InstanceCanceled,
    InstanceFaulted,
    Launcher,
    LaunchRefused,
    NotYet,
    Result,
    Status,
    Unconfirmed,
)
from bureaucrat.wire import EventMessage, Terminate, encode_status

BARE = '<process name="order"><action participant="charge"/></process>'
INCIDENT = {"address": "x_0", "kind": "error", "code": "", "message": "carrier: 503", "opened": 1.0}


def question_of(daemon: FakeDaemon) -> str:
    """The instance that the next question is about."""
    return str(daemon.questions.get(timeout=PATIENCE).content.instance)


def test_the_result_of_an_instance_that_has_ended_is_there_at_once(daemon: FakeDaemon, launcher: Launcher) -> None:
    """The notice was long ago; the question finds it."""
    daemon.set("completed", "x", outcome="shipped", fields={"n": 1}, business_key="1017", started=1.5, ended=2.5)

    assert launcher.result("x", 20) == Result("x", "shipped", {"n": 1}, "order", "1017", 1.5, 2.5)


def test_the_result_is_awaited_until_the_notice(daemon: FakeDaemon, vhost_url: str) -> None:
    """Nobody asks again in between: the notice alone wakes."""
    with Launcher({"url": vhost_url}, ask_again=1000) as launcher, ThreadPoolExecutor(1) as threads:
        id = launcher.launch(BARE)
        waiting = threads.submit(launcher.result, id, PATIENCE)
        assert question_of(daemon) == id
        daemon.set_and_tell("completed", id, fields={"n": 2})

        assert waiting.result(PATIENCE).fields == {"n": 2}
        assert question_of(daemon) == id
        assert daemon.questions.empty()


def test_a_lost_notice_only_delays(daemon: FakeDaemon, launcher: Launcher) -> None:
    """It is asked again every few seconds; here, sooner."""
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(launcher.result, "x", PATIENCE)
        question_of(daemon)
        daemon.set("completed", "x")

        assert waiting.result(PATIENCE).instance == "x"


def test_a_lost_answer_only_delays(daemon: FakeDaemon, launcher: Launcher) -> None:
    """And what is no answer, or somebody else's, is passed over."""
    daemon.is_deaf = True
    daemon.set("completed", "x")
    good = encode_status(Status("x", True, status="completed"))[1]

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(launcher.result, "x", PATIENCE)
        asked = daemon.questions.get(timeout=PATIENCE)
        daemon.answer(asked, b"{")
        daemon.answer(asked, good, number="7")
        daemon.tell_raw("x", b"no notice")
        daemon.tell("activity.overdue", "x")
        daemon.questions.get(timeout=PATIENCE)
        assert not waiting.done()
        daemon.is_deaf = False

        assert waiting.result(PATIENCE).instance == "x"


def test_a_fault_is_raised_with_its_code(daemon: FakeDaemon, launcher: Launcher) -> None:
    """A program that cares can tell one from another."""
    daemon.set("faulted", "x", fault={"code": "Unpaid", "message": "no money"})
    daemon.set("failed", "y", fault=None)

    with pytest.raises(InstanceFaulted, match=r"^instance x has faulted: Unpaid: no money$") as caught:
        launcher.result("x")
    with pytest.raises(InstanceFaulted, match=r"^instance y has faulted$"):
        launcher.result("y")

    assert (caught.value.instance, caught.value.code, caught.value.message) == ("x", "Unpaid", "no money")


def test_a_canceled_instance_has_no_result(daemon: FakeDaemon, launcher: Launcher) -> None:
    """Whoever canceled it."""
    daemon.set("canceled", "x")

    with pytest.raises(InstanceCanceled, match=r"^instance x was canceled$") as caught:
        launcher.result("x")

    assert caught.value.instance == "x"
    assert caught.value.status.status == "canceled"


def test_a_launch_that_became_a_dead_letter_is_told_with_the_reason(daemon: FakeDaemon, launcher: Launcher) -> None:
    """Nobody waits for what will never be."""
    daemon.states["x"] = Status("x", False, dead="there is no process 'ordre'")

    with pytest.raises(LaunchRefused, match="instance x was not started: there is no process 'ordre'") as caught:
        launcher.result("x")

    assert (caught.value.instance, caught.value.reason) == ("x", "there is no process 'ordre'")
    assert launcher.status("x") == Status("x", False, dead="there is no process 'ordre'")


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([Status("x", True, status="running")], "instance x has not ended within 0.5 s; it is running"),
        (
            [Status("x", True, status="suspended", incidents=[INCIDENT])],
            "instance x has not ended within 0.5 s; it is suspended, with an incident (x_0: carrier: 503)",
        ),
        (
            [Status("x", True, status="running", incidents=[{}, INCIDENT])],
            "instance x has not ended within 0.5 s; it is running, with 2 incidents (x_0: carrier: 503)",
        ),
        ([], "instance x is not known within 0.5 s; its launch may still wait in the queue"),
    ],
)
def test_a_result_that_does_not_come_says_how_things_stand(
    daemon: FakeDaemon, launcher: Launcher, states: list[Status], message: str
) -> None:
    """It is a TimeoutError as well as an error of ours."""
    daemon.states.update({one.instance: one for one in states})

    with pytest.raises(TimeoutError) as caught:
        launcher.result("x", timeout=0.5)

    assert str(caught.value) == message
    assert isinstance(caught.value, BureaucratError)
    assert isinstance(caught.value, NotYet)
    assert caught.value.status == (states[0] if states else Status("x", False))


def test_where_nobody_answers_that_is_said(daemon: FakeDaemon, vhost_url: str) -> None:
    """By `status` after the launcher's own timeout, by `result` after that of the call."""
    daemon.is_deaf = True
    message = r"^nobody on amqp://guest:\*\*\*@.* has said within 0.5 s how instance x is; does a daemon run\?$"

    with Launcher({"url": vhost_url}, timeout=0.5) as launcher:
        with pytest.raises(NotYet, match=message) as caught:
            launcher.status("x")
        with pytest.raises(NotYet, match=message):
            launcher.result("x", timeout=0.5)

    assert caught.value.status is None


def test_the_status_of_an_instance_is_all_the_daemon_says(daemon: FakeDaemon, launcher: Launcher) -> None:
    """By the id that was wanted, too, where another replaced it."""
    id = launcher.launch(BARE, id="order 1017")
    next_launch(daemon)
    daemon.set("running", id, business_key="k", started=1.0, fields={"n": 1}, incidents=[INCIDENT])

    expected = Status(id, True, "order", "k", "running", None, 1.0, None, {"n": 1}, None, [INCIDENT])
    assert launcher.status("order 1017") == expected
    assert launcher.status(id) == expected


def test_questions_go_over_one_connection(daemon: FakeDaemon, launcher: Launcher) -> None:
    """Its queue is kept for the next question; none is left when the launcher is closed."""
    for _ in range(5):
        launcher.status("x")
    with pytest.raises(NotYet):
        launcher.result("x", timeout=0.1)
    asked = [daemon.questions.get(timeout=PATIENCE).properties for _ in range(5)]

    assert len({one.reply_to for one in asked}) == 1
    assert len({one.correlation_id for one in asked}) == 5


def test_a_queue_for_answers_that_is_deleted_is_made_again(
    rabbit: Rabbit, vhost: str, daemon: FakeDaemon, launcher: Launcher
) -> None:
    """The broker tells that it has canceled the consumer; the connection stays open."""
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(launcher.result, "x", PATIENCE)
        asked = daemon.questions.get(timeout=PATIENCE)
        rabbit.delete_queue(str(asked.properties.reply_to), vhost)
        daemon.set("completed", "x")

        assert waiting.result(PATIENCE).instance == "x"


def test_a_program_that_comes_before_the_daemon_makes_the_exchange_of_notices(vhost_url: str) -> None:
    """The daemon declares the same when it comes."""
    with FakeDaemon(vhost_url, has_exchange=False) as first, Launcher({"url": vhost_url}, ask_again=0.1) as launcher:
        first.set("completed", "x")
        assert launcher.result("x", PATIENCE).instance == "x"

    with FakeDaemon(vhost_url) as second, Launcher({"url": vhost_url}, ask_again=1000) as launcher:
        second.set("completed", "y")
        assert launcher.result("y", PATIENCE).instance == "y"


def test_an_event_is_sent_with_an_id_of_its_own(daemon: FakeDaemon, launcher: Launcher) -> None:
    """B-040: the name beside the data; the name of a property may be `name`."""
    first = launcher.event("payment.authorized", order_id=1017, name="Ann")
    second = launcher.event("payment.authorized")

    came = daemon.events.get(timeout=PATIENCE)
    assert came.content == EventMessage(first, "payment.authorized", {"order_id": 1017, "name": "Ann"})
    assert (came.properties.content_type, came.properties.delivery_mode) == ("application/json", 2)
    assert next_event(daemon) == EventMessage(second, "payment.authorized", {})
    assert first != second


@pytest.mark.parametrize(
    ("send", "reason"),
    [
        (lambda launcher: launcher.event("x" * 256), "this cannot be sent: event has more than 255 bytes"),
        (lambda launcher: launcher.event(""), "this cannot be sent: event is empty; 1 to 255 bytes are expected"),
        (lambda launcher: launcher.event("x", event=1), "the body of an event cannot have the key 'event'"),
        (
            lambda launcher: launcher.event("x", a={"b": b""}),
            "the fields are no JSON: a.b is a bytes, which is no JSON",
        ),
    ],
)
def test_an_event_that_nobody_could_read_is_refused(send: Callable[[Launcher], object], reason: str) -> None:
    """Before it is sent: no broker is needed."""
    with Launcher({"port": 1}) as launcher, pytest.raises(Refused) as caught:
        send(launcher)

    assert str(caught.value).startswith(reason)


def test_an_instance_is_canceled_with_a_reason_or_without(daemon: FakeDaemon, launcher: Launcher) -> None:
    """B-096: under the old name, so that any daemon understands it."""
    launcher.cancel("x", "changed their mind")
    launcher.cancel("y", compensate=True)
    launcher.cancel("order 1017")

    assert next_cancel(daemon) == Terminate("x", "changed their mind")
    assert next_cancel(daemon) == Terminate("y", compensate=True)
    assert next_cancel(daemon).target == launcher.launch(BARE, id="order 1017")


def test_a_closed_launcher_refuses_and_whoever_waits_gives_up(daemon: FakeDaemon, vhost_url: str) -> None:
    """To close it twice is no mistake."""
    launcher = Launcher({"url": vhost_url}, timeout=PATIENCE, ask_again=0.1)
    launcher.close()
    launcher.close()
    for use in (launcher.launch, launcher.status):
        with pytest.raises(Refused, match="the launcher is closed"):
            use(BARE)

    other = Launcher({"host": "127.0.0.1", "port": 1}, timeout=1000)
    third = Launcher({"url": vhost_url}, ask_again=1000)
    with ThreadPoolExecutor(3) as threads:
        launching = threads.submit(other.launch, BARE)
        asking = threads.submit(other.status, "x")
        waiting = threads.submit(third.result, "x", 1000)
        daemon.questions.get(timeout=PATIENCE)
        other.close()
        third.close()
        with pytest.raises((Unconfirmed, Refused)):
            launching.result(PATIENCE)
        with pytest.raises((NotYet, Refused)):
            asking.result(PATIENCE)
        with pytest.raises(NotYet):
            waiting.result(PATIENCE)


def test_a_launcher_that_was_not_used_connects_to_nothing() -> None:
    """It can be made where there is no broker yet."""
    before = threading.active_count()

    with Launcher({"host": "nowhere.invalid"}):
        assert threading.active_count() == before
