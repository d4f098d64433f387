"""What is wrong with a text that is not XML, told so that its author sees what to write.

Rules: the parser's words are shown only where we have none of our own. A ``<`` or ``&`` in an expression is the
commonest mistake: each is told with the line as it should be.
"""

from __future__ import annotations

import re
from typing import Final

from .grammar import TAGS
from .markup import Oddity
from .problems import quoted
from .report import Report, Source

_PLACES: Final = {"condition": "a condition", "assign": "an <assign>", "field": "a <field>", "property": "a <property>"}
_TOKEN: Final = re.compile(rf"<(/?)({'|'.join(_PLACES)})\b([^<>]*)>")
_OPENED: Final = re.compile(r"<!--|<!\[CDATA\[")
_MARKUP: Final = re.compile(rf"</?(?:{'|'.join(sorted(TAGS))})\b")
_REFERENCE: Final = r"&(?!(?:lt|gt|amp|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)"
_BARE: Final = re.compile(rf"<|{_REFERENCE}")
_ESCAPES: Final = {"<": "&lt;", "&": "&amp;"}
_CODES: Final = {"<": "BX110", "&": "BX111"}
_MOST: Final = 8_192  # characters of what is looked at; an expression has 4 KiB
_WHERE: Final = re.compile(r", line \d+, column \d+")
_LONGEST: Final = 80  # characters of an escaped line in a message

_IN_ATTRIBUTE: Final = (
    'a "<" in an attribute must be written &lt; in XML; or is the quote that ends one missing before it?'
)

_CURLY: Final = re.compile("=\\s*[\u201c\u201d\u201e\u2018\u2019]")

#: What libxml2 says, and how we say it.
_SAYINGS: Final = (
    (r"Unescaped '<' not allowed", "BX110", _IN_ATTRIBUTE),
    (
        r"Entity '(.*)' not defined",
        "BX105",
        "&{0}; is an entity, and none but &lt; &gt; &amp; &quot; &apos; is known",
    ),
    (r"xmlParseEntityRef|EntityRef:", "BX111", 'a "&" must be written &amp; in XML; in an expression, write and'),
    (r"CharRef", "BX109", "this character reference names no character that XML may hold: remove it"),
    (r"Attribute (\S+) redefined", "BX114", "the attribute {0} is there twice in this tag: remove one"),
    (r"Document is empty|Start tag expected", "BX103", "this is no XML: a definition begins with <process>"),
    (r"AttValue:|mandates value", "BX116", 'an attribute is written name="value", with the quotes'),
    (r"attributes construct error", "BX116", "white space is missing between two attributes"),
    (r"Namespace prefix (\S+)", "BX107", "the prefix {0}: is declared nowhere: remove it, elements have none"),
)
#: The same, where what we saw ourselves says more.
_LAST_SAYINGS: Final = (
    ("Extra content", "BX113", "a definition ends with </process>: remove what stands after it"),
    ("Double hyphen", "BX119", 'a comment holds no "--" but at its end: write - for it'),
    ("invalid element name", "BX119", "the name of an element begins with a letter, right after the <"),
)


def mend(report: Report) -> Source | None:
    """Tell each ``<`` and ``&`` that is bare in an expression; the text with these escaped, None if there is none."""
    text = report.source.text
    pieces: list[str] = []
    grown: list[tuple[int, int]] = []
    done = size = 0
    for tag, begin, end in _expressions(text):
        told: set[str] = set()
        for place in _bare(text, begin, end):
            char = text[place]
            if char not in told:
                report.add(place, _CODES[char], _advice(tag, char, text[begin:end]))
            told.add(char)
            piece = text[done:place] + _ESCAPES[char]
            pieces.append(piece)
            done = place + 1
            size += len(piece)
            grown.append((size - 1, len(_ESCAPES[char]) - 1))
    return Source(report.source.file, "".join([*pieces, text[done:]]), grown) if pieces else None


