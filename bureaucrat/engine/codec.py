"""The one place where records of the core become JSON text, and come back.

Rules: dataclasses are encoded as they stand; a message is written with its class's name before it, so that it can be
read back; nothing else in the project encodes state.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..core import messages
from ..core.effects import Launch
from ..core.instance import Branch, Copy, Frame, Instance, Scope
from ..core.remembered import Level, Remembered
from ..ports import BranchRow, InstanceRow, Loaded, Properties, RememberedRow, StateRow, ValueRow
from . import orders

_encode = msgspec.json.Encoder().encode
_instance = msgspec.json.Decoder(Instance)
_branch = msgspec.json.Decoder(tuple[str | None, int, int, float, list[Frame]])
_levels = msgspec.json.Decoder(list[Level])
_value = msgspec.json.Decoder()
_properties = msgspec.json.Decoder(Properties)
_tag = msgspec.json.Decoder(tuple[str, msgspec.Raw])
_order = msgspec.json.Decoder(tuple[str, tuple[str, msgspec.Raw]])

_CLASSES: tuple[type, ...] = (
    messages.Start,
    messages.Answer,
    messages.Offer,
    messages.TimerFired,
    messages.Ended,
    messages.Continue,
    messages.Redispatch,
    messages.Stuck,
    messages.Unsent,
    messages.Alarm,
    messages.Cancel,
    messages.Suspend,
    messages.Resume,
    messages.Retry,
    messages.Skip,
    messages.Move,
    messages.Migrate,
    messages.Set,
    Launch,
    orders.Looked,
    orders.Replay,
    orders.Drop,
    orders.Happened,
    orders.Deploy,
    orders.Undeploy,
    orders.Scheduling,
    orders.Pausing,
    orders.Mend,
    orders.Begin,
    orders.Report,
)
_MESSAGES: dict[str, msgspec.json.Decoder[Any]] = {cls.__name__: msgspec.json.Decoder(cls) for cls in _CLASSES}

#: what a mailbox row can hold
Mail = messages.Message | Launch | orders.Ordered | orders.Left


def encode(value: Any) -> bytes:
    """JSON text of anything the core uses."""
    return _encode(value)


def decode(text: bytes) -> Any:
    """The JSON value of a text."""
    return _value.decode(text)


def properties_of(text: bytes) -> Properties:
    """How an outbox row or a dead letter is published."""
    return _properties.decode(text)


def encode_message(message: Mail) -> bytes:
    if isinstance(message, orders.Order):  # it holds a message, which needs a name of its own
        asked = message.message
        return _encode(("Order", (message.who, (type(asked).__name__, asked))))
    return _encode((type(message).__name__, message))


def decode_message(text: bytes) -> Mail:
    name, body = _tag.decode(text)
    if name == "Order":
        who, (name, body) = _order.decode(body)
        return orders.Order(who, _MESSAGES[name].decode(body))
    return _MESSAGES[name].decode(body)  # type: ignore[no-any-return]


def encode_instance(instance: Instance, version: int) -> InstanceRow:
    return InstanceRow(
        id=instance.id,
        process=instance.process,
        definition=instance.definition,
        version=version,
        status=instance.status.value,
        started=instance.started,
        state=_encode(instance),
        business_key=instance.business_key,
        ended=instance.ended,
        outcome=instance.outcome,
        incidents=instance.incidents,
        held=instance.held,
        releasable=instance.held > 0 and not instance.is_held,
        is_unique=instance.unique,
    )


def listed(instance: Instance) -> tuple[Any, ...]:
    """What the guard row tells of an instance besides its state; while it is the same, a :class:`StateRow` will do."""
    return (
        instance.definition,
        instance.status,
        instance.business_key,
        instance.ended,
        instance.outcome,
        instance.incidents,
        instance.held > 0 and not instance.is_held,
    )


def encode_state(instance: Instance, version: int) -> StateRow:
    return StateRow(instance.id, version, _encode(instance), instance.held)


def decode_instance(row: InstanceRow) -> Instance:
    return _instance.decode(row.state)


def encode_branch(instance: str, branch: Branch, participant: str = "") -> BranchRow:
    """The row of a branch.

    :param participant: whom the attempt is for that it waits for.
    """
    state = _encode((branch.parent, branch.owner, branch.spun, branch.passed, branch.frames))
    return BranchRow(instance, branch.id, branch.due, branch.attempt, state, participant)


def leaf_of(row: BranchRow) -> Frame | None:
    """The innermost frame of a stored branch; None of one that has ended."""
    frames = _branch.decode(row.state)[-1]
    return frames[-1] if frames else None


def add_loaded(copy: Copy, loaded: Loaded) -> None:
    """Put loaded rows of one instance into its copy; what the copy has already stays as it is."""
    new: dict[str, Branch] = {}
    for row in loaded.branches:
        if row.id not in copy.branches:
            parent, owner, spun, passed, frames = _branch.decode(row.state)
            new[row.id] = Branch(row.id, parent, owner, spun, passed, frames)
            copy.add(new[row.id])
    for value in loaded.values:
        if value.branch in new:
            _add_value(new[value.branch], value)


def _add_value(branch: Branch, row: ValueRow) -> None:
    value = _value.decode(row.value)
    if row.scope not in branch.scopes:
        branch.scopes[row.scope] = Scope({})
    values = branch.scopes[row.scope].values
    if row.name:
        values[row.name] = value
    else:
        branch.scopes[row.scope].values.update({**value, **values})


def add_remembered(copy: Copy, rows: list[RememberedRow]) -> None:
    """Put what an instance remembers into a copy that has changed nothing yet; the rows come newest first."""
    for row in reversed(rows):
        levels = _levels.decode(row.levels)
        copy.recall(Remembered(row.number, row.branch, row.activity, row.activation, row.at, row.size, levels))


def remembered_rows(copy: Copy) -> list[RememberedRow]:
    """The rows of every compensation that is remembered since."""
    rows = []
    for number in copy.changes.remembered:
        one, levels = copy.remembered[number], _encode(copy.remembered[number].levels)
        rows.append(
            RememberedRow(copy.instance.id, number, one.branch, one.activity, one.activation, one.at, one.size, levels)
        )
    return rows


def value_rows(copy: Copy) -> list[ValueRow]:
    """The rows of every value that changed."""
    instance, changes = copy.instance.id, copy.changes
    rows = []
    for branch, scope in changes.opened:
        values = copy.branches[branch].scopes[scope].values
        rows.append(ValueRow(instance, branch, scope, "", _encode(values)))
    for branch, scope, name in changes.written:
        value = copy.branches[branch].scopes[scope].values[name]
        rows.append(ValueRow(instance, branch, scope, name, _encode(value)))
    return rows
