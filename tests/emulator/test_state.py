"""A world that was dumped and loaded goes on as if nothing had been: what is read again reads the same."""

import gzip
import json
import os
import resource
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sellerport.emulator import Application, Fault, Outcome, World, holdings, running, state
from sellerport.errors import InvalidArguments, SettingsError

from . import (
    half_done,
    test_distribution,
    test_easy_ship,
    test_external_inventory,
    test_external_shipments,
    test_feeds,
    test_finances,
    test_grants,
    test_inbound,
    test_listings,
    test_merchant_fulfillment,
    test_outbound,
    test_reports,
    test_services,
    test_shipment_confirmation,
    test_shipping,
    test_supply_sources,
    test_vendor_shipments,
)
from .conftest import NOW, Local, Reply
from .half_done import calling, received
from .subscriber import EVERY_CHANGE

US = "ATVPDKIKX0DER"
SELLER = "ALOCALSELLERNA"
ORDERS_V0, ORDERS_2026, FINANCES = "/orders/v0/orders", "/orders/2026-01-01/orders", "/finances/v0/financialEvents"
OPEN_LISTINGS = "GET_FLAT_FILE_OPEN_LISTINGS_DATA"


@dataclass(frozen=True)
class Recorded(Local):
    """A local Amazon that remembers what it was asked, and what it said."""

    said: list[tuple[tuple[Any, ...], Reply]] = field(default_factory=list)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 20,
    ) -> Reply:
        answer = super().send(method, target, body, headers, timeout)
        self.said.append(((method, target, body, headers), answer))
        return answer

    def heard(self) -> list[tuple[Any, ...]]:
        """Everything that was said, without where it was said and when."""
        found = []
        for (method, *_), answer in self.said:
            kept = {
                name: value.replace(self.base, "")
                for name, value in answer.headers.items()
                if name not in ("date", "content-length")
            }
            zipped = kept.get("content-encoding") == "gzip" and answer.status == 200
            body = gzip.decompress(answer.body) if zipped and answer.body[:2] == b"\x1f\x8b" else answer.body
            found.append((method, answer.status, kept, body.replace(self.base.encode(), b"")))
        return found


@pytest.fixture(scope="session")
def _elsewhere() -> Iterator[Local]:
    world = World(seed=5, orders=0, clock=lambda: NOW)
    with running(world) as base:
        yield Local(world, base)


@pytest.fixture
def here(amazon: Local) -> Recorded:
    return Recorded(amazon.world, amazon.base)


@pytest.fixture
def there(_elsewhere: Local) -> Recorded:
    """Another world, of another seed, with nothing in it that will be loaded."""
    _elsewhere.world.reset(seed=5)
    return Recorded(_elsewhere.world, _elsewhere.base)


def moved(here: Recorded, there: Recorded) -> None:
    """Load into one world what another one holds, as a file would bring it, and dump it again."""
    file = here.control("GET", "dump").body
    loaded = there.control("POST", "load", json.loads(file))
    assert loaded.status == 200, loaded.body
    assert there.control("GET", "dump").body == file
    assert there.control("GET", "state").json["accounts"] == here.control("GET", "state").json["accounts"]
    here.said.clear()
    there.said.clear()


def serviced(amazon: Local) -> None:
    services = amazon.world.services_of(SELLER)
    pending = next(one for one in services.jobs.values() if one.status == "PENDING_SCHEDULE")
    test_services.test_a_job_is_scheduled_assigned_fulfilled_and_completed(
        amazon, calling(amazon), pending, next(iter(services.technicians))
    )


def sent(amazon: Local, deed: Callable[..., None]) -> None:
    vendor = amazon.world.vendors["ALOCALVENDORNA"]
    purchase = next(one for one in vendor.purchases.values() if one.state == "Acknowledged" and len(one.lines) > 1)
    deed(amazon, calling(amazon, "Atzr|local-vendor-na"), vendor, purchase)


