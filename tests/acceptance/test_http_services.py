"""A process whose actions are HTTP requests of the daemon, which is killed: at least once, always with the same key."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rabbit import Rabbit
from service import Client, Service, until

ORDERS = 40
PROCESS = (
    '<process name="order"><action participant="service:charge" retries="20" delay="100ms" max_delay="200ms"/>'
    '<action participant="{url}/ship" timeout="60"/></process>'
)


@dataclass
class Shop:
    """An HTTP service that keeps its keys, is busy now and then, and lets the first requests hang."""

    posts: list[tuple[str, str, str]] = field(default_factory=list)  #: path, key, token
    later: list[dict[str, str]] = field(default_factory=list)  #: headers of what is answered by a message
    paid: set[str] = field(default_factory=set)
    go: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, path: str, headers: dict[str, str], fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        key = headers["idempotency-key"]
        with self.lock:
            self.posts.append((path, key, headers["bureaucrat-token"]))
            number = len(self.posts)
        self.go.wait(30)
        if path == "/ship":
            with self.lock:
                self.later.append(headers)
            return 202, {}
        if number % 5 == 0:
            return 503, {}
        self.paid.add(key)
        return 200, {"payment": key}


@pytest.fixture
def shop() -> Iterator[tuple[Shop, str]]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, fields = shop.post(self.path, headers, body)
            text = json.dumps(fields).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            except ConnectionError:  # who asked was killed
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Not on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield shop, f"http://127.0.0.1:{server.server_port}"
    finally:
        shop.go.set()
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.fixture
def asking(tmp_path: Path, rabbit: Rabbit, shop: tuple[Shop, str]) -> Iterator[Service]:
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    settings = f"[services]\nallow = 127.0.0.1\nper_host = 8\n[service:charge]\nurl = {shop[1]}/charge\n"
    made = Service(tmp_path, url, settings)
    try:
        yield made.start()
    finally:
        made.kill()


def test_a_killed_daemon_asks_again_with_the_same_key_and_every_order_ends(
    asking: Service, shop: tuple[Shop, str]
) -> None:
    till, url = shop
    with Client(asking.url) as client:
        for number in range(ORDERS):
            client.launch(PROCESS.format(url=url), f"order-{number}")
        until(lambda: len(till.posts) == 8, "eight are asked, and get no response")
        asking.kill()
        cut_off = list(till.posts)
        asking.start()
        until(lambda: len(till.posts) == 16, "eight are asked again")
        again = till.posts[8:]
        till.go.set()
        until(lambda: len({one["bureaucrat-target"] for one in till.later}) == ORDERS, "all are to be shipped")
        before = asking.statuses()
        for headers in till.later:
            header = {"message": "response", "target": headers["bureaucrat-target"]}
            header |= {"token": headers["bureaucrat-token"]}
            client.publish(headers["bureaucrat-answers"], json.dumps({"header": header, "fields": {"shipped": True}}))
        until(lambda: asking.statuses() == {"completed": ORDERS}, "all is done")
        shown = client.ended("order-7")["fields"]

    assert set(again) == set(cut_off)
    assert before == {"running": ORDERS}
    assert shown["payment"] in till.paid
    assert shown["shipped"] is True
    assert len(till.paid) == ORDERS
    until(lambda: set(asking.left().values()) == {0}, "nothing is left")
