"""Personal data is taken out of what a model reads: of every answer that Amazon's schemas describe, and of rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sellerport import catalog
from sellerport.connectors.personal import REDACTED, without

PERSONAL = re.compile(
    r"address_?line|postal_?code|\bzip|\bcity$|phone(number)?$|e?mail(address)?$|attention$|district|^county$|latitude"
    r"|buyer(name|email|county|companyname)|legal(company)?name|giftmessage|customizedurl|ipaddress|street|dropoff"
    r"|taxregistration(id|number)|addressinstruction",
    re.IGNORECASE,
)
NOBODYS = re.compile(
    r"ship_?from|sourceAddress|originAddress|registeredBusinessAddress|sellingParty"  # the seller's
    r"|eventAddress\.city|(latestMilestone|milestoneHistory\[\])\.location\.address\.city"  # where a parcel was
    r"|carrierPhoneNumber|amazonFacility|handoverLocation|returnToAddress"  # Amazon's and carriers'
    r"|MarketplaceTaxInfo|giftMessagePresence",
    re.IGNORECASE,
)

ANSWERS = [
    (family, operation.key, definition)
    for family in ("seller-partner", "ads")
    for operation in catalog.operations(family)  # type: ignore[arg-type]
    if operation.api
    for status, definition in catalog.schemas(operation.api, family).of(operation).responses.items()  # type: ignore[arg-type]
    if definition and status.startswith("2")
]


def filled(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str = "", within: tuple[str, ...] = ()
) -> Any:
    """An answer of this schema, in which every text says where it stands."""
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        return None if within.count(name) > 1 else filled(definitions[name], definitions, path, (*within, name))
    for combined in ("allOf", "oneOf", "anyOf"):
        if combined in schema:
            return filled(schema[combined][0], definitions, path, within)
    kind = schema.get("type")
    if "properties" in schema or kind == "object":
        properties = schema.get("properties", {})
        return {name: filled(one, definitions, f"{path}.{name}", within) for name, one in properties.items()}
    if kind == "array":
        return [filled(schema.get("items", {}), definitions, f"{path}[]", within)]
    return {"integer": 7, "number": 7.5, "boolean": True}.get(str(kind), f"says {path}")


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one)
    elif isinstance(value, str) and value.startswith("says "):
        yield value.removeprefix("says ")


def test_no_answer_of_any_operation_keeps_what_is_personal() -> None:
    assert len(ANSWERS) > 600
    kept, taken = set(), set()
    for family, key, definition in ANSWERS:
        operation = catalog.find(key, family)  # type: ignore[arg-type]
        definitions = catalog.schemas(operation.api, family).definitions  # type: ignore[arg-type]
        answer = filled(definitions[definition], definitions)
        before, after = set(texts(answer)), set(texts(without(answer)))
        kept |= {(key, path) for path in after}
        taken |= before - after
    leaves = {(key, path) for key, path in kept if PERSONAL.search(path.rstrip("[]").rsplit(".", 1)[-1])}
    assert {(key, path) for key, path in leaves if not NOBODYS.search(path)} == set()
    assert {".payload.ShippingAddress.Name", ".payload.Orders[].BuyerInfo.BuyerEmail"} <= taken
    assert ".orders[].recipient.deliveryAddress.name" in taken


@pytest.mark.parametrize("api", ["catalog_items_2022_04_01", "reports_2021_06_30", "fba_inventory_v1", "finances_v0"])
def test_answers_that_have_nothing_personal_are_the_same_object(api: str) -> None:
    definitions = catalog.schemas(api).definitions
    for definition in definitions.values():
        answer = filled(definition, definitions)
        assert without(answer) is answer


def test_names_of_campaigns_and_portfolios_stay() -> None:
    answer = {"campaigns": [{"name": "Winter", "campaignId": "1", "portfolioId": "2"}], "nextToken": "t"}
    assert without(answer) is answer


def test_an_order_keeps_what_is_not_the_buyers() -> None:
    order = {
        "AmazonOrderId": "902-3159896-1390916",
        "OrderTotal": {"CurrencyCode": "USD", "Amount": "11.01"},
        "ShippingAddress": {
            "Name": "A. Buyer", "City": "Springfield", "StateOrRegion": "OR", "CountryCode": "US", "Phone": None,
        },
        "BuyerInfo": {"BuyerEmail": "x@marketplace.amazon.com", "BuyerName": ""},
        "DefaultShipFromLocationAddress": {"Name": "A. Seller", "City": "Salem"},
    }  # fmt: skip
    assert without(order) == {
        **order,
        "ShippingAddress": {
            "Name": REDACTED, "City": REDACTED, "StateOrRegion": "OR", "CountryCode": "US", "Phone": None,
        },
        "BuyerInfo": {"BuyerEmail": REDACTED, "BuyerName": ""},
    }  # fmt: skip


def test_rows_of_order_reports_lose_the_buyers_columns() -> None:
    row = {
        "order-id": "902-3159896-1390916", "sku": "S", "product-name": "Mug", "quantity-purchased": "1",
        "buyer-email": "x@marketplace.amazon.com", "buyer-name": "A", "buyer-phone-number": "1", "recipient-name": "A",
        "ship-address-1": "1 Street", "ship-city": "Salem", "ship-postal-code": "9", "ship-state": "OR",
        "ship-country": "US", "ship-service-level": "Standard",
    }  # fmt: skip
    kept = {name for name, value in without(row).items() if value != REDACTED}
    assert kept == {
        "order-id", "sku", "product-name", "quantity-purchased", "ship-state", "ship-country", "ship-service-level",
    }  # fmt: skip


def test_a_label_is_a_picture_of_an_address() -> None:
    label = {"shipmentId": "1", "labelData": [{"trackingNumber": "T", "content": "iVBORw0KGgo" * 30}]}
    assert without(label) == {"shipmentId": "1", "labelData": [{"trackingNumber": "T", "content": REDACTED}]}
    page = {"content": "What this product is, in words, " * 30}
    assert without(page) is page


def test_a_record_stays_what_it_is() -> None:
    class Record(dict[str, Any]):
        pass

    assert type(without(Record(BuyerInfo=Record(BuyerName="A")))) is Record
