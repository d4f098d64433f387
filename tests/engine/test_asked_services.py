"""Actions that are HTTP requests of the engine's own: what is sent, what a response means, and what a crash repeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from serving import LOCAL, Counter, Reply, process, rests, serving
from world import FaultyStorage

from bureaucrat.clock import ManualClock
from bureaucrat.config import Hosts, Service, ServiceSettings
from bureaucrat.core.messages import Cancel
from bureaucrat.engine.bounds import Bound, Bounds
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.status import status_of
from bureaucrat.participants.addresses import check_addresses, look_up
from bureaucrat.wire import StatusAnswer


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    counter = Counter(FaultyStorage(), ManualClock(1_000.0))
    yield counter
    await counter.die()


async def story(counter: Counter, reply: Reply, more: str = "", inside: str = "") -> StatusAnswer:
    """What becomes of one action that a service is asked for."""
    async with serving(reply) as server:
        await counter.run()
        counter.courier.launch(process(server.url, more, inside), "a")
        async with asyncio.timeout(10):
            return await rests(counter)


async def refused(counter: Counter, participant: str) -> str:
    """Why this participant is not asked."""
    await counter.run()
    counter.courier.launch(process(participant), "a")
    async with asyncio.timeout(10):
        (incident,) = (await rests(counter)).incidents
    assert incident["kind"] == "unroutable"
    return incident["message"].removeprefix("the attempt cannot be sent: ")


async def test_the_fields_are_posted_and_the_response_is_the_answer(counter: Counter) -> None:
    async with serving(lambda request: (200, b'{"amount": 8, "paid": true}')) as server:
        counter.registered = (Service("charge", "here", server.url, (("Authorization", "Bearer x"),)),)
        await counter.run()
        counter.courier.launch(process("service:charge"), "a")
        found = await rests(counter)

    assert (found.status, found.fields) == ("completed", {"amount": 8, "paid": True})
    (request,) = server.requests
    headers = request.headers
    assert request.line == "POST /work HTTP/1.1"
    assert request.body == {"inst:id": "a", "inst:name": "p", "amount": 7}
    token = headers["bureaucrat-token"]
    assert counter.engine._exchange.outbox.tokens.read(token).attempt == 1
    assert {
        name: headers[name] for name in headers if name.startswith(("bureaucrat-", "idem", "auth", "content-t"))
    } == {
        "authorization": "Bearer x",
        "bureaucrat-answers": "bureaucrat_msgs",
        "bureaucrat-arguments": "workitem",
        "bureaucrat-attempt": "1",
        "bureaucrat-key": "a/2",
        "bureaucrat-target": "a_0",
        "bureaucrat-token": token,
        "content-type": "application/json",
        "idempotency-key": "a/2",
    }
    await counter.emptied("outbox")


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        ((503, b"busy", {"Retry-After": "120"}), "error", "HTTP 503 Said (Retry-After: 120): busy"),
        ((429, b""), "error", "HTTP 429 Said"),
        ((408, b""), "error", "HTTP 408 Said"),
        ((425, b""), "error", "HTTP 425 Said"),
        ((404, b"no such\n order\x00"), "fault", "HTTP 404 Said: no such order?"),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), "fault", "HTTP 302 Said; redirects are not followed"),
        ((200, b"[1]"), "error", "the response is no JSON object but a list"),
        ((200, b"<html>"), "error", "the response cannot be read: "),
        (
            (200, b"{}", {"Content-Encoding": "gzip"}),
            "error",
            "the response has the encoding gzip, which was",
        ),
        ((200, b'{"a": "' + b"x" * 2000 + b'"}'), "error", "the response is larger than response in [services]"),
    ],
)
async def test_a_response_that_is_no_answer_says_why(counter: Counter, reply: Any, kind: str, text: str) -> None:
    counter.service_settings = ServiceSettings(allow=LOCAL, response=1024)

    found = await story(counter, lambda request: reply)

    (incident,) = found.incidents
    assert (incident["kind"], incident["message"][: len(text)]) == (kind, text)
    assert incident["code"] == ("HttpError" if kind == "fault" else incident["code"])


async def test_what_trying_again_does_not_change_is_a_fault_that_a_handler_catches(counter: Counter) -> None:
    handler = '<faults><case code="HttpError"><exit outcome="refused"/></case></faults>'

    found = await story(counter, lambda request: (422, b"no"), 'retries="5"', handler)

    assert (found.status, found.outcome) == ("completed", "refused")


async def test_what_may_pass_is_tried_again_with_the_same_key_and_another_token(counter: Counter) -> None:
    replies = [(503, b""), (200, b"{}")]
    async with serving(lambda request: replies.pop(0)) as server:
        await counter.run()
        counter.courier.launch(process(server.url, 'retries="1" delay="10" jitter="no"'), "a")
        await counter.until_true(
            lambda: server.requests and not counter.asking._asking and counter.engine._pipeline.is_idle
        )
        counter.clock.advance_to(1_020.0)
        counter.engine._pipeline.wake.set()
        found = await rests(counter)

    first, second = (request.headers for request in server.requests)
    assert found.status == "completed"
    assert first["idempotency-key"] == second["idempotency-key"] == "a/2"
    assert first["bureaucrat-token"] != second["bureaucrat-token"]
    assert (first["bureaucrat-attempt"], second["bureaucrat-attempt"]) == ("1", "2")


async def test_nobody_who_listens_is_an_error(counter: Counter) -> None:
    async with serving(lambda request: (200, b"{}")) as server:
        pass
    await counter.run()
    counter.courier.launch(process(server.url), "a")

    (incident,) = (await rests(counter)).incidents
    assert incident["kind"] == "error"
    assert incident["message"].startswith("ClientConnectorError: ")


async def test_a_response_that_does_not_come_is_an_error(counter: Counter) -> None:
    counter.service_settings = ServiceSettings(allow=LOCAL, timeout=0.05)

    found = await story(counter, lambda request: None)

    assert [(one["kind"], one["message"]) for one in found.incidents] == [("error", "no response within 0.05 s")]


async def test_with_a_result_any_json_is_an_answer(counter: Counter) -> None:
    found = await story(counter, lambda request: (200, b"[1, 2]"), 'result="amount"')

    assert (found.status, found.fields) == ("completed", {"amount": [1, 2]})


async def test_a_service_that_accepts_answers_later_by_a_message(counter: Counter) -> None:
    async with serving(lambda request: (202, b"")) as server:
        await counter.run()
        counter.courier.launch(process(server.url), "a")
        await counter.until_true(lambda: server.requests and not server.open)
        await counter.emptied("outbox")
        before = await status_of(counter.storage, "a")
        headers = server.requests[0].headers
        header = {"message": "response", "target": headers["bureaucrat-target"], "token": headers["bureaucrat-token"]}
        counter.courier.message({"header": header, "fields": {"amount": 9}})
        found = await rests(counter)

    assert before.status == "running"
    assert (found.status, found.fields) == ("completed", {"amount": 9})
    assert len(server.requests) == 1


async def test_a_request_that_a_crash_cut_off_is_made_again_with_the_same_key_and_token(counter: Counter) -> None:
    replies: list[Any] = [None, (200, b"{}")]
    async with serving(lambda request: replies.pop(0)) as server:
        await counter.run()
        counter.courier.launch(process(server.url), "a")
        await counter.until_true(lambda: server.requests)
        await counter.restart()
        found = await rests(counter)

    first, second = (request.headers for request in server.requests)
    assert found.status == "completed"
    assert {name: first[name] for name in first if name != "host"} == {
        name: second[name] for name in second if name != "host"
    }


async def test_what_was_answered_is_not_asked_again_after_a_crash(counter: Counter) -> None:
    """The row goes with the transaction of the answer."""
    counter.settings = Settings(history="full", sweep=1_000.0, look=1_000.0)
    async with serving(lambda request: (200, b"{}")) as server:
        await counter.run()
        counter.courier.launch(process(server.url), "a")
        await rests(counter)
        left = [row for row in await counter.storage.outbox(10) if row.attempt is not None]
        await counter.restart()
        await counter.swept()

    assert left == []
    assert len(server.requests) == 1


async def test_a_canceled_instance_ends_its_request(counter: Counter) -> None:
    async with serving(lambda request: None) as server:
        await counter.run()
        counter.courier.launch(process(server.url), "a")
        await counter.until_true(lambda: server.requests)
        await counter.engine.tell("a", Cancel("enough"))
        await counter.until_true(lambda: not counter.asking._asking)
        await counter.emptied("outbox")

    assert (await status_of(counter.storage, "a")).status == "canceled"
    assert counter.asking.missing() == []


async def test_the_timeout_of_the_attempt_runs_while_a_service_is_asked(counter: Counter) -> None:
    handler = '<faults><case code="Timeout"><exit outcome="late"/></case></faults>'
    async with serving(lambda request: None) as server:
        await counter.run()
        counter.courier.launch(process(server.url, 'timeout="10"', handler), "a")
        await counter.until_true(lambda: server.requests)
        counter.clock.advance_to(1_020.0)
        counter.engine._pipeline.wake.set()
        async with asyncio.timeout(10):
            found = await rests(counter)

    assert (found.status, found.outcome) == ("completed", "late")


async def test_so_many_requests_are_made_at_a_time(counter: Counter) -> None:
    counter.service_settings = ServiceSettings(allow=LOCAL, connections=3, per_host=2)
    many = "".join('<action participant="{url}"/>' for _ in range(6))
    async with serving(lambda request: None) as server:
        await counter.run()
        counter.courier.launch(f'<process name="p"><all>{many.replace("{url}", server.url)}</all></process>', "a")
        await counter.until_true(lambda: len(server.requests) == 2)
        await counter.swept()
        waiting = len(server.requests)
        server.go.set()
        found = await rests(counter)

    assert found.status == "completed"
    assert (waiting, len(server.requests), server.at_once) == (2, 6, 2)


async def test_a_service_is_bounded_like_any_participant(counter: Counter) -> None:
    counter.settings = Settings(
        history="full", sweep=0.0, look=0.0, bounds=Bounds((("service:s", Bound(1, None, "here")),), "worker:")
    )
    many = '<action participant="service:s"/>' * 3
    async with serving(lambda request: (200, b"{}")) as server:
        counter.registered = (Service("s", "here", server.url),)
        await counter.run()
        counter.courier.launch(f'<process name="p"><all>{many}</all></process>', "a")
        found = await rests(counter)

    assert (found.status, len(server.requests), server.at_once) == ("completed", 3, 1)


async def test_a_full_outbox_does_not_keep_the_answers_out_that_empty_it(counter: Counter) -> None:
    counter.settings = Settings(history="full", sweep=0.0, look=0.0, outbox_bytes=1)

    found = await story(counter, lambda request: (200, b'{"amount": 1}'))

    assert (found.status, found.fields) == ("completed", {"amount": 1})


@pytest.mark.parametrize(
    ("participant", "reason"),
    [
        ("service:gone", "no service 'gone' is registered: add [service:gone] with its url to the settings"),
        ("https://example.org/x", "the host example.org is not allowed: add it to allow in [services] of the settings"),
        ("http://[::1]/x", "the host ::1 is not allowed: add it to allow in [services] of the settings"),
        ("http://10.0.0.1/x", "the host 10.0.0.1 is not allowed: add it to allow in [services] of the settings"),
        ("http://u:p@a.test/", "a URL with a user or password cannot be asked: register the service in [service:NAME]"),
        ("http:", "http: is no URL that can be asked: write https://HOST/PATH"),
        ("http://[::1", "http://[::1 is no URL that can be asked: Invalid IPv6 URL"),
        ("http://a.test:99999/", "http://a.test:99999/ is no URL that can be asked: Port out of range 0-65535"),
    ],
)
async def test_what_may_not_be_asked_is_an_incident_that_says_what_to_change(
    counter: Counter, participant: str, reason: str
) -> None:
    assert await refused(counter, participant) == reason


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["0.0.0.0"],
        ["224.0.0.1"],
        ["100.64.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["fe80::1%lo"],
        ["fc00::1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
    ],
)
async def test_an_address_that_is_not_public_is_not_connected_to(counter: Counter, addresses: list[str]) -> None:
    """Whatever name leads there: all addresses are judged, and one is enough."""
    counter.service_settings = ServiceSettings(allow=Hosts(("*",)))

    async def lookup(host: str, port: int) -> list[str]:
        return addresses

    counter.lookup = lookup
    reason = await refused(counter, "http://good.test:1/x")

    assert reason == (
        f"the host good.test has the address {addresses[-1]}, which is not public: "
        "add it, or its network, to allow in [services] of the settings"
    )


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "127.1", "2130706433", "0x7f.1"]
)
async def test_an_address_that_is_written_out_is_judged_too(counter: Counter, host: str) -> None:
    counter.service_settings = ServiceSettings(allow=Hosts(("*",)))

    assert "which is not public" in await refused(counter, f"http://{host}:1/x")


async def test_the_address_of_a_registered_service_is_judged_too(counter: Counter) -> None:
    counter.service_settings = ServiceSettings()
    counter.registered = (Service("s", "here", "http://127.0.0.1:1/"),)

    assert "which is not public" in await refused(counter, "service:s")


async def test_the_name_is_resolved_once_and_its_address_connected_to(counter: Counter) -> None:
    """A name that has another address the next time leads nowhere."""
    asked: list[tuple[str, int]] = []

    async def lookup(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    counter.lookup = lookup
    async with serving(lambda request: (200, b"{}")) as server:
        await counter.run()
        counter.courier.launch(process(f"http://a.test:{server.port}/x"), "a")
        found = await rests(counter)

    assert found.status == "completed"
    assert asked == [("a.test", server.port)]
    assert server.requests[0].headers["host"] == f"a.test:{server.port}"


async def test_what_waits_for_a_connection_is_canceled_too(counter: Counter) -> None:
    counter.service_settings = ServiceSettings(allow=LOCAL, connections=1)
    async with serving(lambda request: None) as server:
        await counter.run()
        counter.courier.launch(process(server.url), "a")
        await counter.until_true(lambda: server.requests)
        counter.courier.launch(process(server.url), "b")
        await counter.until_true(lambda: counter.asking._waiting)
        await counter.engine.tell("b", Cancel("enough"))
        await counter.until_true(lambda: not counter.asking._waiting)
        server.go.set()
        found = await rests(counter)
        await counter.emptied("outbox")

    assert (found.status, (await status_of(counter.storage, "b")).status) == ("completed", "canceled")
    assert (len(server.requests), counter.asking.missing()) == (1, [])


async def test_a_busy_host_does_not_hold_up_another(counter: Counter) -> None:
    counter.service_settings = ServiceSettings(allow=LOCAL, per_host=1)
    async with serving(lambda request: None) as slow, serving(lambda request: (200, b"{}")) as quick:
        await counter.run()
        for id in ("a", "b"):
            counter.courier.launch(process(slow.url), id)
        counter.courier.launch(process(quick.url), "c")
        found = await rests(counter, "c")
        slow.go.set()
        await rests(counter, "a")
        await rests(counter, "b")

    assert found.status == "completed"
    assert (slow.at_once, len(slow.requests)) == (1, 2)


async def test_a_defect_is_an_error_of_the_attempt(counter: Counter) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        raise ZeroDivisionError("a defect")

    counter.lookup = lookup
    await counter.run()
    counter.courier.launch(process("http://a.test/"), "a")

    (incident,) = (await rests(counter)).incidents
    assert (incident["kind"], incident["message"]) == ("error", "it could not be asked: ZeroDivisionError: a defect")


async def test_a_name_without_an_address_is_an_error(counter: Counter) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    counter.lookup = lookup
    await counter.run()
    counter.courier.launch(process("http://a.test/"), "a")

    (incident,) = (await rests(counter)).incidents
    assert incident["kind"] == "error"
    assert incident["message"].startswith("ClientConnectorDNSError: Cannot connect to host a.test:80")


async def test_addresses_are_those_that_the_system_knows() -> None:
    assert set(await look_up("localhost", 80)) <= {"127.0.0.1", "::1"}


async def test_everything_else_is_left_to_the_broker(counter: Counter) -> None:
    """Attempts of other participants, what is revoked, signals, notices, dead letters, answers to questions."""
    text = (
        '<process name="p"><signal event="e"/><action participant="work"/><action participant="service:s"/></process>'
    )
    async with serving(lambda request: (200, b"{}")) as server:
        counter.registered = (Service("s", "here", server.url),)
        await counter.run()
        counter.courier.launch(text, "a")
        counter.courier.launch(text, "b")
        first, second = await counter.sent(2)
        counter.courier.answer(first)
        await counter.engine.tell(second.body["header"]["target"].partition("_")[0], Cancel("enough"))
        await rests(counter, "a")
        await rests(counter, "b")
        counter.courier.ask("a")
        counter.courier.message(b"nonsense")
        await counter.until_true(lambda: counter.courier.replies and counter.courier.dead_copies())

    assert {one.destination for one in counter.courier.signals()} == {"e"}
    assert counter.courier.revoked == [("work", second.token)]
    assert counter.courier.learned[0] == (["work"], [])
    assert len(counter.courier.notices()) > 0
    assert len(server.requests) == 1


async def test_a_stop_cuts_requests_off_and_begins_no_others(counter: Counter) -> None:
    """They are made at the next start."""
    counter.service_settings = ServiceSettings(allow=LOCAL, connections=1)
    replies: list[Any] = [None, (200, b"{}"), (200, b"{}")]
    async with serving(lambda request: replies.pop(0)) as server:
        await counter.run()
        for id in ("a", "b"):
            counter.courier.launch(process(server.url), id)
        await counter.until_true(lambda: server.requests and counter.asking._waiting)
        await counter.stop()
        before = len(server.requests), len(counter.asking._asking)
        await counter.restart()
        found = [(await rests(counter, id)).status for id in ("a", "b")]

    assert before == (1, 0)
    assert found == ["completed", "completed"]
    first, *others = (request.headers["bureaucrat-token"] for request in server.requests)
    assert len(others) == 2
    assert first in others


def test_an_ipv4_address_is_the_same_in_the_form_of_ipv6() -> None:
    check_addresses("a.test", ["::ffff:127.0.0.1", "::ffff:93.184.215.14"], LOCAL)


async def test_a_service_that_takes_its_time_does_not_keep_everything_else_out(counter: Counter) -> None:
    counter.settings = Settings(history="full", sweep=0.0, look=0.0, outbox_limit=1)
    async with serving(lambda request: None) as server:
        await counter.run()
        counter.courier.launch(process(server.url), "a")
        await counter.until_true(lambda: server.requests)
        counter.courier.launch('<process name="p"/>', "b")
        async with asyncio.timeout(10):
            found = await rests(counter, "b")

    assert found.status == "completed"
