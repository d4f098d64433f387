"""Leave one order that is for no instance, and say what came of it."""

from __future__ import annotations

from typing import Any

from ..engine.orders import Ordered
from .failure import Exit
from .mailing import Mailing, nobody
from .window import Window


async def ask(window: Window, order: Ordered, given: dict[str, Any], done: str, refused: str) -> Exit:
    """Leave the order, and say what came of it.

    :param given: the values of the options of orders.
    :param done: the command that shows what it has changed.
    :param refused: the command that shows what there is.
    """
    mailing = Mailing(window)
    number = await mailing.post("", order)
    patience: float = given["timeout"]
    found = {} if given["is_hasty"] else await mailing.outcomes([number], patience)
    if number in found:
        outcome, answer = found[number].outcome, found[number].answer
        code = Exit.OK if outcome == "done" else Exit.REFUSED
    elif given["is_hasty"]:
        outcome, answer, code = "waiting", f"asked   order {number}", Exit.OK
    else:
        outcome, answer, code = "waiting", nobody(1, patience), Exit.UNFINISHED
    if window.is_json:
        window.json({"order": number, "outcome": outcome, "answer": answer})
        return code
    window.line(f"{outcome}: {answer}" if code is Exit.REFUSED else answer)
    if outcome == "done":
        window.line(f"see   {done}")
    elif outcome == "waiting":
        window.line(f"see what comes of it   {window.command('audit')}")
    else:
        window.line(f"see   {refused}")
    return code
