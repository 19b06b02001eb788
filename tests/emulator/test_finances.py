"""Finances and Transfers: what an account earns agrees with its orders, in both versions, to the last cent."""

from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.emulator import Account

from .conftest import Local, Reply

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
V0, V2024, TRANSFERS = "/finances/v0", "/finances/2024-06-19", "/finances/transfers/2024-06-01"
SINCE = "2026-06-01T00:00:00Z"


def seller(amazon: Local) -> Account:
    return amazon.world.account("ALOCALSELLERNA")


def events(amazon: Local, path: str = "financialEvents", **query: str) -> Any:
    answer = amazon.call("GET", f"{V0}/{path}", **query)
    assert answer.status == 200, answer.body
    return answer.json["payload"]["FinancialEvents"]


def transactions(amazon: Local, token: str | None = None, **query: str) -> list[Any]:
    answer = amazon.call("GET", f"{V2024}/transactions", token, **query)
    assert answer.status == 200, answer.body
    return list(answer.json["payload"]["transactions"])


def groups(amazon: Local) -> list[Any]:
    path = f"{V0}/financialEventGroups"
    return list(amazon.call("GET", path, MaxResultsPerPage="100").json["payload"]["FinancialEventGroupList"])


def amount(money: Any) -> Decimal:
    return Decimal(str(money.get("CurrencyAmount", money.get("currencyAmount"))))


def charges(event: Any, lists: tuple[str, ...]) -> dict[str, Decimal]:
    """The sum of each kind of charge and fee of an event."""
    sums: dict[str, Decimal] = {}
    for item in event.get("ShipmentItemList", event.get("ShipmentItemAdjustmentList")):
        for name in lists:
            for one in item[name]:
                kind, money = one.get("ChargeType") or one["FeeType"], one.get("ChargeAmount") or one["FeeAmount"]
                sums[kind] = sums.get(kind, Decimal(0)) + amount(money)
    return sums


SHIPMENT, REFUND = ("ItemChargeList", "ItemFeeList"), ("ItemChargeAdjustmentList", "ItemFeeAdjustmentList")


def fits(answer: Reply, operation: str) -> bool:
    found = catalog.find(operation)
    schemas = catalog.schemas(found.api)
    name = schemas.of(found).responses["200"]
    jsonschema_rs.validate({"$ref": f"#/$defs/{name}", "$defs": schemas.definitions}, answer.json)
    return True


def test_what_buyers_paid_is_what_was_posted(amazon: Local) -> None:
    """Charges are the order's total, for every order that was sent whole; nothing is posted of one that was not."""
    posted = {one["AmazonOrderId"]: one for one in events(amazon, PostedAfter=SINCE)["ShipmentEventList"]}
    orders = seller(amazon).orders
    whole = {id for id, one in orders.items() if one.status == "Shipped"}
    partly = {id for id, one in orders.items() if one.status == "PartiallyShipped"}
    assert posted.keys() == whole | partly
    assert len(whole) > 20
    for id in whole:
        sums = charges(posted[id], ("ItemChargeList",))
        assert sum(sums.values()) == orders[id].total
        assert posted[id]["ShipmentItemList"][0]["QuantityShipped"] == orders[id].items[0].quantity
    for id in partly:
        assert sum(charges(posted[id], ("ItemChargeList",)).values()) < orders[id].total


def test_fees_are_those_that_are_estimated(amazon: Local) -> None:
    order = next(
        one
        for one in seller(amazon).orders.values()
        if (one.status, one.channel) == ("Shipped", "AFN") and one.items[0].quantity > 1
    )
    (event,) = events(amazon, f"orders/{order.id}/financialEvents")["ShipmentEventList"]
    item, line = order.items[0], event["ShipmentItemList"][0]
    fees = {one["FeeType"]: amount(one["FeeAmount"]) for one in line["ItemFeeList"]}
    currency = order.marketplace.currency
    price = {
        "ListingPrice": {"CurrencyCode": currency, "Amount": float(item.price)},
        "Shipping": {"CurrencyCode": currency, "Amount": float(order.shipping)},
    }
    asked = {
        "MarketplaceId": order.marketplace.id,
        "PriceToEstimateFees": price,
        "Identifier": "1",
        "IsAmazonFulfilled": True,
    }
    path = f"/products/fees/v0/items/{item.asin}/feesEstimate"
    found = amazon.call("POST", path, body={"FeesEstimateRequest": asked}).json["payload"]["FeesEstimateResult"]
    estimated = {
        one["FeeType"]: Decimal(str(one["FinalFee"]["Amount"])) for one in found["FeesEstimate"]["FeeDetailList"]
    }
    assert fees["Commission"] == -estimated["ReferralFee"]
    assert fees["FBAPerUnitFulfillmentFee"] == -estimated["FBAFees"] * item.quantity


