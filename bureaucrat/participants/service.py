"""Participants that are HTTP services: ``service:NAME`` of the settings, and URLs.

Rules:

- an attempt is one POST of its fields, with the token, the key and the target as headers; the response is the answer;
- what may pass is the answer ``error``, what does not is ``critical`` with the code ``HttpError``; what the settings do
  not allow is no answer at all but :class:`NotAllowed`;
- each request has a connection of its own, to an address that was judged; no redirect is followed.
"""

from __future__ import annotations

import base64
import hmac
import importlib
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from .. import wire
from ..config import Service, ServiceSettings
from ..core.effects import Dispatch
from ..errors import ConfigurationError
from ..ports import Outgoing, Properties
from .addresses import Lookup, NotAllowed, Resolver, check_addresses, check_host, look_up

PREFIX = "service"
PREFIXES = (PREFIX, "http", "https")
CODE = "HttpError"  #: of the fault that a response throws which trying again does not change
_INSTALL = "HTTP services need aiohttp, which is not installed: pip install 'bureaucrat-engine[http]'"
_TRUST = "if an authority of your own has signed it, name the authority's file with [services] ssl_ca"
_MAY_PASS = frozenset({408, 425, 429})
_SHOWN = 300  # characters of a response in the text of an error
_CHUNK = 1 << 16  # bytes of a response that are read at a time

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a participant is, and how it is asked."""

    url: str
    timeout: float
    headers: tuple[tuple[str, str], ...] = ()


class Services:
    """Asks services.

    :param answers: the queue that a service answers to which said 202.
    :param lookup: gives the addresses of a host.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        registered: Iterable[Service] = (),
        *,
        answers: str = "bureaucrat_msgs",
        lookup: Lookup = look_up,
    ) -> None:
        self.settings = settings
        self._registered = {one.name: one for one in registered}
        self._answers = answers
        self._lookup = lookup
        self._session: Any = None

    @property
    def are_wanted(self) -> bool:
        """Whether the settings say anything that lets a service be asked."""
        return bool(self._registered or self.settings.allow.patterns or self.settings.allow.networks)

    @staticmethod
    def library() -> Any:
        """The HTTP client's module.

        :raises ConfigurationError: it is not installed.
        """
        try:
            return importlib.import_module("aiohttp")
        except ImportError as error:
            raise ConfigurationError(_INSTALL) from error

    def trusted(self) -> ssl.SSLContext:
        """What tells whether a service is who it says: the system's authorities, and those of the settings.

        :raises ConfigurationError: their file cannot be used.
        """
        context, file = ssl.create_default_context(), self.settings.ssl_ca
        if file is not None:
            try:
                context.load_verify_locations(file)
            except ssl.SSLError as error:
                what = "it must hold certificates of authorities, in PEM"
                raise ConfigurationError(f"[services] ssl_ca: {file} cannot be used: {what}") from error
            except OSError as error:
                raise ConfigurationError(f"[services] ssl_ca: {file} cannot be used: {error.strerror}") from error
        return context

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        """The request that hands an attempt over, as a row."""
        asked = wire.Asked(
            token,
            dispatch.key,
            dispatch.address,
            dispatch.participant,
            dispatch.tries,
            dispatch.arguments,
            dispatch.result,
            self._answers,
        )
        properties = Properties(content_type="application/json", message_id=token, headers=wire.attempt_headers(asked))
        return Outgoing(dispatch.participant, msgspec.json.encode(dispatch.fields), properties)

    def host(self, participant: str) -> str:
        """What bounds the requests that are made at a time: one host, or what cannot be asked anyway."""
        registered = self._registered.get(participant.removeprefix(f"{PREFIX}:"))
        try:
            return urlsplit(registered.url if registered else participant).netloc.lower()
        except ValueError:
            return ""

    async def ask(self, participant: str, body: bytes, asked: wire.Asked) -> Fields | None:
        """One request; the answer, or None if the service answers later by a message.

        :raises NotAllowed: the settings do not let it be asked.
        """
        target = self._target(participant)
        http = self.library()
        if self._session is None:
            self._session = self._opened(http)
        try:
            async with self._session.post(
                target.url,
                data=body,
                headers={**_headers(target, asked), **_signed(self.settings.signing_key, asked.key, body)},
                allow_redirects=False,
                timeout=http.ClientTimeout(total=target.timeout),
            ) as response:
                content = await self._content(response)
        except http.InvalidURL as error:
            raise NotAllowed(f"{participant[:200]} is no URL that can be asked: {error}") from error
        except TimeoutError:
            return _error(f"no response within {target.timeout:g} s")
        except http.ClientConnectorCertificateError as error:
            return _error(f"its certificate is not trusted ({error.certificate_error}); {_TRUST}")
        except (http.ClientError, OSError) as error:
            return _error(f"{type(error).__name__}: {error}")
        return answer_of(response.status, response.reason or "", response.headers, content, asked.result)

    async def close(self) -> None:
        """Let go of the client; a later request makes another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _target(self, participant: str) -> Target:
        """
        :raises NotAllowed: there is no such service, or its host is not allowed.
        """
        if participant.startswith(f"{PREFIX}:"):
            name = participant.removeprefix(f"{PREFIX}:")
            found = self._registered.get(name)
            if found is None:
                raise NotAllowed(
                    f"no service {name!r} is registered: add [{PREFIX}:{name}] with its url to the settings"
                )
            self._check_literal(_host_of(found.url))
            return Target(found.url, found.timeout or self.settings.timeout, found.headers)
        host = _host_of(participant)
        check_host(host, self.settings.allow)
        self._check_literal(host)
        return Target(participant, self.settings.timeout)

    def _check_literal(self, host: str) -> None:
        """An address that is written out is not resolved, and judged here."""
        if ":" in host or host.replace(".", "").isdigit():
            check_addresses(host, [host], self.settings.allow)

    def _opened(self, http: Any) -> Any:
        connector = http.TCPConnector(
            limit=0,  # who asks keeps to a number
            force_close=True,  # one that is kept may be closed when the next request comes, and a POST is not repeated
            use_dns_cache=False,
            ssl=self.trusted(),
            resolver=Resolver(self.settings.allow, self._lookup),
        )
        return http.ClientSession(
            connector=connector,
            cookie_jar=http.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": "bureaucrat", "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def _content(self, response: Any) -> bytes | None:
        """The body; None if it is larger than allowed."""
        most, content = self.settings.response, bytearray()
        while chunk := await response.content.read(_CHUNK):
            content += chunk
            if len(content) > most:
                return None
        return bytes(content)


def answer_of(status: int, reason: str, headers: Any, content: bytes | None, result: str | None) -> Fields | None:
    """What a response means; None: the service answers later.

    :param content: None: there was too much of it.
    """
    if status == 202:
        return None
    if 200 <= status < 300:
        return _done(headers, content, result)
    text = f"HTTP {status} {reason}".rstrip()
    if status in _MAY_PASS or status >= 500:
        after = headers.get("Retry-After")
        text += f" (Retry-After: {_plain(after.encode())[:60]})" if after else ""
        return _error(_with_content(text, content))
    if 300 <= status < 400:
        text += "; redirects are not followed"
    return {"status": "critical", "code": CODE, "error": _with_content(text, content)}


def _done(headers: Any, content: bytes | None, result: str | None) -> Fields:
    if content is None:
        return _error("the response is larger than response in [services] of the settings allows")
    encoding = headers.get("Content-Encoding") or "identity"
    if encoding.lower() != "identity":
        return _error(f"the response has the encoding {_plain(encoding.encode())[:60]}, which was not asked for")
    try:
        found = wire.loads(content) if content.strip() else {}
    except wire.Malformed as error:
        return _error(f"the response cannot be read: {error}")
    if result is not None:
        return {result: found if content.strip() else None}
    if not isinstance(found, dict):
        return _error(f"the response is no JSON object but a {type(found).__name__}")
    return found


def _headers(target: Target, asked: wire.Asked) -> dict[str, str]:
    told = {name: str(value) for name, value in wire.attempt_headers(asked).items() if name != wire.PARTICIPANT}
    return {
        **dict(target.headers),
        **told,
        "Content-Type": "application/json",
        "Idempotency-Key": asked.key,
    }


def _signed(key: str, id: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks, if there is a key.

    :param at: epoch seconds; now, if it is not given.
    """
    if not key:
        return {}
    secret = base64.b64decode(key.removeprefix("whsec_")) if key.startswith("whsec_") else key.encode()
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.digest(secret, f"{id}.{stamp}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature}


def _host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise NotAllowed(f"{url[:200]} is no URL that can be asked: {error}") from error
    if not host or parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        raise NotAllowed(f"{url[:200]} is no URL that can be asked: write https://HOST/PATH")
    if "@" in parts.netloc:
        raise NotAllowed(f"a URL with a user or password cannot be asked: register the service in [{PREFIX}:NAME]")
    return host


def _with_content(text: str, content: bytes | None) -> str:
    shown = _plain(content or b"")
    return f"{text}: {shown}" if shown else text


def _plain(content: bytes) -> str:
    text = " ".join(content[: 4 * _SHOWN].decode("utf-8", "replace").split())
    return "".join(one if one.isprintable() else "?" for one in text)[:_SHOWN]


def _error(text: str) -> Fields:
    return {"status": "error", "error": text}
