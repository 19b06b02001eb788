"""Restricted data: personal data that Amazon shows only to a token made for it (a restricted data token, RDT).

* A token is asked for with the paths that it opens: where Amazon allows it the path of all objects
  (``/orders/v0/orders/{orderId}``), so that one token serves every order; otherwise the very path of the call.
* It is kept until shortly before it expires, for its account, paths and data elements, and asked for once however many
  callers need it.
* Paths named beforehand share tokens, 50 in each.
* It is made in production, also for calls to the sandbox.

Sources: Amazon's pages "Tokens API v2021-03-01 use case guide" and "Authorization with the restricted data token".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sellerport import calls, catalog, serialize
from sellerport.answers import Result
from sellerport.calls import Session
from sellerport.catalog import Operation
from sellerport.errors import AmazonRefused, AmazonUnavailable, InvalidArguments, Problem
from sellerport.serialize import Prepared
from sellerport.wire import Wire

MARGIN_S = 60.0
MOST_RESOURCES = 50
ROLES = (
    "the application needs the roles for restricted data (such as Direct-to-Consumer Shipping or Tax Invoicing), and "
    "the account's owner has to consent again after they were granted"
)

Elements = Sequence[str] | bool


@dataclass(frozen=True)
class Resource:
    """What a token opens: one path, or all of its kind."""

    method: str
    path: str
    elements: tuple[str, ...] = ()

    def asked(self) -> dict[str, Any]:
        """Return it as Amazon's request has it."""
        elements = {"dataElements": list(self.elements)} if self.elements else {}
        return {"method": self.method, "path": self.path, **elements}


@dataclass
class _Held:
    token: str = field(repr=False)
    expires_at: float


class RestrictedTokens:
    """The restricted data tokens of a process.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._held: dict[tuple[object, Resource], _Held] = {}

    async def get(self, wire: Wire, session: Session, resource: Resource, instead_of: str | None = None) -> str:
        """Return a token that opens a resource.

        Raises:
            AmazonRefused: the application may not see this data; says which role to look at.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        key = (await session.account(wire), resource)
        if found := self._fresh(key, instead_of):
            return found
        async with wire.alone(("restricted", *key)):
            key = (await session.account(wire), resource)  # the grant may have been renewed while we waited
            if found := self._fresh(key, instead_of):
                return found
            (token,) = await self.fetch(wire, session, [resource])
            return token

    async def fetch(self, wire: Wire, session: Session, resources: Iterable[Resource]) -> list[str]:
        """Ask for tokens for many resources, each for as many as Amazon allows; keep and return them."""
        operation = catalog.find("tokens_2021_03_01.create_restricted_data_token")
        tokens = []
        wanted = list(dict.fromkeys(resources))
        for start in range(0, len(wanted), MOST_RESOURCES):
            some = wanted[start : start + MOST_RESOURCES]
            body = {"restrictedResources": [resource.asked() for resource in some]}
            prepared = serialize.prepare(operation, {"body": body})
            try:
                result = await calls.call(wire, replace(session, sandbox=False), operation, prepared)
            except AmazonRefused as refused:
                refused.advice = ROLES
                raise
            token = result.payload.get("restrictedDataToken") if isinstance(result.payload, dict) else None
            if not token:
                raise AmazonUnavailable("the answer holds no token; try again", status=502, operation=operation.key)
            expires_at = self._clock() + float(result.payload.get("expiresIn") or 3600)
            self._forget_old()
            account = await session.account(wire)
            tokens.append(token)
            for resource in some:
                self._held[account, resource] = _Held(token, expires_at)
        return tokens

    async def missing(self, wire: Wire, session: Session, resources: Iterable[Resource]) -> list[Resource]:
        """Return those resources for which there is no token."""
        account = await session.account(wire)
        return [resource for resource in resources if self._fresh((account, resource), None) is None]

    def _fresh(self, key: tuple[object, Resource], instead_of: str | None) -> str | None:
        held = self._held.get(key)
        if held is None or held.token == instead_of or held.expires_at - self._clock() < MARGIN_S:
            return None
        return held.token

    def _forget_old(self) -> None:
        now = self._clock()
        for key in [key for key, held in list(self._held.items()) if held.expires_at <= now]:
            self._held.pop(key, None)


