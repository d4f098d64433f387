"""``bureaucrat graph``: a definition as nested boxes, with the state of an instance if one is named."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from ..core.table import Definition
from ..definition.problems import closest
from ..diagram import Caption, Element, Line, Live, Sign, lay_out, lines_of, outline, svg
from ..engine.registry import named
from .failure import Exit, Failure
from .finding import find
from .marks import marks
from .progress import Output
from .remedies import remedies
from .run import definition_in
from .seen import Seen, see
from .show import headline
from .window import Window, at_window
from .wording import count

_STYLES = {
    Sign.DONE: "green",
    Sign.ACTIVE: "cyan",
    Sign.WAITING: "yellow",
    Sign.RETRYING: "yellow",
    Sign.INCIDENT: "bold red",
    Sign.CANCELED: "dim",
}
_WIDEST_WHAT = 60
_MOST_REASONS = 3


def _or_file(stored: Callable[..., None]) -> Callable[..., None]:
    """A file needs no database."""

    @wraps(stored)
    def start(what: str, target: str | None, is_plain: bool, **given: Any) -> None:
        if Path(what).is_file() or what.endswith(".xml"):
            definition = definition_in(what, "not drawn")
            picture = _Picture(outline(definition), _activities(definition), what)
            _show(picture, target, is_plain, is_json=given["is_json"])
            return
        stored(what=what, target=target, is_plain=is_plain, **given)

    return start


@click.command(short_help="Draw a definition, with the state of an instance.")
@click.argument("what", metavar="FILE|NAME[@V]|ID")
@click.option("-o", "--output", "target", metavar="FILE", help="Write an SVG file; - writes it to standard output.")
@click.option("--plain", "is_plain", is_flag=True, help="Draw the tree in ASCII and without colours.")
@_or_file
@at_window
async def graph(window: Window, what: str, target: str | None, is_plain: bool) -> None:
    """Draw a process: that of a FILE, the registered one NAME (its newest version, or V), or that of the instance ID
    with its state: what is done, what is active and what it waits for, what needs a person.

    Without -o it is a tree of text, with -o an SVG file that needs nothing else.

    \b
      bureaucrat graph processes/order.xml -o order.svg
      bureaucrat graph order@3
      bureaucrat graph 1017 -o 1017.svg
    """
    _show(await _registered(window, what) or await _instance(window, what), target, is_plain, window.is_json)


class _Picture:
    """What is drawn, and what is said about it."""

    def __init__(self, element: Element, size: str, name: str, caption: Caption | None = None, note: str = "") -> None:
        self.element = element
        self.size = size
        self.name = name
        self.caption = caption
        self.note = note

    @property
    def lines(self) -> tuple[str, ...]:
        """What stands above a tree."""
        if self.caption is None:
            return (f"{self.element.title}   {'   '.join([*self.element.details, self.name, self.size])}",)
        first, *rest = self.caption.lines
        return (f"{self.caption.head}   {first}", *(f"why   {text}" for text in rest))


def _activities(definition: Definition) -> str:
    """How many, as people count them: no process, cases and handlers."""
    number = sum(one.tag not in ("process", "case", "block", "compensation") for one in definition.activities)
    return count(number, "activity", "activities")


async def _registered(window: Window, what: str) -> _Picture | None:
    """The definition registered by that name; None: there is none of that name."""
    name, version = named(what)
    rows = await window.storage.versions(name)
    if not rows:
        return None
    found = await window.storage.registered(name, version)
    if found is None:
        numbers = ", ".join(str(row.version) for row in rows)
        raise Failure(Exit.REFUSED, f"there is no {what}; versions of {name} are {numbers}")
    definition = await window.definitions.get(found.definition)
    return _Picture(outline(definition), _activities(definition), f"{name}@{found.version}")


async def _instance(window: Window, what: str) -> _Picture:
    try:
        row = await find(window, what)
    except Failure as failure:
        raise Failure(failure.code, *failure.lines, *await _other(window, what)) from failure
    seen = await see(window, row)
    definition = seen.story.definition
    state: dict[int, Live] = marks(window, seen)
    lines = await _reasons(window, seen)
    process, *rest = headline(window, seen).split("   ")
    caption = Caption(process, ("   ".join(rest), *lines))
    kept = "" if seen.history else "its history is not kept: what it has done is shown only where that is certain"
    return _Picture(outline(definition, state), _activities(definition), row.id, caption, kept)


async def _other(window: Window, what: str) -> list[str]:
    """What else could have been meant."""
    near = closest(named(what)[0], {row.name for row in await window.storage.versions()})
    known = [] if near is None else [f"did you mean   {window.command('graph', near)}"]
    return ["no process is registered by that name, and there is no such file", *known]


async def _reasons(window: Window, seen: Seen) -> list[str]:
    return [text for text, _ in (await remedies(window, seen))[:_MOST_REASONS]]


# -- where it goes


def _show(picture: _Picture, target: str | None, is_plain: bool, is_json: bool) -> None:
    output = Output(sys.stdout)
    if target is not None:
        drawing = lay_out(picture.element)
        _write(target, svg(drawing, picture.caption))
        if target != "-":
            output.line(f"{target}   {picture.size}, {drawing.width} x {drawing.height} pixels")
    elif is_json:
        click.echo(json.dumps(_json(picture.element), ensure_ascii=output.is_ascii))
    else:
        _tree(picture, output, is_plain)
    if picture.note:
        click.echo(f"bureaucrat: {picture.note}", err=True)


def _write(target: str, text: str) -> None:
    if target == "-":
        click.echo(text.encode(), nl=False)
        return
    try:
        Path(target).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        lines = (f"{target} cannot be written: {error.strerror}", "choose   another file: -o FILE")
        raise Failure(Exit.NOT_STARTED, *lines) from error


def _tree(picture: _Picture, output: Output, is_plain: bool) -> None:
    lines = [*lines_of(picture.element, is_ascii=is_plain or output.is_ascii)]
    is_live = any(line.state is not None for line in lines)
    room = min(max((len(line.what) for line in lines if line.notes), default=0), _WIDEST_WHAT)
    for head in picture.lines:
        output.line(_fitting(head, output), "" if is_plain else "bold")
    for line in lines:
        text = _text(line, is_live, room)
        if output.is_terminal and not is_plain:
            output.console.print(text, no_wrap=True, overflow="ellipsis", crop=True)
        else:
            output.line(_fitting(text.plain.rstrip(), output))


def _fitting(text: str, output: Output) -> str:
    """As much as a terminal has room for; in a pipe all of it."""
    return text[: output.console.size.width] if output.is_terminal else text


def _text(line: Line, is_live: bool, room: int) -> Text:
    style = "" if line.state is None else _STYLES[line.state]
    is_faint = is_live and line.state is None
    text = Text()
    text.append(line.lead, "dim")
    if is_live:
        text.append(f"{line.sign or ' '} ", style)
    text.append(line.name + "  ", "dim" if is_faint else "")
    text.append(line.what.ljust(room) if line.notes else line.what, "dim")
    if line.notes:
        text.append("   " + line.notes, style if line.state is Sign.INCIDENT else "")
    return text


# -- for programs


def _json(element: Element) -> dict[str, Any]:
    def below(found: Sequence[Element]) -> list[dict[str, Any]]:
        return [_json(one) for one in found]

    return {
        "activity": element.title,
        "kind": element.kind,
        "details": list(element.details),
        "state": None if element.live is None else element.live.sign.value,
        "notes": list(element.notes),
        "inside": below(element.inside),
        "attached": below(element.attached),
    }
