"""Where a launcher finds the broker: the original's dict, the daemon's file, or nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from rabbit import Rabbit

from bureaucrat.amqp.tls import Tls
from bureaucrat.errors import BrokerUnavailable, ConfigurationError
from bureaucrat.launcher import Launcher
from bureaucrat.launcher.settings import Settings, settings_of

BARE = '<process name="order"><action participant="charge"/></process>'


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({}, "amqp://guest:guest@localhost:5672/%2F"),
        (
            {"host": "mq1", "user": "a b", "passwd": "p/@:", "vhost": "/x y"},
            "amqp://a%20b:p%2F%40%3A@mq1:5672/%2Fx%20y",
        ),
        ({"host": "::1", "port": 5673, "passwd": None}, "amqp://guest:guest@[::1]:5673/%2F"),
        ({"url": "amqps://u:p@mq2/v", "host": "mq1"}, "amqps://u:p@mq2/v"),
    ],
)
def test_the_originals_dict_says_where_the_broker_is(config: dict[str, Any], url: str) -> None:
    """B-105: `host`, `user`, `passwd`, `vhost`, each with its default; nothing has to be escaped."""
    settings = settings_of(config)

    assert settings.amqp.url == url
    assert (settings.launch_exchange, settings.launch_key) == ("", "bureaucrat")


def test_the_dict_says_how_the_connection_is_encrypted() -> None:
    """By the names of the daemon's settings; with ``exchange`` everything is published there."""
    given = {"host": "mq1", "ssl_hostname": "mq", "ssl_verify": "no", "exchange": "bureaucrat.in"}

    settings = settings_of(given)

    assert settings.amqp.tls == Tls(is_verified=False, host="mq")
    assert settings.amqp.url == "amqps://guest:guest@mq1:5671/%2F"
    assert (settings.launch_exchange, settings.exchange) == ("bureaucrat.in", "bureaucrat.in")
    assert settings_of({**given, "launcher_exchange": "x"}).launch_exchange == "x"
    with pytest.raises(ConfigurationError, match="the launcher's auth is 'none'"):
        settings_of({"auth": "none"})
    with pytest.raises(ConfigurationError, match=r"ssl_ca: none\.pem cannot be used: No such file"):
        settings_of({"ssl_ca": "none.pem"})


def test_what_was_escaped_arrives_as_it_was_given() -> None:
    """pika gets the user, password and virtual host themselves."""
    parameters = settings_of({"user": "a b", "passwd": "p/@:%", "vhost": "/x y"}).amqp.parameters("")

    assert (parameters.credentials.username, parameters.credentials.password) == ("a b", "p/@:%")
    assert parameters.virtual_host == "/x y"


def test_the_daemons_file_says_where_the_queues_are(tmp_path: Path) -> None:
    """One file for both; it may be given as text or as a path."""
    file = tmp_path / "config.ini"
    file.write_text("[amqp]\nhost = mq1\npasswd = s3cret\n[bureaucrat]\nmessage_queue = m\nevent_queue = e\n")

    settings = settings_of(file)

    assert settings_of(str(file)) == settings
    assert (settings.amqp.shown, settings.message_queue, settings.event_queue) == (
        "amqp://guest:***@mq1:5672/%2F",
        "m",
        "e",
    )
    assert (settings.launch_exchange, settings.launch_key) == ("", "bureaucrat")
    assert settings.amqp.parameters("").credentials.password == "s3cret"


def test_without_a_file_the_defaults_are_those_of_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or what the environment says, as for the daemon."""
    monkeypatch.setenv("BUREAUCRAT_AMQP_URL", "amqp://mq9/v")
    assert settings_of(None).amqp.parameters("").host == "mq9"

    monkeypatch.delenv("BUREAUCRAT_AMQP_URL")
    assert settings_of(None).message_queue == Settings(settings_of({}).amqp).message_queue


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"hots": "x"}, "the launcher has no setting 'hots'; did you mean 'host'?"),
        (
            {"timeout": 1},
            "the launcher has no setting 'timeout'; known are url, host, port, user, passwd, ",
        ),
        ({"url": "http://x"}, "the broker's URL 'http://x' cannot be used; write amqp://user:password@host:port/vhost"),
        ({"port": "many"}, "the broker's URL 'amqp://guest:***@localhost:many/%2F' cannot be used; "),
        ("/nowhere/config.ini", "/nowhere/config.ini"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_at_once(config: Any, reason: str) -> None:
    """Before anything is sent, and by its name."""
    with pytest.raises(ConfigurationError) as caught:
        Launcher(config)

    assert reason in str(caught.value)


def test_a_refused_login_is_told_at_once_and_never_the_password(
    rabbit: Rabbit, caplog: pytest.LogCaptureFixture
) -> None:
    """To try again would not help. Nothing that is logged, raised or shown has the password in it."""
    caplog.set_level(logging.DEBUG)
    config = {"host": "127.0.0.1", "port": rabbit.port, "passwd": "s3cret"}

    with Launcher(config, timeout=60) as launcher:
        with pytest.raises(BrokerUnavailable, match="the login was refused; check user and password") as caught:
            launcher.launch(BARE)
        with pytest.raises(BrokerUnavailable, match="the login was refused"):
            launcher.status("x")
        shown = f"{launcher!r} {caught.value} {caplog.text}"

    assert f"<Launcher amqp://guest:***@127.0.0.1:{rabbit.port}/%2F>" in shown
    assert "s3cret" not in shown


def test_an_unknown_virtual_host_is_told_at_once(rabbit: Rabbit) -> None:
    """The same."""
    with (
        Launcher({"url": rabbit.vhost_url("gone")}, timeout=60) as launcher,
        pytest.raises(BrokerUnavailable, match="the virtual host is unknown, or the user may not use it"),
    ):
        launcher.launch(BARE)
