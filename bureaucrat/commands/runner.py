"""The run itself: an embedded engine, the instances that are watched, and when it is over.

Rules: what the engine tells is only noted when it is told, and worked off by one loop; an instance is over when it has
ended, or when nothing in it can go on without a person; whatever happens, what is unfinished stays in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from ..clock import SystemClock
from ..core.instance import Copy
from ..core.messages import Retry
from ..core.states import State
from ..embedded import embedded
from ..engine.codec import decode_instance
from ..engine.numbers import instance_id
from ..engine.settings import Settings
from ..engine.starts import business_key_of
from ..engine.writes import Progress
from ..errors import Refused
from ..ports import InstanceQuery, InstanceRow
from .failure import Exit, Failure
from .fields import PlannedEvent, check_required, numbered
from .plan import Ending, Plan, Result
from .progress import Change, View
from .report import opening
from .stops import Stops
from .stored import copy_of, entries_of, fields_of, glance_of
from .story import Story
from .window import who

_SHOWN = 10  #: refusals told of one by one
_PAGE = 500  #: rows asked for at a time
_MOMENT = 0.01  #: seconds; far more than there is between a commit and its being told


class Runner:
    """One run."""

    def __init__(self, plan: Plan, view_of: Callable[[int], View]) -> None:
        self._plan = plan
        self._view_of = view_of
        self._view: View | None = None
        self._is_single = True
        self._clock = SystemClock()
        self._stories: list[Story] = []  #: of the instances that were asked for
        self._known: dict[str, Story] = {}  #: those, and all that they called
        self._foreign: set[str] = set()
        self._resting: set[str] = set()  #: cannot go on without a person
        self._inbox: list[list[Progress]] = []
        self._news = asyncio.Event()
        self._stops = Stops(self._news)
        self._result = Result([])

    # -- the whole of it

    async def run(self) -> Result:
        """Start or go on, watch until it is over.

        :raises Failure: it cannot start.
        :raises StorageUnavailable: the database cannot be used.
        """
        settings = Settings(history=self._plan.history)
        with self._stops:
            async with embedded(
                self._plan.database, self._plan.functions, settings=settings, observe=self._observed
            ) as engine:
                self._engine = engine
                self._result.started = self._clock.now()
                try:
                    await engine.registry.register(self._plan.neighbours, who())
                    await self._begin()
                    await self._watch()
                finally:
                    if self._view is not None:
                        self._view.end(self._clock.now())
                return await self._concluded()

    def _shown(self) -> View:
        assert self._view is not None, "it begins before anything is shown"
        return self._view

    def _observed(self, entries: list[Progress]) -> None:
        self._inbox.append(entries)
        self._news.set()

    async def _watch(self) -> None:
        started = self._clock.now()
        events = sorted(self._plan.events, key=lambda event: event.after)
        until = None if self._plan.timeout is None else started + self._plan.timeout
        view = self._shown()
        while True:
            self._news.clear()
            await self._catch_up()
            now = self._clock.now()
            while events and started + events[0].after <= now and not self._is_over():
                await self._publish(events.pop(0))
            view.refresh(now)
            self._result.stopped = self._stops.code
            self._result.gave_up = until is not None and now >= until
            if self._is_over() or self._result.stopped or self._result.gave_up:
                break
            dues = [started + event.after for event in events[:1]] + ([until] if until else [])
            await self._pause(min([view.tick, *(due - now for due in dues)]))
        self._result.events = tuple(events)
        if not all(story.ended for story in self._stories):
            await self._settle()

    async def _settle(self) -> None:
        """Take in what was committed a moment ago: what is stored may be ahead of what was told."""
        for _ in range(2):
            await asyncio.sleep(_MOMENT)
            await self._catch_up()

    async def _pause(self, most: float) -> None:
        """Wait for news, at most so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), max(most, 0.001))

    def _is_over(self) -> bool:
        return all(story.ended is not None or story.instance in self._resting for story in self._stories)

    async def _publish(self, event: PlannedEvent) -> None:
        for body in event.bodies(max(len(self._stories), self._plan.instances)):
            await self._engine.event(event.name, body)

    # -- beginning

    async def _begin(self) -> None:
        unfinished = [] if self._plan.is_new else await self._rows(InstanceQuery(unfinished=True))
        mine = [row for row in unfinished if self._is_mine(row)]
        count = max(len(mine), self._plan.instances)
        self._is_single = count == 1
        for row in mine:
            self._stories.append(await self._adopt(row))
        for row in sorted(unfinished, key=lambda row: decode_instance(row).depth):
            if row not in mine:
                await self._meet(row)
        fresh = await self._prepare(mine)
        self._result.before = len(mine)
        self._view = self._view_of(count)
        self._view.begin([*opening(self._plan, self._stories, len(mine), len(self._foreign)), *self._unused(mine)])
        for story in self._stories:
            self._view.adopt(story)
        if self._plan.is_retry:
            await self._retry()
        await self._launch(fresh)
        await self._note_resting(self._stories)

    def _unused(self, mine: list[InstanceRow]) -> list[str]:
        """A warning if fields were given for another instance than those that are unfinished."""
        if not mine or not self._plan.fields:
            return []
        try:
            key = business_key_of(self._plan.definition, numbered(dict(self._plan.fields), 1), self._clock.now())
        except Refused:
            return []
        if key is None or key in [row.business_key for row in mine]:
            return []
        return [f"! the fields for {self._plan.definition.name} {key} are not used; --new starts it, too"]

    async def _prepare(self, mine: list[InstanceRow]) -> list[tuple[Story, dict[str, Any]]]:
        """The instances to start: as many as are asked for, or what is missing of them."""
        total = 0
        if mine:
            query = InstanceQuery(process=self._plan.definition.name)
            total = self._plan.instances if self._is_single else len(await self._rows(query))
        fresh = []
        for number in range(total + 1, self._plan.instances + 1):
            fields = numbered(dict(self._plan.fields), number)
            check_required(self._plan.definition, fields)
            try:
                key = business_key_of(self._plan.definition, fields, self._clock.now())
            except Refused as refused:
                raise Failure(Exit.INVALID, str(refused)) from refused
            story = Story(instance_id(self._clock), self._plan.definition, key, self._clock.now())
            self._known[story.instance] = story
            self._stories.append(story)
            fresh.append((story, fields))
        return fresh

    def _is_mine(self, row: InstanceRow) -> bool:
        return row.process == self._plan.definition.name and decode_instance(row).caller is None

    async def _rows(self, query: InstanceQuery) -> list[InstanceRow]:
        """All rows of a query, oldest first."""
        rows: list[InstanceRow] = []
        before: str | None = None
        while True:
            page = await self._engine.storage.instances(
                InstanceQuery(process=query.process, unfinished=query.unfinished, limit=_PAGE, before=before)
            )
            rows += page
            if len(page) < _PAGE:
                return rows[::-1]
            before = page[-1].id

    async def _adopt(self, row: InstanceRow) -> Story:
        """Take in an instance that an earlier run has started."""
        story = await self._story(row)
        if self._is_single:
            await self._restore(story)
        return story

    async def _story(self, row: InstanceRow) -> Story:
        own = self._plan.definition
        definition = own if row.definition == own.hash else await self._engine.definitions.get(row.definition)
        story = Story(row.id, definition, row.business_key, row.started)
        story.incidents.update(one.number for one in await self._engine.storage.incidents(row.id))
        self._known[row.id] = story
        return story

    async def _restore(self, story: Story) -> None:
        entries = await entries_of(self._engine.storage, story.instance, story.definition, self._result.started)
        story.restore(entries, await self._copy(story.instance))
        await self._look(story)

    async def _look(self, story: Story) -> None:
        waits = await self._engine.storage.waits_of(story.instance)
        story.look(await glance_of(self._engine.storage, story.instance), waits)

    async def _meet(self, row: InstanceRow) -> Story | None:
        """An instance that nobody asked for: called by one of ours, or none of our business."""
        caller = decode_instance(row).caller
        if caller is None or caller.instance not in self._known:
            self._foreign.add(row.id)
            return None
        above = self._known[caller.instance]
        story = await self._story(row)
        address = above.definition.address(above.instance, caller.branch, caller.activity)
        above.adopt(story, address)
        if self._is_single and row.started < self._result.started:
            await self._restore(story)
        return story

    async def _retry(self) -> None:
        for story in self._known.values():
            for incident in await self._engine.storage.incidents(story.instance):
                try:
                    await self._engine.tell(story.instance, Retry(incident.branch, incident.activity))
                except Refused as refused:
                    story.warnings.append(f"{incident.address} is not retried: {refused}")

    async def _launch(self, fresh: list[tuple[Story, dict[str, Any]]]) -> None:
        launches = [
            self._engine.launch(self._plan.definition, fields, story.instance, story.key) for story, fields in fresh
        ]
        results = await asyncio.gather(*launches, return_exceptions=True)
        refusals = [str(one) for one in results if isinstance(one, Refused)]
        for one in results:
            if isinstance(one, BaseException) and not isinstance(one, Refused):
                raise one
        if refusals:
            which = "" if len(fresh) == 1 else f"{len(refusals):,} of {len(fresh):,} "
            lines = [*refusals[1:_SHOWN], "go on with what is unfinished: the same command without --new"]
            raise Failure(Exit.INVALID, f"{which}not started: {refusals[0]}", *lines)

    # -- watching

    async def _catch_up(self) -> None:
        """Work off what the engine told."""
        batches, self._inbox = self._inbox, []
        changes: list[Change] = []
        for entries in batches:
            self._result.transactions += 1
            for entry in entries:
                story = await self._story_of(entry.instance)
                if story is not None:
                    self._result.changes += 1
                    if entry.what == "migrated":
                        new: Any = entry.detail
                        story.migrate(await self._engine.definitions.get(new["new"]), new["places"])
                    changes.append(Change(story, entry, story.take(entry)))
        if not changes:
            return
        if self._is_single:
            for story in {change.story.instance: change.story for change in changes}.values():
                await self._look(story)
        self._shown().show(changes, self._clock.now())
        await self._note_resting([one for one in self._stories if any(called.incidents for called in one.family())])

    async def _story_of(self, instance: str) -> Story | None:
        if instance in self._known or instance in self._foreign:
            return self._known.get(instance)
        row = await self._engine.storage.instance(instance)
        return None if row is None else await self._meet(row)

    async def _copy(self, instance: str) -> Copy:
        copy = await copy_of(self._engine.storage, instance)
        assert copy is not None, "it was stored when it was told of"
        return copy

    async def _note_resting(self, stories: Iterable[Story]) -> None:
        for story in stories:
            if story.ended is None and await self._rests(story.instance):
                self._resting.add(story.instance)
            else:
                self._resting.discard(story.instance)

    async def _rests(self, instance: str) -> bool:
        """Whether nothing in it can go on without a person."""
        copy = await self._copy(instance)
        if copy.instance.has_ended:
            return False
        if copy.instance.is_held:
            return True
        for branch in copy.branches.values():
            if not branch.frames:
                return False
            leaf = branch.frames[-1]
            if leaf.state is State.INCIDENT or (leaf.state is State.ACTIVE and leaf.open):
                continue
            called = leaf.text if leaf.state is State.WAITING and leaf.text in self._known else ""
            if not called or not await self._rests(called):
                return False
        return True

    # -- the end

    async def _concluded(self) -> Result:
        self._result.ended = self._clock.now()
        for story in self._stories:
            copy = await self._copy(story.instance)
            ending = Ending(story, copy.instance.status.value, copy.instance.outcome, fields_of(copy))
            for one in story.family():
                ending.incidents += [(one, row) for row in await self._engine.storage.incidents(one.instance)]
            self._result.endings.append(ending)
        return self._result
