"""``processes/nightly-load.xml``: some files side by side, each with its own retries, none that stops the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shipped import (
    MOMENT,
    PROCESSES,
    Program,
    asked,
    fail_for_good,
    forever,
    keys,
    module,
    nothing,
    problems,
    short_of,
    simulated,
    told,
)

from bureaucrat import Fault
from bureaucrat.errors import Refused
from bureaucrat.testing import START, Simulation

DAY = 86_400
FIVE = ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"]


def listed(*files: str, **fields: object) -> Simulation:
    """A load that knows its files."""
    sim = simulated("nightly-load.xml")
    sim.launch({"night": "2027-01-15", **fields})
    sim.answer("list-files", files=list(files))
    return sim


def line(file: str, rows: int = 0, problem: str = "") -> dict[str, Any]:
    return {"file": file, "rows": rows, "problem": problem}


# -- the summary


def test_every_file_is_a_line_of_the_report() -> None:
    """In the order of the list, whatever the order of the answers."""
    sim = listed("a.csv", "b.csv")
    first, second = sim.open

    sim.answer_attempt(second, {"rows": 20})
    sim.answer_attempt(first, {"rows": 10})
    sim.answer("report")

    sim.assert_ended("loaded")
    assert asked(sim, "report") == [
        {"night": "2027-01-15", "results": [line("a.csv", rows=10), line("b.csv", rows=20)]}
    ]
    assert sim.fields == {
        "night": "2027-01-15",
        "tolerated": 1,
        "files": ["a.csv", "b.csv"],
        "results": [line("a.csv", rows=10), line("b.csv", rows=20)],
        "missing": [],
    }


def test_four_files_are_loaded_at_a_time() -> None:
    """The fifth starts when one of them is done, and no earlier."""
    sim = listed(*FIVE)
    assert asked(sim, "load-file") == [{"night": "2027-01-15", "file": file} for file in FIVE[:4]]

    sim.answer_attempt(sim.open[2], {"rows": 1})

    assert [one.fields["file"] for one in sim.open] == ["a.csv", "b.csv", "d.csv", "e.csv"]


def test_a_broken_file_goes_to_quarantine_at_once_and_the_others_go_on() -> None:
    """It is not tried again; the report says why it is missing."""
    sim = listed(*FIVE)

    sim.throw("load-file", "Unreadable", "line 7")
    assert asked(sim, "quarantine") == [{"file": "a.csv", "problem": "line 7"}]
    for _ in FIVE[1:4]:
        sim.answer("load-file", rows=1)
    sim.answer("quarantine")
    sim.answer("load-file", rows=1)
    sim.answer("report")

    sim.assert_ended("incomplete")
    assert sim.fields["missing"] == ["a.csv"]
    assert sim.fields["results"] == [line("a.csv", problem="line 7"), *(line(file, rows=1) for file in FIVE[1:])]


def test_a_broken_file_of_which_nobody_says_what_is_wrong_is_missing_all_the_same() -> None:
    """Then the code of the fault is what one knows."""
    sim = listed("a.csv")

    sim.throw("load-file", "Unreadable")
    sim.answer("quarantine")
    sim.answer("report")

    sim.assert_ended("incomplete")
    assert sim.fields["results"] == [line("a.csv", problem="Unreadable")]


@pytest.mark.parametrize(("broken", "outcome"), [(0, "loaded"), (1, "incomplete"), (2, "failed"), (5, "failed")])
def test_more_missing_files_than_are_tolerated_wake_somebody(broken: int, outcome: str) -> None:
    """One may be missing."""
    sim = listed(*FIVE)

    for number in range(len(FIVE)):
        if number < broken:
            sim.throw("load-file", "Unreadable", "line 7")
            sim.answer("quarantine")
        else:
            sim.answer("load-file", rows=1)
    sim.answer("report")
    if outcome == "failed":
        sim.answer("alert")

    sim.assert_ended(outcome)
    text = f"load of 2027-01-15: {broken} of 5 files are missing"
    assert asked(sim, "alert") == ([{"text": text, "files": FIVE[:broken]}] if outcome == "failed" else [])


def test_how_many_may_be_missing_is_said_at_the_start() -> None:
    """Somebody who knows that the partner has a holiday need not be woken."""
    sim = listed("a.csv", "b.csv", tolerated=2)

    for _ in range(2):
        sim.throw("load-file", "Unreadable", "line 7")
        sim.answer("quarantine")
    sim.answer("report")

    sim.assert_ended("incomplete")


def test_a_night_without_files_wakes_somebody() -> None:
    """It is not the same as a night in which everything went well."""
    sim = listed()

    sim.answer("report")
    assert sim.attempt("alert").fields == {"text": "load of 2027-01-15: 0 of 0 files are missing", "files": []}
    sim.answer("alert")

    sim.assert_ended("failed")


# -- retries and timeouts of one file


def test_a_file_is_tried_four_times_with_pauses_of_1_10_and_100_seconds() -> None:
    """All its attempts have one key; the text of the last one is in the report."""
    sim = listed("a.csv")

    for attempt, pause in enumerate((1, 10, 100), 1):
        sim.fail("load-file", f"no connection, {attempt}")
        sim.advance(short_of(f"{pause}s"))
        assert sim.open == []
        sim.advance(2 * MOMENT)
    sim.fail("load-file", "no connection, 4")
    sim.answer("quarantine")
    sim.answer("report")

    sim.assert_ended("incomplete")
    assert len(keys(sim, "load-file")) == 4
    assert len(set(keys(sim, "load-file"))) == 1
    assert sim.fields["results"] == [line("a.csv", problem="no connection, 4")]


def test_the_files_beside_it_do_not_wait_for_the_pause_of_one() -> None:
    """Each has its own attempts, and the place of the one that pauses stays taken."""
    sim = listed(*FIVE)

    sim.fail("load-file", "no connection")

    assert [one.fields["file"] for one in sim.open] == ["b.csv", "c.csv", "d.csv"]
    sim.answer("load-file", rows=1)
    assert [one.fields["file"] for one in sim.open] == ["c.csv", "d.csv", "e.csv"]
    sim.advance("1s")
    assert [one.fields["file"] for one in sim.open] == ["c.csv", "d.csv", "e.csv", "a.csv"]


def test_a_load_that_hangs_is_given_up_after_four_times_half_an_hour() -> None:
    """And the pauses between: 4 x 1800 s and 111 s."""
    sim = listed("a.csv")

    sim.advance(short_of("2h1m51s"))
    assert asked(sim, "quarantine") == []
    sim.advance(2 * MOMENT)

    assert asked(sim, "quarantine") == [{"file": "a.csv", "problem": "load-file had no answer in time"}]


def test_an_answer_that_comes_after_its_timeout_counts_while_the_file_is_tried_again() -> None:
    """The rows are loaded; the second attempt is given up."""
    sim = listed("a.csv")
    slow = sim.attempt("load-file")

    sim.advance(1800 + 1)
    sim.answer_attempt(slow, {"rows": 10})

    assert sim.attempt("report").fields["results"] == [line("a.csv", rows=10)]


def test_an_answer_that_comes_twice_or_too_late_changes_nothing() -> None:
    """The first final one has decided."""
    sim = listed("a.csv", "b.csv")
    good, broken = sim.open

    sim.answer_attempt(good, {"rows": 10})
    sim.answer_attempt(good, {"rows": 11})
    sim.answer_attempt(broken, {"status": "critical", "code": "Unreadable", "error": "line 7"})
    sim.answer_attempt(broken, {"rows": 20})
    sim.answer("quarantine")

    assert sim.attempt("report").fields["results"] == [line("a.csv", rows=10), line("b.csv", problem="line 7")]
    assert told(sim, "late", "load-file") == 2


# -- what goes wrong elsewhere


def test_a_list_that_cannot_be_had_needs_a_person_after_six_attempts() -> None:
    """Nothing is guessed: no list is another thing than an empty list."""
    sim = simulated("nightly-load.xml")
    sim.launch({"night": "2027-01-15"})

    assert fail_for_good(sim, "list-files", "no route to host") == 6
    assert problems(sim) == [("error", "ActionError", "no route to host")]
    sim.retry()
    sim.answer("list-files", files=["a.csv"])
    sim.answer("load-file", rows=1)
    sim.answer("report")

    sim.assert_ended("loaded")


def test_a_list_without_an_answer_is_asked_for_again_after_two_minutes_and_a_pause_of_one() -> None:
    """The first pause is a minute, a fifth more or less. Only the list of the answer counts."""
    sim = simulated("nightly-load.xml")
    sim.launch({"night": "2027-01-15"})

    sim.advance("2m48s")
    assert len(asked(sim, "list-files")) == 1
    sim.advance("24s")
    assert asked(sim, "list-files") == [{"night": "2027-01-15"}] * 2
    sim.answer("list-files", files=["a.csv"], tolerated=100)

    assert sim.fields["files"] == ["a.csv"]
    assert sim.fields["tolerated"] == 1


def test_a_list_that_is_refused_faults_the_instance_until_a_person_decides() -> None:
    """Nobody handles it."""
    sim = simulated("nightly-load.xml")
    sim.launch({"night": "2027-01-15"})

    sim.throw("list-files", "AccessDenied", "the password has expired")

    assert (sim.status, problems(sim)) == ("faulted", [("fault", "AccessDenied", "the password has expired")])


def test_a_quarantine_that_fails_is_an_incident_of_its_file_alone() -> None:
    """The others go on, and the report waits for the person who decides."""
    sim = listed("a.csv", "b.csv")

    sim.throw("load-file", "Unreadable", "line 7")
    assert fail_for_good(sim, "quarantine", "the disk is full") == 4
    sim.answer("load-file", rows=1)
    assert (sim.status, problems(sim)) == ("running", [("error", "ActionError", "the disk is full")])
    sim.skip()
    sim.answer("report")

    sim.assert_ended("incomplete")
    assert sim.fields["results"] == [line("a.csv", problem="line 7"), line("b.csv", rows=1)]


def test_a_quarantine_that_hangs_holds_nothing_but_its_file() -> None:
    """As a fault, which its Timeout would be otherwise, it would hold the other files, too."""
    sim = listed("a.csv", "b.csv")

    sim.throw("load-file", "Unreadable", "line 7")
    sim.advance("4m5s")  # four minutes, and pauses of 1, 2 and 4 seconds, a fifth more or less
    assert problems(sim) == []
    sim.advance("4s")

    assert (sim.status, problems(sim)) == ("running", [("error", "Timeout", "quarantine had no answer in time")])
    sim.answer("load-file", rows=1)
    assert told(sim, "completed", "load-file") == 1


@pytest.mark.parametrize(("activity", "attempts"), [("report", 4), ("alert", 11)])
def test_a_message_that_cannot_be_sent_needs_a_person(activity: str, attempts: int) -> None:
    """What was loaded is not loaded again."""
    sim = listed()
    if activity == "alert":
        sim.answer("report")

    assert fail_for_good(sim, activity, "no such host") == attempts

    assert problems(sim) == [("error", "ActionError", "no such host")]
    sim.retry()
    sim.answer(activity)
    assert told(sim, "completed", activity) == 1


def test_the_desk_is_told_once_when_the_load_still_runs_after_four_hours() -> None:
    """Not a moment earlier, and the load goes on."""
    sim = listed("a.csv")
    sim.advance(short_of("4h"))  # the quarantine has no answer and needs a person by now
    assert asked(sim, "tell-late") == []

    sim.advance(2 * MOMENT)

    assert asked(sim, "tell-late") == [{"text": "the load of 2027-01-15 is still running"}]
    sim.answer("tell-late")
    sim.advance("3d")
    assert len(asked(sim, "tell-late")) == 1
    assert problems(sim) == [("error", "Timeout", "quarantine had no answer in time")]


# -- every night, two loads of one night, and a restart


def by_itself(start: float = START) -> Simulation:
    """Registered, and not launched by anybody."""
    return Simulation(processes=[PROCESSES / "nightly-load.xml"], start=start)


@pytest.mark.parametrize(
    ("start", "until", "night"),
    [(START, "17h", "2027-01-16"), (START + 181 * DAY, "16h", "2027-07-16")],
    ids=["winter", "summer"],
)
def test_it_starts_at_two_in_the_morning_in_winter_and_summer(start: float, until: str, night: str) -> None:
    """In Berlin: at 1:00 or 0:00 UTC. Simulations begin at 8:00 UTC."""
    sim = by_itself(start)

    sim.advance(short_of(until))
    assert sim.instances() == []
    sim.advance(2 * MOMENT)

    (sim.instance,) = sim.instances()
    assert asked(sim, "list-files") == [{"night": night}]
    assert sim.record().business_key == night
    sim.answer("list-files", files=[])
    assert sim.fields["night"] == night


def test_a_night_that_needs_a_person_does_not_keep_the_next_one_from_being_loaded() -> None:
    """Each has files of its own."""
    sim = by_itself()

    sim.advance("17h1s")
    sim.throw("list-files", "AccessDenied")
    sim.advance("1d")

    assert [sim.record(one).business_key for one in sim.instances()] == ["2027-01-16", "2027-01-17"]


def test_the_nights_in_which_nothing_ran_are_loaded_later() -> None:
    """Each of them: the last one does not stand for the others."""
    sim = by_itself()

    sim.restart(after="3d")

    assert asked(sim, "list-files") == [{"night": f"2027-01-{day}"} for day in (16, 17, 18)]


def test_a_night_that_is_loaded_by_hand_is_not_started_once_more() -> None:
    """The tick is refused, for there is an unfinished load of that night."""
    sim = by_itself()

    sim.launch({"night": "2027-01-16"})
    sim.advance("18h")

    assert len(sim.instances()) == 1


def test_by_hand_without_a_night_it_is_the_present_one() -> None:
    """Whoever wants another one says so."""
    sim = simulated("nightly-load.xml")

    sim.launch()

    assert asked(sim, "list-files") == [{"night": "2027-01-15"}]


def test_a_night_is_loaded_by_one_instance_at_a_time() -> None:
    """When the first has ended, another may load the night again."""
    sim = listed("a.csv")
    first = sim.instance

    with pytest.raises(Refused, match=f"nightly-load 2027-01-15 is unfinished already.*{first}"):
        sim.launch({"night": "2027-01-15"})
    sim.instance = first
    sim.answer("load-file", rows=1)
    sim.answer("report")

    sim.launch({"night": "2027-01-15"})
    assert sim.status == "running"


def test_a_hundred_files_are_four_at_a_time_and_every_tenth_is_broken() -> None:
    """What a night is like."""

    def load(file: str) -> dict[str, int]:
        if file.endswith("0.csv"):
            raise Fault("Unreadable", "line 7")
        return {"rows": 1}

    files = [f"{number}.csv" for number in range(100)]
    silent = dict.fromkeys(("quarantine_file", "send_report", "alert_on_call"), nothing)
    sim = simulated("nightly-load.xml", {"list_files": lambda: {"files": files}, "load_file": load, **silent})

    sim.launch({"night": "2027-01-15"})

    sim.assert_ended("failed")
    assert sum(one["rows"] for one in sim.fields["results"]) == 90
    assert sim.fields["missing"] == [f"{number}0.csv" for number in ("", *range(1, 10))]


async def test_a_load_that_is_killed_goes_on_with_the_files_that_were_not_loaded(tmp_path: Path) -> None:
    """What was loaded is not loaded again; what was under way is, with the same key."""
    calls: list[tuple[str, str]] = []

    def load(workitem: Any, file: str) -> dict[str, int]:
        calls.append((file, workitem.key))
        return {"rows": 1}

    async def stuck(workitem: Any, file: str) -> dict[str, int]:
        return load(workitem, file) if file == "a.csv" else await forever()

    example = {"send_report": nothing, "list_files": lambda: {"files": ["a.csv", "b.csv"]}}
    program = Program(tmp_path / "load.db", "nightly-load.xml", {**example, "load_file": stuck})

    async with program as engine:
        await engine.launch(program.definition, {"night": "2027-01-15"}, "load-1")
        await program.until("completed", "load-file")
    program.participants["load_file"] = load
    async with program:
        ended = await program.until("ended")

    assert ended.detail == {"status": "completed", "outcome": "loaded"}
    assert [file for file, _ in calls] == ["a.csv", "b.csv"]
    assert len({key for _, key in calls}) == 2


def test_the_example_warehouse_misses_one_file() -> None:
    """The participants that are shipped beside it."""
    sim = simulated("nightly-load.xml", module("nightly_load"))

    sim.launch({"night": "2027-01-15"})

    sim.assert_ended("incomplete")
    assert sim.fields["missing"] == ["2027-01-15/stock.csv"]
