"""Warnings: what a definition may say and its author has probably not meant (language, L121).

Rules:

- A warning stops nothing: definitions with warnings are deployed and run.
- Each rule is a function over the compiled definition; it knows neither XML nor the reader, and says only what is
  true. Where it cannot know, because an answer may write anything, it is silent.
- A comment ``<!-- lint: off BX512 reason -->`` right before an element silences a warning there.
"""

from .warnings import RULES, warnings_of

__all__ = ["RULES", "warnings_of"]
