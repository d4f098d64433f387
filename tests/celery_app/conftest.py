"""Celery gives every app the tasks of all modules that were imported; here each app has its own only."""

from __future__ import annotations

import pytest
from celery import _state


@pytest.fixture(autouse=True)
def _own_tasks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a page or another test has registered before in this process."""
    builtin = {one for one in _state._on_app_finalizers if one.__module__ == "celery.app.builtins"}
    assert builtin, "Celery keeps what it adds to every app elsewhere now"
    monkeypatch.setattr(_state, "_on_app_finalizers", builtin)
