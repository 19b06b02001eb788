"""The proved defects of other clients that have no number (reference/peer-sdks.md, 1.1, 1.3, 1.4), shown to be absent.

A test fails if we had the defect: it does what made the other client go wrong, and asserts what must come of it.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest

from sellerport.errors import (
    AccessDenied,
    AmazonRefused,
    CredentialsError,
    DocumentError,
    GrantRevoked,
    InvalidArguments,
    NoAnswer,
    Throttled,
    TokenUnavailable,
)
from sellerport.oauth import Tokens
from sellerport.restricted import RestrictedTokens
from tests.conftest import TOKEN_PATH, Clients
from tests.peers.conftest import Noting, Proxy, proxied, python
from tests.stand_in import StandIn

SINCE = "2020-01-01T00:00:00Z"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
US = "ATVPDKIKX0DER"


# python-amazon-sp-api: credentials, environment and log; the numbers are those of 1.3


def test_python_amazon_sp_api_credentials_4_half_of_the_credentials_are_an_error(clients: Clients) -> None:
    """1.3 (proved 4): an incomplete dictionary was passed over, and the environment's account called instead."""
    given = clients.amazon.credentials()
    environ = {"SP_API_REFRESH_TOKEN": "r", "LWA_APP_ID": "a", "LWA_CLIENT_SECRET": "s"}
    for missing in given:
        half = {name: value for name, value in given.items() if name != missing}
        with pytest.raises(CredentialsError, match=f"lack {missing}"):
            clients.make(half, environ=environ)
    empty = {**given, "lwa_client_secret": ""}
    with pytest.raises(CredentialsError, match="lack lwa_client_secret"):
        clients.make(empty, environ=environ)


def test_python_amazon_sp_api_credentials_6_an_account_that_is_not_there_is_an_error(clients: Clients) -> None:
    """1.3 (proved 6): a misspelled account silently called the one without a name."""
    given = clients.amazon.credentials()
    environ = {
        "SP_API_REFRESH_TOKEN": "Atzr|of-the-default",
        "SP_API_REFRESH_TOKEN_shop": given["refresh_token"],
        "LWA_APP_ID": given["lwa_app_id"],
        "LWA_CLIENT_SECRET": given["lwa_client_secret"],
    }
    with pytest.raises(CredentialsError, match="no account 'shpo'; did you mean 'shop'"):
        clients.make(None, environ=environ, account="shpo")
    sp = clients.make(None, environ=environ, account="shop")
    assert clients.do(lambda: sp.sellers.get_account()).status == 200


def test_python_amazon_sp_api_credentials_12_to_14_the_file_is_where_it_should_be(
    clients: Clients, tmp_path: Path
) -> None:
    """1.3 (proved 12, 13, 14): XDG_CONFIG_HOME did not count, no shell could name the folder, and one was created."""
    lines = "\n".join(f"  {name}: {value}" for name, value in clients.amazon.credentials().items())
    xdg, home = tmp_path / "xdg", tmp_path / "home"
    home.mkdir()
    with pytest.raises(CredentialsError, match=r"xdg/python-sp-api/credentials\.yml does not exist"):
        clients.make(None, environ={"HOME": str(home), "XDG_CONFIG_HOME": str(xdg)})
    assert (list(home.iterdir()), xdg.exists()) == ([], False)
    (xdg / "python-sp-api").mkdir(parents=True)
    written = xdg / "python-sp-api/credentials.yml"
    written.write_text(f"default:\n{lines}\n")
    written.chmod(0o600)
    for environ in ({"HOME": str(home), "XDG_CONFIG_HOME": str(xdg)}, {"SELLERPORT_CREDENTIALS": str(written)}):
        sp = clients.make(None, environ=environ)
        assert clients.do(lambda sp=sp: sp.sellers.get_account()).status == 200


