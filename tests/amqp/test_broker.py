"""What a broker does while nothing goes wrong."""

from __future__ import annotations

import asyncio
import os
import socket
import traceback
from collections.abc import Callable

import pytest
from desk import Desk, eventually
from rabbit import Rabbit

from bureaucrat.amqp import AmqpSettings, Broker, BrokerState, Depth, Message
from bureaucrat.errors import BrokerUnavailable, ConfigurationError


async def test_a_message_arrives_with_all_that_was_said_of_it(vhost_url: str) -> None:
    """Its properties are the same at the other end, and it would survive the broker's restart."""
    async with Desk(vhost_url) as desk:
        desk.consume("q")
        message = Message.of(
            "q",
            b"body",
            content_type="text/plain",
            message_id="m",
            correlation_id="c",
            reply_to="r",
            headers={"a": 1},
        )

        desk.broker.publish(message, lambda: None)
        await desk.until(lambda: desk.received)

    one = desk.received[0]
    assert (one.queue, one.exchange, one.routing_key, one.body) == ("q", "", "q", b"body")
    assert (one.content_type, one.content_encoding, one.message_id) == ("text/plain", None, "m")
    assert (one.correlation_id, one.reply_to, one.type, one.user_id) == ("c", "r", None, None)
    assert (one.headers, one.is_redelivered) == ({"a": 1}, False)
    assert message.properties.delivery_mode == 2


async def test_properties_that_are_no_utf8_arrive_as_text(vhost_url: str) -> None:
    """Another client may put any bytes into a short string; what is no UTF-8 is spelled out."""
    async with Desk(vhost_url) as desk:
        desk.consume("q")
        odd = b"\xff\x00a"
        message = Message.of(
            "q", b"body", content_type=odd, content_encoding=odd, message_id=odd, correlation_id=odd, reply_to=odd,
            type=odd, headers={"a": b"\xff"},
        )  # fmt: skip

        desk.broker.publish(message, lambda: None)
        await desk.until(lambda: desk.received)

    one = desk.received[0]
    told = (one.content_type, one.content_encoding, one.message_id, one.correlation_id, one.reply_to, one.type)
    assert told == ("\\xff\x00a",) * 6


async def test_queues_of_ours_are_durable_quorum_queues(vhost_url: str, rabbit: Rabbit, vhost: str) -> None:
    """With delivery limit and dead-lettering; the dead queue itself has neither."""
    async with Desk(vhost_url, dead_queue="dead", delivery_limit=7) as desk:
        desk.broker.declare("q")
        desk.broker.declare("dead")
        await desk.until(lambda: len(desk.created) == 2)

        rows = rabbit.ctl("list_queues", "-p", vhost, "name", "durable", "arguments", "--no-table-headers")

    found = {row.split("\t")[0]: row.split("\t")[1:] for row in rows.splitlines()}
    assert found["dead"] == ["true", '[{"x-queue-type","quorum"}]']
    assert found["q"][0] == "true"
    for argument in ('"x-queue-type","quorum"', '"x-delivery-limit",7', '"x-dead-letter-routing-key","dead"'):
        assert argument in found["q"][1]


async def test_only_queues_that_were_absent_are_reported_as_created(vhost_url: str) -> None:
    """The second broker finds them; and when it comes again, so does the first."""
    async with Desk(vhost_url) as first:
        first.consume("q")
        await first.until(lambda: first.created)
        async with Desk(vhost_url) as second:
            second.consume("q")
            second.broker.declare("other")
            await second.until(lambda: second.created)

    assert (first.created, second.created) == (["q"], ["other"])
    assert first.broker.state.last_declared is not None


async def test_acknowledged_deliveries_are_gone_and_others_come_back(vhost_url: str) -> None:
    """In whatever order they are acknowledged."""
    async with Desk(vhost_url, acks=False) as desk:
        desk.consume("q")
        for number in range(10):
            desk.publish("q", str(number))
        await desk.until(lambda: len(desk.received) == 10)

        for number in (1, 0, 2, 5, 4, 9):
            desk.received[number].ack()
    async with Desk(vhost_url) as other:
        other.consume("q")
        await other.until(lambda: len(other.received) == 4)

    assert sorted(other.texts) == ["3", "6", "7", "8"]
    assert all(one.is_redelivered for one in other.received)


