"""Answers of every operation, made from Amazon's schemas, in which personal data is marked: what the policy is held to.

Which fields are personal is said here once more, from the field map of the gateway's contract (Appendix B) and not from
the policy, so that neither can be wrong alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from sellerport import catalog

CANARY = "Kanarienvogel"

PERSONAL = re.compile(
    r"(^|.*[a-z])(name|e?mail|phone(number)?|addressline\d?|street(name|number)?|postalcode|zip|giftmessage(text)?"
    r"|companyname|legalname|customizedurl|taxregistration(number|id|address)|emails)"
    r"|(buyer|recipient).*|city|county|district|districtorcounty|municipality|neighborhood|complement|attention"
    r"|purchaseordernumber|taxingregion|dropofflocation|addressinstructions?|customtextforlabel|ipaddress"
    r"|contents?|base64encodedcontent|labelstream|acquirerid|authorizationcode|signedforby|receivedby|deliverynotes|lockeraccesscode"
    r"|fieldvalue|.*photourl|otp|displayable(order)?comment|returncomment|messagetocustomer"
)
"""Leaves that are personal, in an answer that is about a buyer."""
HARMLESS = re.compile(
    r".*(carrier|service|marketplace|channel|feature|seller|sellerdisplay|method|item|attribute|field|template|asset|brand"
    r"|group|store|program)name|buyerorderid|.*(invoicepreference|verification|productidentifier|requestedcancel)|carrierphonenumber"
)
NOBODYS = re.compile(
    r"shipfrom|sellingparty|marketplacetaxinfo|returntoaddress|amazonfacility|handoverlocation"
    r"|(carrier|service|services|valueaddedservices?|supporteddocumentdetails|rejectedshippingservices"
    r"|fees|estimatedfees|actions?|self|inputs?)(\[\])?\.name$|error(s|details)?(\[\])?\."
)
"""Paths to what is the seller's, Amazon's, or a thing's."""
ABOUT_NO_BUYER = re.compile(
    r"(awd|fulfillment_inbound|sellers|supply_sources|support|vendor_(orders|shipments|invoices|transaction)|aplus"
    r"|catalog_items|customer_feedback|fba_|finance|finances|invoices|listings|messaging|notifications|product_|replenishment"
    r"|seller_wallet|solicitations|transfers|vehicles|application|app_integrations|data_kiosk|feeds|promotions|reports|sales"
    r"|tokens|uploads|external_fulfillment_(inventory|location))\w*\..*"
    r"|shipping_v2\.(get_access_points|get_unmanifested_shipments|get_carrier_account_form_inputs"
    r"|get_collection_form_history|get_rates)"
    r"|merchant_fulfillment_v0\.get_eligible_shipment_services|services_v1\.(?!get_service_job).*"
    r"|fulfillment_outbound_2020_07_01\.(get_feature.*|get_fulfillment_preview)"
)
"""Operations in whose answers the same names are the seller's, Amazon's or a product's."""

OPERATIONS = catalog.operations()


def answers(operation: catalog.Operation, *, strange: bool = False) -> Iterator[tuple[Any, list[str]]]:
    """Yield each answer of an operation with where it is personal; ``strange`` ones have unknown fields too."""
    known = catalog.schemas(operation.api)
    about = "" if ABOUT_NO_BUYER.fullmatch(operation.key) else operation.key
    for definition in dict.fromkeys(one for one in known.of(operation).responses.values() if one):
        filler = Filler(known.definitions, about=about, strange=strange)
        yield filler.value({"$ref": f"#/$defs/{definition}"}, "", ()), filler.marked


class Filler:
    """Fills a schema in: personal text is a canary, all other text says where it stands."""

    def __init__(self, definitions: Mapping[str, Any], *, about: str, strange: bool) -> None:
        self.definitions = definitions
        self.about = about
        self.strange = strange
        self.marked: list[str] = []
        self._numbers = count(1)

    def value(self, schema: Mapping[str, Any], path: str, within: tuple[str, ...]) -> Any:
        if reference := schema.get("$ref"):
            name = reference.rsplit("/", 1)[1]
            return None if within.count(name) > 1 else self.value(self.definitions[name], path, (*within, name))
        kind = schema.get("type")
        if "properties" in schema or kind == "object":
            properties = schema.get("properties", {})
            made = {name: self.value(one, f"{path}.{name}", within) for name, one in properties.items()}
            if self.strange and self.about and not NOBODYS.search(path.lower()):
                made |= self._unknown(path)
            return made
        if kind == "array":
            return [self.value(schema.get("items", {}), f"{path}[]", within) for _ in range(2)]
        if kind in ("integer", "number", "boolean"):
            return {"integer": 7, "number": 7.5}.get(kind, True)
        if "enum" in schema:
            return schema["enum"][0]
        return self._canary(path) if self._personal(path) else f"at {path}"

    def _personal(self, path: str) -> bool:
        leaf = re.sub(r"[^a-z0-9]", "", path.rsplit(".", 1)[-1].lower())
        if not self.about or HARMLESS.fullmatch(leaf) or NOBODYS.search(path.lower()):
            return False
        if leaf == "purchaseordernumber" and not self.about.startswith("orders_v0"):
            return False  # a vendor's order itself
        return PERSONAL.fullmatch(leaf) is not None

    def _canary(self, path: str) -> str:
        self.marked.append(path)
        number = next(self._numbers)
        if path.lower().endswith("url"):
            return f"https://{CANARY}{number}.s3.amazonaws.com/x?X-Amz-Signature=1"
        return f"{CANARY} {number}"

    def _unknown(self, path: str) -> dict[str, Any]:
        return {
            "buyer-nickname": self._canary(f"{path}.?"),
            "NewRecipientName": self._canary(f"{path}.?"),
            "secondaryShipToAddress": {"Line": [self._canary(f"{path}.?")], "CountryCode": "US"},
            "newThing": {"deep": [{"addressLine1": self._canary(f"{path}.?"), "floor": self._canary(f"{path}.?")}]},
        }
