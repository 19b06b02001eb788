"""Login with Amazon (LWA): consent addresses, code exchange, and access tokens that are fetched once however many ask.

What an access token is worth, and when a new one is asked for:

* more than 60 seconds left: it is used;
* less, or Amazon called it expired: one caller asks for a new one, everyone else who needs it waits for that one;
* a token that was given without a refresh token is used as it is, and nothing is asked; once Amazon calls it expired
  there is no other (`TokenExpired`);
* `invalid_grant` ends the grant (`GrantRevoked`), nothing else does;
* `invalid_client`, `unauthorized_client` and a refused request are the application's fault (`ClientRefused`);
* anything else - 5xx, 429, HTML, nothing - is `TokenUnavailable`, after two retries; who waited for it fails with it.

A refresh token that comes with an access token takes the place of the one that was sent (RFC 6749 §6).

Sources: RFC 6749, RFC 7636; Amazon's pages "Connect to the SP-API", "Website authorization workflow" and, of the Ads
API, "Create an authorization grant".
"""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated
from urllib.parse import quote, urlencode

import msgspec

from sellerport.errors import (
    ClientRefused,
    GrantRevoked,
    InvalidArguments,
    NoAnswer,
    Problem,
    TokenError,
    TokenExpired,
    TokenUnavailable,
)
from sellerport.regions import LWA, AdsRegion, Amazon, Marketplace
from sellerport.wire import UNREADABLE, Request, Response, Wire

MARGIN_S = 60.0
ATTEMPTS = 3
LONGEST_RETRY_S = 5.0
"""A token server that asks for a longer pause is not asked again by the same call."""
TIMEOUT_S = 20.0
LARGEST_ANSWER = 64 * 1024
"""A token server's answer has about a kilobyte; what is larger is none."""

ADS_SCOPE = "advertising::campaign_management"
"""All of advertising; ``advertising::audiences`` and ``advertising::test:create_account`` are scopes besides."""


@dataclass(frozen=True)
class LwaClient:
    """An application as Login with Amazon knows it."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Grant:
    """What an application calls with, in one of three forms.

    A refresh token, which an account's owner gave; a scope, for calls that need no account; or an access token that
    somebody else fetched, which needs no application here.
    """

    client: LwaClient = LwaClient("", "")
    refresh_token: str | None = field(default=None, repr=False)
    scope: str | None = None
    access_token: str | None = field(default=None, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that stand for this grant where a secret must not: in shared limits, keys and logs."""
        import hashlib  # noqa: PLC0415  # loads OpenSSL, which not every program needs

        named = (self.client.client_id, self.refresh_token, self.scope, self.access_token)
        return hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:32]

    def for_scope(self, scope: str | None) -> Grant:
        """Return what to call an operation of this scope with; a bare access token is all there is for any."""
        return self if scope is None or self.access_token is not None else Grant(self.client, scope=scope)

    def form(self) -> dict[str, str]:
        """Return the token request's parameters (RFC 6749 §4.4.2 and §6)."""
        if self.scope is not None:
            return {"grant_type": "client_credentials", "scope": self.scope}
        assert self.refresh_token is not None, "a bare access token is never asked for"
        return {"grant_type": "refresh_token", "refresh_token": self.refresh_token}


class TokenAnswer(msgspec.Struct, frozen=True):
    """What the token server answers (RFC 6749 §5.1)."""

    access_token: Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]+$")]  # appendix A.12; it becomes a header
    expires_in: float = 3600
    refresh_token: str | None = None
    token_type: str = "bearer"  # noqa: S105  # RFC 6750, not a secret

    def __repr__(self) -> str:
        return f"TokenAnswer(expires_in={self.expires_in:g})"


OnRefresh = Callable[[TokenAnswer], Awaitable[None] | None]
"""What hears of every new access token: a function, or for the async client a coroutine function."""


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


