"""``Once``: one effect for each key, by every way to speak to a database."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import django
import django.db
import pytest
import sqlalchemy
import sqlalchemy.orm
from django.conf import settings

from bureaucrat import Fault, Once, Workitem, participant
from bureaucrat.functions import Function

INSERT = "INSERT INTO payments (amount) VALUES (5)"
KEY = "order-1/3"


class Shop:
    """A database with the table, and payments as effects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls = 0
        with self.connect() as connection:
            connection.execute(Once(self.connect).ddl("sqlite"))
            connection.execute("CREATE TABLE payments (id INTEGER PRIMARY KEY, amount INTEGER UNIQUE)")
        connection.close()

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=30)

    @contextmanager
    def pooled(self) -> Iterator[sqlite3.Connection]:
        """As a pool gives them."""
        with closing(self.connect()) as connection:
            yield connection

    def pay(self, given: Any) -> dict[str, Any]:
        """The effect."""
        self.calls += 1
        if isinstance(given, sqlalchemy.orm.Session | sqlalchemy.Connection):
            given.execute(sqlalchemy.text(INSERT))
        else:
            with closing(given.cursor()) as cursor:
                cursor.execute(INSERT)
        return {"paid": (self.calls, "EUR")}

    def rows(self, sql: str) -> list[Any]:
        with closing(self.connect()) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop.db")


def _engine(shop: Shop) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(f"sqlite:///{shop.path}", poolclass=sqlalchemy.pool.NullPool)


@contextmanager
def by(way: str, shop: Shop) -> Iterator[Once]:
    """A ``Once`` that speaks to the shop's database in one of the ways."""
    if way == "django":
        if not settings.configured:
            engine = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 30}}
            settings.configure(DATABASES={"default": engine}, LOGGING_CONFIG=None)
            django.setup()
        django.db.connections["default"].settings_dict["NAME"] = str(shop.path)
        try:
            yield Once.of(True)
        finally:
            django.db.connections["default"].close()
        return
    makers: dict[str, Callable[[], Any]] = {
        "driver": shop.connect,
        "pool": shop.pooled,
        "session": sqlalchemy.orm.sessionmaker(_engine(shop)),
        "engine": _engine(shop).connect,
    }
    yield Once(makers[way])


WAYS = ["driver", "pool", "session", "engine", "django"]


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_is_known_gives_its_answer_without_the_effect(shop: Shop, way: str) -> None:
    """The same JSON both times."""
    with by(way, shop) as once:
        told = [once.do(KEY, shop.pay) for _ in range(2)]

    assert told == [{"paid": [1, "EUR"]}] * 2
    assert shop.rows("SELECT amount FROM payments") == [(5,)]
    assert shop.rows("SELECT id, answer FROM bureaucrat_once") == [(KEY, '{"paid": [1, "EUR"]}')]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:", shop.rows("SELECT made FROM bureaucrat_once")[0][0])


@pytest.mark.parametrize("way", WAYS)
def test_what_raises_has_done_nothing_and_may_be_done_again(shop: Shop, way: str) -> None:
    """Neither effect nor key are there."""

    def fails(given: Any) -> Any:
        shop.pay(given)
        raise SystemExit(3)

    with by(way, shop) as once:
        with pytest.raises(SystemExit):
            once.do(KEY, fails)
        after = [shop.rows(f"SELECT count(*) FROM {table}") for table in ("payments", "bureaucrat_once")]
        told = once.do(KEY, shop.pay)

    assert after == [[(0,)], [(0,)]]
    assert told == {"paid": [2, "EUR"]}


@pytest.mark.parametrize("way", WAYS)
def test_what_the_function_finds_not_unique_is_its_own_error(shop: Shop, way: str) -> None:
    """It is not taken for a key that is known."""
    with by(way, shop) as once:
        once.do(KEY, shop.pay)
        with pytest.raises(Exception, match=r"UNIQUE constraint failed: payments\.amount"):
            once.do("another", shop.pay)

    assert shop.rows("SELECT id FROM bureaucrat_once") == [(KEY,)]


