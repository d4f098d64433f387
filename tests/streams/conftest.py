"""Apps on both back ends: in memory, and on RabbitMQ."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from bureaucrat.streams import App

_numbers = itertools.count()


@pytest.fixture(params=["memory", "amqp"])
def broker_url(request: pytest.FixtureRequest) -> str:
    """Where the apps of one test meet."""
    if request.param == "memory":
        return f"memory://test-{next(_numbers)}"
    url: str = request.getfixturevalue("vhost_url")
    return url


@pytest.fixture
def new_app(broker_url: str) -> Callable[..., App]:
    """Makes apps on the same broker: with two partitions, and workers that look for each other often."""

    def make(id: str = "shop", **settings: Any) -> App:
        return App(id, broker=broker_url, **{"topic_partitions": 2, "member_interval": 0.1, **settings})

    return make


@pytest.fixture
def app(new_app: Callable[..., App]) -> App:
    return new_app()
