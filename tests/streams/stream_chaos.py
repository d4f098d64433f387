"""Keyed events through workers that are killed and added: what was handled, and in which order.

``python tests/streams/stream_chaos.py [EVENTS]`` does so with a RabbitMQ of its own; ``make streams`` with 100,000.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from keyed_worker import declared

_WORKER = Path(__file__).with_name("keyed_worker.py")
_AT_ONCE = 200  #: casts under way; each key waits for its own
_STALLED = 60.0  #: seconds without an event after which something is wrong


@dataclass
class Chaos:
    """One run: workers begin, are killed and replaced, while so many events for each key are cast."""

    url: str
    file: Path
    keys: int
    turns: int
    kills: int
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def events(self) -> int:
        return self.keys * self.turns

    def handled(self) -> list[tuple[str, int, str]]:
        """Key, number and process of all that was handled, in order."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [(key, int(number), process) for key, number, process in (line.split() for line in lines)]

    def add(self) -> None:
        self.workers.append(subprocess.Popen([sys.executable, str(_WORKER), self.url, str(self.file)]))

    def kill(self) -> None:
        """The one that has been here longest; the newest stay."""
        worker = self.workers.pop(0)
        worker.kill()
        worker.wait()

    async def run(self) -> list[tuple[str, int, str]]:
        """What was handled, when everything was."""
        for _ in range(3):
            self.add()
        try:
            casting = asyncio.create_task(self._cast())
            for number in range(1, self.kills + 1):
                await self._until(self.events * number // (self.kills + 1))
                self.kill()
                self.add()
            await casting
            await self._until(self.events)
            return self.handled()
        finally:
            while self.workers:
                self.kill()

    async def _cast(self) -> None:
        app, topic = declared(self.url)

        async def turns(keys: list[int]) -> None:
            for turn in range(self.turns):
                for key in keys:
                    await topic.send(key=f"k{key}", value=turn)

        shares = [list(range(first, self.keys, _AT_ONCE)) for first in range(min(_AT_ONCE, self.keys))]
        await asyncio.gather(*(turns(share) for share in shares))
        await app.stop()

    async def _until(self, count: int) -> None:
        """Wait until so many different events were handled."""
        seen, changed = 0, time.monotonic()
        while True:
            found = len({(key, number) for key, number, _ in self.handled()})
            if found >= count:
                return
            if found > seen:
                seen, changed = found, time.monotonic()
            assert time.monotonic() - changed < _STALLED, f"{found} of {count} were handled, and no more come"
            await asyncio.sleep(0.1)


def complaints(handled: list[tuple[str, int, str]], keys: int, turns: int) -> list[str]:
    """What is wrong with the order of each key, and what is missing.

    A killed worker's last events come again to the next one; nothing is skipped, and no worker repeats itself.
    """
    by_key: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for key, number, process in handled:
        by_key[key].append((number, process))
    found = []
    for key, seen in sorted(by_key.items()):
        highest = -1
        for (number, process), (before, last) in zip(seen, [(-1, ""), *seen], strict=False):
            if number > highest + 1:
                found.append(f"{key}: {number} comes after {highest}")
            if process == last and number != before + 1:
                found.append(f"{key}: one worker has {number} after {before}")
            highest = max(highest, number)
        if highest != turns - 1:
            found.append(f"{key}: the last is {highest} of {turns}")
    return found if len(by_key) == keys else [*found, f"{keys - len(by_key)} keys are missing"]


def repeated(handled: list[tuple[str, int, str]]) -> int:
    """How many events were handled again, because a killed worker's acknowledgment was lost."""
    return len(handled) - len({(key, number) for key, number, _ in handled})


def main(events: int) -> int:
    from rabbit import Rabbit

    broker = Rabbit()
    try:
        with tempfile.TemporaryDirectory() as folder:
            chaos = Chaos(broker.start().url, Path(folder) / "handled", 1000, events // 1000, kills=8)
            begun = time.monotonic()
            handled = asyncio.run(chaos.run())
            seconds = time.monotonic() - begun
    finally:
        broker.remove()
    wrong = complaints(handled, chaos.keys, chaos.turns)
    workers = len(list(itertools.groupby(sorted(process for *_, process in handled))))
    print(f"{chaos.events} events of {chaos.keys} keys, {chaos.kills} of {workers} workers killed, {seconds:.0f} s")
    print(f"{repeated(handled)} were handled twice; {len(wrong)} complaints about order or loss")
    print(*wrong[:20], sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