def test_python_amazon_sp_api_credentials_15_the_marketplace_given_beats_the_environment(clients: Clients) -> None:
    """1.3 (proved 15): SP_API_DEFAULT_MARKETPLACE beat even an explicit ``marketplace``."""
    environ = {"SP_API_DEFAULT_MARKETPLACE": "DE"}
    sp = clients.make(environ=environ, marketplace="US")
    clients.do(lambda: sp.fba_inventory.get_inventory_summaries(granularity_type="Marketplace", granularity_id=US))
    (sent,) = clients.amazon.arrived()
    assert (sent["host"], dict(sent["query"])["marketplaceIds"]) == (
        "sellingpartnerapi-na.amazon.com",
        "ATVPDKIKX0DER",
    )


def test_python_amazon_sp_api_the_environment_is_not_read_at_import() -> None:
    """1.1: AWS_ENV was read when the package was imported, for the whole process, and most values of it raised."""
    code = """
import os
class Watched(dict):
    read = []
    def __getitem__(self, name): Watched.read.append(name); return dict.__getitem__(self, name)
    def get(self, name, default=None): Watched.read.append(name); return dict.get(self, name, default)
    def __contains__(self, name): Watched.read.append(name); return dict.__contains__(self, name)
import asyncio, atexit, json, logging, ssl, urllib.request, uuid  # what they read is their own
import jsonschema_rs, msgspec, pyreqwest.client
os.environ = Watched(os.environ)
from sellerport import AsyncSellingPartner, Hosted, SellingPartner
import sellerport.documents, sellerport.notifications.sqs, sellerport.limits, sellerport.oauth, sellerport.restricted
print([name for name in Watched.read if name.startswith(("SP_API", "AWS", "LWA", "SELLERPORT"))])
"""
    assert python(code, AWS_ENV="dev", SP_API_DEFAULT_MARKETPLACE="nowhere") == "[]"


def test_python_amazon_sp_api_no_token_is_logged(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    """1.1: at DEBUG it logged its headers, the access token among them."""
    sp = clients.make(restricted_tokens=RestrictedTokens())
    order = clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE)).payload["Orders"][0]["AmazonOrderId"]
    with caplog.at_level(logging.DEBUG):
        clients.do(lambda: sp.orders_v0.get_order(order_id=order, restricted=["buyerInfo"]))
        clients.do(lambda: clients.make(tokens=Tokens()).sellers.get_account())
    assert "orders_v0.get_order na 200" in caplog.text
    for secret in ("Atza|", "Atzr|", "Atz.sprdt", "local-secret"):
        assert secret not in caplog.text


# python-amazon-ad-api, as far as a Selling Partner client could have the same defect


def test_python_amazon_ad_api_credentials_that_are_given_beat_the_environment(clients: Clients) -> None:
    """1.4: the environment silently beat explicit credentials."""
    environ = {"SP_API_REFRESH_TOKEN": "Atzr|other", "LWA_APP_ID": "other", "LWA_CLIENT_SECRET": "other"}
    sp = clients.make(environ=environ)
    assert clients.do(lambda: sp.sellers.get_account()).status == 200
    (asked,) = clients.amazon.arrived(TOKEN_PATH)
    assert dict(asked["body"])["client_id"] == clients.amazon.credentials()["lwa_app_id"]


def test_python_amazon_ad_api_any_module_can_be_imported_first() -> None:
    """1.4: importing one of its packages before another was a circular import."""
    code = """
import importlib, pkgutil, sys
import sellerport
names = [one.name for one in pkgutil.walk_packages(sellerport.__path__, "sellerport.")]
names = [one for one in names if one.split(".")[1] not in ("__main__", "cli", "emulator", "server", "types")]
for name in names:
    for loaded in [one for one in sys.modules if one.partition(".")[0] == "sellerport"]:
        del sys.modules[loaded]
    importlib.import_module(name)
print(len(names) > 20)
"""
    assert python(code) == "True"


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 500}, {"status": 404, "answer": "html"}], ids=str)
def test_python_amazon_ad_api_a_failed_download_is_an_error(clients: Clients, fault: dict[str, Any]) -> None:
    """1.4: that a download had failed was said inside of its payload, as ``{"success": False}``."""
    sp = clients.make()
    clients.amazon.fail(path="/_storage/*", times=9, **fault)
    with pytest.raises(DocumentError, match=str(fault["status"])) as caught:
        clients.do(lambda: sp.reports.fetch(LISTINGS))
    assert caught.value.id


