"""What a broker survives: every way that RabbitMQ has to lose a consumer, a message, a channel or a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pika
import pytest
from desk import Desk, eventually
from proxy import ACK, CANCEL, CLOSE_OK, Proxy
from rabbit import Rabbit

from bureaucrat.amqp.topology import Depth
from bureaucrat.errors import BrokerUnavailable

NOTICED = 10.0  #: seconds within which a lost consumer is noticed


@pytest.fixture
def plain(vhost_url: str) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
    """A channel of a client that is none of ours."""
    connection = pika.BlockingConnection(pika.URLParameters(vhost_url))
    yield connection.channel()
    connection.close()


async def test_a_deleted_queue_is_declared_and_consumed_again(vhost_url: str, plain: object) -> None:
    """The broker cancels its consumers; other queues are not disturbed."""
    async with Desk(vhost_url, acks=False) as desk:
        desk.consume("q")
        desk.consume("other")
        desk.publish("other", "kept")
        await desk.until(lambda: desk.received)

        await asyncio.to_thread(plain.queue_delete, "q")
        await desk.until(lambda: desk.created.count("q") == 2, NOTICED)
        desk.publish("q", "a")
        await desk.until(lambda: "a" in desk.texts)

        desk.received[0].ack()
        await desk.depth("other", 0)
        assert desk.texts == ["kept", "a"]
        assert desk.broker.state.last_loss is None


async def test_a_queue_that_is_deleted_without_notice_is_missed(vhost: str, rabbit: Rabbit, plain: object) -> None:
    """Within ten seconds, by looking."""
    async with Proxy(rabbit.port) as proxy, Desk(proxy.url(vhost)) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.broker.state.is_consuming and desk.created)
        proxy.lost = {CANCEL}

        await asyncio.to_thread(plain.queue_delete, "q")
        await desk.until(lambda: desk.created == ["q", "q"], NOTICED)
        desk.publish("q", "a")
        await desk.until(lambda: desk.received)

    assert proxy.dropped == 1


async def test_a_consumer_that_is_dropped_without_notice_is_missed(vhost: str, rabbit: Rabbit, plain: object) -> None:
    """The queue is there again, and nobody consumes it."""
    async with Proxy(rabbit.port) as proxy, Desk(proxy.url(vhost)) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.broker.state.is_consuming and desk.created)
        proxy.lost = {CANCEL}

        await asyncio.to_thread(plain.queue_delete, "q")
        await eventually(lambda: _dropped(proxy))
        await asyncio.to_thread(plain.queue_declare, "q", durable=True, arguments={"x-queue-type": "quorum"})
        plain.basic_publish("", "q", b"a")
        await desk.until(lambda: desk.received, NOTICED)

    assert (desk.created, desk.texts) == (["q"], ["a"])


async def test_a_consumer_that_is_given_nothing_begins_anew(
    vhost_url: str, plain: object, caplog: pytest.LogCaptureFixture
) -> None:
    """The queue holds messages, and the broker gives them to another consumer only, which has enough."""
    arguments = {"x-single-active-consumer": True}
    await asyncio.to_thread(plain.queue_declare, "q", durable=True, arguments=arguments)
    await asyncio.to_thread(plain.basic_qos, prefetch_count=1)
    await asyncio.to_thread(plain.basic_consume, "q", lambda *_: None)
    async with Desk(vhost_url, watch=0.1) as desk:
        desk.consume("q")
        desk.publish("q", "a")
        desk.publish("q", "b")
        await eventually(lambda: _is_noticed(caplog, "the queue holds messages and delivers none"))
        await asyncio.to_thread(plain.basic_cancel, plain.consumer_tags[0])
        await desk.until(lambda: "b" in desk.texts)


async def _is_noticed(caplog: pytest.LogCaptureFixture, reason: str) -> bool:
    return reason in [getattr(record, "reason", "") for record in caplog.records]


async def _dropped(proxy: Proxy) -> int:
    return proxy.dropped


async def test_closed_connections_are_made_again(vhost_url: str, rabbit: Rabbit, vhost: str) -> None:
    """Consumers consume again; what was not acknowledged comes again, and its old tag means nothing."""
    async with Desk(vhost_url, acks=False) as desk:
        desk.consume("q")
        desk.publish("q", "a")
        desk.publish("q", "b")
        await desk.until(lambda: len(desk.received) == 2)

        rabbit.close_connections(vhost)
        await desk.until(lambda: len(desk.received) == 4)
        assert [one.is_obsolete for one in desk.received] == [True, True, False, False]
        for old in desk.received[:2]:
            old.ack()
            old.requeue()
        desk.received[2].ack()
        desk.publish("q", "c")
        await desk.until(lambda: len(desk.received) == 5)

        assert desk.texts == ["a", "b", "a", "b", "c"]
        assert [one.is_redelivered for one in desk.received] == [False, False, True, True, False]
        assert "the tests wish so" in (desk.broker.state.last_loss or "")
        assert any(not state.is_consuming and not state.is_publishing for state in desk.states)


async def test_nothing_published_is_lost_with_a_connection(rabbit: Rabbit, vhost: str) -> None:
    """What was under way is published again."""
    async with Proxy(rabbit.port) as proxy, Desk(proxy.url(vhost)) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.created)
        for number in range(3000):
            desk.publish("q", str(number))
        for limit in (500, 1500, 2500):
            await desk.until(lambda limit=limit: len(desk.confirmed) > limit)
            proxy.cut()

        await desk.until(lambda: len(desk.confirmed) == 3000 and len(set(desk.texts)) == 3000)

    assert desk.confirmed.count("0") == 1
    assert set(desk.confirmed) == {str(number) for number in range(3000)}


async def test_missing_confirms_are_not_awaited_for_ever(vhost: str, rabbit: Rabbit) -> None:
    """The channel is closed, and its messages are published again on a new one, over the same connection."""
    async with Proxy(rabbit.port) as proxy, Desk(proxy.url(vhost), confirm_timeout=0.5) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.created)
        connections = proxy.connections
        proxy.lost = {ACK}

        desk.publish("q", "a")
        await desk.until(lambda: desk.received)
        proxy.lost = set()
        await desk.until(lambda: desk.confirmed)

        assert (set(desk.texts), desk.confirmed) == ({"a"}, ["a"])
        assert proxy.connections == connections


async def test_a_channel_that_cannot_be_closed_costs_the_connection(vhost: str, rabbit: Rabbit) -> None:
    """Nothing is published again before the old channel is gone."""
    async with Proxy(rabbit.port) as proxy, Desk(proxy.url(vhost), confirm_timeout=0.5) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.created)
        connections = proxy.connections
        proxy.lost = {ACK, CLOSE_OK}

        desk.publish("q", "a")
        await desk.until(lambda: proxy.connections > connections)
        proxy.lost = set()
        await desk.until(lambda: desk.confirmed)

        assert desk.broker.state.last_loss == "a channel could not be closed within 2 s"


async def test_a_broker_that_falls_silent_is_given_up(vhost: str, rabbit: Rabbit) -> None:
    """The heartbeat stops, though the connection is open."""
    async with Proxy(rabbit.port) as proxy, Desk(proxy.url(vhost), heartbeat=1) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.broker.state.is_consuming)
        proxy.silence()

        await desk.until(lambda: not desk.broker.state.is_consuming and not desk.broker.state.is_publishing)
        with pytest.raises(BrokerUnavailable, match=r"@127\.0\.0\.1"):
            await desk.broker.depth("q")


async def test_questions_to_a_silent_broker_end(vhost: str, rabbit: Rabbit) -> None:
    """Whoever asks for a depth is told that nobody answers."""
    async with Proxy(rabbit.port) as proxy, Desk(proxy.url(vhost), confirm_timeout=0.5) as desk:
        desk.broker.declare("q")
        await eventually(lambda: desk.broker.depth("q"))
        proxy.silence()

        with pytest.raises(BrokerUnavailable, match="no answer to queue_declare"):
            await desk.broker.depth("q")


async def test_a_broker_short_of_memory_is_waited_for(vhost: str, rabbit: Rabbit) -> None:
    """Consuming and acknowledging go on; publishing goes on afterwards, without a confirm given up."""
    async with Desk(rabbit.vhost_url(vhost), confirm_timeout=1.0, acks=False) as desk:
        desk.consume("q")
        desk.publish("q", "before")
        await desk.until(lambda: desk.received)
        rabbit.block()
        try:
            desk.publish("q", "during")
            await desk.until(lambda: desk.broker.state.is_blocked)
            desk.publish("q", "later")
            state = desk.broker.state
            desk.received[0].ack()
            await desk.depth("q", 0)
        finally:
            rabbit.unblock()
        await desk.until(lambda: len(desk.confirmed) == 3)
        await desk.until(lambda: len(desk.received) == 3)

        assert (state.is_consuming, state.is_publishing, state.unconfirmed) == (True, False, 2)
        assert state.blocked_since is not None
        assert (desk.broker.state.is_blocked, desk.broker.state.blocked_since) == (False, None)
        assert desk.texts == ["before", "during", "later"]
        assert desk.broker.state.last_loss is None


async def test_a_message_without_a_queue_holds_up_its_own_routing_key_only(vhost_url: str, plain: object) -> None:
    """It is tried again until there is one, in order, and known until then."""
    async with Desk(vhost_url) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.created)
        for number in range(3):
            desk.publish("late", f"late {number}")
            desk.publish("q", str(number))
        await desk.until(lambda: len(desk.received) == 3)
        await desk.until(lambda: desk.broker.state.waiting_unroutable)
        waiting = desk.broker.state.waiting_unroutable
        desk.publish("late", "late 3")
        await asyncio.to_thread(plain.queue_declare, "late", durable=True, arguments={"x-queue-type": "quorum"})
        await desk.until(lambda: len(desk.confirmed) == 7)

        assert list(waiting) == ["late"]
        assert desk.broker.state.waiting_unroutable == {}
        desk.consume("late")
        await desk.until(lambda: len(desk.received) == 7)
    assert desk.texts[3:] == ["late 0", "late 1", "late 2", "late 3"]


async def test_a_queue_of_ours_that_is_gone_when_we_publish_is_declared_at_once(vhost_url: str, plain: object) -> None:
    """Nobody waits for the next reconnection."""
    async with Desk(vhost_url) as desk:
        desk.broker.declare("worker_a")
        await desk.until(lambda: desk.created)
        await asyncio.to_thread(plain.queue_delete, "worker_a")

        desk.publish("worker_a", "a")
        await desk.until(lambda: desk.confirmed, within=3.0)

        assert desk.created == ["worker_a", "worker_a"]


async def test_a_queue_of_others_that_is_made_again_is_told_from_the_one_before(vhost_url: str, plain: object) -> None:
    """By its mark, which the broker deletes with it, whoever looks and however short the time between."""
    async with Desk(vhost_url) as desk, Desk(vhost_url) as other:
        absent = await desk.broker.is_anew("celery", "mark")
        await asyncio.to_thread(plain.queue_declare, "celery", durable=True)
        first = [await desk.broker.is_anew("celery", "mark") for _ in range(2)]
        await asyncio.to_thread(plain.queue_delete, "celery")
        await asyncio.to_thread(plain.queue_declare, "celery", durable=True)
        again = [await one.broker.is_anew("celery", "mark") for one in (other, desk)]

    assert (absent, first, again) == (None, [True, False], [True, False])


@pytest.mark.parametrize("topology", ["verify", "assume"])
async def test_where_nothing_may_be_declared_no_queue_is_marked(vhost_url: str, plain: object, topology: str) -> None:
    await asyncio.to_thread(plain.queue_declare, "celery", durable=True)
    async with Desk(vhost_url, topology=topology) as desk:
        assert await desk.broker.is_anew("celery", "mark") is None


async def test_who_may_not_mark_a_queue_is_told_once(
    vhost_url: str, plain: object, caplog: pytest.LogCaptureFixture
) -> None:
    """And looks at it all the same."""
    await asyncio.to_thread(plain.queue_declare, "celery", durable=True)
    async with Desk(vhost_url) as desk:
        found = [await desk.broker.is_anew("celery", "amq.mine") for _ in range(2)]
        depth = await desk.broker.depth("celery")

    assert (found, depth) == ([None, None], Depth(messages=0, consumers=0))
    assert [one.queue for one in caplog.records if "cannot be marked" in one.getMessage()] == ["celery"]


async def test_nobody_can_tell_while_the_broker_is_silent(vhost: str, rabbit: Rabbit) -> None:
    async with Proxy(rabbit.port) as proxy, Desk(proxy.url(vhost), confirm_timeout=0.5) as desk:
        desk.broker.declare("q")
        await eventually(lambda: desk.broker.depth("q"))
        proxy.silence()

        with pytest.raises(BrokerUnavailable, match="no answer to exchange_declare"):
            await desk.broker.is_anew("q", "mark")


async def test_a_message_that_was_discarded_while_it_waits_is_never_sent(vhost_url: str, plain: object) -> None:
    """Those behind it are."""
    async with Desk(vhost_url) as desk:
        for text in ("a", "b", "c"):
            desk.publish("late", text)
        await desk.until(lambda: desk.broker.state.waiting_unroutable)
        desk.broker.discard("a")
        desk.broker.discard("c")

        desk.consume("late")
        await desk.until(lambda: desk.received)

        assert (desk.texts, desk.confirmed) == (["b"], ["b"])
        assert desk.broker.state.unconfirmed == 0


async def test_routes_that_nobody_needs_any_more_are_forgotten(vhost_url: str) -> None:
    """When all that waits was discarded."""
    async with Desk(vhost_url) as desk:
        desk.publish("late", "a")
        await desk.until(lambda: desk.broker.state.waiting_unroutable)
        desk.broker.discard("a")

        await desk.until(lambda: not desk.broker.state.waiting_unroutable)


async def test_an_exchange_that_does_not_exist_holds_up_its_own_messages_only(vhost_url: str) -> None:
    """Though the broker closes the channel for it."""
    async with Desk(vhost_url) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.created)
        desk.publish("a", "lost", exchange="x")
        for number in range(20):
            desk.publish("q", str(number))
        await desk.until(lambda: len(desk.received) >= 20)
        desk.broker.declare_exchange("x")
        desk.broker.bind("q", "x", "a")
        await desk.until(lambda: "lost" in desk.texts)

        assert len(desk.confirmed) == 21


async def test_messages_to_an_exchange_that_does_not_exist_wait_together(vhost_url: str, plain: object) -> None:
    """One at a time tries, however many routing keys there are: each try costs the channel."""
    async with Desk(vhost_url, topology="assume") as desk:
        for number in range(20):
            desk.publish(f"key.{number}", str(number), exchange="nix", is_mandatory=False)
        await desk.until(lambda: desk.broker.state.waiting_unroutable)

        assert list(desk.broker.state.waiting_unroutable) == ["nix"]
        await asyncio.to_thread(plain.exchange_declare, "nix", "topic")
        await desk.until(lambda: len(desk.confirmed) == 20)

    assert desk.broker.state.waiting_unroutable == {}


async def test_what_is_declared_again_is_bound_again(vhost_url: str, plain: object) -> None:
    """A queue that was deleted takes its bindings with it, and so does an exchange."""
    async with Desk(vhost_url) as desk:
        desk.broker.declare_exchange("x")
        desk.broker.bind("q", "x", "a")
        desk.consume("q")
        await desk.until(lambda: desk.created)
        desk.publish("a", "1", exchange="x")
        await desk.until(lambda: "1" in desk.texts)

        await asyncio.to_thread(plain.queue_delete, "q")
        await desk.until(lambda: len(desk.created) == 2)
        desk.publish("a", "2", exchange="x")
        await desk.until(lambda: "2" in desk.texts)

        await asyncio.to_thread(plain.exchange_delete, "x")
        desk.publish("a", "3", exchange="x")
        await desk.until(lambda: "3" in desk.texts)


async def test_a_message_that_the_broker_refuses_is_tried_again(vhost_url: str, plain: object) -> None:
    """A queue that is full refuses; other queues do not wait for it."""
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await asyncio.to_thread(plain.queue_declare, "full", durable=True, arguments=arguments)
    async with Desk(vhost_url, acks=False) as desk:
        desk.consume("q")
        for number in range(4):
            desk.publish("full", f"full {number}")
        desk.publish("q", "a")
        await desk.until(lambda: desk.received)

        assert len([text for text in desk.confirmed if text != "a"]) < 4
        assert desk.broker.state.waiting_unroutable == {}
        await eventually(lambda: _emptied(plain, desk, 5))
    assert sorted(desk.confirmed) == ["a", "full 0", "full 1", "full 2", "full 3"]


async def _emptied(plain: object, desk: Desk, confirmed: int) -> bool:
    await asyncio.to_thread(plain.queue_purge, "full")
    return len(desk.confirmed) == confirmed


async def test_a_queue_with_other_arguments_is_used_as_it_is(
    vhost_url: str, plain: object, caplog: pytest.LogCaptureFixture
) -> None:
    """An old one, for instance. There is one warning, however often it is declared."""
    await asyncio.to_thread(plain.queue_declare, "old", durable=True)
    await asyncio.to_thread(plain.exchange_declare, "x", "direct", durable=True)
    async with Desk(vhost_url) as desk:
        desk.consume("old")
        desk.broker.declare_exchange("x")
        desk.publish("old", "a")
        await desk.until(lambda: desk.received)
        desk.broker.declare("new")
        await desk.until(lambda: desk.created)

    warned = [record.what for record in caplog.records if "other arguments" in record.getMessage()]
    assert (sorted(warned), desk.created) == (["old", "x"], ["new"])


@pytest.mark.parametrize("kind", ["queue", "exchange"])
async def test_verify_refuses_to_begin_without_what_it_needs(vhost_url: str, kind: str) -> None:
    """And creates nothing."""
    desk = Desk(vhost_url, topology="verify")
    if kind == "queue":
        desk.consume("q")
    else:
        desk.broker.declare_exchange("q")

    with pytest.raises(BrokerUnavailable, match=f"there is no {kind} 'q', and topology = verify does not create it"):
        await desk.broker.start()
    async with Desk(vhost_url) as other:
        assert await other.broker.depth("q") is None


async def _lacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.what for record in caplog.records if "lacks what we need" in record.getMessage()]


async def test_verify_begins_when_all_is_there(vhost_url: str, plain: object, caplog: pytest.LogCaptureFixture) -> None:
    """What is missing later is told once, and used when it comes."""
    await asyncio.to_thread(plain.queue_declare, "q", durable=True)
    await asyncio.to_thread(plain.exchange_declare, "x", "topic", durable=True)
    desk = Desk(vhost_url, topology="verify")
    desk.consume("q")
    desk.broker.declare_exchange("x")
    desk.broker.bind("q", "x", "a")
    async with desk:
        desk.publish("q", "a")
        await desk.until(lambda: desk.received)
        desk.broker.declare("later")
        desk.publish("later", "b")
        await desk.until(lambda: desk.broker.state.waiting_unroutable)
        await eventually(lambda: _lacks(caplog))
        desk.broker.declare("never")
        await asyncio.to_thread(plain.queue_declare, "later", durable=True)
        await desk.until(lambda: len(desk.confirmed) == 2)
        await eventually(lambda: _lacks_two(caplog))

    assert (desk.created, await _lacks(caplog)) == ([], ["queue later", "queue never"])


async def _lacks_two(caplog: pytest.LogCaptureFixture) -> bool:
    return len(await _lacks(caplog)) == 2


async def test_assume_touches_nothing_and_waits_for_queues(vhost_url: str, plain: object) -> None:
    """It begins without them."""
    desk = Desk(vhost_url, topology="assume")
    desk.consume("q")
    desk.broker.declare_exchange("x")
    async with desk:
        assert not desk.broker.state.is_consuming
        await asyncio.to_thread(plain.queue_declare, "q", durable=True)
        desk.publish("q", "a")
        await desk.until(lambda: desk.received)

    assert (desk.texts, desk.created, desk.broker.state.last_declared) == (["a"], [], None)


async def test_losses_are_logged_once_and_without_the_password(
    vhost: str, rabbit: Rabbit, caplog: pytest.LogCaptureFixture
) -> None:
    """However many attempts fail."""
    caplog.set_level("INFO")
    async with Proxy(rabbit.port) as proxy:
        url = proxy.url(vhost)
        async with Desk(url) as desk:
            desk.consume("q")
            await desk.until(lambda: desk.broker.state.is_consuming)
            proxy.refuse()
            await eventually(lambda: _refused(proxy, 6))
            proxy.admit()
            await desk.until(lambda: desk.broker.state.is_consuming and desk.broker.state.is_publishing)

    texts = [record.getMessage() for record in caplog.records if record.name.startswith("bureaucrat")]
    assert texts.count("the broker is away; trying again") == 1
    assert texts.count("the broker is back") == 1
    assert "guest:guest" not in caplog.text


async def _refused(proxy: Proxy, times: int) -> bool:
    return proxy.refused >= times
