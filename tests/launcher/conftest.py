"""A daemon that is none, and launchers that are closed when a test ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_daemon import FakeDaemon

from bureaucrat.launcher import Launcher


@pytest.fixture
def daemon(vhost_url: str) -> Iterator[FakeDaemon]:
    """It serves the queues of the test's own virtual host."""
    with FakeDaemon(vhost_url) as running:
        yield running


@pytest.fixture
def launcher(vhost_url: str) -> Iterator[Launcher]:
    """For the same virtual host."""
    with Launcher({"url": vhost_url}, timeout=20, ask_again=0.2) as ready:
        yield ready
