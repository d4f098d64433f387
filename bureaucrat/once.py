"""An effect that happens once for each key: both and the answer are kept in one transaction of the user's database.

Rules: the key is inserted before anything else is done, so that whoever comes second waits there for the first one's
end, and then gives its answer; whatever is raised undoes all of it. No driver is imported here: what the user gives
tells how it is spoken to. The table is the user's own, too (``Once.ddl``).
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Protocol

log = logging.getLogger(__name__)

#: the parameters of a function that get what it writes its effect with
GIVEN: Final = ("connection", "session")

_INSERT = "INSERT INTO {} (id) VALUES (?)"
_SELECT = "SELECT answer FROM {} WHERE id = ?"
_UPDATE = "UPDATE {} SET answer = ? WHERE id = ?"
_COLUMNS = {
    "sqlite": "id VARCHAR(190) PRIMARY KEY, answer TEXT, made TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
    "postgresql": "id VARCHAR(190) PRIMARY KEY, answer TEXT, made TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP",
    "mysql": "id VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, answer LONGTEXT, "
    "made TIMESTAMP DEFAULT CURRENT_TIMESTAMP",
}
_TABLE = re.compile(r"\w+(\.\w+)?", re.ASCII)
#: a key that every database takes and compares as it is; another is kept as its digest
_PLAIN = re.compile(r"[!-~]{1,190}")
#: how a statement marks its values, by the name that PEP 249 has for it
_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s", "numeric": ":{}", "named": ":{}"}


class Once:
    """Has something done once for each key, in a transaction that keeps the answer.

    :param connect: makes what an effect is written with, anew for each: a connection of a DB-API 2.0 driver, a session
        or a connection of SQLAlchemy, or a context manager that gives one, as pools have. It may not commit by itself.
    :param table: where keys and answers are kept; its name, with or without a schema.
    """

    def __init__(self, connect: Callable[[], Any], *, table: str = "bureaucrat_once") -> None:
        if not callable(connect):
            raise TypeError(f"once needs a function that makes connections, and got {connect!r}")
        if not _TABLE.fullmatch(table):
            raise ValueError(f"{table!r} is no name of a table")
        self.table = table
        self._connect = connect

    @classmethod
    def django(cls, using: str = "default", *, table: str = "bureaucrat_once") -> Once:
        """In ``transaction.atomic`` of Django, in the database that its settings call so."""
        return cls(lambda: _Django(using), table=table)

    @classmethod
    def of(cls, given: Once | Callable[[], Any] | bool) -> Once:
        """What ``once=`` may be: a ``Once``, what makes connections, or True for Django's default database."""
        if isinstance(given, Once):
            return given
        return cls.django() if given is True else cls(given)  # type: ignore[arg-type] # False is refused there

    def ddl(self, database: str) -> str:
        """The statement that makes the table.

        :param database: ``sqlite``, ``postgresql`` or ``mysql``.
        """
        return f"CREATE TABLE {self.table} ({_COLUMNS[database]})"

    def do(self, key: str, work: Callable[[Any], Any]) -> Any:
        """Have something done, unless it was for this key; its result, of now or of then.

        :param work: is called with the connection; what it returns is JSON.
        :raises Exception: whatever it or the database raises; then nothing has been done.
        """
        if not key:
            raise ValueError("there is no key, and without one nobody knows whether it was done before")
        id = key if _PLAIN.fullmatch(key) else "sha256:" + hashlib.sha256(key.encode()).hexdigest()
        with ExitStack() as stack:
            database = _opened(self._connect(), stack)
            try:
                with _transaction(database):
                    self._claim(database, id)
                    return self._keep(database, id, work(database.given))
            except _Taken as taken:
                with _transaction(database):
                    return self._kept(database, id, taken)

    def _claim(self, database: _Database, id: str) -> None:
        try:
            database.execute(_INSERT.format(self.table), id)
        except database.conflict as error:
            raise _Taken from error

    def _keep(self, database: _Database, id: str, result: Any) -> Any:
        text = json.dumps(result, allow_nan=False)
        changed, _ = database.execute(_UPDATE.format(self.table), text, id)
        if changed != 1:
            raise RuntimeError("the function has ended the transaction that keeps its answer; leave that to `once`")
        return json.loads(text)

    def _kept(self, database: _Database, id: str, taken: _Taken) -> Any:
        _, row = database.execute(_SELECT.format(self.table), id)
        if row is None:
            raise taken.__cause__ or taken  # something else is not unique, or it was tidied away just now
        if row[0] is None:
            raise RuntimeError("it was begun before, and committed without its answer; look what was done")
        return json.loads(row[0])


class _Taken(Exception):
    """Somebody has committed this key."""


class _Database(Protocol):
    """A connection, as much of it as is needed here."""

    given: Any  #: what the function gets
    conflict: type[Exception]  #: raised where something is not unique

    def begin(self) -> None: ...
    def execute(self, sql: str, *values: str) -> tuple[int, Any]:
        """How many rows it has changed, and the first row that it gives."""

    def commit(self) -> None: ...
    def rollback(self, error: BaseException) -> None: ...


