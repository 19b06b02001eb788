"""The rows of a Data Kiosk query about sales and traffic (analytics_salesAndTraffic_2024_04_24), from the orders.

A query is read as GraphQL, and its rows have what it selects, and nothing else. Days are those of UTC; weeks begin on
Sunday, and only whole weeks and months are counted. What was refunded, granted or said about the account is not known
here, and is 0; traffic follows from the orders. An argument that is left out limits nothing; Amazon would refuse
it. Any other query - Economics, Vendor Analytics, trends - is answered with days of sales, too. Fragments are passed
over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sellerport.emulator.shop import Item, Order, rounded

BY_DATE, BY_ASIN = "salesAndTrafficByDate", "salesAndTrafficByAsin"
EVERYTHING: Mapping[str, Any] = {
    "startDate": {},
    "endDate": {},
    "marketplaceId": {},
    "sales": {"orderedProductSales": {"amount": {}, "currencyCode": {}}, "unitsOrdered": {}, "totalOrderItems": {}},
    "traffic": {"sessions": {}, "pageViews": {}},
}
"""What is answered where nothing known is selected."""

Line = tuple[Order, Item]
Selected = Mapping[str, Any]
"""Fields by name, each with what is selected in it."""


@dataclass(frozen=True)
class Field:
    """A field of a query: what it is given, and what of it is wanted."""

    name: str
    arguments: Mapping[str, Any]
    selected: Selected


def read(query: str) -> Iterator[Field]:
    """Yield the fields below the root fields of a query.

    Raises:
        ValueError: it is no GraphQL query, or a day in it is none.
    """
    from graphql import GraphQLError  # noqa: PLC0415  # takes a while to import
    from graphql.language import OperationDefinitionNode, OperationType, parse  # noqa: PLC0415  # the same

    try:
        definitions = parse(query, no_location=True).definitions
    except GraphQLError as error:
        raise ValueError(error.message) from None
    for definition in definitions:
        if not isinstance(definition, OperationDefinitionNode) or definition.operation is not OperationType.QUERY:
            raise ValueError("only queries are answered")
        for root in _fields(definition):
            for field in _fields(root):
                arguments = {one.name.value: _value(one.value) for one in field.arguments or ()}
                for name in ("startDate", "endDate"):
                    _day(arguments, name, date.min)
                yield Field(field.name.value, arguments, _selected(field))


def rows(query: str, orders: Sequence[Order], parents: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows that answer a query.

    Args:
        query: what is asked.
        orders: what was ordered; only what is paid for counts.
        parents: the ASIN that each ASIN is a variation of, where it is one.
    """
    asked = [field for field in read(query) if field.name in (BY_DATE, BY_ASIN)] or [Field(BY_DATE, {}, EVERYTHING)]
    lines = [(order, item) for order in orders if order.priced for item in order.items]
    return [row for field in asked for row in _rows(field, lines, parents)]


