"""What is registered: services and workflows, as JSON in either of two forms.

Rules: a document that is wrong is refused with a message for each field; names of fields and messages go to whoever has
sent it, values do not.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

#: The types of inputs and outputs -> what JSON has for them.
TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_ALIASES: Final = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array"}
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_MOST: Final = 100  #: services of a workflow, inputs, outputs

Messages = dict[str, list[str]]


class Invalid(Exception):
    """A document cannot be used.

    :param messages: what is wrong, by field.
    """

    def __init__(self, messages: Messages) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in messages.items()))
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Value:
    """One input or output."""

    type: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """An operation: a value is copied under another name, before or after a service is called."""

    source: str
    dest: str
    apply: str  #: ``before`` or ``after``
    service: int  #: which of the workflow's calls, from 0


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is asked over HTTP."""

    name: str
    address: str
    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workflow:
    """Services that are called one after another; each gets what those before it gave."""

    name: str
    services: list[str]
    inputs: dict[str, Value] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    operations: list[Copy] = field(default_factory=list)


def document_of(thing: Service | Workflow) -> dict[str, Any]:
    """As JSON, which :func:`service_of` and :func:`workflow_of` read again."""
    document = asdict(thing)
    for one in document.get("operations", ()):
        one["type"] = "copy"
    return document


def service_of(given: Any) -> Service:
    """Read a service.

    :raises Invalid: with everything that is wrong.
    """
    reading = _Reading(given, ("name", "address", "inputs", "outputs"))
    service = Service(reading.name(), reading.address(), reading.values("inputs"), reading.values("outputs"))
    reading.finish(is_strict=True)
    return service


def workflow_of(given: Any) -> Workflow:
    """Read a workflow.

    :raises Invalid: with everything that is wrong.
    """
    reading = _Reading(given, ("name", "services", "inputs", "outputs", "operations"))
    services = reading.services()
    workflow = Workflow(
        reading.name(), services, reading.values("inputs"), reading.values("outputs"), reading.operations(services)
    )
    reading.finish(is_strict=False)
    return workflow


class _Reading:
    """One document that is read, and what is wrong with it."""

    def __init__(self, given: Any, known: tuple[str, ...]) -> None:
        self.messages: Messages = {}
        self._known = known
        if not isinstance(given, dict):
            raise Invalid({"_schema": ["Invalid input type."]})
        spec = given.get("spec", {})
        if not isinstance(spec, dict):
            raise Invalid({"spec": ["Not an object."]})
        self._given = {**given, **spec}  # both forms
        self._given.pop("spec", None)
        self._given.pop("created_at", None)

    def complain(self, name: str, text: str) -> None:
        self.messages.setdefault(name, []).append(text)

    def finish(self, *, is_strict: bool) -> None:
        """
        :param is_strict: what is not known is refused.
        """
        for name in self._given if is_strict else ():
            if name not in self._known:
                self.complain(name, "Unknown field.")
        if self.messages:
            raise Invalid(self.messages)

    def _text(self, name: str) -> str:
        value = self._given.get(name)
        if name not in self._given:
            self.complain(name, "Missing data for required field.")
        elif not isinstance(value, str) or not value:
            self.complain(name, "Not a valid string.")
        return value if isinstance(value, str) else ""

    def name(self) -> str:
        found = self._text("name")
        if found and not _NAME.fullmatch(found):
            self.complain("name", "Write 1 to 100 letters, digits, '_', '.' and '-'.")
        return found

    def address(self) -> str:
        found = self._text("address")
        if found and not is_address(found):
            self.complain("address", "Not a valid URL: write http://HOST/PATH or https://HOST/PATH.")
        return found

    def services(self) -> list[str]:
        found = self._given.get("services")
        if "services" not in self._given:
            self.complain("services", "Missing data for required field.")
        elif not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            self.complain("services", "Not a list of names or ids.")
        elif not 0 < len(found) <= _MOST:
            self.complain("services", f"Name 1 to {_MOST} services.")
        else:
            return list(found)
        return []

    def values(self, name: str) -> dict[str, Value]:
        given = self._given.get(name, [])
        if isinstance(given, list):
            items = [(one.get("name"), one) if isinstance(one, dict) else (None, one) for one in given]
        elif isinstance(given, dict):
            items = list(given.items())
        else:
            self.complain(name, "Not a list or an object.")
            return {}
        found = {}
        for key, one in items:
            value = self._value(name, key, one)
            if value is not None:
                found[str(key)] = value
        if len(found) > _MOST:
            self.complain(name, f"At most {_MOST} are allowed.")
        return found

    def _value(self, name: str, key: Any, one: Any) -> Value | None:
        if not isinstance(key, str) or not _FIELD.fullmatch(key):
            self.complain(name, "Each has a name: letters, digits, '_' and '-'.")
            return None
        kind = one.get("type") if isinstance(one, dict) else one
        kind = _ALIASES.get(kind, kind) if isinstance(kind, str) else kind
        if kind not in TYPES:
            self.complain(f"{name}.{key}", f"Its type is one of {', '.join(TYPES)}.")
            return None
        description = one.get("description") if isinstance(one, dict) else ""
        return Value(kind, description if isinstance(description, str) else "")

    def operations(self, services: list[str]) -> list[Copy]:
        given = self._given.get("operations") or []
        if not isinstance(given, list):
            self.complain("operations", "Not a list.")
            return []
        return [one for place, each in enumerate(given) if (one := self._copy(place, each, services))]

    def _copy(self, place: int, each: Any, services: list[str]) -> Copy | None:
        where, keys = f"operations.{place}", ("type", "source", "dest", "apply", "service")
        if not isinstance(each, dict) or set(each) != set(keys):
            self.complain(where, f"It has {', '.join(keys)}.")
            return None
        if each["type"] != "copy":
            self.complain(where, "Its type is copy.")
        if each["apply"] not in ("before", "after"):
            self.complain(where, "apply is before or after.")
        for key in ("source", "dest"):
            if not isinstance(each[key], str) or not _FIELD.fullmatch(each[key]):
                self.complain(where, f"{key} is no name.")
        number = _number(each["service"], services)
        if number is None:
            self.complain(where, "service is the place of a service in the list, from 0, or its name.")
        return None if where in self.messages else Copy(each["source"], each["dest"], each["apply"], number or 0)


def _number(given: Any, services: list[str]) -> int | None:
    if isinstance(given, str) and given in services:
        return services.index(given)
    text = str(given)
    return int(text) if text.isdecimal() and len(text) < 4 and int(text) < len(services) else None


def is_address(url: str) -> bool:
    """Whether it is a URL that can be asked, without a user and a password."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
    return is_good and url.isprintable() and " " not in url


def mismatches(values: dict[str, Value], data: dict[str, Any]) -> Messages:
    """What of some data is not as declared: missing, not declared, or of another type."""
    found: Messages = {}
    for name, value in values.items():
        if name not in data:
            found[name] = ["Missing data for required field."]
        elif not is_of(data[name], value.type):
            found[name] = [f"Not a valid {value.type}."]
    for name in data:
        if name not in values:
            found[name] = ["Unknown field."]
    return found


def is_of(value: Any, kind: str) -> bool:
    """Whether a value is of a declared type."""
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])