@contextmanager
def _transaction(database: _Database) -> Iterator[None]:
    database.begin()
    try:
        yield
    except BaseException as error:  # whatever ends the function undoes what it did
        try:
            database.rollback(error)
        except Exception:  # a lost connection: its end undoes it
            log.warning("a transaction could not be rolled back", exc_info=True)
        raise
    database.commit()


def _opened(made: Any, stack: ExitStack) -> _Database:
    """How what the user's function has made is spoken to; closed with the stack."""
    if isinstance(made, _Django):
        return made
    is_connection = any(hasattr(made, name) for name in ("cursor", "execute"))
    if not is_connection and hasattr(made, "__enter__"):
        made = stack.enter_context(made)
    else:
        stack.callback(made.close)
    return _SqlAlchemy(made, sys.modules["sqlalchemy"]) if is_sqlalchemys(made) else _DbApi(made)


def is_sqlalchemys(made: Any) -> bool:
    """Whether it is a session or a connection of SQLAlchemy, which is not imported for that."""
    return any(kind.__module__.startswith("sqlalchemy.") for kind in type(made).__mro__)


class _DbApi:
    """A connection of a DB-API 2.0 driver (PEP 249)."""

    def __init__(self, connection: Any) -> None:
        driver = _driver_of(connection)
        self.given = connection
        self.conflict: type[Exception] = driver.IntegrityError
        self._mark = _MARKS[driver.paramstyle]

    def begin(self) -> None:
        """The driver does so by itself."""
        _refuse_autocommit(self.given)

    def execute(self, sql: str, *values: str) -> tuple[int, Any]:
        cursor = self.given.cursor()
        try:
            cursor.execute(_marked(sql, self._mark), values)
            return cursor.rowcount, cursor.fetchone() if cursor.description else None
        finally:
            cursor.close()

    def commit(self) -> None:
        self.given.commit()

    def rollback(self, error: BaseException) -> None:
        self.given.rollback()


class _SqlAlchemy:
    """A session of SQLAlchemy, or a connection of its."""

    def __init__(self, given: Any, sqlalchemy: Any) -> None:
        self.given = given
        self.conflict: type[Exception] = sqlalchemy.exc.IntegrityError
        self._text = sqlalchemy.text

    def begin(self) -> None:
        """It does so by itself."""
        connection = self.given.connection
        connection = connection() if callable(connection) else self.given  # a session has one
        _refuse_autocommit(connection.connection.driver_connection)

    def execute(self, sql: str, *values: str) -> tuple[int, Any]:
        named = {f"value{at}": value for at, value in enumerate(values, 1)}
        done = self.given.execute(self._text(_marked(sql, ":value{}")), named)
        return done.rowcount, done.first() if done.returns_rows else None

    def commit(self) -> None:
        self.given.commit()

    def rollback(self, error: BaseException) -> None:
        self.given.rollback()


class _Django:
    """The connection that Django keeps for this thread; it stays open."""

    def __init__(self, using: str) -> None:
        self._django: Any = importlib.import_module("django.db")
        self._atomic: Any = None
        self._using = using
        self.given = self._django.connections[using]
        self.conflict: type[Exception] = self._django.IntegrityError

    def begin(self) -> None:
        if not self.given.in_atomic_block:
            self._django.close_old_connections()  # as at the begin of a request: it may have been lost since
        self._atomic = self._django.transaction.atomic(using=self._using, durable=True)
        self._atomic.__enter__()

    def execute(self, sql: str, *values: str) -> tuple[int, Any]:
        with self.given.cursor() as cursor:
            cursor.execute(_marked(sql, "%s"), values)
            return cursor.rowcount, cursor.fetchone() if cursor.description else None

    def commit(self) -> None:
        self._atomic.__exit__(None, None, None)

    def rollback(self, error: BaseException) -> None:
        self._atomic.__exit__(type(error), error, error.__traceback__)


def _marked(sql: str, mark: str) -> str:
    """The statement with the marks that its driver knows."""
    first, *others = sql.split("?")
    return first + "".join(mark.format(at) + part for at, part in enumerate(others, 1))


def _driver_of(connection: Any) -> Any:
    """The module that the connection's class is from, or a package around it: it has what PEP 249 asks of a module."""
    for kind in type(connection).__mro__:
        name = kind.__module__
        while name:
            module = sys.modules.get(name)
            if hasattr(module, "paramstyle") and hasattr(module, "IntegrityError"):
                return module
            name = name.rpartition(".")[0]
    raise TypeError(f"{connection!r} is neither a connection of a DB-API 2.0 driver nor a session of SQLAlchemy")


def _refuse_autocommit(connection: Any) -> None:
    asked = getattr(connection, "get_autocommit", None)
    mode = asked() if asked is not None else getattr(connection, "autocommit", None)
    is_old_sqlite = mode in (None, -1) and getattr(connection, "isolation_level", "") is None
    if mode == 1 or is_old_sqlite:
        raise TypeError("the connection commits by itself; `once` needs one that commits when it is told to")
