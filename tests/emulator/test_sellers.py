import jsonschema_rs

from sellerport import catalog

from .conftest import Local


def test_an_account_lists_where_it_sells(amazon: Local) -> None:
    answer = amazon.call("GET", "/sellers/v1/marketplaceParticipations", amazon.token("Atzr|local-seller-eu"))
    shops = [one["marketplace"] for one in answer.json["payload"]]
    assert [shop["countryCode"] for shop in shops] == ["DE", "GB", "FR", "IT", "ES"]
    assert shops[1] == {
        "id": "A1F83G8C2ARO7P",
        "name": "Amazon.co.uk",
        "countryCode": "GB",
        "defaultCurrencyCode": "GBP",
        "defaultLanguageCode": "en_GB",
        "domainName": "www.amazon.co.uk",
    }
    assert {one["storeName"] for one in answer.json["payload"]} == {"Tannwerk & Söhne"}


def test_an_account_says_what_it_is(amazon: Local) -> None:
    answer = amazon.call("GET", "/sellers/v1/account")
    assert answer.json["payload"]["business"]["name"] == "Larkhollow Home Goods"


def test_what_sellers_answers_fits_its_schema(amazon: Local) -> None:
    definitions = catalog.schemas("sellers_v1").definitions
    for path, name in (
        ("account", "GetAccountResponse"),
        ("marketplaceParticipations", "GetMarketplaceParticipationsResponse"),
    ):
        answer = amazon.call("GET", f"/sellers/v1/{path}")
        jsonschema_rs.validate({"$ref": f"#/$defs/{name}", "$defs": definitions}, answer.json)
