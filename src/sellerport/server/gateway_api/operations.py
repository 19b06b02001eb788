"""Which of Amazon's operations the passthrough lets through, and the one way that each is written in a URL.

What a caller asks for is matched to an operation on the raw path, and what is sent is built anew from that operation's
template: no byte of a path reaches Amazon that was not looked at. What is in no list here is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.errors import CallerError, NotAllowed, NotFound

PREFIX: Final = b"/passthrough-api"
"""What stands before Amazon's paths here."""

APIS: Final = frozenset(
    {
        # orders, and what is sent to buyers
        "easy_ship_2022_03_23",
        "external_fulfillment_inventory_2024_09_11",
        "external_fulfillment_returns_2024_09_11",
        "external_fulfillment_shipments_2024_09_11",
        "fulfillment_outbound_2020_07_01",
        "merchant_fulfillment_v0",
        "orders_2026_01_01",
        "orders_v0",
        "shipment_invoicing_v0",
        "shipping_v2",
        "tracking_2026_01_30",
        "vendor_direct_fulfillment_orders_2021_12_28",
        "vendor_direct_fulfillment_shipping_2021_12_28",
        # what is sold, and where it lies
        "catalog_items_2022_04_01",
        "fba_inventory_v1",
        "listings_items_2021_08_01",
        "sellers_v1",
        "supply_sources_2020_07_01",
        # documents and messages
        "data_kiosk_2023_11_15",
        "feeds_2021_06_30",
        "invoices_2024_06_19",
        "messaging_v1",
        "notifications_v1",
        "reports_2021_06_30",
        "solicitations_v1",
        # no buyer is in any of these
        "aplus_content_2020_11_01",
        "fba_inbound_eligibility_v1",
        "finances_2024_06_19",
        "finances_v0",
        "fulfillment_inbound_2024_03_20",
        "fulfillment_inbound_v0",
        "listings_restrictions_2021_08_01",
        "product_fees_v0",
        "product_pricing_2022_05_01",
        "product_pricing_v0",
        "product_type_definitions_2020_09_01",
        "sales_v1",
        "vendor_direct_fulfillment_transactions_2021_12_28",  # what became of what a vendor submits
    }
)
"""The API versions whose operations are let through."""

DENIED: Final = frozenset(
    {
        # whose account with a carrier a label is charged to is not for a warehouse to decide
        "shipping_v2.get_carrier_accounts",
        "shipping_v2.link_carrier_account",
        "shipping_v2.link_carrier_account_post",
        "shipping_v2.unlink_carrier_account",
    }
)
"""The operations of those that are not. Nor is any that acts for the application, and not for a seller (grantless):
with its token, one tenant could read or delete what another subscribed to.
"""

