"""The process that begins the processes of agents, watches them, and ends them.

Rules: what begins is told whom it belongs to by a pipe, and ends when the pipe does: no agent outlives its supervisor.
An agent tells by another pipe that it is ready, and every second that its loop turns.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Configuration = tuple[str, tuple[str, dict[str, Any]]]

_log = logging.getLogger("bureaucrat.agents.launcher")
READY: Final = b"r"
ALIVE: Final = b"."
BEAT: Final = 1.0  #: seconds between two signs of life
_SILENT: Final = 30.0  #: seconds without one after which an agent is taken for stuck
_GRACE: Final = 20.0  #: seconds that agents have to end
_SHORTEST, _LONGEST = 1.0, 30.0  #: seconds before an agent is begun again
_CALM: Final = 60.0  #: seconds of life after which the next end counts as the first
_RESTARTS: Final = ("all", "one")


class GroupInterrupt(SystemExit):
    """The supervisor has ended an agent."""


@dataclass(frozen=True)
class Order:
    """What a process is begun with."""

    name: str
    backend: str
    cfg: dict[str, Any]
    modules: tuple[str, ...]  #: imported first: modules of settings say how logs are written
    path: tuple[str, ...]  #: where Python finds modules

    def written(self) -> bytes:
        """For the pipe."""
        return base64.b64encode(pickle.dumps(self)) + b"\n"

    @staticmethod
    def read(line: bytes) -> Order:
        """Of the pipe, whose other end is our supervisor."""
        order = pickle.loads(base64.b64decode(line))
        assert isinstance(order, Order), "the supervisor writes an order"
        return order


@dataclass(eq=False)
class _Child:
    """One agent, and the process that it is in at present."""

    order: Order
    restart: Literal["all", "one"]
    state: Literal["begins", "ready", "waits", "ended"] = "begins"
    process: asyncio.subprocess.Process | None = None
    heard: float = 0.0  #: loop time of its last sign of life
    restarts: int = 0
    pauses: float = field(default=_SHORTEST)

    @property
    def name(self) -> str:
        return self.order.name


class AgentsManager:
    """Runs a group of agents, each in a process of its own.

    :param cfg: ``(name, (backend, configuration))`` of each, as :func:`load_configuration` gives them.
    :param modules: modules of settings that each process imports first.
    :param listen: host and port where ``/health`` and ``/ready`` are told over HTTP.
    :param tell: is told what happens, a line each.
    :raises ValueError: a ``restart`` is none.
    """

    def __init__(
        self,
        cfg: Sequence[Configuration],
        *,
        modules: Sequence[str] = (),
        listen: tuple[str, int] | None = None,
        tell: Callable[[str], None] = _log.info,
    ) -> None:
        self._children = []
        for name, (backend, given) in cfg:
            restart = given.get("restart", "all")
            if restart not in _RESTARTS:
                raise ValueError(f"agent {name!r}: restart is {restart!r}; write one of {', '.join(_RESTARTS)}")
            order = Order(name, backend, given, tuple(modules), tuple(sys.path))
            self._children.append(_Child(order, restart))
        self._listen = listen
        self._tell = tell
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_over: asyncio.Event | None = None
        self._is_closed = False
        self._code = 0
        self.port: int | None = None  #: where health is told

    def start(self) -> int:
        """Run them until one of them ends, all end, or a signal ends them.

        :returns: the exit code: 0 if all ended in good order.
        :raises OSError: nobody can listen at `listen`.
        """
        return asyncio.run(self._run())

    def close(self) -> None:
        """End them; ``start`` returns when they have. From any thread."""
        self._is_closed = True
        loop, is_over = self._loop, self._is_over
        if loop is not None and is_over is not None:
            with suppress(RuntimeError):  # the loop is closed: they have ended
                loop.call_soon_threadsafe(is_over.set)

    async def _run(self) -> int:
        self._loop, self._is_over = asyncio.get_running_loop(), asyncio.Event()
        if self._is_closed:
            return 0
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(RuntimeError, ValueError):  # not in the main thread: close() ends it
                self._loop.add_signal_handler(number, self._is_over.set)
        server = None
        if self._listen is not None:
            server = await asyncio.start_server(self._answer, *self._listen)
            self.port = server.sockets[0].getsockname()[1]
        lives = [asyncio.create_task(self._live(child)) for child in self._children]
        over = asyncio.create_task(self._is_over.wait())
        try:
            await asyncio.wait([over, asyncio.ensure_future(asyncio.wait(lives))], return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            await self._end(lives)
            if server is not None:
                server.close()
        return self._code

    # -- one agent

    async def _live(self, child: _Child) -> None:
        """Have it run, again and again if it is to be."""
        assert self._loop is not None, "it runs"
        assert self._is_over is not None, "it runs"
        while True:
            begun = self._loop.time()
            code = await self._once(child)
            child.state = "ended"
            if code == 0:
                self._tell(f"{child.name} has ended")
            else:
                self._tell(f"{child.name} has ended with {_of_code(code)}")
            if self._is_over.is_set():
                return
            if child.restart == "all":
                self._code = self._code or int(code != 0)
                self._is_over.set()
                return
            if code == 0:
                return
            if self._loop.time() - begun > _CALM:
                child.pauses = _SHORTEST
            child.state, pause = "waits", child.pauses
            child.pauses = min(2 * pause, _LONGEST)
            child.restarts += 1
            self._tell(f"{child.name} is begun again in {pause:g} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._is_over.wait()
                return

    async def _once(self, child: _Child) -> int:
        assert self._loop is not None, "it runs"
        read, write = os.pipe()
        try:
            child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bureaucrat.agents.child",
                str(write),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(write,),
            )
        finally:
            os.close(write)
        child.state, child.heard = "begins", self._loop.time()
        self._loop.add_reader(read, self._hear, child, read)
        try:
            assert child.process.stdin is not None, "it is a pipe"
            child.process.stdin.write(child.order.written())
            with suppress(ConnectionError):  # it has ended already, and its code says so
                await child.process.stdin.drain()
            return await child.process.wait()
        finally:
            self._loop.remove_reader(read)
            os.close(read)

    def _hear(self, child: _Child, read: int) -> None:
        assert self._loop is not None, "it runs"
        told = os.read(read, 4096)
        if not told:
            self._loop.remove_reader(read)  # it has ended
            return
        child.heard = self._loop.time()
        if READY in told:
            child.state = "ready"
            self._tell(f"{child.name} is ready")

    async def _end(self, lives: list[asyncio.Task[None]]) -> None:
        """Ask all to end, and kill those that do not."""
        assert self._is_over is not None, "it runs"
        self._is_over.set()
        for child in self._children:
            _signal(child, signal.SIGTERM)
        _, late = await asyncio.wait(lives, timeout=_GRACE)
        if late:
            for child in self._children:
                if child.state != "ended":
                    self._tell(f"{child.name} did not end within {_GRACE:g} s; killed")
                    _signal(child, signal.SIGKILL)
                    self._code = 1
        await asyncio.gather(*lives)

    # -- health

    @property
    def is_ready(self) -> bool:
        """Whether all agents that have not ended are at work."""
        return all(child.state in ("ready", "ended") for child in self._children)

    def health(self) -> dict[str, Any]:
        """How each agent is: its state, whether its loop turns, how often it was begun again."""
        assert self._loop is not None, "it runs"
        now = self._loop.time()
        return {
            child.name: {
                "state": child.state,
                "alive": child.state in ("ended", "waits") or now - child.heard < _SILENT,
                "restarts": child.restarts,
            }
            for child in self._children
        }

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                request = (await reader.readline()).split(b" ")
                path = request[1] if len(request) > 1 else b""
                agents = self.health()
                is_good = {b"/health": all(one["alive"] for one in agents.values()), b"/ready": self.is_ready}.get(path)
                status = {True: "200 OK", False: "503 Service Unavailable", None: "404 Not Found"}[is_good]
                body = json.dumps({"ok": is_good, "agents": agents}).encode()
                head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
                await writer.drain()
        except (OSError, TimeoutError, ValueError) as error:  # ValueError: a line without end
            _log.debug("a question about health was not answered: %s", error)
        finally:
            writer.close()


def _signal(child: _Child, number: signal.Signals) -> None:
    if child.process is not None and child.process.returncode is None:
        with suppress(ProcessLookupError):
            child.process.send_signal(number)


def _of_code(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {signal.Signals(-code).name}"
