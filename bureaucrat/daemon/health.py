"""A small HTTP server for those who watch: ``/health``, ``/ready`` and ``/metrics``.

Rules: it runs in threads of its own and touches nothing of the engine; all it reads is a status that the event loop
has published. It is bounded: 4 KiB of request line, 5 seconds for a whole request, 16 connections at a time; whatever
is beyond is cut. It is bound before the daemon detaches, so that an address in use is told on the terminal.
"""

from __future__ import annotations

import io
import json
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ..config import Address
from ..errors import ConfigurationError

_LONGEST_LINE = 4_096
_DEADLINE = 5.0
_CONNECTIONS = 16

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """How the daemon is.

    :param is_alive: the event loop answers.
    :param is_ready: it does its work; `reasons` say why not.
    :param details: more for people, JSON.
    """

    is_alive: bool
    is_ready: bool
    reasons: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


class Health:
    """The server.

    :param status: called in a thread of the server.
    :raises ConfigurationError: the address cannot be used.
    """

    def __init__(self, listen: Address, status: Callable[[], Status], registry: CollectorRegistry) -> None:
        try:
            self._server = _Server(listen, status, registry)
        except OSError as error:
            raise ConfigurationError(
                f"nothing can listen on {listen} ({error.strerror}); "
                "choose another address for [health] listen, or switch it off: listen = off"
            ) from error
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def fileno(self) -> int:
        """The descriptor of the socket that listens."""
        return self._server.fileno()

    def start(self) -> None:
        """Begin to answer."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.25,), name="health", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let go of the address. Requests that are being answered end by themselves."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, listen: Address, status: Callable[[], Status], registry: CollectorRegistry) -> None:
        self.address_family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        self.status = status
        self.registry = registry
        self._free = threading.BoundedSemaphore(_CONNECTIONS)
        super().__init__((listen.host, listen.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be started now
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        _logger.debug("a request was not answered", exc_info=True)


class _Patience(io.RawIOBase):
    """Reads from a socket until a deadline for all reads together."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._until = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(max(self._until - time.monotonic(), 0.001))
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Patience(self.connection, _DEADLINE))

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
        if len(self.raw_requestline) > _LONGEST_LINE:
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.raw_requestline and self.parse_request():
            self._answer()

    def _answer(self) -> None:
        if self.command not in ("GET", "HEAD"):
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            return
        match self.path.partition("?")[0]:
            case "/health":
                self._say(*_health(self.server.status()))
            case "/ready":
                self._say(*_ready(self.server.status()))
            case "/metrics":
                self._send(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.server.registry))
            case _:
                self.send_error(HTTPStatus.NOT_FOUND)

    def _say(self, is_good: bool, document: dict[str, Any]) -> None:
        code = HTTPStatus.OK if is_good else HTTPStatus.SERVICE_UNAVAILABLE
        self._send(code, "application/json", json.dumps(document, ensure_ascii=False, default=str).encode() + b"\n")

    def _send(self, code: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "bureaucrat"

    def log_message(self, format: str, *args: Any) -> None:
        _logger.debug("health: " + format, *args)


def _health(status: Status) -> tuple[bool, dict[str, Any]]:
    word = "alive" if status.is_alive else "the event loop does not answer"
    return status.is_alive, {"status": word, "details": status.details}


def _ready(status: Status) -> tuple[bool, dict[str, Any]]:
    reasons = list(status.reasons)
    if not status.is_alive:
        reasons.append("the event loop does not answer")
    is_ready = status.is_ready and status.is_alive
    return is_ready, {"status": "ready" if is_ready else "not ready", "reasons": reasons}