def test_python_amazon_ad_api_a_download_brings_no_credentials(clients: Clients) -> None:
    """1.4: the access token and the client's id went to whatever address a document was said to be at."""
    sp = clients.make()
    assert clients.do(lambda: sp.reports.fetch(LISTINGS)).size
    (sent,) = [one for one in clients.amazon.arrived() if one["path"].startswith("/_storage/")]
    assert sent["status"] == 200
    assert {"authorization", "x-amz-access-token", "cookie"} & set(sent["headers"]) == set()
    assert "Atza" not in str(sent)


def test_python_amazon_ad_api_a_download_goes_to_amazons_storage_alone(
    clients: Clients, stand_in: StandIn, proxy: Proxy
) -> None:
    """1.4: see above; here an address that is not Amazon's is not even asked."""
    stand_in.say({"reportDocumentId": "d", "url": f"{proxy.address}/document"})
    sp = clients.make(amazon=stand_in.address)
    with pytest.raises(DocumentError, match="is not Amazon's storage; nothing was sent"):
        clients.do(lambda: sp.reports.download("d"))
    assert proxy.heard == []


def test_python_amazon_ad_api_a_redirect_does_not_take_the_token_along(
    clients: Clients, stand_in: StandIn, proxy: Proxy
) -> None:
    """1.4: see above; an answer that leads elsewhere is no answer of Amazon's."""
    stand_in.say(b"", 302, location=f"{proxy.address}/elsewhere")
    sp = clients.make(amazon=stand_in.address)
    with pytest.raises(AmazonRefused) as caught:
        clients.do(lambda: sp.sellers.get_account())
    assert (caught.value.status, proxy.heard) == (302, [])


def test_python_amazon_ad_api_connections_are_used_again(clients: Clients, stand_in: StandIn) -> None:
    """1.4: every call opened a connection of its own."""
    sp = clients.make(amazon=stand_in.address)
    for _ in range(10):
        clients.do(lambda: sp.finances_v0.list_financial_events())
    assert (len(stand_in.heard), len({one.connection for one in stand_in.heard})) == (10, 1)