@pytest.mark.parametrize("way", WAYS)
def test_a_second_attempt_beside_the_first_waits_and_gives_its_answer(shop: Shop, way: str) -> None:
    """The insert of the key is what it waits in."""
    is_asked, told = threading.Event(), []

    def slow(given: Any) -> dict[str, Any]:
        assert is_asked.wait(30)
        return shop.pay(given)

    def second() -> None:
        is_asked.set()
        told.append(once.do(KEY, shop.pay))
        if way == "django":
            django.db.connections["default"].close()  # this thread's

    with by(way, shop) as once:
        thread = threading.Thread(target=second)

        def first(given: Any) -> dict[str, Any]:
            thread.start()
            return slow(given)

        told.append(once.do(KEY, first))
        thread.join(30)

    assert told == [{"paid": [1, "EUR"]}] * 2
    assert shop.calls == 1


def test_a_connection_that_commits_by_itself_is_refused_before_anything_is_done(shop: Shop) -> None:
    """Key and effect would not be one."""
    autocommit = _engine(shop).execution_options(isolation_level="AUTOCOMMIT")
    makers: list[Callable[[], Any]] = [
        lambda: sqlite3.connect(shop.path, isolation_level=None),
        autocommit.connect,
        sqlalchemy.orm.sessionmaker(autocommit),
        lambda: type("MySql", (sqlite3.Connection,), {"get_autocommit": lambda self: True})(str(shop.path)),
    ]

    for make in makers:
        with pytest.raises(TypeError, match="the connection commits by itself"):
            Once(make).do(KEY, shop.pay)

    assert shop.calls == 0
    assert shop.rows("SELECT * FROM bureaucrat_once") == []


def test_a_function_that_ends_the_transaction_is_an_error(shop: Shop) -> None:
    """Rolled back: at once. Committed: the next attempt cannot know whether all of it was done."""
    once = Once(shop.connect)

    def rolls_back(connection: sqlite3.Connection) -> None:
        connection.rollback()
        shop.pay(connection)

    def commits(connection: sqlite3.Connection) -> None:
        connection.commit()
        raise ConnectionError("lost")

    with pytest.raises(RuntimeError, match="has ended the transaction"):
        once.do(KEY, rolls_back)
    with pytest.raises(ConnectionError):
        once.do(KEY, commits)
    with pytest.raises(RuntimeError, match="it was begun before, and committed without its answer"):
        once.do(KEY, shop.pay)

    assert shop.rows("SELECT amount FROM payments") == []


