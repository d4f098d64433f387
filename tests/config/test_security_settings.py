"""Settings of TLS, of signing keys and of users."""

from __future__ import annotations

from pathlib import Path

import pytest

from bureaucrat.config import Config, Participant, Security, load
from bureaucrat.errors import ConfigurationError

KEY = "k" * 32


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("config.ini")


def read(file: Path, text: str, **environ: str) -> Config:
    file.write_text(text, encoding="utf-8")
    return load(file, environ, search=(), is_root=True)


def problems(file: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(file, text)
    return list(caught.value.problems)


# -- TLS


@pytest.mark.parametrize(
    "line", ["ssl_ca = ca.pem", "ssl_verify = no", "ssl_hostname = mq", "ssl_cert = a.pem", "auth = external"]
)
def test_what_is_said_of_tls_means_tls(file: Path, line: str) -> None:
    """Where host, port and the others are given one by one."""
    more = "\nssl_cert = a.pem" if line.startswith("auth") else ""
    config = read(file, f"[amqp]\nhost = mq1\n{line}{more}\n")

    assert config.amqp.url == "amqps://guest:guest@mq1:5671/%2F"


def test_a_port_that_is_given_stays(file: Path) -> None:
    config = read(file, "[amqp]\nport = 5999\nssl_ca = ca.pem\n")

    assert (config.amqp.url, config.amqp.ssl_ca) == (
        "amqps://guest:guest@localhost:5999/%2F",
        Path("ca.pem").absolute(),
    )


def test_without_tls_nothing_is_to_be_said_of_it(file: Path) -> None:
    text = "[amqp]\nurl = amqp://mq1\nssl_ca = ca.pem\nssl_verify = yes\nssl_key = k.pem\nauth = external\n"

    assert problems(file, text) == [
        "config.ini:3  [amqp] ssl_ca is for TLS, and [amqp] url is not (config.ini:2); write amqps://",
        "config.ini:5  [amqp] ssl_key is for TLS, and [amqp] url is not (config.ini:2); write amqps://",
        "config.ini:6  [amqp] auth is for TLS, and [amqp] url is not (config.ini:2); write amqps://",
        "config.ini:5  [amqp] ssl_key needs a certificate; add [amqp] ssl_cert",
        "config.ini:6  [amqp] auth needs a certificate; add [amqp] ssl_cert",
    ]


# -- keys


def test_keys_are_read_from_a_file_and_never_shown(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "keys"
    secret.write_text(f"{KEY}\n{'o' * 40}\n")
    secret.chmod(0o600)

    config = read(file, f"[security]\nsigning_key = file:{secret}\nstrict = yes\n")

    assert config.security == Security((KEY, "o" * 40), True)
    shown = {one.key.name: one.shown for one in config.settings}
    assert (shown["signing_key"], KEY in repr(config)) == ("***", False)


@pytest.mark.parametrize("keys", ["short", f"{KEY} short", "lost", f"{KEY} data-base"])
def test_a_key_that_is_too_short_is_refused_and_not_shown(file: Path, keys: str) -> None:
    assert problems(file, f"[security]\nsigning_key = {keys}\n") == [
        "config.ini:2  [security] signing_key: must be keys of 32 to 1,000 characters with white space between, or "
        "nothing; for example: signing_key = file:/etc/bureaucrat/signing-key"
    ]


@pytest.mark.parametrize("keys", [KEY, f"{KEY} database", f"{KEY} lost", f"database {KEY}"])
def test_with_a_key_answers_without_a_token_are_not_taken(file: Path, keys: str) -> None:
    config = read(file, f"[security]\nsigning_key = {keys}\n")

    assert config.bureaucrat.accept_untokened is False
    (shown,) = (one for one in config.settings if one.key.name == "accept_untokened")
    assert (shown.shown, shown.source) == ("no", "config.ini:2")


def test_they_are_taken_if_that_is_said(file: Path) -> None:
    config = read(file, f"[security]\nsigning_key = {KEY}\n[bureaucrat]\naccept_untokened = yes\n")

    assert config.bureaucrat.accept_untokened is True


# -- users


def test_a_user_is_set_for_a_participant(file: Path) -> None:
    config = read(file, "[participant:charge]\nuser = charge-worker\n")

    assert config.participants == (Participant("charge", "config.ini:1  [participant:charge]", user="charge-worker"),)
