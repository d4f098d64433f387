"""Those who do the actions of ``processes/nightly-load.xml``: a warehouse that has everything but the last file.

They only pretend. What is real: a broken file is a ``Fault``, which no second attempt would change; whatever else is
raised (a lost connection) is an error, and the process tries again.
"""

from __future__ import annotations

import time
from typing import Any

from bureaucrat import Fault, participant


@participant("list_files")
def list_files(night: str) -> dict[str, Any]:
    """See what the partner has put in place."""
    return {"files": [f"{night}/{name}.csv" for name in ("customers", "orders", "payments", "returns", "stock")]}


@participant("load_file")
def load_file(file: str) -> dict[str, Any]:
    """Load one file, in one transaction that replaces what an earlier attempt has left of it."""
    time.sleep(0.1)
    if file.endswith("stock.csv"):
        raise Fault("Unreadable", "line 7 has 11 columns, not 12")
    return {"rows": 1000 * len(file)}


@participant("quarantine_file")
def quarantine_file(file: str, problem: str) -> dict[str, Any]:
    """Move a file to where people look at it."""
    return {}


@participant("send_report")
def send_report(night: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Send a line for each file to those who use the figures."""
    return {}


@participant("tell_desk")
@participant("alert_on_call")
def send_message(text: str) -> dict[str, Any]:
    """Write to a person, or wake one."""
    return {}
