"""A place for each test, with a service manager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from service_manager import Manager, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "work").mkdir()
    manager = Manager(str(tmp_path / "notify"))
    made = Place(tmp_path / "work", manager)
    yield made
    made.close()
    manager.close()
