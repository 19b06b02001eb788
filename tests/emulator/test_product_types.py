import base64
import hashlib
import json
from typing import Any

import jsonschema_rs
import pytest

from .conftest import Local

TYPES = "/definitions/2020-09-01/productTypes"
US, DE = "ATVPDKIKX0DER", "A1PA6795UKMFR9"


def names(found: Any) -> list[str]:
    return [one["name"] for one in found["productTypes"]]


def fetched(amazon: Local, link: Any) -> Any:
    """The schema that lies where a definition says, which is what its checksum says."""
    answer = amazon.fetch(link["link"]["resource"])
    assert answer.status == 200
    assert link["checksum"] == base64.b64encode(hashlib.md5(answer.body).digest()).decode()
    return answer.json


def schema(amazon: Local, name: str = "TOWEL", **query: str) -> Any:
    return fetched(amazon, amazon.good("GET", f"{TYPES}/{name}", marketplaceIds=US, **query)["schema"])


def test_product_types_are_found_by_words_or_by_the_title_of_an_item(amazon: Local) -> None:
    every = amazon.good("GET", TYPES, marketplaceIds=US)
    assert len(names(every)) == 20
    assert every["productTypes"][0]["marketplaceIds"] == [US]
    assert names(amazon.good("GET", TYPES, marketplaceIds=US, keywords="towel")) == ["TOWEL"]
    both = amazon.good("GET", TYPES, marketplaceIds=US, keywords="candle,garden tool")
    assert {"CANDLE", "GARDEN_TOOL"} <= set(names(both))
    assert names(amazon.good("GET", TYPES, marketplaceIds=US, keywords="submarine")) == []
    assert names(amazon.good("GET", TYPES, marketplaceIds=US, itemName="Green Enamel Mug"))[0] == "DRINKING_CUP"
    for wrong in ({"keywords": "a", "itemName": "b"}, {"marketplaceIds": f"{US},A2EUQ1WTGCTBG2"}):
        assert amazon.call("GET", TYPES, **{"marketplaceIds": US, **wrong}).error[:2] == (400, "InvalidInput")


def test_a_definition_says_where_its_schema_lies(amazon: Local) -> None:
    found = amazon.good("GET", f"{TYPES}/TOWEL", marketplaceIds=US)
    assert (found["productType"], found["displayName"], found["locale"]) == ("TOWEL", "Towel", "en_US")
    assert (found["requirements"], found["requirementsEnforced"]) == ("LISTING", "ENFORCED")
    read = fetched(amazon, found["schema"])
    grouped = [name for group in found["propertyGroups"].values() for name in group["propertyNames"]]
    assert sorted(grouped) == sorted(read["properties"])
    assert fetched(amazon, found["metaSchema"])["$id"] == read["$schema"]
    assert read["properties"]["fulfillment_availability"]["selectors"] == ["fulfillment_channel_code"]
    assert amazon.good("GET", f"{TYPES}/TOWEL", marketplaceIds=US) == found
    amazon.world.advance(7 * 86_400)
    assert amazon.fetch(found["schema"]["link"]["resource"]).status == 403


def test_a_schema_is_that_of_its_requirements_and_marketplace(amazon: Local) -> None:
    definition = amazon.good("GET", f"{TYPES}/TOWEL", marketplaceIds=US)
    free = schema(amazon, requirementsEnforced="NOT_ENFORCED")
    assert not {"required", "if", "anyOf"} & set(free)
    listing = fetched(amazon, definition["schema"])
    assert {"item_name", "brand", "size"} <= set(listing["required"])
    assert "condition_type" in listing["else"]["required"]
    offer = schema(amazon, requirements="LISTING_OFFER_ONLY")
    assert offer["required"] == ["condition_type"]
    facts = schema(amazon, requirements="LISTING_PRODUCT_ONLY")
    assert "required" not in facts["else"]
    assert listing["$defs"]["marketplace_id"]["enum"] == [US]
    german = amazon.token("Atzr|local-seller-eu")
    found = amazon.good("GET", f"{TYPES}/TOWEL", german, marketplaceIds=DE)
    assert (found["locale"], found["marketplaceIds"]) == ("de_DE", [DE])
    assert fetched(amazon, found["schema"])["$defs"]["marketplace_id"]["enum"] == [DE]
    assert amazon.good("GET", f"{TYPES}/TOWEL", marketplaceIds=US, locale="fr_CA")["locale"] == "fr_CA"


