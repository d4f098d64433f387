"""What may be wrong around a database: the file, the disk, the daemon, the clock, the settings.

Rules: pure; what there is to know is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from ..config import Config
from ..ports import Vitals
from .findings import Finding, Remedy, Severity

_MIB = 1 << 20
_LITTLE, _HARDLY_ANY = 1024 * _MIB, 64 * _MIB  #: bytes of room
_LONG_LOG = 256 * _MIB
_SKEW = 2.0  #: seconds that clocks may differ
_FUTURE = 5.0  #: seconds that something stored may be ahead
_HOUR = 3_600.0
#: directories that are empty after a boot, or may be emptied
_FLEETING = ("/tmp", "/dev/shm", "/run", "/var/run")  # they are named, not used


@dataclass(frozen=True, slots=True)
class Health:
    """What the daemon's health server says."""

    place: str  #: its address
    is_there: bool  #: it answers
    reasons: list[str] = field(default_factory=list)  #: why it is not ready


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of them."""

    vitals: Vitals
    now: float
    unfinished: int  #: instances
    newest: float | None = None  #: when the newest instance was started
    database_time: float | None = None  #: what the database's own clock says
    health: Health | None = None  #: None: nothing was asked
    config: Config | None = None  #: None: the database was named by itself

    def all(self) -> Iterator[Finding]:
        """Everything that is found here."""
        for part in (self._database, self._disk, self._daemon, self._clock, self._settings):
            yield from part()

    def _database(self) -> Iterator[Finding]:
        restore = Remedy(says="stop the daemon, and restore a backup (docs/operations.rst, Backup)")
        for problem in self.vitals.problems:
            text = f"{self.vitals.technology} finds damage in {self.vitals.place}: {' '.join(problem.split())[:200]}"
            yield Finding("database", Severity.BROKEN, text, remedies=(restore,))

    def _disk(self) -> Iterator[Finding]:
        vitals = self.vitals
        if vitals.room is not None and vitals.room < _LITTLE:
            text = f"there are {vitals.room // _MIB:,} MiB of room beside {vitals.place}"
            severity = Severity.BROKEN if vitals.room < _HARDLY_ANY else Severity.ATTENTION
            free = Remedy(
                says="make room; what ended goes after [bureaucrat] instance_retention, and its space is used again"
            )
            yield Finding("disk", severity, text, remedies=(free,))
        if vitals.log > max(_LONG_LOG, vitals.size // 2):
            text = f"{vitals.log // _MIB:,} MiB of changes stand beside {vitals.place} and not in it"
            end = Remedy(says="end what reads the file for long: a copy that goes on, a forgotten sqlite3")
            yield Finding("disk", Severity.ATTENTION, text, remedies=(end,))
        if vitals.is_exposed:
            text = f"every user of this machine can read {vitals.place}: all fields, and the key that signs tokens"
            yield Finding("disk", Severity.ADVICE, text, remedies=(Remedy(says=f"chmod o= {vitals.place}"),))

    def _daemon(self) -> Iterator[Finding]:
        if self.vitals.daemons == 0:
            if self.unfinished:
                text = f"no daemon works on {self.vitals.place}: {self.unfinished:,} unfinished instances stand still"
                start = Remedy(says="start it: systemctl start bureaucrat, or bureaucrat -c CONFIG")
                yield Finding("daemon", Severity.ATTENTION, text, remedies=(start,))
            return
        health = self.health
        if health is None:
            return
        if not health.is_there:
            text = f"a daemon works on {self.vitals.place}, and nothing answers at {health.place}"
            see = Remedy(says="is it the daemon of these settings? its log says where it listens")
            yield Finding("daemon", Severity.ATTENTION, text, remedies=(see,))
        for reason in health.reasons:
            see = Remedy(says=f"curl http://{health.place}/health")
            yield Finding("daemon", Severity.ATTENTION, f"the daemon is not ready: {reason}", remedies=(see,))

    def _clock(self) -> Iterator[Finding]:
        remedy = Remedy(says="have the clocks of all machines set by NTP: timedatectl")
        skew = 0.0 if self.database_time is None else self.database_time - self.now
        if abs(skew) > _SKEW:
            text = f"the database's clock is {abs(skew):,.1f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
            yield Finding("clock", Severity.ATTENTION, text, remedies=(remedy,))
        ahead = 0.0 if self.newest is None else self.newest - self.now
        if ahead > _FUTURE:
            text = f"the newest instance was started {ahead:,.0f} s from now: a clock was set back"
            yield Finding("clock", Severity.ATTENTION, text, remedies=(remedy,))

    def _settings(self) -> Iterator[Finding]:
        place = PurePath(self.vitals.place)
        for folder in _FLEETING:
            if self.config is not None and place.is_relative_to(folder):
                text = f"the database {place} is in {folder}, which may be empty after the next boot"
                change = Remedy(says=f"change {self.config.place('storage', 'url')}")
                yield Finding("settings", Severity.ATTENTION, text, remedies=(change,))
                break
        if self.config is None:
            return
        given = self.config.bureaucrat
        if given.dedup_window < _HOUR:
            yield self._setting(
                f"ids of messages are forgotten after {given.dedup_window:g} s: what comes again later is done again",
                "bureaucrat",
                "dedup_window",
            )
        if given.event_retention < LEAST_KEPT:
            yield self._setting(
                f"events are kept for {given.event_retention:g} s: one that comes that much before its await is lost",
                "bureaucrat",
                "event_retention",
            )
        if self.config.amqp.topology == "assume":
            text = "queues are not looked at: attempts in a queue that the broker has lost wait until their timeout"
            yield self._setting(text, "amqp", "topology")

    def _setting(self, text: str, section: str, name: str) -> Finding:
        assert self.config is not None, "there are settings"
        change = Remedy(says=f"change {self.config.place(section, name)}")
        return Finding("settings", Severity.ADVICE, text, remedies=(change,))


LEAST_KEPT = 60.0  #: seconds for which events should be kept
