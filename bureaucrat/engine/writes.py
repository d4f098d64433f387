"""From effects to rows: what one batch commits, and what it does in the world afterwards.

Rules: everything that must survive stands in :class:`bureaucrat.ports.Writes`; what is done after the commit
(:class:`Afterwards`) may be lost at any moment without harm, because recovery does it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..clock import Clock
from ..core.activities.action import Action
from ..core.effects import (
    CloseIncident,
    Consumed,
    Dispatch,
    Effect,
    Emit,
    Finish,
    Hold,
    Launch,
    OpenIncident,
    Proceed,
    Record,
    Refuse,
    Relocate,
    Subscribe,
    Tell,
    Unsubscribe,
    Void,
)
from ..core.instance import Branch, Copy, Instance
from ..core.messages import Stuck
from ..core.records import WORDS
from ..core.table import Definition
from ..errors import Refused
from ..ports import EventRow, HistoryRow, IncidentRow, MailRow, WaitRow, Writes
from .codec import (
    Mail,
    encode,
    encode_branch,
    encode_instance,
    encode_message,
    encode_state,
    remembered_rows,
    value_rows,
)
from .delivery import Delivery, Outlook
from .handover import Handover
from .keys import digests
from .notices import ANNOUNCED, notices
from .orders import audit_row


def unrecorded(history: str) -> frozenset[str]:
    """The words that a level of history keeps nothing of, and that are not announced either."""
    if history == "full":
        return frozenset()
    return frozenset(word for word, is_kept in WORDS.items() if history == "none" or not is_kept) - ANNOUNCED


@dataclass(slots=True)
class Progress:
    """What observers are told, after it was committed."""

    instance: str
    at: float
    what: str  #: a word of :data:`bureaucrat.core.records.WORDS`
    activity: int | None
    address: str
    detail: dict[str, object]


@dataclass(slots=True)
class Afterwards:
    """What follows a commit."""

    dispatches: dict[tuple[str, int], Dispatch] = field(default_factory=dict)  #: by instance and attempt
    mail: list[MailRow] = field(default_factory=list)
    waits: list[WaitRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    due: list[tuple[float | None, str, str]] = field(default_factory=list)  #: None: no timer any more
    releasable: list[str] = field(default_factory=list)
    transitions: int = 0
    progress: list[Progress] = field(default_factory=list)  #: one for each transition, if anybody observes
    replies: list[tuple[Delivery, str | Exception]] = field(default_factory=list)
    only: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)  #: dispatches that are for these only
    relocated: int = 0  #: open incidents that are written anew, with other places
    voids: list[tuple[str, Void]] = field(default_factory=list)  #: attempts that were ended, by instance


class Collector:
    """Gathers one batch's effects."""

    def __init__(
        self, numbers: Callable[[], int], clock: Clock, history: str, handover: Handover, is_observed: bool
    ) -> None:
        self.writes = Writes()
        self.after = Afterwards()
        self._numbers = numbers
        self._clock = clock
        self._history = history
        self._handover = handover
        self._is_observed = is_observed
        self._waits: dict[tuple[str, str, int], WaitRow | None] = {}

    def copy(self) -> Collector:
        """Another one with the same content."""
        other = Collector(self._numbers, self._clock, self._history, self._handover, self._is_observed)
        for name in Writes.__slots__:
            getattr(other.writes, name).extend(getattr(self.writes, name))
        other.after.events += self.after.events
        return other

    def applied(self, copy: Copy, delivery: Delivery, effects: list[Effect], first: int, now: float) -> None:
        """Take in what one step gave. `first` is the number its input has in the history; 0: it was no input."""
        instance = copy.instance.id
        if first and self._history == "full":
            text = encode_message(delivery.message)
            what = "released" if delivery.released else "input"  # which of the two a replay must know
            self.writes.history.append(HistoryRow(instance, first, now, what, None, instance, text))
        kept = refused = None
        for effect in effects:
            match effect:
                case Hold():
                    kept = effect
                case Refuse():
                    refused = effect
                case Relocate():
                    assert delivery.outlook is not None, "nothing migrates without"
                    self._relocate(instance, effect, delivery.outlook)
                case Dispatch() if delivery.only is not None:
                    self._restricted(instance, effect, delivery.only)
                case _:
                    self._effect(copy.instance, effect, now)
        if delivery.answers is not None:
            self.writes.outbox_gone.append(delivery.answers)
        if delivery.leaves is not None:
            self.writes.outbox_let_go.append(delivery.leaves)
        if delivery.row is not None and refused is None:
            self.writes.outbox.append(delivery.row)
        self._mail(instance, delivery, kept, now)
        self.reply(delivery, copy.instance.status.value if refused is None else Refused(refused.reason))

    def reply(self, delivery: Delivery, result: str | Exception) -> None:
        """What whoever sent it is told after the commit; of an order, what the audit log says."""
        self.after.replies.append((delivery, result))
        if delivery.order is None or delivery.mail is None:
            return
        outcome = "done" if isinstance(result, str) else "refused"
        message = delivery.order.message
        self.writes.audit.append(
            audit_row(delivery.mail, self._clock.now(), delivery.order.who, message, delivery.instance, outcome, result)
        )

    def _mail(self, instance: str, delivery: Delivery, kept: Hold | None, now: float) -> None:
        if kept is not None and not delivery.released:
            number = delivery.mail or self._numbers()
            self.writes.mail.append(MailRow(number, instance, encode_message(kept.message), now, held=True))
        elif kept is None and delivery.mail is not None:
            self.writes.mail_gone.append(delivery.mail)

    def _effect(self, of: Instance, effect: Effect, now: float) -> None:
        instance = of.id
        if isinstance(effect, Record):
            self._record(instance, effect, now)
            if effect.what in ANNOUNCED:
                self._announce(of, effect, now)
            return
        match effect:
            case Dispatch():
                self.after.dispatches[instance, effect.attempt] = effect
                self.after.only.pop((instance, effect.attempt), None)
            case Void():
                self.after.dispatches.pop((instance, effect.attempt), None)
                self.writes.attempts_gone.append((instance, effect.attempt))
                self.after.voids.append((instance, effect))
            case Subscribe():
                self._subscribe(instance, effect)
            case Unsubscribe():
                self._waits[instance, effect.branch, effect.activity] = None
            case Consumed():
                self.writes.consumed.append((effect.event, instance, effect.branch, effect.activity))
            case Launch():
                self.post(effect.instance, effect, now)
            case Tell():
                self.post(effect.instance, effect.message, now)
            case Proceed():
                self.post(instance, effect.message, now)
            case Emit():
                self._clock.now()  # the next step is later than every signal of this one
                self.event(str(self._numbers()), effect.name, effect.body, effect.accepted)
                row = self._handover.signal(effect)
                if row is not None:
                    self.writes.outbox.append(row)
            case Finish():
                self._announce(of, effect, now)
            case OpenIncident():
                self._announce(of, effect, now)
                self._incident(instance, effect, now)
            case CloseIncident():
                self._announce(of, effect, now)
                self.writes.incidents_closed.append((instance, effect.number, now, effect.how))

    def _relocate(self, instance: str, effect: Relocate, outlook: Outlook) -> None:
        """Give waits and incidents their new places."""
        moved: dict[tuple[str, str, int], WaitRow] = {}
        for branch, activity, to_branch, to_activity in effect.waits:
            self._waits[instance, branch, activity] = None
            row = outlook.waits.get((branch, activity))
            if row is not None:
                moved[instance, to_branch, to_activity] = replace(row, branch=to_branch, activity=to_activity)
        self._waits |= moved
        for number, branch, activity, address in effect.incidents:
            incident = outlook.incidents[number]
            self.writes.incidents.append(replace(incident, branch=branch, activity=activity, address=address))
            self.after.relocated += 1

    def _restricted(self, instance: str, effect: Dispatch, only: frozenset[str]) -> None:
        """An attempt that is sent again if it went to one of these; what the batch has asked for before stays so."""
        key = instance, effect.attempt
        if key not in self.after.dispatches or key in self.after.only:
            self.after.only[key] = self.after.only.get(key, frozenset()) | only
        self.after.dispatches[key] = effect

    def _announce(self, of: Instance, effect: Effect, now: float) -> None:
        for what, detail in notices(of, effect):
            row = self._handover.notice(what, of, now, detail)
            if row is not None:
                self.writes.outbox.append(row)

    def _record(self, instance: str, effect: Record, now: float) -> None:
        if self._is_observed:
            progress = Progress(instance, now, effect.what, effect.activity, effect.address, effect.detail)
            self.after.progress.append(progress)
        if self._history == "full" or (self._history == "activity" and WORDS[effect.what]):
            row = HistoryRow(
                instance, effect.number, now, effect.what, effect.activity, effect.address, encode(effect.detail)
            )
            self.writes.history.append(row)

    def _subscribe(self, instance: str, effect: Subscribe) -> None:
        self._waits[instance, effect.branch, effect.activity] = WaitRow(
            instance,
            effect.branch,
            effect.activity,
            effect.activation,
            effect.event,
            effect.path,
            effect.value,
            effect.since,
        )

    def _incident(self, instance: str, effect: OpenIncident, now: float) -> None:
        self.writes.incidents.append(
            IncidentRow(
                instance,
                effect.number,
                effect.branch,
                effect.activity,
                effect.address,
                effect.kind,
                effect.code,
                effect.message,
                now,
            )
        )

    def post(self, instance: str, message: Mail, now: float) -> None:
        """Leave a message for an instance."""
        row = MailRow(self._numbers(), instance, encode_message(message), now)
        self.writes.mail.append(row)
        self.after.mail.append(row)

    def event(self, id: str, name: str, body: dict[str, Any], accepted: float) -> EventRow:
        """Store an event that is to be offered to every wait, and by what it is found then."""
        row = EventRow(self._numbers(), id, name, encode(body), accepted)
        self.writes.events.append(row)
        self.writes.event_keys += [(name, key, accepted, row.number) for key in digests(body)]
        self.after.events.append(row)
        return row

    def changed(self, copy: Copy, version: int, definition: Definition, *, is_listed: bool) -> None:
        """Write what the steps of one instance have changed.

        :param is_listed: whether storage would find it by the same as before.
        """
        instance, changes = copy.instance, copy.changes
        if is_listed:
            self.writes.states.append(encode_state(instance, version))
        else:
            self.writes.instances.append(encode_instance(instance, version))
        if instance.held and not instance.is_held:
            self.after.releasable.append(instance.id)
        self.writes.scopes_gone += [(instance.id, *key) for key in changes.closed]
        self.writes.branches_gone += [(instance.id, id) for id in changes.removed]
        self.after.due += [(None, instance.id, id) for id in changes.removed]
        for id in changes.touched:
            written = encode_branch(instance.id, copy.branches[id], _asked(definition, copy.branches[id]))
            self.writes.branches.append(written)
            self.after.due.append((written.due, instance.id, id))
        self.writes.values += value_rows(copy)
        self.writes.remembered_gone += [(instance.id, number) for number in changes.forgotten]
        self.writes.remembered += remembered_rows(copy)
        if changes.forgot_all:
            self.writes.forgotten.append((instance.id,))

    def finished(self) -> Writes:
        """All of it, once every instance of the batch is in."""
        for key, dispatch in self.after.dispatches.items():
            row = self._handover.attempt(dispatch, key[0], self.after.only.get(key))
            if isinstance(row, Stuck):
                self.post(key[0], row, self._clock.now())
            elif row is not None:
                self.writes.outbox.append(row)
        for place, wait in self._waits.items():
            if wait is None:
                self.writes.waits_gone.append(place)
            else:
                self.writes.waits.append(wait)
                if wait.fresh:
                    self.after.waits.append(wait)
        return self.writes


def _asked(definition: Definition, branch: Branch) -> str:
    """Whose answer a branch waits for; nobody's: empty."""
    if branch.attempt is None:
        return ""
    leaf = branch.frames[-1]
    activity = definition.activities[leaf.activity]
    assert isinstance(activity, Action), "only actions have attempts"
    return activity.sent_to(leaf)
