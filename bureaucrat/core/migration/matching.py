"""Which activity of a new definition is which of an old one (L112).

Rules:

- what a person says in a plan comes first, then the ``id``;
- without an id, an activity is looked for where its parent has its place: among the activities there that have no id
  either, or one that the old definition does not know. Tag and subject must agree (the subject is an action's
  participant, a call's process, the event, code, property or conditions of others), and there must be as many of them
  in both definitions; then the first is the first, and so on;
- an activity is never one of another kind: an action no await, a child no fault handler, items one after another no
  items side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..activities import Action, Assign, Await, Call, Case, Exit, Sequence, Signal, Throw
from ..activity import Activity, Value
from ..table import Definition

DROP = "drop"  #: what a plan says of what need not have a place


class Unclear(Exception):
    """A plan says what cannot be; `problems` has every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Matching:
    """Who is who."""

    old: Definition
    new: Definition
    called: str  #: what people call the new one: ``order@3``, a file
    pairs: dict[int, int]  #: old index -> new index
    dropped: frozenset[int] = frozenset()  #: old indexes that a plan drops
    reasons: dict[int, str] = field(default_factory=dict)  #: old index -> why it has no place

    @property
    def added(self) -> list[Activity]:
        """What only the new definition has."""
        taken = set(self.pairs.values())
        return [one for one in self.new.activities if one.index not in taken]

    @property
    def removed(self) -> list[Activity]:
        """What only the old definition has."""
        return [one for one in self.old.activities if one.index not in self.pairs]

    def inverse(self) -> dict[str, str]:
        """What a plan for the way back has to say, as far as it would not be found without."""
        back = match(self.new, self.old, {}, "").pairs
        said = {}
        for old, new in self.pairs.items():
            if back.get(new) != old:
                said[word_of(self.new.activities[new])] = word_of(self.old.activities[old])
        for one in self.added:
            if type(one) is Sequence and one.scope:
                said[word_of(one)] = DROP
        return said


def match(old: Definition, new: Definition, given: Mapping[str, str], called: str) -> Matching:
    """Find who is who.

    :param given: what a plan says: an activity of the old definition by id or address -> one of the new, or ``drop``.
    :param called: what the new definition is called in reasons.
    :raises Unclear: the plan names what is not there, or one activity for two.
    """
    search = _Search(old, new, called)
    search.take(given)
    search.by_id()
    search.by_parent()
    return Matching(old, new, called, search.pairs, frozenset(search.dropped), search.reasons)


def word_of(activity: Activity) -> str:
    """What names an activity in a plan: its id, else its address."""
    return activity.id or activity.path or "process"


def relation(definition: Definition, activity: Activity) -> str:
    """What an activity is to its parent."""
    if activity.parent < 0 or activity.index in definition.activities[activity.parent].children:
        return "child"
    if activity.holds_snapshot:
        return "compensation"
    return "reminder" if activity.is_reminder else "fault handler"


