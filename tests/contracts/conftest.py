"""What the suites of this folder share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from storage_adapters import ADAPTERS, Place

from bureaucrat.ports import Storage


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a test may have its storage."""

    def server() -> Any:
        return request.getfixturevalue("postgres")

    return Place(tmp_path, server)


@pytest.fixture(params=ADAPTERS)
async def storage(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Storage]:
    """One storage after the other."""
    adapter = ADAPTERS[request.param](place)
    await adapter.open()
    yield adapter
    await adapter.close()