def _rows(field: Field, lines: Sequence[Line], parents: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    given, days = field.arguments, [_ordered(order) for order, _ in lines] or [date.min]
    first, last = _day(given, "startDate", min(days)), _day(given, "endDate", max(days))
    unit = given.get("aggregateBy", "DAY" if field.name == BY_DATE else "PARENT")
    held: dict[tuple[tuple[str, Any], ...], list[Line]] = {}
    for order, item in lines:
        ordered = _ordered(order)
        start, end = _period(ordered, unit) if field.name == BY_DATE else (first, last)
        wanted = order.marketplace.id in given.get("marketplaceIds", (order.marketplace.id,))
        whole = ("startDate" not in given or start >= first) and ("endDate" not in given or end <= last)
        if not wanted or not whole or not first <= ordered <= last:
            continue
        about = {"startDate": start.isoformat(), "endDate": end.isoformat(), "marketplaceId": order.marketplace.id}
        if field.name == BY_ASIN:
            about["parentAsin"] = parents.get(item.asin, item.asin)
            about |= {"childAsin": item.asin} if unit != "PARENT" else {}
            about |= {"sku": item.sku} if unit == "SKU" else {}
        held.setdefault(tuple(about.items()), []).append((order, item))
    for key in sorted(held):
        about = dict(key)
        yield {name: _figures(inner, held[key]) if inner else about.get(name) for name, inner in field.selected.items()}


def _ordered(order: Order) -> date:
    return datetime.fromtimestamp(order.created, UTC).date()


def _day(given: Mapping[str, Any], name: str, default: date) -> date:
    return date.fromisoformat(str(given[name])) if name in given else default


def _period(day: date, unit: str) -> tuple[date, date]:
    """Return the first and the last day of the day, week or month that a day is in."""
    if unit == "WEEK":
        start = day - timedelta(days=(day.weekday() + 1) % 7)
        return start, start + timedelta(days=6)
    if unit == "MONTH":
        start = day.replace(day=1)
        return start, (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return day, day


# --- figures ----------------------------------------------------------------------------------------------------------


def _sum(of: Callable[[Item], Decimal | int]) -> Callable[[Sequence[Line]], Decimal]:
    return lambda lines: sum((Decimal(of(item)) for _, item in lines), Decimal(0))


def _orders(lines: Sequence[Line]) -> Decimal:
    return Decimal(len({order.id for order, _ in lines}))


def _share(of: Figure, by: Figure, times: int = 1) -> Figure:
    return lambda lines: times * of(lines) / (by(lines) or 1)


Figure = Callable[[Sequence[Line]], Decimal]

_sales, _units, _items = _sum(lambda item: item.price), _sum(lambda item: item.quantity), _sum(lambda item: 1)
FIGURES: Mapping[str, Figure] = {
    "orderedProductSales": _sales,
    "unitsOrdered": _units,
    "totalOrderItems": _items,
    "averageSellingPrice": _share(_sales, _units),
    "averageSalesPerOrderItem": _share(_sales, _items),
    "averageUnitsPerOrderItem": _share(_units, _items),
    "shippedProductSales": _sum(lambda item: item.unit_price * item.shipped),
    "unitsShipped": _sum(lambda item: item.shipped),
    "ordersShipped": lambda lines: _orders([line for line in lines if line[0].status == "Shipped"]),
    "sessions": lambda lines: 7 * _orders(lines),
    "browserSessions": lambda lines: 4 * _orders(lines),
    "mobileAppSessions": lambda lines: 3 * _orders(lines),
    "pageViews": lambda lines: 11 * _orders(lines),
    "browserPageViews": lambda lines: 6 * _orders(lines),
    "mobileAppPageViews": lambda lines: 5 * _orders(lines),
    "buyBoxPercentage": lambda lines: Decimal(100),
    "unitSessionPercentage": lambda lines: 100 * _units(lines) / (7 * _orders(lines) or 1),
    "orderItemSessionPercentage": lambda lines: 100 * _items(lines) / (7 * _orders(lines) or 1),
}


def _figures(selected: Selected, lines: Sequence[Line]) -> dict[str, Any]:
    """Return what is selected of sales or traffic; what ends with B2B is of business customers alone."""
    currency = lines[0][0].marketplace.currency
    made: dict[str, Any] = {}
    for name, inner in selected.items():
        held = [line for line in lines if line[0].business] if name.endswith("B2B") else lines
        known = FIGURES.get(name.removesuffix("B2B"))
        figure = known(held) if known else Decimal(0)
        if inner:
            amount = {"amount": float(rounded(figure, currency)), "currencyCode": currency}
            made[name] = {part: amount.get(part) for part in inner}
        else:
            made[name] = int(figure) if figure == int(figure) else round(float(figure), 2)
    return made


# --- GraphQL ----------------------------------------------------------------------------------------------------------


def _fields(node: Any) -> Iterator[Any]:
    """Yield the fields that are selected in a node; fragments are passed over."""
    for one in node.selection_set.selections if node.selection_set else ():
        if one.kind == "field":
            yield one


def _selected(node: Any) -> dict[str, Any]:
    return {one.name.value: _selected(one) for one in _fields(node)}


def _value(node: Any) -> Any:
    """Return an argument: lists as lists, and everything else as its text."""
    return [_value(one) for one in node.values] if node.kind == "list_value" else getattr(node, "value", None)
