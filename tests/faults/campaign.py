"""A campaign: a plant at work, faults from a seed, the healing, and the account.

The plan follows from the seed: which faults, in which order, whom they hit and after how much work. Processes are not
deterministic, so a campaign that failed need not fail again; it is begun first all the same, every time
(``regress.txt``). Nothing is tried again in order to pass.
"""

from __future__ import annotations

import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from injuries import BY_NAME, SINGLE, Injury, both, goes_with
from plant import Account, Plant, Shape
from postgres import Postgres
from rabbit import Rabbit
from service import until

MOST_BETWEEN = 3_000  #: bytes in the ledger between two faults, which is about 60 effects
SOME_WORK = 100  #: bytes: two effects, by which it is seen that work goes on
HEALED_FIRST = 0.7  #: of the faults so many hit when all daemons are ready; the others may hit who is still starting
ENDED = 0.95  #: of the instances must have ended, or the campaign has shown nothing
REGRESS = Path(__file__).parent / "regress.txt"


@dataclass(frozen=True)
class Plan:
    """What a campaign does."""

    shape: Shape
    seed: int
    counts: dict[str, int]  #: faults by name
    pairs: int = 0  #: two at once
    instances: int = 200

    def faults(self) -> list[Injury]:
        """In the order of the seed."""
        chance = random.Random(f"{self.seed} {self.shape} order")
        found = [BY_NAME[name] for name, count in self.counts.items() for _ in range(count)]
        possible = [one for one in SINGLE if one.storage in ("", self.shape.storage) and not one.is_slow]
        for _ in range(self.pairs):
            first = chance.choice(possible)
            found.append(both(first, chance.choice([one for one in possible if goes_with(first, one)])))
        chance.shuffle(found)
        return found


@dataclass
class Outcome:
    """What came of it."""

    plan: Plan
    account: Account
    landed: Counter[str] = field(default_factory=Counter)
    in_flight: list[int] = field(default_factory=list)  #: instances, at each fault
    longest: dict[str, float] = field(default_factory=dict)  #: seconds from the end of a fault to the next effect
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        """Why it has failed; none if it has not."""
        account, found = self.account, []
        if account.faults:
            found.append(str(account))
        if account.ended < ENDED * account.instances:
            found.append(f"{account.ended} of {account.instances} instances have ended")
        if self.in_flight and min(self.in_flight) < self.plan.instances // 2:
            found.append(f"{min(self.in_flight)} instances were in flight at a fault")
        if self.landed.total() != len(self.plan.faults()):
            found.append(f"{self.landed.total()} of {len(self.plan.faults())} faults were injected")
        return found


def run(plan: Plan, rabbit: Rabbit, postgres: Postgres | None, folder: Path, tell: Callable[[str], None]) -> Outcome:
    """A whole campaign.

    :param rabbit: a broker that may be killed; it runs.
    :param postgres: a server that may be killed, for the shapes that need it; it runs.
    :raises AssertionError: something did not come about within its time; what it was.
    """
    began = time.monotonic()
    chance = random.Random(f"{plan.seed} {plan.shape}")
    needs_database = plan.shape.storage == "postgresql"
    with ExitStack() as stack:
        data = folder if needs_database else stack.enter_context(_small_disk(folder, plan))
        plant = Plant(folder, rabbit, postgres if needs_database else None, plan.shape, plan.instances, data)
        stack.callback(plant.close)
        plant.start()
        landed: Counter[str] = Counter()
        longest: dict[str, float] = {}
        in_flight = []
        for fault in plan.faults():
            plant.worked(chance.randint(1, MOST_BETWEEN))
            if chance.random() < HEALED_FIRST:
                until(plant.is_well, "all daemons are up", 120)
            in_flight.append(plant.in_flight())
            tell(f"{plan.shape}  {fault.name}")
            fault.inflict(plant, chance)
            over = time.monotonic()
            plant.worked(SOME_WORK)
            longest[fault.name] = max(longest.get(fault.name, 0.0), time.monotonic() - over)
            landed[fault.name] += 1
        plant.finish()
        account = plant.account()
    return Outcome(plan, account, landed, in_flight, longest, time.monotonic() - began)


@contextmanager
def _small_disk(folder: Path, plan: Plan) -> Iterator[Path]:
    """A folder; on a file system of its own if that is to be filled."""
    if not plan.counts.get("disk full") and not plan.pairs:
        yield folder
        return
    with tempfile.TemporaryDirectory(dir=folder) as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


def remembered() -> list[tuple[str, int]]:
    """The shapes and seeds that have failed once."""
    lines = REGRESS.read_text().splitlines() if REGRESS.exists() else []
    pairs = [line.split()[:2] for line in lines if line.strip() and not line.startswith("#")]
    return [(shape, int(seed)) for shape, seed in pairs]


def remember(plan: Plan) -> None:
    """Begin with this one from now on."""
    if (str(plan.shape), plan.seed) not in remembered():
        with REGRESS.open("a") as file:
            file.write(f"{plan.shape} {plan.seed}\n")
