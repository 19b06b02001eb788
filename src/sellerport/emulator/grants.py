"""Who may call for whom: applications and their secrets, grants, codes and tokens, and when each of them ends.

* A code is good once, for five minutes; an access token for an hour.
* A grant to a public application ends after 365 days; to a private one, never. What an owner gives again is a grant of
  its own, and the older one stays good.
* A client secret ends after 180 days, and rotation makes another: the older one is taken for seven more days. The new
  one is told in a notification and nowhere else, and 90 days before one ends there is a notification too.
* In strict mode a refresh token is good once: the answer brings the next one, and whoever sends a used one ends the
  grant (RFC 9700 §4.14.2), as whoever sends a used code ends what it led to (RFC 6749 §4.1.2). Amazon does neither.

What is not known: what Login with Amazon itself says to a secret that has ended (developers met the SP-API's refusal,
so here it takes the secret, and the SP-API refuses the call), how many older secrets may live at once (here: any), and
how often the notification of an end is repeated (here: never).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec

from sellerport.emulator.sessions import forget_the_oldest
from sellerport.errors import Conflict, NotFound

if TYPE_CHECKING:
    from sellerport.emulator.world import Account

DAY_S = 86_400
CODE_LIFE_S = 300
TOKEN_LIFE_S = 3600
GRANT_LIFE_S = 365 * DAY_S
SECRET_LIFE_S = 180 * DAY_S
OLD_SECRET_LIFE_S = 7 * DAY_S
SECRET_NOTICE_S = 90 * DAY_S
REMEMBERED = 100_000
"""How many codes, and how many access tokens, are known at a time: a clock that stands still ends none."""


class Application(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A developer application.

    A redirect URI of the form ``http://host:*`` stands for every port and path of that host; real Amazon has no such
    thing, but a test's port is not known beforehand.
    """

    application_id: str
    client_id: str
    client_secret: str
    name: str = "Local application"
    redirect_uris: tuple[str, ...] = ()
    login_uri: str | None = None
    """Where Amazon sends an owner who began on Amazon's side, to sign in to the application."""
    login_first: bool = False
    """Whether the website workflow leads over the Login URI too: some applications see that, most do not."""
    draft: bool = False
    """A draft is only consented to with ``version=beta``."""
    private: bool = False
    """Made for its developer's own accounts."""
    regions: tuple[Literal["na", "eu", "fe"], ...] = ("na", "eu", "fe")
    ads: bool = True
    """Whether Amazon approved it for the Ads API."""
    queue: str | None = "arn:aws:sqs:us-east-1:000000000000:local-secrets"
    """Which SQS queue hears of its secrets; without one, rotation is refused."""

    def __repr__(self) -> str:
        return f"Application({self.application_id!r})"

    def accepts(self, redirect_uri: str) -> bool:
        """Whether this redirect URI is registered."""
        return any(redirect_uri == known or _covers(known, redirect_uri) for known in self.redirect_uris)


def _covers(pattern: str, redirect_uri: str) -> bool:
    if not pattern.endswith(":*"):
        return False
    try:
        asked, known = urlsplit(redirect_uri), urlsplit(pattern.removesuffix(":*"))
        return (asked.scheme, asked.hostname, asked.username) == (known.scheme, known.hostname, None)
    except ValueError:
        return False


DEFAULT_APPLICATION = Application(
    application_id="amzn1.sp.solution.local",
    client_id="amzn1.application-oa2-client.local",
    client_secret="local-secret",  # noqa: S106  # it opens nothing but this
    name="Local Shop Tools",
    redirect_uris=("http://localhost:8080/callback", "http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"),
    login_uri="http://localhost:8080/login",
)

SDK_APPLICATION = Application(
    application_id="amzn1.sp.solution.sdk-tests",
    client_id="clientId",
    client_secret="clientSecret",  # noqa: S106
    name="Tests of Amazon's SDKs",
)
SDK_REFRESH_TOKEN = "refreshToken"  # noqa: S105  # words, as they stand in those tests


