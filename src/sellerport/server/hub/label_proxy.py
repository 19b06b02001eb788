"""Labels bought from other carriers, by tenants that do not see where they go.

A tenant sends what the carrier is to get, with placeholders where the address belongs. They are filled in here, and
what the carrier answers is given on without the address, and with the ids of documents where its labels were, or the
addresses at which it has them.

A shipment is asked of a carrier once: whoever asks again, with the same body, gets the same answer. When nothing came
back, or nothing that can be understood, or the server was killed meanwhile, nobody knows whether a label was bought:
then it is asked for again only by who says so (`Wanted.again`), and nothing else under the same name. What a carrier
refused may be asked for again, with another body too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sellerport.errors import (
    CallerError,
    CarrierFailed,
    Conflict,
    InvalidArguments,
    NoAnswer,
    NotFound,
    SellerportError,
    StoreError,
    VaultError,
)
from sellerport.server.hub import buyers, outward
from sellerport.server.hub.carriers import carrier_of
from sellerport.server.hub.documents import Documents, New
from sellerport.server.hub.egress import Egress
from sellerport.server.hub.passes import Pass
from sellerport.server.hub.pii_access import PiiAccess, need_order_id
from sellerport.server.hub.shipments import Claim, Shipments, need_name
from sellerport.server.scrubbing import carriers as scrubbing
from sellerport.server.scrubbing import files
from sellerport.server.scrubbing import labels as places
from sellerport.wire import Response

log = logging.getLogger(__name__)

CARRIER_S = 30.0
"""How long a carrier may take, in seconds."""
LINK_S = 10.0
"""How long it may take to give a label that it answered with the address of."""
LARGEST_LINKED = 4 * 1024 * 1024
"""How many bytes such a label may have."""
MOST_LINKS = 10

_OURS = frozenset(
    {
        "accept-encoding",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "origin",
        "referer",
        "user-agent",
        "via",
        "x-original-url",
        "x-real-ip",
        "x-request-id",
        "x-unique-shipment-id",
        "x-unredacted-pii",
    }
)
_OUR_PREFIXES = ("x-seller-", "x-amazon-", "x-amz", "x-adb-", "x-forwarded-", "x-ratelimit-", "sec-")


@dataclass(frozen=True)
class Wanted:
    """What is to be forwarded."""

    url: str
    order_id: str
    name: str
    """The caller's own name for the shipment."""
    headers: list[tuple[str, str]] = field(repr=False)
    """As the caller sent them, names in lower case."""
    body: bytes = field(repr=False)
    again: bool = False
    """Whether to ask once more where a label may have been bought already."""


