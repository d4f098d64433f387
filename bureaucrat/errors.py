"""Every Python exception of the project has :class:`BureaucratError` as its root, and is named by who must act."""

from __future__ import annotations


class BureaucratError(Exception):
    """Something went wrong in or around Bureaucrat."""


class Fault(BureaucratError):
    """Raised by a participant to throw a fault in the process: answered as ``critical`` (L32).

    :param code: what a ``<case code=…>`` of the process handles.
    :param message: for people.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class ConfigurationError(BureaucratError):
    """Settings are missing or wrong. The operator has to change them; each of `problems` says where, and to what."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class StorageUnavailable(BureaucratError):
    """The database cannot be used now. The operator has to look at it.

    `unknown` is true when a commit was under way and nobody can say whether it happened.
    """

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


class BrokerUnavailable(BureaucratError):
    """The message broker cannot be used now. The operator has to look at it, or at the settings of the connection.

    The message names the broker without its password, and the reason.
    """


class StaleVersion(BureaucratError):
    """Another daemon changed an instance first. The engine reloads and repeats; nobody has to act."""


class NotUnique(BureaucratError):
    """Instances cannot start whose process has an unfinished one with the same, unique business key. Nobody has to act.

    :param holders: by the id of each instance that cannot start the id of the one that has its key.
    """

    def __init__(self, holders: dict[str, str]) -> None:
        super().__init__(holders)
        self.holders = holders


class AlreadySeen(BureaucratError):
    """A message with this id was accepted before. Nobody has to act; it is dropped."""


class UnknownInstance(BureaucratError):
    """No instance has this id."""


class UnknownDefinition(BureaucratError):
    """An instance's definition is not stored. The operator has to restore it."""


class Stopped(BureaucratError):
    """The engine was stopped before this was done. What was not told to be done can be asked for again."""


class Refused(BureaucratError):
    """A command cannot be carried out on this instance as it is now; the message says why."""


class UnknownProcess(Refused):
    """No process is registered under this name, or not in this version; the message says what there is."""
