"""A daemon for all tests of a module, and a client for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rabbit import Rabbit
from service import Client, Service


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit
) -> Iterator[Service]:
    """A daemon that is ready, on a virtual host of its own, as the user with the rights that it needs.

    The module's ``SETTINGS`` are more lines for it, its ``USER`` is another user.
    """
    vhost = rabbit.fresh_vhost()
    settings = getattr(request.module, "SETTINGS", "")
    login = rabbit.vhost_url(vhost, getattr(request.module, "USER", "bureaucrat-daemon"))
    made = Service(tmp_path_factory.mktemp("daemon"), rabbit.vhost_url(vhost), settings, login=login)
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    """A client of it."""
    made = Client(service.url)
    yield made
    made.close()