DEEDS: dict[str, Callable[[Any], Any]] = {
    "an inbound plan": lambda a: test_inbound.test_a_plan_goes_all_the_way_from_its_items_to_its_tracking(
        test_inbound.Flow(a, a.token())
    ),
    "prep details": lambda a: test_inbound.test_a_sku_without_a_prep_classification_fails_until_it_is_given_one(
        test_inbound.Flow(a, a.token())
    ),
    "outbound orders": test_outbound.test_both_versions_show_the_same_order,
    "packages under way": test_outbound.test_the_sandbox_says_where_a_package_is,
    "parcels": test_shipping.test_every_parcel_has_a_label_and_a_number_of_its_own,
    "merchant fulfillment": test_merchant_fulfillment.test_no_piece_is_labelled_twice_unless_its_label_was_given_back,
    "two packages": test_shipment_confirmation.test_an_order_in_two_packages_is_first_shipped_in_part,
    "a new listing": test_listings.test_a_new_listing_is_read_at_once_and_its_item_is_in_the_catalogue,
    "a deleted listing": test_listings.test_a_listing_that_is_deleted_is_gone_and_its_item_stays,
    "a defined type": test_listings.test_a_type_that_nobody_defined_is_taken_like_the_generic_one,
    "a listings feed": test_feeds.test_each_kind_of_message_changes_its_listing,
    "reports in pages": test_reports.test_reports_are_listed_newest_first_in_pages_whose_token_stands_alone,
    "a restricted report": test_reports.test_a_restricted_report_opens_to_a_token_for_its_very_path,
    "an encrypted report": lambda a: test_reports.test_a_document_can_have_the_old_encrypted_form(a, packed=True),
    "a report of any size": lambda a: test_reports.test_a_document_can_have_any_size(a, 1_000_000, None),
    "pages of finances": test_finances.test_lists_come_in_pages_that_want_their_arguments_again,
    "a payout": test_finances.test_asking_for_the_money_pays_it_at_once_and_only_once,
    "a rotated secret": test_grants.test_the_old_secret_is_good_for_a_week_more,
    "strict tokens": test_grants.test_in_strict_mode_a_used_refresh_token_ends_the_grant,
    "a service": serviced,
    "a replenishment": lambda a: test_distribution.test_a_replenishment_leaves_there_and_comes_to_fba(a, calling(a)),
    "a vendor's shipment": lambda a: sent(a, test_vendor_shipments.test_what_is_sent_is_received_when_it_arrives),
    "a vendor's transport": lambda a: sent(a, test_vendor_shipments.test_amazon_fetches_what_it_pays_for),
    "easy ship": test_easy_ship.test_an_order_is_scheduled_in_a_slot_read_again_and_moved_until_it_is_picked_up,
    "external fulfillment": test_external_shipments.test_a_shipment_goes_all_the_way_and_its_order_with_it,
    "shipments of the sandbox": test_external_shipments.test_the_sandbox_says_what_amazon_its_carrier_and_the_buyer_do,
    "counts of the sandbox": test_external_inventory.test_a_place_of_the_sandbox_has_a_count_of_its_own,
    "supply sources": test_supply_sources.test_a_place_is_read_back_changed_and_given_up,
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_whatever_was_read_reads_the_same_in_another_world(
    here: Recorded, there: Recorded, deed: Callable[[Any], Any]
) -> None:
    deed(here)
    read = [request for request, _ in here.said if request[0] == "GET"]
    here.world.faults.clear()
    moved(here, there)
    for request in read:
        here.send(*request)
        there.send(*request)
    assert here.heard() == there.heard()
    assert here.world.dump() == there.world.dump()


# --- things that are half done ----------------------------------------------------------------------------------------


def begin(amazon: Recorded) -> Callable[[Recorded], None]:
    """Do half of many things, and return what does the other half, in whatever world."""
    world, token = amazon.world, amazon.token()
    asked = {"MarketplaceIds": US, "CreatedAfter": "2026-01-01", "MaxResultsPerPage": "5"}
    old = amazon.good("GET", ORDERS_V0, token, **asked)["payload"]["NextToken"]
    wanted = {"createdAfter": "2026-01-01T00:00:00Z", "maxResultsPerPage": "5"}
    new = amazon.good("GET", ORDERS_2026, token, **wanted)["pagination"]["nextToken"]
    spans = {"PostedAfter": "2026-08-20T00:00:00Z", "MaxResultsPerPage": "2"}
    posted = amazon.good("GET", FINANCES, token, **spans)["payload"]["NextToken"]

    report = amazon.good("POST", "/reports/2021-06-30/reports", token, report_of(US))["reportId"]
    amazon.call("GET", f"/reports/2021-06-30/reports/{report}", token)
    amazon.good("POST", "/reports/2021-06-30/schedules", token, {**report_of("A2EUQ1WTGCTBG2"), "period": "PT1H"})

    plan = {
        "destinationMarketplaces": [US],
        "sourceAddress": test_inbound.FROM,
        "items": [test_inbound.item(test_inbound.skus(amazon)[0], 4)],
    }
    made = amazon.good("POST", f"{test_inbound.ROOT}/inboundPlans", token, plan)
    send = amazon.good(
        "POST", test_outbound.ROOT + "/fulfillmentOrders", token, outgoing(test_outbound.skus(amazon)[0])
    )
    assert send == {}
    parcel = test_shipping.rates(amazon).json["payload"]

    grantless = amazon.grantless()
    arn = "arn:aws:sqs:us-east-1:123456789012:orders"
    spec = {"name": "orders", "resourceSpecification": {"sqs": {"arn": arn}}}
    to = amazon.good("POST", "/notifications/v1/destinations", grantless, spec)["payload"]["destinationId"]
    for type, more in (("ORDER_CHANGE", {"processingDirective": EVERY_CHANGE}), ("REPORT_PROCESSING_FINISHED", {})):
        body = {"destinationId": to, "payloadVersion": "1.0", **more}
        amazon.good("POST", f"/notifications/v1/subscriptions/{type}", token, body)
    order = test_shipment_confirmation.waiting(amazon, pieces=2)
    test_shipment_confirmation.confirm(amazon, order, [(order.items[0].id, 1)])
    received(amazon)

    world.add_application(Application(application_id="mine", client_id="mine", client_secret="mine", private=True))
    world.grant(SELLER, "mine", refresh_token="Atzr|mine")
    code = world.issue_code(world.application("mine"), world.account("ALOCALSELLEREU"), None)
    world.add_account(("SE", "PL"), selling_partner_id="AMINE", orders=3)
    world.rotate_secret("mine", client_secret="newer")
    world.advance(10.5)
    world.fail(Fault(path="/sellers/*", status=503, times=9, chance=0.5))
    for _ in range(3):
        amazon.call("GET", "/sellers/v1/account", token)
    world.plan(Outcome(kind="query", type="*", status="FATAL"))
    world.page("awd_2024_05_09.list_inventory", 3)
    invented = amazon.good("GET", "/awd/2024-05-09/inventory", token)["nextToken"]
    world.limit(operation="orders_v0.get_order", rate=0.25, burst=2)

    def go_on(there: Recorded) -> None:
        there.call("GET", ORDERS_V0, token, NextToken=old, MarketplaceIds=US)
        there.call("GET", ORDERS_2026, token, paginationToken=new)
        there.call("GET", FINANCES, token, NextToken=posted, **spans)
        there.call("GET", "/awd/2024-05-09/inventory", token, nextToken=invented)
        assert {answer.status for _, answer in there.said} == {200}
        there.world.advance(7200)
        fresh = there.token()
        for _ in range(3):
            there.call("GET", f"/reports/2021-06-30/reports/{report}", fresh)
            operation = there.call("GET", f"{test_inbound.ROOT}/operations/{made['operationId']}", fresh).json
        assert operation["operationStatus"] == "SUCCESS"
        there.call("GET", f"{test_inbound.ROOT}/inboundPlans/{made['inboundPlanId']}", fresh)
        there.call("GET", f"{test_outbound.ROOT}/fulfillmentOrders/ORDER-1", fresh)
        assert test_shipping.purchase(there, parcel).status == 400  # rates stand for ten minutes
        for _ in range(6):
            there.call("GET", "/sellers/v1/account", fresh)
            received(there)
        for secret in ("mine", "newer"):
            there.lwa(grant_type="refresh_token", refresh_token="Atzr|mine", client_id="mine", client_secret=secret)
        there.lwa(grant_type="authorization_code", code=code, client_id="mine", client_secret="newer")
        there.call("GET", f"{ORDERS_V0}/{order.id}", fresh)
        there.call("GET", f"{ORDERS_V0}/{order.id}", token)
        there.call("POST", "/dataKiosk/2023-11-15/queries", fresh, {"query": "{ a }"})
        there.call("GET", "/dataKiosk/2023-11-15/queries/50000018001", fresh)
        there.control("GET", "faults")
        there.control("GET", "notices")

    return go_on


def report_of(marketplace: str) -> dict[str, Any]:
    return {"reportType": OPEN_LISTINGS, "marketplaceIds": [marketplace]}


def outgoing(sku: str) -> dict[str, Any]:
    return {
        "sellerFulfillmentOrderId": "ORDER-1",
        "displayableOrderId": "WEB-1",
        "displayableOrderDate": "2026-09-21T14:00:00Z",
        "displayableOrderComment": "Thank you",
        "shippingSpeedCategory": "Standard",
        "destinationAddress": test_outbound.ADDRESS,
        "items": [{"sellerSku": sku, "quantity": 2, "sellerFulfillmentOrderItemId": "line-1"}],
    }


@pytest.mark.parametrize("half", [begin, *half_done.THINGS.values()], ids=["many things", *half_done.THINGS])
def test_whatever_was_half_done_is_done_in_another_world_as_it_would_have_been(
    here: Recorded, there: Recorded, half: Callable[[Any], Callable[[Any], None]]
) -> None:
    go_on = half(here)
    moved(here, there)
    go_on(here)
    go_on(there)
    assert here.heard() == there.heard()
    assert here.world.dump() == there.world.dump()


def test_everything_that_a_world_holds_is_carried_or_left_on_purpose(here: Recorded) -> None:
    """Whoever gives the world, or a part of it, something new to hold has to say which of both it is."""
    for half in (*half_done.THINGS.values(), begin):
        half(here)

    def check(holder: Any) -> None:
        kind = type(holder)
        known = [*holdings.CARRIED[kind], *holdings.LEFT.get(kind, ())]
        assert sorted(vars(holder)) == sorted(known), kind
        for name in holdings.CARRIED[kind]:
            part = getattr(holder, name)
            if type(part) in holdings.CARRIED:
                check(part)
            else:
                assert not hasattr(part, "__dict__") or type(part).__module__ == "random", name

    check(here.world)


def test_what_has_no_fields_cannot_be_kept_and_says_where_it_is() -> None:
    world = World(orders=0)
    world.parcels.answers["a", "b", "c"] = [lambda: None]
    with pytest.raises(TypeError, match=r"parcels\.answers\.a/b/c\[0\]: a function"):
        world.dump()


def test_how_a_world_behaves_stays_and_its_limits_are_fresh(here: Recorded, there: Recorded) -> None:
    here.world.limit("real")
    here.world.limit(operation="sellers_v1.get_account", rate=0.01, burst=1)
    there.world.limit("fast")
    there.world.login.strict = True
    token = here.token()
    assert [here.call("GET", "/sellers/v1/account", token).status for _ in range(2)] == [200, 429]
    moved(here, there)
    assert (there.world.quotas.mode, there.world.login.strict) == ("fast", True)
    assert [there.call("GET", "/sellers/v1/account", token).status for _ in range(2)] == [200, 429]


def test_values_of_every_kind_come_back_as_they_were() -> None:
    world, other = World(orders=0), World(orders=0)
    every = {
        "tuples": (1, ("a",), []),
        "sets": ({"b", "a"}, frozenset({1})),
        "numbers": [float("inf"), -0.5, 2, True, None, Decimal("1.10")],
        "bytes": b"\x00\xff",
        "names": {"$ref": "#/$defs/a", "$type": "no class"},
        "keys": {1: "a", (1, 2): "b"},
        "things": [world.accounts[SELLER], world.accounts[SELLER].marketplaces[0]],
    }
    world.parcels.answers["a/b", "~1", ""] = every
    other.load(json.loads(state.encoded(world)))
    ((key, found),) = other.parcels.answers.items()
    assert key == ("a/b", "~1", "")
    assert found["things"][0] is other.accounts[SELLER]
    assert {**found, "things": None} == {**every, "things": None}
    assert repr(found["numbers"]) == repr(every["numbers"])


# --- by hand ----------------------------------------------------------------------------------------------------------


def edited(here: Recorded, there: Recorded, change: Callable[[Any], None]) -> None:
    """Load what is dumped, changed in between as a person would."""
    file = here.control("GET", "dump").json
    change(file)
    loaded = there.control("POST", "load", file)
    assert loaded.status == 200, loaded.body


ORDER: dict[str, Any] = {
    "marketplace": "US",
    "created": int(NOW) - 5 * 86_400,
    "updated": int(NOW) - 4 * 86_400,
    "status": "Shipped",
    "channel": "MFN",
    "items": [],
    "shipping": "4.99",
    "address": {
        "name": "Odette Marlowick",
        "line": "1 Analyst Way",
        "city": "Fairmeadow",
        "state": "OR",
        "postal_code": "97099",
        "country": "US",
        "phone": "+00 555 0100",
    },
    "email": "buyer@example.invalid",
    "prime": False,
    "business": False,
    "payment": "Other",
    "expedited": False,
}


def test_an_order_that_is_written_into_the_file_is_everywhere(here: Recorded, there: Recorded) -> None:
    id = "900-0000001-0000001"

    def add(file: Any) -> None:
        products = file["accounts"][SELLER]["products"]
        asin = next(asin for asin, one in products.items() if one["channel"] == "MFN")
        line = {"id": "77", "asin": asin, "sku": products[asin]["sku"], "title": "A thing", "quantity": 3, "shipped": 3}
        file["accounts"][SELLER]["orders"][id] = {**ORDER, "items": [{**line, "unit_price": "10.00", "tax": "2.40"}]}

    edited(here, there, add)
    token = there.token()
    assert there.good("GET", f"{ORDERS_V0}/{id}", token)["payload"]["OrderTotal"]["Amount"] == "37.39"
    found = there.good("GET", ORDERS_2026, token, createdAfter="2026-09-16T00:00:00Z", maxResultsPerPage="100")
    assert id in {one["orderId"] for one in found["orders"]}
    report = there.report(
        "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL", token, dataStartTime="2026-09-01T00:00:00Z"
    )
    document = there.good("GET", f"/reports/2021-06-30/documents/{report['reportDocumentId']}", token)
    assert id in there.fetch(document["url"]).body.decode()
    events = there.good("GET", f"/finances/v0/orders/{id}/financialEvents", token)["payload"]["FinancialEvents"]
    assert [one["AmazonOrderId"] for one in events["ShipmentEventList"]] == [id]
    sales = {"marketplaceIds": US, "granularity": "Total", "interval": "2026-09-16T00:00:00Z--2026-09-17T00:00:00Z"}
    before, after = (one.good("GET", "/sales/v1/orderMetrics", **sales)["payload"] for one in (here, there))
    assert sum(one["unitCount"] for one in after) == sum(one["unitCount"] for one in before) + 3


def test_a_product_that_is_written_into_the_file_is_for_sale(here: Recorded, there: Recorded) -> None:
    def add(file: Any) -> None:
        products = file["accounts"][SELLER]["products"]
        known = next(one for one in products.values() if one["channel"] == "MFN")
        products["B0MINE0001"] = {
            **known,
            "sku": "MINE-1",
            "title": "My Own Mug",
            "dollars": "12.34",
            "ean": "2900000000001",
        }

    edited(here, there, add)
    shown = test_listings.get(there, "MINE-1")
    assert (shown["summaries"][0]["asin"], shown["summaries"][0]["itemName"]) == ("B0MINE0001", "My Own Mug")
    assert shown["offers"][0]["price"]["amount"] == "12.34"
    item = there.good("GET", "/catalog/2022-04-01/items/B0MINE0001", marketplaceIds=US, includedData="summaries")
    assert item["summaries"][0]["itemName"] == "My Own Mug"
    known = len(here.world.account(SELLER).products)
    assert len(there.world.account(SELLER).products) == known + 1
    assert len(there.world.shelf.items) == len(here.world.shelf.items) + 3  # in the US, Canada and Mexico


def test_a_price_that_is_changed_in_the_file_is_changed_everywhere(here: Recorded, there: Recorded) -> None:
    product = here.world.account(SELLER).products[3]
    test_listings.get(here, product.sku)

    def change(file: Any) -> None:
        file["accounts"][SELLER]["products"][product.asin]["dollars"] = "99.99"

    edited(here, there, change)
    assert test_listings.get(there, product.sku)["offers"][0]["price"]["amount"] == "99.99"
    query = {"MarketplaceId": US, "Asins": product.asin, "ItemType": "Asin"}
    (price,) = there.good("GET", "/products/pricing/v0/price", **query)["payload"]
    assert price["Product"]["Offers"][0]["BuyingPrice"]["ListingPrice"]["Amount"] == 99.99


@pytest.fixture(scope="module")
def small() -> World:
    """A world that no test here changes."""
    return World(orders=2, clock=lambda: NOW)


def at(file: Any, *path: Any) -> Any:
    for step in path:
        file = file[step] if not isinstance(file, dict) or step in file else next(iter(file.values()))
    return file


FIRST = "the first one"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (
            ("accounts", SELLER, "orders", FIRST, "items", 0, "asin"),
            5,
            r"orders\.90\S+\.items\[0\]\.asin: must be a text",
        ),
        (("accounts", SELLER, "orders", FIRST, "created"), "today", r"orders\.90\S+\.created: must be a whole number"),
        (("accounts", SELLER, "orders", FIRST, "created"), 1.5, r"\.created: must be a whole number"),
        (("accounts", SELLER, "orders", FIRST, "prime"), 1, r"\.prime: must be true or false"),
        (("accounts", SELLER, "orders", FIRST, "status"), "Lost", r"\.status: must be one of: Pending, Unshipped"),
        (("accounts", SELLER, "orders", FIRST, "shipping"), 4.99, r"\.shipping: must be an amount, as a text"),
        (("accounts", SELLER, "orders", FIRST, "shipping"), "NaN", r"\.shipping: must be an amount"),
        (("accounts", SELLER, "orders", FIRST, "marketplace"), "XX", r"\.marketplace: must be the country"),
        (
            ("accounts", SELLER, "orders", FIRST, "marketplace"),
            "DE",
            r"\.marketplace: must be a marketplace of the acc",
        ),
        (("accounts", SELLER, "orders", FIRST, "adress"), {}, r"\.adress: is not known here"),
        (("accounts", SELLER, "orders", FIRST, "items"), {}, r"\.items: must be a list"),
        (("accounts", SELLER, "orders"), [], rf"accounts\.{SELLER}\.orders: must be an object"),
        (("accounts", SELLER, "marketplaces"), ["US", "DE"], r"marketplaces: must be one or more marketplaces of one"),
        (("accounts", SELLER, "marketplaces"), [], r"marketplaces: must be one or more marketplaces of one"),
        (("accounts", "AMINE"), {}, r"accounts\.AMINE\.name: is missing"),
        (("accounts", SELLER, "kind"), "vendor", rf"vendors\.{SELLER}: is missing, though"),
        (
            ("login", "grants", FIRST, "account"),
            {"$ref": "accounts.NOBODY"},
            r"account: \$ref must be the place of Acc",
        ),
        (("login", "grants", FIRST, "account"), {"$ref": ["a"]}, r"account: \$ref must be the place of Account"),
        (("login", "grants", FIRST, "expires_at"), "never", r"expires_at: must be a number"),
        (("login", "applications", FIRST, "regions"), ["moon"], r"regions\[0\]: must be one of: na, eu, fe"),
        (("documents",), {"alone": {}}, r"documents\.alone: must be named by 2 parts"),
        (
            ("storage", "objects", "a"),
            {"parts": "b", "size": 1, "content_type": "c"},
            r"objects\.a\.parts: must be what",
        ),
        (
            ("storage", "objects", "a"),
            {"parts": {"$type": "storage.Held", "body": "%"}, "size": 1, "content_type": "c"},
            r"objects\.a\.parts\.body: must be bytes in base64",
        ),
        (("parcels", "answers", "a/b/c"), {"$type": "os.system"}, r"a/b/c: \$type is not known here"),
        (("parcels", "answers", "a/b/c"), {"$type": "world.World"}, r"a/b/c: \$type is not known here"),
        (("parcels", "answers", "a/b/c"), {"$type": ["set"]}, r"a/b/c: \$type must be a text"),
        (("parcels", "answers", "a/b/c"), {"$type": "set", "items": [[]]}, r"a/b/c: items must be those of a set"),
        (("faults",), [{"times": 0}], r"faults\[0\]: times must be at least 1"),
        (("faults",), [{"operation": "none"}], r"faults\[0\]: "),
        (("chance",), "AAAA", r"chance: must be what a dump says of chance"),
        (("extra",), 1, r"extra: is not known here"),
        (("format",), 2, r"format: must be 1; load it with the version of Sellerport that wrote it"),
    ],
)
def test_what_is_wrong_in_a_file_is_refused_with_its_place_and_nothing_changes(
    small: World, path: tuple[Any, ...], value: Any, says: str
) -> None:
    before = small.dump()
    file = json.loads(json.dumps(before))
    at(file, *path[:-1])[path[-1]] = value
    with pytest.raises(InvalidArguments, match=says) as refused:
        small.load(file)
    assert len(refused.value.problems) == 1
    assert small.dump() == before


