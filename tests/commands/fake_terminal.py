"""Something that a command takes for a terminal."""

from __future__ import annotations

import io
import re


class Terminal(io.StringIO):
    """A terminal that is 80 columns wide."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        """What is seen, without its styles."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.getvalue())
