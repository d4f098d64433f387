"""What RabbitMQ does to a daemon that works: queues deleted, consumers canceled, memory short, killed, wiped."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rabbit import Rabbit
from service import Client, Service, until

YOUNG = 3.5  #: seconds; after about 2 RabbitMQ 3.10 keeps what a quorum queue holds
NOTICED = 10.0  #: seconds within which the daemon must notice
ACTION = '<process name="p"><action id="ask" participant="{}"/></process>'
DELAYED = '<process name="p"><delay duration="{}s"/><action id="ask" participant="{}"/></process>'


def grown() -> None:
    """Let a queue that was just declared get old enough to survive the broker's death, with what it holds."""
    began = time.monotonic()
    until(lambda: time.monotonic() - began > YOUNG, "the queue is old enough")


def test_attempts_in_a_deleted_queue_are_sent_again(service: Service, client: Client) -> None:
    """With the same tokens; nobody but RabbitMQ knew that they were lost."""
    for number in range(3):
        client.launch(ACTION.format("deleted"), f"deleted-{number}")
    until(lambda: client.depth("worker_deleted") == 3, "the attempts are there")
    grown()
    before = {client.attempt("deleted").token for _ in range(3)}
    client.channel.queue_delete("worker_deleted")
    until(lambda: client.depth("worker_deleted") == 3, "they are sent again", NOTICED)
    attempts = [client.attempt("deleted") for _ in range(3)]

    assert {one.token for one in attempts} == before
    for one in attempts:
        one.answer()
    for number in range(3):
        client.ended(f"deleted-{number}")


def test_a_queue_that_an_expression_named_and_that_was_deleted_while_nobody_ran_is_filled_again(
    service: Service, client: Client
) -> None:
    """No definition names it; the attempts that wait do."""
    text = (
        '<process name="p"><context><property name="who" type="str"/></context><action participant="= who"/></process>'
    )
    client.launch(text, "named-1", fields={"who": "named"})
    token = client.attempt("named").token
    until(lambda: not service.left()["outbox"], "it has left for good")
    service.kill()
    client.channel.queue_delete("worker_named")
    service.start()
    attempt = client.attempt("named")
    attempt.answer(a=1)

    assert attempt.token == token
    assert client.ended("named-1")["fields"] == {"who": "named", "a": 1}


def test_answers_in_a_deleted_queue_are_asked_for_again(service: Service, client: Client) -> None:
    """What waits for an answer is sent again, wherever it went."""
    client.launch(ACTION.format("asked"), "asked-1")
    first = client.attempt("asked")
    first.ack()
    client.channel.queue_delete("bureaucrat_msgs")
    second = client.attempt("asked")

    assert second.token == first.token
    until(lambda: client.is_there("bureaucrat_msgs"), "it is there again", NOTICED)
    second.answer(a=1)
    assert client.ended("asked-1")["fields"] == {"a": 1}


@pytest.mark.parametrize("queue", ["bureaucrat", "bureaucrat_msgs", "bureaucrat_events", "bureaucrat_schedule"])
def test_a_canceled_consumer_is_noticed(service: Service, client: Client, queue: str) -> None:
    """Somebody deletes a queue of ours and makes it again: it is consumed within ten seconds."""
    client.channel.queue_delete(queue)
    client.wait(0.1)  # RabbitMQ 3.10 breaks a quorum queue that is declared again within 20 ms
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 1000,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "bureaucrat_dead",
    }
    client.channel.queue_declare(queue, durable=True, arguments=arguments)

    def is_consumed() -> bool:
        return bool(client.channel.queue_declare(queue, passive=True).method.consumer_count)

    until(is_consumed, f"{queue} is consumed", NOTICED)
    client.publish(queue, "no JSON", message_id=f"again-{queue}")
    query = "SELECT 1 FROM dead_letters WHERE message_id = ?"
    until(lambda: service.rows(query, f"again-{queue}"), "what comes is taken", NOTICED)


