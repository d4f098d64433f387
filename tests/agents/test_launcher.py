"""Agents in processes of their own (M-062…M-069)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from service import until

from bureaucrat.agents.launcher import (
    AgentsManager,
    GroupInterrupt,
    ServerInterrupt,
    init_agent,
    load_configuration,
    run,
)
from bureaucrat.agents.tools.memory import MemoryBroker, MemorySignalBus

AGENTS = '''
import asyncio, os, pathlib
from bureaucrat.agents import MicroAgent, ServerInterrupt, on, receiver, consumer, Signal, Queue

SIGNAL, QUEUE = Signal("launched_signal", []), Queue("launched_queue")


class Noting(MicroAgent):
    """Notes what happens to it in a file."""

    def __init__(self, notes="notes", **given):
        self.notes = pathlib.Path(notes)
        super().__init__(**given)

    def note(self, text):
        with self.notes.open("a") as notes:
            notes.write(f"{type(self).__name__} {text}\\n")

    @on("pre_start")
    def before(self):
        self.note(f"pre_start in {os.getpid()}")

    @on("pre_stop")
    async def last(self):
        self.note("pre_stop")


class Receiving(Noting):
    @receiver(SIGNAL)
    async def hear(self, **_):
        pass

    @consumer(QUEUE)
    async def take(self, **_):
        pass


class Ending(Noting):
    @on("server")
    async def serve(self):
        raise ServerInterrupt("done")


class Failing(Noting):
    @on("server")
    async def serve(self):
        raise RuntimeError("no port")


class Stuck(Noting):
    @on("pre_stop")
    async def last(self):
        self.note("pre_stop")
        await asyncio.Event().wait()


class NeverReady(Noting):
    @on("pre_start")
    async def before(self):
        self.note(f"pre_start in {os.getpid()}")
        await asyncio.Event().wait()
'''

SETTINGS = """
import logging

logging.basicConfig(format="OURS %(name)s %(message)s", level=logging.INFO)
BUS = {"main": {"backend": "bureaucrat.agents.tools.memory.MemorySignalBus", "dsn": "memory://l", "prefix": "PREF"}}
BROKER = {"main": {"backend": "microagent.tools.memory.MemoryBroker", "dsn": "memory://l"}}
AGENT = {
    "first": {"backend": "launched_agents.Receiving", "bus": "main", "broker": "main", "notes": "first.txt"},
    "second": {"backend": "launched_agents.Noting", "notes": "second.txt"},
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with agents and settings, in which programs are started."""
    (tmp_path / "launched_agents.py").write_text(AGENTS)
    (tmp_path / "launched_settings.py").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("launched_agents", "launched_settings"):
        sys.modules.pop(name, None)


def notes(path: Path) -> list[str]:
    return [line.split(" in ")[0] for line in path.read_text().splitlines()] if path.exists() else []


# -- settings


def test_settings_are_unfolded_for_each_agent(folder: Path) -> None:
    """M-063, M-064."""
    assert list(load_configuration("launched_settings")) == [
        (
            "first",
            (
                "launched_agents.Receiving",
                {
                    "bus": {
                        "backend": "bureaucrat.agents.tools.memory.MemorySignalBus",
                        "dsn": "memory://l",
                        "prefix": "PREF",
                    },
                    "broker": {"backend": "microagent.tools.memory.MemoryBroker", "dsn": "memory://l"},
                    "notes": "first.txt",
                },
            ),
        ),
        ("second", ("launched_agents.Noting", {"notes": "second.txt"})),
    ]


async def test_an_agent_is_made_with_its_bus_its_broker_and_its_own_arguments(folder: Path) -> None:
    """M-063, M-065: also back ends that are named as the original's."""
    (_, (backend, cfg)), _ = load_configuration("launched_settings")

    agent: Any = init_agent(backend, {**cfg, "restart": "one"})

    assert (type(agent).__name__, agent.notes) == ("Receiving", Path("first.txt"))
    assert isinstance(agent.bus, MemorySignalBus)
    assert isinstance(agent.broker, MemoryBroker)
    assert (agent.bus.dsn, agent.bus.prefix, agent.bus.receivers) == ("memory://l", "PREF", {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "odd_settings has no agents; write AGENT = "),
        ("AGENT = {'a': {}}", r"odd_settings: AGENT\['a'\] has no backend; write"),
        (
            "AGENT = {'a': {'backend': 'b.C', 'bus': 'amqp'}}",
            r"odd_settings: AGENT\['a'\]\['bus'\] is 'amqp', and BUS has none",
        ),
        (
            "BUS = {'redis': {}}\nAGENT = {'a': {'backend': 'b.C', 'bus': 'redis'}}",
            r"AGENT\['a'\]\['bus'\]: BUS\['redis'\] has no backend",
        ),
    ],
)
def test_settings_that_are_wrong_say_where(folder: Path, text: str, complaint: str) -> None:
    (folder / "odd_settings.py").write_text(text)
    sys.modules.pop("odd_settings", None)

    with pytest.raises(ValueError, match=complaint):
        list(load_configuration("odd_settings"))


