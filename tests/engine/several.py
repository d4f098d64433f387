"""Several engines on one storage, each with a courier of its own, and a clock for all that is set by hand.

They do nothing by themselves: a test says who works, who sweeps, and who dies. What one of them waits for, it is given
by the test: there is one thread, and no engine runs beside another unless a test has them run.
"""

from __future__ import annotations

from typing import Any

from courier import Office, Sent
from world import World

from bureaucrat.clock import ManualClock
from bureaucrat.engine.codec import encode_message
from bureaucrat.engine.delivery import Birth, Delivery
from bureaucrat.engine.numbers import numbers_of
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.starts import start_of
from bureaucrat.ports import MailRow
from bureaucrat.storage.memory_shared import SharedMemory, SharedStorage

NOON = 1_795_608_000.0

ACTION = '<process name="p"><action name="a" participant="work" timeout="600"/></process>'


class Crew:
    """All of them."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.memory = SharedMemory()
        self.settings = Settings(history="full", sweep=0.0, look=0.0)
        self.offices: list[Office] = []
        self._posted = numbers_of(self.clock, 1_000, 0)

    async def join(self, *, settings: Settings | None = None) -> Office:
        """Another engine; the others know of it after their next sweep."""
        storage = self.memory.storage()
        await storage.open()
        office = Office(storage, self.clock, numbers=numbers_of(self.clock, first=0))  # type: ignore[arg-type]
        office.settings = settings or self.settings
        await office.start()
        self.offices.append(office)
        return office

    async def gather(self, number: int, *, settings: Settings | None = None) -> list[Office]:
        """So many, who know of each other."""
        offices = [await self.join(settings=settings) for _ in range(number)]
        await self.sweep()
        return offices

    def kill(self, office: Office) -> None:
        """It dies without a word."""
        self.offices.remove(office)
        self.memory.lose(storage_of(office))

    async def work(self, *offices: Office) -> None:
        """These (or all) do what there is to do, as long as there is something."""
        for _ in range(3):
            for office in offices or self.offices:
                await office.engine.drain()

    async def sweep(self, *offices: Office, times: int = 1) -> None:
        """These (or all) sweep, each followed by the work it finds."""
        for _ in range(times):
            for office in offices or tuple(self.offices):
                await office.engine.sweep()
                await office.engine._alarms.fire()
                await office.engine.drain()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now() + seconds)

    async def launch(self, office: Office, text: str, id: str, **fields: Any) -> None:
        """One of them starts an instance."""
        definition = office.engine.definitions.read(text)
        start = start_of(definition, fields, office.settings.limits)
        office.engine.put(Delivery(id, start, Birth(definition)))
        await office.engine.drain()

    async def post(self, message: Any, instance: str = "") -> int:
        """Another process leaves mail."""
        row = MailRow(self._posted(), instance, encode_message(message), self.clock.now())
        commands = self.memory.storage()
        await commands.post(row)
        return row.number

    async def status(self, id: str) -> str | None:
        row = await self.memory.storage().instance(id)
        return None if row is None else row.status

    async def history(self, id: str, *words: str) -> list[str]:
        rows = await self.memory.storage().history(id)
        return [row.what for row in rows if not words or row.what in words]

    def sent(self, *, to: str = "work") -> dict[int, list[Sent]]:
        """The attempts that each has published, by member number."""
        return {storage_of(one).number: one.courier.attempts(to) for one in self.offices}


def storage_of(office: World) -> SharedStorage:
    storage: Any = office.storage
    assert isinstance(storage, SharedStorage)
    return storage


def number_of(office: World) -> int:
    """Its member number."""
    return storage_of(office).number


def owner(crew: Crew, key: str) -> Office:
    """Whom something falls to."""
    (found,) = [one for one in crew.offices if one.engine._members.falls_to_me(key)]
    return found


def others(crew: Crew, *offices: Office) -> list[Office]:
    return [one for one in crew.offices if one not in offices]


def id_for(crew: Crew, office: Office, prefix: str = "i") -> str:
    """An instance id that falls to this one."""
    names = (f"{prefix}{number}" for number in range(1_000))
    return next(name for name in names if owner(crew, name) is office)