def test_python_amazon_ad_api_an_ordinary_call_warns_of_nothing(
    clients: Clients, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """1.4: operations that are current were logged as deprecated."""
    with warnings.catch_warnings(), caplog.at_level(logging.INFO):
        warnings.simplefilter("error")
        sp = clients.make()
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
        clients.do(lambda: sp.reports.fetch(LISTINGS))
    assert [one for one in caplog.records if one.name.startswith("sellerport")] == []
    assert capfd.readouterr() == ("", "")


def test_python_amazon_ad_api_everything_that_is_sent_has_a_time_limit(clients: Clients) -> None:
    """1.4: by default nothing did."""
    wire = Noting(clients.wire, clients.slept)
    sp = clients.make(wire=wire)
    clients.do(lambda: sp.reports.fetch(LISTINGS))
    hosts = {request.url.split("/")[3].partition("?")[0] for request in wire.sent}
    assert hosts == {"api.amazon.com", "sellingpartnerapi-na.amazon.com", "_storage"}
    assert [request.url for request in wire.sent if not 0 < request.timeout_s <= 120] == []


def test_python_amazon_ad_api_trouble_is_got_over_by_default(clients: Clients) -> None:
    """1.4: by default nothing was tried again."""
    sp = clients.make()
    clients.amazon.fail(path="/sellers/*", status=503)
    clients.amazon.fail(path=TOKEN_PATH, status=500)
    assert clients.do(lambda: sp.sellers.get_account()).status == 200
    assert len(clients.slept) == 2


# npm amazon-sp-api


def test_npm_amazon_sp_api_a_reset_connection_is_tried_again_a_few_times_with_pauses(clients: Clients) -> None:
    """1.4: after ECONNRESET it reconnected about a thousand times a second, for ever."""
    sp = clients.make()
    clients.amazon.fail(answer="reset", times=99)
    with pytest.raises(NoAnswer, match="closed the connection"):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert (len(clients.amazon.arrived()), clients.slept) == (4, [0.5, 1.0, 2.0])


def test_npm_amazon_sp_api_an_amazon_that_is_not_there_is_given_up(clients: Clients) -> None:
    """1.4: ENOTFOUND was tried again for ever."""
    wire = Noting(clients.wire, clients.slept)
    sp = clients.make(amazon="http://no-such-host.invalid", wire=wire)
    with pytest.raises(TokenUnavailable, match="could not be found"):
        clients.do(lambda: sp.sellers.get_account())
    assert (len(wire.sent), len(clients.slept)) == (3, 2)
    assert all(pause > 0 for pause in clients.slept)


def test_npm_amazon_sp_api_every_failure_reaches_its_caller(clients: Clients) -> None:
    """1.4: the last of the retries failed where nobody waited for it, which ended the process."""
    unheard: list[Any] = []
    clients.runner.get_loop().set_exception_handler(lambda _, context: unheard.append(context))
    sp = clients.make()
    clients.amazon.fail(answer="reset", times=99)
    answers = clients.at_once([lambda: sp.orders_v0.get_orders(created_after=SINCE)] * 3)
    assert [type(one) for one in answers] == [NoAnswer] * 3
    clients.amazon.world.revoke()
    answers = clients.at_once([lambda: clients.make(tokens=Tokens()).sellers.get_account()] * 3)
    assert [type(one) for one in answers] == [GrantRevoked] * 3
    assert unheard == []


def test_npm_amazon_sp_api_a_throttled_call_ends_with_its_patience(clients: Clients) -> None:
    """1.4: a throttled call was tried again for ever."""
    sp = clients.make(patience_s=300)
    clients.amazon.fail(status=429, times=999)
    with pytest.raises(Throttled) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert 60 <= sum(clients.slept) <= 300
    assert len(clients.amazon.arrived()) <= 6  # getOrders may be called once a minute
    assert caught.value.retry_after > 0


def test_npm_amazon_sp_api_a_download_goes_through_the_proxy_too(clients: Clients, proxy: Proxy) -> None:
    """1.4: a streamed download did not."""
    with proxied(clients, proxy) as wire:
        assert clients.do(lambda: clients.make(wire=wire).reports.fetch(LISTINGS)).size
    assert any("/_storage/" in one.url for one in proxy.heard)
    assert len(proxy.heard) == len(clients.amazon.world.requests)


def test_npm_amazon_sp_api_headers_are_sent_as_headers(clients: Clients) -> None:
    """1.4: the headers that a call gave were put into something else, and never sent."""
    sp = clients.make(marketplace="US", sandbox=True)  # which alone has this operation
    body = {"inventoryItems": [{"sellerSku": "LHG-001", "marketplaceId": US, "quantity": 1}]}
    with pytest.raises(InvalidArguments, match="x_amzn_idempotency_token: is required"):
        clients.do(lambda: sp.fba_inventory.add_inventory(body=body))
    clients.do(lambda: sp.fba_inventory.add_inventory(x_amzn_idempotency_token="once-1", body=body))
    (sent,) = clients.amazon.arrived()
    assert sent["headers"]["x-amzn-idempotency-token"] == "once-1"
    assert "once-1" not in str(sent["query"]) + str(sent["body"])


def test_npm_amazon_sp_api_a_401_with_a_message_is_an_error(clients: Clients, stand_in: StandIn) -> None:
    """1.4: 401 with ``{"message": …}`` was returned as data."""
    stand_in.say({"message": "The security token is invalid."}, 401)
    sp = clients.make(amazon=stand_in.address)
    with pytest.raises(AccessDenied) as caught:
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert caught.value.message == "The security token is invalid."
