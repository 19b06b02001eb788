"""Labels bought from other carriers, with addresses that the caller does not see."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import CallerError
from sellerport.server.gateway_api.answers import success
from sellerport.server.gateway_api.requests import header, pass_of
from sellerport.server.hub import Wanted
from sellerport.server.requests import hub_of, read_body

URL = "x-original-url"
ORDER = "x-amazon-order-id"
SHIPMENT = "x-unique-shipment-id"
AGAIN = "x-adb-send-again"
"""Ours: asks a carrier once more, where nobody knows whether it sold a label."""


async def forward(request: Request) -> Response:
    """Send a request to a carrier with the address filled in, and return its answer without it."""
    one = await pass_of(request)
    given = {name: header(request, name) for name in (URL, ORDER, SHIPMENT)}
    for name, value in given.items():
        if not value:
            raise CallerError(f"{name} is required")
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw]
    again = header(request, AGAIN).lower() == "true"
    wanted = Wanted(given[URL], given[ORDER], given[SHIPMENT], headers, await read_body(request), again)
    # not `as_long_as_wanted`: whoever leaves has bought the label, and asks for the answer again
    return success(await hub_of(request).gateway.label_proxy.forward(one, wanted))
