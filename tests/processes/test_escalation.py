"""``processes/escalation.xml``: a race between those who answer and the time, through levels and laps."""

from __future__ import annotations

from pathlib import Path

import pytest
from shipped import (
    MOMENT,
    PROCESSES,
    Program,
    asked,
    fail_for_good,
    go_to,
    keys,
    module,
    nothing,
    problems,
    short_of,
    simulated,
    told,
)

from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

LEVELS = ["primary", "secondary", "manager"]


def paged(**fields: object) -> Simulation:
    """An alarm for which every page rings, and nobody has answered yet."""
    sim = simulated("escalation.xml", {"page": nothing})
    sim.launch({"alarm": "db-7", **fields})
    return sim


def silent(**fields: object) -> Simulation:
    """An alarm whose pages the test answers."""
    sim = simulated("escalation.xml")
    sim.launch({"alarm": "db-7", **fields})
    return sim


def levels(sim: Simulation) -> list[tuple[int, str]]:
    """Whom the process has paged: lap and level."""
    return [(one["lap"], one["level"]) for one in asked(sim, "page")]


# -- nobody answers


def test_everybody_is_paged_three_times_five_minutes_apart_and_then_the_desk_is_called() -> None:
    """After three quarters of an hour."""
    sim = paged()
    assert asked(sim, "page") == [{"alarm": "db-7", "level": "primary", "lap": 1}]
    everybody = [(lap, level) for lap in (1, 2, 3) for level in LEVELS]

    for number in range(1, 10):
        assert levels(sim) == everybody[:number]
        go_to(sim, f"{5 * number}m", moments=-1)
        assert levels(sim) == everybody[:number]
        go_to(sim, f"{5 * number}m", moments=1)
    assert asked(sim, "call-desk") == [{"alarm": "db-7"}]
    sim.answer("call-desk")

    sim.assert_ended("unanswered")
    assert asked(sim, "stand-down") == []


def test_levels_laps_and_patience_are_said_at_the_start() -> None:
    """One alarm may be more urgent than another."""
    sim = paged(levels=["anna", "ben"], laps=1, patience="90s")

    sim.advance("91s")
    assert levels(sim) == [(1, "anna"), (1, "ben")]
    sim.advance("90s")

    sim.assert_waiting("call-desk")


def test_a_desk_that_does_not_answer_is_called_21_times_and_is_then_an_incident() -> None:
    """There is nobody else."""
    sim = paged(laps=0)

    assert fail_for_good(sim, "call-desk", "busy") == 21

    assert problems(sim) == [("error", "ActionError", "busy")]
    sim.retry()
    sim.answer("call-desk")
    sim.assert_ended("unanswered")


# -- somebody answers


@pytest.mark.parametrize("minutes", [0, 4, 6, 44])
def test_an_acknowledgement_ends_it_whenever_it_comes(minutes: int) -> None:
    """And from whomever: also from one who was paged half an hour ago, or not at all."""
    sim = paged()
    sim.advance(60 * minutes)
    pages = len(levels(sim))

    sim.event("page.acknowledged", alarm="db-7", by="ben")
    by_ben = {"alarm": "db-7", "by": "ben"}
    assert asked(sim, "stand-down") == [{"alarm": "db-7", "acknowledgement": by_ben}]
    sim.answer("stand-down")
    sim.advance("1d")

    sim.assert_ended("acknowledged")
    assert sim.fields["acknowledgement"] == by_ben
    assert len(levels(sim)) == pages


def test_an_acknowledgement_of_another_alarm_ends_nothing() -> None:
    """The key is the alarm."""
    sim = paged()

    sim.event("page.acknowledged", alarm="db-8", by="ben")

    sim.assert_waiting("patience")


