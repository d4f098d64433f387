"""Drawings of a definition: nested boxes as SVG, or a tree of text; with the state of an instance if one is given.

Rules: nothing here asks a storage, a clock or a terminal; the same definition and state give the same drawing, octet by
octet. What is drawn is first an *outline* (what stands in which box), then either a *layout* (where each box stands,
and how large it is) that is written as SVG, or lines of text.
"""

from .layout import Drawing, lay_out
from .lines import Line, lines_of
from .outline import Element, Live, Sign, outline
from .svg import Caption, svg

__all__ = ["Caption", "Drawing", "Element", "Line", "Live", "Sign", "lay_out", "lines_of", "outline", "svg"]
