"""``[participant:NAME]``: whoever consumes its queue never has more than it may have, though the daemon is killed."""

from __future__ import annotations

import random

from service import Attempt, Client, Service, until

MOST, ORDERS, MAILS = 5, 60, 30
SETTINGS = f"[participant:charge]\nmax_in_flight = {MOST}\n"
ACTION = '<process name="p"><action participant="{participant}"/></process>'


class Till:
    """A plain AMQP client that serves ``charge``: takes what there is, answers when it likes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.held: dict[str, Attempt] = {}  #: by token
        self.done: set[str] = set()
        self.most = 0

    def take(self) -> None:
        """All that is in the queue."""
        while self._client.depth("worker_charge"):
            attempt = self._client.attempt("charge")
            if attempt.token in self.done:
                attempt.ack()
            else:
                self.held[attempt.token] = attempt
            self.most = max(self.most, len(self.held))

    def answer_one(self) -> None:
        token, attempt = self.held.popitem()
        self.done.add(token)
        attempt.answer()
        self.held = dict(random.Random(len(self.done)).sample(sorted(self.held.items()), len(self.held)))


def has_taken(till: Till, count: int) -> bool:
    till.take()
    return len(till.held) >= count


def test_a_participant_never_has_more_than_it_may_and_holds_up_nobody(client: Client, service: Service) -> None:
    till = Till(client)
    for number in range(ORDERS):
        client.launch(ACTION.format(participant="charge"), f"order-{number}")
    until(lambda: has_taken(till, MOST), "the till has what it may have")

    for number in range(MAILS):
        client.launch(ACTION.format(participant="mail"), f"mail-{number}")
    for _ in range(MAILS):
        client.attempt("mail").answer()
    client.ended(f"mail-{MAILS - 1}")
    till.take()
    while_full = len(till.held), service.metric('bureaucrat_attempts_waiting{participant="charge"}')
    for number in range(ORDERS):
        if number == ORDERS // 2:
            service.kill()
            service.start()
        till.answer_one()
        wanted = min(MOST, ORDERS - number - 1)
        until(lambda wanted=wanted: has_taken(till, wanted), f"{wanted} of the rest are there")
    until(lambda: service.statuses() == {"completed": ORDERS + MAILS}, "all is done")

    assert while_full == (MOST, ORDERS - MOST)
    assert (till.most, len(till.done), till.held) == (MOST, ORDERS, {})
    until(lambda: set(service.left().values()) == {0}, "nothing is left")
    assert service.metric('bureaucrat_attempts_in_flight{participant="charge"}') == 0
