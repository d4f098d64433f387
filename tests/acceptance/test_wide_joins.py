"""Joins over RabbitMQ: a plain AMQP participant answers in any order, often, and late; what follows happens once."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pika import BasicProperties
from service import WORKITEM, Client, Service, until

_PROPERTIES = BasicProperties(content_type=WORKITEM, delivery_mode=2)
_AT_ONCE = 2_000  #: deliveries that the participant holds

LOOP = """
<process name="loop">
  <context><property name="xs" type="json"/><property name="got" type="json"/></context>
  <foreach id="join" select="xs" as="x" parallel="{places}" collect="got" value="r">
    <action participant="branch"/>
  </foreach>
  <action id="after" participant="after"/>
</process>
"""
ALL = """
<process name="all">
  <all id="join">{children}</all>
  <action id="after" participant="after"/>
</process>
"""


class Muddler:
    """Answers everything, in any order, each up to three times, and much of it again when all is over.

    Its ledger has each activation that it worked on, by participant; and how often it was asked.
    """

    def __init__(self, url: str, seed: int) -> None:
        self._client = Client(url)
        self._chance = random.Random(seed)
        self._pile: list[tuple[str, int, dict[str, Any]]] = []
        self._said: list[str] = []
        self.ledger: dict[str, dict[str, Any]] = {"branch": {}, "after": {}}
        self.asked: Counter[str] = Counter()
        self._plain = self._client._connection.channel()  # without confirms
        self._plain.basic_qos(prefetch_count=_AT_ONCE)
        for participant in self.ledger:
            until(lambda participant=participant: self._client.is_there(f"worker_{participant}"), "its queue is there")
            self._plain.basic_consume(f"worker_{participant}", self._taker(participant))

    def _taker(self, participant: str) -> Any:
        def take(channel: Any, method: Any, properties: Any, body: bytes) -> None:
            self._pile.append((participant, method.delivery_tag, json.loads(body)))

        return take

    def work(self) -> None:
        """Take what is there, and answer it."""
        self._client._connection.process_data_events(0.05)
        pile, self._pile = self._pile, []
        self._chance.shuffle(pile)
        answers = []
        for participant, tag, content in pile:
            header, fields = content["header"], content["fields"]
            self.asked[participant] += 1
            self.ledger[participant].setdefault(header["key"], fields.get("x"))
            if participant == "after":
                self.repeat()  # too late for the join, while what comes after it waits
            body = json.dumps({"header": header, "fields": {"r": fields.get("x")}})
            answers += [(tag if number == 0 else None, body) for number in range(self._chance.randint(1, 3))]
        self._chance.shuffle(answers)
        for tag, body in answers:
            self._say(body)
            if tag is not None:
                self._plain.basic_ack(tag)
        self._said += [body for tag, body in answers if tag is not None]

    def repeat(self) -> None:
        """Say again what was said before."""
        for body in self._chance.sample(self._said, min(len(self._said), 200)):
            self._say(body)

    def _say(self, body: str) -> None:
        self._plain.basic_publish("", "bureaucrat_msgs", body.encode(), _PROPERTIES)

    def has_ended(self, service: Service, instance: str) -> bool:
        self.work()
        return service.status(instance) == "completed"

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def muddler(service: Service, client: Client, request: pytest.FixtureRequest) -> Iterator[Muddler]:
    """On queues that are there."""
    client.launch(ALL.format(children="<assign property='a'>1</assign>"), f"first-{request.node.name}"[:60])
    client.launch(LOOP.format(places="yes"), f"loop-{request.node.name}"[:60], fields={"xs": [1]})
    made = Muddler(service.url, 20_261_126)
    until(lambda: made.work() or service.statuses().get("running", 0) == 0, "they are done")
    made.ledger, made.asked = {"branch": {}, "after": {}}, Counter()
    yield made
    made.close()


def assert_joined_once(
    service: Service, client: Client, muddler: Muddler, instance: str, width: int, branches: list[str]
) -> None:
    """As the participant knows it, and as the history does.

    :param branches: addresses of all that is to complete inside.
    """
    muddler.repeat()
    client.launch(ALL.format(children=""), f"{instance}-last")  # comes behind all that was said
    until(lambda: muddler.has_ended(service, f"{instance}-last"), "what was said late is worked off", 120)

    of = {name: [key for key in keys if key.startswith(f"{instance}/")] for name, keys in muddler.ledger.items()}
    assert (len(of["branch"]), len(of["after"])) == (width, 1)
    assert muddler.asked == {"after": 2} | ({"branch": width} if width else {})
    completed = dict(
        service.rows(
            "SELECT address, count(*) FROM history WHERE instance = ? AND what = 'completed' GROUP BY address", instance
        )
    )
    assert completed == dict.fromkeys([instance, f"{instance}_0", f"{instance}_1", *branches], 1)
    assert service.rows("SELECT count(*) FROM dead_letters") == [(0,)]


@pytest.mark.parametrize(
    ("width", "places"), [(0, "yes"), (1, "yes"), (2, "yes"), (2, "1"), (100, "yes"), (100, "7"), (10_000, "yes")]
)
def test_a_loop_goes_on_once(service: Service, client: Client, muddler: Muddler, width: int, places: str) -> None:
    instance = f"loop-{width}-{places}"
    items = list(range(width))
    client.launch(LOOP.format(places=places), instance, fields={"xs": items})

    until(lambda: muddler.has_ended(service, instance), "all have joined", 300)

    branches = [f"{instance}_0.{number}{action}" for number in range(1, width + 1) for action in ("", "_0")]
    assert_joined_once(service, client, muddler, instance, width, branches)
    assert client.ask(instance)["fields"]["got"] == items


@pytest.mark.parametrize("width", [0, 1, 2, 100])
def test_all_goes_on_once(service: Service, client: Client, muddler: Muddler, width: int) -> None:
    instance = f"all-{width}"
    client.launch(ALL.format(children='<action participant="branch"/>' * width), instance)

    until(lambda: muddler.has_ended(service, instance), "all have joined", 300)

    branches = [f"{instance}_0_{number}" for number in range(width)]
    assert_joined_once(service, client, muddler, instance, width, branches)
