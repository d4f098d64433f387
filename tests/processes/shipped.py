"""The processes that are shipped: in virtual time, and on the embedded engine with a real database."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from bureaucrat.core.durations import parse_duration
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.embedded import embedded
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.writes import Progress
from bureaucrat.functions import Functions
from bureaucrat.testing import START, Simulation

ROOT = Path(__file__).parent.parent.parent
PROCESSES = ROOT / "processes"
EXAMPLES = ROOT / "examples"
#: seconds; virtual time moves on by a microsecond whenever the engine looks, so a test asks this long before and after
MOMENT = 0.001


def simulated(name: str, participants: object = None) -> Simulation:
    """A shipped process in virtual time."""
    return Simulation(PROCESSES / name, participants)


def short_of(duration: str) -> float:
    """A moment less than a duration: what is due then has not happened yet, and happens within two moments."""
    return parse_duration(duration) - MOMENT


def go_to(sim: Simulation, duration: str, moments: int) -> None:
    """Let time pass until so long after the beginning of the simulation, and some moments before or after."""
    sim.advance(START + parse_duration(duration) + moments * MOMENT - sim.clock.now())


def module(name: str) -> ModuleType:
    """A module of ``examples/``, under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


def asked(sim: Simulation, activity: str) -> list[dict[str, Any]]:
    """What each attempt of an activity was sent, in order."""
    return [one.fields for one in sim.sent if _id_of(sim, one.dispatch.activity) == activity]


def keys(sim: Simulation, activity: str) -> list[str]:
    """The key of each attempt of an activity."""
    return [one.key for one in sim.sent if _id_of(sim, one.dispatch.activity) == activity]


def told(sim: Simulation, what: str, activity: str) -> int:
    """How often something happened to an activity."""
    return sum(one.what == what and _id_of(sim, one.activity) == activity for one in sim.trace)


def fail_for_good(sim: Simulation, activity: str, error: str) -> int:
    """Fail each attempt of an activity as it is made, until it is an incident; how many there were."""
    attempts = 0
    while not sim.incidents():
        if activity in [_id_of(sim, one.dispatch.activity) for one in sim.open]:
            sim.fail(activity, error)
            attempts += 1
        else:
            sim.advance(1)
    return attempts


def problems(sim: Simulation) -> list[tuple[str, str, str]]:
    """The open incidents: kind, code and message."""
    return [(one.kind, one.code, one.message) for one in sim.incidents()]


def _id_of(sim: Simulation, activity: int | None) -> str | None:
    return None if activity is None else sim.definition.activities[activity].id


def nothing() -> dict[str, Any]:
    """A participant that does what it is asked, and has nothing to say."""
    return {}


async def forever(**_: object) -> None:
    """A participant that is still at work when the program ends."""
    await asyncio.Event().wait()


@dataclass
class Program:
    """A program with an embedded engine on SQLite. Left in the middle and opened again it goes on."""

    database: Path
    process: str
    participants: dict[str, Callable[..., Any]]
    progress: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.definition: Definition = read((PROCESSES / self.process).read_bytes(), file=self.process)
        self._news = asyncio.Event()
        self._context: AbstractAsyncContextManager[Engine] | None = None

    async def __aenter__(self) -> Engine:
        self._context = embedded(
            self.database,
            Functions.of(self.participants),
            settings=Settings(stop_grace=0.0),
            observe=self._observe,
        )
        return await self._context.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        assert self._context is not None
        await self._context.__aexit__(*error)

    def _observe(self, entries: list[Progress]) -> None:
        self.progress += entries
        self._news.set()

    async def until(self, what: str, activity: str | None = None, times: int = 1) -> Progress:
        """Wait until something was told of an activity, or of the instance, so many times; the last of them."""
        index = None if activity is None else self.definition.ids[activity]
        async with asyncio.timeout(20):
            while True:
                found = [one for one in self.progress if (one.what, one.activity) == (what, index)]
                if len(found) >= times:
                    return found[times - 1]
                self._news.clear()
                await self._news.wait()
