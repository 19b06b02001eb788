"""The connector API's routes: read, ask the hub, answer."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport import regions
from sellerport.errors import (
    CallerError,
    InvalidArguments,
    NotFound,
    Problem,
)
from sellerport.oauth import LwaClient
from sellerport.regions import ADS_HOSTS, Marketplace
from sellerport.server.connector_api import fields
from sellerport.server.connector_api.answers import (
    answer,
    detailed,
    summarized,
)
from sellerport.server.connector_api.bodies import (
    TENANT_NAMES,
    TYPE_NAMES,
    ClaimRequest,
    CreateRequest,
    ExecuteRequest,
    InitiateRequest,
    TokenRequest,
    tenant,
)
from sellerport.server.connector_api.definitions import DEFINITIONS, Definition, definition
from sellerport.server.connector_api.requests import answered, as_long_as_wanted, body_of, caller_of, hub_of
from sellerport.server.hub import Application, is_partner_id

LARGEST_LOG_IN = 1 << 14
"""Anybody may send one, so not much of it is kept."""

_GRANT_KEYS = {"refresh_token"}
_EXTRA_KEYS = {"region", "selling_partner_id"}


def routes() -> list[Route]:
    """Return the routes; ``request.state.hub`` has to hold the hub."""
    connectors = "/api/v1/integrations/connectors"
    return [
        Route("/api/v1/account/applications/token", answered(issue_token), methods=["POST"]),
        Route(f"{connectors}/oauth/initiate", answered(initiate), methods=["POST"]),
        Route(connectors, answered(create), methods=["POST"]),
        Route(connectors, answered(list_all), methods=["GET"]),
        Route(f"{connectors}/{{id}}", answered(get), methods=["GET"]),
        Route(f"{connectors}/{{id}}", answered(delete), methods=["DELETE"]),
        Route(f"{connectors}/{{id}}/claim", answered(claim), methods=["POST"]),
        Route(f"{connectors}/{{id}}/execute", answered(execute), methods=["POST"]),
    ]


async def issue_token(request: Request) -> Response:
    """Exchange an API client's id and secret for an access token."""
    given = await body_of(request, TokenRequest, LARGEST_LOG_IN)
    made = await hub_of(request).access.issue(given.client_id, given.client_secret)
    body = {
        "access_token": made.token,
        "token_type": "bearer",
        "expires_in": made.expires_in,
        "organization_id": made.organization_id,
    }
    return answer(body)


async def initiate(request: Request) -> Response:
    """Begin a consent; the answer is where to send the account's owner."""
    caller = await caller_of(request)
    given = await body_of(request, InitiateRequest)
    named = DEFINITIONS["seller-partner"] if given.connector_id is not None else _kind(given)
    link = await hub_of(request).consents.initiate(
        caller,
        customer=_tenant(given) if given.connector_id is None else tenant(msgspec.structs.asdict(given)),
        name=given.name,
        platform=named.platform,
        marketplace=_marketplace(given.environment),
        return_url=given.redirect_url,
        application=given.application,
        connection_id=given.connector_id,
        vendor=_vendor(given.environment),
        replication_config=given.replication_config,
    )
    return answer({"consent_url": link})


async def create(request: Request) -> Response:
    """Make a connector from credentials that the caller has."""
    caller = await caller_of(request)
    given = await body_of(request, CreateRequest)
    named = _kind(given)
    customer = _tenant(given)
    if given.server_side_oauth_secret_id is not None:
        raise CallerError("Invalid secret_id")
    credentials = _credentials(given, named)
    through: LwaClient | Application
    if named.lwa_keys[0] in credentials:
        through = LwaClient(*(credentials[key] for key in named.lwa_keys))
    else:
        through = await hub_of(request).applications.find(caller.organization_id, given.application, named.platform)
    region = credentials.get("region")
    made = await hub_of(request).connections.create(
        caller,
        customer=customer,
        name=given.name or named.title,
        platform=named.platform,
        marketplace=_marketplace({"region": region} if region else given.environment) or regions.marketplace("na"),
        refresh_token=credentials["refresh_token"],
        through=through,
        selling_partner_id=credentials.get("selling_partner_id"),
        replication_config=given.replication_config,
    )
    return answer(detailed(made))


async def list_all(request: Request) -> Response:
    """List connectors, of one user of the organization or of all."""
    caller = await caller_of(request)
    if "workspace_id" in request.query_params:
        raise NotFound("Workspace not found: name it by workspace_name, as workspaces have no ids here")
    wanted = request.query_params.get("definition_id")
    found = await hub_of(request).connections.all(caller, tenant(request.query_params))
    kind = [one for one in found if wanted in (None, DEFINITIONS[one.platform].id)]
    return answer({"data": [summarized(one) for one in kind]})


async def get(request: Request) -> Response:
    """Show one connector."""
    caller = await caller_of(request)
    return answer(detailed(await hub_of(request).connections.get(caller, request.path_params["id"])))


async def delete(request: Request) -> Response:
    """Delete one connector. It is done when the answer comes; the contract asks for a job's id all the same."""
    caller = await caller_of(request)
    await hub_of(request).connections.delete(caller, request.path_params["id"])
    return answer({"job_id": str(uuid.uuid4())}, 202)


async def claim(request: Request) -> Response:
    """Say whose a pending connector is: one whose owner began at Amazon."""
    caller = await caller_of(request)
    given = await body_of(request, ClaimRequest)
    claimed = await hub_of(request).connections.claim(
        caller, request.path_params["id"], _tenant(given), renews=given.connector_id
    )
    return answer(detailed(claimed))


async def execute(request: Request) -> Response:
    """Carry out an action on an entity."""
    caller = await caller_of(request)
    given = await body_of(request, ExecuteRequest)
    id, begun = request.path_params["id"], time.perf_counter()
    call = hub_of(request).calls.execute(caller, id, given.entity, given.action, given.params)
    done = await as_long_as_wanted(request, call)
    result = fields.choose(done.data, given.select_fields, given.exclude_fields)
    if not given.skip_truncation and given.action == "list":
        result = fields.truncate(result)
    took_ms = round((time.perf_counter() - begun) * 1000)
    body = {
        "status": "success",
        "result": result,
        "connector_metadata": done.meta,
        "execution_metadata": {"connector_instance_id": f"source_id:{id}", "execution_time_ms": took_ms},
    }
    return answer(body)


def _tenant(given: InitiateRequest | CreateRequest | ClaimRequest) -> str:
    named = tenant(msgspec.structs.asdict(given))
    if named is None:
        raise InvalidArguments(problems=[Problem(TENANT_NAMES[0], f"is required (or {' or '.join(TENANT_NAMES[1:])})")])
    return named


def _kind(given: InitiateRequest | CreateRequest) -> Definition:
    named = {name: value for name in TYPE_NAMES if (value := getattr(given, name)) is not None}
    if len(named) != 1:
        message = "Value error, One of connector_type, definition_id, or source_template_id must be provided"
        raise InvalidArguments(problems=[Problem("body", message)])
    ((field, value),) = named.items()
    return definition(field, value)


def _credentials(given: CreateRequest, kind: Definition) -> dict[str, str]:
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
