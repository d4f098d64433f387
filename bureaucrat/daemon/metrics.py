"""Figures as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..engine.figures import Figures

_COUNTERS = {
    "dead_letters": "Messages that no instance took.",
    "attempts": "Attempts handed to the transport.",
    "answers": "Answers of participants.",
    "transitions": "Transitions of activities.",
    "batches": "Transactions of the engine.",
    "published": "Messages that the broker has taken.",
    "unidentified": "Messages without an id, which may be accepted twice.",
    "repeated": "Messages that were dropped because their id was accepted before.",
    "redone": "Messages that were worked on again, since another daemon was first at their instance.",
    "passed_over": "Messages that another daemon had applied, or was applying.",
    "forged": "Answers with a token that the engine has not made, or from a user who may not answer.",
}
_GAUGES = {
    "outbox_rows": "Messages that are decided and not yet published.",
    "waiting": "Messages that are taken from the broker and not yet worked on.",
    "unconfirmed": "Messages that are published and not yet confirmed.",
    "due_late": "How far the oldest due timer is behind, in seconds.",
    "incidents": "Open incidents.",
    "is_connected": "Whether there is a connection to the broker.",
    "is_blocked": "Whether the broker takes no messages.",
    "cached": "Instances in memory.",
}
#: of participants that have a bound
_BY_PARTICIPANT = {
    "kept": "Attempts that wait for leave: a place, their turn, or the end of a pause.",
    "in_flight": "Attempts that a participant has and has not answered.",
}
_NAMES = {
    "kept": "attempts_waiting",
    "in_flight": "attempts_in_flight",
    "published": "messages_published",
    "unidentified": "messages_unidentified",
    "repeated": "messages_repeated",
    "redone": "messages_redone",
    "passed_over": "messages_passed_over",
    "forged": "answers_forged",
    "waiting": "messages_waiting",
    "due_late": "timers_late_seconds",
    "incidents": "incidents_open",
    "is_connected": "broker_connected",
    "is_blocked": "broker_blocked",
    "cached": "instances_cached",
}


class FiguresCollector(Collector):
    """Reads the figures whenever somebody asks for the metrics."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        messages = CounterMetricFamily(_name("messages"), "Messages accepted from a queue.", labels=["queue"])
        for queue, count in self._figures.messages.copy().items():  # a copy: the event loop may add a queue meanwhile
            messages.add_metric([queue], count)
        yield messages
        for field, meaning in _BY_PARTICIPANT.items():
            family = GaugeMetricFamily(_name(field), meaning, labels=["participant"])
            for participant, count in getattr(self._figures, field).copy().items():
                family.add_metric([participant], count)
            yield family
        for field, meaning in _COUNTERS.items():
            yield CounterMetricFamily(_name(field), meaning, value=getattr(self._figures, field))
        for field, meaning in _GAUGES.items():
            yield GaugeMetricFamily(_name(field), meaning, value=float(getattr(self._figures, field)))


def _name(field: str) -> str:
    return f"bureaucrat_{_NAMES.get(field, field)}"


def registry_of(figures: Figures) -> CollectorRegistry:
    """The figures, and what the system says about this process."""
    registry = CollectorRegistry()
    registry.register(FiguresCollector(figures))
    ProcessCollector(registry=registry)
    return registry