def test_an_acknowledgement_is_faster_than_the_answer_of_the_pager() -> None:
    """The attempt is given up; its answer comes too late."""
    sim = silent()
    page = sim.attempt("page")

    sim.event("page.acknowledged", alarm="db-7", by="anna")
    sim.answer_attempt(page, {})
    sim.answer("stand-down")

    sim.assert_ended("acknowledged")
    assert told(sim, "late", "page") == 1


def test_the_second_to_acknowledge_changes_nothing() -> None:
    """The first one has the alarm."""
    sim = paged()

    sim.event("page.acknowledged", alarm="db-7", by="anna")
    sim.event("page.acknowledged", alarm="db-7", by="ben")
    sim.event("alarm.cleared", alarm="db-7")
    sim.answer("stand-down")

    sim.assert_ended("acknowledged")
    assert sim.fields["acknowledgement"]["by"] == "anna"


def test_an_alarm_that_is_over_ends_it() -> None:
    """Those who were paged are told."""
    sim = paged()
    sim.advance("6m")

    sim.event("alarm.cleared", alarm="db-7")
    assert asked(sim, "stand-down") == [{"alarm": "db-7", "acknowledgement": None}]
    sim.answer("stand-down")

    sim.assert_ended("recovered")


# -- somebody passes it on


def test_who_passes_a_page_on_need_not_be_waited_for() -> None:
    """The next level is paged at once, and has its whole five minutes."""
    sim = paged()
    sim.advance("1m")

    sim.event("page.passed", alarm="db-7", level="primary")
    assert levels(sim) == [(1, "primary"), (1, "secondary")]
    sim.advance(short_of("5m"))
    assert len(levels(sim)) == 2
    sim.advance(2 * MOMENT)

    assert levels(sim)[2:] == [(1, "manager")]


@pytest.mark.parametrize("body", [{"level": "manager"}, {}])
def test_only_the_level_that_was_paged_last_can_pass_the_page_on(body: dict[str, str]) -> None:
    """Who does not say which level he is on is none."""
    sim = paged()

    sim.event("page.passed", alarm="db-7", **body)
    sim.event("page.passed", alarm="db-8", level="primary")

    assert levels(sim) == [(1, "primary")]


def test_a_page_that_is_passed_on_while_the_telephone_still_rings_counts() -> None:
    """Before the pager says that it rang."""
    sim = silent()

    sim.event("page.passed", alarm="db-7", level="primary")
    assert levels(sim) == [(1, "primary")]
    sim.answer("page")

    assert levels(sim) == [(1, "primary"), (1, "secondary")]


def test_a_page_that_was_passed_on_once_is_no_answer_to_the_next_one() -> None:
    """On the second lap everybody has five minutes again; so has who passed the page on twice on the first one."""
    sim = paged()

    sim.event("page.passed", alarm="db-7", level="primary")
    sim.event("page.passed", alarm="db-7", level="primary")
    sim.advance("10m")
    assert levels(sim)[3:] == [(2, "primary")]
    sim.advance(short_of("5m"))
    assert levels(sim)[3:] == [(2, "primary")]
    sim.event("page.passed", alarm="db-7", level="primary")

    assert levels(sim)[4:] == [(2, "secondary")]


# -- somebody cannot be reached


def test_who_cannot_be_reached_need_not_be_waited_for() -> None:
    """Three attempts with one key, with pauses of about one and two seconds."""
    sim = silent()

    for pause in ("2s", "3s"):
        sim.fail("page", "the telephone is off")
        sim.advance(pause)
    sim.fail("page", "the telephone is off")

    assert levels(sim) == [(1, "primary")] * 3 + [(1, "secondary")]
    assert len(set(keys(sim, "page")[:3])) == 1
    assert problems(sim) == []


def test_a_pager_that_says_nothing_is_given_up_after_three_times_twenty_seconds() -> None:
    """And the pauses between."""
    sim = silent()

    sim.advance("59s")
    assert {level for _, level in levels(sim)} == {"primary"}
    sim.advance("5s")

    assert {level for _, level in levels(sim)} == {"primary", "secondary"}


