"""What personal data of buyers is called in Amazon's APIs and reports: the vocabulary, and nothing that uses it.

What is personal is known in four ways, since Amazon has it under many names:

* objects that hold a person, or where one lives, whatever is in them (`PERSON`);
* any object that has lines of an address, a city, a postal code, an e-mail or a phone number, whatever it is called
  (`ADDRESS`);
* fields by name, as in the rows of a report: ``recipient-name``, ``ship-address-1`` (`FIELD`);
* fields that only end as such names do: a person's in an answer about a buyer, a brand's or a carrier's in others
  (`suspicious`).

A country, a state and amounts of money stay (`KEPT`), and so does where goods are sent from, which is the seller's or
Amazon's own (`SENDERS`). Source: the models of the Selling Partner API, and its pages on restricted data.

The patterns are for names as `plain` spells them.
"""

from __future__ import annotations

import re
from functools import lru_cache

PERSON = re.compile(
    r"buyer(info|taxinfo|taxinformation|businessaddress)?|recipient|deliverypreferences?|shippingaddress"
    r"|(delivery|destination|return)address|(shipto|billto)(address|party)?|returnto"
    r"|(notification|cc|copy|primary)emails|taxregistrations|extendedfields|geocoordinates|customizationinfo"
)
SENDERS = re.compile(
    r"(default)?shipfrom.*|(source|origin|registeredbusiness|warehouse|returnto)address|sellingparty"
    r"|amazonfacility|handoverlocation|marketplacetaxinfo"
)
ADDRESS = re.compile(r"addressline\d|city|postal(orzip)?code|zip|e?mail(address)?|phone(number)?")
FIELD = re.compile(
    r"(?!carrier|seller).*(e?mail|phone)(address|number|content)?"
    r"|(buyer|recipient|ship|shipto|bill|billto|payee|delivery|customer|requester)?"
    r"(firstname|middlename|lastname|legalname|legalcompanyname|fullname|address(line)?\d|street(name|number)?"
    r"|postal(orzip)?code|zip)"
    r"|(buyer|recipient|ship|shipto|bill|billto|delivery)(name|companyname|city|county|district|address)"
    r"|destinationpostalcode|giftmessage(text)?|customized(url|page)|ipaddress|addressinstructions?|deliverynotes"
    r"|dropofflocation|displayable(order)?comment|returncomment|messagetocustomer"
    r"|(buyer)?taxregistration(id|number)|buyertaxoffice|buyervatnumber|buyercancelreason"
    r"|customtextforlabel|signedforby|receivedby|deliveryphotourl|lockeraccesscode|otp|acquirerid|authorizationcode"
)
KEPT = re.compile(
    r"country(code)?|state|region|stateor(region|province)(code)?|partyid|addresstype|currency(code)?|.*amount"
    r"|giftwraplevel|entitytype|type|locale|status"
)
EMAIL = re.compile(r"(?<![^@\s\"<>,;])[^@\s\"<>,;]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}")
"""An e-mail address in a text. It begins where a word does, and its domain is ASCII: in text that is not UTF-8 an ``@``
may be half of a character."""
_SUSPICIOUS = re.compile(
    r"(.*-)?(name|surname|e-?mail(-address)?|(phone|mobile|fax)(-number)?|street(-?\d)?|house-number|post(al)?-?code"
    r"|zip(-code)?|city|county|district|attention|address(-?(line|field))?(-?\w+)?|gift-message(-text)?"
    r"|tax-registration.*|customized-url|(vat|tax)-(id|number))"
    r"|(buyer|recipient|receiver|consignee|addressee|purchaser|payer|shopper|contact)(-.*)?|customer|latitude|longitude"
)
_HARMLESS = re.compile(
    r".*(asset|attribute|brand|campaign|carrier|category|channel|colou?r|context|coupon|currency|deal|department|domain"
    r"|event|feature|field|file|group|input|item|manufacturer|marketplace|merchant|method|metric|model|node|pathby|plan"
    r"|portfolio|product|program|promotion|refinement|role|service|seller|size|store|sellerdisplay|supplier|template"
    r"|theme|type|vendor|warehouse)name"
    r"|buyer(orderid|requestedcancel|invoicepreference|productidentifier|referencenumber)"
    r"|recipient(age|identity)verification|(mac|seller|warehouse)address|carrierphonenumber"
)
_THINGS = re.compile(
    r".*(action|attribute|brand|campaign|carrier|coupon|fee|input|node|product|program|promotion|rate|refinement|self"
    r"|service)(name)?s?"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=8192)
def plain(name: str) -> str:
    """Return a name as all its spellings have it: ``buyer-name`` and ``BuyerName`` are one."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


@lru_cache(maxsize=8192)
def suspicious(name: str, parent: str = "") -> bool:
    """Tell whether a field is named as a person's may be, in an answer that is about a buyer.

    ``parent`` is the name of the object that it stands in: a carrier has a name that may be known.
    """
    spelled = plain(name)
    if _HARMLESS.fullmatch(spelled) or (spelled == "name" and _THINGS.fullmatch(plain(parent))):
        return False
    return _SUSPICIOUS.fullmatch("-".join(words(name))) is not None


def words(name: str) -> list[str]:
    """Return the words of a name, however it joins them: ``BuyerName`` and ``buyer-name`` have two."""
    return [one.lower() for one in _WORDS.findall(name)]