_REFUSED = re.compile(
    rb"""
    %(?: 2f | 5c | 00 | 2e%2e | 25[0-9a-f]{2} | [01][0-9a-f] | 7f | (?![0-9a-f]{2}) )  # what a server may decode twice
    | [\x00-\x20\x7f-\xff;\\#?]         # what no path has, and what servers cut paths at
    | // | /(?:\.|%2e){1,2}(?=/|\Z)     # what servers collapse
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SKUS = frozenset({"sku", "sellerSku", "SellerSKU"})
"""The parameters whose values are the seller's own words, with whatever is in them; Amazon has them encoded once."""
_IN_SKUS = re.compile(rb"%(?:2f|5c|25[0-9a-f]{2})", re.IGNORECASE)
_PLAIN = re.compile(rb"[A-Za-z0-9._~-]+")
_PLAIN_QUERY = re.compile(rb"(?:[A-Za-z0-9._~:@!$'()*,;/?+=&-]++|%(?![01]|7[fF])[0-9A-Fa-f]{2})*+")
"""Possessive: else one odd character behind forty plain ones is looked for in as many ways as they can be split."""
_ODD_IN_QUERY = re.compile(rb"[^A-Za-z0-9._~:@!$'()*,;/?+=&%-]")
_NOT_IN_QUERY = re.compile(rb"[\x00-\x20\x7f]|%(?:[01][0-9a-f]|7f|(?![0-9a-f]{2}))", re.IGNORECASE)
_CREDENTIAL = re.compile(rb"(?:\A|&)x-(?:seller-access|amazon|adb-access|amz-access)-", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Route:
    """An operation, as requests are matched to it and built for it."""

    operation: Operation
    key: str
    """The operation's."""
    allowed: bool
    pieces: tuple[bytes, ...]
    """The path between its parameters."""
    fields: frozenset[bytes]
    """The header fields that are among its parameters, in lower case."""
    method: bytes
    restricted: bool
    """Whether it refuses any token but a restricted one."""
    specific: bool
    """Whether it does for some of its objects, each of which a token has to name."""

    def path(self, values: list[bytes]) -> bytes:
        """Return the path with these values of its parameters, which are encoded already."""
        first, *rest = self.pieces
        return first + b"".join(value + piece for value, piece in zip(values, rest, strict=True))


def load() -> None:
    """Read the catalogue, which the first request would have to wait for."""
    _literal()
    assert catalog.index().routes


def find(method: str, raw_path: bytes) -> tuple[Route, bytes]:
    """Return the operation that a method and a raw path belong to, and the path to send.

    Raises:
        CallerError: the path could be read in more than one way.
        NotFound: Amazon has no such operation.
        NotAllowed: it is not let through.
    """
    literal = _literal().get((method, raw_path))
    route, path = (literal, raw_path) if literal is not None else _matched(method, raw_path)
    if not route.allowed:
        raise NotAllowed(f"{route.operation.id} is not let through")
    return route, path


def query(raw: bytes) -> bytes:
    """Return a query as it may be sent: what is encoded stays as it is, and the rest is encoded where it has to be.

    Raises:
        CallerError: it has a character that no text has, a broken encoding, or one of our own tokens.
    """
    if (b"x-" in raw or b"X-" in raw) and _CREDENTIAL.search(raw):
        raise CallerError("tokens and secrets belong into header fields, not into the address")
    if _PLAIN_QUERY.fullmatch(raw):
        return raw
    if _NOT_IN_QUERY.search(raw):
        raise CallerError("the query has a control character, a space, or a broken % encoding")
    return _ODD_IN_QUERY.sub(lambda found: b"%%%02X" % found[0][0], raw)


def _matched(method: str, raw_path: bytes) -> tuple[Route, bytes]:
    if not raw_path.startswith(b"/") or _REFUSED.search(_IN_SKUS.sub(b"x", raw_path)):
        raise _two_ways()
    found = catalog.match(method, raw_path.decode("ascii")) if not raw_path.endswith(b"/") else None
    if found is None:
        if _REFUSED.search(raw_path):
            raise _two_ways()
        raise NotFound("Amazon has no such operation")
    operation, values = found
    for name, value in values.items():
        if _REFUSED.search(value.encode()) and not (name in _SKUS and _one_piece(value.encode())):
            raise _two_ways()
    route = _route(operation)
    return route, route.path([_encoded(value.encode()) for value in values.values()])


def _one_piece(sku: bytes) -> bool:
    """Whether nothing in a SKU could be taken for a way to somewhere else, were it decoded before it is matched."""
    pieces = re.split(rb"[/\\]", unquote_to_bytes(unquote_to_bytes(sku)))
    return not any(piece in (b"", b".", b"..") or re.search(rb"[\x00-\x1f\x7f]", piece) for piece in pieces)


def _two_ways() -> CallerError:
    return CallerError("the path could be read in more than one way: no //, ., .., \\, ; or encoded / in it")


def _encoded(value: bytes) -> bytes:
    """Return a parameter's value, decoded once and encoded again."""
    if _PLAIN.fullmatch(value):
        return value
    text = unquote_to_bytes(value)
    try:
        text.decode()
    except UnicodeDecodeError:
        raise CallerError("the path is not UTF-8") from None
    return quote_from_bytes(text, safe="").encode()


@cache
def _literal() -> dict[tuple[str, bytes], Route]:
    """The operations whose paths have no parameters."""
    known = (operation for operation in catalog.operations() if "{" not in operation.path)
    return {(operation.method, operation.path.encode()): _route(operation) for operation in known}


_routes: dict[str, Route] = {}


def _route(operation: Operation) -> Route:
    if (known := _routes.get(operation.key)) is not None:
        return known
    greedy = any(parameter.greedy for parameter in operation.parameters)
    allowed = operation.api in APIS and operation.key not in DENIED and operation.scope is None and not greedy
    fields = frozenset(one.wire.lower().encode() for one in operation.parameters if one.place == "header")
    pieces = tuple(re.sub(r"\{[^}]*\}", "\0", operation.path).encode().split(b"\0"))
    rule = operation.restricted
    specific = rule is not None and rule.path == "specific"
    # what takes data elements is answered without personal data to whoever asks for none of them
    restricted = rule is not None and not rule.elements and not specific
    made = Route(operation, operation.key, allowed, pieces, fields, operation.method.encode(), restricted, specific)
    return _routes.setdefault(operation.key, made)
