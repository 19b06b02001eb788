"""The gateway API: sellers authorize through a browser, and their warehouse software calls Amazon through here.

Paths, parameters, messages and redirects are those of the contract that its clients know; what this server adds are
further fields, parameters and routes.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport.errors import SellerportError
from sellerport.server.gateway_api import (
    answers,
    auth,
    claims,
    documents,
    label_proxy,
    oauth_requests,
    pii,
    printing,
    sellers,
    tenants,
    tokens,
)
from sellerport.server.gateway_api.table import CREDENTIALS, Endpoint, Parameter

PREFIXES = ("/api/", "/auth/", "/passthrough-api/", "/documents/")
"""What its addresses begin with; the connector API's are among the first."""

_FILE = (Parameter("fileName"),)

ENDPOINTS: tuple[Endpoint, ...] = (
    *auth.ENDPOINTS,
    *oauth_requests.ENDPOINTS,
    *claims.ENDPOINTS,
    *documents.ENDPOINTS,
    *tenants.ENDPOINTS,
    *tokens.ENDPOINTS,
    *sellers.ENDPOINTS,
    Endpoint("GET", "/api/pii/getPII/{order_id}", pii.get_pii, dict, "seller"),
    Endpoint("POST", "/api/pii/blockPII", pii.block_pii, dict, "seller"),
    Endpoint("POST", "/api/pii/completeOrder", pii.complete_order, dict, "seller"),
    Endpoint("GET", "/api/pii/getFile", pii.get_file, dict, "seller", query=_FILE),
    Endpoint("PUT", "/api/pii/writeFile", pii.write_file, dict, "seller", query=_FILE),
    Endpoint("DELETE", "/api/pii/deleteFile", pii.delete_file, dict, "seller", query=_FILE),
    Endpoint("PUT", f"{pii.LINKS}{{link}}", pii.upload, dict, "anyone"),
    Endpoint("GET", f"{pii.LINKS}{{link}}", pii.download, bytes, "anyone"),
    Endpoint("POST", "/api/label-proxy/forward", label_proxy.forward, dict, "seller"),
    Endpoint("POST", "/api/print/send", printing.send, dict, "seller"),
)
"""Every route there is but the passthrough, with whose token it takes."""


def refuse(request: Request, error: SellerportError) -> Response:
    """Return an error of an address that is none of `ENDPOINTS`, in the shape of those around it."""
    pages = request.scope["path"].startswith("/auth/")
    return auth.Page.refuse(request, error) if pages else answers.refuse(request, error)


def routes() -> list[Route]:
    """Return the routes; ``request.state.hub`` has to hold the hub."""
    return [one.route for one in ENDPOINTS]


__all__ = ["CREDENTIALS", "ENDPOINTS", "PREFIXES", "Endpoint", "refuse", "routes"]