def test_short_of_memory_it_waits_and_says_so(service: Service, client: Client, rabbit: Rabbit) -> None:
    """Nothing leaves; timers and all that needs no broker go on; then it goes on where it was."""
    client.launch(ACTION.format("before"), "alarm-1")
    client.launch(
        f'<process name="p"><delay duration="1h"/><delay duration="1s"/>{ACTION.format("after")[18:]}',
        "alarm-2",
    )
    attempt = client.attempt("before")
    until(lambda: service.status("alarm-2") == "running", "both have begun")
    rabbit.block()  # the broker tells whoever publishes then
    try:
        skip = [sys.executable, "-m", "bureaucrat", "skip", "alarm-2", "-c", str(service.config)]
        subprocess.run(skip, check=True, capture_output=True, timeout=60)
        until(lambda: service.get("/ready")[0] == 503, "it is not ready")
        until(lambda: "short of memory" in str(service.get("/ready")[1]), "it says why")
        until(lambda: service.rows("SELECT 1 FROM outbox WHERE destination = 'worker_after'"), "the timer has fired")
        assert service.metric("bureaucrat_broker_blocked") == 1
    finally:
        rabbit.unblock()
    client.attempt("after").answer()
    attempt.answer()
    client.ended("alarm-1")
    client.ended("alarm-2")
    until(lambda: service.get("/ready")[0] == 200, "it is ready again")


# -- a broker that dies


@pytest.fixture
def mortal(tmp_path: Path, mortal_rabbit: Rabbit) -> Iterator[Service]:
    """A daemon on a broker that may be killed."""
    made = Service(tmp_path, mortal_rabbit.url)
    try:
        yield made.start()
    finally:
        made.kill()


def outstanding(service: Service, client: Client, number: int) -> None:
    """Have so many attempts wait, in a queue that is old enough to survive the broker's death."""
    for one in range(number):
        client.launch(ACTION.format("x"), f"one-{one}")
    until(lambda: client.depth("worker_x") == number, "all attempts are there")
    grown()


def answer_all(service: Service, number: int) -> None:
    """Answer whatever comes, until all have ended."""
    answered: set[str] = set()
    with Client(service.url) as client:

        def work() -> bool:
            if client.depth("worker_x"):
                attempt = client.attempt("x")
                answered.add(attempt.token)
                attempt.answer()
            return service.statuses() == {"completed": number}

        until(work, "all have ended")
        until(lambda: not any(service.left().values()), "nothing is left")
    assert len(answered) == number


def test_a_broker_that_is_killed_is_found_again(mortal: Service, mortal_rabbit: Rabbit) -> None:
    """/ready says why in between; timers go on; what was decided meanwhile is published; the process is the same."""
    pid = mortal.pid
    with Client(mortal.url) as client:
        outstanding(mortal, client, 20)
        client.launch(DELAYED.format(3, "x"), "late-1")
        until(lambda: mortal.status("late-1") == "running", "it has begun")
        mortal_rabbit.kill()
    until(lambda: mortal.get("/ready")[0] == 503, "it is not ready", NOTICED)
    until(lambda: "RabbitMQ is away" in str(mortal.get("/ready")[1]), "it says why", NOTICED)
    until(lambda: mortal.rows("SELECT 1 FROM outbox WHERE instance = 'late-1'"), "the timer has fired")
    mortal_rabbit.start()
    until(mortal.is_ready, "it is ready again")
    answer_all(mortal, 21)

    assert mortal.pid == pid


def test_a_broker_that_is_wiped_gets_everything_again(mortal: Service, mortal_rabbit: Rabbit) -> None:
    """All its data are gone: queues, exchanges, attempts. What waits for an answer is sent again."""
    with Client(mortal.url) as client:
        outstanding(mortal, client, 50)
        mortal_rabbit.wipe()
    mortal_rabbit.start()
    until(mortal.is_ready, "it is ready again")

    answer_all(mortal, 50)
