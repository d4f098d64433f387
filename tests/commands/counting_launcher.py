"""A launcher without a broker: it writes down what it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from bureaucrat.launcher import Result

ID = "0199aaaa0000aaaa0000000000000000"


@dataclass
class Counter:
    """Gives each instance the id that is asked for, or always the same."""

    config: str | None = None
    answer: Result | Exception | None = None
    refusal: Exception | None = None
    launched: list[tuple[Any, ...]] = field(default_factory=list)
    waited: list[tuple[str, float]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def launch(self, definition: object = None, fields: dict[str, Any] | None = None, **given: Any) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.launched.append((definition, fields, {name: one for name, one in given.items() if one is not None}))
        return given["id"] or ID

    def result(self, id: str, timeout: float = 60.0) -> Result:
        self.waited.append((id, timeout))
        assert self.answer is not None
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer
