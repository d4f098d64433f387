"""A look at a document's markup before any parser sees it (L120).

Rules:

- Linear in the length of the text, whatever it holds; no tree is built.
- What the language forbids is refused here: DOCTYPE, processing instructions, foreign namespaces, too much of anything.
- Whether it is XML is the parser's business. The first oddity ends the look: it often tells more than the parser.
- In a well-formed document the start tags found are the parser's elements, in their order: that is where columns come
  from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from .grammar import ACTIVITY_TAGS, ATTRIBUTES, NAMESPACE
from .limits import ReadLimits
from .problems import quoted
from .report import Report

_TAG: Final = re.compile(r"""<(/?)([^\s<>/"'=!?]++)((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""")
_ATTRIBUTE: Final = re.compile(r"""\s([^\s=<>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_TARGET: Final = re.compile(r"<\?([^\s?]{0,40})")
_NAME: Final = re.compile(r"/?[A-Za-z_:]")

_HTML: Final = re.compile(r"<!DOCTYPE\s+html\b", re.IGNORECASE)
_PAGE: Final = "this is an HTML page: a definition begins with <process>; is it the right file?"
_CONFLICT: Final = re.compile(r"<{7}(?: |$)", re.MULTILINE)

#: How the oddity is told apart.
Oddity = tuple[int, str, str]


@dataclass(slots=True)
class Extent:
    """Where an element stands in the text."""

    start: int  #: of its start tag
    content: int  #: after its start tag
    end: int  #: after its end tag


@dataclass(slots=True)
class Markup:
    """The document's elements in the order of their start tags, and the first thing that is odd about the markup."""

    extents: list[Extent] = field(default_factory=list)
    oddity: Oddity | None = None


def look(report: Report, limits: ReadLimits) -> Markup:
    """Go through the markup once. Raises if something in it is forbidden."""
    told = len(report.problems)
    looker = _Looker(report, limits)
    looker.run()
    if len(report.problems) > told:
        report.stop()
    return looker.markup


class _Looker:
    def __init__(self, report: Report, limits: ReadLimits) -> None:
        self.markup = Markup()
        self._report = report
        self._limits = limits
        self._text = report.source.text
        self._open: list[tuple[str, Extent]] = []
        self._activities = 0

    def run(self) -> None:
        place = self._text.find("<")
        while place >= 0 and self.markup.oddity is None:
            place = self._text.find("<", self._token(place))
        if self._open and self.markup.oddity is None:
            name, extent = self._open[-1]
            self._odd(extent.start, "BX112", f"<{name}> is never closed: </{name}> is missing")

    def _token(self, place: int) -> int:
        """Take what begins at this ``<``; returns where to go on."""
        text = self._text
        if text.startswith("<!--", place):
            return self._until("-->", place, place + 4, "comment")
        if text.startswith("<![CDATA[", place):
            return self._until("]]>", place, place + 9, "CDATA section")
        if text[place + 1 : place + 9].upper() == "!DOCTYPE":
            if _HTML.match(text, place):
                self._report.refuse(place, "BX103", _PAGE)
            reason = "a DOCTYPE is not allowed, nor are entities or a DTD: remove it"
            self._report.refuse(place, "BX104", reason)
        if text.startswith("<?", place):
            return self._instruction(place)
        tag = _TAG.match(text, place)
        if tag is None:
            return self._broken(place)
        if tag[1]:
            self._end(tag)
        else:
            self._start(tag)
        return tag.end()

    def _until(self, close: str, start: int, place: int, what: str) -> int:
        found = self._text.find(close, place)
        if found >= 0:
            return found + len(close)
        self._odd(start, "BX118", f"the {what} that begins here never ends: {close} is missing")
        return len(self._text)

    def _instruction(self, place: int) -> int:
        target = _TARGET.match(self._text, place)
        assert target is not None, "it begins with <?"
        if target[1].lower() == "xml":
            reason = "the XML declaration may only be the very first thing: remove what stands before it, or it"
        else:
            reason = f"the processing instruction <?{target[1]}?> is not allowed: remove it"
        self._report.add(place, "BX106", reason)
        return self._until("?>", place, place + 2, "processing instruction")

    def _broken(self, place: int) -> int:
        if _CONFLICT.match(self._text, place):
            self._odd(place, "BX110", "git has left a conflict here: keep one of the two sides, and remove its marks")
        elif _NAME.match(self._text, place + 1) and ">" not in self._text[place:]:
            self._odd(place, "BX117", "the document ends inside this tag: it is cut off, or a > is missing")
        elif _NAME.match(self._text, place + 1):
            self._odd(place, "BX117", "this tag is not complete: a quote or its > is missing")
        else:
            self._odd(place, "BX110", 'this "<" begins no element: write &lt;')
        return len(self._text)

    def _start(self, tag: re.Match[str]) -> None:
        name, rest = tag[2], tag[3]
        if not self.markup.extents and name.lower() == "html":
            self._report.refuse(tag.start(), "BX103", _PAGE)
        if not self._open and self.markup.extents:
            first = self._report.source.line(self.markup.extents[0].start)
            self._odd(tag.start(), "BX113", f"a second root, <{name}>: the first, on line {first}, has ended; use one")
        extent = Extent(tag.start(), tag.end(), tag.end())
        self.markup.extents.append(extent)
        self._count(name, extent.start)
        if "=" in rest:
            self._attributes(name, rest, extent.start)
        if len(self._open) >= self._limits.depth:
            reason = f"<{name}> is inside {len(self._open)} other elements; {self._limits.depth} levels are allowed"
            self._report.refuse(extent.start, "BX108", f"{reason}: move an inner part to a process of its own")
        if not rest.endswith("/"):
            self._open.append((name, extent))

    def _count(self, name: str, place: int) -> None:
        self._activities += name.rpartition(":")[2] in ACTIVITY_TAGS
        for what, count, most in (
            ("activities", self._activities, self._limits.activities),
            ("elements", len(self.markup.extents), self._limits.elements),
        ):
            if count > most:
                self._report.refuse(place, "BX108", f"the document has more than {most:,} {what}: split it with <call>")

    def _attributes(self, name: str, rest: str, place: int) -> None:
        found = _ATTRIBUTE.findall(rest)
        if len(found) > self._limits.attributes:
            reason = f"<{name}> has {len(found):,} attributes; {self._limits.attributes} are allowed: remove some"
            self._report.refuse(place, "BX108", reason)
        for attribute, double, single in found:
            value = double or single
            if len(value) > self._limits.attribute_characters:
                most = f"{self._limits.attribute_characters:,} are allowed: put long text in a <property>"
                self._report.refuse(place, "BX108", f"{attribute} has {len(value):,} characters; {most}")
            if attribute == "xmlns" or ":" in attribute:
                self._namespace(attribute, value, place)

    def _namespace(self, attribute: str, value: str, place: int) -> None:
        if attribute != "xmlns" and not attribute.startswith("xmlns:"):
            bare = attribute.rpartition(":")[2]
            advice = f"write {quoted(bare)}" if bare in ATTRIBUTES else "remove it"
            self._report.add(place, "BX107", f"{quoted(attribute)}: attributes have no prefix, {advice}")
        elif value not in ("", NAMESPACE):
            reason = f'{attribute}={quoted(value)} is a foreign namespace: only "{NAMESPACE}" or none is allowed'
            self._report.add(place, "BX107", f"{reason}; remove it and what carries it")

    def _end(self, tag: re.Match[str]) -> None:
        name = tag[2]
        if not self._open:
            self._odd(tag.start(), "BX112", f"</{name}> closes nothing: remove it")
            return
        inner, extent = self._open.pop()
        extent.end = tag.end()
        if inner != name:
            line, column = self._report.source.place(extent.start)
            reason = f"</{name}> where </{inner}> is due: <{inner}> of line {line}, column {column} is not closed"
            self._odd(tag.start(), "BX112", reason)

    def _odd(self, place: int, code: str, message: str) -> None:
        """What no XML is like: the parser will go no further, so neither do we."""
        self.markup.oddity = place, code, message