@dataclass(frozen=True)
class Restriction:
    """What a client made by ``restricted(…)`` adds to its calls: the data elements, and paths named beforehand."""

    elements: tuple[str, ...]
    resources: tuple[Resource, ...] = ()

    def applies(self, operation: Operation) -> Elements | None:
        """Return the elements to ask for with a call of this operation, or None where it takes an ordinary token.

        An operation that is restricted only for some of its objects (report documents) takes one only by its path.
        """
        rule = operation.restricted
        if rule is None or rule.path == "specific":
            return None
        if not rule.elements:
            return True
        return [element for element in self.elements if element in rule.elements] or None

    def named(self, operation: Operation, prepared: Prepared) -> Resource | None:
        """Return the path that was named beforehand and that a call goes to."""
        path = prepared.path.partition("?")[0]
        return next((one for one in self.resources if (one.method, one.path) == (operation.method, path)), None)


def restriction(elements: Iterable[str], paths: Iterable[str]) -> Restriction:
    """Check what ``restricted(…)`` was given.

    Raises:
        InvalidArguments: there is no such element, or a path belongs to no restricted operation.
    """
    known = {element for operation in catalog.operations() for element in _elements(operation)}
    elements, paths = _listed(elements), _listed(paths)
    problems = [
        Problem("elements", f"{element!r} is no data element; there are {', '.join(sorted(known))}")
        for element in elements
        if element not in known
    ]
    resources = []
    for path in paths:
        method, space, rest = path.partition(" ")
        found = catalog.match(method, rest) if space else catalog.match("GET", path)
        if found is None or found[0].restricted is None or "?" in path or path.endswith("/"):
            problems.append(
                Problem("paths", "must each be the path of a restricted operation, such as 'GET /orders/…'")
            )
            continue
        known_there = found[0].restricted.elements
        some = tuple(element for element in elements if element in known_there) if elements else known_there
        resources.append(Resource(found[0].method, rest if space else path, some))
    if problems:
        raise InvalidArguments(problems=problems)
    return Restriction(tuple(elements), tuple(resources))


def resource_of(operation: Operation, prepared: Prepared, elements: Elements) -> Resource:
    """Return what a token for one call has to open.

    Raises:
        InvalidArguments: the operation has no restricted data, or not these elements.
    """
    rule = operation.restricted
    if rule is None:
        raise InvalidArguments(
            operation.key, [Problem("restricted", "is unknown: this operation has no restricted data")]
        )
    wanted = rule.elements if elements is True else () if elements is False else _listed(elements)
    if unknown := [element for element in wanted if element not in rule.elements]:
        listed = f"; there are {', '.join(rule.elements)}" if rule.elements else "; give True"
        raise InvalidArguments(operation.key, [Problem("restricted", f"has no {', '.join(unknown)}{listed}")])
    path = operation.path if rule.path != "specific" else prepared.path.partition("?")[0]
    return Resource(operation.method, path, tuple(sorted(wanted)))


def _listed(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _elements(operation: Operation) -> tuple[str, ...]:
    return operation.restricted.elements if operation.restricted else ()


async def call(
    wire: Wire, session: Session, tokens: RestrictedTokens, operation: Operation, prepared: Prepared, resource: Resource
) -> Result[Any, Any]:
    """Make one call with a restricted data token; raises what every call raises."""

    async def token(instead_of: str | None = None) -> str:
        return await tokens.get(wire, session, resource, instead_of)

    return await calls.call(wire, session, operation, prepared, token)
