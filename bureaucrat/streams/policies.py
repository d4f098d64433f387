"""What is done with the event at which an agent has failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .failures import ImproperlyConfigured

Last = Literal["ack", "dead_letter", "crash"]

LASTS: Final = ("ack", "dead_letter", "crash")


@dataclass(frozen=True, slots=True)
class Retry:
    """Try it again, in its place, so that the order stays; then do the `last`.

    :param times: how often, after the first time.
    :param backoff: seconds before the first of them; each further pause is twice the one before.
    :param longest: seconds that no pause is longer than.
    """

    times: int = 3
    backoff: float = 0.1
    longest: float = 60.0
    last: Last = "dead_letter"

    def pause(self, failures: int) -> float:
        """Seconds to wait when it has failed so often."""
        return float(min(self.backoff * 2 ** (failures - 1), self.longest))


ErrorPolicy = Last | Literal["retry"] | Retry


def policy_of(given: ErrorPolicy) -> Retry:
    """Every policy as one: none of the other three tries again.

    :raises ImproperlyConfigured: there is no such policy.
    """
    if isinstance(given, Retry):
        return given
    if given == "retry":
        return Retry()
    if given not in LASTS:
        raise ImproperlyConfigured(f"there is no error policy {given!r}; write ack, retry, dead_letter or crash")
    return Retry(times=0, last=given)
