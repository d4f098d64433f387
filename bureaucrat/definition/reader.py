"""The entrance: the text of a definition in, the core's table out (language, section 9).

Rules: any bytes give a :class:`~bureaucrat.core.table.Definition` or
:class:`~bureaucrat.definition.problems.InvalidDefinition` with every problem of the document, and nothing else; the
time is linear in their length; nothing outside the document is opened.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from bureaucrat.core.table import Definition

from .build import build, event_starts, schedules
from .checker import check
from .decoding import decode, normalized
from .document import parse
from .grammar import ROOT
from .limits import ReadLimits
from .report import Report, Source

_NO_FILE: Final = "<definition>"
_LIMITS: Final = ReadLimits()


def read(source: bytes | str, *, file: str = _NO_FILE, limits: ReadLimits = _LIMITS) -> Definition:
    """The definition that `source` is.

    :param source: the document; UTF-8 if it is bytes.
    :param file: how the document is called in problems; the stem is its name if ``<process>`` gives none.
    :raises InvalidDefinition: with every problem of the document, sorted by line.
    """
    text = decode(source, file, limits)
    report = Report(Source(file, normalized(text)), limits.problems)
    document = parse(report, limits)
    check(report, document.root)
    report.check()
    activities = build(document.root)
    return Definition(
        name=activities[0].name or _stem(file),
        hash=document.hash,
        source=text,
        activities=activities,
        paths={activity.path: activity.index for activity in activities},
        ids={activity.id: activity.index for activity in activities if activity.id is not None},
        business_key=document.root.values.get("key"),
        unique=document.root.values.get("unique", False),
        schedules=schedules(document.root),
        event_starts=event_starts(document.root),
        file=file,
    )


def _stem(file: str) -> str:
    return ROOT if file == _NO_FILE else PurePath(file).stem or ROOT