def test_a_number_that_is_none_is_tried_once() -> None:
    """The pager says so by a fault; another attempt would not change it."""
    sim = silent()

    sim.throw("page", "NoSuchNumber", "+49 0")

    assert levels(sim) == [(1, "primary"), (1, "secondary")]


def test_if_nobody_can_be_reached_the_desk_is_called_without_waiting() -> None:
    """Nine pages that did not ring."""
    sim = silent()

    for _ in range(9):
        sim.throw("page", "NoSuchNumber", "+49 0")

    sim.assert_waiting("call-desk")


@pytest.mark.parametrize("how", ["fault", "error", "timeout"])
def test_it_ends_whether_or_not_the_others_can_be_told(how: str) -> None:
    """They will find out in the morning."""
    sim = paged()
    sim.event("page.acknowledged", alarm="db-7", by="anna")

    if how == "fault":
        sim.throw("stand-down", "NoSuchNumber", "+49 0")
    elif how == "timeout":
        sim.advance("2m")
    else:
        for _ in range(4):
            sim.fail("stand-down", "no such host")
            sim.advance("5s")

    sim.assert_ended("acknowledged")


# -- it starts by itself, the same alarm again, and a restart


def test_the_monitoring_starts_it_by_an_event_and_once_for_each_alarm() -> None:
    """It repeats itself every minute, and says more than anybody needs."""
    sim = Simulation(processes=[PROCESSES / "escalation.xml"])

    for alarm in ("db-7", "db-7", "web-1", "db-7"):
        sim.event("alarm.raised", alarm=alarm, host="db-7.example.com")

    assert [(one["alarm"], one["level"]) for one in asked(sim, "page")] == [("db-7", "primary"), ("web-1", "primary")]


def test_an_alarm_pages_people_once_however_often_it_is_raised() -> None:
    """When it has been acknowledged it may be raised again."""
    sim = paged()

    with pytest.raises(Refused, match="escalation db-7 is unfinished already"):
        sim.launch({"alarm": "db-7"})
    sim.instance = sim.sent[0].instance
    sim.event("page.acknowledged", alarm="db-7", by="anna")
    sim.answer("stand-down")

    sim.launch({"alarm": "db-7"})
    sim.assert_waiting("patience")


def test_a_restart_gives_nobody_more_time() -> None:
    """Nor less."""
    sim = paged()

    sim.advance("4m")
    sim.restart()
    sim.advance(short_of("1m"))
    assert levels(sim) == [(1, "primary")]
    sim.advance(2 * MOMENT)

    assert levels(sim) == [(1, "primary"), (1, "secondary")]


async def test_a_program_that_was_stopped_goes_on_with_who_is_next(tmp_path: Path) -> None:
    """Nobody is paged twice for it, and who acknowledges is heard."""
    calls: list[str] = []

    def page(level: str) -> None:
        calls.append(level)

    program = Program(tmp_path / "page.db", "escalation.xml", {"page": page, "stand_down": nothing})

    async with program as engine:
        await engine.launch(program.definition, {"alarm": "db-7"}, "page-1")
        await program.until("completed", "page")
        await engine.event("page.passed", {"alarm": "db-7", "level": "primary"})
        await program.until("completed", "page", times=2)
    async with program as engine:
        await engine.event("page.acknowledged", {"alarm": "db-7", "by": "ben"})
        ended = await program.until("ended")

    assert ended.detail == {"status": "completed", "outcome": "acknowledged"}
    assert calls == ["primary", "secondary"]


def test_the_example_pager_does_not_reach_the_second_level() -> None:
    """The participants that are shipped beside it."""
    sim = simulated("escalation.xml", module("escalation"))

    sim.launch({"alarm": "db-7", "laps": 1})
    sim.advance("11m")

    sim.assert_ended("unanswered")
    assert [level for _, level in levels(sim)] == ["primary", "secondary", "secondary", "secondary", "manager"]
