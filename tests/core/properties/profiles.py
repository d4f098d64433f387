"""How long the properties are looked for: short by default, long with ``DEEP=1`` in the environment."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_DEEP = os.environ.get("DEEP") == "1"
_COMMON = settings(
    deadline=None,
    derandomize=not _DEEP,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

#: of the comparison with the oracle
agreement = settings(_COMMON, max_examples=20_000 if _DEEP else 300)
#: of the state machines
machine = settings(_COMMON, max_examples=1_500 if _DEEP else 50, stateful_step_count=40 if _DEEP else 25)
