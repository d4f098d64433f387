"""One instance with all that is kept of it, decoded: what an examination judges, and what is mended.

Rules: nothing is raised because of what is stored; what cannot be read is said in a sentence. Whatever is said names
activities by what people call them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..core.activity import Activity
from ..core.instance import Branch, Copy, Frame
from ..core.table import Definition
from ..definition.problems import InvalidDefinition
from ..errors import UnknownDefinition
from ..ports import (
    Belongings,
    BranchRow,
    IncidentRow,
    InstanceRow,
    Loaded,
    MailRow,
    OutboxRow,
    RememberedRow,
    Span,
    Storage,
    ValueRow,
    WaitRow,
)
from .codec import Mail, add_loaded, add_remembered, decode_instance, decode_message
from .definitions import Definitions


class Note(NamedTuple):
    """Something that is not as it should be."""

    check: str  #: which check has found it: a word
    text: str  #: a sentence, without its full stop
    word: str = ""  #: the activity that it is about, as commands take it
    start: str = ""  #: the same as something to start


@dataclass(slots=True)
class Picture:
    """All of one instance, at one moment."""

    id: str
    row: InstanceRow | None = None
    copy: Copy | None = None  #: None: it is not there, or cannot be read
    definition: Definition | None = None  #: None: it is not there, or cannot be read
    branches: dict[str, BranchRow] = field(default_factory=dict)
    values: list[ValueRow] = field(default_factory=list)
    waits: list[WaitRow] = field(default_factory=list)
    remembered: list[RememberedRow] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)
    mail: list[tuple[MailRow, Mail | None]] = field(default_factory=list)  #: None: it cannot be read
    outbox: list[OutboxRow] = field(default_factory=list)
    span: Span | None = None
    unreadable: list[Note] = field(default_factory=list)

    @property
    def attempts(self) -> set[int]:
        """The numbers of the attempts that it waits for."""
        found = {branch.attempt for branch in self.copy.branches.values()} if self.copy else set()
        return {number for number in found if number is not None}

    def is_coming(self, kind: type[object], activation: int) -> bool:
        """Whether a message of a kind is on its way to an activation, or kept back for it."""
        return any(
            isinstance(message, kind) and getattr(message, "activation", None) == activation for _, message in self.mail
        )


def label(definition: Definition, branch: str, activity: Activity) -> str:
    """What people call an activity in a branch; of several of the same activity it is the address."""
    return activity.label if not _is_numbered(branch) else f"{activity.label} {word(definition, branch, activity)}"


def word(definition: Definition, branch: str, activity: Activity) -> str:
    """What a command calls it."""
    if activity.id is not None and not _is_numbered(branch):
        return activity.id
    return definition.address("", branch, activity.index) or "_"


def _is_numbered(branch: str) -> bool:
    return "." in branch


def note(check: str, text: str, picture: Picture, branch: Branch, frame: Frame) -> Note:
    """A note about one activation: its name stands before the text."""
    assert picture.definition is not None, "activities are known"
    activity = picture.definition.activities[frame.activity]
    called = label(picture.definition, branch.id, activity)
    start = activity.id or activity.path
    return Note(check, f"{called} {text}", word(picture.definition, branch.id, activity), start)


async def pictures(storage: Storage, definitions: Definitions, ids: Sequence[str]) -> dict[str, Picture]:
    """These instances, as one moment sees them."""
    found = await storage.belongings(ids)
    made = {id: Picture(id) for id in ids}
    for picture, rows in _sorted(found, made):
        picture.row = rows.instances[0] if rows.instances else None
        picture.branches = {row.id: row for row in rows.branches}
        picture.values, picture.waits, picture.remembered = rows.values, rows.waits, rows.remembered
        picture.incidents, picture.outbox = rows.incidents, rows.outbox
        picture.span = rows.spans[0] if rows.spans else None
        picture.mail = [(row, _message(row)) for row in rows.mail]
        _decode(picture)
        await _define(picture, definitions)
    return made


def _sorted(found: Belongings, made: dict[str, Picture]) -> Iterable[tuple[Picture, Belongings]]:
    """What was found, by instance."""
    by = {id: Belongings() for id in made}
    for instance in found.instances:
        by[instance.id].instances.append(instance)
    for name in ("branches", "values", "waits", "remembered", "incidents", "mail", "outbox", "spans"):
        for row in getattr(found, name):
            getattr(by[row.instance], name).append(row)
    return [(made[id], rows) for id, rows in by.items()]


def _message(row: MailRow) -> Mail | None:
    try:
        return decode_message(row.message)
    except Exception:  # whatever it is: it cannot be read, and the engine sets it aside
        return None


def _decode(picture: Picture) -> None:
    if picture.row is None:
        return
    try:
        copy = Copy(decode_instance(picture.row))
    except Exception as error:  # it may be anything
        picture.unreadable.append(Note("readable", f"its state cannot be read: {_short(error)}"))
        return
    by_branch: dict[str, list[ValueRow]] = {}
    for value in picture.values:
        by_branch.setdefault(value.branch, []).append(value)
    for branch in picture.branches.values():
        try:
            add_loaded(copy, Loaded([branch], by_branch.get(branch.id, [])))
        except Exception as error:  # it may be anything
            what = f"its branch {branch.id or 'at the root'}, or a value in it, cannot be read: {_short(error)}"
            picture.unreadable.append(Note("readable", what))
    try:
        add_remembered(copy, picture.remembered[::-1])
    except Exception as error:  # it may be anything
        what = f"a compensation that it remembers cannot be read: {_short(error)}"
        picture.unreadable.append(Note("readable", what))
    if copy.instance.id != picture.id:
        picture.unreadable.append(Note("readable", f"its state is that of another instance: {copy.instance.id!r}"))
    if not picture.unreadable:
        picture.copy = copy


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


async def _define(picture: Picture, definitions: Definitions) -> None:
    if picture.row is None:
        return
    try:
        picture.definition = await definitions.get(picture.row.definition)
    except (UnknownDefinition, InvalidDefinition):
        picture.definition = None  # told once of the definition, not of each instance
