"""Those who do the actions of the processes in ``processes/``.

They only pretend: each takes a fraction of a second. What is real is how they are written: a function gets the fields
it names, and returns those that change. Set ``BUREAUCRAT_LEDGER`` to a file's name to have each call that had an effect
appended to it, one line with the key and the participant: kept like the effect itself, so that one can count.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from bureaucrat import Fault, Workitem, participant

CARD_LIMIT = 1000
OTHER_PROCESS = """
<process name="other">
  <context><property name="greeting" type="str">hello</property></context>
  <action id="echo" participant="participant2"/>
  <assign id="answer" property="answer">greeting + ", said the other process"</assign>
</process>
"""

_seen: set[str] = set()  #: keys of captures that were tried; gone with this program, like a gateway's bad mood


def _book(workitem: Workitem) -> None:
    """Write to the ledger that something has happened in the world."""
    ledger = os.environ.get("BUREAUCRAT_LEDGER")
    if ledger:
        with open(ledger, "a", encoding="utf-8") as file:
            file.write(f"{workitem.key} {workitem.participant}\n")
            file.flush()
            os.fsync(file.fileno())


# -- order.xml


@participant("reserve_stock")
def reserve_stock(workitem: Workitem, order_id: str) -> dict[str, Any]:
    """Lay the goods aside."""
    time.sleep(0.05)
    _book(workitem)
    return {"stock_id": f"S-{order_id}"}


@participant("release_stock")
def release_stock(workitem: Workitem, stock_id: str) -> dict[str, Any]:
    """Put the goods back."""
    time.sleep(0.05)
    _book(workitem)
    return {"stock_id": None}


@participant("capture")
def capture(workitem: Workitem, amount: float) -> dict[str, Any]:
    """Take the money. The gateway does not answer the first time it is asked for a payment."""
    time.sleep(0.15)
    if amount > CARD_LIMIT:
        raise Fault("CardRefused", f"the limit of this card is {CARD_LIMIT}")
    if workitem.key not in _seen:
        _seen.add(workitem.key)
        return {"status": "error", "error": "gateway timeout"}
    _book(workitem)
    return {"capture_id": f"C-{workitem.key[-6:]}"}


@participant("ship")
async def ship(workitem: Workitem, order_id: str) -> dict[str, Any]:
    """Hand the parcel to the carrier."""
    await asyncio.sleep(0.5)
    _book(workitem)
    return {"parcel": f"DHL-{order_id}"}


@participant("invoice")
async def invoice(workitem: Workitem, order_id: str) -> dict[str, Any]:
    """Write the invoice."""
    await asyncio.sleep(0.1)
    _book(workitem)
    return {"invoice": f"2026-{order_id}"}


# -- approval.xml


@participant("review")
async def review(reviews: int) -> dict[str, Any]:
    """Read the document; the second version is good enough."""
    await asyncio.sleep(0.4)
    if reviews < 2:
        return {"decision": "changes", "comment": "say it in half the words"}
    return {"decision": "approved", "comment": None}


@participant("revise")
async def revise(text: str) -> dict[str, Any]:
    """Work the comment in."""
    await asyncio.sleep(0.3)
    return {"text": f"{text}, revised"}


@participant("publish")
def publish(document: str) -> dict[str, Any]:
    """Show it to everybody."""
    time.sleep(0.1)
    return {"address": f"/documents/{document}"}


@participant("remind_reviewer")
@participant("tell_author")
def send_letter(workitem: Workitem) -> dict[str, Any]:
    """Write to a person."""
    time.sleep(0.1)
    return {"letters": workitem.fields.get("letters", 0) + 1}


# -- example1.xml


@participant("participant1")
def participant1(fields: dict[str, Any]) -> dict[str, Any]:
    """Count, and bring the text of a process along."""
    time.sleep(0.05)
    return {"counter": fields.get("counter", 0) + 1, "some_process": OTHER_PROCESS}


@participant("participant2")
def participant2(fields: dict[str, Any]) -> dict[str, Any]:
    """Answer what it was sent."""
    time.sleep(0.05)
    return fields
