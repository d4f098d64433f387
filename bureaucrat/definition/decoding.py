"""From bytes to text (L120).

Rules: UTF-8 only, with or without its mark; a text that says it is something else is refused, and so is what XML has no
character for. A ``str`` is text already: what it says of its encoding is void.
"""

from __future__ import annotations

import re
from typing import Final

from .limits import ReadLimits
from .problems import InvalidDefinition, Problem, quoted
from .report import Report, Source

_OTHER: Final = re.compile(rb"\xff\xfe|\xfe\xff|\x00.{0,3}<|<\x00", re.DOTALL)
_ENCODING: Final = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([^"'>]*)["']""")
_DECLARATION: Final = re.compile(
    r"""<\?xml\s+version\s*=\s*["']1\.[0-9]["'](?:\s+encoding\s*=\s*["'][A-Za-z0-9._-]+["'])?"""
    r"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>"""
)
_INVALID: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KNOWN: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_SAVE: Final = "save the file as UTF-8"


def decode(raw: bytes | str, file: str, limits: ReadLimits) -> str:
    """The document's text. Raises :class:`InvalidDefinition`."""
    data = raw.encode(errors="surrogatepass") if isinstance(raw, str) else raw
    if len(data) > limits.document_bytes:
        size = f"the document has {len(data):,} bytes; {limits.document_bytes:,} are allowed: split it with <call>"
        _refuse(file, (1, 1), "BX101", size)
    text = raw if isinstance(raw, str) else _utf8(raw, file)
    return text.removeprefix("\ufeff")


def _utf8(raw: bytes, file: str) -> str:
    if _OTHER.match(raw):
        _refuse(file, (1, 1), "BX102", f"the document is not UTF-8 but looks like UTF-16 or UTF-32: {_SAVE}")
    declared = _ENCODING.match(raw.removeprefix(b"\xef\xbb\xbf"))
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    if name.lower() not in _KNOWN:
        reason = f'encoding={quoted(name)} is not read: {_SAVE} and write encoding="UTF-8", or leave it out'
        _refuse(file, (1, 1), "BX102", reason)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        place = before.count("\n") + 1, len(before) - before.rfind("\n")
        reason = f"the byte 0x{raw[error.start]:02X} is no UTF-8 here: {_SAVE}"
        if b"\x00" in raw:
            reason = "the document is no text: is it the right file?"
        raise InvalidDefinition([Problem(file, *place, "BX102", reason)]) from error


def _refuse(file: str, place: tuple[int, int], code: str, message: str) -> None:
    raise InvalidDefinition([Problem(file, *place, code, message)])


def normalized(text: str) -> str:
    """The text with XML's line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_characters(report: Report) -> None:
    """Refuse characters that no XML document may hold."""
    found = _INVALID.search(report.source.text)
    if found:
        reason = f"the character U+{ord(found[0]):04X} cannot stand in XML: remove it"
        report.refuse(found.start(), "BX109", reason)


def blank_declaration(report: Report) -> Source:
    """The source without its ``<?xml … ?>``: spaces stand in its place, so that every position stays."""
    source = report.source
    if not re.match(r"<\?xml\s", source.text):
        return source
    found = _DECLARATION.match(source.text)
    if found is None:
        report.refuse(
            0, "BX115", 'this is no XML declaration: write <?xml version="1.0" encoding="UTF-8"?>, or nothing'
        )
    blank = re.sub(r"[^\n]", " ", found[0])
    return Source(source.file, blank + source.text[found.end() :])
