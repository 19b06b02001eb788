"""The routes of connectors: read, ask the hub, answer."""

from __future__ import annotations

import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport import regions
from sellerport.errors import (
    AmazonError,
    CallerError,
    Conflict,
    InvalidArguments,
    NoAnswer,
    NotAllowed,
    Problem,
    SellerportError,
    TokenError,
)
from sellerport.oauth import LwaClient
from sellerport.regions import ADS_HOSTS, Marketplace
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer, checked, detailed, summarized
from sellerport.server.connector_api.bodies import TENANT_NAMES, Named, named, tenant
from sellerport.server.connector_api.definitions import DEFINITIONS, Definition, definition
from sellerport.server.connector_api.requests import body_of, caller_of
from sellerport.server.connector_api.table import Endpoint, Parameter
from sellerport.server.hub import PROBES, Application, Caller, Connection, Hub, Platform, is_partner_id
from sellerport.server.requests import as_long_as_wanted, hub_of

_GRANT_KEYS = {"refresh_token"}
_EXTRA_KEYS = {"region", "selling_partner_id"}
_START = "replication_start_date"


TYPE_NAMES = ("connector_type", "definition_id", "source_template_id")


class EntityRequest(msgspec.Struct, kw_only=True):
    """What may be done with an entity: only what has the mode ``write`` may be written, if anything is listed."""

    entity: str
    modes: list[Literal["read", "write"]] | None = None


class _Kind(Named, kw_only=True):
    connector_type: str | None = None
    definition_id: str | None = None
    source_template_id: str | None = None
    application: str | None = None
    """Ours: the name of a registered application, where there are several."""
    name: str | None = None
    environment: dict[str, Any] | None = None
    replication_config: dict[str, Any] | None = None


class InitiateRequest(_Kind, kw_only=True):
    """A consent to begin."""

    redirect_url: str | None = None
    callback_mode: Literal["connector_id", "secret_id"] | None = None
    """Ours: what the browser brings to ``redirect_url``; ``secret_id`` if the body has ``external_user_id``."""
    connector_id: str | None = None
    """Ours: a connection whose owner has to consent again."""


class ConnectorRequest(_Kind, kw_only=True):
    """A connector to make."""

    credentials: dict[str, Any] | None = None
    server_side_oauth_secret_id: str | None = None
    entities: list[EntityRequest] | None = None


class ConnectorChange(msgspec.Struct, kw_only=True):
    """What of a connector is to be otherwise; an empty list of entities clears them."""

    name: str | None = None
    replication_config: dict[str, Any] | None = None
    entities: list[EntityRequest] | None = None


class ClaimRequest(Named, kw_only=True):
    """Whose a pending connector is."""

    connector_id: str | None = None
    """A connection that the pending one renews."""


async def initiate(request: Request) -> Response:
    """Begin a consent; the answer is where to send the account's owner."""
    caller = await caller_of(request)
    given = await body_of(request, InitiateRequest)
    renews = given.connector_id is not None
    kind = DEFINITIONS["seller-partner"] if renews else _kind(given)
    link = await hub_of(request).consents.initiate(
        caller,
        customer=named(given, caller) if not renews else tenant(msgspec.structs.asdict(given)) or caller.customer,
        name=given.name,
        platform=kind.platform,
        marketplace=_marketplace(given.environment),
        return_url=given.redirect_url,
        application=given.application,
        connection_id=given.connector_id,
        vendor=_vendor(given.environment),
        replication_config=_replication(kind.platform, given.replication_config),
        by_secret=_by_secret(given),
    )
    body: shapes.ConsentUrl = {"consent_url": link}
    return answer(body)


