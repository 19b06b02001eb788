"""Marketing Stream: subscriptions to data sets. They are kept, and no data is ever sent.

A subscription is PROVISIONING for as long as a report takes, and then ACTIVE; nobody has to confirm a queue.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, moment
from sellerport.emulator.call import Answer

DATA_SETS = frozenset(
    {f"{product}-{what}" for product in ("sp", "sb", "sd") for what in ("traffic", "conversion")}
    | {"sb-clickstream", "sb-rich-media", "budget-usage", "sp-budget-recommendations"}
    | {"sponsored-ads-campaign-diagnostics-recommendations", "campaigns", "adgroups", "ads", "targets"}
)
MOST = 2
"""How many of a data set an application may have for one profile."""
PAGE = 50


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """A subscription as it is asked for."""

    data_set_id: str
    client_request_token: str
    destination: dict[str, Any] | None = None
    destination_arn: str | None = None
    notes: str = ""


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """What may change of a subscription."""

    status: Literal["ACTIVE", "ARCHIVED"] | None = None
    notes: str | None = None


@dataclass(frozen=True)
class Stream:
    """A subscription of an application; times are unix seconds."""

    id: str
    application: str
    profile: str
    data_set: str
    token: str
    """What the client named its request."""
    destination: Mapping[str, Any]
    notes: str
    created: float
    updated: float
    archived: bool = False


def create(call: AdsCall) -> Answer:
    """Subscribe to a data set; a request that was made before is answered with what it made."""
    asked = _converted(call, Asked)
    if asked.data_set_id not in DATA_SETS:
        raise _refused(400, f"dataSetId {asked.data_set_id} is not known")
    destination = asked.destination or {"sqsDestination": {"queueArn": asked.destination_arn}}
    if not asked.destination and not asked.destination_arn:
        raise _refused(400, "destination is missing")
    mine = [one for one in _mine(call) if not one.archived and one.data_set == asked.data_set_id]
    made = next((one for one in mine if one.token == asked.client_request_token), None)
    if made is None:
        if len(mine) >= MOST:
            raise _refused(409, f"There are {MOST} subscriptions to {asked.data_set_id} already")
        id, now = f"amzn1.fead.cs1.{call.world.secret('', 22)}", call.world.now()
        place = call.token.application.application_id, call.profile.id, asked.data_set_id, asked.client_request_token
        made = call.world.ads.streams[id] = Stream(id, *place, destination, asked.notes, now, now)
    return Answer({"clientRequestToken": made.token, "subscriptionId": made.id})


def listed(call: AdsCall) -> Answer:
    """List the subscriptions of the application for the profile."""
    size = call.number("maxResults", PAGE, most=5000) or PAGE
    start = call.number("startingToken", 0, most=10**6)
    found = _mine(call)
    token = {"nextToken": str(start + size)} if start + size < len(found) else {}
    return Answer({"subscriptions": [_told(call, one) for one in found[start : start + size]], **token})


def get(call: AdsCall) -> Answer:
    """Return one subscription."""
    return Answer({"subscription": _told(call, _find(call))})


def update(call: AdsCall) -> Answer:
    """Change what is noted of a subscription, or archive it, which only one that is ACTIVE can be."""
    stream, change = _find(call), _converted(call, Change)
    if change.status == "ARCHIVED" and _status(call, stream) != "ACTIVE":
        raise _refused(400, "Only ACTIVE subscriptions can be archived")
    notes = stream.notes if change.notes is None else change.notes
    gone = stream.archived or change.status == "ARCHIVED"
    now = call.world.now()
    call.world.ads.streams[stream.id] = dataclasses.replace(stream, notes=notes, archived=gone, updated=now)
    return Answer()


def _mine(call: AdsCall) -> list[Stream]:
    owner = call.token.application.application_id, call.profile.id
    return [one for one in call.world.ads.streams.values() if (one.application, one.profile) == owner]


def _find(call: AdsCall) -> Stream:
    id = call.path["subscriptionId"]
    found = next((one for one in _mine(call) if one.id == id), None)
    if found is None:
        raise _refused(404, f"Subscription {id} was not found")
    return found


def _status(call: AdsCall, stream: Stream) -> str:
    if stream.archived:
        return "ARCHIVED"
    return "ACTIVE" if call.world.now() >= stream.created + call.world.task_s else "PROVISIONING"


def _told(call: AdsCall, stream: Stream) -> dict[str, Any]:
    return {
        "subscriptionId": stream.id,
        "dataSetId": stream.data_set,
        "destination": stream.destination,
        "notes": stream.notes,
        "status": _status(call, stream),
        "createdDate": moment(stream.created),
        "updatedDate": moment(stream.updated),
    }


def _converted(call: AdsCall, kind: Any) -> Any:
    try:
        return msgspec.convert(call.body, kind)
    except msgspec.ValidationError as error:
        raise _refused(400, str(error)) from None


def _refused(status: int, details: str) -> Refused:
    return Refused(status, {"code": str(status), "details": details})


ENDPOINTS: Mapping[str, Endpoint] = {
    "GET /streams/subscriptions": Endpoint(listed),
    "POST /streams/subscriptions": Endpoint(create),
    "GET /streams/subscriptions/{subscriptionId}": Endpoint(get),
    "PUT /streams/subscriptions/{subscriptionId}": Endpoint(update),
}
