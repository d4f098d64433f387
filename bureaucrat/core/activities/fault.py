"""``fault``: throws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Place, Run, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Throw(Activity):
    """``<fault code="terminate" message=""/>``."""

    tag: ClassVar[str] = "fault"

    code: Value = Value("terminate")
    message: Value = Value("")

    def on_start(self, run: Run, at: Place) -> None:
        run.throw(at, run.text(at, self.code), run.text(at, self.message))
