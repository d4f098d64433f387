"""Three daemons on one PostgreSQL, and faults of all kinds; ``make faults`` does ten times as much."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from campaign import Outcome, Plan, run
from injuries import BY_NAME, both, goes_with
from plans import SHAPES, large, small
from plant import PARTICIPANTS, Account, Shape
from postgres import Postgres
from rabbit import Rabbit
from tables import by_fault, by_shape

SEED = 20_261_126
GOOD = Account(100, 100, [], [], [], [], 400, 300, [], [])
PLAN = Plan(Shape("sqlite", 1), 7, {"daemon killed": 2}, instances=100)


def outcome(account: Account = GOOD, landed: int = 2, in_flight: int = 100) -> Outcome:
    return Outcome(PLAN, account, Counter({"daemon killed": landed}), [in_flight], {"daemon killed": 1.26}, 90.0)


def test_nothing_is_lost_and_nothing_is_done_twice_while_programs_are_killed_frozen_and_cut_off(
    tmp_path: Path, mortal_rabbit: Rabbit, mortal_postgres: Postgres
) -> None:
    told: list[str] = []

    found = run(small(SEED), mortal_rabbit, mortal_postgres, tmp_path, told.append)

    assert found.problems == [], f"seed {SEED}"
    assert len(told) == sum(small(SEED).counts.values())
    assert found.account.ended == found.account.instances
    assert found.account.effects >= len(PARTICIPANTS) * found.account.instances


@pytest.mark.parametrize(
    ("account", "landed", "in_flight", "told"),
    [
        (GOOD, 2, 100, ""),
        (GOOD, 1, 100, "1 of 2 faults were injected"),
        (GOOD, 2, 49, "49 instances were in flight"),
        (Account(100, 94, [], [], [], [], 400, 300, [], []), 2, 100, "94 of 100 instances have ended"),
        (Account(100, 99, ["order-1"], [], [], [], 400, 300, [], []), 2, 100, '"vanished": [\n  "order-1"'),
        (Account(100, 99, [], ["order-1"], [], [], 400, 300, [], []), 2, 100, '"stuck": [\n  "order-1"'),
        (Account(100, 100, [], [], ["order-1 work"], [], 400, 300, [], []), 2, 100, '"lost": [\n  "order-1 work"'),
        (Account(100, 100, [], [], [], ["order-1 work"], 400, 300, [], []), 2, 100, '"doubled": [\n  "order-1 work"'),
        (Account(100, 100, [], [], [], [], 400, 300, [{"check": "x"}], []), 2, 100, '"alarms"'),
        (Account(100, 100, [], [], [], [], 400, 300, [], [("why",)]), 2, 100, '"dead_letters"'),
    ],
)
def test_a_campaign_that_went_wrong_or_did_nothing_fails(
    account: Account, landed: int, in_flight: int, told: str
) -> None:
    found = outcome(account, landed, in_flight).problems

    assert len(found) == bool(told)
    assert told in "".join(found)


def test_a_plan_follows_from_its_seed() -> None:
    names = [[one.name for one in large(SHAPES[2], seed).faults()] for seed in (1, 1, 2)]

    assert names[0] == names[1] != names[2]
    assert sorted(name for name in names[0] if " + " not in name) == sorted(
        Counter(large(SHAPES[2], 1).counts).elements()
    )


def test_the_large_plans_have_as_many_faults_as_they_say() -> None:
    kinds: Counter[str] = Counter()
    for shape in SHAPES:
        for name, times in large(shape, 1).counts.items():
            kinds[BY_NAME[name].family] += times
            kinds[name] += times

    assert kinds["daemon killed"] + kinds["all daemons killed"] * 5 // 3 >= 200  # one daemon twice, three once
    assert (kinds["RabbitMQ killed"] >= 20, kinds["PostgreSQL killed"] >= 20, kinds["link"] >= 50) == (True, True, True)


def test_two_faults_of_one_server_are_not_injected_at_once() -> None:
    killed, restarted, cut = BY_NAME["RabbitMQ killed"], BY_NAME["RabbitMQ restarted"], BY_NAME["link cut"]

    assert not goes_with(killed, restarted)
    assert goes_with(killed, cut)
    assert both(killed, cut).name == "RabbitMQ killed + link cut"


def test_tables_say_how_often_how_long_and_what_became_of_it() -> None:
    assert by_fault([outcome(), outcome()]).splitlines()[3] == "daemon killed  4      1.3 s"
    row = by_shape([outcome()]).splitlines()[3]
    assert " ".join(row.split()) == "1 on SQLite 2 100 100 300 400 0 0 0 1.5"
