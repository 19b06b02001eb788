"""What a Data Kiosk query about sales and traffic is answered with, beside the report, the metrics and the orders."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sellerport.emulator.shop import Order

from .conftest import Local

US, MX = "ATVPDKIKX0DER", "A1AM78C64UM0Y8"
SPAN = 'startDate:"2026-08-01",endDate:"2026-09-20"'


def rows(amazon: Local, by: str, arguments: str, selected: str) -> list[Any]:
    query = f"query{{analytics_salesAndTraffic_2024_04_24{{salesAndTrafficBy{by}({arguments}){{{selected}}}}}}}"
    made = amazon.call("POST", "/dataKiosk/2023-11-15/queries", body={"query": query}).json["queryId"]
    found = amazon.finished(f"/dataKiosk/2023-11-15/queries/{made}").get("dataDocumentId")
    if found is None:
        return []
    url = amazon.call("GET", f"/dataKiosk/2023-11-15/documents/{found}").json["documentUrl"]
    return [json.loads(line) for line in gzip.decompress(amazon.fetch(url).body).splitlines()]


def day(order: Order) -> str:
    return f"{datetime.fromtimestamp(order.created, UTC):%Y-%m-%d}"


def paid(amazon: Local, first: str, last: str, *marketplaces: str) -> list[Order]:
    """What was paid for from one day to another, of the whole account or of these marketplaces."""
    return [
        order
        for order in amazon.world.account("ALOCALSELLERNA").orders.values()
        if order.priced and first <= day(order) <= last and (not marketplaces or order.marketplace.id in marketplaces)
    ]


def units(orders: list[Order]) -> int:
    return sum(item.quantity for order in orders for item in order.items)


def test_rows_are_what_is_selected_of_each_marketplace(amazon: Local) -> None:
    selected = "startDate marketplaceId sales{orderedProductSales{amount currencyCode}unitsOrdered unitsOrderedB2B}"
    found = rows(amazon, "Date", f'aggregateBy:DAY,{SPAN},marketplaceIds:["{US}","{MX}"]', selected)
    assert {tuple(row) for row in found} == {("startDate", "marketplaceId", "sales")}
    assert {row["marketplaceId"] for row in found} == {US, MX}
    for id, currency in ((US, "USD"), (MX, "MXN")):
        orders = paid(amazon, "2026-08-01", "2026-09-20", id)
        sales = [row["sales"] for row in found if row["marketplaceId"] == id]
        assert {one["orderedProductSales"]["currencyCode"] for one in sales} == {currency}
        total = sum(Decimal(str(one["orderedProductSales"]["amount"])) for one in sales)
        assert total == sum(item.price for order in orders for item in order.items)
        assert sum(one["unitsOrdered"] for one in sales) == units(orders)
        assert sum(one["unitsOrderedB2B"] for one in sales) == units([one for one in orders if one.business])


def test_the_query_agrees_with_the_report_and_the_metrics(amazon: Local) -> None:
    arguments = f'aggregateBy:DAY,startDate:"2026-09-01",endDate:"2026-09-20",marketplaceIds:["{US}"]'
    found = rows(amazon, "Date", arguments, "startDate sales{orderedProductSales{amount} unitsOrdered}")
    days = {
        row["startDate"]: (row["sales"]["unitsOrdered"], row["sales"]["orderedProductSales"]["amount"]) for row in found
    }
    span = {"dataStartTime": "2026-09-01T00:00:00Z", "dataEndTime": "2026-09-20T23:59:59Z"}
    report = amazon.report("GET_SALES_AND_TRAFFIC_REPORT", marketplaceIds=[US, MX], **span)
    document = amazon.call("GET", f"/reports/2021-06-30/documents/{report['reportDocumentId']}").json
    told = json.loads(gzip.decompress(amazon.fetch(document["url"]).body))["salesAndTrafficByDate"]
    sales = {one["date"]: one["salesByDate"] for one in told}
    assert days == {name: (one["unitsOrdered"], one["orderedProductSales"]["amount"]) for name, one in sales.items()}
    query = {"marketplaceIds": US, "granularity": "Day", "granularityTimeZone": "UTC"}
    interval = "2026-09-01T00:00:00Z--2026-09-21T00:00:00Z"
    metrics = amazon.call("GET", "/sales/v1/orderMetrics", interval=interval, **query).json["payload"]
    assert days == {
        one["interval"][:10]: (one["unitCount"], float(one["totalSales"]["amount"]))
        for one in metrics
        if one["unitCount"]
    }


def test_only_whole_weeks_and_months_are_counted(amazon: Local) -> None:
    arguments = 'startDate:"2026-08-05",endDate:"2026-09-19"'
    weeks = rows(amazon, "Date", f"aggregateBy:WEEK,{arguments}", "startDate endDate sales{unitsOrdered}")
    assert {date.fromisoformat(row["startDate"]).strftime("%a") for row in weeks} == {"Sun"}
    assert {date.fromisoformat(row["endDate"]).strftime("%a") for row in weeks} == {"Sat"}
    assert sum(row["sales"]["unitsOrdered"] for row in weeks) == units(paid(amazon, "2026-08-09", "2026-09-19"))
    assert rows(amazon, "Date", f"aggregateBy:MONTH,{arguments}", "startDate") == []
    august = 'startDate:"2026-08-01",endDate:"2026-08-31"'
    assert {row["endDate"] for row in rows(amazon, "Date", f"aggregateBy:MONTH,{august}", "endDate")} == {"2026-08-31"}


@pytest.mark.parametrize("unit", ["PARENT", "CHILD", "SKU"])
def test_products_are_counted_by_what_they_are_variations_of(amazon: Local, unit: str) -> None:
    sold = {item.sku for order in paid(amazon, "2026-08-01", "2026-09-20") for item in order.items}
    keys = {
        (
            one.family.asin if one.family else one.asin,
            None if unit == "PARENT" else one.asin,
            one.sku if unit == "SKU" else None,
        )
        for one in amazon.world.account("ALOCALSELLERNA").products
        if one.sku in sold
    }
    found = rows(amazon, "Asin", f"aggregateBy:{unit},{SPAN}", "parentAsin childAsin sku sales{unitsOrdered}")
    assert {(row["parentAsin"], row["childAsin"], row["sku"]) for row in found} == keys
    total = sum(row["sales"]["unitsOrdered"] for row in found)
    assert total == units(paid(amazon, "2026-08-01", "2026-09-20"))


def test_a_query_about_something_else_is_answered_with_days(amazon: Local) -> None:
    made = amazon.call("POST", "/dataKiosk/2023-11-15/queries", body={"query": "{analytics_economics_2024_03_15}"})
    query = amazon.finished(f"/dataKiosk/2023-11-15/queries/{made.json['queryId']}")
    url = amazon.call("GET", f"/dataKiosk/2023-11-15/documents/{query['dataDocumentId']}").json["documentUrl"]
    first = json.loads(gzip.decompress(amazon.fetch(url).body).splitlines()[0])
    assert set(first) == {"startDate", "endDate", "marketplaceId", "sales", "traffic"}
