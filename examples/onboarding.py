"""Those who do the actions of ``processes/onboarding.xml``. They only pretend, and everybody agrees.

Functions serve ``human:head`` and ``human:finance`` here, so that one can see the whole process at once.
"""

from __future__ import annotations

from typing import Any

from bureaucrat import participant


@participant("human:head")
@participant("human:finance")
def approve(candidate: str) -> dict[str, Any]:
    """Decide whether the candidate is hired."""
    return {"decision": "yes", "comment": "welcome"}


@participant("remind_approver")
def remind_approver(approver: str, candidate: str) -> dict[str, Any]:
    """Write to somebody who has not decided yet."""
    return {}


@participant("tell_recruiter")
def tell_recruiter(candidate: str, reason: str) -> dict[str, Any]:
    """Write to the one who has found the candidate."""
    return {}


@participant("create_accounts")
def create_accounts(candidate: str) -> dict[str, Any]:
    """Create what is missing: mail, chat, time sheet."""
    return {}


@participant("order_laptop")
def order_laptop(candidate: str) -> dict[str, Any]:
    """Order one. The supplier reports the parcel as the event ``parcel.delivered`` with this number."""
    return {"delivery": f"D-{candidate}"}


@participant("lend_laptop")
def lend_laptop(candidate: str) -> dict[str, Any]:
    """Have one of the old ones prepared."""
    return {}


@participant("close_accounts")
@participant("return_laptop")
def take_back(candidate: str) -> dict[str, Any]:
    """Look for whatever there is for this candidate, and take it back."""
    return {}


@participant("welcome")
def welcome(candidate: str) -> dict[str, Any]:
    """Be at the door with flowers."""
    return {}