async def test_gaps_that_are_closed_later_are_acknowledged_exactly(vhost_url: str) -> None:
    """What was acknowledged one by one is never acknowledged again by a range."""
    async with Desk(vhost_url, acks=False) as desk:
        desk.consume("q")
        for number in range(6):
            desk.publish("q", str(number))
        await desk.until(lambda: len(desk.received) == 6)

        for number in (1, 3, 0, 2, 5, 4):
            desk.received[number].ack()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await desk.depth("q", 0)
        desk.publish("q", "last")
        await desk.until(lambda: len(desk.received) == 7)

        assert not desk.received[6].is_redelivered
        assert desk.broker.state.last_loss is None


async def test_the_loop_goes_on_between_deliveries_that_take_long(
    vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few large ones, read one after the other, would cost the heartbeat, and come again, and so on for ever."""
    monkeypatch.setattr("bureaucrat.amqp.consumer._TURN", -1.0)  # all take long
    turns, seen = [0], list[int]()

    async def turn() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    async with Desk(vhost_url) as desk:
        desk.broker.declare("q")
        for number in range(20):
            desk.publish("q", str(number))
        await desk.until(lambda: len(desk.confirmed) == 20)
        turning = asyncio.create_task(turn())
        desk.broker.consume("q", lambda received: seen.append(turns[0]))
        await eventually(lambda: _is(lambda: len(seen) == 20))
        turning.cancel()

    assert len(set(seen)) == 20


async def _is(condition: Callable[[], bool]) -> bool:
    return condition()


async def test_a_delivery_that_is_given_back_comes_again(vhost_url: str) -> None:
    """And only that one."""
    async with Desk(vhost_url, acks=False) as desk:
        desk.consume("q")
        desk.publish("q", "a")
        desk.publish("q", "b")
        await desk.until(lambda: len(desk.received) == 2)

        desk.received[0].requeue()
        desk.received[1].ack()
        await desk.until(lambda: len(desk.received) == 3)

        assert desk.texts[2] == "a"
        desk.received[2].ack()
        desk.received[2].requeue()
        await desk.depth("q", 0)


async def test_no_more_than_the_prefetch_is_delivered(vhost_url: str) -> None:
    """The rest waits in the queue."""
    async with Desk(vhost_url, acks=False) as desk:
        for number in range(9):
            desk.publish("q", str(number))
        desk.consume("q", prefetch=4)

        await desk.depth("q", 5)

        assert len(desk.received) == 4


async def test_who_stops_consuming_can_still_acknowledge(vhost_url: str) -> None:
    """What comes later stays in the queue."""
    async with Desk(vhost_url, acks=False) as desk:
        desk.consume("q")
        desk.publish("q", "before")
        await desk.until(lambda: desk.received)

        desk.broker.stop_consuming()
        desk.publish("q", "after")
        await desk.until(lambda: len(desk.confirmed) == 2)
        desk.received[0].ack()
        await desk.depth("q", 1)

        assert not desk.broker.state.is_consuming
    async with Desk(vhost_url) as other:
        other.consume("q")
        await other.until(lambda: other.received)
    assert other.texts == ["after"]


async def test_a_stop_waits_for_confirms_and_sends_acknowledgements(vhost_url: str) -> None:
    """Nothing that was under way is lost or done twice."""
    desk = Desk(vhost_url)
    desk.consume("q")
    async with desk:
        for number in range(2000):
            desk.publish("q", str(number))

    assert len(desk.confirmed) == 2000
    async with Desk(vhost_url) as other:
        await other.depth("q", 2000 - len(desk.received))


async def test_a_stop_does_not_wait_for_what_nobody_takes(vhost_url: str) -> None:
    """It is not confirmed, and whoever published it knows."""
    async with Desk(vhost_url) as desk:
        desk.publish("nobody", "a")
        await desk.until(lambda: desk.broker.state.waiting_unroutable)

        async with asyncio.timeout(5):
            await desk.broker.stop(60)

    assert (desk.confirmed, desk.broker.is_unsent("a")) == ([], True)


async def test_the_depth_of_a_queue_is_known_or_there_is_none(vhost_url: str) -> None:
    """And asking for one that does not exist disturbs nothing."""
    async with Desk(vhost_url) as desk:
        desk.broker.declare("q")
        desk.publish("q", "a")
        await desk.until(lambda: desk.confirmed)

        assert await desk.broker.depth("nix") is None
        assert await desk.broker.depth("q") == Depth(messages=1, consumers=0)


async def test_messages_to_a_topic_exchange_reach_the_queues_bound_to_it(vhost_url: str) -> None:
    """By their routing key. What nobody is bound to is confirmed if it need not be routed."""
    async with Desk(vhost_url) as desk:
        desk.broker.declare_exchange("x")
        desk.broker.bind("q", "x", "order.*")
        desk.consume("q")
        await eventually(lambda: desk.broker.depth("q"))

        desk.publish("order.paid", "a", exchange="x")
        await desk.until(lambda: desk.received)
        desk.publish("other", "b", exchange="x", is_mandatory=False)
        await desk.until(lambda: len(desk.confirmed) == 2)

    assert [(one.exchange, one.routing_key) for one in desk.received] == [("x", "order.paid")]


async def test_what_was_discarded_before_it_was_sent_is_never_sent(vhost_url: str) -> None:
    """It is not confirmed either."""
    desk = Desk(vhost_url)
    desk.consume("q")
    desk.publish("q", "a")
    desk.publish("q", "b")
    assert desk.broker.is_unsent("a")
    desk.broker.discard("a")
    async with desk:
        await desk.until(lambda: desk.received)

    assert (desk.texts, desk.confirmed, desk.broker.is_unsent("a")) == (["b"], ["b"], False)


async def test_the_state_says_how_things_stand(vhost_url: str) -> None:
    """Before, during and after."""
    desk = Desk(vhost_url)
    assert not desk.broker.state.is_consuming
    assert not desk.broker.state.is_publishing
    async with desk:
        assert desk.broker.state == BrokerState(True, True, False, None, 0, {}, None, None)
    assert not desk.broker.state.is_consuming
    assert not desk.broker.state.is_publishing


async def test_its_connections_say_who_and_where_we_are(vhost_url: str, rabbit: Rabbit, vhost: str) -> None:
    """An operator finds the process by them."""
    async with Desk(vhost_url):
        rows = rabbit.ctl("list_connections", "vhost", "client_properties")

    mine = [row for row in rows.splitlines() if row.startswith(vhost)]
    assert len(mine) == 2
    assert all(f"pid {os.getpid()}" in row for row in mine)
    assert {"(consuming)", "(publishing)"} == {row[row.index("(") : row.index(")") + 1] for row in mine}


async def test_a_defect_in_a_callback_ends_nothing(vhost_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; pika would close the connection without a word."""
    async with Desk(vhost_url) as desk:
        desk.broker.consume("bad", lambda received: 1 / 0)
        desk.consume("q")
        desk.broker.publish(Message.of("bad", b""), lambda: 1 / 0)
        desk.publish("q", "a")
        await desk.until(lambda: desk.received and desk.confirmed)
        await eventually(lambda: _logged(caplog, "a confirm was not taken", "a delivery was not taken"))

        assert desk.broker.state.last_loss is None


async def _logged(caplog: pytest.LogCaptureFixture, *messages: str) -> bool:
    return set(messages) <= {record.getMessage() for record in caplog.records}


async def test_a_message_that_cannot_be_encoded_holds_nothing_up(vhost_url: str) -> None:
    """It is dropped, with an error in the log, and whoever published it is told why."""
    reasons: list[str] = []
    async with Desk(vhost_url) as desk:
        desk.consume("q")
        desk.publish("q", "bad", headers={"a": object()})
        desk.broker.publish(Message.of("q" * 256, b""), lambda: None, refused=reasons.append)
        desk.publish("q", "good")
        await desk.until(lambda: desk.received)

        assert desk.texts == ["good"]
        assert reasons == ["AMQP cannot carry it (ShortStringTooLong)"]
        assert desk.broker.state.unconfirmed == 0
        assert not desk.broker.is_unsent("bad")


@pytest.mark.parametrize("url", ["http://localhost/", "amqp://", "amqp://localhost:99999/", "amqp://geheim@[::1/"])
async def test_a_url_that_is_none_is_refused(url: str) -> None:
    """Before anything is tried."""
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await Broker(AmqpSettings(url=url)).start()


@pytest.mark.parametrize("mark", ["?", "#", "/", "[", "@[", ":"])
def test_no_part_of_a_password_is_shown(mark: str) -> None:
    """Wherever it takes the URL to end that reads it."""
    settings = AmqpSettings(url=f"amqp://user:geheim{mark}geheim@host:nix/vhost")

    with pytest.raises(ConfigurationError) as caught:
        settings.parameters("")

    told = "".join(traceback.format_exception(caught.value))
    assert "geheim" not in told.partition("ConfigurationError: ")[2]
    assert "Port could not" not in told
    assert "geheim" not in f"{settings.shown} {settings!r}"
    assert settings.shown == "amqp://user:***@host:nix/vhost"


async def test_a_broker_that_cannot_be_had_says_why(rabbit: Rabbit, vhost_url: str) -> None:
    """With the URL, without the password."""
    place = f"127.0.0.1:{rabbit.port}"
    other = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ports = [one.getsockname()[1] for one in (silent, other.sockets[0])]
        found = {
            "refused": await _refusal("amqp://guest:geheim@127.0.0.1:1/"),
            "login": await _refusal(f"amqp://guest:geheim@{place}/"),
            "vhost": await _refusal(f"amqp://guest:guest@{place}/nix"),
            "tls": await _refusal(f"amqps://guest:geheim@{place}/"),
            "name": await _refusal("amqp://guest:geheim@no-such-host.invalid/"),
            "silent": await _refusal(f"amqp://guest:geheim@127.0.0.1:{ports[0]}/"),
            "other": await _refusal(f"amqp://guest:geheim@127.0.0.1:{ports[1]}/"),
        }
    other.close()

    assert found == {
        "refused": "amqp://guest:***@127.0.0.1:1/: connection refused",
        "login": f"amqp://guest:***@{place}/: the login was refused; check user and password, "
        "or the name in the certificate",
        "vhost": f"amqp://guest:***@{place}/nix: the virtual host is unknown, or the user may not use it",
        "tls": f"amqps://guest:***@{place}/: TLS: whatever listens there does not speak TLS; "
        "is it the port of amqps, 5671?",
        "name": "amqp://guest:***@no-such-host.invalid/: the host name is unknown",
        "silent": f"amqp://guest:***@127.0.0.1:{ports[0]}/: there was no answer in time",
        "other": f"amqp://guest:***@127.0.0.1:{ports[1]}/: whatever listens there is no AMQP 0-9-1 broker",
    }


async def _refusal(url: str) -> str:
    with pytest.raises(BrokerUnavailable) as refused:
        await Broker(AmqpSettings(url=url, connect_timeout=0.5)).start()
    return str(refused.value)


async def test_what_is_only_for_those_who_listen_ends_no_channel(vhost_url: str) -> None:
    """An exchange that is not there would; whatever is published beside it is not held up."""
    async with Desk(vhost_url) as desk:
        desk.consume("q")
        desk.broker.declare_exchange("news")
        desk.broker.bind("q", "news", "x")
        desk.publish("x", "bound", exchange="news")
        await desk.until(lambda: desk.received)
        for exchange in ("none", "news"):
            desk.broker.publish_if_there(Message.of("x", exchange.encode(), exchange=exchange, is_mandatory=False))
        desk.publish("q", "beside")

        await desk.until(lambda: len(desk.received) == 3)
        losses = desk.broker.state.last_loss

    assert sorted(desk.texts) == ["beside", "bound", "news"]
    assert losses is None
