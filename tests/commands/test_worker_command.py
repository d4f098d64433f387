"""``bureaucrat worker`` as a user has it: a process of its own."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from typing import Any

from command_shell import Program, Shell
from desk import Desk

from bureaucrat.amqp import Message
from bureaucrat.wire import encode_attempt

PARTICIPANTS = """
import time
from bureaucrat import participant

@participant("charge")
def charge(amount):
    return {"paid": amount}

@participant("slow")
def slow(n):
    time.sleep(0.02)
    return {"n": n}

@participant("stuck")
def stuck():
    print("asleep", flush=True)
    time.sleep(60)

@participant("bad")
def bad():
    raise ValueError("not now")
"""


def _begin(shell: Shell, url: str, *options: str) -> Program:
    shell.write("crew.py", PARTICIPANTS)
    program = shell.start("worker", "crew", "--amqp", url, *options)
    program.until("serving")
    return program


def _send(desk: Desk, name: str, number: int = 1, **fields: Any) -> None:
    content_type, body = encode_attempt(fields, target="i_0", token=f"t{number}", key="k", participant=name, attempt=1)
    desk.broker.publish(Message.of(f"worker_{name}", body, content_type=content_type), lambda: None)


async def _until(program: Program, text: str) -> None:
    await asyncio.to_thread(program.until, text)


async def test_it_says_what_it_serves_and_shows_attempts(shell: Shell, vhost_url: str) -> None:
    """With -v; and it ends well when it is told to."""
    program = _begin(shell, vhost_url, "-v", "--concurrency", "3")
    async with Desk(vhost_url) as desk:
        desk.consume("bureaucrat_msgs")
        _send(desk, "charge", amount=5)
        await desk.until(lambda: desk.received)
        _send(desk, "bad")
        await desk.until(lambda: len(desk.received) == 2)
    program.process.send_signal(signal.SIGTERM)
    code = program.end()

    shown = re.sub(r"\d\d:\d\d:\d\d\.\d+|\d+\.\d\d s", "…", "\n".join(program.lines)).splitlines()
    place = vhost_url.replace("guest:guest", "guest:***")
    assert (code, shown) == (
        0,
        [
            f"serving worker_charge, worker_slow, worker_stuck, worker_bad on {place} with 3 threads; Ctrl-C stops",
            "…  charge  i_0  done  …",
            "…  bad  i_0  error: ValueError: not now  …",
            "stopping: what is under way has 25.0 s; stop again to end at once",
        ],
    )


async def test_a_worker_that_is_killed_loses_nothing(shell: Shell, vhost_url: str) -> None:
    """What it had taken and not answered goes to the next one."""
    first = _begin(shell, vhost_url, "--concurrency", "4")
    async with Desk(vhost_url) as desk:
        desk.consume("bureaucrat_msgs")
        for number in range(300):
            _send(desk, "slow", number, n=number)
        await desk.until(lambda: len(desk.received) > 40)
        first.process.kill()
        first.end()
        _begin(shell, vhost_url)
        await desk.until(lambda: len(_numbers(desk)) == 300)
        await desk.depth("worker_slow", 0)

    assert _numbers(desk) == set(range(300))


def _numbers(desk: Desk) -> set[int]:
    return {json.loads(one.body)["fields"]["n"] for one in desk.received}


async def test_a_second_signal_ends_it_at_once(shell: Shell, vhost_url: str) -> None:
    """Whatever is under way."""
    program = _begin(shell, vhost_url)
    async with Desk(vhost_url) as desk:
        _send(desk, "stuck")
        await _until(program, "asleep")
        program.process.send_signal(signal.SIGTERM)
        await _until(program, "stopping")
        program.process.send_signal(signal.SIGTERM)

        assert program.end() == -signal.SIGTERM
        await desk.depth("worker_stuck", 1)


async def test_what_takes_longer_than_the_grace_is_given_back(shell: Shell, vhost_url: str) -> None:
    """And the worker ends well."""
    program = _begin(shell, vhost_url, "--grace", "100ms")
    async with Desk(vhost_url) as desk:
        _send(desk, "stuck")
        await _until(program, "asleep")
        program.process.send_signal(signal.SIGINT)

        assert program.end() == 0
        await desk.depth("worker_stuck", 1)
    assert "bureaucrat: warning: functions are not finished in time; given back" in program.lines


async def test_it_serves_again_when_the_broker_is_back(shell: Shell, vhost_url: str, rabbit: Any, vhost: str) -> None:
    """It says so, once."""
    program = _begin(shell, vhost_url)
    rabbit.close_connections(vhost)
    program.until("serving again")
    program.process.send_signal(signal.SIGTERM)

    assert program.end() == 0
    assert len([line for line in program.lines if "the broker is away" in line]) == 1


def test_it_refuses_to_begin_without_a_broker(shell: Shell) -> None:
    """With the reason and what to do, and without the password."""
    shell.write("crew.py", PARTICIPANTS)

    away = shell.run("worker", "crew", "--amqp", "amqp://guest:geheim@127.0.0.1:1/")
    wrong = shell.run("worker", "crew", "--amqp", "http://127.0.0.1")
    grace = shell.run("worker", "crew", "--grace", "soon")

    assert (away.returncode, away.stderr.splitlines()) == (
        3,
        [
            "bureaucrat: not started: RabbitMQ cannot be used: amqp://guest:***@127.0.0.1:1/: connection refused",
            "  check    rabbitmqctl status",
            "  another  -c config.ini, or in the environment BUREAUCRAT_AMQP_URL=amqp://user:password@host/vhost",
        ],
    )
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (
        3,
        "bureaucrat: not started: the broker's URL 'http://127.0.0.1' cannot be used; write "
        "amqp://user:password@host:port/vhost, or amqps:// with TLS; in a password, %23 stands for #, %2F for /, "
        "%3A for :, %3F for ? and %40 for @",
    )
    assert grace.returncode == 2
