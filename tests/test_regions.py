"""The closed table of hosts: what is found in it, and that nothing else can be reached."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sellerport.errors import InvalidArguments, SettingsError
from sellerport.regions import HOSTS, LWA, MARKETPLACES, REGIONS, Amazon, marketplace, region

TABLE = Path(__file__).parent.parent.parent / "shared" / "amazon" / "sp-api" / "facts" / "marketplaces.json"


@pytest.mark.skipif(not TABLE.exists(), reason="Amazon's tables are not beside this clone")
def test_all_23_marketplaces_are_as_amazon_lists_them() -> None:
    rows = json.loads(TABLE.read_text("utf-8"))
    assert len(rows) == len(MARKETPLACES) == 23
    for row in rows:
        shop = marketplace(row["marketplaceId"])
        assert (shop.country, shop.region, shop.domain, shop.currency) == (
            row["countryCode"],
            row["region"],
            row["storeDomain"],
            row["currency"],
        )
        assert f"https://{shop.seller_central}" == row["sellerCentralUrl"]
        assert f"https://{shop.vendor_central}" == row["vendorCentralUrl"]
        assert f"https://{REGIONS[shop.region].host}" == row["endpoint"]
        assert f"https://{REGIONS[shop.region].sandbox}" == row["sandboxEndpoint"]
        alternates = [*row["sellerCentralUrlAlternates"], *row["vendorCentralUrlAlternates"]]
        assert {url.removeprefix("https://") for url in alternates} <= HOSTS


@pytest.mark.parametrize(
    ("name", "country"),
    [("DE", "DE"), ("de", "DE"), ("UK", "GB"), ("GB", "GB"), ("A1F83G8C2ARO7P", "GB"), (" us ", "US")],
)
def test_a_marketplace_is_found_by_country_or_id(name: str, country: str) -> None:
    assert marketplace(name).country == country


@pytest.mark.parametrize("name", ["na", "NA", "https://sellingpartnerapi-na.amazon.com", "BR", "ATVPDKIKX0DER"])
def test_a_region_is_found_by_every_documented_name(name: str) -> None:
    assert region(name).name == "na"


@pytest.mark.parametrize("name", ["", "XX", "com.attacker.test", "https://sellingpartnerapi-na.amazon.com.evil.test"])
def test_what_is_not_in_the_table_does_not_exist(name: str) -> None:
    with pytest.raises(InvalidArguments, match="no such country, marketplace id or region"):
        marketplace(name)


def test_every_host_is_amazons() -> None:
    for host in HOSTS:
        assert host == "www.vendorcentral.in" or host.split(".")[1] == "amazon" or ".amazon." in host


def test_a_local_amazon_has_every_host_as_the_first_segment_of_its_path() -> None:
    assert Amazon("http://127.0.0.1:1/").url(LWA, "/auth/o2/token") == "http://127.0.0.1:1/api.amazon.com/auth/o2/token"
    assert Amazon().url(REGIONS["fe"].sandbox, "/x") == "https://sandbox.sellingpartnerapi-fe.amazon.com/x"


@pytest.mark.parametrize("address", ["127.0.0.1:8099", "http://", "http://h:99999"])
def test_a_local_amazon_whose_address_is_none_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="is written like http"):
        Amazon(address)


def test_an_address_outside_the_table_cannot_be_built() -> None:
    with pytest.raises(AssertionError):
        Amazon().url("evil.test", "/")