@dataclass
class Grant:
    """What an account's owner gave an application."""

    refresh_token: str = field(repr=False)
    application: Application
    account: Account
    given_at: float = 0
    expires_at: float | None = None
    """None for a private application's, which has no yearly renewal."""
    revoked: bool = False

    def over(self, now: float) -> bool:
        """Whether it was revoked, or not renewed in time."""
        return self.revoked or (self.expires_at is not None and self.expires_at <= now)


@dataclass
class AdsGrant:
    """What a person gave an application: to advertise, through every profile that the person sees, wherever it is.

    It does not end by itself, and its refresh token stays the same, in strict mode too.
    """

    refresh_token: str = field(repr=False)
    application: Application
    person: str
    """An e-mail address."""
    scopes: frozenset[str]
    given_at: float = 0
    revoked: bool = False


@dataclass
class AdsCode:
    """An authorization code for the Ads API: good once, for five minutes, for one application."""

    application: Application
    person: str
    scopes: frozenset[str]
    redirect_uri: str
    expires_at: float
    challenge: str | None = None
    """What the code's verifier has to hash to (RFC 7636, S256)."""
    used: bool = False


@dataclass
class Code:
    """An authorization code: good once, for five minutes, for one application."""

    application: Application
    account: Account
    redirect_uri: str | None
    expires_at: float
    used: bool = False
    grant: Grant | None = None
    """What it led to."""


@dataclass(frozen=True)
class Resource:
    """What a restricted data token opens: a path, or all of its kind (``/orders/v0/orders/{orderId}``)."""

    method: str
    path: str
    elements: frozenset[str]


@dataclass
class AccessToken:
    """What a call carries; without a grant it is good for grantless operations of its scopes only."""

    application: Application
    grant: Grant | None
    expires_at: float
    scopes: frozenset[str] = frozenset()
    resources: tuple[Resource, ...] = ()
    """What a restricted data token is good for; empty for other tokens."""
    issued_at: float = 0
    advertiser: AdsGrant | None = None
    """Of a token for the Ads API, which opens nothing of the SP-API."""

    @property
    def ended(self) -> bool:
        """Whether the person who gave a grant of the Ads API took it back."""
        return self.advertiser is not None and self.advertiser.revoked


@dataclass(frozen=True)
class Notice:
    """A notification for an application's developer, and the queue that it is for."""

    queue: str
    message: dict[str, Any] = field(repr=False)


