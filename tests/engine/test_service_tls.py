"""Services whose certificates an authority of one's own has signed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from certificates import Authority, Certificate
from serving import LOCAL, Counter, process, rests, serving
from world import FaultyStorage

from bureaucrat.clock import ManualClock
from bureaucrat.config import ServiceSettings
from bureaucrat.errors import ConfigurationError
from bureaucrat.participants.service import Services
from bureaucrat.wire import StatusAnswer


async def _here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    counter = Counter(FaultyStorage(), ManualClock(1_000.0), lookup=_here)
    yield counter
    await counter.die()


async def asked(counter: Counter, certificate: Certificate, authority: Path | None) -> StatusAnswer:
    """What becomes of an action that a service with this certificate is asked for, as ``pay.test``."""
    counter.service_settings = ServiceSettings(allow=LOCAL, ssl_ca=authority)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.cert, certificate.key)
    async with serving(lambda request: (200, b'{"amount": 8}'), tls) as server:
        await counter.run()
        counter.courier.launch(process(f"https://pay.test:{server.port}/"), "a")
        async with asyncio.timeout(10):
            return await rests(counter)


async def test_a_service_that_an_authority_of_the_settings_vouches_for_is_asked(
    counter: Counter, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)

    told = await asked(counter, authority.sign("pay", names="DNS:pay.test"), authority.cert)

    assert (told.status, told.fields) == ("completed", {"amount": 8})


@pytest.mark.parametrize(
    ("names", "is_known", "reason"),
    [
        ("DNS:pay.test", False, "unable to get local issuer certificate"),
        ("DNS:other.test", True, "Hostname mismatch, certificate is not valid for 'pay.test'."),
    ],
)
async def test_a_service_that_nobody_vouches_for_is_not_asked(
    counter: Counter, tmp_path: Path, names: str, is_known: bool, reason: str
) -> None:
    """Of an authority that is not known, or with the certificate of another; it is told what to do."""
    authority = Authority(tmp_path)

    told = await asked(counter, authority.sign("pay", names=names), authority.cert if is_known else None)

    (incident,) = told.incidents
    assert reason in incident["message"]
    assert incident["message"].endswith("name the authority's file with [services] ssl_ca")


def test_the_authorities_of_the_system_are_trusted_as_well(tmp_path: Path) -> None:
    system = ssl.create_default_context().cert_store_stats()["x509_ca"]

    trusted = Services(ServiceSettings(ssl_ca=Authority(tmp_path).cert)).trusted()

    assert trusted.cert_store_stats()["x509_ca"] == system + 1
    assert (trusted.verify_mode, trusted.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "No such file or directory"), ("nothing", "it must hold certificates of authorities, in PEM")],
)
def test_a_file_that_holds_no_authorities_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)

    with pytest.raises(ConfigurationError) as raised:
        Services(ServiceSettings(ssl_ca=file)).trusted()

    assert str(raised.value) == f"[services] ssl_ca: {file} cannot be used: {reason}"
