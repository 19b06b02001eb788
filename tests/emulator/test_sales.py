"""Order metrics count the account's orders, in every part of an interval."""

from decimal import Decimal
from typing import Any

import pytest

from .conftest import Local

US, JP = "ATVPDKIKX0DER", "A1VC38T7YXB528"
PATH = "/sales/v1/orderMetrics"
MONTHS = {"interval": "2026-07-01T00:00:00Z--2026-10-01T00:00:00Z", "granularityTimeZone": "UTC"}


def metrics(amazon: Local, **query: str) -> list[Any]:
    answer = amazon.call("GET", PATH, marketplaceIds=US, **query)
    assert answer.status == 200, answer.body
    return list(answer.json["payload"])


def sums(found: list[Any]) -> tuple[Decimal, ...]:
    counts = (sum(one[name] for one in found) for name in ("orderCount", "orderItemCount", "unitCount"))
    return (*map(Decimal, counts), sum((Decimal(one["totalSales"]["amount"]) for one in found), Decimal(0)))


def test_the_total_is_that_of_the_orders(amazon: Local) -> None:
    orders = [
        one
        for one in amazon.world.account("ALOCALSELLERNA").orders.values()
        if one.marketplace.id == US and one.status not in ("Canceled", "Pending")
    ]
    items = [item for one in orders for item in one.items]
    (total,) = metrics(amazon, **MONTHS, granularity="Total")
    units = sum(item.quantity for item in items)
    sales = sum((item.price for item in items), Decimal(0))
    assert sums([total]) == (len(orders), len(items), units, sales)
    assert total["interval"] == "2026-07-01T00:00Z--2026-10-01T00:00Z"
    assert total["totalSales"]["currencyCode"] == "USD"
    assert Decimal(total["averageUnitPrice"]["amount"]) == (sales / units).quantize(Decimal("0.01"))


@pytest.mark.parametrize(("granularity", "parts"), [("Day", 92), ("Week", 14), ("Month", 3), ("Year", 1)])
def test_parts_add_up_to_the_whole(amazon: Local, granularity: str, parts: int) -> None:
    found = metrics(amazon, **MONTHS, granularity=granularity)
    assert len(found) == parts
    assert sums(found) == sums(metrics(amazon, **MONTHS, granularity="Total"))
    ends = [one["interval"].split("--") for one in found]
    assert [end for _, end in ends[:-1]] == [start for start, _ in ends[1:]]


def test_every_hour_is_counted_for_itself(amazon: Local) -> None:
    interval = "2026-09-20T00:30:00Z--2026-09-21T14:00:00Z"
    found = metrics(amazon, interval=interval, granularity="Hour")
    assert [one["interval"] for one in found[:2]] == [
        "2026-09-20T00:30Z--2026-09-20T01:00Z",
        "2026-09-20T01:00Z--2026-09-20T02:00Z",
    ]
    assert len(found) == 38
    assert sums(found) == sums(metrics(amazon, interval=interval, granularity="Total"))
    assert sums(found)[0] > 0


def test_days_and_weeks_begin_where_the_time_zone_says(amazon: Local) -> None:
    pacific = {"granularityTimeZone": "US/Pacific", "interval": "2026-03-06T00:00:00-08:00--2026-03-10T00:00:00-07:00"}
    found = metrics(amazon, **pacific, granularity="Day")
    assert [one["interval"] for one in found] == [  # clocks are changed on the 8th
        "2026-03-06T00:00-08:00--2026-03-07T00:00-08:00",
        "2026-03-07T00:00-08:00--2026-03-08T00:00-08:00",
        "2026-03-08T00:00-08:00--2026-03-09T00:00-07:00",
        "2026-03-09T00:00-07:00--2026-03-10T00:00-07:00",
    ]
    utc = {"granularityTimeZone": "UTC", "interval": "2026-09-01T00:00:00Z--2026-09-15T00:00:00Z"}
    monday = metrics(amazon, **utc, granularity="Week")
    assert [one["interval"][:10] for one in monday] == ["2026-09-01", "2026-09-07", "2026-09-14"]
    sunday = metrics(amazon, **utc, granularity="Week", firstDayOfWeek="Sunday")
    assert [one["interval"][:10] for one in sunday] == ["2026-09-01", "2026-09-06", "2026-09-13"]


def test_filters_split_what_they_filter(amazon: Local) -> None:
    asked = {**MONTHS, "granularity": "Total"}
    whole = sums(metrics(amazon, **asked))
    for name, values in (("fulfillmentNetwork", ("AFN", "MFN")), ("buyerType", ("B2B", "B2C"))):
        parts = [sums(metrics(amazon, **asked, **{name: value})) for value in values]
        assert tuple(map(sum, zip(*parts, strict=True))) == whole
        assert all(part[0] for part in parts)
    order = next(
        one for one in amazon.world.account("ALOCALSELLERNA").orders.values() if one.marketplace.id == US and one.priced
    )
    item = order.items[0]
    by_sku, by_asin = (sums(metrics(amazon, **asked, **one)) for one in ({"sku": item.sku}, {"asin": item.asin}))
    assert by_sku == by_asin
    assert 0 < by_sku[1] < whole[1]
    assert sums(metrics(amazon, **asked, sku="NONE")) == (0, 0, 0, 0)
    assert sums(metrics(amazon, **asked, amazonProgram="AmazonHaul")) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval": "2026-09-01T00:00:00Z"},
        {"interval": "2026-09-01T00:00:00--2026-09-02T00:00:00"},
        {"interval": "2026-09-02T00:00:00Z--2026-09-01T00:00:00Z"},
        {"interval": "2024-08-01T00:00:00Z--2026-09-01T00:00:00Z"},
        {"interval": "2026-09-01T00:00:00Z--9999-12-31T23:59:59Z"},
        {"interval": "2026-09-01T00:00:00Z--2026-11-01T00:00:00Z", "granularity": "Hour"},
        {"granularity": "Minute"},
        {"granularity": "Hour"},
        {"granularityTimeZone": ""},
        {"granularityTimeZone": "Mars/Olympus"},
        {"granularityTimeZone": "US/Pacific"},
        {"asin": "B0", "sku": "S"},
        {"buyerType": "B2G"},
        {"fulfillmentNetwork": "DHL"},
        {"firstDayOfWeek": "Friday", "granularity": "Week"},
        {"marketplaceIds": f"{US},A2EUQ1WTGCTBG2"},
    ],
)
def test_what_amazon_does_not_count_is_refused(amazon: Local, wrong: dict[str, str]) -> None:
    query = {"marketplaceIds": US, **MONTHS, "granularity": "Day", **wrong}
    assert amazon.call("GET", PATH, **query).error[:2] == (400, "InvalidInput")
