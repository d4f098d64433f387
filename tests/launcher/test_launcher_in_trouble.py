"""A launcher whose broker goes away, stands still or is full; many threads; a program that forks."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pika
import pytest
from fake_daemon import PATIENCE, FakeDaemon, next_launch
from rabbit import Rabbit, free_port

from bureaucrat.errors import BrokerUnavailable
from bureaucrat.launcher import Launcher, NotYet, Unconfirmed

BARE = '<process name="order"><action participant="charge"/></process>'
FORKING = Path(__file__).parent / "forking.py"


class Bell(Exception):
    """What a signal's handler raises."""


def launched(daemon: FakeDaemon, count: int) -> set[str]:
    """The ids of the next so many launches, each counted once."""
    found: set[str] = set()
    while len(found) < count:
        found.add(next_launch(daemon).id or "")
    return found


def test_a_connection_that_the_broker_has_closed_is_made_again(
    rabbit: Rabbit, vhost: str, daemon: FakeDaemon, launcher: Launcher
) -> None:
    """As after an idle hour: the caller notices nothing."""
    first = launcher.launch(BARE)
    assert launched(daemon, 1) == {first}
    assert not launcher.status("x").known

    rabbit.close_connections(vhost)

    with FakeDaemon(rabbit.vhost_url(vhost)) as again:
        second = launcher.launch(BARE)
        assert launched(again, 1) == {second}
        assert not launcher.status("x").known


def test_between_two_calls_the_broker_may_be_killed_and_come_back(mortal_rabbit: Rabbit) -> None:
    """What was confirmed before is there afterwards."""
    with Launcher({"url": mortal_rabbit.url}, timeout=PATIENCE, ask_again=0.2) as launcher:
        with FakeDaemon(mortal_rabbit.url, kind="classic") as daemon:
            first = launcher.launch(BARE)
            assert launched(daemon, 1) == {first}
        kept = launcher.launch(BARE)
        mortal_rabbit.kill()
        mortal_rabbit.start()
        last = launcher.launch(BARE)

        with FakeDaemon(mortal_rabbit.url, kind="classic") as daemon:
            assert launched(daemon, 2) == {kept, last}
            daemon.set("completed", last)
            assert launcher.result(last, PATIENCE).instance == last


def test_whoever_waits_while_the_broker_is_killed_gets_the_result(mortal_rabbit: Rabbit) -> None:
    """The link is made again, and asks."""
    with (
        Launcher({"url": mortal_rabbit.url}, timeout=PATIENCE, ask_again=0.2) as launcher,
        ThreadPoolExecutor(1) as threads,
    ):
        with FakeDaemon(mortal_rabbit.url, kind="classic") as daemon:
            waiting = threads.submit(launcher.result, "x", 60)
            daemon.questions.get(timeout=PATIENCE)
            mortal_rabbit.kill()
        assert not waiting.done()
        mortal_rabbit.start()

        with FakeDaemon(mortal_rabbit.url, kind="classic") as daemon:
            daemon.set_and_tell("completed", "x", fields={"n": 1})
            assert waiting.result(60).fields == {"n": 1}


def test_a_launch_waits_for_a_broker_that_is_only_just_starting(mortal_rabbit: Rabbit) -> None:
    """As long as its timeout lasts."""
    with FakeDaemon(mortal_rabbit.url, kind="classic"):
        pass
    mortal_rabbit.kill()

    with Launcher({"url": mortal_rabbit.url}, timeout=60) as launcher, ThreadPoolExecutor(1) as threads:
        launching = threads.submit(launcher.launch, BARE)
        mortal_rabbit.start()
        with FakeDaemon(mortal_rabbit.url, kind="classic") as daemon:
            assert launched(daemon, 1) == {launching.result(60)}


def test_where_no_broker_is_a_call_gives_up_in_time_and_has_sent_nothing() -> None:
    """The error is that of a broker that cannot be used, and tells why."""
    with Launcher({"host": "127.0.0.1", "port": free_port()}, timeout=0.5) as launcher:
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable) as caught:
            launcher.launch(BARE)
        took = time.monotonic() - started
        with pytest.raises(NotYet, match=r"how instance x is \(connection refused\); does a daemon run\?"):
            launcher.status("x")

    assert isinstance(caught.value, Unconfirmed)
    assert not caught.value.may_have_been_sent
    assert "has not confirmed the message within 0.5 s (connection refused); it was not sent" in str(caught.value)
    assert took < 3


