"""What is personal where, as facts: which operations answer about buyers, and what becomes of each of their fields.

Names are the catalogue's (`sellerport.catalog.personal`). Here is what depends on more than a name: operations that are
about buyers though no name of theirs says so, operations that are about the seller alone though they have addresses in
them, where URLs and documents stand, and how a placeholder is called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from sellerport.catalog import personal

VERSION = "1"
"""Counts up whenever answers are scrubbed differently."""

Privacy = Literal["placeholders", "remove"]
"""What stands where personal data stood: a placeholder such as ``{{ship_to_name}}``, or nothing."""

ABOUT_THE_SELLER: Mapping[str, str] = MappingProxyType(
    {
        "awd_2024_05_09": "the seller's warehouses and Amazon's",
        "external_fulfillment_location_2026_07_30": "the seller's own locations",
        "finances_invoices_2026_06_25": "invoices between Amazon and the seller",
        "fulfillment_inbound_2024_03_20": "shipments of the seller to Amazon",
        "fulfillment_inbound_v0": "shipments of the seller to Amazon",
        "sellers_v1": "the seller's own account",
        "services_v1.create_service_document_upload_destination": "a URL to upload to, at which nothing can be read",
        "feeds_2021_06_30.create_feed_document": "a URL to upload to, at which nothing can be read",
        "uploads_2020_11_01": "URLs to upload to, at which nothing can be read",
        "shipping_v2.get_access_points": "shops where parcels are left",
        "shipping_v2.get_unmanifested_shipments": "the seller's own address",
        "supply_sources_2020_07_01": "the seller's own locations",
        "support_2025_02_01": "letters between the seller and Amazon",
        "vendor_invoices_v1": "goods sold to Amazon",
        "vendor_orders_v1": "goods sold to Amazon",
        "vendor_shipments_v1": "goods sold to Amazon",
    }
)
"""API or operation → why the addresses, e-mails and URLs in its answers are no buyer's."""

ABOUT_BUYERS = frozenset(
    {
        "easy_ship_2022_03_23.get_scheduled_package",
        "external_fulfillment_returns_2024_09_11.get_return",
        "external_fulfillment_returns_2024_09_11.list_returns",
        "fulfillment_outbound_2020_07_01.delivery_offers",
        "fulfillment_outbound_2020_07_01.get_fulfillment_preview",
        "orders_v0.get_order_regulated_info",
        "shipping_v2.get_rates",
    }
)
"""Operations whose answers are about buyers though no field is named so: what their schemas do not know is swept."""

FIELDS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "orders_v0.get_order_buyer_info": re.compile("purchaseordernumber"),
        "orders_v0.get_order_regulated_info": re.compile("fieldvalue"),  # of a prescription: an animal, and its owner
        "external_fulfillment_shipments_2024_09_11": re.compile(r"number|messages|customattributes\.value"),
    }
)
"""API or operation → fields that are personal in its answers alone, by name or with that of what holds them."""

DOCUMENT_URLS = re.compile(
    r"(|document|invoices?document|invoice|label|printabledocuments|deliveryphoto|download|rmapage)url"
)
"""URLs at which a document with personal data may lie, for whoever has them."""

LINKED = frozenset(
    {
        "data_kiosk_2023_11_15.get_document",
        "feeds_2021_06_30.get_feed_document",
        "reports_2021_06_30.get_report_document",
    }
)
"""Operations whose documents are rows with names that are known, so that links lead to what is left of them. Elsewhere
such URLs go: labels, photos, and tax invoices, which name the buyer in a language and a form of their country's."""

DOCUMENTS = re.compile(r"contents?|base64encodedcontent|labelstream")
"""The bytes of labels, packing slips and invoices, which have an address printed on them."""

WHOLE = "ShippingAddress"
"""The object that goes as a whole where personal data is removed, country and all: as documented of orders."""

PLACEHOLDERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "{{ship_to_name}}": ("ShippingAddress", "Name"),
        "{{ship_to_address1}}": ("ShippingAddress", "AddressLine1"),
        "{{ship_to_address2}}": ("ShippingAddress", "AddressLine2"),
        "{{ship_to_address3}}": ("ShippingAddress", "AddressLine3"),
        "{{ship_to_city}}": ("ShippingAddress", "City"),
        "{{ship_to_state}}": ("ShippingAddress", "StateOrRegion"),
        "{{ship_to_zip}}": ("ShippingAddress", "PostalCode"),
        "{{ship_to_country}}": ("ShippingAddress", "CountryCode"),
        "{{ship_to_phone}}": ("ShippingAddress", "Phone"),
        "{{buyer_name}}": ("BuyerInfo", "BuyerName"),
        "{{buyer_email}}": ("BuyerInfo", "BuyerEmail"),
    }
)
"""The documented placeholders, which the label proxy fills in, and where Orders v0 has what they stand for."""

OTHERS = frozenset({"MARKETPLACE", "MERCHANT"})
"""Whose tax registrations stay, as their ``entityType`` has it: of an order's, only the buyer's are personal."""

NOT_ASKED = frozenset({"BUYER", "RECIPIENT"})
"""What of an order's ``includedData`` is never asked for: orders of 2026-01-01 have it without a restricted token."""

Role = Literal["ship_to", "bill_to", "return_to", "buyer"]
"""Whose data it is."""

_ROLES: tuple[tuple[str, Role], ...] = (("bill", "bill_to"), ("return", "return_to"), ("buyer", "buyer"))
_SHORTER = (("postal_code", "zip"), ("zip_code", "zip"), ("phone_number", "phone"), ("email_address", "email"))


@lru_cache(maxsize=1024)
def role(name: str) -> Role:
    """Return whose data an object of this name holds: an address is the one to ship to unless it says otherwise."""
    spelled = personal.plain(name)
    return next((one for start, one in _ROLES if start in spelled), "ship_to")


