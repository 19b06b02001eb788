"""Warehouse software in JavaScript, which knows the gateway's contract alone, against `sellerport serve`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from running import NODE, Amazon, Client, Json, run, sellerport, serve

REDIRECT = "https://wms.example.com/oauth/done?ref=123"


@pytest.fixture(scope="module")
def journey(amazon: Amazon, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What the program was answered, on its way from the tenant's refresh token to a seller that Amazon answers."""
    amazon.control("reset", {})
    folder: Path = tmp_path_factory.mktemp("gateway")
    environ = {
        "SELLERPORT_AMAZON": amazon.address,
        "SELLERPORT_VAULT_KEY_FILE": "sellerport.key",
        "SELLERPORT_LOG_LEVEL": "warning",
    }
    sellerport(folder, environ, "key", "new")
    create = ("gateway", "tenant", "create", "Node", "--redirect-origin", "https://wms.example.com/oauth")
    made = json.loads(sellerport(folder, environ, *create, "--json"))
    client, application = amazon.told["LWA_APP_ID"], amazon.told["application_id"]
    named = ("application", "register", "--lwa-client-id", client, "--application-id", application)
    sellerport(folder, environ, *named, given=amazon.told["LWA_CLIENT_SECRET"])
    account = amazon.control("accounts", {"marketplaces": ["ATVPDKIKX0DER"], "name": "Node's", "orders": 1})
    with serve(folder, environ) as address:
        task = {
            "address": address,
            "tenant_id": made["tenant_id"],
            "refresh_token": made["refresh_token"],
            "redirect": REDIRECT,
            "seller": account["selling_partner_id"],
        }
        facts = run(Client((NODE, "gateway.mjs"), "node"), task, {"PATH": os.environ["PATH"]})
    return {**facts, "task": task}


def test_the_browser_brings_what_the_contract_says(journey: Json) -> None:
    assert list(journey["brought"]) == ["ref", "state", "tenant_id", "seller_id", "code"]
    assert journey["brought"]["ref"] == "123"
    assert journey["brought"]["tenant_id"] == journey["task"]["tenant_id"]
    assert journey["brought"]["code"].startswith("claim_")


def test_the_claim_code_becomes_a_seller_that_amazon_answers_and_is_good_once(journey: Json) -> None:
    assert journey["claimed"]["refresh_token"].startswith("srt_")
    assert journey["claimed"]["selling_partner_id"] == journey["task"]["seller"]
    assert journey["again"] == "Invalid or expired claim code"
    assert journey["seller"]["access_token"].count(".") == 2
    assert journey["tested"]["status"] == "succeeded"


def test_an_owner_who_cancels_comes_back_with_an_error(journey: Json) -> None:
    assert list(journey["denied"]) == ["ref", "state", "tenant_id", "error", "error_description"]
    assert journey["denied"]["error"] == "access_denied"
