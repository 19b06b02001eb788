"""Personal data of buyers, taken out of what a model reads.

What is personal is known in three ways, since Amazon has it under many names:

* objects that restricted data tokens open (``buyerInfo``, ``shippingAddress``: the catalogue says which), and others
  that hold a person or where one lives;
* any object that has lines of an address, a postal code, an e-mail or a phone number, whatever it is called;
* fields by name, as in the rows of a report (``recipient-name``, ``ship-address-1``).

A country, a state and amounts of money stay, and so do addresses that goods are sent from, which are the seller's.
Source: the models of the Selling Partner API, and its pages on restricted data.
"""

from __future__ import annotations

import re
from copy import copy
from functools import cache
from typing import Any

from sellerport import catalog

REDACTED = "[redacted: personal data]"

_PERSON = re.compile(
    r"buyer(taxinfo|businessaddress)?|recipient|deliverypreferences?|(delivery|destination|return)address"
    r"|(shipto|billto)(address|party)?|returnto|(notification|cc|copy|primary)emails|taxregistrations"
    r"|extendedfields|geocoordinates"
)
_SENDERS = re.compile(r"(default)?shipfrom.*|(source|origin|registeredbusiness|warehouse)address|sellingparty")
_ADDRESS = re.compile(r"addressline\d|postal(orzip)?code|zip|e?mail(address)?|phone(number)?")
_FIELD = re.compile(
    r".*(e?mail|phone)(address|number|content)?"
    r"|(buyer|recipient|ship|shipto|bill|billto|payee|delivery|customer|requester)?"
    r"(firstname|middlename|lastname|legalname|legalcompanyname|fullname|address(line)?\d|street(name|number)?"
    r"|postal(orzip)?code|zip)"
    r"|(buyer|recipient|ship|shipto|bill|billto|delivery)(name|companyname|city|county|district|address)"
    r"|destinationpostalcode|giftmessage(text)?|customizedurl|ipaddress|addressinstructions?|deliverynotes|dropofflocation"
    r"|(buyer)?taxregistration(id|number)|buyertaxoffice|buyervatnumber|buyercancelreason"
)
_KEPT = re.compile(
    r"country(code)?|state|stateor(region|province)(code)?|partyid|addresstype|currency(code)?|.*amount|giftwraplevel|entitytype|type"
)
_DOCUMENT = frozenset(("content", "contents"))
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]{100,}")


def without(value: Any) -> Any:
    """Return JSON without personal data of buyers; the value itself where it has none.

    What stands in its place says so, and never what it was.
    """
    if isinstance(value, dict):
        if any(_ADDRESS.fullmatch(plain(name)) and one not in (None, "") for name, one in value.items()):
            return _person(value)
        return _same(value, {name: _named(name, one) for name, one in value.items()})
    if isinstance(value, list | tuple):
        found = [without(one) for one in value]
        return found if any(new is not old for new, old in zip(found, value, strict=True)) else value
    return value


def _named(name: str, value: Any) -> Any:
    key = plain(name)
    if isinstance(value, dict | list):
        if _SENDERS.fullmatch(key):
            return value
        return _person(value) if _PERSON.fullmatch(key) or key in _restricted() else without(value)
    if _FIELD.fullmatch(key) and value not in (None, ""):
        return REDACTED
    if key in _DOCUMENT and isinstance(value, str) and _BASE64.fullmatch(value):  # a label: it has an address on it
        return REDACTED
    return value


def _person(value: Any) -> Any:
    if isinstance(value, dict):
        return _same(
            value, {name: one if _KEPT.fullmatch(plain(name)) else _person(one) for name, one in value.items()}
        )
    if isinstance(value, list):
        return [_person(one) for one in value]
    return value if value is None or value == "" or isinstance(value, bool) else REDACTED


def _same(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    if all(new[name] is old[name] for name in old):
        return old
    made = copy(old)  # whatever kind of dict it is
    made.update(new)
    return made


def plain(name: str) -> str:
    """Return a name as all its spellings have it: ``buyer-name`` and ``BuyerName`` are one."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


@cache
def _restricted() -> frozenset[str]:
    restricted = (one.restricted.elements for one in catalog.operations() if one.restricted is not None)
    return frozenset(plain(name) for elements in restricted for name in elements)
