"""What becomes of an agent's actors when one of them fails.

Rules: what is done with the event that an actor failed at is the agent's error policy, not the supervisor's; more than
`max_restarts` restarts within `over` seconds end the worker with the error, because a restart does not help then.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Protocol


class Supervised(Protocol):
    """An agent, as its supervisor sees it."""

    async def restart(self, index: int) -> None:
        """Start the actor again that has this number."""

    async def restart_all(self) -> None:
        """End all actors and start them again."""

    async def forfeit_all(self) -> None:
        """End all actors."""

    def crash(self, error: BaseException) -> None:
        """End the worker."""


class Supervisor:
    """Decides; the subclasses say what."""

    max_restarts = 100
    over = 1.0  #: seconds

    def __init__(self, agent: Supervised) -> None:
        self.agent = agent
        self._restarts: deque[float] = deque(maxlen=self.max_restarts)

    async def failed(self, index: int, error: BaseException) -> None:
        """The actor of this number has failed."""
        raise NotImplementedError

    def _may_restart(self, error: BaseException) -> bool:
        now = time.monotonic()
        if len(self._restarts) == self.max_restarts and now - self._restarts[0] < self.over:
            self.agent.crash(error)
            return False
        self._restarts.append(now)
        return True


class OneForOneSupervisor(Supervisor):
    """Starts the actor again that has failed."""

    async def failed(self, index: int, error: BaseException) -> None:
        if self._may_restart(error):
            await self.agent.restart(index)


class OneForAllSupervisor(Supervisor):
    """Starts all actors of the agent again."""

    async def failed(self, index: int, error: BaseException) -> None:
        if self._may_restart(error):
            await self.agent.restart_all()


class ForfeitOneForOneSupervisor(Supervisor):
    """Does without the actor that has failed."""

    async def failed(self, index: int, error: BaseException) -> None:
        pass


class ForfeitOneForAllSupervisor(Supervisor):
    """Does without the agent."""

    async def failed(self, index: int, error: BaseException) -> None:
        await self.agent.forfeit_all()


class CrashingSupervisor(Supervisor):
    """Ends the worker."""

    async def failed(self, index: int, error: BaseException) -> None:
        self.agent.crash(error)
