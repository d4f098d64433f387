"""How long an action waits between two attempts."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Durations in seconds. The language's defaults: no retries; 1 s, doubled each time, at most 5 min, with jitter."""

    retries: int = 0
    delay: float = 1.0
    backoff: float = 2.0
    max_delay: float = 300.0
    jitter: bool = True

    def wait(self, attempt: int, salt: str) -> float:
        """Seconds to wait after attempt number `attempt` (1-based).

        Jitter shortens or lengthens by up to a fifth. It is drawn from `salt`, so that the same step always gives the
        same wait.
        """
        wait = self.delay
        for _ in range(min(attempt - 1, 1_000)):
            wait *= self.backoff
            if wait >= self.max_delay:
                break
        if self.jitter:
            wait *= 0.8 + 0.4 * (crc32(salt.encode()) / 0xFFFFFFFF)
        return min(wait, self.max_delay)
