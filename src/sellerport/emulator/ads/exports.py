"""Exports: all campaigns, ad groups, ads or targets of a profile in one file, whatever ad product they are of.

Rows are what the unified API says of them. An export may only be looked at with the media type that it was asked for
with: another is 406.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import msgspec

from sellerport.emulator.ads import common_model, tasks
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, moment
from sellerport.emulator.ads.common_model import Resource
from sellerport.emulator.ads.tasks import Task
from sellerport.emulator.call import Answer

Product = Literal["SPONSORED_PRODUCTS", "SPONSORED_BRANDS", "SPONSORED_DISPLAY", "SPONSORED_TELEVISION"]

RESOURCES: Mapping[str, Resource] = {one.name: one for one in common_model.RESOURCES}
LETTERS: Mapping[str, str] = {"campaigns": "C", "adGroups": "A", "ads": "R", "targets": "T"}
"""What an export's id ends with."""
KEPT_S = 24 * 3600
"""How long the file of an export is there."""


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """An export as it is asked for."""

    state_filter: tuple[Literal["ENABLED", "PAUSED", "ARCHIVED"], ...] = ("ENABLED", "PAUSED")
    ad_product_filter: tuple[Product, ...] = ("SPONSORED_PRODUCTS", "SPONSORED_BRANDS", "SPONSORED_DISPLAY")


def create(what: str, call: AdsCall) -> Answer:
    """Ask for an export."""
    try:
        msgspec.convert(call.body or {}, Asked)
    except msgspec.ValidationError as error:
        raise _refused(400, "INVALID_ARGUMENT", str(error)) from None
    id = base64.urlsafe_b64encode(f"{call.world.uuid()},{LETTERS[what]}".encode()).decode().rstrip("=")
    tasks.begin(call, "export", what, id)
    return Answer({"exportId": id, "status": "IN_PROGRESS"}, 202)


def get(call: AdsCall) -> Answer:
    """Return how far an export is, and where it is once it is made; each look gives an address of its own."""
    id, now = call.path["exportId"], call.world.now()
    task = tasks.find(call, "export", id)
    if task is None or now >= task.made + KEPT_S:
        raise _refused(404, "NOT_FOUND", f"Export {id} was not found")
    media_type = _media_type(task.type)
    if media_type not in call.headers.get("accept", "").lower():
        raise _refused(406, "NOT_ACCEPTABLE", f"Accept must be {media_type} for this export")
    status = task.status(now)
    told: dict[str, Any] = {"exportId": id, "status": "IN_PROGRESS" if status == "PENDING" else status}
    told["createdAt"] = moment(task.created)
    if status == "COMPLETED":
        told["url"], ends = tasks.address(call, task, lambda: _file(RESOURCES[task.type], call, task))
        told |= {"fileSize": task.size, "urlExpiresAt": moment(ends), "generatedAt": moment(task.made)}
    elif status == "FAILED":
        message = task.outcome.body or "The export could not be made"
        told["error"] = {"errorCode": "INTERNAL_ERROR", "message": message}
    return Answer(told)


def _media_type(what: str) -> str:
    return f"application/vnd.{what.lower()}export.v1+json"


def _refused(status: int, code: str, message: str) -> Refused:
    """Return a refusal as exports write it, and nothing else."""
    return Refused(status, {"errorCode": code, "message": message})


def _file(resource: Resource, call: AdsCall, task: Task) -> bytes:
    """Return what is in an export, before compression."""
    asked = msgspec.convert(task.asked, Asked)
    families = [family for product in asked.ad_product_filter if (family := common_model.PRODUCTS.get(product))]
    rows = (row for kind in resource.kinds(families) for row in call.book.rows(kind).values())
    return msgspec.json.encode([resource.render(call, row) for row in rows if row.state in asked.state_filter])


ENDPOINTS: Mapping[str, Endpoint] = {
    **{f"POST /{what}/export": Endpoint(partial(create, what)) for what in RESOURCES},
    "GET /exports/{exportId}": Endpoint(get),
}
