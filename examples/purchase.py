"""Those who do the actions of ``processes/purchase.xml``. They only pretend; nobody carries the order ``heavy``."""

from __future__ import annotations

from typing import Any

from bureaucrat import Fault, participant


@participant("reserve_goods")
@participant("release_goods")
def stock(order: str) -> dict[str, Any]:
    """Lay goods aside for an order, or put them back."""
    return {}


@participant("refund")
def refund(payment: dict[str, Any]) -> dict[str, Any]:
    """Send money back to where it came from."""
    return {}


@participant("write_invoice")
def write_invoice(order: str, payment: dict[str, Any]) -> dict[str, Any]:
    """Write an invoice; its number is the next one."""
    return {"invoice": f"I-{order}"}


@participant("write_credit_note")
def write_credit_note(invoice: str) -> dict[str, Any]:
    """Write what takes an invoice back."""
    return {}


@participant("order_pickup")
def order_pickup(order: str) -> dict[str, Any]:
    """Have the carrier come for a parcel."""
    return {"pickup": f"P-{order}"}


@participant("cancel_pickup")
def cancel_pickup(pickup: str) -> dict[str, Any]:
    """Tell the carrier not to come."""
    return {}


@participant("hand_over")
def hand_over(order: str, pickup: str) -> dict[str, Any]:
    """Give the parcel to the carrier, who may refuse it."""
    if order == "heavy":
        raise Fault("CarrierRefused", "the parcel weighs more than 30 kg")
    return {}


@participant("tell_customer")
def tell_customer(order: str, reason: str) -> dict[str, Any]:
    """Say what did not work out, and that nothing is owed."""
    return {}
