"""The Selling Partner API's gateway: which operation, whose token, is anything missing; then whoever answers for it.

The checks, in this order, with Amazon's answers:

* no such method and path: 403 MissingAuthenticationToken, whatever the token; here also for what only the sandbox has,
  on a production host, where Amazon's answer is not known;
* the token is missing, expired, revoked, unknown, or not good for this region or operation: 403 Unauthorized;
* the operation was called too often, where limits are on: 429 QuotaExceeded;
* a required parameter or body is missing, or a parameter is not what it should be: 400 InvalidInput;
* a marketplace of another region: 403 Unauthorized.

What clients send beyond that is passed over: unknown and repeated parameters, bodies where none belongs, signatures of
the days of AWS SigV4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.responses import Response

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator import (
    answers,
    applications,
    awd,
    awd_outbound,
    catalog_items,
    data_kiosk,
    easy_ship,
    external_inventory,
    external_packages,
    external_returns,
    external_shipments,
    feeds,
    fees,
    finances,
    inbound_operations,
    inventory,
    invoices,
    listings,
    merchant_fulfillment,
    messaging,
    notifications,
    orders,
    outbound,
    outbound_2026,
    pages,
    parameters,
    pricing,
    product_types,
    reports,
    sales,
    schedules,
    sdk_tests,
    sellers,
    service_capacity,
    service_fulfillment,
    services,
    shipment_confirmation,
    shipping,
    static_sandbox,
    supply_sources,
    tokens,
    transfers,
    uploads,
    vendor_direct_orders,
    vendor_direct_shipping,
    vendor_direct_stock,
    vendor_invoices,
    vendor_orders,
    vendor_shipments,
)
from sellerport.emulator.call import DENIED, MESSAGES, Answer, Call, denied, invalid
from sellerport.emulator.grants import AccessToken
from sellerport.emulator.traffic import Arrived
from sellerport.emulator.world import World
from sellerport.errors import AmazonError
from sellerport.regions import MARKETPLACES, SELLING_PARTNER_HOSTS

HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    **sellers.HANDLERS,
    **orders.HANDLERS,
    **shipment_confirmation.HANDLERS,
    **merchant_fulfillment.HANDLERS,
    **easy_ship.HANDLERS,
    **external_shipments.HANDLERS,
    **external_packages.HANDLERS,
    **external_returns.HANDLERS,
    **external_inventory.HANDLERS,
    **shipping.HANDLERS,
    **finances.HANDLERS,
    **transfers.HANDLERS,
    **notifications.HANDLERS,
    **schedules.HANDLERS,
    **sales.HANDLERS,
    **messaging.HANDLERS,
    **services.HANDLERS,
    **service_fulfillment.HANDLERS,
    **service_capacity.HANDLERS,
    **supply_sources.HANDLERS,
    **vendor_orders.HANDLERS,
    **vendor_shipments.HANDLERS,
    **vendor_invoices.HANDLERS,
    **vendor_direct_orders.HANDLERS,
    **vendor_direct_shipping.HANDLERS,
    **vendor_direct_stock.HANDLERS,
    **tokens.HANDLERS,
    **reports.HANDLERS,
    **feeds.HANDLERS,
    **data_kiosk.HANDLERS,
    **invoices.HANDLERS,
    **uploads.HANDLERS,
    **applications.HANDLERS,
    **catalog_items.HANDLERS,
    **listings.HANDLERS,
    **product_types.HANDLERS,
    **pricing.HANDLERS,
    **fees.HANDLERS,
    **inventory.HANDLERS,
    **inbound_operations.HANDLERS,
    **outbound.HANDLERS,
    **outbound_2026.HANDLERS,
    **awd.HANDLERS,
    **awd_outbound.HANDLERS,
}

ERROR_TYPES = {
    400: "ValidationException",
    401: "UnauthorizedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "TooManyRequestsException",
    500: "InternalServerErrorException",
    503: "ServiceUnavailableException",
}

_PRODUCTION = frozenset(host for host in SELLING_PARTNER_HOSTS if not host.startswith("sandbox."))
_REGION_OF = {shop.id: shop.region for shop in MARKETPLACES}


def respond(world: World, arrived: Arrived) -> Response:
    """Answer a request to any of the SP-API's hosts."""
    sandbox = _sandbox(world, arrived)
    found = (sandbox and sandbox.match(arrived.method, arrived.path)) or _match(arrived)
    if found is None or (found[0].sandbox_only and arrived.host in _PRODUCTION):
        nothing = AmazonError(DENIED, status=403, amazon_code="MissingAuthenticationToken")
        return refusal(world, nothing, error_type="MissingAuthenticationTokenException")
    operation, path = found
    try:
        given = {name: unquote(value) for name, value in path.items()}
        told = sdk_tests.answer(world, operation, given, arrived.address)
        answer = told or _answer(world, arrived, operation, given)
    except AmazonError as refused:
        return refusal(world, refused, _rate(world, arrived, operation))
    headers = {**_headers(world, _rate(world, arrived, operation), answer.status), **answer.headers}
    # the two APIs that speak HAL say so
    kind = "application/hal+json" if operation.api in ("messaging_v1", "solicitations_v1") else "application/json"
    body = answer.bytes()
    return Response(body, answer.status, headers, media_type=kind if body else None)


