"""Lengths of time as people write them (language, L2).

Rules:

- Three spellings, told apart by their look: seconds (``120``, ``0.5``), short (``1h30m``, ``500ms``; each unit once,
  the largest first) and ISO 8601 (``PT1H30M``, ``P1W``). Only the last number may have a fraction.
- Years and months have no fixed length and are refused, with the days to write instead.
- 0 to 10 years. Reckoned in fractions, so that ``0.1s`` is the float that 0.1 is.
- Who writes something else is told what to write, with the best guess of what was meant.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

MAX_DURATION: Final = 3_653 * 86_400.0  #: 10 years, in seconds

_LONGEST: Final = 64  # characters
_SECONDS: Final[dict[str, Fraction]] = {
    "w": Fraction(604_800),
    "d": Fraction(86_400),
    "h": Fraction(3_600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1_000),
}
_NUMBER: Final = r"(\d+(?:\.\d+)?)"
_PLAIN: Final = re.compile(_NUMBER, re.ASCII)
_SHORT: Final = re.compile("".join(rf"(?:{_NUMBER}{unit})?" for unit in _SECONDS), re.ASCII)
_ISO: Final = re.compile(
    rf"P(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?", re.ASCII
)
_CALENDAR: Final = re.compile(
    rf"P(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:\d.*|T.*)?|{_NUMBER}\s*(?:y|yr|yrs|years?)|{_NUMBER}\s*(?:mo|mon|months?)",
    re.ASCII | re.IGNORECASE,
)
_PROSE: Final = re.compile(rf"{_NUMBER}\s*([a-z]+)[\s,]*(?:and\s+)?", re.ASCII | re.IGNORECASE)
_WORDS: Final = {
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), "w"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
}
_EXAMPLE: Final = "30m, PT30M or 1800"


def parse_duration(text: str) -> float:
    """The seconds that `text` stands for; a ``ValueError`` whose message tells the author what to write."""
    bare = text.strip()
    if len(bare) > _LONGEST:
        raise ValueError(f'"{bare[:20]}…" is no duration: write for example {_EXAMPLE}')
    seconds = _read(bare)
    if seconds is None:
        raise ValueError(_advice(bare))
    if seconds > MAX_DURATION:
        raise ValueError(f'"{bare}" is longer than 10 years')
    return float(seconds)


def _read(text: str) -> Fraction | None:
    """Exact seconds; None if the text has none of the three spellings."""
    if _PLAIN.fullmatch(text):
        return Fraction(text)
    for pattern, units in ((_SHORT, tuple(_SECONDS)), (_ISO, tuple(_SECONDS)[:5])):
        found = pattern.fullmatch(text)
        if found:
            parts = [(number, unit) for number, unit in zip(found.groups(), units, strict=True) if number]
            if parts and all(number.isdigit() for number, _ in parts[:-1]):
                return sum((Fraction(number) * _SECONDS[unit] for number, unit in parts), Fraction(0))
    return None


def _advice(text: str) -> str:
    """What is wrong with a text that is no duration, and what to write."""
    if text.startswith("-"):
        return f'"{text}" is no duration: it is negative, write 0 or more'
    calendar = _CALENDAR.fullmatch(text)
    if calendar and any(calendar.groups()):
        iso_years, iso_months, years, months = (Fraction(found or 0) for found in calendar.groups())
        days = _short_number(min((iso_years + years) * 365 + (iso_months + months) * 30, Fraction(3_653)))
        return (
            f'"{text}" is no duration: years and months differ in length, write days, for example {days}d or P{days}D'
        )
    guess = _guess(text)
    if guess is None:
        return f'"{text}" is no duration: write for example {_EXAMPLE}'
    return f'"{text}" is no duration: write {_short(guess)}, {_iso(guess)} or {_short_number(guess)}'


def _guess(text: str) -> Fraction | None:
    """The seconds that were probably meant: numbers with words for units, in any order; P and T left out or small."""
    prose = text[1:].upper().replace("T", "") if text[:1] in "Pp" else text
    total, place = Fraction(0), 0
    while place < len(prose):
        found = _PROSE.match(prose, place)
        unit = found and _WORDS.get(found[2].lower())
        if not found or not unit:
            return None
        total += Fraction(found[1]) * _SECONDS[unit]
        place = found.end()
    return total if place and total <= MAX_DURATION else None


def _split(seconds: Fraction) -> tuple[int, int, int, str]:
    """Days, hours, minutes and the text of what is left."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    return days, hours, minutes, _short_number(rest)


def _short_number(number: Fraction) -> str:
    return f"{float(number):.6f}".rstrip("0").rstrip(".")


def _short(seconds: Fraction) -> str:
    parts = zip(_split(seconds), "dhms", strict=True)
    return "".join(f"{number}{unit}" for number, unit in parts if number not in (0, "0")) or "0s"


def _iso(seconds: Fraction) -> str:
    days, *times = _split(seconds)
    clock = "".join(f"{number}{unit}" for number, unit in zip(times, "HMS", strict=True) if number not in (0, "0"))
    date = f"P{days}D" if days else "P"
    return f"{date}T{clock}" if clock else (date if days else "PT0S")