def test_what_a_schema_refuses_the_listings_refuse(amazon: Local) -> None:
    listing = next(one for one in amazon.world.shelf.listings("ALOCALSELLERNA", [US]) if one.product_type == "TOWEL")
    read = {name: value for name, value in schema(amazon).items() if name not in ("$schema", "$id")}
    validator = jsonschema_rs.Draft201909Validator(read)
    path = f"/listings/2021-08-01/items/ALOCALSELLERNA/{listing.sku}"
    for name in [None, *listing.attributes]:
        attributes = {key: value for key, value in listing.attributes.items() if key != name}
        body = {"productType": "TOWEL", "attributes": attributes}
        found = amazon.good("PUT", path, body=body, marketplaceIds=US, mode="VALIDATION_PREVIEW")
        assert (found["status"] == "VALID") == validator.is_valid(attributes), name


def test_a_version_is_asked_for_by_its_name(amazon: Local) -> None:
    version = amazon.good("GET", f"{TYPES}/TOWEL", marketplaceIds=US)["productTypeVersion"]["version"]
    for asked in (version, "LATEST", "RELEASE_CANDIDATE"):
        found = amazon.good("GET", f"{TYPES}/TOWEL", marketplaceIds=US, productTypeVersion=asked)
        assert found["productTypeVersion"]["version"] == version
    for wrong in ({"productTypeVersion": "old"}, {"requirements": "ALL"}, {"locale": "xx"}):
        assert amazon.call("GET", f"{TYPES}/TOWEL", marketplaceIds=US, **wrong).error[:2] == (400, "InvalidInput")


def test_a_product_type_that_nobody_defined_is_not_found(amazon: Local) -> None:
    answer = amazon.call("GET", f"{TYPES}/LUGGAGE", marketplaceIds=US)
    assert answer.error[:2] == (404, "NOT_FOUND")


def test_a_product_type_can_be_given_its_schema(amazon: Local) -> None:
    wheels = {"type": "array", "items": {"type": "object", "required": ["value"]}}
    given = {"$schema": "https://nowhere.invalid/meta", "required": ["wheels"], "properties": {"wheels": wheels}}
    assert amazon.control("POST", "definitions", {"name": "LUGGAGE", "schema": given}).json == {"defined": ["LUGGAGE"]}
    assert schema(amazon, "LUGGAGE") == given
    assert "required" not in schema(amazon, "LUGGAGE", requirementsEnforced="NOT_ENFORCED")
    assert names(amazon.good("GET", TYPES, marketplaceIds=US, keywords="luggage")) == ["LUGGAGE"]
    path = "/listings/2021-08-01/items/ALOCALSELLERNA/CASE"

    def put(attributes: Any) -> tuple[str, list[str]]:
        body = {"productType": "LUGGAGE", "attributes": attributes}
        found = amazon.good("PUT", path, body=body, marketplaceIds=US)
        return found["status"], [issue["code"] for issue in found["issues"]]

    assert put({"colour": [{"value": 1}]}) == ("INVALID", ["90220"])
    assert put({"wheels": [{}]}) == ("INVALID", ["99022"])
    assert put({"wheels": [{"value": 4}], "purchasable_offer": [{"our_price": 5}]}) == ("INVALID", ["4000001"])
    assert put({"wheels": [{"value": 4}]}) == ("ACCEPTED", [])
    amazon.world.reset()
    assert amazon.call("GET", f"{TYPES}/LUGGAGE", marketplaceIds=US).status == 404


@pytest.mark.parametrize("wrong", [{"type": "nonsense"}, {"$ref": "BASE/sellers/v1/account"}, {"$ref": "#/$defs/none"}])
def test_what_is_no_schema_is_refused_and_nothing_is_fetched(amazon: Local, wrong: Any) -> None:
    given = json.loads(json.dumps(wrong).replace("BASE", amazon.base))
    amazon.world.requests.clear()
    answer = amazon.control("POST", "definitions", {"name": "LUGGAGE", "schema": given})
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (422, "invalid_arguments")
    assert not amazon.world.shelf.schemas
    assert not amazon.world.requests