_GENERAL = frozenset({"name", "value", "number", "key", "content", "format"})


@lru_cache(maxsize=8192)
def placeholder(name: str, of: Role | None = None, parent: str = "") -> str:
    """Return what stands where a field stood: ``{{ship_to_zip}}`` for the ``PostalCode`` of a shipping address.

    ``parent`` is the object that held it: the name of a person is one, and that of a tax is another.

    >>> placeholder("AddressLine1", "ship_to"), placeholder("BuyerEmail", "buyer"), placeholder("giftMessage")
    ('{{ship_to_address1}}', '{{buyer_email}}', '{{gift_message}}')
    >>> placeholder("name", "buyer", "buyer"), placeholder("name", "buyer", "taxClassifications")
    ('{{buyer_name}}', '{{buyer_tax_classifications_name}}')
    """
    words = "_".join(personal.words(name)) or "field"
    if parent and words in _GENERAL and (words != "name" or container(parent, within=False) != "person"):
        words = "_".join([*personal.words(parent), words])
    words = re.sub(r"(^|_)address_?(?:line_?)?(\d)$", r"\1address\2", words)
    for long, short in _SHORTER:
        words = words.removesuffix(long) + short if words.endswith(long) else words
    return "{{%s}}" % (words if of is None or words.startswith(of) else f"{of}_{words}")


def is_anothers(parent: str, entity: object) -> bool:
    """Tell whether an object is no buyer's though its like may be, by what holds it and by its ``entityType``."""
    return personal.plain(parent) == "taxregistrations" and isinstance(entity, str) and entity in OTHERS


Verdict = Literal["own", "person", "personal", "suspicious", "link", "document", "kept", "text"]
"""What becomes of a value.

Of containers: ``own`` stays as it is, ``person`` is a buyer's, ``text`` is looked through. Of scalars: ``personal``,
``suspicious`` and ``document`` go, ``link`` becomes our own link, ``kept`` stays, and ``text`` stays unless it is
equal to something that went."""

_ORDERLY = re.compile(r".*(id|ids|date|time|code|status|type|asin|sku|currency|amount|token|url|link|level|channel)")


_OF_A_BUYER = re.compile(
    r"(buyer|recipient|receiver|consignee|purchaser|payer|customer|ship|shipping|bill|billing|delivery|gift)-(?!from-)(.+)"
)
_NOBODYS = re.compile(
    r"order-id|(.*-)?(date|time|time-zone|state|country|country-code|price|tax|charge|fee|amount|cost|total|currency|type|id|option"
    r"|status|speed|level|quantity|weight|conditions)|(.*-)?(amt|percent)(-.*)?|(service|promotion|discount|state-or|credit|window|wrap|method|group).*"
)
_ANOTHERS = re.compile("seller|supplier|departure")
_COLUMN = re.compile(
    r"purchaseordernumber|(latitude|longitude)|.*(cpf|cnpj|citizenid)|.*(vat|tax|gst)(registration)?(id|in|number|no)"
    r"|(buyer|recipient|receiver|consignee|purchaser|payer).*id|licen[cs]enumber|.*(invoice|label).*(url|link)"
)


@lru_cache(maxsize=4096)
def column(name: str) -> bool:
    """Tell whether a column of a report is personal, by what its heading says; one that says nothing is.

    >>> [one for one in ("order-id", "ship-city", "ship-date", "buyer-email", "Ship From City") if column(one)]
    ['ship-city', 'buyer-email']
    """
    spelled, words = personal.plain(name), "-".join(personal.words(name))
    if personal.SENDERS.fullmatch(spelled) or personal.KEPT.fullmatch(spelled) or _ANOTHERS.search(words):
        return False
    if not spelled or personal.FIELD.fullmatch(spelled) or _COLUMN.fullmatch(spelled):
        return True
    found = _OF_A_BUYER.fullmatch(words)
    if found is not None:
        return _NOBODYS.fullmatch(found[2]) is None
    return "-from-" not in words and personal.suspicious(name)


@lru_cache(maxsize=16384)
def orderly(name: str) -> bool:
    """Tell whether a field holds an id, a date, a code or the like: no text, whatever it is equal to."""
    spelled = personal.plain(name)
    return personal.KEPT.fullmatch(spelled) is not None or _ORDERLY.fullmatch(spelled) is not None


@lru_cache(maxsize=16384)
def container(name: str, *, within: bool) -> Verdict:
    """Say what becomes of an object or a list, by its name; ``within`` a buyer's object it is the buyer's too."""
    spelled = personal.plain(name)
    if personal.SENDERS.fullmatch(spelled):
        return "own"
    if within or personal.PERSON.fullmatch(spelled) or personal.FIELD.fullmatch(spelled) or personal.suspicious(name):
        return "person"
    return "text"


@lru_cache(maxsize=16384)
def scalar(name: str, parent: str, *, within: bool, extra: re.Pattern[str] | None) -> Verdict:
    """Say what becomes of a string or a number, by its name and that of the object that holds it."""
    spelled = personal.plain(name)
    if DOCUMENT_URLS.fullmatch(spelled):
        return "link"
    if within:
        return "kept" if personal.KEPT.fullmatch(spelled) else "personal"
    if personal.FIELD.fullmatch(spelled) or (
        extra and (extra.fullmatch(spelled) or extra.fullmatch(f"{personal.plain(parent)}.{spelled}"))
    ):
        return "personal"
    if DOCUMENTS.fullmatch(spelled):
        return "document"
    if personal.PERSON.fullmatch(spelled) or personal.suspicious(name, parent):
        return "suspicious"
    return "kept" if _ORDERLY.fullmatch(spelled) else "text"
