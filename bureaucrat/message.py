"""``Message``, as existing participants and tools use it (B-035, B-082)."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import msgspec

from .wire import load_object
from .wire.content import MESSAGE
from .wire.places import object_at, text_at


class Message:
    """A named message from one activity to another, in the original's format.

    :param target: address of the activity it is for; :attr:`target_pid` is its instance.
    :param origin: address of the activity it comes from; may be empty.
    :param payload: a JSON object.
    """

    content_type: ClassVar[str] = MESSAGE
    mime_type: ClassVar[str] = MESSAGE

    def __init__(self, name: str, target: str, origin: str, payload: dict[str, Any] | None = None) -> None:
        self.name = name
        self.target = target
        self.origin = origin
        self.payload: dict[str, Any] = {} if payload is None else payload

    @property
    def fields(self) -> dict[str, Any]:
        """The payload, under the name that workitems have for it."""
        return self.payload

    @fields.setter
    def fields(self, fields: dict[str, Any]) -> None:
        self.payload = fields

    @property
    def target_pid(self) -> str:
        """The instance that the target belongs to."""
        return self.target.partition("_")[0]

    @property
    def origin_pid(self) -> str:
        """The instance that the origin belongs to."""
        return self.origin.partition("_")[0]

    @classmethod
    def loads(cls, bodystr: str | bytes) -> Self:
        """The message that a body is.

        :raises bureaucrat.wire.Malformed: it is none.
        """
        record = load_object(bodystr.encode("utf-8", "surrogatepass") if isinstance(bodystr, str) else bytes(bodystr))
        payload = object_at(record, "payload")
        return cls(text_at(record, "name"), text_at(record, "target"), text_at(record, "origin"), payload)

    def dumps(self) -> str:
        """The body, as text."""
        record = {"name": self.name, "target": self.target, "origin": self.origin, "payload": self.payload}
        return msgspec.json.encode(record).decode("utf-8")

    def __repr__(self) -> str:
        return f"<Message name={self.name!r} target={self.target!r} origin={self.origin!r}>"
