"""Those who do the actions of ``processes/identity-check.xml``: a provider that is never sure, and a person who is.

They only pretend. A function serves ``human:compliance`` here, so that one can see the whole process at once.
"""

from __future__ import annotations

from typing import Any

from bureaucrat import Workitem, participant

_asked: set[str] = set()  #: requests whose report was asked for; gone with this program


@participant("request_check")
def request_check(workitem: Workitem, customer: str) -> dict[str, Any]:
    """Ask the provider for a check; ``workitem.key`` is its idempotency key."""
    return {"request": f"R-{customer}"}


@participant("fetch_report")
def fetch_report(request: str) -> dict[str, Any]:
    """Ask the provider how far it is: the first time, not far enough."""
    if request not in _asked:
        _asked.add(request)
        return {"report": {"progress": "a picture is being compared"}}
    return {"report": {"verdict": "unclear", "reason": "the picture is too dark"}}


@participant("human:compliance")
def review(report: dict[str, Any]) -> dict[str, Any]:
    """Look at the picture."""
    return {"decision": "accept"}


@participant("remind_compliance")
def remind_compliance(customer: str) -> dict[str, Any]:
    """Write to the department."""
    return {}