async def create(request: Request) -> Response:
    """Make a connector, from credentials that the caller has or from a secret that a consent brought."""
    caller = await caller_of(request)
    given = await body_of(request, ConnectorRequest)
    kind, customer = _kind(given), named(given, caller)
    replication, entities = _replication(kind.platform, given.replication_config), _entities(given, caller)
    hub = hub_of(request)
    if given.server_side_oauth_secret_id is not None:
        id = await hub.held.take(
            caller,
            given.server_side_oauth_secret_id,
            customer=customer,
            platform=kind.platform,
            name=given.name,
            replication_config=replication,
            entities=entities,
        )
        return answer(detailed(await hub.connections.get(caller, id)))
    grant = await _grant(hub, given, kind, caller)
    made = await hub.connections.create(
        caller,
        customer=customer,
        name=given.name or kind.title,
        platform=kind.platform,
        marketplace=grant.marketplace,
        refresh_token=grant.refresh_token,
        through=grant.through,
        selling_partner_id=grant.selling_partner_id,
        replication_config=replication,
        entities=entities,
    )
    return answer(detailed(made))


async def list_all(request: Request) -> Response:
    """List connectors, of one user of the organization or of all."""
    found = await _wanted(request)
    body: shapes.ConnectorList = {"data": [summarized(one) for one in found]}
    return answer(body)


async def list_ids(request: Request) -> Response:
    """List the ids of connectors, of one user of the organization or of all."""
    body: shapes.OldConnectorList = {"connectors": [{"id": one.id} for one in await _wanted(request)]}
    return answer(body)


async def get(request: Request) -> Response:
    """Show one connector."""
    caller = await caller_of(request)
    return answer(detailed(await hub_of(request).connections.get(caller, request.path_params["id"])))


async def change(request: Request) -> Response:
    """Change one connector's name, replication_config or entities; what is left out stays."""
    caller = await caller_of(request)
    given, connections = await body_of(request, ConnectorChange), hub_of(request).connections
    known = await connections.get(caller, request.path_params["id"])
    changed = await connections.change(
        caller,
        known.id,
        name=given.name,
        replication_config=_replication(known.platform, given.replication_config),
        entities=_entities(given, caller),
    )
    return answer(detailed(changed))


async def delete(request: Request) -> Response:
    """Delete one connector. It is done when the answer comes; the contract asks for a job's id all the same."""
    caller = await caller_of(request)
    await hub_of(request).connections.delete(caller, request.path_params["id"])
    body: shapes.Job = {"job_id": str(uuid.uuid4())}
    return answer(body, 202)


async def check_new(request: Request) -> Response:
    """Try credentials at Amazon; nothing is stored."""
    caller = await caller_of(request)
    given = await body_of(request, ConnectorRequest)
    kind, customer, hub = _kind(given), named(given, caller), hub_of(request)
    _replication(kind.platform, given.replication_config)
    secret = given.server_side_oauth_secret_id
    if secret is not None:  # the consent was proof enough
        id = await hub.held.look(caller, secret, customer=customer, platform=kind.platform)
        return answer(checked(id, kind.platform, None))
    grant = await _grant(hub, given, kind, caller)
    call = hub.calls.try_out(kind.platform, grant.marketplace, grant.refresh_token, grant.through)
    return answer(checked(str(uuid.uuid4()), kind.platform, await _tried(request, call)))


async def check(request: Request) -> Response:
    """Try one connector at Amazon."""
    caller, hub = await caller_of(request), hub_of(request)
    await body_of(request, ConnectorChange, required=False)
    known = await hub.connections.get(caller, request.path_params["id"])
    call = hub.calls.execute(caller, known.id, *PROBES[known.platform], {"limit": 1})
    return answer(checked(known.id, known.platform, await _tried(request, call)))


async def inspect(request: Request) -> Response:
    """Say what one connector is, and what is wrong with it."""
    caller, hub = await caller_of(request), hub_of(request)
    known = await hub.connections.get(caller, request.path_params["id"])
    workspace = None if known.customer is None else await hub.workspaces.named(caller, known.customer)
    kind = DEFINITIONS[known.platform]
    trouble = {
        "pending": "its owner began at Amazon, and nobody has said whose it is: claim it",
        "needs_consent": "its owner has to consent again: begin a consent with this connector_id",
    }
    warnings = [trouble[known.status]] if known.status in trouble else []
    if known.last_error is not None:
        warnings.append(f"the last call failed: {known.last_error}")
    body: shapes.Inspection = {
        "connector_id": known.id,
        "name": known.name,
        "workspace_id": None if workspace is None else workspace.id,
        "organization_id": known.organization_id,
        "source_definition_id": kind.id,
        "source_definition_name": kind.title,
        "source_config_template_id": kind.id,
        "docs_skill_id": f"connector_source:{known.id}",
        "context_store_readiness": None,
        "warnings": warnings,
    }
    return answer(body)


