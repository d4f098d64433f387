"""A small HTTP service over one function of a text: ``GET /healthcheck``, ``GET /infos``, ``POST /event``."""

import json
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DEFINITIONS = Path(__file__).parent / "definitions"


def serve(name: str, work: Callable[[str], Any], port: int) -> None:
    """Serve a function until the program ends.

    :param name: the file of its definition, without ``.json``.
    :param port: the first argument of the program, if there is one.
    """
    infos = json.loads((DEFINITIONS / f"{name}.json").read_text())

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthcheck":
                self.send_response(204)
                self.end_headers()
            elif self.path == "/infos":
                self._answer(200, infos)
            else:
                self._answer(404, {"message": "there are /healthcheck, /infos and /event"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get_content_type() != "application/json":
                self._answer(415, {"message": "JSON is expected."})
                return
            given = json.loads(body or b"null")
            if not given:
                self._answer(400, {"message": "payload can not be empty."})
            elif "message" not in given:
                self._answer(400, {"message": "message field is missing on payload."})
            else:
                self._answer(200, {"message": work(given["message"])})

        def _answer(self, status: int, content: Any) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    chosen = int(sys.argv[1]) if len(sys.argv) > 1 else port
    server = ThreadingHTTPServer(("127.0.0.1", chosen), Answers)
    print(f"{name} on http://127.0.0.1:{server.server_port}/event", flush=True)
    server.serve_forever()
