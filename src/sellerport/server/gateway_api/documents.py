"""Documents behind links of this server's own: `GET /documents/{link}`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sellerport.server.gateway_api.table import Endpoint
from sellerport.server.requests import hub_of


async def read(request: Request) -> Response:
    """Give a document that Amazon signed a URL for, without personal data."""
    links = hub_of(request).gateway.document_links
    pieces = links.read(await links.open(request.path_params["link"]))
    first = await anext(pieces)  # an answer that begins is a document that is understood

    async def rest() -> AsyncGenerator[bytes]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff", "content-disposition": "attachment"}
    return StreamingResponse(rest(), 200, headers, "application/octet-stream")


ENDPOINTS = (Endpoint("GET", "/documents/{link}", read, bytes, access="anyone"),)
