"""How many faults of each kind a campaign has."""

from __future__ import annotations

from campaign import Plan
from plant import Shape

SHAPES = (Shape("sqlite", 1), Shape("postgresql", 1), Shape("postgresql", 3))
_ALWAYS = {
    "daemon killed": 55,
    "all daemons killed": 8,
    "daemon stopped": 5,
    "daemon frozen beyond locks": 3,
    "daemon frozen beyond heartbeats": 1,
    "worker killed": 15,
    "worker frozen": 1,
    "RabbitMQ killed": 7,
    "RabbitMQ restarted": 2,
    "RabbitMQ frozen": 2,
    "RabbitMQ short of memory": 3,
    "connections closed by RabbitMQ": 4,
    "queue of attempts deleted": 4,
    "link cut": 10,
    "link cut within a frame": 6,
    "link silent": 4,
    "link silent beyond heartbeats": 1,
    "link slow": 3,
}
_DATABASE = {
    "PostgreSQL killed": 11,
    "PostgreSQL restarted": 3,
    "PostgreSQL frozen": 3,
    "sessions ended by PostgreSQL": 8,
    "PostgreSQL out of connections": 3,
}
_DISK = {"disk full": 5}


def large(shape: Shape, seed: int) -> Plan:
    """For ``make faults``: the three shapes together have 200 kills of daemons, 20 of RabbitMQ, 20 of PostgreSQL and 50
    faults of links."""
    return Plan(shape, seed, {**_ALWAYS, **(_DISK if shape.storage == "sqlite" else _DATABASE)}, pairs=8)


def small(seed: int) -> Plan:
    """For ``make test``."""
    counts = {
        "daemon killed": 4,
        "all daemons killed": 1,
        "daemon frozen beyond locks": 1,
        "worker killed": 1,
        "RabbitMQ killed": 1,
        "connections closed by RabbitMQ": 1,
        "queue of attempts deleted": 1,
        "PostgreSQL killed": 1,
        "sessions ended by PostgreSQL": 1,
        "PostgreSQL out of connections": 1,
        "link cut within a frame": 1,
        "link silent": 1,
    }
    return Plan(Shape("postgresql", 3), seed, counts, instances=60)
