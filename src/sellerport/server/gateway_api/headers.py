"""Which header fields of a request are read and passed on, and which of an answer are.

Towards Amazon there is a list of what may be passed on; everything else stays here: cookies, authorizations, what
proxies add, what asks for another method, and every hop-by-hop field (RFC 9110 §7.6.1) whichever way it is named.
Towards the caller everything is passed on but hop-by-hop fields, and those that speak for the server that sends them.
"""

from __future__ import annotations

import re
from functools import cache

from sellerport import catalog
from sellerport.errors import CallerError, Unauthenticated
from sellerport.server.gateway_api.connection import Answer, Headers
from sellerport.server.gateway_api.operations import Route
from sellerport.server.gateway_api.secrets import canonical
from sellerport.server.hub import HOP_BY_HOP

TOKEN = b"x-seller-access-token"
SECRET = b"x-amazon-token-secret"
ORDER, SHIPMENT, UNREDACTED = b"x-amazon-order-id", b"x-unique-shipment-id", b"x-unredacted-pii"
AGENT = b"user-agent"

_FORWARDED = (b"content-type", b"accept", b"accept-encoding")
_OWN = {
    b"host", TOKEN, SECRET, ORDER, SHIPMENT, UNREDACTED, AGENT,
    b"content-length", b"transfer-encoding", b"content-encoding", b"upgrade",
}  # fmt: skip
_LISTS = frozenset({b"accept", b"accept-encoding"})
"""Fields that may be sent in pieces."""

_HOST = re.compile(rb"[A-Za-z0-9._~:\[\]-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e]*")

_HOP_BY_HOP = frozenset(name.encode() for name in HOP_BY_HOP)
_DROPPED = _HOP_BY_HOP | {
    b"set-cookie", b"set-cookie2",  # they would be this server's
    b"alt-svc", b"clear-site-data", b"strict-transport-security", b"public-key-pins",  # they speak for its origin
    b"date", b"server", b"x-request-id", b"x-adb-error", b"x-adb-scrub",  # this server's own
    b"cache-control", b"expires", b"pragma", b"age",  # nobody may keep it: whose it is, is in no address
}  # fmt: skip
_BODYS = frozenset({
    b"content-length", b"content-encoding", b"content-md5", b"digest", b"content-digest", b"repr-digest", b"etag",
    b"last-modified", b"accept-ranges", b"content-range",
    b"content-disposition", b"content-location", b"location", b"link", b"refresh",
})  # fmt: skip
"""Fields about the bytes of a body, which are wrong when those are others; and such as may name who is in it."""

Given = dict[bytes, bytes]
"""What is read of a request's head."""

_NO_STORE: tuple[bytes, bytes] = (b"cache-control", b"no-store")
_NO_STORE_LINE = b"%b: %b\r\n" % _NO_STORE
_USUAL = frozenset({b"keep-alive", b"close"})
"""What a connection is mostly said to do, which names no field."""


@cache
def _readable() -> frozenset[bytes]:
    """Every field that is read: those above, and those that some operation takes."""
    places = ((one.place, one.wire) for operation in catalog.operations() for one in operation.parameters)
    return frozenset({*_OWN, *_FORWARDED, *(wire.lower().encode() for place, wire in places if place == "header")})


def pair(given: Given) -> tuple[bytes, bytes]:
    """Return the seller's access token and the secret, with its spaces put right.

    Raises:
        Unauthenticated: one of them is missing.
    """
    token, secret = given.get(TOKEN), given.get(SECRET)
    if not token:
        raise Unauthenticated("Invalid seller access token")
    if not secret:
        raise Unauthenticated("Invalid amazon token secret")
    if b" " in secret:
        secret = canonical(secret.decode("latin-1")).encode("latin-1")
    return token, secret


def length(given: Given) -> int | None:
    """Return how many bytes the body has; None where it comes in chunks. The server's parser has checked it."""
    if b"transfer-encoding" in given:
        return None
    return int(given.get(b"content-length", 0))


def forwarded(given: Given, route: Route, *, identity: bool) -> bytes:
    """Return the lines of a request's head that are passed on.

    Args:
        given: the head.
        route: what is called, which may take fields of its own.
        identity: whether the answer will be read here, and so should not be packed.

    Raises:
        CallerError: one has a character that a field has not.
    """
    lines = b"accept-encoding: identity\r\n" if identity else b""
    for name in (*_FORWARDED, *route.fields):
        value = given.get(name)
        if value is None or (identity and name == b"accept-encoding"):
            continue
        if not _VALUE.fullmatch(value):
            raise CallerError(f"the header field {name.decode()} has a character that cannot be passed on")
        lines += b"%b: %b\r\n" % (name, value)
    return lines


def read(headers: Headers) -> Given:
    """Read a request's head (names in lower case).

    Raises:
        CallerError: a field is there twice that may be there once, or asks for what there is not.
    """
    fields: Given = {}
    readable = _readable()
    for name, value in headers:
        if name not in readable:
            continue
        if name in fields:
            if name not in _LISTS:
                raise CallerError(f"the header field {name.decode()} is there twice")
            value = fields[name] + b", " + value
        fields[name] = value
    if not _HOST.fullmatch(fields.get(b"host", b"")):
        raise CallerError("the request needs one header field Host")
    if b"upgrade" in fields:
        raise CallerError("there is no other protocol here to upgrade to")
    if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise CallerError("the body must come as it is, or in chunks")
    if fields.get(b"content-encoding", b"identity").lower() != b"identity":
        refused = CallerError("the body must not be packed")
        refused.status = 415
        raise refused
    return fields


def passed_on(answer: Answer, *, changed: bool = False) -> Headers:
    """Return what of an answer's head is passed on.

    Args:
        answer: Amazon's.
        changed: whether its body was.
    """
    dropped = _dropped(answer)
    if changed:
        dropped = dropped | _BODYS
    kept = [one for one in answer.headers if one[0] not in dropped]
    kept.append(_NO_STORE)
    return kept


def lines_of(answer: Answer) -> bytes:
    """Return what of an answer's head is passed on with its body, as lines."""
    dropped = _dropped(answer)
    return b"".join([b"%b: %b\r\n" % one for one in answer.headers if one[0] not in dropped]) + _NO_STORE_LINE


def _dropped(answer: Answer) -> frozenset[bytes]:
    """Return the names of the fields that stay here."""
    first = answer.fields.get(b"connection")
    if (first is None or first in _USUAL) and len(answer.fields) == len(answer.headers):
        return _DROPPED
    named = b",".join([value for name, value in answer.headers if name == b"connection"])
    return _DROPPED | {one.strip().lower() for one in named.split(b",")} - {b"keep-alive", b"close", b"content-length"}
