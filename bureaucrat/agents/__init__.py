"""Agents: small services that meet on a signal bus and in queues, and serve and start processes."""

from .agent import MicroAgent, MissConfig
from .hooks import ServerInterrupt, consumer, cron, on, participant, periodic, receiver
from .loading import load_queues, load_signals, load_stuff
from .queue import Queue
from .signal import Signal

__all__ = [
    "MicroAgent",
    "MissConfig",
    "Queue",
    "ServerInterrupt",
    "Signal",
    "consumer",
    "cron",
    "load_queues",
    "load_signals",
    "load_stuff",
    "on",
    "participant",
    "periodic",
    "receiver",
]
