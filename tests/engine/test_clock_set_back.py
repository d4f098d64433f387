"""A machine whose clock is set back, while the engine runs or while none does: nothing is older than it was."""

from __future__ import annotations

import pytest
from courier import Office
from world import FaultyStorage

from bureaucrat.clock import SystemClock

TEXT = '<process name="p"><await event="go" since="start"/></process>'


class Machine:
    """What a machine's clocks show."""

    def __init__(self) -> None:
        self.wall = 1_000.0

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.wall, lambda: 0.0)


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_an_event_that_comes_after_a_wait_wakes_it(is_restarted: bool) -> None:
    machine = Machine()
    office = Office(FaultyStorage(), machine.clock())  # type: ignore[arg-type]  # a clock of another kind
    await office.run()
    await office.settled(office.courier.launch(TEXT, "i1"))
    machine.wall = 970.0

    if is_restarted:
        await office.die()
        office.clock = machine.clock()  # type: ignore[assignment]
        await office.restart()
    await office.settled(office.courier.event("go", "e1"))

    await office.swept()
    assert await office.storage.statuses() == {"completed": 1}
    await office.stop()