def test_some_orders_are_refunded_and_a_part_of_the_commission_stays(amazon: Local) -> None:
    amazon.world.add_account(("US",), selling_partner_id="AMANY", orders=300)
    token = amazon.token(amazon.world.grant("AMANY").refresh_token)
    answer = amazon.call("GET", f"{V0}/financialEvents", token, PostedAfter=SINCE)
    refunds = answer.json["payload"]["FinancialEvents"]["RefundEventList"]
    assert fits(answer, "finances_v0.list_financial_events")
    orders = amazon.world.account("AMANY").orders
    assert refunds
    for refund in refunds:
        sums, order = charges(refund, REFUND), orders[refund["AmazonOrderId"]]
        assert sums["Principal"] == -order.items[0].unit_price
        assert sums["Commission"] > 0
        assert -sums["Commission"] / 4 < sums["RefundCommission"] < 0
        of_order = amazon.call("GET", f"{V0}/orders/{order.id}/financialEvents", token).json["payload"]
        assert of_order["FinancialEvents"]["RefundEventList"] == [refund]
        shipped = of_order["FinancialEvents"]["ShipmentEventList"][0]["PostedDate"]
        assert shipped < refund["PostedDate"]


def test_both_versions_say_the_same(amazon: Local) -> None:
    answer = amazon.call("GET", f"{V2024}/transactions", postedAfter=SINCE)
    assert fits(answer, "finances_2024_06_19.list_transactions")
    newer = answer.json["payload"]["transactions"]
    older = events(amazon, PostedAfter=SINCE)
    older = older["ShipmentEventList"] + older.get("RefundEventList", [])
    sums = {}
    for event in older:
        lists = SHIPMENT if "ShipmentItemList" in event else REFUND
        sums[event["AmazonOrderId"], event["PostedDate"]] = sum(charges(event, lists).values())
    assert {
        (one["relatedIdentifiers"][0]["relatedIdentifierValue"], one["postedDate"]): amount(one["totalAmount"])
        for one in newer
    } == sums
    for one in newer:
        assert sum(amount(part["breakdownAmount"]) for part in one["breakdowns"]) == amount(one["totalAmount"])
        assert sum(amount(item["totalAmount"]) for item in one["items"]) == amount(one["totalAmount"])


