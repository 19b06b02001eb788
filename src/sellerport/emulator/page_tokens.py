"""Page tokens: opaque, and good for one operation of one account, as long as it is said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sellerport.emulator.call import Call, invalid


@dataclass(frozen=True)
class Rest:
    """What a token stands for: the rest of a list, in whatever form its API keeps it."""

    operation: str
    seller: str
    value: Any
    arguments: Mapping[str, Any]
    """What has to be sent again with the token."""
    expires_at: float | None


def issue(
    call: Call,
    value: Any,
    *,
    operation: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    life_s: float | None = None,
) -> str:
    """Return a token for the rest of a list; the operation that takes it is the one that gives it, or another."""
    expires_at = None if life_s is None else call.world.now() + life_s
    rest = Rest(operation or call.operation.key, call.seller, value, arguments or {}, expires_at)
    token = hashlib.sha256(repr((call.world.seed, rest)).encode()).hexdigest()
    call.world.pages[token] = rest
    return token


def redeem(call: Call, token: str, *, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
    """Return what a token stands for; it may be sent again.

    Raises:
        AmazonRefused: it is no token of this operation and account, it expired, or the arguments are not the first
            page's.
    """
    rest = call.world.pages.get(token)
    if rest is None or (rest.operation, rest.seller) != (call.operation.key, call.seller):
        raise invalid(f"{name} is not valid")
    if rest.expires_at is not None and rest.expires_at <= call.world.now():
        raise invalid(f"{name} has expired")
    if arguments is not None and rest.arguments != arguments:
        different = sorted(
            one for one in {*rest.arguments, *arguments} if rest.arguments.get(one) != arguments.get(one)
        )
        raise invalid(f"{name} was given with other values of: {', '.join(different)}")
    return rest.value
