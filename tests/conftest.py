"""What every test shares.

In continuous integration (the environment variable ``CI`` is set) no test may be skipped: what a test needs is
installed or started by the command that runs it. There a skip, of one test or of a whole module, is reported as a
failure.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from postgres import Postgres
    from rabbit import Rabbit
    from redis_server import RedisServer


def _must_run_all() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    where = report.longrepr
    return str(where[2]) if isinstance(where, tuple) else str(where)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and _must_run_all():
        reason = _reason(report)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} may not be skipped when CI is set. {reason}"


def pytest_configure(config: pytest.Config) -> None:
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # as our programs do
    if _must_run_all():
        config.option.continue_on_collection_errors = True  # one module that skips itself hides no other result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


# -- in which order

#: Files that take long, most of it waiting, or have few tests: begun first, so that none is left alone at the end.
FIRST = (
    "test_daemon_kill.py",
    "test_faults_of_programs.py",
    "test_several_daemons.py",
    "test_broker_tricks.py",
    "test_kill.py",
    "test_run_command.py",
    "test_launcher_in_trouble.py",
    "test_celery_snippet.py",
    "test_migrating.py",
    "test_a_thousand_days.py",
    "test_started_by_itself.py",
    "test_joins.py",
    "test_launching.py",
    "test_daemon_life.py",
    "test_celery_workers.py",
    "test_operations_page.py",
    "test_broker_losses.py",
    "test_celery_kill.py",
    "test_expressions_fuzz.py",
    "test_machines.py",
    "test_oracle.py",
    "test_random_definitions.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers take files in this order (``make check`` says so to xdist)."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


# -- what coverage counts


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """What a test does itself, unless it is ``unmeasured``; what its programs do if it is ``programs_measured``.

    Counting makes Python code two to five times slower, and a program's start, too. What goes through thousands of
    random cases need not be counted, and in programs that are killed it is lost.
    """
    from coverage import Coverage

    running = Coverage.current() if item.get_closest_marker("unmeasured") else None
    with pytest.MonkeyPatch.context() as environment:
        if not item.get_closest_marker("programs_measured"):
            environment.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        if running is None:
            return (yield)
        running.stop()
        try:
            return (yield)
        finally:
            running.start()


# -- a RabbitMQ of the tests' own


def _new_rabbit() -> Rabbit:
    from rabbit import Rabbit  # here, so that this file needs nothing but itself

    return Rabbit()


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """A broker for all tests, which may delete and block, but not kill."""
    from roles import documented

    broker = _new_rabbit()
    try:
        broker.start().have(documented())
        yield broker
    finally:
        broker.remove()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis for all tests, which may not kill it."""
    from redis_server import RedisServer

    server = RedisServer()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def vhost(rabbit: Rabbit) -> str:
    """A virtual host for one test."""
    return rabbit.fresh_vhost()


@pytest.fixture
def vhost_url(rabbit: Rabbit, vhost: str) -> str:
    """Its URL."""
    return rabbit.vhost_url(vhost)


@pytest.fixture(scope="session")
def _mortal_rabbit() -> Iterator[Rabbit]:
    broker = _new_rabbit()
    try:
        yield broker
    finally:
        broker.remove()


@pytest.fixture
def mortal_rabbit(_mortal_rabbit: Rabbit) -> Rabbit:
    """A broker that a test may kill, without any queues; it runs when the test begins."""
    _mortal_rabbit.wipe()
    return _mortal_rabbit.start()


# -- a PostgreSQL of the tests' own


def _new_postgres() -> Postgres:
    from postgres import Postgres  # here, so that this file needs nothing but itself

    return Postgres()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests, which may end sessions, but not the server."""
    server = _new_postgres()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(scope="session")
def _mortal_postgres() -> Iterator[Postgres]:
    server = _new_postgres()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def mortal_postgres(_mortal_postgres: Postgres) -> Postgres:
    """A server that a test may kill, stop and freeze; it runs when the test begins."""
    _mortal_postgres.stop()
    return _mortal_postgres.start()
