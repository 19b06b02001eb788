"""Personal data of orders, and the files that go with them, for tenants that may see it."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import CallerError, NotFound
from sellerport.server.gateway_api.answers import answer, success
from sellerport.server.gateway_api.requests import need_personal, object_of, pass_of, text_of
from sellerport.server.hub import Pass, Visit, actor, need_order_id
from sellerport.server.requests import hub_of, read_body

UPLOAD_S, DOWNLOAD_S = 3600.0, 300.0
"""How long links are good: to write a file, as the contract has it, and to read one."""

LARGEST_FILE = 20 * 1024 * 1024
PREFIX = "file-"
LINKS = "/api/pii/files/"
LINK = "pii file"
"""What links are sealed for."""


class _Link(msgspec.Struct, frozen=True):
    """What a link is good for."""

    method: str
    organization_id: str
    seller_id: str
    order_id: str
    until: float


async def get_pii(request: Request) -> Response:
    """Return where an order goes, once an hour, and a link to upload its file to."""
    one = await pass_of(request)
    need_personal(one)
    order_id = need_order_id(request.path_params["order_id"])
    buyer = await hub_of(request).gateway.pii_access.get(one, order_id, visit(request))
    return answer(
        {
            "piiData": {"ShippingAddress": buyer["ShippingAddress"]},
            "piiSignedUrl": await _link(request, one, "PUT", order_id, UPLOAD_S),
            "piiFileName": f"{PREFIX}{order_id}",
        }
    )


async def block_pii(request: Request) -> Response:
    """Let nobody have an order's personal data any more."""
    one = await pass_of(request)
    order_id = need_order_id(text_of(await object_of(request), "orderId"))
    await hub_of(request).gateway.pii_access.block(one, order_id, visit(request))
    return success({"orderId": order_id, "isBlocked": True})


async def complete_order(request: Request) -> Response:
    """Call an order complete, and delete its documents at once."""
    one = await pass_of(request)
    order_id = need_order_id(text_of(await object_of(request), "orderId"))
    deleted = await hub_of(request).gateway.pii_access.complete(one, order_id, visit(request))
    return success({"orderId": order_id, "isCompleted": True, "documents_deleted": deleted})


async def get_file(request: Request) -> Response:
    """Return a link to read an order's file at, for five minutes."""
    one = await pass_of(request)
    need_personal(one)
    order_id, gateway = _file_name(request), hub_of(request).gateway
    await gateway.pii_access.allow(one, order_id)
    await gateway.pii_access.count_read(one, visit(request))
    if await gateway.documents.file_of(one.organization_id, one.seller_id, order_id) is None:
        raise NotFound("File not found")
    url = await _link(request, one, "GET", order_id, DOWNLOAD_S)
    return success({"fileName": f"{PREFIX}{order_id}", "url": url, "expires_in": int(DOWNLOAD_S)})


async def write_file(request: Request) -> Response:
    """Keep an order's file for a day; its personal data has to have been accessed within the last hour."""
    one = await pass_of(request)
    need_personal(one)
    order_id, gateway = _file_name(request), hub_of(request).gateway
    await gateway.pii_access.need_recent(one, order_id)
    content = await _content(request)
    await gateway.documents.write_file(one.organization_id, one.seller_id, order_id, content, actor(one))
    return success({"fileName": f"{PREFIX}{order_id}", "size": len(content)})


async def delete_file(request: Request) -> Response:
    """Delete an order's file."""
    one = await pass_of(request)
    order_id, gateway = _file_name(request), hub_of(request).gateway
    if not await gateway.documents.delete_file(one.organization_id, one.seller_id, order_id, actor(one)):
        raise NotFound("File not found")
    return success({"fileName": f"{PREFIX}{order_id}", "isDeleted": True})


async def upload(request: Request) -> Response:
    """Keep what is sent to a link."""
    link, gateway = await _opened(request), hub_of(request).gateway
    await gateway.pii_access.need_open(link.seller_id, link.order_id)
    content = await _content(request)
    who = f"seller:{link.seller_id}"
    await gateway.documents.write_file(link.organization_id, link.seller_id, link.order_id, content, who)
    return success({"fileName": f"{PREFIX}{link.order_id}", "size": len(content)})


async def download(request: Request) -> Response:
    """Return the file that a link leads to."""
    link, gateway = await _opened(request), hub_of(request).gateway
    await gateway.pii_access.need_open(link.seller_id, link.order_id)
    id = await gateway.documents.file_of(link.organization_id, link.seller_id, link.order_id)
    if id is None:
        raise NotFound("File not found")
    content = await gateway.documents.content(link.organization_id, link.seller_id, id)
    headers = {
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{PREFIX}{link.order_id}"',
        "content-type": "application/octet-stream",
        "x-content-type-options": "nosniff",
    }
    return Response(content, headers=headers)


def visit(request: Request) -> Visit:
    """Return where a request comes from."""
    endpoint = request.scope["path"].rpartition("/")[0] if request.path_params else request.scope["path"]
    return Visit(request.state.address, request.headers.get("user-agent", ""), endpoint)


def _file_name(request: Request) -> str:
    """Return the order whose file is named.

    Raises:
        CallerError: none is.
    """
    name = request.query_params.get("fileName", "")
    if not name:
        raise CallerError("fileName is required")
    return need_order_id(name.removeprefix(PREFIX))


async def _content(request: Request) -> bytes:
    content = await read_body(request, LARGEST_FILE)
    if not content:
        raise CallerError("the body is empty")
    return content


async def _link(request: Request, one: Pass, method: str, order_id: str, life_s: float) -> str:
    gateway = hub_of(request).gateway
    until = gateway.clock() + life_s
    said = _Link(method, one.organization_id, one.seller_id, order_id, until)
    return f"{gateway.public_url}{LINKS}{await gateway.signing.seal(msgspec.json.encode(said), LINK)}"


async def _opened(request: Request) -> _Link:
    """Return what a link is good for.

    Raises:
        NotFound: it is none of ours, or for something else, or it has ended.
    """
    gateway = hub_of(request).gateway
    opened = await gateway.signing.open(request.path_params["link"], LINK)
    link = None if opened is None else msgspec.json.decode(opened, type=_Link)
    if link is None or link.method != request.method or link.until <= gateway.clock():
        raise NotFound("the link is none, or has ended")
    request.state.organization = link.organization_id
    return link
