"""What campaigns have shown, as a table: for the terminal, and for ``docs/reliability.rst``."""

from __future__ import annotations

from collections.abc import Sequence

from campaign import Outcome

_FAULTS = ("fault", "times", "longest recovery")
_SHAPES = ("daemons", "faults", "instances", "ended", "effects", "attempts", "lost", "doubled", "stuck", "minutes")


def by_fault(outcomes: Sequence[Outcome]) -> str:
    """How often each was injected, and the longest that it took until work went on."""
    names = sorted({name for one in outcomes for name in one.landed if " + " not in name})
    rows = []
    for name in names:
        times = sum(one.landed[name] for one in outcomes)
        rows.append((name, f"{times:,}", f"{max(one.longest.get(name, 0.0) for one in outcomes):.1f} s"))
    pairs = [(one, name) for one in outcomes for name in one.landed if " + " in name]
    if pairs:
        times = sum(one.landed[name] for one, name in pairs)
        rows.append(("two at once", f"{times:,}", f"{max(one.longest[name] for one, name in pairs):.1f} s"))
    return table(_FAULTS, rows)


def by_shape(outcomes: Sequence[Outcome]) -> str:
    """What became of the instances."""
    rows = []
    for one in outcomes:
        found = one.account
        figures = (
            one.landed.total(), found.instances, found.ended, found.effects, found.attempts,
            len(found.lost) + len(found.vanished), len(found.doubled), len(found.stuck),
        )  # fmt: skip
        shape = f"{one.plan.shape.daemons} on {'SQLite' if one.plan.shape.storage == 'sqlite' else 'PostgreSQL'}"
        rows.append((shape, *(f"{figure:,}" for figure in figures), f"{one.seconds / 60:.1f}"))
    return table(_SHAPES, rows)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """In reStructuredText."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in (rule, lines[0], rule, *lines[1:], rule))
