"""An authority of the tests' own, and certificates that it signs (openssl, Debian package openssl).

Rules: every key is made here and ends with the folder; nothing of the machine is read.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """Files in PEM."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self.cert = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        openssl("req", "-x509", *_KEY, "-keyout", self._key, "-out", self.cert, "-subj", f"/CN={name}", "-days", "2")

    def sign(self, name: str, *, names: str = "DNS:localhost", days: int = 2, of: str | None = None) -> Certificate:
        """A certificate.

        :param name: of its files, and who it is (CN) unless `of` says that.
        :param names: what it is valid for; a broker is known by them.
        :param days: from now; negative: it has expired.
        """
        cert, key, request = (self._folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("req", "-new", *_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={of or name}")
        signed = ("-CA", self.cert, "-CAkey", self._key, "-CAcreateserial", "-days", days, "-extfile", extensions)
        openssl("x509", "-req", "-in", request, "-out", cert, *signed)
        return Certificate(cert, key)


def openssl(*arguments: object) -> None:
    """Run it."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