class Grants:
    """Applications, and all that they were given.

    Args:
        now: the world's clock.
        secret: makes a new token of a prefix and so many digits.
        uuid: makes a new id.
        strict: whether refresh tokens are good once.
        deliver: brings a notification to a queue.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float],
        secret: Callable[[str, int], str],
        uuid: Callable[[], str],
        strict: bool,
        deliver: Callable[[str, dict[str, Any]], object],
    ) -> None:
        self.strict = strict
        self._deliver = deliver
        self.applications: dict[str, Application] = {}
        """By client id; ``client_secret`` is the newest one."""
        self.secret_ends: dict[str, float] = {}
        """When an application's newest secret ends, by client id."""
        self.old_secrets: dict[tuple[str, str], float] = {}
        """Until when an older secret is taken, by client id and secret."""
        self.grants: dict[str, Grant] = {}
        self.used: dict[str, Grant] = {}
        """By refresh tokens that are good no more, in strict mode."""
        self.codes: dict[str, Code] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.ads_grants: dict[str, AdsGrant] = {}
        """By refresh token."""
        self.ads_codes: dict[str, AdsCode] = {}
        self._notices: list[Notice] = []
        self._warned: set[str] = set()
        self._now, self._secret, self._uuid = now, secret, uuid

    def add(self, application: Application) -> Application:
        """Register an application.

        Raises:
            Conflict: its application id or client id is taken.
        """
        for known in self.applications.values():
            if application.client_id == known.client_id or application.application_id == known.application_id:
                raise Conflict(f"application {application.application_id!r} or its client id exists already")
        self.applications[application.client_id] = application
        self.secret_ends[application.client_id] = self._now() + SECRET_LIFE_S
        return application

    def application(self, name: str | None = None) -> Application:
        """Find an application by its application id or client id; without one, the default application.

        Raises:
            NotFound: there is none.
        """
        name = DEFAULT_APPLICATION.client_id if name is None else name
        for known in self.applications.values():
            if name in (known.client_id, known.application_id):
                return known
        raise NotFound(f"no application {name!r}")

    def takes(self, application: Application, secret: str) -> bool:
        """Whether a client secret is the application's, or was until a few days ago."""
        old = self.old_secrets.get((application.client_id, secret), -math.inf)
        return secret == application.client_secret or old > self._now()

    def secret_expired(self, application: Application) -> bool:
        """Whether the application's newest secret has ended; until it has another, it may call nothing."""
        return self.secret_ends.get(application.client_id, math.inf) <= self._now()

    def rotate(self, application: Application, client_secret: str | None = None) -> Application:
        """Give an application another secret, tell its developer, and return the application as it is now."""
        id, now = application.client_id, self._now()
        renewed = msgspec.structs.replace(
            application, client_secret=client_secret or self._secret("amzn1.oa2-cs.v1.", 64)
        )
        old_ends = min(now + OLD_SECRET_LIFE_S, self.secret_ends.get(id, math.inf))
        self.old_secrets[id, application.client_secret] = old_ends
        self.applications[id] = renewed
        self.secret_ends[id] = now + SECRET_LIFE_S
        self._warned.discard(id)
        secret = {
            "clientId": id,
            "newClientSecret": renewed.client_secret,
            "newClientSecretExpiryTime": written(self.secret_ends[id]),
            "oldClientSecretExpiryTime": written(old_ends),
        }
        self._tell(renewed, "APPLICATION_OAUTH_CLIENT_NEW_SECRET", {"applicationOAuthClientNewSecret": secret})
        return renewed

    def notices(self) -> list[Notice]:
        """Return what developers were told, oldest first; the list is the original, and may be emptied."""
        for id, ends in self.secret_ends.items():
            if ends - SECRET_NOTICE_S <= self._now() and id not in self._warned:
                self._warned.add(id)
                expiry = {
                    "clientId": id,
                    "clientSecretExpiryTime": written(ends),
                    "clientSecretExpiryReason": "PERIODIC_ROTATION",
                }
                payload = {"applicationOAuthClientSecretExpiry": expiry}
                self._tell(self.applications[id], "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY", payload)
        return self._notices

    def _tell(self, application: Application, kind: str, payload: dict[str, Any]) -> None:
        if application.queue is None:
            return
        now = written(self._now())
        message = {
            "notificationVersion": "1.0",
            "notificationType": kind,
            "payloadVersion": "2023-11-30",
            "eventTime": now,
            "payload": payload,
            "notificationMetadata": {
                "applicationId": application.application_id,
                "subscriptionId": self._uuid(),
                "publishTime": now,
                "notificationId": self._uuid(),
            },
        }
        self._notices.append(Notice(application.queue, message))
        self._deliver(application.queue, message)

    def grant(self, account: Account, application: Application, refresh_token: str | None = None) -> Grant:
        """Give an application access to an account; earlier grants stay good, as at Amazon.

        Raises:
            Conflict: the refresh token wished for exists already.
        """
        refresh_token = refresh_token or self._secret("Atzr|", 300)
        if refresh_token in self.grants or refresh_token in self.used:
            raise Conflict("that refresh token exists already")
        now = self._now()
        ends = None if application.private else now + GRANT_LIFE_S
        grant = self.grants[refresh_token] = Grant(refresh_token, application, account, now, ends)
        return grant

    def grant_ads(
        self, person: str, application: Application, scopes: frozenset[str], refresh_token: str | None = None
    ) -> AdsGrant:
        """Give an application access to what a person advertises; earlier grants stay good.

        Raises:
            Conflict: the refresh token wished for exists already.
        """
        refresh_token = refresh_token or self._secret("Atzr|", 300)
        if refresh_token in self.ads_grants or refresh_token in self.grants or refresh_token in self.used:
            raise Conflict("that refresh token exists already")
        grant = AdsGrant(refresh_token, application, person, scopes, self._now())
        self.ads_grants[refresh_token] = grant
        return grant

    def issue_ads_code(
        self,
        person: str,
        application: Application,
        scopes: frozenset[str],
        redirect_uri: str,
        challenge: str | None = None,
    ) -> str:
        """Return a new authorization code for the Ads API; the challenge is PKCE's, S256."""
        code = self._secret("", 20).upper()
        ends = self._now() + CODE_LIFE_S
        self.ads_codes[code] = AdsCode(application, person, scopes, redirect_uri, ends, challenge)
        forget_the_oldest(self.ads_codes, REMEMBERED)
        return code

    def issue_code(self, application: Application, account: Account, redirect_uri: str | None) -> str:
        """Return a new authorization code."""
        code = self._secret("", 20).upper()
        self.codes[code] = Code(application, account, redirect_uri, self._now() + CODE_LIFE_S)
        forget_the_oldest(self.codes, REMEMBERED)
        return code

    def issue_access_token(
        self, application: Application, grant: Grant | None, *, prefix: str = "Atza|", **more: Any
    ) -> str:
        """Return a new access token, good for an hour."""
        token = self._secret(prefix, 300)
        now = self._now()
        self.access_tokens[token] = AccessToken(application, grant, now + TOKEN_LIFE_S, issued_at=now, **more)
        forget_the_oldest(self.access_tokens, REMEMBERED)
        return token

    def find(self, refresh_token: str, client_id: str) -> Grant | None:
        """Return an application's grant; one whose token was used before is revoked by that."""
        replayed = self.used.get(refresh_token)
        grant = replayed or self.grants.get(refresh_token)
        if grant is None or grant.application.client_id != client_id:
            return None
        grant.revoked = grant.revoked or replayed is not None
        return grant

    def next_token(self, grant: Grant) -> str:
        """Return the refresh token to answer a refresh with: the same one, or in strict mode a new one."""
        if self.strict:
            self.used[grant.refresh_token] = self.grants.pop(grant.refresh_token)
            grant.refresh_token = self._secret("Atzr|", 300)
            self.grants[grant.refresh_token] = grant
        return grant.refresh_token

    def replay(self, code: Code) -> None:
        """Hear of a used code; in strict mode that ends what it led to."""
        if self.strict and code.grant is not None:
            code.grant.revoked = True

    def revoke(self, *, refresh_token: str | None = None, selling_partner_id: str | None = None) -> int:
        """Revoke one grant, those of an account, or all, with their access tokens; return how many."""
        if refresh_token in self.used:
            refresh_token = self.used[refresh_token].refresh_token
        chosen = [
            grant
            for grant in self.grants.values()
            if refresh_token in (None, grant.refresh_token)
            and selling_partner_id in (None, grant.account.selling_partner_id)
            and not grant.revoked
        ]
        ads = [
            given
            for given in self.ads_grants.values()
            if selling_partner_id is None and refresh_token in (None, given.refresh_token) and not given.revoked
        ]
        for grant in chosen:
            grant.revoked = True
        for given in ads:
            given.revoked = True
        return len(chosen) + len(ads)

    def expire(self, access_token: str | None, refresh_token: str | None, application: str | None) -> int:
        """End a grant, a client secret or an access token now; if none is named, every access token."""
        now = self._now()
        if application is not None:
            self.secret_ends[self.application(application).client_id] = now
        ended: list[Grant | AccessToken] = [
            grant for token, grant in self.grants.items() if token == refresh_token and not grant.over(now)
        ]
        if access_token is not None or (refresh_token is None and application is None):
            ended += [
                held
                for token, held in self.access_tokens.items()
                if access_token in (None, token) and held.expires_at > now
            ]
        for one in ended:
            one.expires_at = now
        return len(ended) + (application is not None)


def written(seconds: float) -> str:
    """Return unix seconds as notifications have them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
