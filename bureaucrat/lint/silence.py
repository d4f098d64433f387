"""Comments that silence a warning: ``<!-- lint: off BX512 a person decides -->``.

Rules: one stands right before the element that the warning is at, with nothing but white space and other such comments
between; it names the codes, with commas between, and a reason; one that silences nothing is a warning itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from .facts import Finding

_TOKEN: Final = re.compile(
    r"<!--(?P<comment>.*?)-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|(?P<start><[^/!?\s][^>]*)|</", re.DOTALL
)
_MARK: Final = re.compile(r"\s*lint:")
_ORDER: Final = re.compile(r"\s*lint:\s*off\s+(BX\d+(?:\s*,\s*BX\d+)*)\s+(\S.*)", re.DOTALL)
_HOW: Final = "write <!-- lint: off BX512 and why --> right before the element"
_CODE: Final = "BX590"


@dataclass(slots=True)
class _Order:
    """One comment: which codes it silences, and at which element."""

    place: tuple[int, int]
    codes: frozenset[str]
    target: tuple[int, int] | None = None
    used: set[str] = field(default_factory=set)


def silenced(findings: Iterable[Finding], source: str) -> list[Finding]:
    """The findings that no comment of the document silences, and one for each comment that silences none."""
    orders, told = _orders(source.replace("\r\n", "\n").replace("\r", "\n"))
    kept = []
    for finding in findings:
        matching = [one for one in orders if one.target == (finding.line, finding.column) and finding.code in one.codes]
        for order in matching:
            order.used.add(finding.code)
        if not matching:
            kept.append(finding)
    return [*kept, *told, *(_idle(order) for order in orders if order.codes - order.used)]


def _idle(order: _Order) -> Finding:
    codes = ", ".join(sorted(order.codes - order.used))
    return Finding(*order.place, _CODE, f"this comment silences no {codes}: remove it, or {_HOW}")


def _orders(source: str) -> tuple[list[_Order], list[Finding]]:
    orders: list[_Order] = []
    told: list[Finding] = []
    open: list[_Order] = []  # those that still look for their element
    end = 0
    for place, token in _tokens(source):
        if source[end : token.start()].strip():
            open = []
        end = token.end()
        comment = token["comment"]
        if comment is None:
            for order in open:
                order.target = place if token["start"] else None
            open = []
        elif found := _ORDER.fullmatch(comment):
            order = _Order(place, frozenset(re.findall(r"BX\d+", found[1])))
            orders.append(order)
            open.append(order)
        elif _MARK.match(comment):
            told.append(Finding(*place, _CODE, f"this comment silences nothing: {_HOW}"))
    return orders, told


def _tokens(source: str) -> Iterator[tuple[tuple[int, int], re.Match[str]]]:
    """The comments and tags, each with its line and column."""
    line, begin, last = 1, 0, 0
    for token in _TOKEN.finditer(source):
        line += source.count("\n", last, token.start())
        begin = max(begin, source.rfind("\n", last, token.start()) + 1)
        last = token.start()
        yield (line, token.start() - begin + 1), token
