"""Page tokens: opaque, and good for one operation of one account, as long as it is said.

A token may be sent again, as a client does whose answer was lost, and brings the same page; whether one of Amazon's is
good for that is not known of any operation. In a strict world it is used up once the token of the page after it was
used. Only the latest are remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sellerport.emulator.call import Call, invalid
from sellerport.emulator.sessions import forget_the_oldest

T = TypeVar("T")

REMEMBERED = 10_000


@dataclass(frozen=True)
class Rest:
    """What a token stands for: the rest of a list, in whatever form its API keeps it."""

    operation: str
    seller: str
    value: Any
    arguments: Mapping[str, Any]
    """What has to be sent again with the token."""
    expires_at: float | None
    after: str | None = None
    """The token of the page that it came with, which its use uses up in a strict world."""


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
    made_of = repr((call.world.seed, rest))
    if call.world.login.strict:  # two who turn the same pages have tokens of their own
        rest, made_of = replace(rest, after=call.redeemed[-1] if call.redeemed else None), call.world.uuid()
    token = hashlib.sha256(made_of.encode()).hexdigest()
    call.world.pages[token] = rest
    forget_the_oldest(call.world.pages, REMEMBERED)
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
    if rest.after is not None:
        call.world.pages.pop(rest.after, None)
    call.redeemed.append(token)
    return rest.value


def window(
    call: Call, search: Callable[[], Sequence[T]], *, size: int
) -> tuple[Sequence[T], dict[str, dict[str, str]], int]:
    """Return one page of a search whose pages can be turned both ways, its tokens, and how many are found in all.

    The arguments of the search have to be sent again with a token, but for the page size.
    """
    token = call.one("pageToken")
    arguments = {name: call.many(name) for name in call.query if name not in ("pageToken", "pageSize")}
    found, start = (search(), 0) if token is None else redeem(call, token, name="pageToken", arguments=arguments)
    neighbours = {}
    if start + size < len(found):
        neighbours["nextToken"] = issue(call, (found, start + size), arguments=arguments)
    if start:
        neighbours["previousToken"] = issue(call, (found, max(start - size, 0)), arguments=arguments)
    return found[start : start + size], {"pagination": neighbours} if neighbours else {}, len(found)
