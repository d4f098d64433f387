"""What all bad inputs share: an intake that must be well afterwards, and bounds of time and memory."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from intake import Intake, intake

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
