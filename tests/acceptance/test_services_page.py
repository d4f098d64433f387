"""docs/howto/services.rst, followed literally by a shell, with RabbitMQ, a daemon, the door and three services.

``pip`` is a stand-in, because everything is installed; see ``reader`` for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rabbit import Rabbit, free_port
from reader import Day, reader

PAGE = "docs/howto/services.rst"


@pytest.fixture
def day(tmp_path: Path, rabbit: Rabbit) -> Iterator[Day]:
    ports = {f":{port}": f":{free_port()}" for port in (9464, 8080, 5001, 5002, 5003)}
    arguments = {f" {shown[1:]} ": f" {here[1:]} " for shown, here in ports.items()}
    replaced = {":5672/%2F": f":{rabbit.port}/{rabbit.fresh_vhost()}", **ports, **arguments}
    with reader(PAGE, tmp_path, rabbit, replaced) as made:
        made.provide(pip="exit 0")
        yield made


def test_a_stranger_with_three_services_has_a_workflow_of_two(day: Day) -> None:
    """Every command prints what stands below it."""
    assert day.follow(PAGE) == 17