async def claim(request: Request) -> Response:
    """Say whose a pending connector is: one whose owner began at Amazon."""
    caller = await caller_of(request)
    given = await body_of(request, ClaimRequest)
    claimed = await hub_of(request).connections.claim(
        caller, request.path_params["id"], named(given, caller), renews=given.connector_id
    )
    return answer(detailed(claimed))


async def _wanted(request: Request) -> list[Connection]:
    caller, query = await caller_of(request), request.query_params
    customer = tenant(query)
    if (workspace_id := query.get("workspace_id")) is not None:
        try:
            uuid.UUID(workspace_id)
        except ValueError:
            raise InvalidArguments(problems=[Problem("workspace_id", "must be a UUID")]) from None
        workspace = await hub_of(request).workspaces.get(caller, workspace_id.lower())
        customer = tenant({**query, "workspace_id": workspace.name}, ("workspace_id", *TENANT_NAMES))
    kind = query.get("definition_id")
    found = await hub_of(request).connections.all(caller, customer)
    return [one for one in found if kind is None or kind.lower() == DEFINITIONS[one.platform].id]


async def _tried(request: Request, call: Coroutine[Any, Any, object]) -> SellerportError | None:
    """Make a call, and return what became of it, if that says something of the account."""
    try:
        await as_long_as_wanted(request, call)
    except (AmazonError, NoAnswer, TokenError, Conflict) as error:
        return error
    return None


@dataclass(frozen=True)
class _Grant:
    refresh_token: str = field(repr=False)
    through: LwaClient | Application
    marketplace: Marketplace
    selling_partner_id: str | None


async def _grant(hub: Hub, given: ConnectorRequest, kind: Definition, caller: Caller) -> _Grant:
    credentials = _credentials(given, kind)
    through: LwaClient | Application
    if kind.lwa_keys[0] in credentials:
        through = LwaClient(*(credentials[key] for key in kind.lwa_keys))
    else:
        through = await hub.applications.find(caller.organization_id, given.application, kind.platform)
    region = credentials.get("region")
    marketplace = _marketplace({"region": region} if region else given.environment) or regions.marketplace("na")
    return _Grant(credentials["refresh_token"], through, marketplace, credentials.get("selling_partner_id"))


def _by_secret(given: InitiateRequest) -> bool:
    """Return whether the browser is to bring a secret, for which the caller then makes the connector."""
    mode = given.callback_mode
    if mode is None:  # the earlier of the contract's two forms had this name for the customer, and this end
        return None not in (given.external_user_id, given.redirect_url) and given.connector_id is None
    if mode == "secret_id" and given.redirect_url is None:
        raise InvalidArguments(
            problems=[Problem("redirect_url", "is required, as a secret_id has to be brought there")]
        )
    if mode == "secret_id" and given.connector_id is not None:
        problem = "must be 'connector_id' for a connector that is there already"
        raise InvalidArguments(problems=[Problem("callback_mode", problem)])
    return mode == "secret_id"


def _entities(given: ConnectorRequest | ConnectorChange, caller: Caller) -> list[dict[str, Any]] | None:
    if given.entities is None:
        return None
    if caller.scoped:
        raise NotAllowed("entities decide what may be written; a scoped token does not set them")
    return [msgspec.to_builtins(one) for one in given.entities]


def _replication(platform: Platform, config: dict[str, Any] | None) -> dict[str, Any] | None:
    """Check what synchronization will be asked to do."""
    if not config or platform != "seller-partner":
        return config
    if (start := config.get(_START)) is None:
        raise InvalidArguments(
            problems=[Problem(f"replication_config.{_START}", f"required property {_START!r} not found")]
        )
    try:
        msgspec.convert(start, datetime)
    except msgspec.ValidationError:
        problem = "must be a date and time such as 2017-01-25T00:00:00Z"
        raise InvalidArguments(problems=[Problem(f"replication_config.{_START}", problem)]) from None
    return config


