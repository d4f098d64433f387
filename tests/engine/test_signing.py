"""Who may answer: tokens signed with keys from outside, and users of the broker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from courier import MESSAGES, Office

from bureaucrat.engine.users import Users
from bureaucrat.errors import ConfigurationError

ACTION = '<process name="p"><action participant="work"/></process>'
NAMED = '<process name="p"><action participant="= who"/></process>'
OLD, NEW = "old-" * 8, "new-" * 8


async def waiting(office: Office, text: str = ACTION, id: str = "a", **more: Any) -> None:
    await office.run()
    await office.settled(office.courier.launch(text, id, **more))


async def status(office: Office, id: str = "a") -> str | None:
    row = await office.storage.instance(id)
    return None if row is None else row.status


def keyed(office: Office, *keys: str) -> None:
    office.settings = replace(office.settings, signing_keys=keys)


def used(office: Office, *sections: tuple[str, str], is_strict: bool = False) -> None:
    office.settings = replace(office.settings, users=Users(sections, "worker:", is_strict))


# -- keys


async def test_who_reads_the_database_cannot_make_a_token_if_the_key_stands_elsewhere(office: Office) -> None:
    keyed(office, NEW)
    await waiting(office)
    (sent,) = await office.sent(1)

    signed = office.engine._exchange.outbox.tokens
    keyed(office, NEW, "database")
    await office.restart()
    both = office.engine._exchange.outbox.tokens

    assert signed.read(sent.token) is not None
    assert both.of("a", 1, 1, "") == signed.of("a", 1, 1, "") == sent.token
    stored = await office.storage.setting("signed_with", "")
    assert (NEW in stored, len(stored)) == (False, 32)


async def test_what_an_older_key_has_signed_is_answered_while_it_is_listed(office: Office) -> None:
    """A key is changed in three steps: accept the new one, sign with it, forget the old one."""
    keyed(office, OLD)
    await waiting(office)
    (first,) = await office.sent(1)

    keyed(office, OLD, NEW)
    await office.restart()
    keyed(office, NEW, OLD)
    await office.restart()
    await office.settled(office.courier.launch(ACTION, "b"))
    _, second = await office.sent(2)
    await office.settled(office.courier.answer(first), office.courier.answer(second))

    keyed(office, NEW)
    await office.restart()
    assert (await status(office, "a"), await status(office, "b")) == ("completed", "completed")
    assert await office.letters() == []


@pytest.mark.parametrize(
    ("before", "after", "advice"),
    [
        ((), (NEW,), "the database's own key; write database after the new key"),
        ((OLD,), (NEW,), "another key; list that, too"),
        ((OLD,), (), "another key; list that, too"),
        ((OLD,), ("database",), "another key; list that, too"),
        ((NEW, OLD), (OLD,), "another key; list that, too"),
    ],
)
async def test_an_engine_that_could_not_read_the_tokens_under_way_does_not_start(
    office: Office, before: tuple[str, ...], after: tuple[str, ...], advice: str
) -> None:
    """F6: it would take every answer for forged."""
    keyed(office, *before)
    await waiting(office)
    await office.die()
    keyed(office, *after)

    with pytest.raises(ConfigurationError, match=r"\[security\] signing_key") as refused:
        await office.start()

    assert advice in str(refused.value)
    assert NEW not in str(refused.value)
    keyed(office, *before)
    await office.restart()
    assert await status(office) == "running"


async def test_when_a_key_is_lost_what_waits_is_sent_again(office: Office) -> None:
    """With tokens of the new key; the old ones are worth nothing."""
    keyed(office, OLD)
    await waiting(office)
    (first,) = await office.sent(1)
    await office.swept()

    keyed(office, NEW, "lost")
    await office.restart()
    await office.swept()
    _, second = await office.sent(2)
    await office.settled(office.courier.answer(first, x=1))
    await office.settled(office.courier.answer(second, x=2))

    assert (second.body["header"]["key"], second.token != first.token) == (first.body["header"]["key"], True)
    assert await status(office) == "completed"
    assert [source for source, _, _ in await office.letters()] == [MESSAGES]


async def test_lost_stands_for_nothing_once_the_new_key_has_signed(office: Office) -> None:
    keyed(office, NEW, "lost")
    await waiting(office)
    await office.sent(1)
    await office.swept()

    await office.restart()
    await office.swept()

    assert len(office.courier.attempts()) == 1


# -- users


@pytest.mark.parametrize(("user", "reason"), [("thief", "RabbitMQ's user thief"), (None, "does not say who")])
async def test_an_answer_from_another_participants_user_is_a_dead_letter(
    office: Office, user: str | None, reason: str
) -> None:
    """C13, also with the very token of the attempt."""
    used(office, ("worker:work", "worker-a"))
    await waiting(office)
    (sent,) = await office.sent(1)
    office.courier.user = user

    await office.settled(office.courier.answer(sent, x=1))

    ((source, _, said),) = await office.letters()
    assert (source, "another user is to answer" in said, reason in said) == (MESSAGES, True, True)
    assert (await status(office), office.engine.figures.forged) == ("running", 1)
    office.courier.user = "worker-a"
    await office.settled(office.courier.answer(sent, x=1))
    assert await status(office) == "completed"


async def test_a_participant_without_a_user_may_be_answered_by_anybody(office: Office) -> None:
    used(office, ("other", "worker-a"))
    await waiting(office)
    (sent,) = await office.sent(1)
    office.courier.user = "thief"

    await office.settled(office.courier.answer(sent, x=1))

    assert await status(office) == "completed"


async def test_what_was_sent_before_a_user_was_set_may_be_answered_by_anybody(office: Office) -> None:
    await waiting(office)
    (sent,) = await office.sent(1)
    used(office, ("*", "worker-a"))
    await office.restart()

    await office.settled(office.courier.answer(sent, x=1))

    assert await status(office) == "completed"


async def test_an_ended_attempt_of_a_user_is_revoked_by_the_token_it_was_sent_with(office: Office) -> None:
    used(office, ("*", "worker-a"))
    await waiting(office)
    (sent,) = await office.sent(1)

    await office.settled(office.courier.cancel("a"))

    assert office.courier.revoked == [("work", sent.token)]


@pytest.mark.parametrize(("user", "expected"), [("worker-a", "completed"), ("thief", "running"), (None, "running")])
async def test_an_answer_without_a_token_counts_from_the_user_alone(
    office: Office, user: str | None, expected: str
) -> None:
    used(office, ("work", "worker-a"))
    await waiting(office)
    office.courier.user = user

    await office.settled(office.courier.untokened("a_0", x=1))

    assert (await status(office), office.engine.figures.forged) == (expected, int(expected == "running"))


async def test_an_answer_without_a_token_to_whom_an_expression_names_is_refused(office: Office) -> None:
    used(office, ("other", "worker-a"))
    await waiting(office, NAMED, fields={"who": "work"})
    office.courier.user = "worker-a"

    await office.settled(office.courier.untokened("a_0", x=1))

    reason = "an answer without a token is not taken where an expression names the participant"
    assert await office.letters() == [(MESSAGES, "", reason)]


async def test_an_answer_without_a_token_for_what_is_no_action_is_history(office: Office) -> None:
    used(office, ("other", "worker-a"))
    await waiting(office, '<process name="p"><delay duration="9"/></process>')

    await office.settled(office.courier.untokened("a_0", x=1))

    assert (office.told("late"), await office.letters()) == (["late"], [])


@pytest.mark.parametrize("has_token", [True, False])
async def test_where_all_have_to_say_who_they_are_an_answer_that_does_not_is_a_dead_letter(
    office: Office, has_token: bool
) -> None:
    """C14."""
    used(office, is_strict=True)
    await waiting(office)
    (sent,) = await office.sent(1)

    def answer() -> Any:
        return office.courier.answer(sent, x=1) if has_token else office.courier.untokened("a_0", x=1)

    await office.settled(answer())

    ((_, _, reason),) = await office.letters()
    assert reason.startswith("the answer does not say who sends it, and [security] strict is on; set the property")
    assert await status(office) == "running"
    office.courier.user = "anybody"
    await office.settled(answer())
    assert await status(office) == "completed"


def test_a_participant_has_the_user_of_its_own_section_or_of_the_first_pattern() -> None:
    users = Users((("*", "all"), ("mail_*", "mail"), ("worker:charge", "charge")), "worker:")

    assert [users.of(name) for name in ("charge", "worker:charge", "mail_x", "x")] == ["charge", "charge", "all", "all"]
    assert users.all == {"all", "mail", "charge"}
