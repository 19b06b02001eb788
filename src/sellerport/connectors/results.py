"""What connectors answer with: records whose fields are attributes too, results, and how a check went."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar

from sellerport import serialize

T = TypeVar("T")


class Record(dict[str, Any]):
    """An object of Amazon's: ``order["AmazonOrderId"]``, or ``order.amazon_order_id``.

    An attribute is the field that Python would spell so; one that Amazon did not send is an `AttributeError`.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        for field in self:
            if _snake(field) == name:
                return recorded(self[field])
        raise AttributeError(f"Amazon sent no {name}; there are {', '.join(map(_snake, self))}", name=name, obj=self)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *map(_snake, self)]


_snake = lru_cache(4096)(serialize.snake)


def recorded(value: Any) -> Any:
    """Return JSON with its objects as records; what is inside one becomes one when it is looked at."""
    if isinstance(value, dict):
        return value if isinstance(value, Record) else Record(value)
    return [recorded(one) for one in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class ExecuteResult(Generic[T]):
    """What a list came to."""

    data: T


@dataclass(frozen=True)
class ExecuteResultWithMeta(ExecuteResult[T]):
    """What a list came to, and what is beside it, such as ``next_token``."""

    meta: dict[str, Any]


@dataclass(frozen=True)
class CheckResult:
    """Whether a connector works: what was tried, and why it failed."""

    status: Literal["healthy", "unhealthy"]
    error: str | None
    checked_entity: str
    checked_action: str