def _expressions(text: str) -> list[tuple[str, int, int]]:
    """Tag, begin and end of the content of what holds an expression; not where elements are in it, or far too much."""
    found = []
    opened: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        if opened and token[1] and token[2] == opened[2] and token.start() - opened.end() <= _MOST:
            span = opened.end(), token.start()
            if not any(_MARKUP.search(text, *part) for part in _plain(text, *span)):
                found.append((token[2], *span))
        opened = None if token[1] or token[3].endswith("/") else token
    return found


def _plain(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Begin and end of what is no comment and no CDATA section."""
    spans = []
    while opened := _OPENED.search(text, begin, end):
        close = "-->" if opened[0] == "<!--" else "]]>"
        closed = text.find(close, opened.end(), end)
        if closed < 0:
            break
        spans.append((begin, opened.start()))
        begin = closed + len(close)
    return [*spans, (begin, end)]


def _bare(text: str, begin: int, end: int) -> list[int]:
    """Where a ``<`` or ``&`` is bare."""
    return [bare.start() for span in _plain(text, begin, end) for bare in _BARE.finditer(text, *span)]


def _advice(tag: str, char: str, content: str) -> str:
    if char == "&":
        return f'"&" in {_PLACES[tag]} must be written &amp; in XML; where both are meant to hold, write and'
    fixed = " ".join(_escaped(content).split())
    shown = fixed if len(fixed) <= _LONGEST else fixed[: _LONGEST - 1] + "…"
    return f'"<" in {_PLACES[tag]} must be written &lt; in XML: write {shown}'


def _escaped(content: str) -> str:
    """The content with each bare character escaped; comments and CDATA sections stay."""
    pieces, done = [], 0
    for begin, end in _plain(content, 0, len(content)):
        pieces += [content[done:begin], _BARE.sub(lambda bare: _ESCAPES[bare[0]], content[begin:end])]
        done = end
    return "".join(pieces)


def tell(report: Report, oddity: Oddity | None, message: str, position: tuple[int, int]) -> None:
    """Tell why the parser gave up: in our words if we have some, else what looked odd, else in the parser's."""
    place = max(position[0], 1), max(position[1], 1)
    said = _said(_SAYINGS, message)
    if oddity is not None and (said is None or _is_sure(report, oddity, place[0])):
        report.add(*oddity)
        return
    words = _WHERE.sub("", message).strip()
    known = said or _said(_LAST_SAYINGS, message)
    if known and known[0] == "BX103":
        known = "BX103", _no_xml(report.source.text)
    if known and known[0] == "BX116" and _CURLY.search(report.source.text.split("\n")[place[0] - 1]):
        known = "BX116", 'an attribute is written name="value", with straight quotes: " or \', no curly ones'
    report.add_at(place, *(known or ("BX119", f"this is not well-formed XML: {words}")))


def _is_sure(report: Report, oddity: Oddity, line: int) -> bool:
    """Whether the mistake is a tag that is not complete: the text ends in it, or its quote runs on to this line."""
    place, code, _ = oddity
    return code == "BX117" and (">" not in report.source.text[place:] or report.source.line(place) < line)


def _no_xml(text: str) -> str:
    """Why a text that does not begin with an element is no XML."""
    bare = text.lstrip("\ufeff \t\n")
    if not bare:
        return "the document is empty: a definition begins with <process>"
    if bare.startswith("&lt;"):
        return "every < is written &lt; here, as if it were a text: a definition begins with <process>"
    what = "JSON" if bare[0] in "{[" else "no XML"
    return f"this is {what}: a definition begins with <process>"


def _said(sayings: tuple[tuple[str, str, str], ...], message: str) -> tuple[str, str] | None:
    """Code and words for a message of the parser's; None if we have none."""
    for pattern, code, saying in sayings:
        found = re.search(pattern, message)
        if found:
            return code, saying.format(*(quoted(part)[1:-1] for part in found.groups()))
    return None
