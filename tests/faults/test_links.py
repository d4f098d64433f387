"""The links that campaigns break."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from links import Link, Links
from service import until


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as made:
        made.settimeout(10)
        yield made


@pytest.fixture
def link(server: socket.socket) -> Iterator[Link]:
    links = Links()
    yield links.to(server.getsockname()[1])
    links.close()


def connected(link: Link, server: socket.socket) -> tuple[socket.socket, socket.socket]:
    """The client's end, and the server's."""
    client = socket.create_connection(("127.0.0.1", link.port), timeout=10)
    far, _ = server.accept()
    far.settimeout(10)
    return client, far


def is_over(end: socket.socket) -> bool:
    try:
        return end.recv(100) == b""
    except ConnectionResetError:
        return True


def test_what_is_sent_passes_both_ways(link: Link, server: socket.socket) -> None:
    client, far = connected(link, server)
    with client, far:
        client.sendall(b"there")
        there = far.recv(100)
        far.sendall(b"back")
        back = client.recv(100)

    assert (there, back) == (b"there", b"back")


def test_a_link_that_holds_lets_pass_what_came_meanwhile_when_it_is_mended(link: Link, server: socket.socket) -> None:
    client, far = connected(link, server)
    with client, far:
        link.hold()
        client.sendall(b"there")
        far.setblocking(False)
        with pytest.raises(BlockingIOError):
            far.recv(100)
        far.settimeout(10)
        link.mend()

        assert far.recv(100) == b"there"


def test_a_link_that_is_cut_ends_both_connections(link: Link, server: socket.socket) -> None:
    client, far = connected(link, server)
    with client, far:
        client.sendall(b"there")
        far.recv(100)
        link.cut()

        assert (is_over(client), is_over(far)) == (True, True)


def test_a_link_that_is_cut_within_lets_half_of_the_next_piece_pass(link: Link, server: socket.socket) -> None:
    client, far = connected(link, server)
    with client, far:
        link.cut_within()
        client.sendall(b"12345678")
        came = until(lambda: far.recv(100), "half of it comes")

        assert (came, is_over(far)) == (b"1234", True)


def test_a_slow_link_loses_nothing(link: Link, server: socket.socket) -> None:
    client, far = connected(link, server)
    with client, far:
        link.slow(0.01)
        client.sendall(b"there")

        assert far.recv(100) == b"there"


def test_a_link_to_nobody_ends_what_is_connected_to_it(link: Link, server: socket.socket) -> None:
    server.close()
    with socket.create_connection(("127.0.0.1", link.port), timeout=10) as client:
        assert is_over(client)
