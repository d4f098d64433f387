"""Messages that make the engine raise: each harms itself only."""

from __future__ import annotations

from typing import Any

import pytest
from courier import MESSAGES, Office

from bureaucrat.core.activities.action import Action
from bureaucrat.core.activity import Place, Run
from bureaucrat.core.endings import Endings

ACTION = '<process name="p"><action participant="work" timeout="10"/></process>'


async def begun(office: Office, *ids: str) -> None:
    await office.run()
    await office.settled(*(office.courier.launch(ACTION, id) for id in ids))


@pytest.fixture
def defective(monkeypatch: pytest.MonkeyPatch) -> None:
    """Actions of the instance `bad` have defects."""
    for name in ("on_answer", "on_unsent"):
        sound = getattr(Action, name)

        def reaction(self: Action, run: Run, at: Place, *argument: Any, sound: Any = sound) -> None:
            if run.instance_id() == "bad":
                raise RuntimeError("a defect")
            sound(self, run, at, *argument)

        monkeypatch.setattr(Action, name, reaction)


async def test_a_defect_that_ends_the_engine_lets_go_of_the_broker(office: Office) -> None:
    """What was not settled is for another engine at once."""
    await office.run()

    office.courier.look = None
    with pytest.raises(ExceptionGroup) as caught:
        await office.running

    assert [type(one) for one in caught.value.exceptions] == [TypeError]
    assert office.courier.is_stopped


@pytest.mark.usefixtures("defective")
async def test_an_answer_that_makes_the_step_raise_is_a_dead_letter_after_three_tries(office: Office) -> None:
    """C23."""
    await begun(office, "bad", *(f"i{number}" for number in range(5)))
    attempts = await office.sent(6)

    handed = [office.courier.answer(one) for one in attempts]
    await office.settled(*handed)

    assert [one.settled for one in handed] == [1] * 6
    assert await office.letters() == [(MESSAGES, "", "Answer could not be applied: RuntimeError: a defect")]
    (letter,) = await office.storage.dead_letters()
    assert letter.is_whole
    (incident,) = await office.storage.incidents()
    assert (incident.instance, incident.kind) == ("bad", "engine")
    statuses = await office.storage.statuses()
    assert statuses == {"faulted": 1, "completed": 5}


@pytest.mark.usefixtures("defective")
async def test_an_unsent_attempt_that_makes_the_step_raise_stops_nobody(office: Office) -> None:
    office.courier.is_away = True
    await begun(office, "bad", "good")
    office.clock.advance_to(1_011.0)

    await office.until_true(lambda: office.told("incident"))

    (incident,) = await office.storage.incidents()
    assert (incident.instance, incident.kind) == ("bad", "engine")
    assert [reason for _, _, reason in await office.letters()] == [
        "TimerFired could not be applied: RuntimeError: a defect"
    ]


async def test_a_message_that_nobody_can_handle_is_a_dead_letter_and_the_next_is_handled(office: Office) -> None:
    await begun(office, "a")

    strange = office.courier.hand_in(MESSAGES, lambda: "something else", b"body", "m1")
    await office.settled(strange, office.courier.event("go"))

    reason = "it could not be handled: AssertionError: nothing is known of str"
    assert await office.letters() == [(MESSAGES, "m1", reason)]


async def test_a_dead_letter_is_written_once_however_often_its_message_comes(office: Office) -> None:
    await begun(office, "a")

    handed = [office.courier.message(b"nonsense", "m1") for _ in range(5)]
    await office.settled(*handed)

    assert await office.rows("dead_letters") == {"dead_letters": 1}


async def test_an_answer_for_an_instance_that_is_gone_is_a_dead_letter(office: Office) -> None:
    await begun(office, "a")
    (sent,) = await office.sent(1)
    office.storage._tables.instances.remove(("a",))
    office.engine._batches.forget("a")

    await office.settled(office.courier.answer(sent))

    assert await office.letters() == [(MESSAGES, "", "there is no instance a")]


@pytest.mark.usefixtures("defective")
async def test_an_incident_that_cannot_be_made_stops_nobody(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def incident(self: Endings, *arguments: Any, **more: Any) -> None:
        raise RuntimeError("another defect")

    await begun(office, "bad", "good")
    attempts = await office.sent(2)
    monkeypatch.setattr(Endings, "incident", incident)

    handed = [office.courier.answer(one) for one in attempts]
    await office.settled(*handed)

    assert await office.letters() == [(MESSAGES, "", "Answer could not be applied: RuntimeError: another defect")]
    assert await office.storage.statuses() == {"running": 1, "completed": 1}


async def test_a_message_id_that_no_storage_can_keep_is_spelled_out(office: Office) -> None:
    await begun(office, "a")

    await office.settled(office.courier.message(b"nonsense", "m\x00"))

    assert [id for _, id, _ in await office.letters()] == ["m\\x00"]