class LabelProxy:
    """Forwards to carriers."""

    def __init__(self, access: PiiAccess, shipments: Shipments, documents: Documents, egress: Egress) -> None:
        self._access = access
        self._shipments = shipments
        self._documents = documents
        self._egress = egress

    async def forward(self, one: Pass, wanted: Wanted) -> dict[str, Any]:
        """Forward a request; return what the carrier answered, without personal data.

        Raises:
            CallerError: the body is no JSON.
            NotAllowed: the address is no carrier's, or the order is blocked or complete.
            NotFound: the account has no such order.
            Conflict: the shipment was asked for with another body, or is being asked for.
            OutcomeUnknown: a label may have been bought already.
            CallerError: there are placeholders that nothing is known for (422).
            CarrierFailed: the carrier refused, was not reached, or answered something that cannot be scrubbed.
            AmazonError, TokenError: the address is not to be had.
        """
        carrier_of(self._egress, wanted.url)
        need_order_id(wanted.order_id)
        need_name(wanted.name)
        try:
            template = scrubbing.decode(wanted.body)
        except ValueError:
            raise CallerError("the body must be JSON") from None
        await self._access.allow(one, wanted.order_id)
        asked = wanted.url.encode() + b"\0" + wanted.body
        claim = await self._shipments.claim(one, wanted.order_id, wanted.name, asked, again=wanted.again)
        if isinstance(claim, str):
            return await self._again(one, claim)
        return await self._claimed(one, wanted, claim, template)

    async def _again(self, one: Pass, shipment_id: str) -> dict[str, Any]:
        kept = await self._documents.answer_of(one.organization_id, one.seller_id, shipment_id)
        if kept is None:
            raise Conflict("this shipment was forwarded before, and its answer is not kept any more")
        found: dict[str, Any] = msgspec.json.decode(kept)
        return found

    async def _claimed(self, one: Pass, wanted: Wanted, claim: Claim, template: Any) -> dict[str, Any]:
        """Send what an attempt is for; what fails is let go of."""
        try:
            values = buyers.values(await self._access.look_up(one, wanted.order_id))
            filled = _filled(template, values)
        except SellerportError:
            await self._shipments.release(claim)
            raise
        sweep = scrubbing.Sweep(filled, placeholders=one.privacy == "placeholders")
        try:
            response = await self._send(wanted, filled.body, sweep)
            return await self._keep(one, wanted, claim, response, sweep)
        except CarrierFailed as failed:
            _, carrier = carrier_of(self._egress, wanted.url)
            await self._shipments.failed(one, wanted.order_id, claim, carrier, failed)
            raise

    async def _send(self, wanted: Wanted, body: bytes, sweep: scrubbing.Sweep) -> Response:
        """Send a request to its carrier; return a good answer.

        Raises:
            CarrierFailed: it was another, or none.
        """
        place, _ = carrier_of(self._egress, wanted.url)
        headers = forwarded(wanted.headers)
        try:
            response = await outward.send(self._egress, place, wanted.url, headers, body, within_s=CARRIER_S)
        except NoAnswer as error:
            raise CarrierFailed(sent=error.sent) from error
        if not 200 <= response.status < 300:
            told = await asyncio.to_thread(_error, response, sweep)
            raise CarrierFailed(carrier_status=response.status, carrier_response=told)
        return response

    async def _keep(
        self, one: Pass, wanted: Wanted, claim: Claim, response: Response, sweep: scrubbing.Sweep
    ) -> dict[str, Any]:
        try:
            swept = await asyncio.to_thread(_swept, response, sweep)
        except scrubbing.NotUnderstood:
            raise CarrierFailed("Response could not be scrubbed", carrier_status=response.status) from None
        swept.documents += await asyncio.gather(*(self._fetched(way, url) for way, url in swept.links))
        data = {"scrubbed_response": swept.body, "shipment_id": claim.shipment_id, "documents": list[Any]()}
        data["carrier_status"] = response.status

        def answer(ids: list[str]) -> bytes:
            named = list(zip(swept.documents, ids, strict=True))
            for found, id in named:
                places.put(swept.body, found.path, {"uuid": id})
            told = [{"uuid": id, "format": found.format} for found, id in named]
            return msgspec.json.encode({**data, "documents": told})

        new = [New(found.content, found.format, found.kind) for found in swept.documents]
        _, carrier = carrier_of(self._egress, wanted.url)
        try:
            kept = await self._shipments.answered(one, wanted.order_id, claim, new, answer, carrier)
        except (NotFound, StoreError, VaultError) as error:  # what was bought is told all the same
            log.error("a carrier's answer could not be kept: %s", error)
            for found in swept.documents:
                places.put(swept.body, found.path, None)
            return {**data, "warning": "the documents could not be kept; the carrier has them"}
        told: dict[str, Any] = msgspec.json.decode(kept)
        return told

    async def _fetched(self, way: places.Path, url: str) -> places.Found:
        """Return the document that a carrier has at an address; the address itself where it is not to be had."""
        try:
            place = self._egress.check(url, "url")
            answer = await outward.send(self._egress, place, url, {}, None, within_s=LINK_S, largest=LARGEST_LINKED)
            if answer.status == 200 and answer.body:
                return places.Found(way, answer.body, files.format_of(answer.body), "label")
        except (InvalidArguments, NoAnswer) as error:
            log.warning("a label could not be fetched from its carrier: %s", type(error).__name__)
        return places.Found(way, url.encode(), "URL", "label")


def forwarded(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Return the headers that a carrier gets: not those of the connection, nor ours, nor any that came twice."""
    names = [name for name, _ in headers]
    closing = {one.strip().lower() for name, value in headers if name == "connection" for one in value.split(",")}
    kept = {
        name: value
        for name, value in headers
        if name not in outward.HOP_BY_HOP | _OURS | closing
        and not name.startswith(_OUR_PREFIXES)
        and names.count(name) == 1
        and value.isascii()
        and value.isprintable()
    }
    return {**kept, "content-type": "application/json"}


def _filled(template: Any, values: Mapping[str, str]) -> scrubbing.Filled:
    try:
        return scrubbing.fill(template, values)
    except scrubbing.Unresolved as error:
        refused = CallerError(f"nothing is known for {', '.join(error.names)}")
        refused.status = 422
        raise refused from None
    except ValueError:
        raise CallerError("the body must be JSON") from None


def _swept(response: Response, sweep: scrubbing.Sweep) -> scrubbing.Swept:
    """Return an answer without documents and personal data.

    Raises:
        NotUnderstood: it is neither JSON nor a document.
    """
    if not response.body:
        return scrubbing.Swept(None)
    format = files.format_of(response.body)
    if format not in (files.UNKNOWN, "EPL"):
        found = places.Found(("document",), response.body, format, "label")
        return scrubbing.Swept({"document": None}, [found])
    swept = sweep.json(response.body)
    if len(swept.links) > MOST_LINKS:
        raise scrubbing.NotUnderstood("the answer has too many addresses of documents")
    return swept


def _error(response: Response, sweep: scrubbing.Sweep) -> Any:
    """Return what a carrier says is wrong, without personal data; nothing where that cannot be told."""
    try:
        try:
            swept = sweep.json(response.body)
        except scrubbing.NotUnderstood:
            return sweep.text(response.body.decode("utf-8", "replace")) or None
        return swept.body
    except scrubbing.NotUnderstood:
        return None
