"""Labels on their way to the printers of a warehouse."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import CallerError
from sellerport.server.gateway_api.answers import success
from sellerport.server.gateway_api.requests import object_of, pass_of, text_of
from sellerport.server.hub import MOST, Job
from sellerport.server.requests import hub_of

PRINTER_TYPES = ("label", "laser")
LONGEST_PRINTER = 200


async def send(request: Request) -> Response:
    """Have documents of a shipment printed."""
    one, given = await pass_of(request), await object_of(request)
    shipment_id = text_of(given, "shipment_id")
    if given.get("printer_type") not in PRINTER_TYPES:
        raise CallerError("printer_type must be label or laser")
    printer_id = text_of(given, "printer_id")
    if len(printer_id) > LONGEST_PRINTER:  # the audit keeps it
        raise CallerError(f"printer_id must have at most {LONGEST_PRINTER} characters")
    job = Job(shipment_id, given["printer_type"], printer_id, _label_uuids(given.get("label_uuids")))
    return success(await hub_of(request).gateway.printing.send(one, job))


def _label_uuids(given: Any) -> list[str]:
    """Return what is to be printed: the contract has a list in one place, and a text in another."""
    listed = [one.strip() for one in given.split(",")] if isinstance(given, str) else given
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) and one for one in listed):
        raise CallerError("label_uuids is required")
    if len(listed) > MOST:
        raise CallerError(f"label_uuids must name at most {MOST} documents")
    return list(dict.fromkeys(listed))
