"""How an app is set; each setting has the name that ``faust.App`` gives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .codecs import Codec
from .supervisors import OneForOneSupervisor, Supervisor


@dataclass
class Settings:
    """``app.conf``. What Kafka alone needs is not here."""

    broker: str = "memory://"
    topic_partitions: int = 8  #: of a topic that does not say
    key_serializer: Codec | str = "raw"
    value_serializer: Codec | str = "json"
    reply_to: str = ""  #: the topic where replies come to this process; made of the prefix and a UUID
    reply_to_prefix: str = "f-reply-"
    reply_create_topic: bool = False  #: whether it outlives the process
    reply_expires: float = 86400.0  #: seconds without anybody who takes them after which replies are gone
    ask_timeout: float | None = 60.0  #: seconds; None waits for ever
    agent_supervisor: type[Supervisor] = OneForOneSupervisor
    broker_prefetch: int = 100  #: messages of one partition here at once
    member_interval: float = 1.0  #: seconds between the signs of life by which workers share partitions
    answers: str = "bureaucrat_msgs"  #: the queue that takes the answers of participants
    signals: str = "bureaucrat.signals"  #: the exchange of the agents' bus
    timezone: str = "UTC"  #: of ``app.crontab``
    datadir: Path = field(default_factory=Path.cwd)
