"""Where this server may send what an organization asks it to send: public addresses, and nothing behind a firewall.

A name is resolved once, every address that it has must be public, and the connection is made to that address and no
other: a name that leads elsewhere a moment later leads nowhere here. Redirects are not followed, proxies of the
environment are not used (see `AsyncWire`'s pin).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sellerport.errors import InvalidArguments, NoAnswer, Problem
from sellerport.server.hub.return_urls import Place, parse

PORTS = (443, 8443)

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Returns a host's IP addresses; raises `OSError` if it has none."""

_REFUSED = [
    ipaddress.ip_network(network)
    for network in (
        # what `is_global` calls global, or did in some version of Python
        "168.63.129.16/32",  # Azure's own, reached from inside every machine there
        "192.0.0.0/24",  # RFC 6890
        "192.88.99.0/24",  # RFC 7526, relays of 6to4
        # addresses that have an IPv4 address inside, which a router may go on to
        "2001::/23",  # RFC 2928, with Teredo
        "2002::/16",  # RFC 3056, 6to4
        "3fff::/20",  # RFC 9637, documentation
    )
]
_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is global (RFC 4291 §2.4): without mapped, compatible and NAT64 addresses, and unique local ones."""

_ISATAP = (0x00005EFE, 0x02005EFE)
"""What stands before an IPv4 address in an interface identifier (RFC 5214 §6.1)."""


_lookups = ThreadPoolExecutor(8, "sellerport-names")
"""Whoever makes a webhook can have its name take minutes: threads of their own, so that nothing else waits for one."""


async def resolve(host: str) -> Sequence[str]:
    """Return a host's addresses, as the system finds them."""
    ask = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_lookups, ask)
    return [str(address[0]) for *_, address in found]


def is_public(address: str) -> bool:
    """Return whether an IP address is one that anybody on the internet could call."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # with a zone, for one
        return False
    if not found.is_global or found.is_multicast or any(found in network for network in _REFUSED):
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return True
    return found in _UNICAST and (int(found) >> 32 & 0xFFFFFFFF) not in _ISATAP


class Egress:
    """Decides where to send.

    Args:
        private: whether every address will do, by http too, and on any port; for development.
        resolve: finds a host's addresses.
    """

    def __init__(self, *, private: bool = False, resolve: Resolve = resolve) -> None:
        self._private = private
        self._resolve = resolve

    @property
    def private(self) -> bool:
        """Whether every address will do."""
        return self._private

    def check(self, url: str, field: str) -> Place:
        """Take an address apart.

        Raises:
            InvalidArguments: it is none to send to; ``field`` and what is wrong are named.
        """
        place = parse(url, field)
        why = None
        if _is_odd(place.host):
            why = "must name a host, or an IP address in its usual form"
        elif self._private:
            return place
        elif place.scheme != "https":
            why = "must begin with https://"
        elif place.port not in PORTS:
            why = f"must have port {' or '.join(map(str, PORTS))}"
        elif _is_address(place.host) and not is_public(place.host):
            why = "must be an address on the internet, not one of a private network"
        if why is not None:
            raise InvalidArguments(problems=[Problem(field, why)])
        return place

    async def locate(self, place: Place) -> str:
        """Return the IP address to send to.

        Raises:
            NoAnswer: there is none, or one that must not be called.
        """
        try:
            found = await self._resolve(place.host)
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise NoAnswer(f"{place.host} could not be found", sent=False)
        if not self._private and not all(map(is_public, found)):
            raise NoAnswer(f"{place.host} is at an address that is not on the internet; nothing was sent", sent=False)
        return found[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_odd(host: str) -> bool:
    """Return whether a host is a number that browsers read as an IPv4 address (WHATWG URL §3.5), but not as written."""
    last = host.rpartition(".")[2]
    return re.fullmatch(r"\d+|0x[0-9a-f]*", last) is not None and not _is_address(host)