def test_a_lost_connection_hides_no_error(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """It cannot be rolled back any more, and need not be."""

    def loses_it(connection: sqlite3.Connection) -> None:
        connection.close()
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        Once(shop.connect).do(KEY, loses_it)

    assert [record.getMessage() for record in caplog.records] == ["a transaction could not be rolled back"]


def test_keys_that_a_database_might_not_tell_apart_are_kept_as_digests(shop: Shop) -> None:
    """Long ones, and such with letters that are not ASCII or with spaces."""
    once = Once(shop.connect)
    keys = ["straße/1", "strasse/1", "k/1 ", "k/1", "x" * 190, "x" * 191, "x" * 1000]

    told = [once.do(key, lambda _, key=key: key) for key in keys]
    again = [once.do(key, lambda _: None) for key in keys]

    ids = [id for (id,) in shop.rows("SELECT id FROM bureaucrat_once ORDER BY rowid")]
    assert told == again == keys
    assert [id.startswith("sha256:") for id in ids] == [True, False, True, False, False, True, True]
    assert max(map(len, ids)) == 190


def test_an_answer_is_json(shop: Shop) -> None:
    """What is none is an error, and nothing was done."""
    for wrong in (object(), float("nan")):
        with pytest.raises((TypeError, ValueError)):
            Once(shop.connect).do(KEY, lambda _, wrong=wrong: wrong)

    assert shop.rows("SELECT * FROM bureaucrat_once") == []


def test_another_table_and_what_is_refused(shop: Shop) -> None:
    """A name is put into statements, so it has to be one."""
    once = Once(shop.connect, table="main.done")
    with closing(shop.connect()) as connection:
        connection.execute(once.ddl("sqlite"))

    assert once.do(KEY, lambda _: 1) == 1
    assert shop.rows("SELECT id FROM done") == [(KEY,)]
    assert Once.of(once) is once
    assert Once.django("other", table="done").table == "done"
    with pytest.raises(ValueError, match="is no name of a table"):
        Once(shop.connect, table="done; DROP TABLE done")
    with pytest.raises(TypeError, match="makes connections, and got False"):
        Once.of(False)
    with pytest.raises(ValueError, match="there is no key"):
        once.do("", lambda _: 1)
    with pytest.raises(TypeError, match=r"neither a connection of a DB-API 2.0 driver nor a session of SQLAlchemy"):
        Once(lambda: closing_only(), table="done").do(KEY, lambda _: 1)


def closing_only() -> Any:
    return type("File", (), {"close": lambda self: None})()


# -- participants


def workitem(fields: dict[str, Any], attempt: int = 1) -> Workitem:
    return Workitem(fields, f"t{attempt}", KEY, "i_0", "charge", attempt)


def test_a_participant_is_done_once(shop: Shop) -> None:
    """It gets the connection beside its fields; what it changed in the workitem is kept, too."""

    @participant("charge", once=shop.connect)
    def charge(connection: Any, workitem: Workitem, amount: int) -> None:
        workitem.fields["paid"] = [amount, workitem.attempt, shop.pay(connection)["paid"][0]]

    function = Function.of(charge)
    told = [function.answer(workitem({"amount": 7}, attempt)) for attempt in (1, 2)]

    assert told == [{"amount": 7, "paid": [7, 1, 1]}] * 2
    assert shop.rows("SELECT amount FROM payments") == [(5,)]


def test_what_is_returned_under_a_name_is_kept_under_it(shop: Shop) -> None:
    @participant("charge", once=Once(shop.connect))
    def charge(session: Any) -> str:
        shop.pay(session)
        return f"number {shop.calls}"

    told = [Function.of(charge).answer(workitem({}), "payment") for _ in range(2)]

    assert told == [{"payment": "number 1"}] * 2


@pytest.mark.parametrize(
    ("returned", "answer"),
    [
        ({"status": "error", "error": "no paper"}, {"status": "error", "error": "no paper"}),
        (
            "paid",
            {"status": "error", "error": "TypeError: it returned a str; return a dict of changed fields, or nothing"},
        ),
    ],
)
def test_an_answer_that_is_no_success_has_done_nothing(shop: Shop, returned: Any, answer: dict[str, Any]) -> None:
    """Else the next attempt would give the same again."""
    answers = [returned, {"left": 1}]

    @participant("charge", once=shop.connect)
    def charge(connection: Any) -> Any:
        shop.pay(connection)
        return answers.pop(0)

    function = Function.of(charge)

    assert function.answer(workitem({})) == answer
    assert shop.rows("SELECT * FROM payments") == []
    assert function.answer(workitem({})) == {"left": 1}


def test_a_fault_has_done_nothing(shop: Shop) -> None:
    @participant("charge", once=shop.connect)
    def charge(connection: Any) -> None:
        shop.pay(connection)
        raise Fault("Declined", "no cover")

    with pytest.raises(Fault, match="no cover"):
        Function.of(charge).answer(workitem({}))

    assert shop.rows("SELECT * FROM payments") == []


def test_a_coroutine_cannot_be_done_once(shop: Shop) -> None:
    """Its transaction would be open while others run."""

    @participant("charge", once=shop.connect)
    async def charge(connection: Any) -> None: ...

    with pytest.raises(TypeError, match="charge is async, and `once` is for functions"):
        Function.of(charge)
