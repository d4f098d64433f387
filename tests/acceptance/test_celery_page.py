"""docs/howto/celery.rst, followed literally by a shell, with a real worker, daemon and RabbitMQ.

``pip`` is a stand-in, because everything is installed; see ``reader`` for the others.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rabbit import Rabbit, free_port
from reader import Day, reader
from test_docs_examples import execute, folder, pieces_of

__all__ = ["folder"]  # the fixture
PAGE = "docs/howto/celery.rst"


@pytest.fixture
def day(tmp_path: Path, rabbit: Rabbit) -> Iterator[Day]:
    replaced = {":5672/%2F": f":{rabbit.port}/{rabbit.fresh_vhost()}", ":9464": f":{free_port()}"}
    with reader(PAGE, tmp_path, rabbit, replaced) as made:
        made.provide(pip="exit 0", celery=f'exec {shlex.quote(sys.executable)} -m celery "$@"')
        made.environment["C_FORCE_ROOT"] = "1"
        yield made


def test_a_stranger_with_a_celery_app_gets_to_a_running_process(day: Day) -> None:
    """B-049: every command prints what stands below it."""
    assert day.follow(PAGE) == 10


def test_the_python_of_the_page_runs_as_it_stands(folder: Path) -> None:
    """Of functions that were written for processes."""
    (piece,) = [piece for piece, _ in pieces_of(PAGE)]

    execute(piece, {"__name__": "office"})
    assert "assert" in piece.text
