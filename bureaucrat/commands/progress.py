"""The live view of a run: a tree on a terminal, lines in a pipe, a summary where there are many instances.

Rules: rich draws only where somebody looks at a terminal; what has ended is printed once and stays, only what is active
is drawn again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ..engine.writes import Progress
from . import plain
from .rows import Row
from .story import Story
from .tree import Tree
from .wording import clock, count, rough


@dataclass(slots=True)
class Change:
    """One thing that happened, and the row it is about."""

    story: Story
    entry: Progress
    row: Row | None


class View(Protocol):
    """Shows a run while it lasts."""

    tick: float  #: seconds after which it wants to be refreshed though nothing happened

    def begin(self, lines: Sequence[str]) -> None:
        """Show what is known before anything happens."""

    def adopt(self, story: Story) -> None:
        """An instance is there; its rows say what was done before."""

    def show(self, changes: Iterable[Change], now: float) -> None:
        """Show what happened."""

    def refresh(self, now: float) -> None:
        """Time has passed."""

    def end(self, now: float) -> None:
        """Nothing more will come."""


class Output:
    """Where lines and drawings go."""

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what this encoding has no letter for
        self.is_terminal = stream.isatty()
        self.is_ascii = not (stream.encoding or "").lower().startswith("utf")
        self._stream = stream
        self.console = Console(file=stream, highlight=False, soft_wrap=False, emoji=False)

    def line(self, text: str = "", style: str = "") -> None:
        """One line of text; on a terminal it may have a style."""
        if self.is_terminal:
            self.console.print(Text(text, style), soft_wrap=True)
        else:
            self._stream.write(text + "\n")
            self._stream.flush()


class PlainView:
    """A line for each change."""

    tick = 60.0

    def __init__(self, output: Output) -> None:
        self._output = output

    def begin(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._output.line(line)

    def adopt(self, story: Story) -> None:
        for line in plain.before(story):
            self._output.line(line)

    def show(self, changes: Iterable[Change], now: float) -> None:
        for change in changes:
            line = plain.line(change.story, change.entry, change.row)
            if line is not None:
                self._output.line(line)

    def refresh(self, now: float) -> None:
        """Lines do not change."""

    def end(self, now: float) -> None:
        """They stay as they are."""


class TreeView:
    """The tree of one instance; its ended rows are printed, its open ones drawn again and again."""

    tick = 0.1

    def __init__(self, output: Output) -> None:
        self._output = output
        self._story: Story | None = None
        self._tree: Tree | None = None
        self._printed = 0
        self._live = Live(console=output.console, auto_refresh=False, transient=True, vertical_overflow="crop")

    def begin(self, lines: Sequence[str]) -> None:
        for number, line in enumerate(lines):
            self._output.line(line, "bold" if not number else "yellow" if line.startswith("!") else "")
        self._live.start()

    def adopt(self, story: Story) -> None:
        self._story = story
        self._tree = Tree(story.definition, is_ascii=self._output.is_ascii)

    def show(self, changes: Iterable[Change], now: float) -> None:
        for change in changes:
            if change.entry.what == "warning":
                self._live.console.print(Text(f"! {change.entry.detail['message']}", "yellow"))
        self.refresh(now)

    def refresh(self, now: float) -> None:
        if self._story is None or self._tree is None:
            return
        rows = self._story.rows
        while self._printed < len(rows) and not rows[self._printed].is_open:
            self._print(rows[self._printed], now)
        lines = list(self._tree.draw(rows[self._printed :], now))
        room = max(self._output.console.size.height - 3, 1)
        if self._story.ended is None:
            lines = [*lines[-room:], self._foot(now)]
        self._live.update(Group(*lines), refresh=True)

    def _print(self, row: Row, now: float) -> None:
        assert self._tree is not None
        self._printed += 1
        for line in self._tree.draw([row], now):
            self._live.console.print(line, no_wrap=True, overflow="ellipsis", crop=True)

    def _foot(self, now: float) -> Text:
        assert self._story is not None
        story = self._story
        parts = [f"{rough(now - story.started)}", count(story.actions, "action")]
        if story.retries:
            parts.append(count(story.retries, "retry", "retries"))
        return Text(f"  {', '.join(parts)}   Ctrl-C stops; the same command goes on", "dim")

    def end(self, now: float) -> None:
        if self._story is not None and self._tree is not None:
            self.refresh(now)
            while self._printed < len(self._story.rows):
                self._print(self._story.rows[self._printed], now)
        self._live.update(Group(), refresh=True)
        self._live.stop()


class CrowdView:
    """Many instances: how many are where, each second on a terminal; each that ends in a pipe."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._stories: list[Story] = []
        self._shown = 0.0
        self.tick = 1.0 if output.is_terminal else 60.0

    def begin(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._output.line(line)

    def adopt(self, story: Story) -> None:
        self._stories.append(story)

    def show(self, changes: Iterable[Change], now: float) -> None:
        for change in changes:
            if change.entry.what == "incident" or (change.entry.what == "ended" and not self._output.is_terminal):
                line = plain.line(change.story, change.entry, change.row)
                if line is not None:
                    self._output.line(line)
        self.refresh(now)

    def refresh(self, now: float) -> None:
        if self._output.is_terminal and now - self._shown >= self.tick:
            self._shown = now
            self._output.line(f"{clock(now)} {self._summary()}")

    def _summary(self) -> str:
        stories = self._stories
        completed = sum(story.status == "completed" for story in stories)
        resting = sum(any(one.incidents for one in story.family()) for story in stories)
        actions = sum(one.actions for story in stories for one in story.family())
        retries = sum(one.retries for story in stories for one in story.family())
        ended = sum(story.ended is not None for story in stories)
        where = f"{completed:,} completed, {len(stories) - ended - resting:,} running, {resting:,} with an incident"
        work = f"{count(actions, 'action')}, {count(retries, 'retry', 'retries')}"
        return f"{count(len(stories), 'instance')}: {where}   {work}"

    def end(self, now: float) -> None:
        self._shown = 0.0
        self.refresh(now)


def view_of(output: Output, instances: int) -> View:
    """The view that fits the output and the number of instances."""
    if instances > 1:
        return CrowdView(output)
    is_dumb = not output.is_terminal or output.console.is_dumb_terminal
    return PlainView(output) if is_dumb else TreeView(output)


def standard(is_json: bool) -> Output:
    """Progress goes to standard output, or out of the way of the JSON there."""
    return Output(sys.stderr if is_json else sys.stdout)
