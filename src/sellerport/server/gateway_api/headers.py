"""Which header fields of a request are read and passed on, and which of an answer are.

Towards Amazon there is a list of what may be passed on; everything else stays here: cookies, authorizations, what
proxies add, what asks for another method, and every hop-by-hop field (RFC 9110 §7.6.1) whichever way it is named.
Towards the caller everything is passed on but hop-by-hop fields, and those that speak for the server that sends them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from sellerport import catalog
from sellerport.errors import CallerError, Unauthenticated
from sellerport.server.gateway_api.connection import Headers
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
_BODYS = frozenset({b"content-length", b"content-encoding", b"content-md5", b"digest", b"content-digest", b"etag"})
"""Fields that are about the bytes of a body, and wrong when those are others."""

_NO_STORE: tuple[bytes, bytes] = (b"cache-control", b"no-store")


@cache
def _readable() -> frozenset[bytes]:
    """Every field that is read: those above, and those that some operation takes."""
    places = ((one.place, one.wire) for operation in catalog.operations() for one in operation.parameters)
    return frozenset({*_OWN, *_FORWARDED, *(wire.lower().encode() for place, wire in places if place == "header")})


@dataclass(slots=True)
class Given:
    """What is read of a request's head."""

    fields: dict[bytes, bytes]

    def pair(self) -> tuple[bytes, bytes]:
        """Return the seller's access token and the secret, with its spaces put right.

        Raises:
            Unauthenticated: one of them is missing.
        """
        token, secret = self.fields.get(TOKEN), self.fields.get(SECRET)
        if not token:
            raise Unauthenticated("Invalid seller access token")
        if not secret:
            raise Unauthenticated("Invalid amazon token secret")
        if b" " in secret:
            secret = canonical(secret.decode("latin-1")).encode("latin-1")
        return token, secret

    def length(self) -> int | None:
        """How many bytes the body has; None where it comes in chunks. The server's parser has checked it."""
        if b"transfer-encoding" in self.fields:
            return None
        return int(self.fields.get(b"content-length") or 0)

    @property
    def labels(self) -> bool:
        """Whether the caller wants documents kept here and named, instead of their bytes."""
        return ORDER in self.fields and SHIPMENT in self.fields

    def forwarded(self, route: Route, *, identity: bool) -> bytes:
        """Return the lines that are passed on.

        Args:
            route: what is called, which may take fields of its own.
            identity: whether the answer will be read here, and so should not be packed.

        Raises:
            CallerError: one has a character that a field has not.
        """
        lines = b"accept-encoding: identity\r\n" if identity else b""
        for name in (*_FORWARDED, *route.fields):
            value = self.fields.get(name)
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
    fields: dict[bytes, bytes] = {}
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
    return Given(fields)


def passed_on(headers: Headers, *, changed: bool = False) -> Headers:
    """Return what of an answer's head is passed on.

    Args:
        headers: names in lower case.
        changed: whether the body was.
    """
    dropped = _DROPPED | _BODYS if changed else _DROPPED
    for name, value in headers:
        if name == b"connection" and value.lower() not in (b"keep-alive", b"close"):
            dropped = dropped | {one.strip().lower() for one in value.split(b",")}
    kept = [one for one in headers if one[0] not in dropped]
    kept.append(_NO_STORE)
    return kept


def value(headers: Headers, name: bytes) -> bytes | None:
    """Return a field's value, the first of several."""
    for one, found in headers:
        if one == name:
            return found
    return None
