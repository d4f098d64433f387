"""The section ``[limits]`` reaches what it is about."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from bureaucrat.config import LimitSettings, load
from bureaucrat.core.limits import Limits
from bureaucrat.daemon.root import courier_of, engine_settings
from bureaucrat.definition import InvalidDefinition, ReadLimits, limits_of
from bureaucrat.launcher.settings import settings_of
from bureaucrat.launcher.sources import definition_of

FILE = """[limits]
document = 1KiB
activities = 7
field = 2KiB
fields = 3KiB
message = 4KiB
turns = 5
transitions = 6000
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.ini"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_the_engine_keeps_to_the_limits_of_the_settings(file: Path) -> None:
    config = load(file, {})

    settings = engine_settings(config.bureaucrat, config.limits)

    assert settings.limits == Limits(field_bytes=2 << 10, total_bytes=3 << 10, turns=5, max_transitions=6_000)
    assert courier_of(config)._largest == 4 << 10


def test_definitions_are_read_within_the_limits_of_the_settings(file: Path) -> None:
    """By the daemon and by programs that start instances."""
    limits = settings_of(file).limits

    assert limits == limits_of(1 << 10, 7) == ReadLimits(1 << 10, activities=7, elements=28)
    assert len(definition_of(f"<process>{'<exit/>' * 6}</process>", limits).activities) == 7
    for given in (f"<process>{'<exit/>' * 7}</process>", b"<process>" + b" " * 1024 + b"</process>"):
        with pytest.raises(InvalidDefinition):
            definition_of(given, limits)


def test_without_a_setting_the_limits_are_those_of_the_program() -> None:
    bounds = LimitSettings()

    assert limits_of(bounds.document, bounds.activities) == ReadLimits()
    assert engine_settings(load(None, {}, search=()).bureaucrat, bounds).limits == Limits()
    assert len(fields(LimitSettings)) == 7
