"""What the corpus tells is told again by a test that is written from the history: of every fourth row."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from story import Row, follow, rows

from bureaucrat.commands.recorded import Recording, record
from bureaucrat.commands.window import Named, Window
from bureaucrat.engine.codec import decode_instance
from bureaucrat.ports import InstanceQuery
from bureaucrat.testing import Simulation

#: what is registered or retired while an instance runs is no part of its history, and no test starts by a tick
REGISTRY = ("L82", "UnknownProcess", "L80")
MIGRATED = "L112"  #: no test is written of what an instance did by two definitions
ROWS = [row for row in rows()[::4] if not row.limits and not any(word in row.name for word in (*REGISTRY, MIGRATED))]


async def recordings(simulation: Simulation) -> list[Recording]:
    """A test of each instance that nobody called."""
    window = Window(simulation.storage, simulation.clock, Named("", (), 30.0), is_utc=True, is_json=False)
    found = await simulation.storage.instances(InstanceQuery(limit=100))
    return [await record(window, one) for one in found if decode_instance(one).caller is None]


def made_by(text: str) -> Iterator[object]:
    """The functions that a file of tests defines."""
    names: dict[str, object] = {}
    exec(compile(text, "<recorded>", "exec"), names)
    return (made for name, made in names.items() if name.startswith("test_"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_corpus_row_is_told_again_by_its_history(row: Row) -> None:
    simulation = follow(row)

    written = await recordings(simulation)

    for one in written:
        assert (one.scenario.notes, one.is_same) == ([], True)
        for test in made_by(one.scenario.text()):
            test()  # type: ignore[operator]
