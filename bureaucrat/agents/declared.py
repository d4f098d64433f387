"""What signals and queues have in common: a name, registered for the whole program, and JSON."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Protocol, Self


class JSONLib(Protocol):
    """A module that reads and writes JSON, as Python's does."""

    def dumps(self, data: Any, /) -> Any:
        """JSON of a value."""

    def loads(self, text: Any, /) -> Any:
        """The value of JSON."""


class Declared:
    """A declaration. A subclass says what it is called, keeps its own, and has errors of its own."""

    name: str

    what: ClassVar[str]
    missing: ClassVar[type[Exception]]
    unserializable: ClassVar[type[Exception]]
    _registered: ClassVar[dict[str, Any]]
    _jsonlib: ClassVar[JSONLib] = json

    def __post_init__(self) -> None:
        self._registered[self.name] = self

    @property
    def attribute(self) -> str:
        """Its name as an attribute: ``order_paid`` of ``order.paid``."""
        return self.name.replace(".", "_").replace("-", "_")

    @classmethod
    def set_jsonlib(cls, jsonlib: JSONLib) -> None:
        """Have all of them written and read by another module than Python's ``json``."""
        cls._jsonlib = jsonlib

    @classmethod
    def get(cls, name: str) -> Self:
        """One by its name, or by its name as an attribute.

        :raises SignalNotFound: there is no such signal.
        :raises QueueNotFound: there is no such queue.
        """
        found: Self | None = cls._registered.get(name)
        if found is None:
            found = next((one for one in cls._registered.values() if one.attribute == name), None)
        if found is None:
            raise cls.missing(f"no {cls.what} {name!r} is declared; declare it in the file given to load_{cls.what}s()")
        return found

    @classmethod
    def get_all(cls) -> dict[str, Self]:
        """All of them by name."""
        return dict(cls._registered)

    @property
    def _told(self) -> str:
        return f"{self.what} {self.name}"

    def serialize(self, data: dict[str, Any]) -> str:
        """JSON of arguments, or of a message.

        :raises SerializingError: they are no JSON.
        """
        try:
            text = self._jsonlib.dumps(data)
        except (TypeError, ValueError) as problem:
            raise self.unserializable(f"{self._told} cannot be sent: {problem}") from problem
        return text.decode() if isinstance(text, bytes) else str(text)

    def deserialize(self, data: str | bytes) -> dict[str, Any]:
        """What is in JSON.

        :raises SerializingError: it is none, or no object.
        """
        try:
            value = self._jsonlib.loads(data)
        except (TypeError, ValueError) as problem:
            raise self.unserializable(f"{self._told} is no JSON: {problem}") from problem
        if not isinstance(value, dict):
            raise self.unserializable(f"{self._told} is a {type(value).__name__}, not an object")
        return value
