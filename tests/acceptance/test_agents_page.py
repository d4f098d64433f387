"""docs/howto/agents.rst, followed literally by a shell, with RabbitMQ, agents and a daemon.

``pip`` is a stand-in, because everything is installed; see ``reader`` for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rabbit import Rabbit, free_port
from reader import Day, reader

PAGE = "docs/howto/agents.rst"


@pytest.fixture
def day(tmp_path: Path, rabbit: Rabbit) -> Iterator[Day]:
    replaced = {
        ":5672/%2F": f":{rabbit.port}/{rabbit.fresh_vhost()}",
        ":9464": f":{free_port()}",
        ":8081": f":{free_port()}",
    }
    with reader(PAGE, tmp_path, rabbit, replaced) as made:
        made.provide(pip="exit 0")
        made.environment["PYTEST_ADDOPTS"] = "-p no:asyncio"  # which the reader does not have
        yield made


def test_a_stranger_has_two_agents_and_a_process_of_agents_within_an_hour(day: Day) -> None:
    """Every command prints what stands below it."""
    assert day.follow(PAGE) == 13
