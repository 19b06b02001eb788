"""Documents behind links of this server's own: `GET /documents/{link}`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sellerport.server.gateway_api.table import Endpoint
from sellerport.server.requests import hub_of

HELD = 2 << 20
"""What of a document is waited for before an answer begins, in bytes: what is no longer is given whole or refused."""


async def read(request: Request) -> Response:
    """Give a document that Amazon signed a URL for, without personal data.

    One that is long ends without its end where it turns out not to be understood.
    """
    links = hub_of(request).gateway.document_links
    pieces = links.read(await links.open(request.path_params["link"]))
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff", "content-disposition": "attachment"}
    held, size = list[bytes](), 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > HELD:
            break
    else:
        return Response(b"".join(held), 200, headers, "application/octet-stream")

    async def rest() -> AsyncGenerator[bytes]:
        async with aclosing(pieces):
            while held:
                yield held.pop(0)
            async for piece in pieces:
                yield piece

    return StreamingResponse(rest(), 200, headers, "application/octet-stream")


ENDPOINTS = (Endpoint("GET", "/documents/{link}", read, bytes, access="anyone"),)