def test_what_is_no_dump_is_refused(amazon: Local) -> None:
    before = amazon.world.dump()
    wrong = {**before, "told": {"a": "b"}}
    answer = amazon.control("POST", "load", wrong)
    assert (answer.status, answer.json["error"]["code"]) == (422, "invalid_arguments")
    assert answer.json["error"]["problems"] == [{"field": "told.a", "message": "must be a whole number"}]
    deep = b'{"format": 1, "supply_sources": {"a": {"b": {"c": ' + b"[" * 900 + b"]" * 900 + b"}}}}"
    for body, says in ((b"[]", "object"), (b"{}", "format"), (b"{", "truncated"), (deep, "deep")):
        answer = amazon.send("POST", "/_emulator/load", body)
        assert answer.status in (400, 422), answer.body
        assert says in answer.body.decode()
    assert amazon.world.dump() == before


def test_a_file_may_hold_little(there: Recorded) -> None:
    shop = {"name": "Mine", "kind": "seller", "marketplaces": ["DE"], "owner": "me@mine.invalid"}
    loaded = there.control("POST", "load", {"format": 1, "accounts": {"AMINE": shop}}).json
    assert [(one["selling_partner_id"], one["orders"]) for one in loaded["accounts"]] == [("AMINE", 0)]
    assert (loaded["seed"], loaded["grants"]) == (5, [])


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_for_its_owner_alone_and_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    world, path = World(orders=1), tmp_path / "shop.json"
    path.write_text("{}")
    path.chmod(0o644)
    link = tmp_path / "link.json"
    link.symlink_to(path)
    state.save(world, link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = World(seed=5, orders=0)
    state.restore(other, path)
    assert other.dump() == world.dump()
    assert sorted(os.listdir(tmp_path)) == ["link.json", "shop.json"]


def test_a_full_disk_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(SettingsError, match=r"shop\.json cannot be written, and is as it was"):
            state.save(World(orders=1), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["shop.json"]


def test_what_cannot_be_read_is_told_with_its_file(tmp_path: Path) -> None:
    world, path = World(orders=1), tmp_path / "shop.json"
    before = world.dump()
    for text, kind, says in (
        ("{", InvalidArguments, "is not JSON"),
        ('{"format": 7}', InvalidArguments, "was not loaded: format: must be 1"),
        (None, SettingsError, "cannot be read"),
    ):
        path.unlink(missing_ok=True)
        if text:
            path.write_text(text)
        with pytest.raises(kind, match=says) as refused:
            state.restore(world, path)
        assert str(path) in str(refused.value)
    assert world.dump() == before
