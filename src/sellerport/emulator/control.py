"""The control plane under ``/_emulator``: seed, look, break, and move the clock; for tests in any language.

Everything that it does, a program in the same process can do by calling the `World`. Bodies are JSON, and may be left
out where every field may; what is wrong with one is answered with 400 and the field's name.

    POST   reset         seed                                          forget everything, seed again → state
    GET    state                                                       what there is
    GET    dump                                                        all of it, tokens too (see `state`)
    POST   load          a dump                                        hold that instead → state
    POST   accounts      marketplaces, selling_partner_id, name, kind, orders, owner
    POST   applications  application_id, client_id, client_secret, name, redirect_uris, login_uri, login_first, draft,
                         private, regions, ads, queue
    POST   grants        selling_partner_id, application, refresh_token
    POST   advertisers   selling_partner_id, agency, person, access    let an account advertise, and somebody see it
    POST   ads_grants    person, application, scopes, refresh_token    a grant of the Ads API
    POST   revoke        refresh_token | selling_partner_id | nothing: all
    POST   expire        access_token | refresh_token | application (its secret) | nothing: all access tokens
    POST   rotate        application, client_secret                    another client secret
    POST   lwa           strict                                        refresh tokens that are good once
    GET    notices                                                     what developers were told of their secrets
    DELETE notices                                                     forget it
    POST   clock         advance_s
    POST   faults        times, chance, method, host, path, operation, latency_s, answer, status, code, message,
                         details, body, content_type, headers (see `faults.Fault`)
    GET    faults                                                      those that are planned
    DELETE faults                                                      forget them
    POST   documents     kind, type, status, polls, seconds, body, … (see `jobs.Outcome`)
    POST   pages         operation, pages, empty, repeat
    POST   limits        mode, operation, rate, burst, application_rate
    POST   notify        selling_partner_id, type, payload             a notification to all who subscribed to it
    POST   definitions   name, schema
    GET    requests                                                    what arrived, secrets masked
    DELETE requests                                                    forget it
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport.emulator.ads.advertisers import ADVERTISER, CAMPAIGN_MANAGEMENT, Access, Profile
from sellerport.emulator.faults import Fault
from sellerport.emulator.grants import DAY_S, DEFAULT_APPLICATION, AdsGrant, Application, Grant
from sellerport.emulator.jobs import Outcome
from sellerport.emulator.quotas import Mode
from sellerport.emulator.state import encoded
from sellerport.emulator.world import Account, Kind, World
from sellerport.errors import CallerError

T = TypeVar("T")


class _Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class Reset(_Body):
    """Forget everything; with a seed, start from another one."""

    seed: int | None = None


class NewAccount(_Body):
    """An account; marketplaces are ids or country codes of one region, and the first sells most."""

    marketplaces: tuple[str, ...]
    selling_partner_id: str | None = None
    name: str = "Seeded account"
    kind: Kind = "seller"
    orders: int = 60
    owner: str | None = None


class NewApplication(_Body):
    """An application; ids and secret are made up where none are given."""

    application_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    name: str = "Seeded application"
    redirect_uris: tuple[str, ...] = ()
    login_uri: str | None = None
    login_first: bool = False
    draft: bool = False
    private: bool = False
    regions: tuple[str, ...] = ("na", "eu", "fe")
    ads: bool = True
    queue: str | None = DEFAULT_APPLICATION.queue


class NewGrant(_Body):
    """A grant without a consent page; the application is named by its application id or client id."""

    selling_partner_id: str
    application: str | None = None
    refresh_token: str | None = None


class NewAdvertiser(_Body):
    """An account that advertises, as its own kind or as an agency; and an e-mail address to share it with."""

    selling_partner_id: str
    agency: bool = False
    person: str | None = None
    access: Access = "edit"


class NewAdsGrant(_Body):
    """What a person, by e-mail address, gives an application to advertise with."""

    person: str = ADVERTISER
    application: str | None = None
    scopes: tuple[str, ...] = (CAMPAIGN_MANAGEMENT,)
    refresh_token: str | None = None


class Revocation(_Body):
    """Which grants end: one, those of an account, or all."""

    refresh_token: str | None = None
    selling_partner_id: str | None = None


class Expiry(_Body):
    """What ends now: an access token, a grant, an application's client secret; if none is named, every access token."""

    access_token: str | None = None
    refresh_token: str | None = None
    application: str | None = None


class Rotation(_Body):
    """Which application's client secret is replaced; by what, if it is not to be made up."""

    application: str | None = None
    client_secret: str | None = None


class LwaMode(_Body):
    """How Login with Amazon behaves."""

    strict: bool


class Advance(_Body):
    """How far the clock moves: forward, and less than a century."""

    advance_s: Annotated[float, msgspec.Meta(ge=0, lt=100 * 365 * DAY_S)]