def _kind(given: InitiateRequest | ConnectorRequest) -> Definition:
    said = {name: value for name in TYPE_NAMES if (value := getattr(given, name)) is not None}
    if len(said) != 1:
        message = "Value error, One of connector_type, definition_id, or source_template_id must be provided"
        raise InvalidArguments(problems=[Problem("body", message)])
    ((name, value),) = said.items()
    return definition(name, value)


def _credentials(given: ConnectorRequest, kind: Definition) -> dict[str, str]:
    if given.credentials is None:
        problem = "is required: Login with Amazon credentials and a refresh token"
        raise InvalidArguments(problems=[Problem("credentials", problem)])
    keys = given.credentials.keys() - _EXTRA_KEYS
    own = _GRANT_KEYS.union(kind.lwa_keys)
    if keys not in (_GRANT_KEYS, own):
        raise CallerError(
            f"Credentials do not match any auth scheme. Provided keys: {sorted(given.credentials)}. "
            f"Available schemes: {sorted(own)}; {sorted(_GRANT_KEYS)} with a registered application"
        )
    problems = [
        Problem(f"credentials.{name}", "must be a text that is not empty")
        for name, value in given.credentials.items()
        if not isinstance(value, str) or not value.strip()
    ]
    partner = given.credentials.get("selling_partner_id")
    if not problems and partner is not None and not is_partner_id(partner):
        problems = [Problem("credentials.selling_partner_id", "must have 1 to 64 letters and digits")]
    if problems:
        raise InvalidArguments(problems=problems)
    return given.credentials


def _marketplace(environment: dict[str, Any] | None) -> Marketplace | None:
    region = (environment or {}).get("region")
    if region is None:
        return None
    try:
        host = ADS_HOSTS.get(str(region).strip().rstrip("/").lower().removeprefix("https://"))
        return regions.marketplace(host.name if host is not None else str(region))
    except InvalidArguments as error:
        raise InvalidArguments(
            problems=[Problem("environment.region", problem.message) for problem in error.problems]
        ) from None


def _vendor(environment: dict[str, Any] | None) -> bool:
    account = (environment or {}).get("account", "seller")
    if account not in ("seller", "vendor"):
        raise InvalidArguments(problems=[Problem("environment.account", "must be 'seller' or 'vendor'")])
    return bool(account == "vendor")


_CONNECTORS = "/api/v1/integrations/connectors"
_ONE = f"{_CONNECTORS}/{{id}}"
_OLD = "/v1/integrations/connectors"
_QUERY = (*map(Parameter, TENANT_NAMES), Parameter("workspace_id", uuid.UUID), Parameter("definition_id"))

ENDPOINTS = [
    Endpoint("POST", f"{_CONNECTORS}/oauth/initiate", initiate, shapes.ConsentUrl, "workspace", InitiateRequest),
    Endpoint("POST", f"{_CONNECTORS}/check", check_new, shapes.Check, "workspace", ConnectorRequest),
    Endpoint("POST", _CONNECTORS, create, shapes.Connector, "workspace", ConnectorRequest),
    Endpoint("GET", _CONNECTORS, list_all, shapes.ConnectorList, "workspace", query=_QUERY),
    Endpoint("GET", _ONE, get, shapes.Connector, "workspace"),
    Endpoint("PUT", _ONE, change, shapes.Connector, "workspace", ConnectorChange),
    Endpoint("DELETE", _ONE, delete, shapes.Job, "workspace", status=202),
    Endpoint("POST", f"{_ONE}/check", check, shapes.Check, "workspace", ConnectorChange, body_required=False),
    Endpoint("GET", f"{_ONE}/inspect", inspect, shapes.Inspection, "workspace"),
    Endpoint("POST", f"{_ONE}/claim", claim, shapes.Connector, body=ClaimRequest),
    Endpoint("POST", _OLD, create, shapes.Connector, "workspace", ConnectorRequest, legacy=True),
    Endpoint("GET", _OLD, list_all, shapes.ConnectorList, "workspace", query=_QUERY, legacy=True),
    Endpoint(
        "GET",
        "/api/v1/connectors/connectors_for_user",
        list_ids,
        shapes.OldConnectorList,
        "workspace",
        query=_QUERY,
        legacy=True,
    ),
]