def test_transactions_are_found_by_order_group_marketplace_status_and_date(amazon: Local) -> None:
    every = transactions(amazon, postedAfter=SINCE)
    canadian = transactions(amazon, postedAfter=SINCE, marketplaceId=CA)
    assert 0 < len(canadian) < len(every)
    assert canadian == [one for one in every if one["marketplaceDetails"]["marketplaceId"] == CA]
    one = every[3]
    ids = {found["relatedIdentifierName"]: found["relatedIdentifierValue"] for found in one["relatedIdentifiers"]}
    by_order = {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": ids["ORDER_ID"]}
    assert one in transactions(amazon, **by_order)
    assert len(transactions(amazon, **by_order)) <= 2
    group = {"relatedIdentifierName": "FINANCIAL_EVENT_GROUP_ID"}
    held = transactions(amazon, **group, relatedIdentifierValue=ids["FINANCIAL_EVENT_GROUP_ID"])
    assert one in held
    assert transactions(amazon, **group, relatedIdentifierValue="nothing") == []
    assert transactions(amazon, postedAfter=SINCE, transactionStatus="DEFERRED") == []
    day = transactions(amazon, postedAfter=one["postedDate"], postedBefore=every[4]["postedDate"])
    assert day == [one]
    assert transactions(amazon, amazon.token("Atzr|local-vendor-na"), postedAfter=SINCE) == []


def test_a_group_is_what_is_in_it(amazon: Local) -> None:
    answer = amazon.call("GET", f"{V0}/financialEventGroups")
    assert fits(answer, "finances_v0.list_financial_event_groups")
    found = groups(amazon)
    held = 0
    for group in found:
        inside = events(amazon, f"financialEventGroups/{group['FinancialEventGroupId']}/financialEvents")
        shipments, refunds = inside.get("ShipmentEventList", []), inside.get("RefundEventList", [])
        held += len(shipments)
        total = sum((sum(charges(one, SHIPMENT).values()) for one in shipments), Decimal(0))
        total += sum(sum(charges(one, REFUND).values()) for one in refunds)
        assert total == amount(group["OriginalTotal"])
        closed = group["ProcessingStatus"] == "Closed"
        assert closed == ("FinancialEventGroupEnd" in group)
        assert (closed and total > 0) == ("FundTransferDate" in group)
    assert held == len(events(amazon, PostedAfter=SINCE)["ShipmentEventList"])
    assert {group["ProcessingStatus"] for group in found} == {"Open", "Closed"}
    assert len([group for group in found if group["ProcessingStatus"] == "Open"]) == 3
    assert amazon.call("GET", f"{V0}/financialEventGroups/none/financialEvents").error[:2] == (400, "InvalidInput")


@pytest.mark.parametrize(
    ("path", "key", "names"),
    [
        (f"{V0}/financialEvents", "FinancialEvents", ("PostedAfter", "PostedBefore")),
        (
            f"{V0}/financialEventGroups",
            "FinancialEventGroupList",
            ("FinancialEventGroupStartedAfter", "FinancialEventGroupStartedBefore"),
        ),
        (f"{V2024}/transactions", "transactions", ("postedAfter", "postedBefore")),
    ],
)
def test_dates_have_amazons_rules(amazon: Local, path: str, key: str, names: tuple[str, str]) -> None:
    after, before = names

    def found(**query: str) -> Any:
        answer = amazon.call("GET", path, **query)
        return answer.json["payload"][key] if answer.status == 200 else answer.error[:2]

    # NOW is 2026-09-21T14:13:20Z, so a span ends at 14:11:20Z, and 180 days before that it is 2026-03-25T14:11:20Z
    refused = (400, "InvalidInput")
    assert found(**{after: "2026-03-25T14:11:20Z"})
    assert not found(**{after: "2026-03-25T14:11:19Z"})
    assert found(**{after: SINCE, before: "2026-09-21T14:11:20Z"})
    assert found(**{after: SINCE, before: "2026-09-21T14:11:21Z"}) == refused
    assert found(**{after: "2026-09-21T14:11:21Z"}) == refused
    assert found(**{after: "2026-09-02T00:00:00Z", before: "2026-09-01T00:00:00Z"}) == refused
    assert found(**{after: "yesterday"}) == refused


def test_transactions_without_a_date_need_something_else_to_be_found_by(amazon: Local) -> None:
    path = f"{V2024}/transactions"
    assert amazon.call("GET", path).error[:2] == (400, "InvalidInput")
    for query in (
        {"relatedIdentifierName": "ORDER_ID"},
        {"postedAfter": SINCE, "relatedIdentifierValue": "1"},
        {"relatedIdentifierName": "SHIPMENT_ID", "relatedIdentifierValue": "1"},
    ):
        assert amazon.call("GET", path, **query).error[:2] == (400, "InvalidInput")


def test_lists_come_in_pages_that_want_their_arguments_again(amazon: Local) -> None:
    asked = {"PostedAfter": SINCE, "MaxResultsPerPage": "10"}
    pages: list[Any] = []
    token: str | None = None
    while token or not pages:
        answer = amazon.call("GET", f"{V0}/financialEvents", **asked, **({"NextToken": token} if token else {}))
        pages.append(answer.json["payload"])
        token = pages[-1].get("NextToken")
    found = [one for page in pages for one in page["FinancialEvents"].get("ShipmentEventList", [])]
    assert found == events(amazon, PostedAfter=SINCE)["ShipmentEventList"]
    assert len(pages) > 2
    token = pages[0]["NextToken"]
    assert amazon.call("GET", f"{V0}/financialEvents", NextToken=token).error[:2] == (400, "InvalidInput")
    amazon.world.add_account(("US",), selling_partner_id="AMANY", orders=300)
    own = amazon.token(amazon.world.grant("AMANY").refresh_token)
    first = amazon.call("GET", f"{V2024}/transactions", own, postedAfter=SINCE).json["payload"]
    assert len(first["transactions"]) == 100
    second = transactions(amazon, own, postedAfter=SINCE, nextToken=first["nextToken"])
    assert second
    assert second[0] not in first["transactions"]


@pytest.mark.parametrize(
    "path", [f"{V2024}/balances", f"{V2024}/summary", f"{TRANSFERS}/payouts", f"{TRANSFERS}/payouts/expected"]
)
def test_a_token_that_was_never_given_is_refused(amazon: Local, path: str) -> None:
    assert amazon.call("GET", path).status == 200
    assert amazon.call("GET", path, nextToken="x").error == (400, "InvalidInput", "nextToken is not valid")


def test_a_balance_is_what_was_not_paid_yet(amazon: Local) -> None:
    answer = amazon.call("GET", f"{V2024}/balances", marketplaceIds=US)
    assert fits(answer, "finances_2024_06_19.list_balances")
    (total,) = answer.json["balances"]
    available, reserved = total["balances"]
    assert (total["balanceType"], available["balanceType"], reserved["balanceType"]) == (
        "TOTAL",
        "AVAILABLE",
        "RESERVED",
    )
    (open_group,) = (
        one
        for one in groups(amazon)
        if one["ProcessingStatus"] == "Open" and one["OriginalTotal"] == _v0(total["amount"])
    )
    assert amount(available["amount"]) == amount(open_group["OriginalTotal"]) > 0
    assert len(amazon.call("GET", f"{V2024}/balances").json["balances"]) == 3
    (only,) = amazon.call("GET", f"{V2024}/balances", marketplaceIds=US, balanceType="DEFERRED").json["balances"]
    assert (only["balanceType"], only["amount"]["currencyAmount"]) == ("DEFERRED", 0)
    before = amazon.call("GET", f"{V2024}/balances", marketplaceIds=US, asOfDate="2026-01-01").json["balances"]
    assert before[0]["amount"]["currencyAmount"] == 0
    assert amazon.call("GET", f"{V2024}/balances", accountType="Other").json == {"balances": []}
    assert amazon.call("GET", f"{V2024}/balances", balanceType="NONE").error[:2] == (400, "InvalidInput")
    assert amazon.call("GET", f"{V2024}/balances", asOfDate="2026-01-01T00:00:00Z").error[:2] == (400, "InvalidInput")


def test_the_balance_of_a_day_is_what_was_posted_until_then(amazon: Local) -> None:
    (period,) = amazon.call("GET", f"{TRANSFERS}/payouts/expected", marketplaceIds=US).json["expectedPayouts"]
    posted = transactions(amazon, postedAfter=period["period"]["startDate"], marketplaceId=US)
    days = sorted({one["postedDate"][:10] for one in posted})
    assert len(days) > 1
    for day in days[:-1]:
        (balance,) = amazon.call("GET", f"{V2024}/balances", marketplaceIds=US, asOfDate=day).json["balances"]
        until = [amount(one["totalAmount"]) for one in posted if one["postedDate"][:10] <= day]
        assert amount(balance["amount"]) == sum(until)
        assert balance["asOfDate"] == f"{day}T00:00:00Z"


def test_a_settlement_that_the_account_owes_is_not_paid(amazon: Local) -> None:
    amazon.world.add_account(("MX",), selling_partner_id="A133", orders=2)  # one settlement is but a refund
    token = amazon.token(amazon.world.grant("A133").refresh_token)
    found = amazon.call("GET", f"{V0}/financialEventGroups", token).json["payload"]["FinancialEventGroupList"]
    closed = [one for one in found if one["ProcessingStatus"] == "Closed"]
    paid = [one for one in closed if amount(one["OriginalTotal"]) > 0]
    assert len(closed) > len(paid)
    assert [one for one in closed if "FundTransferDate" in one] == paid
    assert len(amazon.call("GET", f"{TRANSFERS}/payouts", token).json["payouts"]) == len(paid)


def _v0(money: Any) -> Any:
    return {"CurrencyCode": money["currencyCode"], "CurrencyAmount": money["currencyAmount"]}


def test_a_summary_adds_up_what_was_posted(amazon: Local) -> None:
    asked = {"marketplaceIds": US, "periodStart": "2026-08-01", "periodEnd": "2026-09-10"}
    answer = amazon.call("GET", f"{V2024}/summary", **asked)
    assert fits(answer, "finances_2024_06_19.list_summary")
    (summary,) = answer.json["summaries"]
    posted = transactions(
        amazon, postedAfter="2026-08-01T00:00:00Z", postedBefore="2026-09-11T00:00:00Z", marketplaceId=US
    )
    assert amount(summary["netProceeds"]) == sum(amount(one["totalAmount"]) for one in posted)
    assert sum(amount(one["breakdownAmount"]) for one in summary["breakdowns"]) == amount(summary["netProceeds"])
    payout = amazon.call("GET", f"{TRANSFERS}/payouts", marketplaceIds=US).json["payouts"][0]
    number = payout["relatedIdentifiers"][0]
    (settled,) = amazon.call("GET", f"{V2024}/summary", **number).json["summaries"]
    assert settled["netProceeds"] == payout["amount"]
    assert settled["relatedIdentifiers"] == [number]
    assert amazon.call("GET", f"{V2024}/summary", relatedIdentifierName="ORDER_ID").status == 400


def test_what_is_paid_is_what_was_settled(amazon: Local) -> None:
    answer = amazon.call("GET", f"{TRANSFERS}/payouts")
    assert fits(answer, "transfers_2024_06_01.list_payouts")
    payouts = answer.json["payouts"]
    paid = [one for one in groups(amazon) if "FundTransferDate" in one]
    assert sorted(one["traceId"] for one in payouts) == sorted(one["TraceId"] for one in paid)
    assert {one["accountTail"] for one in payouts} == {one["AccountTail"] for one in paid}
    (method,) = amazon.call("GET", f"{TRANSFERS}/paymentMethods", marketplaceId=US).json["paymentMethods"]
    assert method["tail"] == payouts[0]["accountTail"]
    cards = {"marketplaceId": US, "paymentMethodTypes": "CARD"}
    assert amazon.call("GET", f"{TRANSFERS}/paymentMethods", **cards).json == {"paymentMethods": []}
    assert [
        one["id"] for one in amazon.call("GET", f"{TRANSFERS}/payouts", payoutId=payouts[1]["id"]).json["payouts"]
    ] == [payouts[1]["id"]]
    created = payouts[0]["creationDate"]
    newest = amazon.call("GET", f"{TRANSFERS}/payouts", createdAfter=created).json["payouts"]
    assert newest == [one for one in payouts if one["creationDate"] == created]


def test_asking_for_the_money_pays_it_at_once_and_only_once(amazon: Local) -> None:
    wish = {"marketplaceId": US, "accountType": "Standard Orders"}
    (expected,) = amazon.call("GET", f"{TRANSFERS}/payouts/expected", marketplaceIds=US).json["expectedPayouts"]
    assert expected["status"] == "SCHEDULED"
    id = amazon.call("POST", f"{TRANSFERS}/payouts", body=wish).json["payoutReferenceId"]
    payout = amazon.call("GET", f"{TRANSFERS}/payouts", marketplaceIds=US).json["payouts"][0]
    assert (payout["id"], payout["type"], payout["amount"]) == (id, "ON_DEMAND", expected["amount"])
    (left,) = amazon.call("GET", f"{TRANSFERS}/payouts/expected", marketplaceIds=US).json["expectedPayouts"]
    assert (left["status"], left["amount"]["currencyAmount"]) == ("NO_PAYOUT_EXPECTED", 0)
    (balance,) = amazon.call("GET", f"{V2024}/balances", marketplaceIds=US).json["balances"]
    assert balance["amount"]["currencyAmount"] == 0
    assert amazon.call("POST", f"{TRANSFERS}/payouts", body=wish).error[:2] == (422, "InsufficientBalance")
    other = {**wish, "accountType": "Other"}
    assert amazon.call("POST", f"{TRANSFERS}/payouts", body=other).error[:2] == (400, "InvalidInput")
    amazon.world.reset()
    assert amazon.call("GET", f"{TRANSFERS}/payouts", marketplaceIds=US).json["payouts"][0]["id"] != id


def test_an_order_that_is_sent_is_posted_then(amazon: Local) -> None:
    orders = seller(amazon).orders.values()
    order = next(one for one in orders if (one.status, one.channel) == ("Unshipped", "MFN"))
    assert events(amazon, f"orders/{order.id}/financialEvents") == {}
    package = {
        "packageReferenceId": "1",
        "carrierCode": "UPS",
        "trackingNumber": "T1",
        "shipDate": "2026-09-21T14:00:00Z",
        "orderItems": [{"orderItemId": one.id, "quantity": one.quantity} for one in order.items],
    }
    body = {"marketplaceId": order.marketplace.id, "packageDetail": package}
    assert amazon.call("POST", f"/orders/v0/orders/{order.id}/shipmentConfirmation", body=body).status == 204
    (event,) = events(amazon, f"orders/{order.id}/financialEvents")["ShipmentEventList"]
    assert sum(charges(event, ("ItemChargeList",)).values()) == order.total
    assert event["PostedDate"] == "2026-09-21T14:13:20Z"