class NewProductType(_Body):
    """A product type that listings may be of, and the JSON Schema of its attributes."""

    name: str
    schema: dict[str, Any]


class NewNotification(_Body):
    """What an account's subscribers are told; the payload is sent as it is."""

    selling_partner_id: str
    type: str
    payload: dict[str, Any]


class NewPages(_Body):
    """In how many pages a list comes."""

    operation: str
    pages: int
    empty: tuple[int, ...] = ()
    repeat: bool = False


class NewLimits(_Body):
    """Whether limits are enforced, and which, of one operation or of all."""

    mode: Mode | None = None
    operation: str | None = None
    rate: float | None = None
    burst: float | None = None
    application_rate: float | None = None


def routes(world: World) -> list[Route]:
    """Return the control plane."""

    def reset(body: Reset) -> Any:
        world.reset(body.seed)
        return _state(world)

    def add_account(body: NewAccount) -> Any:
        return _account(world.add_account(**msgspec.structs.asdict(body)))

    def add_application(body: NewApplication) -> Any:
        number = world.secret("", 12)
        made = {
            "application_id": body.application_id or f"amzn1.sp.solution.{number}",
            "client_id": body.client_id or f"amzn1.application-oa2-client.{number}",
            "client_secret": body.client_secret or f"local-secret-{number}",
        }
        wanted = {**msgspec.structs.asdict(body), **made}
        return msgspec.structs.asdict(world.add_application(msgspec.convert(wanted, Application)))

    def revoke(body: Revocation) -> Any:
        return {"revoked": world.revoke(**msgspec.structs.asdict(body))}

    def expire(body: Expiry) -> Any:
        return {"expired": world.expire(**msgspec.structs.asdict(body))}

    def clock(body: Advance) -> Any:
        return {"now": world.advance(body.advance_s)}

    def load(body: dict[str, Any]) -> Any:
        world.load(body)
        return _state(world)

    async def dump(_: Request) -> Response:
        return Response(encoded(world), media_type="application/json")

    async def state(_: Request) -> Response:
        return _json(_state(world))

    async def requests(request: Request) -> Response:
        if request.method == "DELETE":
            world.requests.clear()
        return _json({"requests": list(world.requests)})

    return [
        Route("/_emulator/reset", _taking(Reset, reset), methods=["POST"]),
        Route("/_emulator/state", state, methods=["GET"]),
        Route("/_emulator/dump", dump, methods=["GET"]),
        Route("/_emulator/load", _taking(dict[str, Any], load), methods=["POST"]),
        Route("/_emulator/accounts", _taking(NewAccount, add_account), methods=["POST"]),
        Route("/_emulator/applications", _taking(NewApplication, add_application), methods=["POST"]),
        Route("/_emulator/revoke", _taking(Revocation, revoke), methods=["POST"]),
        Route("/_emulator/expire", _taking(Expiry, expire), methods=["POST"]),
        Route("/_emulator/clock", _taking(Advance, clock), methods=["POST"]),
        Route("/_emulator/requests", requests, methods=["GET", "DELETE"]),
        *_ads(world),
        *_login(world),
        *_plans(world),
    ]


def _ads(world: World) -> list[Route]:
    """Return the part of the control plane that is about the Ads API."""

    def advertise(body: NewAdvertiser) -> Any:
        profiles = world.ads.advertise(body.selling_partner_id, agency=body.agency)
        if body.person is not None:
            world.ads.share(body.person, body.selling_partner_id, body.access)
        return {"profiles": [_profile(one) for one in profiles]}

    def grant_ads(body: NewAdsGrant) -> Any:
        grant = world.grant_ads(body.person, body.application, scopes=body.scopes, refresh_token=body.refresh_token)
        return _ads_grant(grant)

    return [
        Route("/_emulator/advertisers", _taking(NewAdvertiser, advertise), methods=["POST"]),
        Route("/_emulator/ads_grants", _taking(NewAdsGrant, grant_ads), methods=["POST"]),
    ]


def _login(world: World) -> list[Route]:
    """Return the part of the control plane that is about Login with Amazon and client secrets."""

    def add_grant(body: NewGrant) -> Any:
        grant = world.grant(body.selling_partner_id, body.application, refresh_token=body.refresh_token)
        return _grant(grant)

    def behave(body: LwaMode) -> Any:
        world.login.strict = body.strict
        return {"strict": world.login.strict}

    def rotate(body: Rotation) -> Any:
        application = world.rotate_secret(body.application, client_secret=body.client_secret)
        ends = world.login.secret_ends[application.client_id]
        return {**msgspec.structs.asdict(application), "secret_expires_at": ends}

    async def notices(request: Request) -> Response:
        told = world.login.notices()
        if request.method == "DELETE":
            told.clear()
        return _json({"notices": [{"queue": one.queue, "message": one.message} for one in told]})

    return [
        Route("/_emulator/grants", _taking(NewGrant, add_grant), methods=["POST"]),
        Route("/_emulator/lwa", _taking(LwaMode, behave), methods=["POST"]),
        Route("/_emulator/rotate", _taking(Rotation, rotate), methods=["POST"]),
        Route("/_emulator/notices", notices, methods=["GET", "DELETE"]),
    ]


