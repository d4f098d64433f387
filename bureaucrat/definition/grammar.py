"""The grammar of the language, as data: which elements there are, what they hold and which attributes they take.

Rules:

- This is its only place: the reader obeys it, the XSD is compared with it (L122).
- An element is known by its *type*: its tag, except where one tag means several things (the ``case`` of a switch and
  that of a ``<faults>``). The order of children is free but for what :mod:`bureaucrat.definition.rules` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Final

#: The namespace a definition may name as its own; none is the same.
NAMESPACE: Final = "urn:bureaucrat:process:1"
ROOT: Final = "process"


class Kind(StrEnum):
    """What an attribute's value is; :mod:`bureaucrat.definition.values` reads each."""

    LABEL = auto()  #: any text, for people
    WORD = auto()  #: no white space: ids
    FIELD = auto()  #: name of a field that is sent
    PROPERTY = auto()  #: name of a property that is written
    PATH = auto()  #: dotted path into an event
    CODES = auto()  #: fault codes with commas between
    LIST = auto()  #: texts with commas between
    CHOICE = auto()  #: one of the attribute's `choices`
    FLAG = auto()  #: yes no true false 1 0
    COUNT = auto()  #: whole number from 0
    TIMES = auto()  #: whole number from 1
    FACTOR = auto()  #: number from 1
    PLACES = auto()  #: yes, no or a whole number from 1
    DURATION = auto()
    EXPRESSION = auto()
    CRON = auto()
    ZONE = auto()  #: name of a time zone
    # literals, or an expression after = (L3)
    TEXT_VALUE = auto()
    MESSAGE_VALUE = auto()  #: may be empty
    PARTICIPANT_VALUE = auto()
    PROCESS_VALUE = auto()
    PRIORITY_VALUE = auto()  #: 0 to 9
    DURATION_VALUE = auto()
    PERIOD_VALUE = auto()  #: a duration above 0
    INSTANT_VALUE = auto()
    # or a path into the context, or an expression after =
    SELECTION = auto()
    KEY = auto()  #: name of a property, or an expression after =