def test_a_broker_that_stands_still_is_given_up_in_time(mortal_rabbit: Rabbit) -> None:
    """Before it has said hello nothing was sent; after that nobody knows, and to repeat it with the same id is safe."""
    with (
        FakeDaemon(mortal_rabbit.url, kind="classic") as daemon,
        Launcher({"url": mortal_rabbit.url}, timeout=1.0) as old,
        Launcher({"url": mortal_rabbit.url}, timeout=1.0) as new,
    ):
        old.launch(BARE, id="first")
        mortal_rabbit.freeze()
        started = time.monotonic()
        try:
            with pytest.raises(Unconfirmed, match=r"\(there was no answer in time\); it may have been sent") as sent:
                old.launch(BARE, id="second")
            with pytest.raises(Unconfirmed, match="it was not sent") as unsent:
                new.launch(BARE, id="third")
        finally:
            mortal_rabbit.thaw()
        took = time.monotonic() - started

        assert (sent.value.may_have_been_sent, unsent.value.may_have_been_sent) == (True, False)
        assert took < 8
        assert old.launch(BARE, id="second") == "second"
        assert launched(daemon, 2) == {"first", "second"}


def test_a_broker_that_says_nothing_is_given_up_and_a_signal_interrupts_the_wait() -> None:
    """What listens there may be anything."""

    def ring(*_: object) -> None:
        raise Bell

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"amqp://127.0.0.1:{silent.getsockname()[1]}/"
        with (
            Launcher({"url": url}, timeout=0.5) as launcher,
            pytest.raises(Unconfirmed, match=r"\(there was no answer in time\); it was not sent"),
        ):
            launcher.launch(BARE)
        with Launcher({"url": url}, timeout=1000) as launcher:
            before = signal.signal(signal.SIGALRM, ring)
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.3)
                with pytest.raises(Bell):
                    launcher.launch(BARE)
                signal.setitimer(signal.ITIMER_REAL, 0.3)
                with pytest.raises(Bell):
                    launcher.result("x", 1000)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)


def test_a_queue_that_is_full_is_told_as_that(vhost_url: str) -> None:
    """The message is refused until there is room again."""
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    connection = pika.BlockingConnection(pika.URLParameters(vhost_url))
    channel = connection.channel()
    for queue in ("bureaucrat", "bureaucrat_msgs"):
        channel.queue_declare(queue, durable=True, arguments=full)

    with Launcher({"url": vhost_url}, timeout=0.5, ask_again=0.1) as launcher:
        launcher.launch(BARE)
        with pytest.raises(Unconfirmed, match=r"the broker refuses the message; is its queue full\?\)"):
            launcher.launch(BARE)
        launcher.cancel("x")
        with pytest.raises(NotYet, match=r"\(the broker refuses the question; is its queue full\?\)"):
            launcher.status("x")
        channel.basic_get("bureaucrat", auto_ack=True)
        assert launcher.launch(BARE, id="x") == "x"
    connection.close()


def test_an_idle_connection_that_the_broker_gives_up_is_made_again(
    rabbit: Rabbit, vhost: str, vhost_url: str, tmp_path: Path, daemon: FakeDaemon
) -> None:
    """Nobody sends heartbeats while a launcher is idle, and none has to."""
    (tmp_path / "config.ini").write_text(f"[amqp]\nurl = {vhost_url}\nheartbeat = 1\n")
    with Launcher(tmp_path / "config.ini", timeout=PATIENCE) as launcher:
        first = launcher.launch(BARE)
        assert not launcher.status("x").known
        until = time.monotonic() + PATIENCE
        while rabbit.ctl("list_connections", "vhost", "timeout").count(f"{vhost}\t1\n") and time.monotonic() < until:
            threading.Event().wait(0.2)
        assert time.monotonic() < until

        second = launcher.launch(BARE)
        assert not launcher.status("x").known
        assert launched(daemon, 2) == {first, second}


