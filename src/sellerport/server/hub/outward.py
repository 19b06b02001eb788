"""Requests to addresses that are not Amazon's: carriers, and the device hubs of tenants.

Each goes to one IP address, found once; redirects are not followed, and the environment's proxies not asked.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from urllib.parse import urlsplit, urlunsplit

from sellerport.errors import NoAnswer
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.return_urls import Place
from sellerport.wire import AsyncWire, Request, Response

HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""The fields of a head that are for the next hop alone, besides those that ``Connection`` names (RFC 9110 §7.6.1)."""

LARGEST_ANSWER = 20 * 1024 * 1024


async def send(
    egress: Egress,
    place: Place,
    url: str,
    headers: dict[str, str],
    body: bytes | None,
    *,
    within_s: float,
    largest: int = LARGEST_ANSWER,
) -> Response:
    """Send a request, and return its answer, whatever it is.

    Args:
        egress: decides which IP addresses may be called.
        place: the address, taken apart.
        url: the address.
        headers, body: what to send; without a body it is a GET.
        within_s: how long all of it may take, in seconds.
        largest: how many bytes its answer may have, unpacked.

    Raises:
        NoAnswer: none came, in time or at all, or one that is too large.
    """
    try:
        async with asyncio.timeout(within_s):
            pin = (place.host, await egress.locate(place), place.port)
            async with aclosing(AsyncWire(pin=pin)) as wire:
                method = "GET" if body is None else "POST"
                request = Request(method, rebuilt(place, url), headers, body, within_s, largest)
                return await wire.send(request)
    except TimeoutError:
        raise NoAnswer(f"{place.host} took longer than {within_s:g} s") from None
    except ValueError:  # a name that begins as if it were Punycode, and is none
        raise NoAnswer(f"{place.host} could not be found", sent=False) from None


def rebuilt(place: Place, url: str) -> str:
    """Return an address written anew, so that whoever reads it next reads the place that was looked at."""
    parts = urlsplit(url)
    host = f"[{place.host}]" if ":" in place.host else place.host
    return urlunsplit((place.scheme, f"{host}:{place.port}", parts.path, parts.query, ""))
