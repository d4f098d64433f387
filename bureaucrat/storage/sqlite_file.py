"""The database file: who may open it, how it is opened, and what its errors mean.

Rules: one daemon holds ``<path>.lock``; everybody else reads, and writes mail only. A connection commits nothing by
itself (``isolation_level=None``), and is durable when ``COMMIT`` returns (WAL, ``synchronous=FULL``).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import StorageUnavailable
from .statements import migrations

_OLDEST = (3, 33, 0)  # UPDATE … FROM
_WAIT = 5.0  # seconds that a writer waits for another one

_SETTINGS = """
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -65536;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
"""

#: what is said of an error of SQLite (https://sqlite.org/rescode.html): what happened, and what to do
_ERRORS = {
    sqlite3.SQLITE_FULL: "the disk is full, or the database may not grow; make room, it then goes on by itself",
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end the one that writes to it",
    sqlite3.SQLITE_READONLY: "it may not be written to; give the user of this process the right to",
    sqlite3.SQLITE_PERM: "access is denied; give the user of this process the right to read and write it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that it exists, and the rights of the file and its directory",
    sqlite3.SQLITE_CORRUPT: "it is damaged; stop, and restore a backup",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database; check [storage] url",
    sqlite3.SQLITE_IOERR: "the disk fails; look at the system's log",
}

#: after these a connection can be used as before
HARMLESS = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR})


def code(error: BaseException) -> int:
    """The primary result code of an error of SQLite; 0 for others."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def unavailable(path: Path, error: Exception, *, unknown: bool = False) -> StorageUnavailable:
    """Our error for one of SQLite or of the system."""
    meaning = _ERRORS.get(code(error))
    happened = f"{meaning} ({error})" if meaning else str(error)
    return StorageUnavailable(f"database {path}: {happened}", unknown=unknown)


def connect(path: Path, *, create: bool = False, read: bool = False) -> sqlite3.Connection:
    """A connection to the file.

    :param read: it never writes.
    :raises StorageUnavailable: the file cannot be opened.
    """
    place = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
    try:
        connection = sqlite3.connect(
            place, timeout=_WAIT, isolation_level=None, check_same_thread=False, cached_statements=512, uri=True
        )
    except sqlite3.Error as error:
        raise unavailable(path, error) from error
    try:
        connection.text_factory = bytes
        connection.executescript(_SETTINGS)
        connection.execute(f"PRAGMA query_only = {'ON' if read else 'OFF'}")
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(path, error) from error
    return connection


def prepare(path: Path) -> None:
    """Make the file what this version of the program uses: in WAL mode, with the newest schema. Needs the lock.

    :raises StorageUnavailable: it cannot be, or a newer program has used it.
    """
    connection = connect(path, create=True)
    try:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != b"wal":
            raise StorageUnavailable(
                f"database {path}: the file system cannot share memory (WAL); put it on a local disk: [storage] url"
            )
        _migrate(connection, check_schema(path, connection))
    except sqlite3.Error as error:
        raise unavailable(path, error) from error
    finally:
        connection.close()


def check_schema(path: Path, connection: sqlite3.Connection, *, exact: bool = False) -> int:
    """The version of the file's schema.

    :param exact: it must be the newest.
    :raises StorageUnavailable: it is one that cannot be used.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    newest = max(migrations("sqlite"))
    if version > newest:
        raise StorageUnavailable(
            f"database {path}: a newer version of Bureaucrat has used it (schema {version}, this one knows {newest}); "
            "install that version, or restore a backup"
        )
    if exact and version < newest:
        raise StorageUnavailable(
            f"database {path}: its schema ({version}) is older than this program's ({newest}); start the daemon once"
        )
    return version


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number, sql in migrations("sqlite").items():
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")


def check_place(path: Path) -> None:
    """Look whether there can be a database at all.

    :raises StorageUnavailable: SQLite is too old, or there is no place for the file.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise StorageUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old, 3.33 is needed; use a Python that brings a newer one"
        )
    if not path.parent.is_dir():
        raise StorageUnavailable(f"database {path}: there is no directory {path.parent}; make it, or set [storage] url")


class Claim:
    """The right to be the one daemon of a file. It ends with the process at the latest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(f"{path}.lock", timeout=0, thread_local=False)
        self._holder = _holder(path)

    def take(self) -> None:
        """Become the one daemon.

        :raises StorageUnavailable: another process has it, or its file cannot be made.
        """
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StorageUnavailable(
                f"database {self._path} is used by another daemon{self._who()}; "
                "stop it, or give this one a database of its own: [storage] url"
            ) from error
        except OSError as error:
            raise unavailable(self._path, error) from error
        with suppress(OSError):  # it only serves the message above
            self._holder.write_text(str(os.getpid()))

    def give_back(self) -> None:
        if self._lock.is_locked:
            with suppress(OSError):
                self._holder.unlink(missing_ok=True)
            self._lock.release()

    def _who(self) -> str:
        pid = holder_of(self._path)
        return "" if pid is None else f" (process {pid})"


def _holder(path: Path) -> Path:
    return Path(f"{path}.pid")


def holder_of(path: Path) -> int | None:
    """The process that has claimed a file, or had when it ended; None if nobody has, or it cannot be read."""
    try:
        return int(_holder(path).read_text())
    except (OSError, ValueError):
        return None
