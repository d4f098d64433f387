"""One round through a database: every check, page by page.

Rules: nothing is kept of an instance once it was judged, and of each check no more findings than a person reads; what
is found of an instance is told if a second look finds it, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..clock import Clock
from ..core.limits import Limits
from ..engine.bounds import Bounds
from ..engine.codec import decode_instance
from ..engine.definitions import Definitions
from ..engine.picture import Picture
from ..errors import StorageUnavailable
from ..ports import InstanceQuery, InstanceRow, Storage
from .findings import Finding, Remedy, Severity
from .history import of_history
from .instances import Means, judged
from .tables import LATE, Tables

_PAGE = 200  #: instances that are read at once
_WIDE = 2_000  #: branches that are read at once, unless one instance has more
_KEPT = 1_000  #: findings of each check


@dataclass(slots=True)
class Report:
    """What a round has found."""

    findings: dict[str, list[Finding]] = field(default_factory=dict)  #: by check; of very many the first
    numbers: Counter[str] = field(default_factory=Counter)  #: of findings, by check
    instances: int = 0  #: that were looked at
    replayed: int = 0  #: whose full history was applied again

    def add(self, finding: Finding) -> None:
        """Take one in."""
        kept = self.findings.setdefault(finding.check, [])
        if len(kept) < _KEPT:
            kept.append(finding)
        self.numbers[finding.check] += 1

    @property
    def all(self) -> list[Finding]:
        return [one for kept in self.findings.values() for one in kept]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found but advice."""
        return all(one.severity is Severity.ADVICE for one in self.all)


#: told how many instances of how many were looked at
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Round:
    """A round through a database that is open."""

    storage: Storage
    definitions: Definitions
    clock: Clock
    limits: Limits
    bounds: Bounds
    is_served: bool  #: whether a daemon works on it
    report: Report = field(default_factory=Report)

    async def all(self, progress: Progress = lambda done, total: None) -> Report:
        """Every check."""
        try:
            tables = Tables(self.storage, self.definitions, self.clock.now(), self.is_served, self.bounds)
            async for finding in tables.all():
                self.report.add(finding)
            await self._instances(progress)
        except StorageUnavailable as error:
            self._gave_up(error)
        return self.report

    async def one(self, id: str) -> Report:
        """The checks of one instance."""
        try:
            await self._judge([id])
        except StorageUnavailable as error:
            self._gave_up(error)
        return self.report

    def _gave_up(self, error: StorageUnavailable) -> None:
        text = f"the round ended after {self.report.instances:,} instances: {error}"
        restore = Remedy(says="stop the daemon, and restore a backup (docs/operations.rst, Backup)")
        self.report.add(Finding("database", Severity.BROKEN, text, remedies=(restore,)))

    async def _instances(self, progress: Progress) -> None:
        total, query = (await self.storage.counts())["instances"], InstanceQuery(limit=_PAGE)
        while rows := await self.storage.instances(query):
            for part in _parts(rows):
                await self._judge(part)
                progress(self.report.instances, max(total, self.report.instances))
            query = replace(query, before=rows[-1].id)

    async def _judge(self, ids: Sequence[str]) -> None:
        means = await self._means()
        found = await judged(means, ids)
        doubtful = [id for id, (_, findings) in found.items() if findings]
        if doubtful:
            again = await judged(await self._means(), doubtful)
            for id, (_, findings) in again.items():
                before = {one.key for one in found[id][1]}
                for finding in findings:
                    if finding.key in before:
                        self.report.add(finding)
        for id, (picture, _) in found.items():
            if id not in doubtful:
                await self._history(picture)
        self.report.instances += len(ids)

    async def _means(self) -> Means:
        now = self.clock.now()
        silent = {
            name
            for row in await self.storage.destinations()
            if row.silent_since is not None and not row.ready and now - row.silent_since > LATE
            for name in _served_by(row.name, row.participants)
        }
        return Means(self.storage, self.definitions, now, silent)

    async def _history(self, picture: Picture) -> None:
        findings, is_replayed = await of_history(picture, self.storage, self.definitions, self.limits)
        self.report.replayed += is_replayed
        for finding in findings:
            self.report.add(finding)


def _served_by(queue: str, participants: str) -> list[str]:
    """Whose attempts go to a queue."""
    name = queue.removeprefix("worker_")
    return [*participants.split(), *([name, f"worker:{name}"] if name != queue else [])]


def _parts(rows: Sequence[InstanceRow]) -> Iterator[list[str]]:
    """The ids of a page in parts that are not too wide."""
    part: list[str] = []
    width = 0
    for row in rows:
        wide = _branches(row)
        if part and width + wide > _WIDE:
            yield part
            part, width = [], 0
        part.append(row.id)
        width += wide
    yield part


def _branches(row: InstanceRow) -> int:
    try:
        return decode_instance(row).branches
    except Exception:  # it may be anything; it is told by whoever judges it
        return _WIDE