@pytest.mark.parametrize(
    ("backend", "complaint"),
    [
        ("Noting", "'Noting' is no backend; write module.Class"),
        ("launched_agents.Nobody", "launched_agents has no Nobod"),
    ],
)
def test_a_backend_that_is_none_is_said(folder: Path, backend: str, complaint: str) -> None:
    with pytest.raises(ImportError, match=complaint):
        init_agent(backend, {})


def test_a_restart_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="agent 'a': restart is 'never'; write one of all, one"):
        AgentsManager([("a", ("b.C", {"restart": "never"}))])


def test_the_interrupts_are_those_of_the_manual() -> None:
    """M-067."""
    assert issubclass(GroupInterrupt, SystemExit)
    assert issubclass(ServerInterrupt, Exception)


# -- groups


class Group:
    """A group of agents that runs in a thread, and what was told of it."""

    def __init__(self, *agents: tuple[str, str, dict[str, Any]], **options: Any) -> None:
        self.told: list[str] = []
        cfg = [(name, (backend, given)) for name, backend, given in agents]
        self.manager = AgentsManager(cfg, tell=self.told.append, **options)
        self.codes: list[int] = []
        self._thread = threading.Thread(target=lambda: self.codes.append(self.manager.start()))

    def __enter__(self) -> Group:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.manager.close()
        self._thread.join()

    def until(self, *lines: str) -> None:
        until(lambda: all(line in self.told for line in lines), f"{lines} in {self.told}", 60.0)

    def ended(self) -> int:
        self._thread.join(60)
        return self.codes[0]


def test_each_agent_has_a_process_and_close_ends_them_in_good_order(folder: Path) -> None:
    """M-066, M-069, and a defect of the original: pre_stop never ran."""
    with Group(
        ("first", "launched_agents.Noting", {"notes": "1"}), ("second", "launched_agents.Noting", {"notes": "2"})
    ) as group:
        group.until("first is ready", "second is ready")

    pids = {(folder / name).read_text().splitlines()[0].split(" in ")[1] for name in ("1", "2")}
    assert len(pids | {str(os.getpid())}) == 3
    assert notes(folder / "1") == notes(folder / "2") == ["Noting pre_start", "Noting pre_stop"]
    assert group.codes == [0]
    assert sorted(group.told[2:]) == ["first has ended", "second has ended"]


@pytest.mark.parametrize(("kind", "code", "how"), [("Ending", 0, "ended"), ("Failing", 1, "ended with exit code 1")])
def test_when_one_agent_ends_all_end(folder: Path, kind: str, code: int, how: str) -> None:
    """M-025, M-066: the group of the original."""
    with Group(
        ("short", f"launched_agents.{kind}", {"notes": "1"}), ("long", "launched_agents.Noting", {"notes": "2"})
    ) as group:
        assert group.ended() == code

    assert f"short has {how}" in group.told
    assert notes(folder / "1") == [f"{kind} pre_start", f"{kind} pre_stop"]
    assert notes(folder / "2") in ([], ["Noting pre_stop"], ["Noting pre_start", "Noting pre_stop"])


def test_an_agent_that_may_is_begun_again_alone(folder: Path) -> None:
    """A defect of the original: the group had no other policy than to end."""
    with Group(
        ("bad", "launched_agents.Failing", {"notes": "1", "restart": "one"}),
        ("good", "launched_agents.Noting", {"notes": "2"}),
    ) as group:
        until(lambda: notes(folder / "1").count("Failing pre_start") == 2, "it is begun again", 60.0)
        group.until("good is ready", "bad is begun again in 1 s")

    assert notes(folder / "2") == ["Noting pre_start", "Noting pre_stop"]
    assert "bad is begun again in 2 s" in group.told or group.told[-1].startswith(("bad has ended", "good has ended"))
    assert group.codes == [0]


def test_an_agent_that_may_be_begun_again_and_ended_in_good_order_is_not(folder: Path) -> None:
    with Group(("one", "launched_agents.Ending", {"restart": "one"})) as group:
        assert group.ended() == 0

    assert notes(folder / "notes") == ["Ending pre_start", "Ending pre_stop"]


def test_an_agent_that_is_killed_is_told_and_ends_the_group(folder: Path) -> None:
    with Group(("one", "launched_agents.Noting", {})) as group:
        group.until("one is ready")
        os.kill(int((folder / "notes").read_text().split(" in ")[1]), signal.SIGKILL)
        assert group.ended() == 1

    assert group.told == ["one is ready", "one has ended with signal SIGKILL"]


