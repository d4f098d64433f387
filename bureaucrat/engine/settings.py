"""What can be set about an engine, with its defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..core.limits import DAY, Limits
from .bounds import Bounds
from .users import Users


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are seconds."""

    limits: Limits = field(default_factory=Limits)
    bounds: Bounds = field(default_factory=Bounds)  #: how much each participant is given at a time
    batch: int = 500  #: messages in one transaction
    share: int = 100  #: of them for one instance
    cached: int = 10_000  #: instances kept in memory
    load_whole: int = 64  #: branches up to which an instance is loaded whole
    history: str = "activity"  #: ``none``, ``activity`` or ``full``
    sweep: float = 1.0
    horizon: float = 30.0  #: timers due within it are kept in memory
    tick_grace: float = 60.0  #: how late a tick of a schedule may be and is not missed
    attempts_at_poison: int = 3  #: times a message may make a step raise
    event_chunk: int = 200  #: instances that one transaction offers an event to
    event_retention: float = 7 * DAY
    dedup_window: float = 7 * DAY
    dead_retention: float = 90 * DAY
    history_retention: float = 90 * DAY
    instance_retention: float = 30 * DAY
    stop_grace: float = 5.0
    # with a broker
    accept_untokened: bool = True  #: whether an answer may come without its token, if one attempt waits at its address
    signing_keys: tuple[str, ...] = ()  #: of tokens, the first one signs; none: the key that the database keeps
    users: Users = field(default_factory=Users)  #: who answers for each participant
    outbox_limit: int = 10_000  #: rows that wait to be published, from which nothing more is taken in
    outbox_bytes: int = 256 << 20  #: or so much of their bodies
    launch_horizon: float = 60.0  #: how long a cancel may come before its launch
    stalled_after: float = 30.0  #: how long a queue has had no consumer until its attempts are called stalled
    look: float = 5.0  #: how often the broker is asked for the consumers
