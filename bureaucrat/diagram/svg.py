"""A layout as SVG: one document that needs nothing else, neither scripts nor fonts nor other files.

Rules: every text is escaped, and without the characters that XML has no place for; boxes are written flat, outer ones
before those inside them, each with its whole text as the title that browsers show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from .icons import KINDS, SIGNS
from .layout import BADGE, DOT, Box, Dot, Drawing, Line, Text
from .measure import cut, width
from .outline import Element, Sign
from .style import sheet

_MARGIN, _HEAD, _SUB, _LEGEND = 24, 34, 19, 40
_HEAD_SIZE, _SUB_SIZE, _LEGEND_SIZE = 20, 12.5, 11
_CAPTION = 760  #: pixels that a line of the caption may take where the drawing is narrower
_TIP = 5  #: length of an arrow's point
_COLUMNS = re.compile(" {2,}")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands above a drawing."""

    head: str
    lines: tuple[str, ...] = ()


def svg(drawing: Drawing, caption: Caption | None = None) -> str:
    """The document; without a caption only the boxes."""
    legend = _legend_signs(drawing) if drawing.is_live else []
    heads = [] if caption is None else _heads(caption, max(drawing.width, _CAPTION))
    top = _MARGIN + (_HEAD + _SUB * (len(heads) - 1) if heads else 0)
    wide = max(drawing.width, _legend_width(legend), *(_text_width(*one) for one in heads)) + 2 * _MARGIN
    high = top + drawing.height + _MARGIN + (_LEGEND if legend else 0)
    title = drawing.box.element.title if caption is None else caption.head
    told = "\n".join(() if caption is None else caption.lines) or f"the process {title} as nested boxes"
    size = f'width="{wide}" height="{high}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {wide} {high}" role="img">',
        f"<title>{_clean(title)}</title>",
        f"<desc>{_clean(told)}</desc>",
        f"<style>\n{escape(sheet())}\n</style>",
        f'<rect class="page" {size} rx="12"/>',
        *_caption(heads),
        f'<g transform="translate({_MARGIN} {top})">',
        *_boxes(drawing.box, drawing.is_live, 0),
        "</g>",
        *_legend(legend, high - _MARGIN - 4),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _heads(caption: Caption, room: int) -> list[tuple[str, str]]:
    """The lines of a caption, each with its style; what stands in columns is written with dots between."""
    head = cut(caption.head, _HEAD_SIZE, room, is_bold=True)
    lines = [_COLUMNS.sub(" · ", line) for line in caption.lines]
    return [(head, "head"), *((cut(line, _SUB_SIZE, room), "sub") for line in lines)]


def _clean(text: str) -> str:
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _text_width(text: str, style: str) -> int:
    return width(text, _HEAD_SIZE, is_bold=True) if style == "head" else width(text, _SUB_SIZE)


def _caption(lines: list[tuple[str, str]]) -> Iterator[str]:
    y = _MARGIN + 16
    for text, style in lines:
        yield f'<text class="{style}" x="{_MARGIN}" y="{y}">{_clean(text)}</text>'
        y += _SUB + 3 if style == "head" else _SUB


def _boxes(box: Box, is_live: bool, depth: int) -> Iterator[str]:
    """A box, and after it all that is in it."""
    yield _box(box, is_live, depth)
    yield from (_line(line) for line in box.lines)
    yield from (_dot(dot) for dot in box.dots)
    for inside in box.boxes:
        yield from _boxes(inside, is_live, depth + 1)


def _box(box: Box, is_live: bool, depth: int) -> str:
    element = box.element
    shape = "group" if element.is_group else "box"
    odd = " odd" if element.is_group and depth % 2 else ""
    dashed = " dashed" if element.is_dashed else ""
    radius = 10 if element.is_group else 8
    parts = [
        f'<g id="a{element.index}" class={quoteattr(_classes(element, is_live))}>',
        f"<title>{_clean(element.tooltip)}</title>",
        f'<rect class="{shape}{odd}{dashed}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'
        f' rx="{radius}"/>',
        f'<rect class="chip" x="{box.x + 9}" y="{box.y + 8}" width="22" height="22" rx="6"/>',
        f'<path class="icon" transform="translate({box.x + 12} {box.y + 11})" d="{KINDS[element.kind]}"/>',
        *(_text(text) for text in box.texts),
    ]
    if element.live is not None:
        parts.append(_badge(element.live.sign, box.x + box.width - 5, box.y + 5))
    return "".join([*parts, "</g>"])


def _classes(element: Element, is_live: bool) -> str:
    state = f" s-{element.live.sign}" if element.live is not None else " off" if is_live and element.index else ""
    return f"k-{element.kind}{state}"


def _text(text: Text) -> str:
    return f'<text class="{text.style}" x="{text.x}" y="{text.y}">{_clean(text.text)}</text>'


def _badge(sign: Sign, x: int, y: int) -> str:
    return (
        f'<g transform="translate({x} {y})"><circle class="b-{sign}" r="{BADGE}"/>'
        f'<path class="glyph" d="{SIGNS[sign]}"/></g>'
    )


def _line(line: Line) -> str:
    path = " ".join(f"{'M' if not place else 'L'}{x} {y}" for place, (x, y) in enumerate(line.points))
    drawn = f'<path class="{line.style}" d="{path}"/>'
    if line.style != "arrow":
        return drawn
    x, y = line.points[-1]
    return drawn + f'<path class="tip" d="M{x} {y}l-{_TIP} -{_TIP + 2}h{2 * _TIP}Z"/>'


def _dot(dot: Dot) -> str:
    return f'<circle class="dot-{dot.style}" cx="{dot.x}" cy="{dot.y}" r="{DOT}"/>'


# -- what the signs mean


def _legend_signs(drawing: Drawing) -> list[Sign]:
    found: set[Sign] = set()
    waiting = [drawing.box]
    while waiting:
        box = waiting.pop()
        waiting += box.boxes
        if box.element.live is not None:
            found.add(box.element.live.sign)
    return [sign for sign in Sign if sign in found]


def _legend_width(signs: list[Sign]) -> int:
    return sum(_legend_step(sign.value) for sign in signs) + (_legend_step("faint: not reached") if signs else 0)


def _legend_step(word: str) -> int:
    return 2 * BADGE + 8 + width(word, _LEGEND_SIZE) + 20


def _legend(signs: list[Sign], y: int) -> Iterator[str]:
    x = _MARGIN + BADGE
    for sign in signs:
        yield _badge(sign, x, y)
        yield f'<text class="legend" x="{x + BADGE + 6}" y="{y + 4}">{sign.value}</text>'
        x += _legend_step(sign.value)
    if signs:
        yield f'<text class="legend" x="{x - BADGE}" y="{y + 4}">faint: not reached</text>'
