"""Label mode of the passthrough: documents in Amazon's answers stay here, and callers get their ids."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from sellerport.catalog import Operation
from sellerport.documents.transfer import check
from sellerport.errors import AmazonUnavailable, Conflict, DocumentError, NoAnswer, NotFound, StoreError, VaultError
from sellerport.regions import Amazon
from sellerport.server.hub.document_links import STORAGE
from sellerport.server.hub.documents import New
from sellerport.server.hub.passes import Pass
from sellerport.server.hub.pii_access import PiiAccess, Visit, need_order_id
from sellerport.server.hub.shipments import Shipments, need_name
from sellerport.server.scrubbing import files, labels
from sellerport.wire import Request, Wire

log = logging.getLogger(__name__)

Scrub = Callable[[bytes], bytes]

LINK_S = 10.0
"""How long Amazon's storage may take to give a document, in seconds."""
LARGEST_LINKED = 4 * 1024 * 1024
"""How many bytes it may have."""


class Labels:
    """Keeps what Amazon's answers have to print."""

    def __init__(self, access: PiiAccess, shipments: Shipments, amazon: Amazon, wire: Wire) -> None:
        self._access = access
        self._shipments = shipments
        self._amazon = amazon
        self._wire = wire

    def takes(self, operation: Operation) -> bool:
        """Return whether answers of an operation may have documents."""
        return labels.takes(operation)

    async def check(self, one: Pass, order_id: str, name: str, visit: Visit, *, unredacted: bool) -> None:
        """Look at a request in label mode before it is sent.

        Args:
            one: whose it is.
            order_id: ``x-amazon-order-id``.
            name: ``x-unique-shipment-id``.
            visit: where it came from.
            unredacted: whether ``x-unredacted-pii: true`` asks for the answer as it is; that is written down.

        Raises:
            CallerError: the order's id is none, or the shipment's is too long.
            NotAllowed: personal data is asked for that the tenant may not see.
            Conflict: the shipment is another order's.
        """
        need_order_id(order_id)
        need_name(name)
        await self._shipments.need_same(one, order_id, name)
        if unredacted:
            await self._access.show(one, order_id, visit, "unredactedLabel")
        else:
            await self._access.need_open(one.seller_id, order_id)

    async def keep(
        self,
        one: Pass,
        operation: Operation,
        order_id: str,
        name: str,
        body: bytes,
        scrub: Scrub = lambda body: body,
        *,
        unredacted: bool = False,
    ) -> dict[str, Any]:
        """Keep the documents of a good answer; return what the caller is told, for the envelope.

        Args:
            one: whose request it was.
            operation: what was asked.
            order_id, name: which order and shipment it is for.
            body: Amazon's answer.
            scrub: takes personal data out of the rest.
            unredacted: whether `check` let the answer be given as it is, too.

        Raises:
            AmazonUnavailable: the answer cannot be read.
            Conflict: the shipment is another order's.
            NotFound: the organization was deleted at the same moment.
            StoreError, VaultError: the documents cannot be kept. What was bought is told all the same.
        """
        try:
            payload = msgspec.json.decode(body)
            found = labels.take(operation, payload)
            links = labels.take_links(operation, payload)
        except (ValueError, RecursionError):
            raise AmazonUnavailable("Response could not be scrubbed", status=502) from None
        fetching = (self._fetched(operation, path, url) for path, url in links)
        for fetched, (path, url) in zip(await asyncio.gather(*fetching), links, strict=True):
            if fetched is None:
                labels.put(payload, path, url)
            else:
                found.append(fetched)
        new = [New(one.content, one.format, one.kind) for one in found]
        shown = msgspec.json.decode(scrub(msgspec.json.encode(payload)))
        told = {"scrubbed_response": shown, "shipment_id": None, "documents": list[Any]()}
        try:
            kept = await self._shipments.keep(one, order_id, name, new)
        except (Conflict, NotFound, StoreError, VaultError) as error:
            if not operation.write:
                raise
            log.error("the documents of a shipment could not be kept: %s", error)
            told["warning"] = "the documents could not be kept; ask for them again"
        else:
            for place, document in zip(found, kept.documents, strict=True):
                labels.put(shown, place.path, {"uuid": document.id})
            told |= {"shipment_id": kept.shipment_id, "documents": [document.facts() for document in kept.documents]}
        return {**told, "unredacted_response": msgspec.json.decode(body)} if unredacted else told

    async def _fetched(self, operation: Operation, path: labels.Path, url: str) -> labels.Found | None:
        """Return the document that Amazon has at an address; None where it is not to be had."""
        try:
            check(self._amazon, url, STORAGE)
            answer = await self._wire.send(Request("GET", url, {}, timeout_s=LINK_S, largest=LARGEST_LINKED))
        except (DocumentError, NoAnswer) as error:
            log.warning("a label could not be fetched: %s", error)
            return None
        if answer.status != 200 or not answer.body:
            log.warning("a label could not be fetched: the storage answered with %d", answer.status)
            return None
        return labels.Found(path, answer.body, files.format_of(answer.body), labels.kind(operation))
