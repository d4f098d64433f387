"""What the suites of this folder share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from storage_adapters import ADAPTERS

from bureaucrat.ports import Storage


@pytest.fixture(params=ADAPTERS)
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """One storage after the other."""
    adapter = ADAPTERS[request.param](tmp_path)
    await adapter.open()
    yield adapter
    await adapter.close()