def refusal(
    world: World, refused: AmazonError, rate: float | None = None, *, error_type: str | None = None
) -> Response:
    """Return an error, or all that it holds, as the SP-API writes it.

    The gateway's own have no details, and put the message first.
    """
    error: Mapping[str, Any] = {"code": refused.amazon_code, "message": refused.message, "details": refused.details}
    if refused.amazon_code in ("MissingAuthenticationToken", "QuotaExceeded"):
        error = {"message": refused.message, "code": refused.amazon_code}
    headers = _headers(world, rate, refused.status)
    usual = ERROR_TYPES[400 if refused.status < 500 else 500]
    headers["x-amzn-ErrorType"] = error_type or ERROR_TYPES.get(refused.status, usual)
    body = msgspec.json.format(msgspec.json.encode({"errors": refused.errors or [error]}), indent=2)
    return Response(body, refused.status, headers, media_type="application/json")


def _rate(world: World, arrived: Arrived, operation: Operation) -> float | None:
    return world.quotas.rate(operation, sandbox=_in_sandbox(arrived))


def _in_sandbox(arrived: Arrived) -> bool:
    return arrived.host.startswith("sandbox.")


def _sandbox(world: World, arrived: Arrived) -> static_sandbox.Cases | None:
    """Return the published cases, where they are to answer: a production host is what it always is."""
    return None if arrived.host in _PRODUCTION else world.sandbox


def _headers(world: World, rate: float | None, status: int) -> dict[str, str]:
    headers = {
        "x-amzn-RequestId": world.uuid(),
        "x-amz-apigw-id": f"{world.secret('', 15)}=",
        "X-Amzn-Trace-Id": f"Root=1-{int(world.now()):08x}-{world.secret('', 24)}",
    }
    if rate is not None and (status < 300 or status in (400, 404)):
        headers["x-amzn-RateLimit-Limit"] = str(float(rate))
    return headers


def _match(arrived: Arrived) -> tuple[Operation, dict[str, str]] | None:
    return None if "{}" in arrived.path else catalog.match(arrived.method, arrived.path)


def _answer(world: World, arrived: Arrived, operation: Operation, path: dict[str, str]) -> Answer:
    region = SELLING_PARTNER_HOSTS[arrived.host].name if arrived.host else None
    token, region, elements = _admit(world, arrived, operation, region)
    account = token.grant.account if token.grant else None
    seller = account.selling_partner_id if account else ""
    application = token.application.application_id
    if not world.quotas.take(operation, application, seller, world.now(), sandbox=_in_sandbox(arrived)):
        code, message = MESSAGES[429]
        raise AmazonError(message, status=429, amazon_code=code)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(arrived.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    sandbox = _sandbox(world, arrived)
    if sandbox and operation in sandbox:
        known = [one for one in _marketplaces(operation, query, None) if one in _REGION_OF]
        _stay_in_region(known, region)
        return sandbox.answer(operation, path, query, arrived.headers, arrived.body)
    body = _body(operation, arrived.body)
    parameters.check(operation, query, arrived.headers)
    _stay_in_region(_marketplaces(operation, query, body), region)
    place = arrived.address, elements, arrived.headers, arrived.host
    call = Call(world, operation, path, query, body, token, account, region, *place)
    return _handler(world, operation)(call)


def _handler(world: World, operation: Operation) -> Callable[[Call], Answer]:
    """Return who answers: for a list that was planned to have pages, whoever invents them."""
    if operation.key in HANDLERS and operation.key not in world.paged:
        return HANDLERS[operation.key]
    return pages.answer if operation.paging else answers.invent


def _admit(
    world: World, arrived: Arrived, operation: Operation, region: str | None
) -> tuple[AccessToken, str, frozenset[str]]:
    """Check the token; return it, the region it is used in, and the personal data it opens."""
    sent = arrived.headers.get("x-amz-access-token")
    if not sent:
        raise denied("Access token is missing in the request header.")
    token = world.access_tokens.get(sent)
    if token is None or (token.grant and token.grant.over(world.now())):
        raise denied("The access token you provided is revoked, malformed or invalid.")
    if token.expires_at <= world.now():
        raise denied("The access token you provided has expired.")
    if world.login.secret_expired(token.application):
        raise denied("The LWA secret token you provided has expired.")
    if token.grant is None:
        if operation.scope is None or operation.scope not in token.scopes:
            raise denied()
        return token, region or "na", frozenset()
    if operation.scope is not None or region not in (None, token.grant.account.region):
        raise denied()
    home = token.grant.account.region
    if not token.resources:
        return token, home, frozenset()
    asked = [
        one.elements
        for one in token.resources
        if one.method == arrived.method and one.path in (arrived.path, operation.path)
    ]
    if not asked:
        raise denied()
    return token, home, frozenset().union(*asked)


def _body(operation: Operation, sent: bytes) -> Any:
    if operation.body is None:
        return None
    if not sent.strip():
        if operation.body.required:
            raise invalid("Request body is missing")
        return None
    try:
        return msgspec.json.decode(sent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("Request body is not valid JSON") from None


def _marketplaces(operation: Operation, query: Mapping[str, list[str]], body: Any) -> list[str]:
    """Return the marketplaces that are named, in the query or at the top of the body."""
    named: list[Any] = []
    for parameter in operation.parameters:
        if parameter.place == "query" and _names_marketplaces(parameter.wire):
            named += [part for value in query.get(parameter.wire, ()) for part in value.split(",") if part]
    for name, value in body.items() if isinstance(body, dict) else ():
        if _names_marketplaces(name):
            named += value if isinstance(value, list) else [value]
    return [one for one in named if isinstance(one, str)]


def _stay_in_region(marketplaces: list[str], region: str) -> None:
    if any(_REGION_OF.get(one) != region for one in marketplaces):
        raise denied("The marketplaces you provided are not valid for region.")


def _names_marketplaces(name: str) -> bool:
    return name.lower() in ("marketplaceid", "marketplaceids")
