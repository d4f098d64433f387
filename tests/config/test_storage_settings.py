"""``[storage]``: which database, and the password of one that has a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bureaucrat.config import Config, load
from bureaucrat.errors import ConfigurationError

Read = Callable[..., Config]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Settings whose section ``[storage]`` has these lines."""

    def read_lines(*lines: str, **environ: str) -> Config:
        path = tmp_path / "config.ini"
        path.write_text("\n".join(["[storage]", *lines]), encoding="utf-8")
        return load(path, environ, search=(), is_root=True)

    return read_lines


def test_a_database_of_postgresql_is_no_file(read: Read) -> None:
    config = read("url = postgresql://shop@db:5433/orders?sslmode=require")

    assert config.storage.url == "postgresql://shop@db:5433/orders?sslmode=require"
    assert config.storage.path is None
    assert config.storage.shown == "postgresql://shop@db:5433/orders?sslmode=require"


def test_a_file_is_shown_as_its_path(read: Read) -> None:
    assert read("url = sqlite:////srv/a%20b.db").storage.shown == "/srv/a b.db"


def test_a_password_may_stand_beside_the_url(read: Read, tmp_path: Path) -> None:
    """And so come from a file or a credential; it is not shown."""
    secret = tmp_path / "secret"
    secret.write_text("p@ss:w/rd\n")
    secret.chmod(0o600)

    config = read("url = postgresql://shop@db/orders", f"password = file:{secret}")

    assert config.storage.url == "postgresql://shop:p%40ss%3Aw%2Frd@db/orders"
    assert config.storage.shown == "postgresql://shop:***@db/orders"
    assert [one.shown for one in config.settings if one.key.section == "storage"] == [config.storage.shown, "***"]
    assert "w%2Frd" not in repr(config)
    assert "w/rd" not in repr(config)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://shop:one@db/x", "[storage] url has a password, too ({file}:2); remove one of both"),
        ("postgresql://db/x", "[storage] url names no user; write postgresql://user@…"),
        ("sqlite:///x.db", "[storage] url names a SQLite file, which has none; remove one of both"),
    ],
)
def test_a_password_that_belongs_to_nobody_is_refused(read: Read, tmp_path: Path, url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(f"url = {url}", "password = two")

    file = tmp_path / "config.ini"
    assert refused.value.problems == (f"{file}:3  [storage] password: {problem.format(file=file)}",)
