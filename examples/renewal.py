"""Those who do the actions of ``processes/renewal.xml``. They only pretend; the card has a limit."""

from __future__ import annotations

from typing import Any

from bureaucrat import Fault, Workitem, participant

CARD_LIMIT = 500


@participant("charge_card")
def charge_card(workitem: Workitem, subscription: str, amount: float) -> dict[str, Any]:
    """Charge the card that belongs to a subscription; ``workitem.key`` is the bank's idempotency key."""
    if amount > CARD_LIMIT:
        raise Fault("CardDeclined", f"the limit of this card is {CARD_LIMIT}")
    return {"payment": {"number": workitem.key[-6:], "amount": amount}}


@participant("remind_customer")
def remind_customer(subscription: str, reason: str, is_last: bool) -> dict[str, Any]:
    """Write what went wrong, and what happens next."""
    return {}


@participant("extend_subscription")
@participant("close_subscription")
def change_end(subscription: str) -> dict[str, Any]:
    """Let a subscription end a year later, or now."""
    return {}


@participant("change_plan")
def change_plan(subscription: str, plan: str) -> dict[str, Any]:
    """Let a subscription go on with another plan."""
    return {}
