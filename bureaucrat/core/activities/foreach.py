"""``foreach``: its body once for each item of a collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..activity import Place, Run, Sequential
from ..context import CURRENT, ITERATION, SELECTION
from ..expressions import Expression
from ..faults import EXPRESSION_ERROR, Thrown


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreach(Sequential):
    """Items one after another. The list is looked at once, when the loop starts (L40)."""

    tag: ClassVar[str] = "foreach"

    select: Expression
    alias: str | None = None  #: a second name of the item (``as``)
    collect: str | None = None
    item_value: Expression | None = None  #: what is collected of each item (``value``)

    @property
    def is_loop_item(self) -> bool:
        return True

    @property
    def remembers_turns(self) -> bool:
        return True

    @property
    def is_scope(self) -> bool:
        return True

    def initial(self) -> dict[str, Any] | None:
        return None  # its scope belongs to the item: opened by each turn

    def completed(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        return self._item(values[CURRENT], values[ITERATION]) if CURRENT in values else None

    def on_start(self, run: Run, at: Place) -> None:
        run.keep(at, SELECTION, self._items(run.evaluate(at, self.select)))
        self.on_continue(run, at)

    def _items(self, selected: Any) -> list[Any]:
        match selected:
            case list():
                return selected
            case dict():
                return list(selected)
        kind = "null" if selected is None else f"of type {type(selected).__name__}"
        raise Thrown(EXPRESSION_ERROR, f"{self.select.source!r} is {kind}; foreach takes a list or a mapping")

    def on_body(self, run: Run, at: Place) -> None:
        if self.item_value is not None:
            run.keep(at, str(at.frame.turn), run.evaluate(at, self.item_value))
        run.end_turn(at)
        if run.spin(at):
            self.on_continue(run, at)

    def on_handled(self, run: Run, at: Place) -> None:
        if at.frame.own:
            run.complete(at)
        else:
            self.on_body(run, at)

    def on_continue(self, run: Run, at: Place) -> None:
        kept = run.kept(at)
        items = kept[SELECTION]
        turn = at.frame.turn
        if turn == len(items):
            self._collected(run, at, [kept.get(str(n)) for n in range(1, turn + 1)] if self.collect else [])
            return
        run.begin_turn(at)
        run.open(at, self._item(items[turn], turn + 1))
        if self.children:
            run.begin(at, 0)
        else:
            run.idle(at)

    def _item(self, item: Any, number: int) -> dict[str, Any]:
        values = {p.name: p.initial for p in self.scope or ()}
        values |= {CURRENT: item, ITERATION: number}
        if self.alias:
            values[self.alias] = item
        return values

    def _collected(self, run: Run, at: Place, values: list[Any]) -> None:
        run.close(at)
        if self.collect:
            run.write(at, self.collect, values)
        run.complete(at)
