"""docs/howto/django.rst, followed literally by a shell, with Django, PostgreSQL, a real daemon and RabbitMQ.

``pip`` is a stand-in, because everything is installed; see ``reader`` for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import Postgres, programs
from rabbit import Rabbit, free_port
from reader import Day, reader

PAGE = "docs/howto/django.rst"


@pytest.fixture
def day(tmp_path: Path, rabbit: Rabbit, postgres: Postgres) -> Iterator[Day]:
    postgres.sql("DROP DATABASE IF EXISTS shop WITH (FORCE)")
    postgres.sql("DROP ROLE IF EXISTS shop")
    postgres.sql("CREATE ROLE shop LOGIN")
    postgres.sql("CREATE DATABASE shop OWNER shop")
    replaced = {
        ":5672/%2F": f":{rabbit.port}/{rabbit.fresh_vhost()}",
        ":9464": f":{free_port()}",
        "postgres@localhost": "bureaucrat@localhost",
        "localhost:5432": f"127.0.0.1:{postgres.port}",
        '"HOST": "localhost"': '"HOST": "127.0.0.1"',
        '"5432"': f'"{postgres.port}"',
    }
    with reader(PAGE, tmp_path, rabbit, replaced) as made:
        made.provide(pip="exit 0", psql=f'exec {programs() / "psql"} "$@"')
        yield made


@pytest.mark.programs_measured
def test_a_stranger_with_a_django_project_gets_to_a_process_that_starts_with_a_commit(day: Day) -> None:
    """Every command prints what stands below it."""
    assert day.follow(PAGE) == 22
