"""C: messages that nobody should be able to do harm with, sent to one real daemon on RabbitMQ, in strict mode.

Limits and outcomes are those of the language where the study has others; such rows say so. After each row the daemon is
the same process and does what comes next.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pika
import pytest
from service import LAUNCH, WORKITEM, Attempt, Client, Service, until

MSGS, EVENTS, LAUNCHES, TIMERS = "bureaucrat_msgs", "bureaucrat_events", "bureaucrat", "bureaucrat_schedule"
SETTINGS = "history = full\n[security]\nstrict = yes\n[participant:owned]\nuser = somebody\n"


@dataclass
class Bad:
    """A message that is to be a dead letter."""

    queue: str
    body: bytes | str
    reason: str
    type: str | None = "application/json"
    properties: dict[str, Any] = field(default_factory=dict)


def response(target: Any, **more: Any) -> str:
    return json.dumps({"header": {"message": "response", "target": target, **more}, "fields": {}})


def message(name: Any, target: Any, payload: Any) -> str:
    return json.dumps({"name": name, "target": target, "origin": "", "payload": payload})


def event(name: Any) -> str:
    return json.dumps({"event": name})


def timer(instant: str) -> str:
    return f'{{"instant": {instant}, "code": "timeout", "target": "a_0"}}'


SAID = {"user_id": "guest"}
#: row and what
CASES: dict[str, Bad] = {
    "C1 no JSON": Bad(MSGS, "{", "the body is not JSON"),
    "C1 empty": Bad(MSGS, "", "the body is empty"),
    "C1 a number": Bad(MSGS, "7", "an object is expected"),
    "C1 a list": Bad(MSGS, "[1]", "an object is expected"),
    "C2 nested arrays": Bad(MSGS, "[" * 100_000 + "]" * 100_000, "more than 64"),
    "C3 2 MiB": Bad(MSGS, '"' + " " * (2 << 20) + '"', "an object is expected"),  # read: 16 MiB are allowed (L120)
    "C3 20 MiB": Bad(MSGS, b" " * (20 << 20), "20,971,520 bytes; 16,777,216 are allowed"),
    "C4 a key twice": Bad(MSGS, '{"name": 1, "name": 1}', "twice"),
    "C4 NaN": Bad(MSGS, '{"name": NaN}', "NaN"),
    "C4 a long integer": Bad(MSGS, '{"name": ' + "9" * 5_000 + "}", "64 bits"),
    "C4 half a surrogate": Bad(MSGS, '{"name": "\\ud800"}', "surrogate"),
    "C4 NUL": Bad(MSGS, '{"name": "\\u0000"}', "NUL"),
    "C5 no target": Bad(MSGS, '{"name": "response"}', "target is missing"),
    "C5 no payload": Bad(MSGS, '{"name": "response", "target": "a_0"}', "payload is missing"),
    "C5 wrong types": Bad(MSGS, message(1, [], "x"), "name is a number; text is expected"),
    "C5 within the header": Bad(MSGS, response(7), "header.target"),
    "C6 a path": Bad(MSGS, response("../../etc/passwd"), "no address"),
    "C6 SQL": Bad(MSGS, response("x'; DROP TABLE instances; --"), "no address"),
    "C6 a megabyte": Bad(MSGS, response("x" * (1 << 20)), "no address"),
    "C6 an emoji": Bad(MSGS, response("\U0001f4a5"), "no address"),
    # an answer to nobody is one at once; only a cancel waits for its launch, for a minute
    "C7 an unknown instance": Bad(MSGS, response("nobody_0"), "there is no instance nobody", WORKITEM, SAID),
    "C9 a forged token": Bad(
        MSGS, response("a_0", token="a:1:1::AAAAAAAAAAAAAAAAAAAAAA"), "not made by this engine", WORKITEM, SAID
    ),
    "C14 nobody says who it is": Bad(MSGS, response("a_0"), "does not say who sends it", WORKITEM),
    "C15 pickle": Bad(MSGS, b"\x80\x04.", "never read", "application/x-python-serialize"),
    "C15 YAML": Bad(MSGS, "a: 1", "never read", "application/x-yaml"),
    "C15 gzip": Bad(MSGS, b"\x1f\x8b", "'gzip' is not read", properties={"content_encoding": "gzip"}),
    "C16 many headers": Bad(
        EVENTS, "[]", "an object is expected", properties={"headers": {f"h{n}": n for n in range(10_000)}}
    ),
    "C16 nested headers": Bad(EVENTS, "[]", "an object", properties={"headers": {"a": {"b": [{"c": {"d": None}}]}}}),
    "C16 a wrong x-death": Bad(EVENTS, "[]", "an object", properties={"headers": {"x-death": "never"}}),
    "C18 no name": Bad(EVENTS, '{"data": 1}', "event is missing"),
    "C18 a name of a megabyte": Bad(EVENTS, event("x" * (1 << 20)), "event has"),
    "C22 a timer of text": Bad(TIMERS, timer('"abc"'), "a number is expected"),
    "C22 a timer for ever": Bad(TIMERS, timer("1e18"), "beyond the year 9999"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_message_that_cannot_be_used_is_a_dead_letter(service: Service, client: Client, case: str) -> None:
    """Kept with its reason, up to 1 MiB of it; acknowledged."""
    bad = CASES[case]
    body = bad.body.encode() if isinstance(bad.body, str) else bad.body
    id = case.replace(" ", "-")
    client.publish(bad.queue, body, bad.type, message_id=id, **bad.properties)

    query = "SELECT source, reason, body FROM dead_letters WHERE message_id = ?"
    ((source, reason, kept),) = until(lambda: service.rows(query, id), f"{case} is a dead letter")
    assert (source, bytes(kept)) == (bad.queue, body[: 1 << 20])
    assert bad.reason in reason


# -- answers


def waiting(client: Client, participant: str, instance: str, more: str = "") -> Attempt:
    client.launch(f'<process name="p"><action participant="{participant}"{more}/></process>', instance)
    return client.attempt(participant)


def answer(attempt: Attempt, id: str | None = None, user: str | None = "guest", **fields: Any) -> None:
    body = json.dumps({"header": attempt.header, "fields": fields})
    attempt.client.publish(MSGS, body, WORKITEM, message_id=id, user_id=user)


def dead(service: Service, id: str) -> list[str]:
    return [reason for (reason,) in service.rows("SELECT reason FROM dead_letters WHERE message_id = ?", id)]


def is_taken(client: Client) -> None:
    until(lambda: client.depth(MSGS) == 0, "everything is taken")


def late(service: Service, instance: str) -> int:
    query = "SELECT count(*) FROM history WHERE instance = ? AND what = 'late'"
    return int(service.rows(query, instance)[0][0])


def test_c8_an_answer_to_an_instance_that_has_ended_is_history(service: Service, client: Client) -> None:
    attempt = waiting(client, "ended", "c8")
    answer(attempt, a=1)
    client.ended("c8")

    answer(attempt, "c8-late", a=2)

    until(lambda: late(service, "c8") == 1, "it is late")
    assert (dead(service, "c8-late"), client.ask("c8")["fields"]) == ([], {"a": 1})


@pytest.mark.parametrize("spoil", ["other", "truncated"])
def test_c9_a_token_of_another_or_half_of_one_is_counted(service: Service, client: Client, spoil: str) -> None:
    before = service.metric("bureaucrat_answers_forged_total")
    one, two = (waiting(client, f"c9-{spoil}", f"c9-{spoil}-{number}") for number in (1, 2))
    token = {"other": two.token, "truncated": one.token[:-3]}[spoil]
    one.content["header"]["token"] = token

    answer(one, f"c9-{spoil}", a=1)

    until(lambda: dead(service, f"c9-{spoil}"), "it is a dead letter")
    assert service.metric("bureaucrat_answers_forged_total") == before + 1
    assert client.ask(f"c9-{spoil}-1")["status"] == "running"


def test_c10_a_thousand_repeats_have_one_effect(service: Service, client: Client) -> None:
    text = (
        '<process name="p"><context><property name="n" type="int">0</property></context><action participant="many">'
        '<output><field name="n">n + 1</field></output></action><await event="c10" since="start"/></process>'
    )
    client.launch(text, "c10")
    attempt = client.attempt("many")

    for _ in range(1_000):
        answer(attempt)
    client.event("c10", {})

    assert client.ended("c10")["fields"] == {"n": 1}
    is_taken(client)
    until(lambda: late(service, "c10") == 999, "the others are late")


def test_c11_of_two_answers_the_first_counts(service: Service, client: Client) -> None:
    attempt = waiting(client, "two", "c11")

    answer(attempt, a=1)
    answer(attempt, a=2)

    assert client.ended("c11")["fields"] == {"a": 1}
    until(lambda: late(service, "c11") == 1, "the second is in the history")


def test_c12_an_answer_to_an_attempt_that_timed_out_changes_nothing(service: Service, client: Client) -> None:
    text = (
        '<process name="p"><sequence><action participant="slow" timeout="100ms"/>'
        '<faults><case code="Timeout"><await event="c12" since="start"/></case></faults></sequence></process>'
    )
    client.launch(text, "c12")
    attempt = client.attempt("slow")
    until(lambda: service.rows("SELECT 1 FROM waits WHERE instance = 'c12'"), "its time is over")

    answer(attempt, a=1)

    until(lambda: late(service, "c12") == 1, "it is late")
    client.event("c12", {})
    assert client.ended("c12")["fields"] == {}


def test_c13_an_answer_from_another_user_is_a_dead_letter_and_counted(service: Service, client: Client) -> None:
    before = service.metric("bureaucrat_answers_forged_total")
    attempt = waiting(client, "owned", "c13")

    answer(attempt, "c13", a=1)

    (reason,) = until(lambda: dead(service, "c13"), "it is a dead letter")
    assert "another user is to answer this attempt, and it comes from RabbitMQ's user guest" in reason
    assert service.metric("bureaucrat_answers_forged_total") == before + 1
    assert client.ask("c13")["status"] == "running"


def test_c14_an_answer_without_a_user_is_a_dead_letter(service: Service, client: Client) -> None:
    attempt = waiting(client, "anonymous", "c14")

    answer(attempt, "c14", user=None)

    assert "[security] strict is on" in until(lambda: dead(service, "c14"), "it is a dead letter")[0]
    answer(attempt, a=1)
    assert client.ended("c14")["fields"] == {"a": 1}


# -- oddities that are no dead letters, and very many


@pytest.mark.parametrize(
    "properties",
    [{"expiration": "60000"}, {"priority": 255}, {"type": "nothing that is known"}],
    ids=["expiration", "priority", "type"],
)
def test_c17_properties_that_mean_nothing_here_are_no_obstacle(
    service: Service, client: Client, properties: dict[str, Any]
) -> None:
    id = f"c17-{next(iter(properties))}"

    client.event("odd", {}, message_id=id, **properties)

    until(lambda: service.rows("SELECT 1 FROM events WHERE id = ?", id), "it is accepted")


@pytest.mark.parametrize("name", ["../x", "order.*", "#"])
def test_c18_an_event_may_be_called_anything_that_is_short(service: Service, client: Client, name: str) -> None:
    """A name is a text that is compared, and nothing else: no path and no pattern."""
    client.event(name, {}, message_id=f"c18-{name}")

    until(lambda: service.rows("SELECT 1 FROM events WHERE name = ?", name), "it is accepted")


def published_at_once(service: Service, queue: str, bodies: list[tuple[bytes, str | None, str]]) -> None:
    """Without waiting for confirms between them."""
    with pika.BlockingConnection(pika.URLParameters(service.url)) as connection:
        channel = connection.channel()
        for body, content_type, id in bodies:
            properties = pika.BasicProperties(delivery_mode=2, content_type=content_type, message_id=id)
            channel.basic_publish("", queue, body, properties)


def test_c19_a_storm_of_events_is_counted_to_the_last_and_kept_out_of_memory(service: Service, client: Client) -> None:
    """10,000 as fast as one client can; `client` bounds what the daemon has grown by."""
    published_at_once(service, EVENTS, [(b'{"event": "storm"}', None, f"c19-{n}") for n in range(10_000)])

    query = "SELECT count(*) FROM events WHERE name = 'storm'"
    until(lambda: service.rows(query) == [(10_000,)], "all are accepted")
    assert client.depth(EVENTS) == 0


def test_c20_a_thousand_bad_definitions_are_a_thousand_dead_letters(service: Service, client: Client) -> None:
    query = "SELECT count(*) FROM dead_letters WHERE message_id LIKE 'c20-%'"

    published_at_once(service, LAUNCHES, [(b"<process><acton/></process>", None, f"c20-{n}") for n in range(1_000)])

    until(lambda: service.rows(query) == [(1_000,)], "all are dead letters")


def test_c21_a_launch_a_hundred_times_is_one_instance(service: Service, client: Client) -> None:
    body = json.dumps({"definition": '<process name="once"><action participant="once"/></process>'}).encode()

    published_at_once(service, LAUNCHES, [(body, LAUNCH, "c21")] * 100)

    client.attempt("once").ack()
    until(lambda: client.depth(LAUNCHES) == 0, "all are taken")
    assert service.rows("SELECT count(*) FROM instances WHERE process = 'once'") == [(1,)]
    assert client.depth("worker_once") == 0


def test_c22_a_timer_of_the_past_fires_now(service: Service, client: Client) -> None:
    client.launch('<process name="p"><delay duration="1h"/></process>', "c22")
    until(lambda: service.status("c22") == "running", "it waits")

    client.publish(TIMERS, json.dumps({"instant": -5, "code": "timeout", "target": "c22_0"}))

    assert client.ended("c22")["status"] == "completed"