def _plans(world: World) -> list[Route]:
    """Return the part of the control plane that arranges what is still to come."""

    def fail(body: Fault) -> Any:
        world.fail(body)
        return {"planned": len(world.faults)}

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            world.faults.clear()
        return _json({"faults": world.faults})

    def plan(body: Outcome) -> Any:
        world.plan(body)
        return {"planned": len(world.outcomes)}

    def page(body: NewPages) -> Any:
        world.page(**msgspec.structs.asdict(body))
        return {"paged": {key: pages.pages for key, pages in world.paged.items()}}

    def limit(body: NewLimits) -> Any:
        world.limit(**msgspec.structs.asdict(body))
        return _limits(world)

    def define(body: NewProductType) -> Any:
        world.add_product_type(body.name, body.schema)
        return {"defined": sorted(world.shelf.schemas)}

    def notify(body: NewNotification) -> Any:
        return {"sent": world.notify(body.selling_partner_id, body.type, body.payload)}

    return [
        Route("/_emulator/notify", _taking(NewNotification, notify), methods=["POST"]),
        Route("/_emulator/definitions", _taking(NewProductType, define), methods=["POST"]),
        Route("/_emulator/faults", _taking(Fault, fail), methods=["POST"]),
        Route("/_emulator/faults", faults, methods=["GET", "DELETE"]),
        Route("/_emulator/documents", _taking(Outcome, plan), methods=["POST"]),
        Route("/_emulator/pages", _taking(NewPages, page), methods=["POST"]),
        Route("/_emulator/limits", _taking(NewLimits, limit), methods=["POST"]),
    ]


def _taking(kind: type[T], do: Callable[[T], Any]) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a function that takes one kind of body and returns JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            return _json(do(msgspec.json.decode(await request.body() or b"{}", type=kind)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _json({"error": {"code": "invalid_request", "message": str(error)}}, 400)
        except CallerError as error:
            return _json({"error": error.facts()}, error.status)

    return endpoint


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def _state(world: World) -> dict[str, Any]:
    return {
        "seed": world.seed,
        "now": world.now(),
        "accounts": [_account(account) for account in world.accounts.values()],
        "applications": [
            {
                **msgspec.structs.asdict(one),
                "client_secret": "***",
                "secret_expires_at": world.login.secret_ends.get(id),
            }
            for id, one in world.applications.items()
        ],
        "strict": world.login.strict,
        "grants": [_grant(grant) for grant in world.grants.values()],
        "profiles": [_profile(one) for one in world.ads.profiles.values()],
        "ads_grants": [_ads_grant(one) for one in world.login.ads_grants.values()],
        "access_tokens": len(world.access_tokens),
        "faults": [msgspec.structs.asdict(fault) for fault in world.faults],
        "outcomes": [msgspec.structs.asdict(outcome) for outcome in world.outcomes],
        "pages": world.paged,
        "limits": _limits(world),
        "documents": len(world.documents),
        "requests": len(world.requests),
    }


def _limits(world: World) -> dict[str, Any]:
    return {"mode": world.quotas.mode, "set": {key: one._asdict() for key, one in world.quotas.limits.items()}}


def _account(account: Account) -> dict[str, Any]:
    return {
        "selling_partner_id": account.selling_partner_id,
        "name": account.name,
        "kind": account.kind,
        "region": account.region,
        "marketplaces": [shop.id for shop in account.marketplaces],
        "orders": len(account.orders),
        "owner": account.owner,
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "refresh_token": grant.refresh_token,
        "application_id": grant.application.application_id,
        "client_id": grant.application.client_id,
        "selling_partner_id": grant.account.selling_partner_id,
        "region": grant.account.region,
        "given_at": grant.given_at,
        "expires_at": grant.expires_at,
        "revoked": grant.revoked,
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "profile_id": profile.id,
        "selling_partner_id": profile.account,
        "region": profile.marketplace.region,
        "country": profile.country,
        "type": profile.type,
    }


def _ads_grant(grant: AdsGrant) -> dict[str, Any]:
    return {
        "refresh_token": grant.refresh_token,
        "client_id": grant.application.client_id,
        "person": grant.person,
        "scopes": sorted(grant.scopes),
        "given_at": grant.given_at,
        "revoked": grant.revoked,
    }
