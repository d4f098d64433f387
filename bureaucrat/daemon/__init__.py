"""The engine as a service. For Unix only: nothing that must run elsewhere imports this package."""

from __future__ import annotations

import os
from pathlib import Path

from ..config import Config
from . import root, service


def main(config: Config, *, foreground: bool, pid_file: Path | None) -> int:
    """Be the daemon.

    :returns: its exit code.
    :raises Failure: it could not be started.
    """
    return service.run(
        config,
        foreground=foreground,
        pid_file=pid_file,
        environ=os.environ,
        serve=root.serve,
        reach=root.reach,
    )
