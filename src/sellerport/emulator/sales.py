"""Sales v1: how much was ordered, counted from the account's orders.

Every order counts when it was placed and for what its items cost, without shipping and tax, as in the sales and
traffic report; one that waits for its payment or was cancelled does not count. Hours are counted for the last 30 days,
everything else for the last two years. Not known: Amazon's words for what is wrong.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sellerport.emulator.call import Answer, Call, invalid
from sellerport.emulator.shop import DAY_S, Item, Order, rounded
from sellerport.regions import Marketplace, marketplace

HOURS_DAYS, LONGEST_DAYS = 30, 2 * 366


def get_order_metrics(call: Call) -> Answer:
    """Count what was ordered in every hour, day, week, month or year of an interval, or in all of it."""
    start, end = _interval(call)
    granularity = call.one_of("granularity") or ""
    zone = _zone(call, start, end, needed=granularity not in ("Hour", "Total"))
    longest = HOURS_DAYS if granularity == "Hour" else LONGEST_DAYS
    now = call.world.now()
    if now - start.timestamp() > longest * DAY_S or end.timestamp() - now > longest * DAY_S:
        raise invalid(f"interval must be within {longest} days from now for granularity {granularity}")
    bounds = [start, end] if granularity == "Total" else _bounds(call, granularity, start, end, zone)
    wanted, chosen = call.many("marketplaceIds"), _chosen(call)
    if len(wanted) != 1:
        raise invalid("marketplaceIds must be one marketplace")
    shop = marketplace(wanted[0])
    stamps = [bound.timestamp() for bound in bounds]
    held: list[list[list[Item]]] = [[] for _ in bounds]
    for order in call.account.orders.by_creation.between(stamps[0], stamps[-1]) if call.account else ():
        items = [item for item in order.items if chosen(order, item)]
        if items and order.marketplace is shop and order.priced:
            held[bisect.bisect_right(stamps, order.created) - 1].append(items)
    metrics = [
        {"interval": f"{_written(first)}--{_written(last)}", **_metrics(part, shop)}
        for (first, last), part in zip(itertools.pairwise(bounds), held, strict=False)  # the end belongs to no part
    ]
    return Answer({"payload": metrics})


def _metrics(held: Sequence[Sequence[Item]], shop: Marketplace) -> dict[str, Any]:
    items = [item for order in held for item in order]
    units, total = sum(item.quantity for item in items), sum((item.price for item in items), Decimal(0))

    def money(amount: Decimal) -> dict[str, str]:
        return {"currencyCode": shop.currency, "amount": str(rounded(amount, shop.currency))}

    return {
        "unitCount": units,
        "orderItemCount": len(items),
        "orderCount": len(held),
        "averageUnitPrice": money(total / units if units else Decimal(0)),
        "totalSales": money(total),
    }


def _interval(call: Call) -> tuple[datetime, datetime]:
    """Return the two dates of the interval; each says its own offset."""
    try:
        start, end = (datetime.fromisoformat(text) for text in (call.one("interval") or "").split("--"))
    except ValueError:
        raise invalid("interval must be two dates in ISO 8601 format with two hyphens between them") from None
    if start.tzinfo is None or end.tzinfo is None or end <= start:
        raise invalid("interval must be two dates with their offsets, and the second must be the later one")
    return start, end


def _zone(call: Call, start: datetime, end: datetime, *, needed: bool) -> ZoneInfo:
    name = call.one("granularityTimeZone")
    if name is None and needed:
        raise invalid("granularityTimeZone must be given for this granularity")
    try:
        zone = ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        raise invalid(f"granularityTimeZone {name} is not a time zone") from None
    if name is not None and any(one.astimezone(zone).utcoffset() != one.utcoffset() for one in (start, end)):
        raise invalid("granularityTimeZone does not agree with the offset of the interval")
    return zone


STARTS: Mapping[str, Callable[[datetime], datetime]] = {
    "Hour": lambda when: when.replace(minute=0),
    "Day": lambda when: when.replace(hour=0, minute=0),
    "Week": lambda when: (when - timedelta(days=when.weekday())).replace(hour=0, minute=0),
    "Month": lambda when: when.replace(day=1, hour=0, minute=0),
    "Year": lambda when: when.replace(month=1, day=1, hour=0, minute=0),
}
"""When what contains a moment begins, by the clock on the wall."""


def _bounds(call: Call, granularity: str, start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return where the parts of an interval begin, and its end; the first and the last part may be cut."""
    sunday = granularity == "Week" and call.one_of("firstDayOfWeek") == "Sunday"
    inner = _boundaries(granularity, start.astimezone(zone), end.astimezone(zone), sunday=sunday)
    return [start, *(one for one in inner if start < one < end), end]


def _boundaries(granularity: str, start: datetime, end: datetime, *, sunday: bool) -> Iterator[datetime]:
    if granularity == "Hour":  # an hour is an hour, also when clocks are changed
        when = STARTS["Hour"](start.replace(second=0, microsecond=0)).astimezone(UTC)
        while (when := when + timedelta(hours=1)) < end:
            yield when.astimezone(start.tzinfo)
        return
    shift = timedelta(days=1 if sunday else 0)
    longest = {"Day": 1, "Week": 7, "Month": 31, "Year": 366}[granularity]
    when = start.replace(second=0, microsecond=0)
    while when < end:
        begun = STARTS[granularity](when + shift)
        when = STARTS[granularity](begun + timedelta(days=longest)) - shift
        yield when


def _chosen(call: Call) -> Callable[[Order, Item], bool]:
    """Return whether an item of an order counts."""
    asin, sku = call.one("asin"), call.one("sku")
    if asin is not None and sku is not None:
        raise invalid("asin and sku cannot both be given")
    buyer = call.one_of("buyerType")
    network = call.one_of("fulfillmentNetwork", ("MFN", "AFN"))
    haul = call.one("amazonProgram") is not None  # no seeded order is of a program
    return lambda order, item: (
        not haul
        and asin in (None, item.asin)
        and sku in (None, item.sku)
        and (buyer == "All" or order.business == (buyer == "B2B"))
        and network in (None, order.channel)
    )


def _written(when: datetime) -> str:
    text = when.isoformat(timespec="minutes" if when.second == 0 else "seconds")
    return text.replace("+00:00", "Z")


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {"sales_v1.get_order_metrics": get_order_metrics}
