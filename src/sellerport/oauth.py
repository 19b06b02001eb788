"""Login with Amazon (LWA): consent addresses, code exchange, and access tokens that are fetched once however many ask.

What an access token is worth, and when a new one is asked for:

* more than 60 seconds left: it is used;
* less, or Amazon called it expired: one caller asks for a new one, everyone else who needs it waits for that one;
* `invalid_grant` ends the grant (`GrantRevoked`), nothing else does;
* `invalid_client`, `unauthorized_client` and a refused request are the application's fault (`ClientRefused`);
* anything else - 5xx, 429, HTML, nothing - is `TokenUnavailable`, after two retries; who waited for it fails with it.

Sources: RFC 6749; Amazon's pages "Connect to the SP-API" and "Website authorization workflow".
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import msgspec

from sellerport.errors import ClientRefused, GrantRevoked, NoAnswer, TokenError, TokenUnavailable
from sellerport.regions import LWA, Amazon, Marketplace
from sellerport.wire import UNREADABLE, Request, Response, Wire

MARGIN_S = 60.0
ATTEMPTS = 3
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class LwaClient:
    """An application as Login with Amazon knows it."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Grant:
    """What an account's owner gave an application: a refresh token; or a scope, for calls that need no account."""

    client: LwaClient
    refresh_token: str | None = field(default=None, repr=False)
    scope: str | None = None

    def form(self) -> dict[str, str]:
        """Return the token request's parameters (RFC 6749 §4.4.2 and §6)."""
        if self.scope is not None:
            return {"grant_type": "client_credentials", "scope": self.scope}
        assert self.refresh_token is not None
        return {"grant_type": "refresh_token", "refresh_token": self.refresh_token}


class TokenAnswer(msgspec.Struct, frozen=True):
    """What the token server answers (RFC 6749 §5.1)."""

    access_token: str
    expires_in: float = 3600
    refresh_token: str | None = None
    token_type: str = "bearer"  # noqa: S105  # RFC 6750, not a secret

    def __repr__(self) -> str:
        return f"TokenAnswer(expires_in={self.expires_in:g})"


class _TokenError(msgspec.Struct, frozen=True):
    """RFC 6749 §5.2."""

    error: str = ""
    error_description: str = ""


def consent_url(
    amazon: Amazon,
    marketplace: Marketplace,
    application_id: str,
    state: str,
    *,
    redirect_uri: str | None = None,
    draft: bool = False,
    vendor: bool = False,
) -> str:
    """Return the address of the consent page that the account's owner has to visit.

    Args:
        amazon: the real one or a local one.
        marketplace: where the account trades; it decides which Seller Central (or Vendor Central) asks for consent.
        application_id: ``amzn1.sp.solution.…``, not the LWA client id.
        state: comes back unchanged with the code (RFC 6749 §10.12).
        redirect_uri: one of the application's registered addresses; its first one if not given.
        draft: whether the application is still a draft in Amazon's eyes (``version=beta``).
        vendor: whether the account is a vendor's.
    """
    parameters = {"application_id": application_id, "state": state}
    parameters |= {"redirect_uri": redirect_uri} if redirect_uri else {}
    parameters |= {"version": "beta"} if draft else {}
    central = marketplace.vendor_central if vendor else marketplace.seller_central
    return amazon.url(central, f"/apps/authorize/consent?{urlencode(parameters, quote_via=quote)}")


async def exchange_code(
    wire: Wire, amazon: Amazon, client: LwaClient, code: str, redirect_uri: str | None = None
) -> TokenAnswer:
    """Exchange the code that came back from the consent page for a refresh token; a code works once, for five minutes.

    Raises:
        GrantRevoked: the code was used before, expired, or was given to another application.
        ClientRefused: the client id or secret is wrong.
        TokenUnavailable: Login with Amazon gave no usable answer. The code may be spent: start the consent flow again.
    """
    form = {"grant_type": "authorization_code", "code": code}
    answer = await _ask(wire, amazon, client, form | ({"redirect_uri": redirect_uri} if redirect_uri else {}))
    if not answer.refresh_token:
        raise TokenUnavailable("Login with Amazon answered the code without a refresh token; start again")
    return answer


@dataclass(frozen=True)
class _Held:
    access_token: str = field(repr=False)
    expires_at: float


