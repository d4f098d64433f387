"""Models of what is in a stream: classes whose annotations are their fields.

Rules: a record is checked when it is read, not when it is made; on the wire it is a JSON object with its namespace
beside its fields, so that a reply comes back as the record that it was; keys that a record does not know are passed
over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .failures import Malformed

BLESSED = "__faust"  #: the key on the wire that has the namespace
_R = TypeVar("_R", bound="Record")


@dataclass(frozen=True, slots=True)
class Options:
    """What a model says of itself beside its fields."""

    namespace: str = ""  #: its name on the wire; by default its module and name
    serializer: str = "json"
    include_metadata: bool = True  #: whether the namespace is written
    isodates: bool = True  #: texts in ISO 8601 become datetimes wherever one is annotated; there is no other way


_known: dict[str, type[Record]] = {}
_options: dict[type, Options] = {}


class _RecordMeta(msgspec.StructMeta):
    """Takes the options of models beside those of structs."""

    def __new__(mcls, name: str, bases: tuple[type, ...], members: dict[str, Any], **given: Any) -> Any:
        own = {option: given.pop(option) for option in Options.__dataclass_fields__ if option in given}
        made: Any = super().__new__(mcls, name, bases, members, **given)
        own.setdefault("namespace", f"{made.__module__}.{made.__qualname__}")
        _options[made] = Options(**own)
        _known[own["namespace"]] = made
        return made


class Record(msgspec.Struct, metaclass=_RecordMeta):
    """A model: ``class Add(Record): a: int; b: int``.

    Options of the class: ``serializer="json"``, ``namespace=…``, ``isodates=True``, ``include_metadata=True``, and
    those of ``msgspec.Struct``.
    """

    if TYPE_CHECKING:  # at run time the metaclass takes the options

        def __init_subclass__(
            cls,
            *,
            namespace: str = "",
            serializer: str = "json",
            include_metadata: bool = True,
            isodates: bool = True,
            frozen: bool = False,
            kw_only: bool = False,
            order: bool = False,
        ) -> None: ...

    def asdict(self) -> dict[str, Any]:
        """Its fields by name; those that are records stay such."""
        return {name: getattr(self, name) for name in self.__struct_fields__}

    def to_representation(self) -> dict[str, Any]:
        """What is written: JSON's types, records within it included."""
        found: dict[str, Any] = msgspec.to_builtins(self, enc_hook=_unknown)
        options = options_of(type(self))
        return {**found, BLESSED: {"ns": options.namespace}} if options.include_metadata else found

    def dumps(self) -> bytes:
        """Itself, as JSON."""
        return msgspec.json.encode(self.to_representation())

    def derive(self: _R, **changes: Any) -> _R:
        """A copy with other values."""
        changed: _R = msgspec.structs.replace(self, **changes)
        return changed

    @classmethod
    def from_data(cls: type[_R], data: Mapping[str, Any]) -> _R:
        """The record of JSON's types.

        :raises Malformed: they are not what its annotations say.
        """
        found: _R = converted(data, cls)
        return found

    @classmethod
    def loads(cls: type[_R], text: bytes) -> _R:
        """The record of JSON.

        :raises Malformed: it is none, or not what the annotations say.
        """
        try:
            found: _R = msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Malformed(f"it is no {cls.__name__}: {error}") from error
        return found


def options_of(model: type) -> Options:
    """What a model says of itself."""
    return _options[model]


def _unknown(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def is_record(type_: Any) -> bool:
    """Whether it is a class of records."""
    return isinstance(type_, type) and issubclass(type_, Record)


def converted(value: Any, type_: Any) -> Any:
    """A value of JSON's types as one of an annotation.

    :raises Malformed: it is not such.
    """
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise Malformed(f"it is no {getattr(type_, '__name__', type_)}: {error}") from error


def plain(value: Any) -> Any:
    """A value as JSON's types; a record with its namespace."""
    if isinstance(value, Record):
        return value.to_representation()
    return msgspec.to_builtins(value, enc_hook=_unknown)


def blessed(value: Any) -> Any:
    """JSON's types as the record that their namespace names; anything else unchanged."""
    if isinstance(value, dict) and isinstance(tag := value.get(BLESSED), dict):
        model = _known.get(tag.get("ns", ""))
        return value if model is None else converted(value, model)
    return value


def models() -> list[type[Record]]:
    """Every model that was declared, by its namespace."""
    return [_known[name] for name in sorted(_known) if not name.startswith(("@", f"{__name__}."))]