def test_an_agent_that_does_not_end_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bureaucrat.agents.supervisor._GRACE", 0.5)

    with Group(("stuck", "launched_agents.Stuck", {})) as group:
        group.until("stuck is ready")

    assert group.told[1:] == ["stuck did not end within 0.5 s; killed", "stuck has ended with signal SIGKILL"]
    assert group.codes == [1]


def test_health_says_how_each_agent_is(folder: Path) -> None:
    with Group(
        ("first", "launched_agents.Noting", {"notes": "1"}),
        ("second", "launched_agents.NeverReady", {"notes": "2"}),
        listen=("127.0.0.1", 0),
    ) as group:
        group.until("first is ready")
        until(lambda: notes(folder / "2"), "it begins", 60.0)

        assert asked(group, "/health") == (200, True, {"first": "ready", "second": "begins"})
        assert asked(group, "/ready") == (503, False, {"first": "ready", "second": "begins"})
        assert asked(group, "/other")[:2] == (404, None)


def asked(group: Group, path: str) -> tuple[int, bool | None, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{group.manager.port}{path}") as answer:
            code, text = answer.status, answer.read()
    except HTTPError as error:
        code, text = error.code, error.read()
    found = json.loads(text)
    return code, found["ok"], {name: one["state"] for name, one in found["agents"].items()}


def test_an_agent_whose_loop_is_stuck_is_not_healthy() -> None:
    manager = AgentsManager([("a", ("b.C", {})), ("b", ("b.C", {"restart": "one"}))])
    first, second = manager._children

    class Loop:
        def time(self) -> float:
            return 100.0

    manager._loop = Loop()  # type: ignore[assignment]
    first.state, first.heard, second.state, second.restarts = "ready", 69.0, "waits", 3

    assert manager.health() == {
        "a": {"state": "ready", "alive": False, "restarts": 0},
        "b": {"state": "waits", "alive": True, "restarts": 3},
    }


# -- programs


def bureaucrat(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bureaucrat", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.programs_measured
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_the_agents_of_modules_until_a_signal(folder: Path, number: signal.Signals) -> None:
    """M-062, M-063, M-069: and logs are written as the settings say."""
    with bureaucrat("agents", "launched_settings") as program:
        until(lambda: notes(folder / "first.txt") and notes(folder / "second.txt"), "both begin", 60.0)
        assert program.stdout is not None
        told = [program.stdout.readline() for _ in range(2)]
        program.send_signal(number)
        rest = program.stdout.read()

    assert program.returncode == 0, rest
    assert sorted(told) == ["first is ready\n", "second is ready\n"]
    assert rest.splitlines()[-1] == "Exit"
    assert notes(folder / "first.txt") == ["Receiving pre_start", "Receiving pre_stop"]


def test_agents_end_when_their_supervisor_was_killed(folder: Path) -> None:
    """M-068."""
    with bureaucrat("agents", "launched_settings") as program:
        assert program.stdout is not None
        for _ in range(2):
            program.stdout.readline()
        program.kill()
        until(lambda: "Receiving pre_stop" in notes(folder / "first.txt"), "it ends", 60.0)
        until(lambda: "Noting pre_stop" in notes(folder / "second.txt"), "it ends", 60.0)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere_at_all"], "bureaucrat: not started: No module named 'nowhere_at_all'"),
        (["launched_agents"], "bureaucrat: not started: launched_agents has no agents; write AGENT = "),
        (["launched_settings", "--listen", "8081"], "8081 is no HOST:PORT"),
    ],
)
def test_the_command_says_why_it_does_not_start(folder: Path, arguments: list[str], complaint: str) -> None:
    with bureaucrat("agents", *arguments) as program:
        told = program.communicate()[0]

    assert complaint in told
    assert program.returncode != 0


def test_a_port_that_is_taken_is_said(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with bureaucrat("agents", "launched_settings", "--listen", f"127.0.0.1:{taken.getsockname()[1]}") as program:
            told = program.communicate()[0]

    assert "bureaucrat: not started:" in told
    assert "address already in use" in told


def test_run_is_the_original_s_program(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """M-062."""
    (folder / "short_settings.py").write_text("AGENT = {'a': {'backend': 'launched_agents.Ending'}}")

    assert run(["short_settings"]) == 0
    assert capsys.readouterr().out == "Exit\n"


async def test_the_loop_of_a_supervisor_may_be_in_any_thread(folder: Path) -> None:
    group = Group(("one", "launched_agents.Ending", {}))

    with group:
        assert await asyncio.to_thread(group.ended) == 0