def ads_consent_url(
    amazon: Amazon,
    region: AdsRegion,
    client_id: str,
    state: str,
    *,
    redirect_uri: str,
    scopes: Sequence[str] = (ADS_SCOPE,),
    code_challenge: str | None = None,
) -> str:
    """Return the address of the consent page of the Ads API; what is given there is good in every region.

    Args:
        amazon: the real one or a local one.
        region: whose site asks: one that the advertiser knows.
        client_id: the LWA client id, ``amzn1.application-oa2-client.…``.
        state: comes back unchanged with the code (RFC 6749 §10.12).
        redirect_uri: one of the application's allowed return URLs.
        scopes: what is asked for.
        code_challenge: the hash (S256) of a verifier that the exchange has to bring (RFC 7636 §4.2).
    """
    parameters = {
        "client_id": client_id,
        "scope": " ".join(scopes),
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "state": state,
    }
    parameters |= {"code_challenge": code_challenge, "code_challenge_method": "S256"} if code_challenge else {}
    return amazon.url(region.consent, f"/ap/oa?{urlencode(parameters, quote_via=quote)}")


def why_refused(error: str) -> str:
    """Return what it means, and what to do, that a consent page of the Ads API answers with an OAuth error.

    Where ``invalid_scope`` ("An unknown scope was requested") is shown on Amazon's page, no browser comes back.
    """
    if error == "access_denied":
        return "the account's owner did not give consent; nothing was connected"
    if error in ("invalid_scope", "unauthorized_client"):
        return (
            f"Amazon does not let this application ask for advertising ({error}): it knows no such scope, or the "
            "application is not approved for the Ads API; apply for access, and assign the LWA client to it"
        )
    return "Amazon did not go on with the consent; start again"


