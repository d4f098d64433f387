"""What all bad inputs share: an intake that must be well afterwards, and bounds of time and memory."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from intake import Intake, intake
from rabbit import Rabbit
from service import Client, Service, goes_on

from bureaucrat.storage.memory import MemoryStorage

SECONDS = 5.0  #: of processor time for one input; the study asks for 1, on a machine that does nothing else
GROWTH = 64 << 10  #: KiB


@pytest.fixture
async def daemon(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Intake]:
    """After the test it does what comes next, and nothing was a defect of ours."""
    async with intake(MemoryStorage()) as made:
        yield made
        await made.is_well()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def bounded() -> Iterator[None]:
    """Soon done, with little memory."""
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.process_time() - begun < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH


# -- a real daemon


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit
) -> Iterator[Service]:
    """One daemon for all rows of a module, whose ``SETTINGS`` are more lines for it."""
    vhost = rabbit.fresh_vhost()
    login = rabbit.vhost_url(vhost, "bureaucrat-daemon")
    made = Service(tmp_path_factory.mktemp("daemon"), rabbit.vhost_url(vhost), request.module.SETTINGS, login=login)
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture(scope="module")
def pid(service: Service) -> int:
    return service.pid


@pytest.fixture
def client(service: Service, pid: int) -> Iterator[Client]:
    """After the row: no exit, no great growth, and what comes next is done."""
    before = service.metric("process_resident_memory_bytes")
    with Client(service.url) as made:
        yield made
        goes_on(service, made)
    assert service.process is not None
    assert (service.process.poll(), service.pid) == (None, pid)
    assert service.metric("process_resident_memory_bytes") - before < GROWTH * 1024