class Tokens:
    """Access tokens, each kept until shortly before it expires; one is enough for a whole process.

    Args:
        clock: seconds since the epoch.
        jitter: a number from 0 to 1, for the pauses between retries.
    """

    def __init__(self, clock: Callable[[], float] = time.time, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._held: dict[tuple[Amazon, Grant], _Held] = {}
        self._failed: dict[tuple[Amazon, Grant], TokenError] = {}

    async def get(
        self,
        wire: Wire,
        amazon: Amazon,
        grant: Grant,
        *,
        instead_of: str | None = None,
        on_refresh: Callable[[TokenAnswer], None] | None = None,
    ) -> str:
        """Return an access token, from memory or from Login with Amazon.

        Args:
            wire: what to wait on.
            amazon: the real one or a local one.
            grant: whose token.
            instead_of: a token that Amazon called expired; it is not returned again.
            on_refresh: called with the token server's answer, if it had to be asked.

        Raises:
            GrantRevoked, ClientRefused, TokenUnavailable: see the top of this module.
        """
        key = (amazon, grant)
        if found := self._fresh(key, instead_of):
            return found
        seen = self._failed.get(key)
        async with wire.alone(key):
            if found := self._fresh(key, instead_of):  # someone fetched it while we waited
                return found
            failed = self._failed.get(key)
            if failed is not None and failed is not seen:  # someone failed while we waited: asking again is no use
                raise type(failed)(failed.message)
            try:
                answer = await self._refresh(wire, amazon, grant)
            except TokenError as error:
                self._failed[key] = error
                raise
            self._keep(key, answer)
            if on_refresh is not None:
                on_refresh(answer)
            return answer.access_token

    def _keep(self, key: tuple[Amazon, Grant], answer: TokenAnswer) -> None:
        now = self._clock()
        self._failed.pop(key, None)
        for old in [old for old, held in list(self._held.items()) if held.expires_at <= now]:
            self._held.pop(old, None)  # grants that nobody calls for any more
        self._held[key] = _Held(answer.access_token, now + answer.expires_in)

    def _fresh(self, key: tuple[Amazon, Grant], instead_of: str | None) -> str | None:
        held = self._held.get(key)
        if held is None or held.access_token == instead_of or held.expires_at - self._clock() < MARGIN_S:
            return None
        return held.access_token

    async def _refresh(self, wire: Wire, amazon: Amazon, grant: Grant) -> TokenAnswer:
        for attempt in range(1, ATTEMPTS):
            try:
                return await _ask(wire, amazon, grant.client, grant.form())
            except TokenUnavailable:  # LWA has no side effect here: asking again is safe
                await wire.sleep(2**attempt * 0.25 * self._jitter())
        return await _ask(wire, amazon, grant.client, grant.form())


async def _ask(wire: Wire, amazon: Amazon, client: LwaClient, form: dict[str, str]) -> TokenAnswer:
    body = urlencode({**form, "client_id": client.client_id, "client_secret": client.client_secret}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8", "accept": "application/json"}
    request = Request("POST", amazon.url(LWA, "/auth/o2/token"), headers, body, timeout_s=TIMEOUT_S)
    try:
        answer = await wire.send(request)
    except NoAnswer as error:
        raise TokenUnavailable(f"Login with Amazon: {error.message}") from error
    if answer.status == 200:
        try:
            return msgspec.json.decode(answer.body, type=TokenAnswer)
        except UNREADABLE as error:
            raise TokenUnavailable("Login with Amazon answered 200 with something that is no token") from error
    raise _refusal(answer, form)


def _refusal(answer: Response, form: dict[str, str]) -> TokenError:
    """Return what an answer other than 200 means; its description is not repeated, as it may echo what was sent."""
    try:
        error = msgspec.json.decode(answer.body, type=_TokenError).error
    except UNREADABLE:
        error = ""
    if answer.status in (400, 401, 403):
        if error == "invalid_grant" and "scope" not in form:
            what = "authorization code" if "code" in form else "refresh token"
            return GrantRevoked(
                f"Login with Amazon no longer accepts the {what} (invalid_grant): it expired, was revoked or belongs "
                "to another application; the account's owner has to consent again"
            )
        if error in ("invalid_client", "unauthorized_client"):
            return ClientRefused(
                f"Login with Amazon does not accept the application's client id or secret ({error}); "
                "check both, and whether the secret expired"
            )
        if error in ("invalid_request", "invalid_scope", "unsupported_grant_type"):
            return ClientRefused(f"Login with Amazon refused the application's request ({error}); it will not succeed")
    return TokenUnavailable(f"Login with Amazon answered {answer.status} {error or 'without a reason'}; try later")
