"""Which hosts a service may be on, and which addresses may be connected to.

Rules: a name is resolved once for each request, every address that it has is judged, and the connection goes to one of
these; nothing is resolved a second time. An address that is not public needs a network that the settings name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from ..config import Hosts
from ..errors import BureaucratError

Lookup = Callable[[str, int], Awaitable[list[str]]]

#: They carry an IPv4 address that whoever translates them connects to.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))


class NotAllowed(BureaucratError):
    """The settings do not let a service be asked; says which, and what to change."""


def check_host(host: str, allowed: Hosts) -> None:
    """Judge the host of a URL that a definition names.

    :raises NotAllowed: no setting allows it.
    """
    address = _literal(host)
    if address is not None and _is_listed(address, allowed):
        return
    if any(fnmatchcase(host.lower(), pattern) for pattern in allowed.patterns):
        return
    raise NotAllowed(f"the host {host} is not allowed: add it to allow in [services] of the settings")


def check_addresses(host: str, addresses: list[str], allowed: Hosts) -> None:
    """Judge all addresses that a host has.

    :raises NotAllowed: one of them is not public, and in no network of the settings.
    """
    for text in addresses:
        address = _literal(text)
        if address is None or not (_is_public(address) or _is_listed(address, allowed)):
            raise NotAllowed(
                f"the host {host} has the address {text}, which is not public: "
                "add it, or its network, to allow in [services] of the settings"
            )


async def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them.

    :raises OSError: it has none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Resolver:
    """Resolves and judges, for aiohttp."""

    def __init__(self, allowed: Hosts, lookup: Lookup) -> None:
        self._allowed = allowed
        self._lookup = lookup

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[dict[str, Any]]:
        """Where to connect to, in aiohttp's form.

        :raises NotAllowed: one of the addresses may not be connected to.
        """
        addresses = await self._lookup(host, port)
        check_addresses(host, addresses, self._allowed)
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_listed(address: IPv4Address | IPv6Address, allowed: Hosts) -> bool:
    return any(address in network for network in allowed.networks)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    is_translated = any(address in network for network in _TRANSLATED)
    return address.is_global and not address.is_multicast and not is_translated