class _Search:
    def __init__(self, old: Definition, new: Definition, called: str) -> None:
        self.old = old
        self.new = new
        self.called = called
        self.pairs = {0: 0}
        self.taken = {0}
        self.dropped: set[int] = set()
        self.reasons: dict[int, str] = {}

    def take(self, given: Mapping[str, str]) -> None:
        """What the plan says."""
        problems: list[str] = []
        for from_word, to_word in given.items():
            old = _one(self.old, from_word, "the definition that runs", problems)
            new = None if to_word == DROP else _one(self.new, to_word, self.called, problems)
            if old is None:
                continue
            if to_word == DROP:
                self.dropped.add(old.index)
            elif new is not None:
                self._say(old, new, f"{from_word} = {to_word}", problems)
        if problems:
            raise Unclear(problems)

    def _say(self, old: Activity, new: Activity, said: str, problems: list[str]) -> None:
        difference = self._difference(old, new)
        if difference is not None:
            problems.append(f"{said}: {difference}")
        elif self.pairs.get(old.index, new.index) != new.index or (
            new.index in self.taken and old.index not in self.pairs
        ):
            problems.append(f"{said}: one of the two has its place already; each is named once")
        else:
            self._pair(old, new)

    def by_id(self) -> None:
        """The same id is the same activity."""
        for id, index in self.old.ids.items():
            old = self.old.activities[index]
            there = self.new.ids.get(id)
            if index in self.pairs:
                continue
            if there is None:
                advice = f"say what takes its place: {id} = ID, in a plan"
                self.reasons[index] = f"{self.called} has no activity with the id {id!r}; {advice}"
            elif there in self.taken:
                self.reasons[index] = f"the plan gives the place of {id!r} to another"
            else:
                difference = self._difference(old, self.new.activities[there])
                if difference is None:
                    self._pair(old, self.new.activities[there])
                else:
                    self.reasons[index] = difference

    def by_parent(self) -> None:
        """Below each that has a place, those without an id."""
        for old in self.old.activities:  # parents come before what is in them
            there = self.pairs.get(old.index)
            below = _inside(self.old, old)
            if there is None:
                for index in below:
                    around = f"{old.tag} {word_of(old)}" if old.id is None else f"{old.tag} {old.id!r}"
                    self.reasons.setdefault(index, f"what is around it, the {around}, has no place")
                continue
            self._pair_nameless([index for index in below if self._is_open(index)], self.new.activities[there])

    def _is_open(self, index: int) -> bool:
        """Whether it is looked for by where it stands."""
        return self.old.activities[index].id is None and index not in self.pairs

    def _pair_nameless(self, nameless: list[int], parent: Activity) -> None:
        here, there = _alike(self.old, nameless), _alike(self.new, self._free(parent))
        for key, olds in here.items():
            news = there.get(key, [])
            if len(olds) == len(news):
                for old, new in zip(olds, news, strict=True):
                    self._pair(self.old.activities[old], self.new.activities[new])
                continue
            for old in olds:
                self.reasons[old] = self._unlike(self.old.activities[old], len(olds), news, parent)

    def _free(self, parent: Activity) -> list[int]:
        """What may be somebody without an id: it has none, or one that is new."""
        ids = [(index, self.new.activities[index].id) for index in _inside(self.new, parent)]
        return [index for index, id in ids if index not in self.taken and (id is None or id not in self.old.ids)]

    def _unlike(self, old: Activity, number: int, news: list[int], parent: Activity) -> str:
        what = _described(old)
        remedy = f"say which it is: {old.path} = ID or address, in a plan"
        if not news:
            around = f"{self.called}:{parent.line}"
            return f"it has no id, and the {parent.tag} at {around} has no {what} to take its place; {remedy}"
        places = ", ".join(f"{self.called}:{self.new.activities[index].line}" for index in news[:5])
        return f"it has no id, and of {what} there are {number} here and {len(news)} there ({places}); {remedy}"

    def _difference(self, old: Activity, new: Activity) -> str | None:
        """Why one is not the other, of which the names agree."""
        kinds = relation(self.old, old), relation(self.new, new)
        place = f"{self.called}:{new.line}"
        if kinds[0] != kinds[1]:
            return f"it is a {kinds[0]} here and a {kinds[1]} at {place}"
        if old.tag != new.tag:
            return f"it is {_article(old.tag)} here and {_article(new.tag)} at {place}"
        if type(old) is not type(new):
            ways = ["side by side" if one.forks_items else "one after another" for one in (old, new)]
            return f"its items run {ways[0]} here and {ways[1]} at {place}"
        return None

    def _pair(self, old: Activity, new: Activity) -> None:
        self.pairs[old.index] = new.index
        self.taken.add(new.index)


def _one(definition: Definition, word: str, where: str, problems: list[str]) -> Activity | None:
    found = definition.named(word)
    if len(found) == 1:
        return found[0]
    if not found:
        problems.append(f"{word!r} is no activity of {where}; write an id, or an address such as _0_1")
    else:
        problems.append(f"{word!r} is {len(found)} activities of {where}; write {found[0].path} or the like")
    return None


def _inside(definition: Definition, activity: Activity) -> list[int]:
    """All that stand right below an activity: children, handlers, reminders, a compensation."""
    handlers = (handler.body for handler in activity.handlers)
    compensation = () if activity.compensation is None else (activity.compensation,)
    return sorted({*activity.children, *handlers, *(reminder.body for reminder in activity.reminders), *compensation})


def _alike(definition: Definition, indexes: list[int]) -> dict[tuple[str, ...], list[int]]:
    """Activities by what tells them apart without an id."""
    found: dict[tuple[str, ...], list[int]] = {}
    for index in indexes:
        one = definition.activities[index]
        key = relation(definition, one), type(one).__name__, subject(definition, one)
        found.setdefault(key, []).append(index)
    return found


def subject(definition: Definition, activity: Activity) -> str:
    """What an activity has to do with."""
    match activity:
        case Action():
            return text_of(activity.participant)
        case Call():
            return text_of(activity.process)
        case Await() | Signal():
            return text_of(activity.event)
        case Throw():
            return text_of(activity.code)
        case Exit():
            return text_of(activity.outcome)
        case Assign():
            return activity.property
        case Case():
            return " or ".join(condition.source for condition in activity.conditions)
    for handler in definition.activities[max(activity.parent, 0)].handlers:
        if handler.body == activity.index:
            return ", ".join(handler.codes)
    return ""


def text_of(value: Value | None) -> str:
    """A value as an author writes it."""
    if value is None:
        return ""
    return str(value.literal) if value.expression is None else f"={value.expression.source}"


def _described(activity: Activity) -> str:
    about = activity.participant if isinstance(activity, Action) else None
    return f"{activity.tag} of {text_of(about)}" if about is not None else activity.tag


def _article(tag: str) -> str:
    return f"an {tag}" if tag[0] in "aeiou" else f"a {tag}"
