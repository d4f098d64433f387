"""A definition as a program hands it over: a path, a text, bytes or an element."""

from __future__ import annotations

import os
from pathlib import Path

from ..core.table import Definition
from ..definition.elements import text_of
from ..definition.limits import ReadLimits
from ..definition.reader import read
from ..errors import Refused

_LIMITS = ReadLimits()
_WHITE = "\ufeff \t\r\n"


def definition_of(given: object, limits: ReadLimits = _LIMITS) -> Definition:
    """Read a definition; its ``source`` is what is sent.

    :param given: the path of a file, XML as text or bytes, or an element of lxml or ElementTree.
    :raises InvalidDefinition: with every problem of the document.
    :raises OSError: the file cannot be read.
    :raises Refused: it is none of these.
    """
    match given:
        case bytes() | bytearray() | memoryview():
            return read(bytes(given), limits=limits)
        case str():
            is_text = given.lstrip(_WHITE).startswith("<")
            return read(given, limits=limits) if is_text else _of_file(given, limits)
        case os.PathLike():
            return read(Path(given).read_bytes(), file=os.fspath(given), limits=limits)
    text = text_of(given)
    if text is None:
        kind = type(given).__name__
        raise Refused(f"a {kind} is no definition; give the path of a file, XML as text or bytes, or an element")
    return read(text, limits=limits)


def _of_file(name: str, limits: ReadLimits) -> Definition:
    path = Path(name)
    if not name.endswith(".xml") and not _exists(path):
        remedy = f"a process that the daemon knows is launched by process={name!r}" if len(name) < 100 else "mend it"
        raise Refused(f"the definition is neither a file nor XML; {remedy}")
    return read(path.read_bytes(), file=name, limits=limits)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a NUL: no name of a file
        return False
