"""From one definition to another while an instance runs (L112): who is who, and where everything is then."""

from .matching import DROP, Matching, Unclear, match
from .planning import Plan, Refusal, plan

__all__ = ["DROP", "Matching", "Plan", "Refusal", "Unclear", "match", "plan"]
