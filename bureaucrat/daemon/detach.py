"""Leaving the terminal, by python-daemon (PEP 3143)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from daemon import DaemonContext  # type: ignore[import-untyped]  # it has no types

UMASK = 0o077  #: what the daemon makes is its user's alone: fields, and the key of the tokens


def detach(keep: Iterable[Any]) -> None:
    """Go on as a daemon: another process, without terminal, standard streams and directory.

    The process that called it ends at once, with exit code 0.

    :param keep: descriptors that stay open, or what has a ``fileno()``.
    """
    context = DaemonContext(
        detach_process=True,
        files_preserve=list(keep),
        umask=UMASK,
        working_directory="/",
        signal_map={},  # the event loop handles signals
    )
    context.open()