class Content(Enum):
    """What text an element may hold."""

    NONE = auto()
    EXPRESSION = auto()
    PROPERTY = auto()  #: of the type that its attribute `type` names
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of an element."""

    kind: Kind
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Child:
    """How often an element of a type may stand in another."""

    type: str
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """One type of element."""

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    children: Mapping[str, Child] = field(default_factory=dict)  #: by tag
    activities: bool = False  #: it holds any activities besides
    content: Content = Content.NONE
    reads: frozenset[str] = frozenset()  #: what its expression may read besides the context


PROPERTY_TYPES: Final = ("int", "float", "str", "bool", "json")
FORM_TYPES: Final = (*PROPERTY_TYPES, "text", "date")

_LABELS: Final = {"id": Attribute(Kind.WORD), "name": Attribute(Kind.LABEL)}
_COMMON: Final = {**_LABELS, "due": Attribute(Kind.DURATION_VALUE)}
_WAITING: Final = {**_COMMON, "timeout": Attribute(Kind.DURATION_VALUE)}

_OWN: Final = {"faults": Child("faults", most=1), "compensation": Child("compensation", most=1)}
_SCOPE: Final = {"context": Child("context", most=1), **_OWN}
_REMINDERS: Final = {"reminder": Child("reminder")}
_EXCHANGE: Final = {"input": Child("input", most=1), "output": Child("output", most=1)}

_REQUIRED_TEXT: Final = Attribute(Kind.TEXT_VALUE, required=True)
_FIELD_NAME: Final = Attribute(Kind.FIELD, required=True)
_PROPERTY_NAME: Final = Attribute(Kind.PROPERTY, required=True)
_PROPERTY: Final = Attribute(Kind.PROPERTY)
_FLAG: Final = Attribute(Kind.FLAG)
_EXPRESSION: Final = Attribute(Kind.EXPRESSION)
_DURATION: Final = Attribute(Kind.DURATION)

_STRUCTURE: Final = {
    "process": Element(
        {
            **_WAITING,
            "key": Attribute(Kind.KEY),
            "unique": _FLAG,
            "parent": Attribute(
                Kind.LABEL
            ),  # the original's engine left it in what it stored (B-056); it means nothing
        },
        {**_SCOPE, "start": Child("start")},
        activities=True,
    ),
    "start": Element(
        {
            "cron": Attribute(Kind.CRON),
            "timezone": Attribute(Kind.ZONE),
            "overlap": Attribute(Kind.CHOICE, choices=("skip", "queue", "allow")),
            "missed": Attribute(Kind.CHOICE, choices=("skip", "once", "all")),
            "event": Attribute(Kind.FIELD),
        },
        {"condition": Child("event-condition")},
    ),
    "context": Element({}, {"property": Child("property"), **_OWN}),
    "property": Element(
        {
            "name": _PROPERTY_NAME,
            "type": Attribute(Kind.CHOICE, required=True, choices=PROPERTY_TYPES),
            "required": _FLAG,
        },
        content=Content.PROPERTY,
    ),
    "faults": Element({}, {"case": Child("fault-case"), "default": Child("fault-default", most=1)}),
    "fault-case": Element({**_LABELS, "code": Attribute(Kind.CODES, required=True)}, _SCOPE, activities=True),
    "fault-default": Element(_LABELS, _SCOPE, activities=True),
    "compensation": Element(_LABELS, _SCOPE, activities=True),
    "reminder": Element(
        {
            **_LABELS,
            "after": Attribute(Kind.DURATION_VALUE, required=True),
            "every": Attribute(Kind.PERIOD_VALUE),
            "times": Attribute(Kind.TIMES),
        },
        _SCOPE,
        activities=True,
    ),
    "condition": Element(content=Content.EXPRESSION),
    "event-condition": Element(content=Content.EXPRESSION, reads=frozenset({"event"})),
    "ignored-condition": Element(content=Content.IGNORED),
    "input": Element({"all": _FLAG}, {"field": Child("field")}),
    "output": Element({}, {"field": Child("output-field")}),
    "field": Element({"name": _FIELD_NAME}, content=Content.EXPRESSION),
    "output-field": Element({"name": _PROPERTY_NAME}, content=Content.EXPRESSION, reads=frozenset({"answer"})),
    "form": Element({}, {"field": Child("form-field", least=1)}),
    "form-field": Element(
        {
            "name": _PROPERTY_NAME,
            "type": Attribute(Kind.CHOICE, choices=FORM_TYPES),
            "label": Attribute(Kind.LABEL),
            "required": _FLAG,
            "choices": Attribute(Kind.LIST),
        }
    ),
    "case": Element(_WAITING, {**_SCOPE, "condition": Child("condition", least=1)}, activities=True),
    "default": Element(_WAITING, _SCOPE, activities=True),
}

_ACTIVITIES: Final = {
    "sequence": Element(_WAITING, {**_SCOPE, **_REMINDERS}, activities=True),
    "action": Element(
        {
            **_WAITING,
            "participant": Attribute(Kind.PARTICIPANT_VALUE, required=True),
            "retries": Attribute(Kind.COUNT),
            "delay": _DURATION,
            "backoff": Attribute(Kind.FACTOR),
            "max_delay": _DURATION,
            "jitter": _FLAG,
            "exhausted": Attribute(Kind.CHOICE, choices=("incident", "fault")),
            "arguments": Attribute(Kind.CHOICE, choices=("workitem", "kwargs")),
            "result": _PROPERTY,
            "priority": Attribute(Kind.PRIORITY_VALUE),
        },
        {**_OWN, **_REMINDERS, **_EXCHANGE, "form": Child("form", most=1)},
    ),
    "switch": Element(_WAITING, {**_SCOPE, "case": Child("case"), "default": Child("default", most=1)}),
    "while": Element(_WAITING, {**_SCOPE, "condition": Child("condition", least=1)}, activities=True),
    "foreach": Element(
        {
            **_WAITING,
            "select": Attribute(Kind.SELECTION, required=True),
            "as": _PROPERTY,
            "parallel": Attribute(Kind.PLACES),
            "collect": _PROPERTY,
            "value": _EXPRESSION,
        },
        {**_SCOPE, "condition": Child("ignored-condition")},  # the original takes it and never looks at it (B-063)
        activities=True,
    ),
    "all": Element(_WAITING, _SCOPE, activities=True),
    "any": Element({**_WAITING, "winner": _PROPERTY}, _SCOPE, activities=True),
    "call": Element(
        {**_WAITING, "process": Attribute(Kind.PROCESS_VALUE, required=True)}, {**_OWN, **_REMINDERS, **_EXCHANGE}
    ),
    "delay": Element(
        {
            **_WAITING,
            "duration": Attribute(Kind.DURATION_VALUE),
            "until": Attribute(Kind.INSTANT_VALUE),
            "cron": Attribute(Kind.CRON),
            "timezone": Attribute(Kind.ZONE),
        },
        _OWN,
    ),
    "await": Element(
        {
            **_WAITING,
            "event": _REQUIRED_TEXT,
            "key": Attribute(Kind.PATH),
            "equals": _EXPRESSION,
            "since": Attribute(Kind.CHOICE, choices=("wait", "start", "turn")),
            "property": _PROPERTY,
        },
        {**_OWN, **_REMINDERS, "condition": Child("event-condition")},
    ),
    "signal": Element({**_COMMON, "event": _REQUIRED_TEXT}, {**_OWN, "field": Child("field")}),
    "exit": Element({**_COMMON, "scope": Attribute(Kind.WORD), "outcome": Attribute(Kind.TEXT_VALUE)}, _OWN),
    "fault": Element({**_COMMON, "code": Attribute(Kind.TEXT_VALUE), "message": Attribute(Kind.MESSAGE_VALUE)}, _OWN),
    "assign": Element({**_COMMON, "property": _PROPERTY_NAME}, _OWN, content=Content.EXPRESSION),
    "compensate": Element({**_WAITING, "scope": Attribute(Kind.WORD)}, _OWN),
}

#: Every type of element.
ELEMENTS: Final[Mapping[str, Element]] = MappingProxyType(_STRUCTURE | _ACTIVITIES)
#: What stands where activities do.
ACTIVITIES: Final = frozenset(_ACTIVITIES)
#: What becomes an activity of the core's table, by tag; `case` and `default` in switch and faults alike.
ACTIVITY_TAGS: Final = ACTIVITIES | {"process", "case", "default", "reminder", "compensation"}
#: What becomes an activity of the core's table, by type.
ACTIVITY_TYPES: Final = ACTIVITIES | {
    "process",
    "case",
    "default",
    "fault-case",
    "fault-default",
    "reminder",
    "compensation",
}


_TAGS: Final = {child.type: tag for element in ELEMENTS.values() for tag, child in element.children.items()}
_AS_ACTIVITY: Final = {tag: Child(tag) for tag in ACTIVITIES}


def child_of(parent: str, tag: str) -> Child | None:
    """What a tag means inside an element of type `parent`; None if it may not stand there."""
    element = ELEMENTS[parent]
    found = _AS_ACTIVITY.get(tag) if element.activities else None
    return found or element.children.get(tag)


def tag_of(type: str) -> str:
    """The tag of a type of element."""
    return _TAGS.get(type, type)


def homes(tag: str) -> list[str]:
    """The tags of the elements that hold `tag`, which is no activity."""
    return sorted({tag_of(name) for name, element in ELEMENTS.items() if tag in element.children})


#: Every tag there is. Each is a type, too: the one that is meant where it stands in a wrong place.
TAGS: Final = frozenset(map(tag_of, ELEMENTS))
#: Every name of an attribute there is.
ATTRIBUTES: Final = frozenset(name for element in ELEMENTS.values() for name in element.attributes)
