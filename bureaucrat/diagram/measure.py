"""How wide a text is, without a font: by the widths of Helvetica and Arial, and somewhat more.

Rules: rather too wide than too narrow, for nobody knows with which font a drawing is shown.
"""

from __future__ import annotations

import unicodedata
from math import ceil

_TABLE = """
    278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584
    584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667
    611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500
    722 500 500 500 334 260 334 584
"""
#: thousandths of the font's size, of the characters from space to ~
_WIDTHS = tuple(map(int, _TABLE.split()))
_OTHER, _WIDE = 667, 1_050
_MORE, _BOLD = 1.1, 1.17  #: fonts that are wider than Helvetica; bold letters
_CUT = "…"


def width(text: str, size: float, *, is_bold: bool = False) -> int:
    """Pixels that a text of one line takes at most, in a font of that size."""
    return ceil(sum(map(_thousandths, text)) * size / 1_000 * (_BOLD if is_bold else _MORE))


def _thousandths(character: str) -> int:
    place = ord(character) - 32
    if 0 <= place < len(_WIDTHS):
        return _WIDTHS[place]
    if unicodedata.combining(character):
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "FW" else _OTHER


def cut(text: str, size: float, room: int, *, is_bold: bool = False) -> str:
    """The text on one line, with … at its end if it does not fit."""
    text = " ".join(text.split())
    if width(text, size, is_bold=is_bold) <= room:
        return text
    scale = size / 1_000 * (_BOLD if is_bold else _MORE)
    kept, used = 0, float(width(_CUT, size, is_bold=is_bold))
    while kept < len(text) and used + _thousandths(text[kept]) * scale <= room:
        used += _thousandths(text[kept]) * scale
        kept += 1
    return text[:kept].rstrip() + _CUT