def test_a_user_who_may_not_do_what_is_needed_is_told(rabbit: Rabbit, vhost: str, daemon: FakeDaemon) -> None:
    """The broker closes the channel; the connection is closed by us."""
    rabbit.ctl("add_user", f"u{vhost}", "p")
    rabbit.ctl("set_permissions", "-p", vhost, f"u{vhost}", "^$", "^$", "^$")
    url = rabbit.vhost_url(vhost).replace("guest:guest", f"u{vhost}:p")

    with Launcher({"url": url}, timeout=0.5) as launcher:
        with pytest.raises(BrokerUnavailable, match="ACCESS_REFUSED"):
            launcher.launch(BARE)
        with pytest.raises(NotYet, match="ACCESS_REFUSED"):
            launcher.status("x")


def test_a_broker_without_memory_is_told_as_that(mortal_rabbit: Rabbit) -> None:
    """It stops reading; what it had not read may still arrive later."""
    with (
        FakeDaemon(mortal_rabbit.url, kind="classic") as daemon,
        Launcher({"url": mortal_rabbit.url}, timeout=1.0) as launcher,
    ):
        launcher.launch(BARE, id="first")
        mortal_rabbit.block()
        try:
            with pytest.raises(Unconfirmed, match="it may have been sent") as caught:
                launcher.launch(BARE, id="second")
        finally:
            mortal_rabbit.unblock()

        assert "the broker takes no messages; it is short of memory or disk space" in str(caught.value)
        launcher.launch(BARE, id="second")
        assert launched(daemon, 2) == {"first", "second"}


def test_many_threads_share_a_launcher(daemon: FakeDaemon, launcher: Launcher) -> None:
    """Some launch, some wait, some ask; nobody gets what is another's, and those that wait keep nobody else waiting."""
    for id in ("a", "b", "c"):
        daemon.set("running", id)
    ready = threading.Barrier(13)

    def launch(number: int) -> list[str]:
        ready.wait(PATIENCE)
        return [launcher.launch(BARE, {"n": number}) for _ in range(10)]

    def ask(id: str) -> str:
        ready.wait(PATIENCE)
        return "".join(launcher.status(id).instance for _ in range(5))

    with ThreadPoolExecutor(16) as threads:
        waiting = {id: threads.submit(launcher.result, id, PATIENCE) for id in ("a", "b", "c")}
        launching = [threads.submit(launch, number) for number in range(10)]
        asking = [threads.submit(ask, id) for id in ("a", "b", "c")]
        ids = [id for one in launching for id in one.result(PATIENCE)]
        assert [one.result(PATIENCE) for one in asking] == ["aaaaa", "bbbbb", "ccccc"]
        assert not any(one.done() for one in waiting.values())
        for id in waiting:
            daemon.set_and_tell("completed", id, outcome=id)
        assert {id: one.result(PATIENCE).outcome for id, one in waiting.items()} == {"a": "a", "b": "b", "c": "c"}

    assert len(set(ids)) == 100
    assert launched(daemon, 100) == set(ids)
    assert daemon.launches.empty(), "nothing was sent twice"


def test_threads_that_cannot_have_their_turn_give_up_in_time(mortal_rabbit: Rabbit) -> None:
    """The timeout counts from the call, not from the turn."""
    with FakeDaemon(mortal_rabbit.url, kind="classic"), Launcher({"url": mortal_rabbit.url}, timeout=1.0) as launcher:
        launcher.launch(BARE)
        mortal_rabbit.freeze()
        try:
            with ThreadPoolExecutor(6) as threads:
                started = time.monotonic()
                launching = [threads.submit(launcher.launch, BARE) for _ in range(6)]
                errors = [one.exception(PATIENCE) for one in launching]
                took = time.monotonic() - started
        finally:
            mortal_rabbit.thaw()

    assert all(isinstance(error, Unconfirmed) for error in errors)
    assert took < 6


def test_processes_that_were_forked_share_no_connection(daemon: FakeDaemon, vhost_url: str) -> None:
    """Each child has its own, whatever the parent's threads were doing; the parent keeps the one it had."""
    command = [sys.executable, "-W", "error::ResourceWarning", str(FORKING), vhost_url]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    lines = ended.stdout.splitlines()
    assert lines[-1] == "codes [0, 0, 0, 0, 0] same True"
    ids = {line.split()[0] for line in lines[:-1] if line.endswith("True")}
    assert len(ids) == len(lines) - 1 >= 16
    assert launched(daemon, len(ids)) == ids
