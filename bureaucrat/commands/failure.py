"""How a command ends when it cannot do what it was asked."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; every command uses the same."""

    OK = 0
    UNFINISHED = 1  #: a process has faulted, needs a person, or was given up waiting for
    INVALID = 2  #: bad definition or bad arguments
    NOT_STARTED = 3
    REFUSED = 4  #: what was asked for cannot be done to the instance, or names none
    FINDINGS = 5  #: the doctor has found something that somebody should see to
    INTERRUPTED = 130  #: Ctrl-C
    STOPPED = 143  #: SIGTERM


class Failure(Exception):
    """Ends a command: `lines` say what is wrong and what to do, `code` is its exit code."""

    def __init__(self, code: Exit, *lines: str) -> None:
        super().__init__(*lines)
        self.code = code
        self.lines = lines
