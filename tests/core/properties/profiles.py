"""How long the properties are looked for: short by default, long with ``DEEP=1`` in the environment."""

from __future__ import annotations

import os
from random import Random

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

_DEEP = os.environ.get("DEEP") == "1"
_COMMON = settings(
    deadline=None,
    derandomize=not _DEEP,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
)

#: of the comparison with the oracle
agreement = settings(_COMMON, max_examples=20_000 if _DEEP else 500)
#: of runs that migrate on their way, each by its seed
migrations = 6_000 if _DEEP else 100
#: of the state machines
machine = settings(_COMMON, max_examples=3_000 if _DEEP else 120, stateful_step_count=40 if _DEEP else 25)

#: half of them shrink well, half of them are drawn more evenly
randoms = st.one_of(st.randoms(use_true_random=False), st.integers(0, 1 << 32).map(Random))
