"""Values that the catalogue does not allow are refused, whoever answers the operation."""

import pytest

from sellerport import catalog
from sellerport.emulator import parameters

from .conftest import Local

US = "ATVPDKIKX0DER"
REPORTS, QUERY = "/reports/2021-06-30/reports", {"reportTypes": "A"}
AWD = "/awd/2024-05-09/inventory"


@pytest.mark.parametrize(
    ("path", "query", "details"),
    [
        (REPORTS, {"reportTypes": ",".join("ABCDEFGHIJK")}, "reportTypes must not have more than 10 values"),
        (REPORTS, {**QUERY, "processingStatuses": "DONE,LOST"}, "processingStatuses has an unknown value: LOST"),
        (REPORTS, {**QUERY, "pageSize": "101"}, "pageSize must be from 1 to 100"),
        (REPORTS, {**QUERY, "pageSize": "+1"}, "pageSize must be from 1 to 100"),
        (REPORTS, {**QUERY, "pageSize": "9" * 5000}, "pageSize must be from 1 to 100"),
        (AWD, {"maxResults": "many"}, "maxResults must be from 1 to 200"),
        (AWD, {"sortOrder": "UP"}, "sortOrder has an unknown value: UP"),
        (
            "/orders/2026-01-01/orders",
            {"createdAfter": "2026-01-01", "marketplaceIds": ",".join([US] * 51)},
            "marketplaceIds must not have more than 50 values",
        ),
    ],
)
def test_a_value_that_the_catalogue_does_not_allow_is_refused(
    amazon: Local, path: str, query: dict[str, str], details: str
) -> None:
    assert amazon.call("GET", path, **query).error == (400, "InvalidInput", details)


def test_what_is_not_there_and_the_first_of_what_is_repeated_are_taken(amazon: Local) -> None:
    token = {"x-amz-access-token": amazon.token()}
    assert amazon.send("GET", f"{AWD}?maxResults=&sortOrder=", headers=token).status == 200
    assert amazon.send("GET", f"{AWD}?maxResults=5&maxResults=x&unknown=y", headers=token).status == 200


def test_an_api_that_looks_at_values_itself_has_code_of_its_own() -> None:
    assert {one.api for one in catalog.operations()} >= parameters.OWN_WORDS
