"""An account's orders: by their id, and by the time of what happened to them.

Seeded orders are made when somebody first looks at them, so that a local Amazon with a hundred thousand orders is there
as soon as one without any.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, ValuesView
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from sellerport.emulator.shop import Order


class Identified(Protocol):
    """What has an id."""

    @property
    def id(self) -> str:
        """Its id."""


T = TypeVar("T", bound=Identified)


class Timeline(Generic[T]):
    """What follows from orders, sorted by time and id, and kept so while orders change.

    Args:
        orders: all there are.
        of: what follows from one; the same, for as long as it does not change.
        when: when that happened, in unix seconds.
    """

    def __init__(self, orders: Iterable[Order], of: Callable[[Order], Iterable[T]], when: Callable[[T], float]) -> None:
        self._of, self._when = of, when
        self._all = sorted((one for order in orders for one in of(order)), key=self.place)

    def place(self, one: T) -> tuple[float, str]:
        """Return where something stands."""
        return self._when(one), one.id

    def between(self, first: float | None = None, last: float | None = None) -> list[T]:
        """Return what happened from a time until another, both included, as far as they are given."""
        start = 0 if first is None else bisect_left(self._all, first, key=self._when)
        end = None if last is None else bisect_right(self._all, last, key=self._when)
        return self._all[start:end]

    def move(self, old: Order, new: Order) -> None:
        """Replace what followed from an order by what follows from it now."""
        for one in self._of(old):
            del self._all[bisect_left(self._all, self.place(one), key=self.place)]
        for one in self._of(new):
            insort(self._all, one, key=self.place)


class OrderBook(Mapping[str, Order]):
    """Orders by their id, in the order in which they were placed.

    Args:
        seed: makes them; it may be called again, and has to make the same.
        count: how many it makes.
    """

    def __init__(self, seed: Callable[[], dict[str, Order]] = dict, count: int = 0) -> None:
        self._seed, self._count = seed, count
        self._timelines: dict[str, Timeline[Any]] = {}

    @classmethod
    def of(cls, orders: dict[str, Order]) -> OrderBook:
        """Return a book of orders that are there, in whatever order they come."""
        placed = dict(sorted(orders.items(), key=lambda one: one[1].created))
        return cls(lambda: placed, len(placed))

    @cached_property
    def _orders(self) -> dict[str, Order]:
        return self._seed()

    def __getitem__(self, id: str) -> Order:
        return self._orders[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._orders)

    def __len__(self) -> int:
        return self._count  # which needs no order to be made

    def values(self) -> ValuesView[Order]:
        """Return the orders, without looking each of them up."""
        return self._orders.values()

    def change(self, order: Order) -> None:
        """Let an order be as it is now."""
        old = self._orders[order.id]
        self._orders[order.id] = order
        for timeline in self._timelines.values():
            timeline.move(old, order)

    def timeline(self, name: str, of: Callable[[Order], Iterable[T]], when: Callable[[T], float]) -> Timeline[T]:
        """Return what follows from the orders, by time; it is made once for each name."""
        if name not in self._timelines:
            self._timelines[name] = Timeline(self.values(), of, when)
        return self._timelines[name]

    @property
    def by_creation(self) -> Timeline[Order]:
        """The orders by when they were placed."""
        return self.timeline("created", lambda order: (order,), attrgetter("created"))

    @property
    def by_update(self) -> Timeline[Order]:
        """The orders by when they last changed."""
        return self.timeline("updated", lambda order: (order,), attrgetter("updated"))
