"""What a :class:`~bureaucrat.launcher.Launcher` raises beside :class:`~bureaucrat.errors.Refused`."""

from __future__ import annotations

from ..errors import BrokerUnavailable, BureaucratError
from ..wire import StatusAnswer


class Unconfirmed(BrokerUnavailable):
    """The broker has not confirmed a message in time. The operator has to look at it.

    :param may_have_been_sent: whether it may have arrived all the same. To try again with the same id does no harm.
    """

    def __init__(self, message: str, *, may_have_been_sent: bool) -> None:
        super().__init__(message)
        self.may_have_been_sent = may_have_been_sent


class NoQueue(BureaucratError):
    """The broker has no such queue. The operator has to start a daemon, which declares it, or mend the name."""


class LaunchRefused(BureaucratError):
    """The daemon could not start the instance, and set the launch aside. `reason` says what to change in it."""

    def __init__(self, instance: str, reason: str) -> None:
        super().__init__(instance, reason)
        self.instance = instance
        self.reason = reason

    def __str__(self) -> str:
        return f"instance {self.instance} was not started: {self.reason}"


class InstanceFaulted(BureaucratError):
    """An instance ended with a fault that nobody handled. A person can still retry or skip what failed."""

    def __init__(self, status: StatusAnswer) -> None:
        fault = status.fault or {}
        self.status = status
        self.instance = status.instance
        self.code = fault.get("code", "")
        self.message = fault.get("message", "")
        super().__init__(status)

    def __str__(self) -> str:
        told = f"{self.code}: {self.message}" if self.message else self.code
        return f"instance {self.instance} has faulted" + (f": {told}" if told else "")


class InstanceCanceled(BureaucratError):
    """An instance was canceled by somebody."""

    def __init__(self, status: StatusAnswer) -> None:
        super().__init__(status)
        self.status = status
        self.instance = status.instance

    def __str__(self) -> str:
        return f"instance {self.instance} was canceled"


class NotYet(BureaucratError, TimeoutError):
    """What was waited for has not happened in time. The message says how things stand, and `status`, if it is known."""

    def __init__(self, message: str, status: StatusAnswer | None = None) -> None:
        super().__init__(message)
        self.status = status
