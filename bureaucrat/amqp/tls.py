"""TLS to the broker: what is trusted, who we are, and what a failed handshake means.

Rules: TLS 1.2 or newer; the files are read for each connection, so that a renewed certificate needs no restart; every
failure says what to do. Host names are compared by :mod:`ssl` (RFC 6125); a key that everybody can read is refused.
"""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..config import Amqp
from ..errors import ConfigurationError

_EVERYBODY: Final = 0o007
_EXPIRED, _EARLY, _OTHER_NAME, _OTHER_ADDRESS = (
    10,
    9,
    62,
    64,
)  # X509_V_ERR_… of OpenSSL, openssl-verification-options(1)
_STRANGER: Final = (18, 19, 20, 21)  #: nobody we trust has signed it

#: a part of OpenSSL's word for what the other side said -> for people
_SAID: Final = {
    "CERTIFICATE_REQUIRED": "the broker wants a certificate of ours; set [amqp] ssl_cert and ssl_key",
    "HANDSHAKE_FAILURE": "the broker refuses us; it may want a certificate of ours: set [amqp] ssl_cert and ssl_key",
    "ALERT_UNKNOWN_CA": "the broker does not trust our certificate; its authority is to be in the broker's cacertfile",
    "ALERT_CERTIFICATE_EXPIRED": "our certificate has expired; renew the file that [amqp] ssl_cert names",
    "ALERT_CERTIFICATE": "the broker does not take our certificate; renew the file that [amqp] ssl_cert names",
    "ALERT_BAD_CERTIFICATE": "the broker does not take our certificate; renew the file that [amqp] ssl_cert names",
    "WRONG_VERSION_NUMBER": "whatever listens there does not speak TLS; is it the port of amqps, 5671?",
    "RECORD_LAYER_FAILURE": "whatever listens there does not speak TLS; is it the port of amqps, 5671?",
}


@dataclass(frozen=True, slots=True)
class Tls:
    """How a broker is trusted, and how we show who we are.

    :param ca: the authorities, in PEM; None: those of the system.
    :param cert: our certificate, in PEM.
    :param key: its key; None: it stands in the file of the certificate.
    :param is_verified: whether the broker's certificate and name are checked.
    :param host: the name in the broker's certificate; empty: that by which it is reached.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    is_verified: bool = True
    host: str = ""

    @classmethod
    def of(cls, amqp: Amqp) -> Tls:
        """What the settings say."""
        return cls(amqp.ssl_ca, amqp.ssl_cert, amqp.ssl_key, amqp.ssl_verify, amqp.ssl_hostname)

    def context(self) -> ssl.SSLContext:
        """For one connection.

        :raises ConfigurationError: a file cannot be used; says which, and why.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ValueError) as error:
            raise _unusable("ssl_ca", self.ca, error, "it must hold certificates of authorities, in PEM") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert is not None:
            self._identify(context, self.cert, self.key or self.cert)
        return context

    def _identify(self, context: ssl.SSLContext, cert: Path, key: Path) -> None:
        try:
            mode = stat.S_IMODE(key.stat().st_mode)
        except OSError as error:
            raise _unusable("ssl_key", key, error, "") from error
        if os.name == "posix" and mode & _EVERYBODY:
            raise ConfigurationError(
                f"[amqp] ssl_key: {key} can be used by everybody (mode {mode:04o}), and it is a key; chmod 600 {key}"
            )
        try:
            context.load_cert_chain(cert, key, password=lambda: b"")  # else OpenSSL asks at the terminal
        except (OSError, ValueError) as error:
            what = "it must hold a certificate in PEM, and ssl_key the key that belongs to it, without a password"
            raise _unusable("ssl_cert", cert, error, what) from error


def _unusable(name: str, path: Path | None, error: Exception, advice: str) -> ConfigurationError:
    is_missing = isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror
    reason = str(error.strerror) if isinstance(error, OSError) and is_missing else advice
    return ConfigurationError(f"[amqp] {name}: {path} cannot be used: {reason or error}")


def meaning_of(error: ssl.SSLError) -> str:
    """What a failed handshake means, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrust(error.verify_code, error.verify_message)
    reason = error.reason or str(error)
    return told_in(reason) or f"TLS: {reason}"


def told_in(text: str) -> str | None:
    """What the other side has refused. Of TLS 1.3 a client hears that after its handshake, and pika keeps the text."""
    said = next((said for word, said in _SAID.items() if word in text), None)
    return said and f"TLS: {said}"


def _distrust(code: int, message: str) -> str:
    match code:
        case _ if code == _EXPIRED:
            return "TLS: the broker's certificate has expired; it is to be renewed there (and is this clock right?)"
        case _ if code == _EARLY:
            return "TLS: the broker's certificate is not valid yet; is this clock right?"
        case _ if code in (_OTHER_NAME, _OTHER_ADDRESS):
            return (
                f"TLS: the broker's certificate is for another host ({message.rstrip('.')}); "
                "use a name that stands in it, or set [amqp] ssl_hostname"
            )
        case _ if code in _STRANGER:
            return (
                f"TLS: nobody we trust has issued the broker's certificate ({message}); "
                "name the file of its authority with [amqp] ssl_ca"
            )
    return f"TLS: the broker's certificate is not trusted ({message})"
