"""What a person sees of a session, and what they type, on a terminal or through a pipe."""

from __future__ import annotations

import cmd
import json
from collections.abc import Iterator

from ..core.instance import Caller
from ..engine.writes import Progress
from . import plain
from .failure import Failure
from .progress import Output
from .rows import Row
from .session import COMMANDS, Session, split
from .story import Story
from .tree import Tree
from .wording import pairs, rough

_LOOKING = {
    "show": ("show", "the tree, and what waits, numbered"),
    "fields": ("fields", "the values of the process"),
    "history": ("history", "everything that has happened"),
    "help": ("help", "this list"),
    "quit": ("quit", "the end"),
}


class Stage:
    """Does commands, and shows what comes of them."""

    def __init__(self, session: Session, output: Output) -> None:
        self.session = session
        self._output = output
        self._shown = 0  #: entries of the trace

    def open(self) -> None:
        """What there is before the first command."""
        self._happened()
        self._waiting()

    def line(self, line: str, *, is_echoed: bool = False) -> bool:
        """Do what a line says; whether there may be more.

        :raises Failure: it cannot be done.
        """
        words = split(line)
        if is_echoed and words:
            self._output.line(f"> {line.strip()}", "bold")
        if not words:
            return True
        if words[0] in _LOOKING:
            return self._look(words[0])
        for said in self.session.do(words):
            self._output.line(said)
        if words[0] == "undo":
            self._shown = len(self.session.simulation.trace)
        if words[0] not in ("save",):
            self._happened()
            self.session.refresh()
            self._waiting()
        return True

    def _look(self, word: str) -> bool:
        match word:
            case "show":
                self.show()
            case "fields":
                for name, value in self.session.simulation.fields.items():
                    self._output.line(f"  {name}={json.dumps(value, ensure_ascii=self._output.is_ascii)}")
            case "history":
                self._shown = 0
                self._happened()
            case "help":
                self._help()
        return word != "quit"

    def _help(self) -> None:
        usages = [("NUMBER [k=v…]", "the obvious for what has that number: answer it, the event, the timer, try again")]
        usages += [(one.usage, one.help) for one in COMMANDS.values()]
        usages += [*_LOOKING.values()]
        width = max(len(usage) for usage, _ in usages)
        for usage, text in usages:
            self._output.line(f"  {usage.ljust(width)}   {text}")
        self._output.line("  WHERE is a number, the activity's name, or its address; of one only it can be left out")

    # -- what is seen

    def _happened(self) -> None:
        """Lines for what is new."""
        simulation = self.session.simulation
        stories: dict[str, Story] = {}
        for number, entry in enumerate(simulation.trace):
            story = stories.get(entry.instance) or stories.setdefault(entry.instance, self._story(entry.instance))
            row = story.take(entry)
            line = self._told(story, entry, row)
            if number >= self._shown and line is not None:
                self._output.line(f"  {line}")
        self._shown = len(simulation.trace)

    def _told(self, story: Story, entry: Progress, row: Row | None) -> str | None:
        """A line as in a pipe, with the time since the start."""
        line = plain.line(story, entry, row)
        if line is None:
            return None
        first = self.session.simulation.trace[0].at
        return f"+{rough(entry.at - first)} {line.partition(' ')[2]}"

    def _story(self, instance: str) -> Story:
        simulation = self.session.simulation
        record = simulation.record(instance)
        return Story(instance, simulation.definition_of(instance), record.business_key, record.started)

    def show(self) -> None:
        """The tree of the instance, with those that it has called, and what waits."""
        simulation = self.session.simulation
        now = simulation.clock.now()
        story = next(self._stories())
        tree = Tree(story.definition, is_ascii=self._output.is_ascii)
        for text in tree.draw(story.rows, story.ended or now):
            if self._output.is_terminal:
                self._output.console.print(text, no_wrap=True, overflow="ellipsis", crop=True)
            else:
                self._output.line(text.plain.rstrip())
        self._waiting()

    def _stories(self) -> Iterator[Story]:
        """The instance first; what it has called stands below its rows."""
        simulation = self.session.simulation
        stories: dict[str, Story] = {}
        for entry in simulation.trace:
            if entry.instance not in stories:
                story = stories[entry.instance] = self._story(entry.instance)
                self._adopt(stories, story, simulation.record(entry.instance).caller)
            stories[entry.instance].take(entry)
        for id, story in stories.items():
            story.look(
                simulation.copy(id), simulation.waits(id), simulation.incidents() if id == simulation.instance else ()
            )
        yield from stories.values()

    def _adopt(self, stories: dict[str, Story], story: Story, caller: Caller | None) -> None:
        above = None if caller is None else stories.get(caller.instance)
        if above is not None and caller is not None:
            above.adopt(story, above.definition.address(caller.instance, caller.branch, caller.activity))

    def _waiting(self) -> None:
        """What waits, numbered; or how it has ended."""
        simulation = self.session.simulation
        for number, one in enumerate(self.session.waiting, 1):
            place = f" {one.address}" if "." in one.address or not one.address.startswith("_") else ""
            self._output.line(
                f"  {number:>3}  {one.label}{place}   {one.text}", "red" if one.kind == "incident" else ""
            )
        record = simulation.record()
        if record.has_ended:
            outcome = f", outcome {record.outcome}" if record.outcome else ""
            self._output.line(f"       {record.status.value}{outcome}   {pairs(simulation.fields)}".rstrip(), "bold")
        elif record.suspended:
            self._output.line("       suspended: resume goes on")


class Prompt(cmd.Cmd):
    """A terminal: its lines can be edited, come back, and are completed."""

    prompt = "> "
    intro = "help lists what you can do, quit ends it"

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def preloop(self) -> None:
        self._stage.open()

    def onecmd(self, line: str) -> bool:
        """One line; true ends it."""
        try:
            return not self._stage.line("quit" if line == "EOF" else line)
        except Failure as failure:
            self.stdout.write(f"{failure.lines[0]}\n")
            return False

    def completenames(self, text: str, *ignored: object) -> list[str]:
        """Commands that begin so."""
        return [name for name in (*COMMANDS, *_LOOKING) if name.startswith(text)]

    def completedefault(self, text: str, *ignored: object) -> list[str]:
        """What waits, and fields."""
        session = self._stage.session
        names = [
            *dict.fromkeys(one.label for one in session.waiting),
            *(f"{name}=" for name in session.simulation.fields),
        ]
        return [name for name in dict.fromkeys(names) if name.startswith(text)]
