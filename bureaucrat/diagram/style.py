"""The colours of a drawing, for a light page and for a dark one. No colour says what a sign or a word does not."""

from __future__ import annotations

from typing import Final

_ALWAYS: Final = """
text{font-family:Helvetica,Arial,"Liberation Sans","Nimbus Sans",sans-serif;white-space:pre}
.head{font-size:20px;font-weight:700}.sub{font-size:12.5px}.title{font-size:13px;font-weight:700}
.detail,.note,.legend{font-size:11px}.note{font-weight:400}
.box,.group{stroke-width:1.25}.dashed{stroke-dasharray:5 4}
.flow,.arrow,.link{fill:none;stroke-width:1.4}.bar{fill:none;stroke-width:4;stroke-linecap:round}
.link{stroke-dasharray:4 4}.tip{stroke:none}.chip{stroke:none}
.icon,.glyph{fill:none;stroke-linecap:round;stroke-linejoin:round}.icon{stroke-width:1.5}.glyph{stroke-width:1.9}
.s-active .box,.s-waiting .box,.s-retrying .box,.s-active .group,.s-waiting .group{stroke-width:2}
.s-incident .box,.s-incident .group{stroke-width:2.5}.off{opacity:.55}
"""

#: selector -> what it sets, on a light page and on a dark one
_COLOURS: Final = (
    (".page", "fill", "#ffffff", "#0d1117"),
    (".head,.title", "fill", "#0f172a", "#f1f5f9"),
    (".sub,.detail,.legend", "fill", "#475569", "#a9b6c8"),
    (".note", "fill", "#1e293b", "#e2e8f0"),
    (".box", "fill", "#ffffff", "#161e2b"),
    (".box", "stroke", "#94a3b8", "#5b6b82"),
    (".group", "fill", "#f6f8fb", "#111927"),
    (".group.odd", "fill", "#eef2f8", "#172131"),
    (".group", "stroke", "#c3cedd", "#3d4b60"),
    (".flow,.arrow,.bar", "stroke", "#64748b", "#8b9bb1"),
    (".tip", "fill", "#64748b", "#8b9bb1"),
    (".link", "stroke", "#94a3b8", "#6b7b92"),
    (".dot-start", "fill", "#16a34a", "#22c55e"),
    (".dot-end", "fill", "#475569", "#94a3b8"),
    (".chip", "fill", "#e2e8f0", "#2a374b"),
    (".icon", "stroke", "#334155", "#cbd5e1"),
    (".k-action .chip,.k-call .chip", "fill", "#e0e7ff", "#2b2f63"),
    (".k-action .icon,.k-call .icon", "stroke", "#4338ca", "#a5b4fc"),
    (".k-human .chip", "fill", "#f3e8ff", "#43235f"),
    (".k-human .icon", "stroke", "#7e22ce", "#d8b4fe"),
    (".k-await .chip,.k-signal .chip", "fill", "#ccfbf1", "#0f3f3b"),
    (".k-await .icon,.k-signal .icon", "stroke", "#0f766e", "#5eead4"),
    (".k-delay .chip,.k-reminder .chip", "fill", "#fef3c7", "#49360c"),
    (".k-delay .icon,.k-reminder .icon", "stroke", "#b45309", "#fcd34d"),
    (".k-fault .chip,.k-handler .chip", "fill", "#ffe4e6", "#541c2a"),
    (".k-fault .icon,.k-handler .icon", "stroke", "#be123c", "#fda4af"),
    (".k-compensation .chip,.k-compensate .chip", "fill", "#fae8ff", "#4a1d52"),
    (".k-compensation .icon,.k-compensate .icon", "stroke", "#a21caf", "#f0abfc"),
    (".s-done .box,.s-done .group", "stroke", "#16a34a", "#2f9e57"),
    (".s-active .box,.s-active .group", "stroke", "#2563eb", "#60a5fa"),
    (".s-waiting .box,.s-retrying .box,.s-waiting .group", "stroke", "#d97706", "#f59e0b"),
    (".s-incident .box,.s-incident .group", "stroke", "#dc2626", "#f87171"),
    (".s-done .box", "fill", "#f3fbf6", "#11241b"),
    (".s-active .box", "fill", "#eff5ff", "#14233d"),
    (".s-waiting .box,.s-retrying .box", "fill", "#fffaeb", "#2c2410"),
    (".s-incident .box", "fill", "#fff1f1", "#3a1618"),
    (".s-incident .note", "fill", "#991b1b", "#fecaca"),
    (".b-done", "fill", "#16a34a", "#22a355"),
    (".b-active", "fill", "#2563eb", "#3b82f6"),
    (".b-waiting,.b-retrying", "fill", "#d97706", "#d98506"),
    (".b-incident", "fill", "#dc2626", "#ef4444"),
    (".b-canceled", "fill", "#64748b", "#64748b"),
    (".glyph", "stroke", "#ffffff", "#ffffff"),
)


def sheet() -> str:
    """The style sheet of a drawing."""
    light = "\n".join(f"{selector}{{{name}:{colour}}}" for selector, name, colour, _ in _COLOURS)
    dark = "\n".join(f"{selector}{{{name}:{colour}}}" for selector, name, _, colour in _COLOURS)
    return f"{_ALWAYS.strip()}\n{light}\n@media (prefers-color-scheme:dark){{\n{dark}\n}}"
