"""What the service manager and those who ask for the health are told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from service_manager import TIMEOUT, Manager

from bureaucrat.daemon.announcer import Announcer
from bureaucrat.daemon.health import Status
from bureaucrat.daemon.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A socket in the file system, and one that has only a name."""
    made = Manager(str(tmp_path / "notify") if request.param == "path" else f"@bureaucrat-{os.getpid()}-{id(request)}")
    yield made
    made.close()


def test_a_service_manager_hears_what_happens(manager: Manager) -> None:
    """sd_notify(3): READY, STATUS, WATCHDOG, STOPPING; a status is one line."""
    notifier = Notifier({"NOTIFY_SOCKET": manager.name}, 1)

    notifier.ready("serving")
    notifier.status("3 queues\nREADY=0")
    notifier.alive()
    notifier.stopping("stopping")

    assert [manager.hear() for _ in range(4)] == [
        ["READY=1", "STATUS=serving"],
        ["STATUS=3 queues READY=0"],
        ["WATCHDOG=1"],
        ["STOPPING=1", "STATUS=stopping"],
    ]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_without_a_service_manager_nothing_happens(environ: dict[str, str]) -> None:
    """Nor with one that is gone."""
    notifier = Notifier(environ, 1)

    notifier.ready("serving")
    notifier.alive()

    assert notifier.watchdog is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
    ],
)
def test_the_watchdog_is_for_the_process_it_names(environ: dict[str, str], expected: float | None) -> None:
    """In seconds."""
    assert Notifier(environ, 7).watchdog == expected


class Hours:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_ready_when_it_says_so_and_not_before(manager: Manager) -> None:
    """And not any more when it stops."""
    announcer = Announcer(Notifier({"NOTIFY_SOCKET": manager.name}, 1), Hours())
    states = [announcer.status()]

    announcer.ready("serving")
    states.append(announcer.status())
    announcer.publish(Status(True, False, ["no broker"], {"broker": "away"}))
    states.append(announcer.status())
    announcer.stopping("stopping")
    states.append(announcer.status())

    assert states == [
        Status(True, False, ["it is starting"]),
        Status(True, True),
        Status(True, False, ["no broker"], {"broker": "away"}),
        Status(True, False, ["it is stopping"], {"broker": "away"}),
    ]


def test_a_loop_that_does_not_beat_is_not_alive() -> None:
    """After 10 seconds; a beat brings it back."""
    hours = Hours()
    announcer = Announcer(Notifier({}, 1), hours)
    announcer.publish(Status(True, True))
    alive = []

    for step in (9.9, 0.1, 100.0):
        hours.now += step
        alive.append(announcer.status().is_alive)
    announcer.beaten(0.0)
    alive.append(announcer.status().is_alive)

    assert alive == [True, False, False, True]


def test_the_watchdog_is_told_only_of_beats_in_time(manager: Manager) -> None:
    """A beat that is a second late, or of something that is not alive, is not passed on."""
    announcer = Announcer(Notifier({"NOTIFY_SOCKET": manager.name}, 1), Hours())

    announcer.beaten(1.0)
    announcer.publish(Status(False, False))
    announcer.beaten(0.0)
    announcer.say("after the two")
    announcer.publish(Status(True, False))
    announcer.beaten(0.99)

    assert [manager.hear(), manager.hear()] == [["STATUS=after the two"], ["WATCHDOG=1"]]


async def test_it_beats_as_often_as_the_watchdog_needs(manager: Manager) -> None:
    """A third of its interval, once a second at least."""
    environ = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "30000"}
    announcer = Announcer(Notifier(environ, 1))

    beating = asyncio.create_task(announcer.beat())
    heard = [await asyncio.wait_for(asyncio.to_thread(manager.hear), TIMEOUT) for _ in range(3)]
    beating.cancel()

    assert heard == [["WATCHDOG=1"]] * 3
