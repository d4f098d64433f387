"""docs/howto/streams.rst, followed literally by a shell, with RabbitMQ and a worker; ``pip`` is a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rabbit import Rabbit
from reader import Day, reader

PAGE = "docs/howto/streams.rst"


@pytest.fixture
def day(tmp_path: Path, rabbit: Rabbit) -> Iterator[Day]:
    replaced = {":5672/%2F": f":{rabbit.port}/{rabbit.fresh_vhost()}"}
    with reader(PAGE, tmp_path, rabbit, replaced) as made:
        made.provide(pip="exit 0")
        yield made


def test_a_stranger_gets_to_an_agent_that_keeps_totals(day: Day) -> None:
    """Every command prints what stands below it."""
    assert day.follow(PAGE) == 7
