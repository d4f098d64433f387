"""Values that stand somewhere else: ``file:/path`` and ``credential:name``."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

_LARGEST = 65_536
_OTHERS_READ = 0o004
_DIRECTORY = "CREDENTIALS_DIRECTORY"


def path_of(text: str, environ: Mapping[str, str]) -> Path | None:
    """The file that a value is to be read from; None if the value is the text itself.

    :raises ValueError: there can be no such file; the message says why.
    """
    kind, _, name = text.partition(":")
    if kind == "file":
        return Path(name)
    if kind != "credential":
        return None
    directory = environ.get(_DIRECTORY)
    if not directory:
        raise ValueError(
            f"{text} needs ${_DIRECTORY}, which is not set: start it by systemd with LoadCredential={name}:/path, "
            f"or write file:/path"
        )
    if Path(name).name != name or name in ("", "..") or "\\" in name:
        raise ValueError(f"{text} is no name of a credential: write for example credential:amqp-password")
    return Path(directory) / name


def read(path: Path, is_secret: bool) -> str:
    """What the file holds, without the end of its last line.

    :raises ValueError: it cannot be used; the message says why.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if is_secret and os.name == "posix" and mode & _OTHERS_READ:
                raise ValueError(f"{path} can be read by everybody (mode {mode:04o}): chmod 600 {path}")
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check the path and its rights") from error
    if len(content) > _LARGEST:
        raise ValueError(f"{path} is larger than {_LARGEST:,} bytes; it must hold the value only")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text; it must hold the value only") from error
