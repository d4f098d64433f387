"""An instance that is given one message after another, with all that came of them."""

from __future__ import annotations

from typing import Any

from bureaucrat.core import messages
from bureaucrat.core.effects import (
    Effect,
    Record,
)
from bureaucrat.core.instance import Copy, Frame, Instance
from bureaucrat.core.messages import Start
from bureaucrat.core.step import step
from bureaucrat.definition.reader import read


class Kept:
    """An instance, and all effects of its steps so far."""

    def __init__(self, body: str, attributes: str = "", **fields: Any) -> None:
        self.definition = read(f'<process name="p"{attributes}>{body}</process>')
        self.copy = Copy(Instance("I", "p", self.definition.hash, 50.0))
        self.effects: list[Effect] = []
        self.give(Start(fields), 100.0)

    def give(self, message: messages.Message, now: float = 200.0) -> list[Effect]:
        effects = step(self.definition, self.copy, message, now)
        self.effects += effects
        return [effect for effect in effects if not isinstance(effect, Record)]

    def details(self, what: str) -> list[dict[str, Any]]:
        return [one.detail for one in self.effects if isinstance(one, Record) and one.what == what]

    def frames(self, branch: str = "") -> list[Frame]:
        return self.copy.branches[branch].frames

    def of(self, kind: type[Any]) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]
