"""What nobody can use is a dead letter with the reason; the daemon goes on with the next message."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pika
import pytest
from service import LAUNCH, MESSAGE, WORKITEM, Attempt, Client, Service, goes_on, until

from bureaucrat.engine.codec import encode_message
from bureaucrat.engine.orders import Replay
from bureaucrat.ports import MailRow
from bureaucrat.storage.sqlite import SqliteStorage

MSGS, EVENTS, LAUNCHES, TIMERS = "bureaucrat_msgs", "bureaucrat_events", "bureaucrat", "bureaucrat_schedule"
GOOD = '<process name="good"/>'
REQUIRED = '<process name="r"><context><property name="a" type="int" required="yes"/></context></process>'


@pytest.fixture(scope="module")
def pid(service: Service) -> int:
    """Of the daemon as it was started."""
    return service.pid


@pytest.fixture
def still(service: Service, client: Client, pid: int) -> Iterator[None]:
    """After the test the daemon is the same process, and a good message in each queue is handled."""
    yield
    goes_on(service, client)
    assert service.process is not None
    assert service.process.poll() is None
    status, health = service.get("/health")
    assert (status, health["status"], service.pid) == (200, "alive", pid)


@dataclass
class Bad:
    """A message that nobody can use, and what is to be said of it."""

    name: str
    queue: str
    body: bytes | str
    reason: str
    type: str | None = "application/json"
    properties: dict[str, Any] = field(default_factory=dict)


def launch(**given: Any) -> str:
    return json.dumps(given)


def answer(target: Any, token: Any = None) -> str:
    return json.dumps({"header": {"message": "response", "target": target, "token": token}, "fields": {}})


def message(name: Any, target: Any, payload: Any) -> str:
    return json.dumps({"name": name, "target": target, "origin": "", "payload": payload})


DEEP = "[" * 100_000 + "]" * 100_000
DTD = '<!DOCTYPE p SYSTEM "file:///etc/passwd"><process name="p"/>'
ENTITIES = (
    '<!DOCTYPE p [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><process name="p"><assign property="x">&b;</assign></process>'
)
DEEP_XML = '<process name="p">' + "<sequence>" * 5_000 + "</sequence>" * 5_000 + "</process>"

BAD = [
    Bad("no JSON", MSGS, "{", "the body is not JSON"),
    Bad("no JSON at all", MSGS, b"\xff\xfe\x00", "the body is not UTF-8"),
    Bad("empty", MSGS, "", "the body is empty"),
    Bad("no object", MSGS, "[1]", "an object is expected"),
    Bad("NaN", MSGS, '{"name": NaN}', "NaN"),
    Bad("a key twice", MSGS, '{"name": 1, "name": 1}', "twice"),
    Bad("wrong types", MSGS, message(1, [], "x"), "name is a number; text is expected"),
    Bad("missing keys", MSGS, '{"name": "response"}', "target is missing"),
    Bad("no payload", MSGS, '{"name": "response", "target": "a_0"}', "payload is missing"),
    Bad("a name of the engine", MSGS, message("start", "good_0", {}), "'start'"),
    Bad("an unknown instance", MSGS, message("response", "nobody_0", {}), "there is no instance nobody"),
    Bad("a cancel of an activity", MSGS, message("terminate", "nobody_0_1", {}), "only a whole instance"),
    Bad("pickle", MSGS, b"\x80\x04.", "never read", "application/x-python-serialize"),
    Bad("an unknown type", MSGS, "{}", "is not known here", "image/png"),
    Bad("gzip", MSGS, b"\x1f\x8b", "the encoding 'gzip' is not read", properties={"content_encoding": "gzip"}),
    Bad("20 MiB", MSGS, b" " * (20 << 20), "20,971,520 bytes; 16,777,216 are allowed"),
    Bad("20 MiB of XML", LAUNCHES, b"<" * (20 << 20), "20,971,520 bytes", None),
    Bad("deep JSON", MSGS, DEEP, "more than 64"),
    Bad("a forged token", MSGS, answer("good_0", "good:1:1::AAAAAAAAAAAAAAAAAAAAAA"), "not made by this engine"),
    Bad("an empty target", MSGS, message("response", "", {}), "no address"),
    Bad("a path", MSGS, message("response", "../../etc/passwd", {}), "no address"),
    Bad("SQL", MSGS, message("response", "x'; DROP TABLE instances; --", {}), "no address"),
    Bad("a path in a terminate", MSGS, message("terminate", "../state", {}), "no address"),
    Bad("a question of nothing", MSGS, '{"question": "everything", "instance": "x"}', "'status' is expected"),
    Bad("a question without a queue", MSGS, '{"question": "status", "instance": "x"}', "reply_to is missing"),
    Bad("an event without a name", EVENTS, '{"data": 1}', "event is missing"),
    Bad("an event that is a list", EVENTS, "[]", "an object is expected"),
    Bad("an event with a name of the wrong type", EVENTS, '{"event": 7}', "event is no text"),
    Bad("an event with an empty name", EVENTS, '{"event": ""}', "event is empty"),
    Bad("an event with control characters", EVENTS, '{"event": "a\\nb"}', "control characters"),
    Bad("an event in pickle", EVENTS, b"\x80\x04.", "never read", "application/x-python-serialize"),
    Bad("a timer without an instant", TIMERS, '{"code": "timeout", "target": "a_0"}', "instant is missing"),
    Bad("a timer of text", TIMERS, '{"instant": "now", "code": "timeout", "target": "a_0"}', "a number is expected"),
    Bad("a timer of another code", TIMERS, '{"instant": 1, "code": "x", "target": "a_0"}', "'timeout' is expected"),
    Bad("a timer of nobody", TIMERS, '{"instant": 1, "code": "timeout", "target": "a_0"}', "there is no instance a"),
    Bad("no definition", LAUNCHES, "<process", "", None),
    Bad("a DTD", LAUNCHES, DTD, "DOCTYPE", None),
    Bad("entities", LAUNCHES, ENTITIES, "DOCTYPE", None),
    Bad("deep XML", LAUNCHES, DEEP_XML, "64 levels are allowed", None),
    Bad("an unknown tag", LAUNCHES, '<process name="p"><teleport/></process>', "teleport", None),
    Bad("another root", LAUNCHES, "<workflow/>", "workflow", None),
    Bad("a bad expression", LAUNCHES, '<process name="p"><assign property="x">1 +</assign></process>', "1 +", None),
    Bad(
        "an import",
        LAUNCHES,
        '<process name="p"><assign property="x">__import__("os")</assign></process>',
        "__import__",
        None,
    ),
    Bad("no launch", LAUNCHES, "{}", "neither process nor definition", LAUNCH),
    Bad("a launch of both", LAUNCHES, launch(process="a", definition=GOOD), "both process and definition", LAUNCH),
    Bad("a launch with an unknown key", LAUNCHES, launch(definition=GOOD, field={}), "'field' is not known", LAUNCH),
    Bad("a launch of an unknown process", LAUNCHES, launch(process="nobody"), "no process named 'nobody'", LAUNCH),
    Bad("a launch without a required field", LAUNCHES, launch(definition=REQUIRED), "needs a", LAUNCH),
    Bad("a bare start without a required field", LAUNCHES, REQUIRED, "needs a", None),
    Bad("a launch of something else", LAUNCHES, "hello", "the body is not JSON", "text/plain"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_what_cannot_be_used_is_a_dead_letter(service: Service, client: Client, still: None, bad: Bad) -> None:
    """B-038, B-074, defects 15, 16 and 17 of the original: kept whole, up to 1 MiB, with source and reason."""
    body = bad.body.encode() if isinstance(bad.body, str) else bad.body
    id = f"bad-{BAD.index(bad)}"
    client.publish(bad.queue, body, bad.type, message_id=id, **bad.properties)
    properties, copy = client.get("bureaucrat_dead")

    rows = service.rows("SELECT source, reason, body, properties FROM dead_letters WHERE message_id = ?", id)
    ((source, reason, kept, how),) = rows
    assert (source, bytes(kept)) == (bad.queue, body[: 1 << 20])
    assert bad.reason in reason
    assert json.loads(how)["content_type"] == bad.type
    assert (properties.message_id, copy) == (id, bytes(kept))
    assert properties.headers == {
        "bureaucrat-reason": reason[:2_000],
        "bureaucrat-source": source,
        **counted(properties),
    }


def counted(properties: Any) -> dict[str, Any]:
    """What RabbitMQ adds to the headers of what a quorum queue delivers."""
    return {name: value for name, value in properties.headers.items() if name == "x-delivery-count"}


# -- tokens


def waiting(client: Client, participant: str, instance: str) -> Attempt:
    client.launch(f'<process name="p"><action participant="{participant}"/></process>', instance)
    return client.attempt(participant)


@pytest.mark.parametrize("damage", ["truncated", "extended", "renamed", "of another"])
def test_a_token_that_is_not_that_of_the_attempt_is_refused(
    service: Service, client: Client, still: None, damage: str
) -> None:
    name = f"token-{damage.replace(' ', '-')}"
    attempt = waiting(client, name, name)
    token = {
        "truncated": attempt.token[:-1],
        "extended": f"{attempt.token}A",
        "renamed": attempt.token.replace(name, "good"),
        "of another": f"{name}:7:1::{attempt.token.rpartition(':')[2]}",
    }[damage]
    client.publish(MSGS, answer(f"{name}_0", token), WORKITEM, message_id=name)
    properties, _ = client.get("bureaucrat_dead")

    assert (properties.message_id, "not made by this engine" in properties.headers["bureaucrat-reason"]) == (name, True)
    assert client.ask(name)["status"] == "running"
    attempt.answer()
    client.ended(name)


def test_the_token_of_another_instance_answers_neither(client: Client, still: None) -> None:
    """Both were made by this engine; what stands beside a token has to fit it."""
    one, two = waiting(client, "crossed", "crossed-1"), waiting(client, "crossed", "crossed-2")
    body = json.dumps({"header": {**one.header, "token": two.token}, "fields": {"a": 2}})
    client.publish(MSGS, body, WORKITEM, message_id="crossed")
    properties, _ = client.get("bureaucrat_dead")

    assert properties.message_id == "crossed"
    assert "the token is of another instance than the target crossed-1_0" in properties.headers["bureaucrat-reason"]
    for attempt, instance in ((one, "crossed-1"), (two, "crossed-2")):
        assert client.ask(instance)["status"] == "running"
        attempt.answer(a=1)
        assert client.ended(instance)["fields"] == {"a": 1}


def test_a_stale_token_changes_nothing(client: Client, still: None) -> None:
    """The attempt it names failed, and another one waits."""
    client.launch('<process name="p"><action participant="stale" retries="1" delay="0"/></process>', "stale-1")
    first = client.attempt("stale")
    first.answer(status="error", error="x")
    second = client.attempt("stale")
    client.publish(MSGS, json.dumps({"header": first.header, "fields": {"status": "error", "error": "y"}}), WORKITEM)
    second.answer(a=1)

    told = client.ended("stale-1")
    assert (told["fields"], told["incidents"]) == ({"a": 1}, [])


def test_a_thousand_repeats_of_one_answer_have_one_effect(service: Service, client: Client, still: None) -> None:
    """B-087: at the activity, at the next one, and when all is over."""
    text = '<process name="p"><context><property name="n" type="int">0</property></context>{}{}</process>'
    action = '<action participant="many"><output><field name="n">n + 1</field></output></action>'
    client.launch(text.format(action, action), "many-1")
    first = client.attempt("many")
    for _ in range(1_000):
        client.publish(MSGS, json.dumps({"header": first.header, "fields": {}}), WORKITEM)
    second = client.attempt("many")
    second.answer()
    told = client.ended("many-1")
    until(lambda: client.depth(MSGS) == 0, "all of them were taken")

    assert told["fields"] == {"n": 2}
    assert client.depth("worker_many") == 0
    assert service.rows("SELECT 1 FROM dead_letters WHERE message_id = ?", first.token) == []


def test_of_two_answers_to_one_token_the_first_counts(client: Client, still: None) -> None:
    attempt = waiting(client, "double", "double-1")
    client.publish(MSGS, json.dumps({"header": attempt.header, "fields": {"a": 1}}), WORKITEM)
    attempt.answer(a=2)

    assert client.ended("double-1")["fields"] == {"a": 1}


# -- oddities that are no dead letters


def test_two_launches_of_one_id_start_one_instance(service: Service, client: Client, still: None) -> None:
    """B-104: also with other fields; what comes second changes nothing."""
    for number in (1, 2):
        client.launch('<process name="p"><action participant="once"/></process>', "once-1", fields={"n": number})
    attempt = client.attempt("once")
    attempt.answer()

    assert client.ended("once-1")["fields"] == {"n": 1}
    assert client.depth("worker_once") == 0


@pytest.mark.parametrize("name", ["..", "../../etc/passwd", "'; DROP TABLE events; --", "a b", "é", "x" * 255, "#"])
def test_an_event_may_be_called_anything(service: Service, client: Client, still: None, name: str) -> None:
    """B-101 has files of these names; here they are rows."""
    client.event(name, {"n": 1}, message_id=f"odd-{name}"[:200])
    query = "SELECT count(*) FROM events WHERE name = ?"
    until(lambda: service.rows(query, name) == [(1,)], "it is accepted")


def test_ten_thousand_headers_are_no_obstacle(service: Service, client: Client, still: None) -> None:
    headers = {f"h{number}": number for number in range(10_000)}
    client.event("headers", {"n": 1}, message_id="headers-1", headers=headers)
    client.publish(EVENTS, "[]", headers=headers, message_id="headers-2")
    until(lambda: service.rows("SELECT 1 FROM events WHERE name = 'headers'"), "it is accepted")
    properties, _ = client.get("bureaucrat_dead")

    assert properties.message_id == "headers-2"


def test_expiration_and_priority_are_no_obstacle(service: Service, client: Client, still: None) -> None:
    client.event("urgent", {"n": 1}, expiration="60000", priority=200)

    until(lambda: service.rows("SELECT 1 FROM events WHERE name = 'urgent'"), "it is accepted")


def test_headers_of_every_kind_are_kept_with_a_dead_letter(service: Service, client: Client, still: None) -> None:
    headers = {"text": "x", "number": 7, "bytes": b"\xff", "list": [1, {"a": None}], "none": None, "yes": True}
    client.publish(EVENTS, "[]", headers=headers, message_id="kinds-1")
    client.get("bureaucrat_dead")

    ((how,),) = service.rows("SELECT properties FROM dead_letters WHERE message_id = 'kinds-1'")
    kept = json.loads(how)["headers"]
    assert {name: kept[name] for name in ("text", "number", "none", "yes")} == {
        "text": "x",
        "number": 7,
        "none": None,
        "yes": True,
    }


# -- replay


def order(service: Service, asked: Any, number: int) -> None:
    """Leave an order in the mailbox, as another process does."""

    async def post() -> None:
        storage = SqliteStorage(service.database, read_only=True)
        await storage.open()
        await storage.post(MailRow(number, "", encode_message(asked), time.time()))
        await storage.close()

    asyncio.run(post())


def replay(service: Service, message_id: str) -> tuple[str, str]:
    """Replay the dead letter of a message, and wait; what the audit log says."""
    ((letter,),) = service.rows("SELECT number FROM dead_letters WHERE message_id = ?", message_id)
    order(service, Replay("ann", letter, "it may work now"), letter + 1)
    query = "SELECT outcome, answer FROM audit WHERE number = ?"
    (found,) = until(lambda: service.rows(query, letter + 1), "the order is carried out")
    return found


def test_a_dead_letter_that_is_replayed_is_taken(service: Service, client: Client, still: None) -> None:
    """An answer to an instance that was launched too late."""
    client.publish(MSGS, message("response", "replayed-1_0", {"a": 1}), MESSAGE, message_id="replayed")
    client.get("bureaucrat_dead")
    attempt = waiting(client, "replayed", "replayed-1")

    assert replay(service, "replayed") == ("done", "put into the queue bureaucrat_msgs again")
    assert client.ended("replayed-1")["fields"] == {"a": 1}
    assert service.rows("SELECT 1 FROM dead_letters WHERE message_id = 'replayed'") == []
    attempt.ack()


def test_a_dead_letter_that_still_cannot_be_used_comes_again(service: Service, client: Client, still: None) -> None:
    client.publish(MSGS, "no JSON", message_id="hopeless")
    client.get("bureaucrat_dead")

    assert replay(service, "hopeless")[0] == "done"
    properties, body = client.get("bureaucrat_dead")
    assert (properties.message_id, body) == ("hopeless", b"no JSON")
    until(lambda: service.rows("SELECT 1 FROM dead_letters WHERE message_id = 'hopeless'"), "it is kept again")


def test_a_dead_letter_that_was_cut_is_not_replayed(service: Service, client: Client, still: None) -> None:
    client.publish(MSGS, b"x" * (2 << 20), message_id="cut")
    client.get("bureaucrat_dead")

    outcome, said = replay(service, "cut")

    assert (outcome, "only its beginning was kept" in said) == ("refused", True)


def test_a_signal_that_is_replayed_has_its_name(service: Service, client: Client, still: None) -> None:
    """It came through an exchange, and its name was the routing key; it goes to our queue alone."""
    client.launch('<process name="p"><await event="bell"/></process>', "bell-1")
    letter = pika.BasicProperties(message_id="bell")

    def is_taken() -> bool:
        try:
            client.channel.basic_publish("bureaucrat.signals", "bell", b"no JSON", letter, mandatory=True)
        except pika.exceptions.UnroutableError:
            return False
        return True

    until(is_taken, "its queue is bound")
    client.get("bureaucrat_dead")
    bus = client.channel.queue_declare("", exclusive=True).method.queue
    client.channel.queue_bind(bus, "bureaucrat.signals", "#")

    assert replay(service, "bell") == ("done", "put into the queue bureaucrat_events again")
    properties, _ = client.get("bureaucrat_dead")
    assert (properties.message_id, client.depth(bus)) == ("bell", 0)
    assert properties.headers["bureaucrat-reason"].startswith("the body is not JSON")
    again = pika.BasicProperties(headers={"bureaucrat-signal": "bell"})
    client.channel.basic_publish("", "bureaucrat_events", b'{"n": 1}', again)
    client.ended("bell-1")
