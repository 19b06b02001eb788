"""Services v1: how an appointment went, and the documents that prove it.

A document is put where createServiceDocumentUploadDestination says, encrypted with the key that comes with it; what is
in it is not looked at, nor is its hash. Amazon's words are those of its published cases; of several errors the first is
given. Not known: how long a place for a document is good.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sellerport.emulator.call import Answer, Call, refused
from sellerport.emulator.service_jobs import Appointment
from sellerport.emulator.services import API, OPEN, known, own, unprocessable

KINDS = ("TIFF", "JPG", "PNG", "JPEG", "GIF", "PDF")
UPLOAD_S = 300
UNPROVEN = "Failed to process proof of appointment input. Reason: {}"


def set_appointment_fulfillment_data(call: Call) -> Answer:
    """Say how an appointment goes, or went; what is said again is replaced."""
    asked = call.checked_body()
    if not any(asked.values()):
        raise refused("No fulfillment artifacts provided in JSON payload.")
    job, id = known(call, "No job exist with jobId : {}"), call.path["appointmentId"]
    if job.status not in OPEN:
        raise unprocessable(f"Job with id {job.id} can not be updated. Please check if the job is in valid status.")
    appointment = next((one for one in job.appointments if one.id == id), None)
    if appointment is None:
        raise unprocessable(f"Appointment with id {id} is not present in the job. Please check the input again.")
    if appointment.status != "ACTIVE":
        raise unprocessable(
            f"Appointment with appointment id {id} is not valid to update. Please check the input again"
        )
    _fulfill(call, appointment, asked)
    job.updated = call.world.now()
    return Answer(status=204)


def _fulfill(call: Call, appointment: Appointment, asked: Mapping[str, Any]) -> None:
    now = call.world.now()
    if "estimatedArrivalTime" in asked:
        for name in ("startTime", "endTime"):
            _utc(asked["estimatedArrivalTime"][name])
    if "fulfillmentTime" in asked:
        _took_place(asked["fulfillmentTime"], now)
    ids = [one.get("resourceId") for one in asked.get("appointmentResources", ())]
    if any(id not in own(call).technicians for id in ids):
        raise unprocessable(
            "One or more resources provided does not exist or is deleted. Please check the input again."
        )
    for one in asked.get("fulfillmentDocuments", ()):
        key, storage = _key(one.get("uploadDestinationId", "")), call.world.storage
        if key not in storage.places and key not in storage.objects:
            raise unprocessable(UNPROVEN.format("Input document id does not exist. Please check the input"))
        if key not in storage.objects:
            reason = "Document encrypted not found or exist. Please review document uploaded"
            raise unprocessable(UNPROVEN.format(reason))
    appointment.fulfilled |= asked
    if asked.get("fulfillmentDocuments"):
        appointment.proven = now


def _took_place(asked: Mapping[str, str], now: float) -> None:
    """Check from when until when an appointment was.

    Raises:
        AmazonRefused: it cannot have been.
    """
    for name in ("start", "end"):
        if f"{name}Time" not in asked:
            raise unprocessable(f"Appointment {name} time is required. Please check the input again.")
    times = {name: _utc(asked[f"{name}Time"]) for name in ("start", "end")}
    for name, when in times.items():
        if when > now:
            raise unprocessable(f"Appointment {name} time should not be in future. Please check the input again")
    if times["end"] <= times["start"]:
        raise unprocessable("Appointment end time should be after start time. Please check the input again.")


def _utc(text: str) -> float:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        message = f"Could not parse given time input {text}. Please provide time in ISO8601 format"
        raise unprocessable(message) from None
    if when.utcoffset() != timedelta(0):
        raise unprocessable(f"ISO8601 time {text} is not in UTC format. Please provide time in UTC")
    return when.timestamp()


def create_service_document_upload_destination(call: Call) -> Answer:
    """Return where a document can be put, and the key to encrypt it with."""
    body = call.body if isinstance(call.body, dict) else {}
    if absent := [name for name in ("contentType", "contentLength") if name not in body]:
        raise refused(f"Missing or invalid request parameters: [{', '.join(absent)}].")
    if body["contentType"] not in KINDS:
        raise unprocessable(f"contentType parameter is invalid. Use one of {list(KINDS)}")
    asked = call.checked_body()
    id = call.world.uuid()
    storage = call.world.storage
    storage.places.add(_key(id))
    headers = {"Content-MD5": asked["contentMD5"]} if "contentMD5" in asked else {}
    url = storage.presign("PUT", call.address, _key(id), now=call.world.now(), life_s=UPLOAD_S, headers=headers)
    secret = hashlib.sha384(f"{call.world.seed} {id}".encode()).digest()
    key, vector = (base64.b64encode(part).decode() for part in (secret[:32], secret[32:]))
    encryption = {"standard": "AES", "initializationVector": vector, "key": key}
    body = {"uploadDestinationId": id, "url": url, "encryptionDetails": encryption, "headers": headers}
    return Answer({"payload": body})


def _key(id: str) -> str:
    return f"service-documents/{id}"


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.set_appointment_fulfillment_data": set_appointment_fulfillment_data,
    f"{API}.create_service_document_upload_destination": create_service_document_upload_destination,
}
