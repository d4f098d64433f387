"""Events of workflows: each is an instance of the workflow's process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from ..clock import Clock
from ..engine.numbers import instance_id
from ..engine.starts import instance_id_of
from ..engine.status import status_of
from ..ports import Storage
from .compiling import PROCESS
from .documents import Workflow

_FIRST, _LAST = 0.005, 0.2  #: seconds between two looks
_REMEMBERED: Final = 10_000
_STATUS: Final = {"completed": "done", "faulted": "failed", "canceled": "canceled"}

Begin = Callable[[str, dict[str, Any], str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Event:
    """How far an event is.

    :param status: ``running``, ``done``, ``failed``, ``canceled``; ``incident`` if it waits for a person.
    :param message: why it is not done.
    """

    id: str
    status: str
    outputs: dict[str, Any]
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing changes by itself any more."""
        return self.status != "running"


class Events:
    """Begins events, and tells how far they are.

    :param begin: starts an instance: its process, its fields and its id.
    """

    def __init__(self, storage: Storage, clock: Clock, begin: Begin) -> None:
        self._storage = storage
        self._clock = clock
        self._begin = begin
        self._begun: dict[str, str] = {}  #: workflow by event, of those that no daemon may have yet

    async def begin(
        self, workflow: Workflow, data: dict[str, Any], key: str | None = None, callback: str | None = None
    ) -> str:
        """Begin one; its id.

        :param data: as the workflow's inputs are declared.
        :param callback: the URL that is told when it is done.
        :param key: the same key twice begins it once.
        """
        id = instance_id(self._clock) if key is None else instance_id_of(f"{workflow.name}.{key}")
        fields = {"data": data} if callback is None else {"data": data, "callback": callback}
        await self._begin(PROCESS + workflow.name, fields, id)
        self._begun[id] = workflow.name
        while len(self._begun) > _REMEMBERED:
            del self._begun[next(iter(self._begun))]
        return id

    async def find(self, workflow: Workflow, id: str) -> Event | None:
        """One that was begun; None if there is none, or it is another workflow's."""
        found = await status_of(self._storage, id)
        if found.dead is not None:
            return Event(id, "failed", {}, found.dead)
        if not found.known:
            return Event(id, "running", {}) if self._begun.get(id) == workflow.name else None
        if found.process != PROCESS + workflow.name:
            return None
        outputs = found.fields.get("outputs")
        message = found.fault["message"] if found.fault else ""
        status = _STATUS.get(found.status or "", "running")
        if status == "running" and found.incidents:
            status, message = "incident", found.incidents[0]["message"]
        return Event(id, status, outputs if isinstance(outputs, dict) else {}, message)

    async def wait(self, workflow: Workflow, id: str, seconds: float) -> Event:
        """Until it is over, or so many seconds are."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + seconds, _FIRST
        while True:
            found = await self.find(workflow, id) or Event(id, "running", {})
            left = until - loop.time()
            if found.is_over or left <= 0:
                return found
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, _LAST)
