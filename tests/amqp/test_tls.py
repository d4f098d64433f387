"""TLS to RabbitMQ, with certificates of the tests' own: who is trusted, who is not, and what is said then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from certificates import Authority, Certificate, openssl
from rabbit import Rabbit

from bureaucrat import Launcher
from bureaucrat.amqp import AmqpSettings, Broker, Message
from bureaucrat.amqp.tls import Tls
from bureaucrat.errors import BrokerUnavailable, ConfigurationError


@dataclass(frozen=True)
class Encrypted:
    """A broker that listens with TLS."""

    authority: Authority
    stranger: Authority
    port: int  #: with a certificate for localhost
    expired: int
    client: Certificate  #: of the user ``daemon``
    unknown: Certificate  #: of a user that there is not
    foreign: Certificate  #: of the user ``daemon``, signed by a stranger


@pytest.fixture(scope="module")
def encrypted(rabbit: Rabbit, tmp_path_factory: pytest.TempPathFactory) -> Encrypted:
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = Authority(folder), Authority(folder, "stranger")
    server, expired = authority.sign("server"), authority.sign("expired", days=-1)
    return Encrypted(
        authority,
        stranger,
        rabbit.listen_encrypted(authority.cert, server.cert, server.key),
        rabbit.listen_encrypted(authority.cert, expired.cert, expired.key),
        authority.sign("daemon"),
        authority.sign("nobody"),
        stranger.sign("foreign", of="daemon"),
    )


@pytest.fixture(scope="module")
def certified(rabbit: Rabbit) -> str:
    """A virtual host that the user ``daemon`` may use, who has no password."""
    vhost = rabbit.fresh_vhost()
    rabbit.evaluate(
        'rabbit_auth_backend_internal:add_user(<<"daemon">>, <<"none">>, <<"t">>), '
        'rabbit_auth_backend_internal:clear_password(<<"daemon">>, <<"t">>), '
        f'rabbit_auth_backend_internal:set_permissions(<<"daemon">>, <<"{vhost}">>, <<".*">>, <<".*">>, <<".*">>, '
        '<<"t">>).'
    )
    return vhost


def settings(
    encrypted: Encrypted, vhost: str, *, host: str = "localhost", port: int = 0, **tls: object
) -> AmqpSettings:
    url = f"amqps://guest:guest@{host}:{port or encrypted.port}/{vhost}"
    return AmqpSettings(url, tls=Tls(**{"ca": encrypted.authority.cert, **tls}))  # type: ignore[arg-type]


async def said(given: AmqpSettings) -> str:
    """Publish a message and get it back."""
    broker, came = Broker(given, name="test"), asyncio.get_running_loop().create_future()
    broker.consume("q", lambda received: came.set_result(received))
    await broker.start()
    broker.publish(Message.of("q", b"hello", user_id=given.user), lambda: None)
    async with asyncio.timeout(20):
        received = await came
    received.ack()
    await broker.stop(5.0)
    return f"{received.user_id}: {received.body.decode()}"


async def reason(given: AmqpSettings) -> str:
    """Why there is no connection."""
    with pytest.raises(BrokerUnavailable) as refused:
        await Broker(given, name="test").start()
    return str(refused.value).partition(": ")[2]


async def test_a_message_goes_there_and_back(encrypted: Encrypted, vhost: str) -> None:
    assert await said(settings(encrypted, vhost)) == "guest: hello"


async def test_a_certificate_for_another_name_is_taken_if_that_is_said(encrypted: Encrypted, vhost: str) -> None:
    """A broker is reached by its address."""
    given = settings(encrypted, vhost, host="127.0.0.1")

    assert await said(replace(given, tls=replace(given.tls, host="localhost"))) == "guest: hello"


async def test_nothing_is_checked_if_one_says_so(encrypted: Encrypted, vhost: str) -> None:
    given = settings(encrypted, vhost, host="127.0.0.1", port=encrypted.expired, ca=None, is_verified=False)

    assert await said(given) == "guest: hello"


NOT_TRUSTED = "TLS: nobody we trust has issued the broker's certificate ("
BAD: dict[str, tuple[Callable[[Encrypted], dict[str, object]], str]] = {
    "an authority that has not signed it": (lambda one: {"ca": one.stranger.cert}, NOT_TRUSTED),
    "the authorities of the system": (lambda one: {"ca": None}, NOT_TRUSTED),
    "an address that is not in it": (
        lambda one: {"host": "127.0.0.1"},
        "TLS: the broker's certificate is for another host (IP address mismatch, certificate is not valid for "
        "'127.0.0.1'); use a name that stands in it, or set [amqp] ssl_hostname",
    ),
    "a name that is not in it": (
        lambda one: {"tls_host": "mq1.example.org"},
        "TLS: the broker's certificate is for another host (Hostname mismatch, certificate is not valid for "
        "'mq1.example.org'); use a name that stands in it, or set [amqp] ssl_hostname",
    ),
    "an expired one": (
        lambda one: {"port": one.expired},
        "TLS: the broker's certificate has expired; it is to be renewed there (and is this clock right?)",
    ),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_broker_that_is_not_trusted_is_told_with_what_to_do(
    encrypted: Encrypted, vhost: str, case: str
) -> None:
    given, expected = BAD[case]
    options = given(encrypted)
    host = options.pop("tls_host", "")
    refused = settings(encrypted, vhost, **options)  # type: ignore[arg-type]

    assert (await reason(replace(refused, tls=replace(refused.tls, host=str(host))))).startswith(expected)


async def test_a_port_without_tls_is_told(encrypted: Encrypted, rabbit: Rabbit, vhost: str) -> None:
    assert await reason(settings(encrypted, vhost, port=rabbit.port)) == (
        "TLS: whatever listens there does not speak TLS; is it the port of amqps, 5671?"
    )


def external(encrypted: Encrypted, vhost: str, client: Certificate | None, user: str = "daemon") -> AmqpSettings:
    given = settings(encrypted, vhost, cert=client and client.cert, key=client and client.key)
    return replace(given, url=given.url.replace("guest:guest", user), auth="external")


async def test_a_certificate_is_a_login(encrypted: Encrypted, certified: str) -> None:
    """The user has no password; RabbitMQ vouches for the name in the certificate."""
    assert await said(external(encrypted, certified, encrypted.client)) == "daemon: hello"


async def test_a_certificate_of_nobody_is_refused(encrypted: Encrypted, certified: str) -> None:
    found = await reason(external(encrypted, certified, encrypted.unknown))

    assert found == "the login was refused; check user and password, or the name in the certificate"


async def test_a_certificate_that_the_broker_does_not_trust_is_told(encrypted: Encrypted, certified: str) -> None:
    found = await reason(external(encrypted, certified, encrypted.foreign))

    assert found == (
        "TLS: the broker does not trust our certificate; its authority is to be in the broker's cacertfile"
    )


def test_a_launcher_logs_in_by_a_certificate(encrypted: Encrypted, certified: str, rabbit: Rabbit) -> None:
    """By a dict with the names of the settings."""
    parts = urlsplit(external(encrypted, certified, encrypted.client).url)
    rabbit.evaluate(
        f'rabbit_amqqueue:declare(rabbit_misc:r(<<"{certified}">>, queue, <<"bureaucrat">>), true, false, [], none, '
        '<<"t">>).'
    )
    given = {
        "host": parts.hostname,
        "port": parts.port,
        "vhost": certified,
        "auth": "external",
        "ssl_ca": encrypted.authority.cert,
        "ssl_cert": encrypted.client.cert,
        "ssl_key": encrypted.client.key,
    }

    with Launcher(given) as launcher:
        assert launcher.launch('<process name="p"/>', id="by-certificate") == "by-certificate"

    assert rabbit.queues(certified)["bureaucrat"].messages == 1


# -- files


def test_a_key_that_everybody_can_read_is_refused(encrypted: Encrypted, tmp_path: Path) -> None:
    """F2."""
    key = tmp_path / "open.key"
    key.write_bytes(encrypted.client.key.read_bytes())
    key.chmod(0o644)

    with pytest.raises(ConfigurationError, match=r"ssl_key: .*open.key can be used by everybody \(mode 0644\)"):
        Tls(cert=encrypted.client.cert, key=key).context()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("ca", None, "ssl_ca: .* cannot be used: No such file or directory"),
        ("ca", "nothing", "ssl_ca: .* cannot be used: it must hold certificates of authorities, in PEM"),
        ("cert", None, "ssl_cert: .* cannot be used: No such file or directory"),
        ("cert", "nothing", "ssl_cert: .* cannot be used: it must hold a certificate in PEM"),
        ("key", None, "ssl_key: .* cannot be used: No such file or directory"),
        ("key", "nothing", "ssl_cert: .* cannot be used: it must hold a certificate in PEM"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    encrypted: Encrypted, tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
        file.chmod(0o600)
    good = {"ca": encrypted.authority.cert, "cert": encrypted.client.cert, "key": encrypted.client.key}

    with pytest.raises(ConfigurationError, match=told):
        Tls(**{**good, name: file}).context()


def test_an_encrypted_key_asks_nobody(encrypted: Encrypted, tmp_path: Path) -> None:
    """OpenSSL would ask at the terminal."""
    key = tmp_path / "encrypted.key"
    openssl("ec", "-in", encrypted.client.key, "-aes256", "-passout", "pass:secret", "-out", key)
    key.chmod(0o600)

    with pytest.raises(ConfigurationError, match="without a password"):
        Tls(cert=encrypted.client.cert, key=key).context()


async def test_a_file_that_goes_while_the_broker_is_away_is_waited_for(
    encrypted: Encrypted, rabbit: Rabbit, vhost: str, tmp_path: Path
) -> None:
    """A certificate is renewed by taking the old file away first; the line goes on when the new one is there."""
    authority = tmp_path / "ca.pem"
    authority.write_bytes(encrypted.authority.cert.read_bytes())
    broker = Broker(settings(encrypted, vhost, ca=authority), name="test")
    changed = asyncio.Event()
    broker.on_change(changed.set)
    broker.consume("q", lambda received: received.ack())
    await broker.start()

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                changed.clear()
                await changed.wait()

    authority.rename(tmp_path / "gone")
    await asyncio.to_thread(rabbit.close_connections, vhost)
    await until(lambda: "ssl_ca" in (broker.state.last_loss or ""))
    (tmp_path / "gone").rename(authority)
    await until(lambda: broker.state.is_consuming and broker.state.is_publishing)
    await broker.stop(0.0)
    assert "No such file or directory" in (broker.state.last_loss or "")
