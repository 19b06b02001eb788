"""Uploads 2020-11-01: a place in the storage for a file that another operation will name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sellerport.emulator.call import Answer, Call

LIFE_S = 900


def create_upload_destination(call: Call) -> Answer:
    """Return where a file can be put, and the headers to put it with; its MD5 is known beforehand."""
    id = call.world.uuid()
    key = f"uploads/{id}"
    headers = {"Content-MD5": call.one("contentMD5") or "", "x-amz-server-side-encryption": "aws:kms"}
    if content_type := call.one("contentType"):
        headers["Content-Type"] = content_type
    storage = call.world.storage
    storage.places.add(key)
    url = storage.presign("PUT", call.address, key, now=call.world.now(), life_s=LIFE_S, headers=headers)
    return Answer({"payload": {"uploadDestinationId": id, "url": url, "headers": headers}}, 201)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "uploads_2020_11_01.create_upload_destination_for_resource": create_upload_destination,
}