async def exchange_code(
    wire: Wire,
    amazon: Amazon,
    client: LwaClient,
    code: str,
    redirect_uri: str | None = None,
    code_verifier: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> TokenAnswer:
    """Exchange the code that came back from the consent page for a refresh token; a code works once, for five minutes.

    Args:
        wire: what to send with.
        amazon: the real one or a local one.
        client: which the code was given to.
        code: from the browser.
        redirect_uri: where it came back to; the Ads API demands it.
        code_verifier: what the consent page's ``code_challenge`` is the hash of (RFC 7636 §4.5).
        timeout_s: how long Login with Amazon may take, in seconds.

    Raises:
        GrantRevoked: the code was used before, expired, or was given to another application.
        ClientRefused: the client id or secret is wrong.
        TokenUnavailable: Login with Amazon gave no usable answer. The code may be spent: start the consent flow again.
    """
    given = {"code": code, "redirect_uri": redirect_uri, "code_verifier": code_verifier}
    form = {"grant_type": "authorization_code"} | {name: value for name, value in given.items() if value}
    answer = await _ask(wire, amazon, client, form, timeout_s)
    if not answer.refresh_token:
        raise TokenUnavailable("Login with Amazon answered the code without a refresh token; start again")
    return answer


async def refresh(
    wire: Wire,
    amazon: Amazon,
    grant: Grant,
    timeout_s: float = TIMEOUT_S,
    jitter: Callable[[], float] = random.random,
    attempts: int = ATTEMPTS,
) -> TokenAnswer:
    """Ask Login with Amazon for an access token, and again where it gave no usable answer.

    Args:
        wire: what to send and wait with.
        amazon: the real one or a local one.
        grant: whose token.
        timeout_s: how long each answer may take, in seconds.
        jitter: a number from 0 to 1, for the pauses between.
        attempts: how often it is asked, at most.

    Raises:
        GrantRevoked, ClientRefused, TokenUnavailable: see the top of this module.
    """
    for attempt in range(1, attempts):
        try:
            return await _ask(wire, amazon, grant.client, grant.form(), timeout_s)
        except TokenUnavailable as error:  # LWA has no side effect here: asking again is safe
            if error.retry_after > LONGEST_RETRY_S:
                raise
            await wire.sleep(max(error.retry_after, 2**attempt * 0.25 * jitter()))
    return await _ask(wire, amazon, grant.client, grant.form(), timeout_s)


def check_callback(callback: object, blocking: bool, field: str = "on_token_refresh") -> None:
    """Refuse what cannot be called, and what a blocking client cannot wait for; None is no callback.

    Raises:
        InvalidArguments: it is no function, or a coroutine function and the client blocks.
    """
    if callback is None:
        return
    if not callable(callback):
        raise InvalidArguments(problems=[Problem(field, "must be a function")])
    if blocking and (inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(type(callback).__call__)):
        problem = "is a coroutine function, which only the async client can wait for; give a function"
        raise InvalidArguments(problems=[Problem(field, problem)])


_Key = tuple[Amazon, Grant]


@dataclass(frozen=True, slots=True)
class _Held:
    """An access token, or why there is none."""

    access_token: str | None = field(repr=False)
    expires_at: float
    failure: TokenError | None = None


class Tokens:
    """Access tokens, each kept until shortly before it expires; one is enough for a whole process.

    There may be any number of them: what expired is forgotten, and nothing else is.

    Args:
        clock: seconds since the epoch.
        jitter: a number from 0 to 1, for the pauses between retries.
    """

    def __init__(self, clock: Callable[[], float] = time.time, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._held: dict[_Key, _Held] = {}
        self._sweep_at = 64
        self._newer: dict[_Key, Grant] = {}
        """What took a grant's place. Amazon has repeated the same refresh token so far, so it is empty there."""

    async def get(
        self,
        wire: Wire,
        amazon: Amazon,
        grant: Grant,
        *,
        instead_of: str | None = None,
        timeout_s: float = TIMEOUT_S,
        on_refresh: OnRefresh | None = None,
    ) -> str:
        """Return an access token, from memory or from Login with Amazon.

        Args:
            wire: what to wait on.
            amazon: the real one or a local one.
            grant: whose token.
            instead_of: a token that Amazon called expired; it is not returned again.
            timeout_s: how long Login with Amazon may take for one answer, in seconds; `TIMEOUT_S` at most.
            on_refresh: called with the token server's answer, if it had to be asked, and awaited where that is to be.
                The token is kept before, so that an exception of it costs this call and no other.

        Raises:
            GrantRevoked, ClientRefused, TokenExpired, TokenUnavailable: see the top of this module.
        """
        if grant.access_token is not None:
            if grant.access_token == instead_of:
                raise TokenExpired
            return grant.access_token
        key = self._newest(amazon, grant)
        if found := self._fresh(key, instead_of):
            return found
        seen = self._failure(key)
        async with wire.alone(key):
            key = self._newest(amazon, grant)
            if found := self._fresh(key, instead_of):  # someone fetched it while we waited
                return found
            failed = self._failure(key)
            if failed is not None and failed is not seen:  # someone failed while we waited: asking again is no use
                raise type(failed)(failed.message)
            try:
                answer = await refresh(wire, *key, min(timeout_s, TIMEOUT_S), self._jitter)
            except TokenError as error:
                if found := self._fresh(self._newest(amazon, grant), instead_of):  # another event loop was luckier
                    return found
                # a copy: what was raised holds every frame up to the caller's own
                self._keep(key, _Held(None, self._clock() + MARGIN_S, type(error)(error.message)))
                raise
            if answer.refresh_token and answer.refresh_token != key[1].refresh_token:
                newer = self._newer[key] = replace(key[1], refresh_token=answer.refresh_token)
                key = (amazon, newer)
                self._newer.pop(key, None)  # an older one that came back stands for itself again
            self._keep(key, _Held(answer.access_token, self._clock() + answer.expires_in))
        if on_refresh is not None:  # after the others were let go on, who need not wait for it
            heard = on_refresh(answer)
            if inspect.isawaitable(heard):
                await heard
        return answer.access_token

    def _newest(self, amazon: Amazon, grant: Grant) -> _Key:
        """Return what stands for a grant now, after its refresh token was replaced any number of times."""
        first = grant
        while self._newer and (newer := self._newer.get((amazon, grant))) is not None:
            grant = newer
        if grant is not first:
            self._newer[amazon, first] = grant  # so that no chain is long
        return amazon, grant

    def _keep(self, key: _Key, held: _Held) -> None:
        self._held[key] = held
        if len(self._held) >= self._sweep_at:
            now = self._clock()
            for old in [old for old, held in list(self._held.items()) if held.expires_at <= now]:
                self._held.pop(old, None)  # grants that nobody calls for any more
            self._sweep_at = max(64, 2 * len(self._held))  # so that each token pays for looking at two, however many

    def _fresh(self, key: _Key, instead_of: str | None) -> str | None:
        held = self._held.get(key)
        if held is None or held.access_token == instead_of or held.expires_at - self._clock() < MARGIN_S:
            return None
        return held.access_token

    def _failure(self, key: _Key) -> TokenError | None:
        held = self._held.get(key)
        return held.failure if held is not None else None


class Source:
    """Where a client's grant comes from: asked for at the first call, kept, and asked for again when it is refused.

    Args:
        ask: returns the grant as it is now; it may read a file, or ask a vault.
        grant: what is known already; without it the first call asks.
    """

    def __init__(self, ask: Callable[[], Awaitable[Grant]], grant: Grant | None = None) -> None:
        self._ask = ask
        self._grant = grant
        self._asked = 0

    async def grant(self, wire: Wire) -> Grant:
        """Return the grant; however many ask at first, one of them asks for all."""
        if self._grant is None:
            async with wire.alone(self):
                if self._grant is None:
                    self._grant = await self._ask()
        return self._grant

    async def token(
        self,
        wire: Wire,
        tokens: Tokens,
        amazon: Amazon,
        *,
        scope: str | None = None,
        instead_of: str | None = None,
        timeout_s: float = TIMEOUT_S,
        on_refresh: OnRefresh | None = None,
    ) -> str:
        """Return an access token as `Tokens.get` does, if need be of a grant that was renewed in the meantime.

        A client secret that was rotated, or a grant that the owner renewed, is found where the grant came from: that
        is asked once more, and what differs there is tried once.

        Raises:
            GrantRevoked, ClientRefused, TokenExpired, TokenUnavailable: as `Tokens.get`.
        """
        grant = await self.grant(wire)
        try:
            asked = grant.for_scope(scope)
            return await tokens.get(
                wire, amazon, asked, instead_of=instead_of, timeout_s=timeout_s, on_refresh=on_refresh
            )
        except (ClientRefused, GrantRevoked, TokenExpired):
            renewed = await self._renew(wire, grant)
            if renewed == grant:
                raise
        asked = renewed.for_scope(scope)
        return await tokens.get(wire, amazon, asked, instead_of=instead_of, timeout_s=timeout_s, on_refresh=on_refresh)

    async def _renew(self, wire: Wire, refused: Grant) -> Grant:
        before = self._asked
        async with wire.alone(self):
            if self._grant == refused and self._asked == before:  # nobody asked while we waited
                self._grant = await self._ask()
                self._asked += 1
            assert self._grant is not None
            return self._grant


async def _ask(
    wire: Wire, amazon: Amazon, client: LwaClient, form: dict[str, str], timeout_s: float = TIMEOUT_S
) -> TokenAnswer:
    body = urlencode({**form, "client_id": client.client_id, "client_secret": client.client_secret}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8", "accept": "application/json"}
    url = amazon.url(LWA, "/auth/o2/token")
    request = Request("POST", url, headers, body, timeout_s=timeout_s, largest=LARGEST_ANSWER)
    try:
        answer = await wire.send(request)
    except NoAnswer as error:
        raise TokenUnavailable(f"Login with Amazon: {error.message}") from error
    if answer.status == 200:
        try:
            return msgspec.json.decode(answer.body, type=TokenAnswer, strict=False)  # expires_in may be "3600"
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
    what = f"Login with Amazon answered {answer.status} {error or 'without a reason'}; try later"
    pause = answer.headers.get("retry-after", "")  # RFC 9110 §10.2.3; a date is not looked at
    return TokenUnavailable(what, retry_after=min(float(pause), 3600.0) if pause.isdecimal() else 0.0)
