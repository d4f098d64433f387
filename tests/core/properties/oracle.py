"""A second interpreter, written from the language's text alone, as simple as it can be.

An activity that runs is a Python generator; it yields where it waits. Sequences are loops, faults and exits are Python
exceptions that unwind to a known target, a branch of ``all`` or ``any`` is a generator of its own. There are no rows,
no frames, no agenda: what the engine keeps by hand, Python's own stack keeps here.

Left out: reminders, ``due``, restarts, cron, messages of faults (only their codes are kept).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from .oracle_instance import Instance
from .oracle_runs import TIE, Event, Refused, Run, Sent, Tie, is_for

__all__ = ["Instance", "Refused", "Tie", "World"]


class World:
    """Everything that runs: instances, events, mail between them, the clock."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.now = 0.0
        self.order = 0
        self.step = 0
        self.instances: list[Instance] = []
        self.sent: list[Sent] = []
        self.handed_out = 0
        self.events: list[Event] = []
        self.unoffered: list[Event] = []
        self.mail: list[Callable[[], None]] = []
        self.fresh: list[Run] = []

    def next(self) -> int:
        """A number that grows: what began or was accepted earlier has the smaller one."""
        self.order += 1
        return self.order

    def begin(self) -> None:
        """The next input is applied. Whatever begins while it is has begun now: it has no inner time (L23)."""
        self.step = self.next()

    @property
    def first(self) -> Instance:
        return self.instances[0]

    # -- what happens

    def launch(self, fields: dict[str, Any]) -> None:
        instance = Instance(self, etree.fromstring(self.text), None, 0)
        instance.start(fields)
        self.settle()

    def answer(self, index: int, fields: dict[str, Any]) -> None:
        sent = self.sent[index]
        sent.instance.take(lambda: sent.instance.answer(sent, fields))
        self.settle()

    def event(self, name: str, body: dict[str, Any]) -> None:
        self.accept(name, body)
        self.settle()

    def accept(self, name: str, body: dict[str, Any]) -> None:
        event = Event(name, body, self.next())
        self.events.append(event)
        self.unoffered.append(event)

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            due = sorted(
                (when, id(run), kind, run, instance)
                for instance in self.instances
                for run in instance.live
                for kind, when in run.timers.items()
                if (kind, when) not in run.kept_timers and when < until + TIE
            )
            if not due:
                break
            when, _, kind, run, instance = due[0]
            if when > until - TIE or (len(due) > 1 and due[1][0] - when < TIE):
                raise Tie
            self.now = when
            instance.fire(run, kind)
            self.settle()
        self.now = until

    def command(self, command: Callable[[], None]) -> None:
        self.begin()
        command()
        self.settle()

    def _drop_what_was_given_up(self) -> None:
        """An attempt that ends in the transaction that made it is never handed out."""
        made = self.sent[self.handed_out :]
        self.sent[self.handed_out :] = [one for one in made if one.is_waited_for]
        self.handed_out = len(self.sent)

    def settle(self) -> None:
        """What follows: kept inputs first, then mail, then events for waits that have just begun, then new events."""
        while True:
            self._drop_what_was_given_up()
            releasing = [one for one in self.instances if one.kept and not one.is_held]
            if releasing:
                releasing[0].release()
            elif self.mail:
                together, self.mail = self.mail, []
                for apply in together:
                    apply()
            elif self.fresh:
                self._look_back()
            elif self.unoffered:
                self._offer(self.unoffered.pop(0))
            else:
                return

    def _look_back(self) -> None:
        fresh, self.fresh = self.fresh, []
        kept = [event for event in self.events if event not in self.unoffered]  # those are offered to every wait soon
        offers = [(run, event) for run in fresh for event in kept if run.wait and is_for(run, event, self)]
        for run, event in offers:
            self._give(run, event)

    def _offer(self, event: Event) -> None:
        waits = [run for one in self.instances for run in one.live if run.wait and is_for(run, event, self)]
        for run in sorted(waits, key=lambda run: run.path):
            self._give(run, event)

    def _give(self, run: Run, event: Event) -> None:
        instance = self.owner(run)
        wait = run.wait
        instance.take(lambda: instance.offer(run, wait, event))

    def owner(self, run: Run) -> Instance:
        root = list(run.outward())[-1]
        return next(one for one in self.instances if one.root is root)
