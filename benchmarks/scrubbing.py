"""What it costs to take the buyers out of a page of orders: reading it, scrubbing it and writing it again.

    python benchmarks/scrubbing.py          # some seconds

75 orders of 93 KB, of each of which eight fields are a buyer's. The least of many rounds is taken, of the processor's
time. Exits 1 where a bar is missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from sellerport import catalog
from sellerport.server import scrubbing

ROUNDS = 400
MOST_US_A_KB = 6.0
"""The bar, in microseconds of the processor for a KB of the page."""


def order(number: int) -> dict[str, Any]:
    """Return an order as getOrders has it."""
    date = dict.fromkeys(("PurchaseDate", "LastUpdateDate", "EarliestShipDate"), "2026-01-01T00:00:00Z")
    dates = date | dict.fromkeys(("LatestShipDate", "EarliestDeliveryDate"), "2026-01-03T00:00:00Z")
    flags = ("IsBusinessOrder", "IsPrime", "IsGlobalExpressEnabled", "IsPremiumOrder", "IsSoldByAB", "IsISPU")
    return {
        "AmazonOrderId": f"902-{number:07d}-1234567",
        "SellerOrderId": f"902-{number:07d}-1234567",
        **dates,
        "LatestDeliveryDate": "2026-01-07T00:00:00Z",
        "OrderStatus": "Unshipped",
        "FulfillmentChannel": "MFN",
        "SalesChannel": "Amazon.com",
        "ShipServiceLevel": "Std US D2D Dom",
        "ShipmentServiceLevelCategory": "Standard",
        "OrderTotal": {"CurrencyCode": "USD", "Amount": "19.99"},
        "NumberOfItemsShipped": 0,
        "NumberOfItemsUnshipped": 1,
        "PaymentMethod": "Other",
        "PaymentMethodDetails": ["Standard"],
        "MarketplaceId": "ATVPDKIKX0DER",
        "OrderType": "StandardOrder",
        **dict.fromkeys(flags, False),
        "DefaultShipFromLocationAddress": {
            "Name": "Warehouse", "AddressLine1": "1 Dock", "City": "Reno", "StateOrRegion": "NV",
            "PostalCode": "89502", "CountryCode": "US",
        },
        "ShippingAddress": {
            "Name": f"Buyer {number}", "AddressLine1": f"{number} Main Street", "AddressLine2": f"Apartment {number}",
            "City": f"City {number}", "StateOrRegion": "WA", "PostalCode": f"98{number:03d}", "CountryCode": "US",
            "Phone": f"+1 555 {number:05d}",
        },
        "BuyerInfo": {"BuyerEmail": f"x{number}@marketplace.amazon.com", "BuyerName": f"Buyer {number}"},
    }  # fmt: skip


def page(**more: Any) -> bytes:
    """Return a page of orders; ``more`` is what each has besides."""
    orders = [order(number) | more for number in range(75)]
    return msgspec.json.encode({"payload": {"Orders": orders, "NextToken": "bmV4dA=="}})


def least_us(function: Callable[[], object]) -> float:
    """Return how long a call takes, in microseconds."""
    least = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time_ns()
        function()
        least = min(least, (time.process_time_ns() - begun) / 1e3)
    return least


def us_a_kb(privacy: scrubbing.Privacy, body: bytes) -> float:
    """Return what scrubbing costs, in microseconds a KB of the page."""
    plan = scrubbing.plan(catalog.find("orders_v0.get_orders"), privacy)
    assert plan is not None
    assert plan.scrub(body, "application/json", link=_no_link).removed >= 600
    return least_us(lambda: plan.scrub(body, "application/json", link=_no_link)) * 1024 / len(body)


def _no_link(url: str, facts: object) -> str:
    raise AssertionError("orders have no documents")


def main() -> int:
    """Measure, print the table, and say whether the bar is held."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    known, strange = page(), page(SomethingNew={"a": 1}, BuyerNickname="Ann")
    for heading in (f"a page of {len(known) // 1024} KB", "µs a KB", "bar", ""):
        table.add_column(heading, justify="right" if heading in ("µs a KB", "bar") else "left")
    held = True
    alone = least_us(lambda: msgspec.json.encode(msgspec.json.decode(known))) * 1024 / len(known)
    rows = (
        ("placeholders", us_a_kb("placeholders", known), MOST_US_A_KB),
        ("removed", us_a_kb("remove", known), MOST_US_A_KB),
        ("with fields that no schema has", us_a_kb("placeholders", strange), None),
        ("read and written alone", alone, None),
    )
    for what, cost, bar in rows:
        good = bar is None or cost <= bar
        held &= good
        said = "" if bar is None else "held" if good else "MISSED"
        table.add_row(what, f"{cost:.2f}", "" if bar is None else f"{bar:.0f}", said)
    Console(width=100).print(table)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
