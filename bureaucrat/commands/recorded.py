"""A stored instance as a scenario: played again from its history.

Rules: with a full history every input is played as it came; with less, answers and events are guessed from what is left
of them (:mod:`bureaucrat.commands.guessing`), and the test says so. What the simulation does is compared with the
history, line by line; whatever differs is told, never hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ..core.messages import Cancel, Continue, Ended, Message, Redispatch, Start
from ..engine.codec import decode_message
from ..ports import InstanceRow
from .failure import Exit, Failure
from .family import Family, Member, family
from .guessing import Guessing
from .player import Diverged, Player
from .scenario import Scenario, ends_of, name_of
from .stored import fields_of
from .window import Window

_BY_CALLER = "its caller has ended the call"
_OWN = (Continue, Redispatch)  #: what the engine tells itself


@dataclass(slots=True)
class Recording:
    """What came of it."""

    scenario: Scenario
    is_same: bool  #: the simulation does what the history tells


@dataclass(frozen=True, slots=True)
class Input:
    """One message that an instance has taken."""

    at: float
    member: Member
    message: Message


async def record(window: Window, row: InstanceRow) -> Recording:
    """Play an instance again.

    :raises Failure: too little is kept of it, or it has migrated.
    """
    stored = await family(window, row)
    main = stored.members[0]
    if any(one.copy.instance.migrations for one in stored.members):
        told = f"{row.id} has migrated; a test of what it did by two definitions cannot be written yet"
        raise Failure(Exit.REFUSED, told, f"see   {window.command('show', row.id, '--history')}")
    if not main.history or main.history[0].what not in ("input", "launched"):
        keep = "keep     [bureaucrat] history = full, for the next one"
        raise Failure(Exit.REFUSED, f"the history of {row.id} is not kept, or not from its start", keep)
    ways: list[Callable[[], tuple[Player, list[str]]]]
    if main.history[0].what == "input":
        ways = [lambda: _inputs(stored, False), lambda: _inputs(stored, True)]
    else:
        ways = [lambda: _guessed(stored)]
    tried = []
    for way in ways:
        player, notes = way()
        notes += _differences(player)
        tried.append((player, notes))
        if not notes:
            break
    player, notes = tried[-1] if not tried[-1][1] else tried[0]
    if main.copy.instance.tick is not None:
        notes.append("a tick has started it: what reads inst:tick cannot be played again")
    is_same = not _differences(player)
    return Recording(_scenario(window, player, notes), is_same)


def _scenario(window: Window, player: Player, notes: Sequence[str]) -> Scenario:
    row, simulation = player.main.row, player.simulation
    key = f" {row.business_key}" if row.business_key else ""
    ends = ends_of(simulation)
    stored, played = fields_of(player.main.copy), simulation.fields
    other = sorted(name for name in {*stored, *played} if stored.get(name) != played.get(name))
    notes = [*notes, *([f"these fields have other values in the database: {', '.join(other)}"] if other else [])]
    return Scenario(
        about=f"{row.process}{key}, as it happened: instance {row.id}.",
        name=name_of([row.process, row.business_key or row.id]),
        process=player.main.source,
        others=player.stored.others,
        answer_timeout=player.stored.answer_timeout,
        calls=player.calls,
        start=player.start,
        notes=notes,
        happened=simulation.happened(),
        ends=ends[:-1] if other else ends,
    )


def _differences(player: Player) -> list[str]:
    """Where the simulation is not what the history tells."""
    expected, played = player.expected, player.simulation.happened()
    for number, (wanted, found) in enumerate(zip_longest(expected, played), 1):
        if wanted != found:
            return [
                f"the simulation differs from the history in line {number} of {len(expected)}: "
                f"{found or 'nothing'!r} instead of {wanted or 'nothing'!r}"
            ]
    return []


# -- with every input


def _inputs(stored: Family, is_exact: bool) -> tuple[Player, list[str]]:
    inputs = sorted(_all_inputs(stored.members), key=lambda one: one.at)
    player = Player(stored, inputs[0].at, is_exact=is_exact)
    notes: list[str] = []
    try:
        for one in inputs:
            if isinstance(one.message, Start):
                player.launch(one.message.fields)
                continue
            if not player.is_timer(one.message):
                player.until(one.at)
            player.take(one.member, one.message)
        if _differences(player):
            player.until(player.main.history[-1].at, is_end=True)
    except Diverged as diverged:
        notes.append(f"it ends early: {diverged}")
    return player, notes


def _all_inputs(members: Sequence[Member]) -> Iterator[Input]:
    """What was told to the instance and to those that it has called, and is not what they tell each other."""
    callers = {member.caller.instance for member in members[1:] if member.caller is not None}
    for number, member in enumerate(members):
        for row in member.history:
            if row.what != "input":
                continue
            message = decode_message(row.detail)
            is_told = isinstance(message, Ended) and member.row.id in callers
            is_ended = isinstance(message, Cancel) and message.reason == _BY_CALLER
            is_called = number > 0 and (isinstance(message, Start) or is_ended)
            if not isinstance(message, _OWN) and not is_told and not is_called:
                yield Input(row.at, member, message)  # type: ignore[arg-type]  # of mail only messages have a history


# -- with less


def _guessed(stored: Family) -> tuple[Player, list[str]]:
    guessing = Guessing(stored)
    notes = [
        "the history of this instance has no inputs (it is of the level activity): the fields of its start, what was "
        "answered and the bodies of events are taken from the values that its fields have now; look at them"
    ]
    try:
        guessing.play()
    except Diverged as diverged:
        notes.append(f"it ends early: {diverged}")
    return guessing.player, notes
