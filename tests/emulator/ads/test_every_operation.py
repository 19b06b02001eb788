"""Every operation of the catalogue answers, and what it answers fits its schema."""

import re

import pytest

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator.ads.gateway import ENDPOINTS

from .conftest import Ads

EMPTY = re.compile("budgetRules|testAccounts|streams")
"""What nothing is seeded of."""
LISTS = sorted(
    key
    for key in ENDPOINTS
    if key.endswith("/list") or "/query/" in key or (key.startswith("GET ") and not key.endswith("}"))
    if not EMPTY.search(key)
)


@pytest.mark.parametrize("key", LISTS)
def test_a_list_of_what_was_seeded_fits_its_schema(ads: Ads, key: str) -> None:
    method, _, path = key.partition(" ")
    extended = {"includeExtendedDataFields": True} if "/v4/" in path or path.startswith(("/sp/", "/port")) else {}
    products = ["SPONSORED_PRODUCTS", "SPONSORED_BRANDS", "SPONSORED_DISPLAY"] if "/query/" in path else [None]
    for product in products:
        body = {"adProductFilter": {"include": [product]}} if product else extended
        answer = ads.send(method, path, None if method == "GET" else body)
        assert answer.status == 200, answer.body
        rows = (
            answer.json
            if isinstance(answer.json, list)
            else next(v for v in answer.json.values() if isinstance(v, list))
        )
        assert rows or path == "/sd/locations", path


def test_every_endpoint_is_an_operation_of_the_catalogue() -> None:
    known = {f"{one.method} {_plain(one.path)}" for one in catalog.operations("ads")}
    assert not {_plain(key) for key in ENDPOINTS} - known


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


@pytest.mark.parametrize("api", sorted({one.api for one in catalog.operations("ads")}))
def test_an_operation_without_state_answers_nothing_and_says_so(ads: Ads, api: str) -> None:
    handled = {_plain(key) for key in ENDPOINTS}
    for one in catalog.operations("ads"):
        if one.api == api and f"{one.method} {_plain(one.path)}" not in handled:
            _without_state(ads, one)


def _without_state(ads: Ads, operation: Operation) -> None:
    path = re.sub(r"\{[^}]*\}", "1", operation.path)
    answer = ads.send(operation.method, path, None if operation.method == "GET" else {})
    if operation.removal:
        assert answer.status in (403, 404), operation.key
        return
    assert answer.status < 300, (operation.key, answer.body)
    if "x-sellerport-emulator" in answer.headers:
        assert answer.headers["x-sellerport-emulator"] == "no-state"
