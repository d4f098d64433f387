"""An engine for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from courier import Office
from several import Crew
from world import FaultyStorage, World

from bureaucrat.clock import ManualClock


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(FaultyStorage(), ManualClock(1_000.0))
    yield world
    if world.transport is not None:
        await world.transport.stop()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """With a broker."""
    office = Office(FaultyStorage(), ManualClock(1_000.0))
    yield office
    await office.die()


@pytest.fixture
async def crew() -> AsyncIterator[Crew]:
    """Several on one storage."""
    crew = Crew()
    yield crew
    for office in crew.offices:
        await office.die()
