"""``make faults``: hurt daemons, workers, RabbitMQ, databases, links and disks, and account for everything.

    python tests/faults/run_faults.py [--seed N] [--times N] [--only sqlite-1|postgresql-1|postgresql-3]

Every campaign that has failed once comes first. ``FULL=1`` does ten times as much.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from campaign import Outcome, Plan, remember, remembered, run  # noqa: E402
from plans import SHAPES, large  # noqa: E402
from plant import Shape  # noqa: E402
from postgres import Postgres  # noqa: E402
from rabbit import Rabbit  # noqa: E402
from tables import by_fault, by_shape  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--times", type=int, default=10 if os.environ.get("FULL") else 1)
    parser.add_argument("--only", choices=[str(one) for one in SHAPES])
    options = parser.parse_args()
    plans = [large(_shape(name), seed) for name, seed in remembered()]
    plans += [large(shape, options.seed + turn) for turn in range(options.times) for shape in SHAPES]
    plans = [plan for plan in plans if options.only in (None, str(plan.shape))]
    return _report(*_all(plans))


def _shape(name: str) -> Shape:
    return next(one for one in SHAPES if str(one) == name)


def _all(plans: Sequence[Plan]) -> tuple[list[Outcome], int]:
    """What came of them, and how many have failed.

    Each is on a broker and a server that are new; what fails is remembered, its logs are kept, and the others go on.
    """
    outcomes: list[Outcome] = []
    failed = 0
    for plan in plans:
        print(f"{plan.shape}: {len(plan.faults())} faults, seed {plan.seed}", flush=True)
        folder = Path(tempfile.mkdtemp(prefix=f"faults-{plan.shape}-{plan.seed}-"))
        problems = _one(plan, folder, outcomes)
        for problem in problems:
            print(f"FAILED {plan.shape}, seed {plan.seed}, logs in {folder}: {problem}", flush=True)
        if problems:
            remember(plan)
            failed += 1
        else:
            shutil.rmtree(folder)
    return outcomes, failed


def _one(plan: Plan, folder: Path, outcomes: list[Outcome]) -> list[str]:
    """Why it has failed; none if it has not."""
    rabbit, postgres = Rabbit(), Postgres(durable=True)
    try:
        outcomes.append(run(plan, rabbit.start(), postgres.start(), folder, _tell))
        return outcomes[-1].problems
    except AssertionError as error:
        return [str(error)]
    finally:
        (folder / "rabbit.log").write_text(rabbit.log)
        (folder / "postgresql.log").write_text(postgres.log)
        postgres.remove()
        rabbit.remove()


def _tell(line: str) -> None:
    print(f"  {time.strftime('%H:%M:%S', time.gmtime())}  {line}", flush=True)


def _report(outcomes: Sequence[Outcome], failed: int) -> int:
    if outcomes:
        print(f"\n{by_fault(outcomes)}\n\n{by_shape(outcomes)}")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
