"""examples/agents: each agent is run, on memory and on RabbitMQ with a daemon (M-071…M-076, M-058)."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rabbit import Rabbit
from service import Client, Service, until

from bureaucrat.agents.broker import QueueException
from bureaucrat.agents.tools.amqp import AMQPBroker, AMQPSignalBus
from bureaucrat.agents.tools.mocks import BrokerMock, BusMock

EXAMPLES = Path(__file__).parents[2] / "examples" / "agents"
MODULES = ("declarations", "user_agent", "comment_agent", "email_agent", "push_agent", "shop_agent")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Imports a module of the folder."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield importlib.import_module
    for name in MODULES:
        sys.modules.pop(name, None)


async def test_the_user_agent_greets_reports_reminds_and_asks(example: Any, caplog: pytest.LogCaptureFixture) -> None:
    """M-071."""
    caplog.set_level(logging.INFO)
    agent = example("user_agent").UserAgent(bus=BusMock(), broker=BrokerMock())
    agent.bus.rpc_comments_count.call.return_value = {"CommentAgent.tell": 3}

    await agent.hook.pre_start()
    await agent.report()
    await agent.remind()
    await agent.greet(example("declarations").signals.user_created, "me", 7)
    await agent.count(7)

    mails = [call.args[0] for call in agent.broker.mailer.send.await_args_list]
    assert [mail["text"] for mail in mails] == ["another day", "welcome"]
    agent.bus.user_comment.send.assert_awaited_once_with("user_agent", user_id=1, text="write something")
    assert caplog.messages[1:] == ["user_created from me: 7", "user 7 has written 3"]
    assert [(one.period, one.timeout, one.start_after) for one in agent.periodic_tasks] == [(15, 10, 3)]


def test_three_agents_run_in_one_program() -> None:
    """M-072, M-073, M-076."""
    ended = subprocess.run([sys.executable, "one_program.py"], cwd=EXAMPLES, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert {"user_created from example: 7", "to user7@example.org: welcome", "to user7@example.org: first!"} <= {*lines}


def test_declarations_are_those_of_the_manual_and_two_events(example: Any) -> None:
    """M-075."""
    declared = json.loads((EXAMPLES / "signals.json").read_text())

    assert [one["name"] for one in declared["signals"]][:5] == [
        "started",
        "user_created",
        "user_comment",
        "rpc_comments_count",
        "comment_created",
    ]
    assert example("declarations").signals.comment_created.type_map == {
        "comment_id": (int, type(None)),
        "user_id": (int,),
    }


async def test_messages_go_by_topic_to_some_queues_and_by_fanout_to_all(
    example: Any, vhost_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """M-012, M-049, M-058, M-074."""
    caplog.set_level(logging.INFO, "bureaucrat.agents")
    broker: Any = AMQPBroker(vhost_url)
    agent = example("push_agent").PushAgent(broker=broker)
    await agent.start()

    await broker.push.send({"text": "to one"}, topic="msg.ios")
    await broker.push.send({"text": "to the other"}, topic="msg.android")
    await broker.push.send({"text": "to nobody"}, topic="msg.windows")
    await broker.everything.send({"text": "to both"})
    with pytest.raises(QueueException, match="push is an exchange and holds nothing; ask one of android, ios"):
        await broker.push.length()
    await asyncio.to_thread(until, lambda: len(said(caplog)) == 4, "four messages are taken")
    await agent.stop()
    await broker.close()

    assert said(caplog) == ["android: to the other", "archive: to both", "audit: to both", "ios: to one"]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return sorted(record.getMessage() for record in caplog.records if record.name == "bureaucrat.agents")


async def test_the_launcher_runs_them_all_and_an_order_goes_through_a_process(
    example: Any, rabbit: Rabbit, tmp_path: Path
) -> None:
    """M-062, M-063, M-076; the whole round: queue, launch, action, signal, event."""
    example("declarations")
    vhost = rabbit.fresh_vhost()
    service = Service(tmp_path, rabbit.vhost_url(vhost), login=rabbit.vhost_url(vhost, "bureaucrat-daemon"))
    log = (tmp_path / "agents.log").open("w")
    environment = {**os.environ, "BUREAUCRAT_AMQP_URL": service.url}
    command = [sys.executable, "-m", "bureaucrat", "agents", "settings"]
    broker: Any = AMQPBroker(service.url)
    bus: Any = AMQPSignalBus(service.url)
    with subprocess.Popen(command, cwd=EXAMPLES, env=environment, stdout=log, stderr=log) as agents:  # noqa: ASYNC220
        try:
            await asyncio.to_thread(service.start)
            text = (tmp_path / "agents.log").read_text
            await asyncio.to_thread(until, lambda: text().count("is ready") == 5, "all agents are ready")
            await broker.orders.send({"order_id": 17, "amount": 30})
            await broker.orders.send({"order_id": 18, "amount": 3000})
            with Client(service.url) as client:
                good = await asyncio.to_thread(client.ended, "order-17")
                bad = await asyncio.to_thread(client.ended, "order-18")
            await bus.user_created.send("test", user_id=7)
            await asyncio.to_thread(until, lambda: "to user7@example.org: welcome" in text(), "a mail is sent")
        finally:
            agents.terminate()
            agents.wait(30)
            service.kill()
            await bus.close()
            await broker.close()
            log.close()

    assert good["fields"]["shipped"] == {"order_id": 17, "parcel": "P17", "sender": "shop_agent"}
    assert bad["outcome"] == "refused"
    assert agents.returncode == 0
