"""Uploads: files that another operation refers to, such as the attachments of messages and the images of A+ content.

Source: Amazon's page "Uploads API v2020-11-01 Use Case Guide".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sellerport.documents import content as contents
from sellerport.documents import jobs, transfer
from sellerport.documents.content import Given
from sellerport.documents.jobs import Caller
from sellerport.documents.transfer import Ticket
from sellerport.wire import run

API = "uploads_2020_11_01"


class Uploads:
    """What `SellingPartner` has beside the operations of the Uploads API."""

    _caller: Caller

    def upload(
        self,
        resource: str,
        content: Given,
        *,
        content_type: str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
    ) -> str:
        """Upload a file for an operation to refer to, and return its ``uploadDestinationId``.

        Args:
            resource: the path of that operation, without a slash before it, such as
                ``messaging/v1/orders/902-…/messages/legalDisclosure``.
            content: bytes, text (sent in UTF-8, or in the charset of ``content_type``), or a `Path` (sent from the
                disk).
            content_type: what the file is; sent exactly as it is, and not at all if not given.
            marketplace_ids: an id or a country; the client's marketplace if not given.

        Raises:
            InvalidArguments: refused before anything was sent.
            DocumentError: the storage does not take it.
            AmazonError, NoAnswer, TokenError: as for every call.
        """
        return run(_upload(self._caller, resource, content, content_type, marketplace_ids))


class AsyncUploads:
    """What `AsyncSellingPartner` has beside the operations of the Uploads API."""

    _caller: Caller

    async def upload(
        self,
        resource: str,
        content: Given,
        *,
        content_type: str | None = None,
        marketplace_ids: str | Sequence[str] | None = None,
    ) -> str:
        """As `Uploads.upload`."""
        return await _upload(self._caller, resource, content, content_type, marketplace_ids)


async def _upload(
    caller: Caller,
    resource: str,
    content: Given,
    content_type: str | None,
    marketplace_ids: str | Sequence[str] | None,
) -> str:
    stated = "application/octet-stream" if content_type is None else content_type
    body, _ = await caller.wire.work(partial(contents.prepare, content, stated))
    digest = await caller.wire.work(partial(_digest, body))

    async def place() -> Ticket:
        arguments = {
            "resource": resource,
            "marketplace_ids": marketplace_ids,
            "content_md5": digest,
            "content_type": content_type,
        }
        answer = await caller.call(f"{API}.create_upload_destination_for_resource", arguments)
        id, url = (jobs.field_of(answer.payload, name) for name in ("uploadDestinationId", "url"))
        headers = {"content-type": content_type} if content_type else {}
        given = {name.lower(): str(value) for name, value in (answer.payload.get("headers") or {}).items()}
        return Ticket(url, headers=headers | given, id=id)

    return (await transfer.upload(caller, place, body)).id


def _digest(body: bytes | Path) -> str:
    """Return the MD5 of a body as the header Content-MD5 has it (RFC 1864)."""
    found = hashlib.md5(usedforsecurity=False)
    if isinstance(body, bytes):
        found.update(body)
    else:
        with body.open("rb") as file:
            while piece := file.read(contents.PIECE):
                found.update(piece)
    return base64.b64encode(found.digest()).decode()
