"""External Fulfillment Returns 2024-09-11: what buyers send back to the places that accounts ship from.

Each is one piece of an order that the account shipped: the one that its ledger has refunded, at the moment at which
the return was delivered. Where it is comes from the clock: it is picked up a day after it was created, delivered two
days after that, and processed on the next.

Amazon offers this where it offers external fulfillment's shipments; here all sellers have it. The deprecated dates are
those of the creation, as their descriptions say. Not known: which reasons and which names of marketplaces there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sellerport.emulator import carriers, ledger, page_tokens
from sellerport.emulator.call import Answer, Call, invalid, missing, moment
from sellerport.emulator.external_book import Shipment
from sellerport.emulator.shelf import steady
from sellerport.emulator.shop import DAY_S, Item, Order

API = "external_fulfillment_returns_2024_09_11"
PAGE = 10
MOST = 100
TAKES_S = 3 * DAY_S
"""From its creation until it is delivered."""
STEPS = (
    ("CREATED", 0.0), ("CARRIER_NOTIFIED_TO_PICK_UP_FROM_CUSTOMER", 0.1), ("PICKED_FROM_CUSTOMER", 1.0),
    ("IN_TRANSIT", 1.3), ("OUT_FOR_DELIVERY", 2.7), ("DELIVERED", 3.0), ("PROCESSED", 4.0),
)  # fmt: skip
"""What a return becomes, and how many days after its creation."""
REASONS = ("Missed", "Defective", "NoLongerNeeded")


@dataclass(frozen=True)
class Return:
    """A piece that comes back; in unix seconds."""

    order: Order
    item: Item
    shipment: Shipment
    created: float

    @property
    def id(self) -> str:
        """Its id."""
        return hashlib.sha256(f"return {self.order.id}".encode()).hexdigest()[:32]

    @property
    def rma(self) -> str:
        """The number under which the buyer sends it back."""
        return f"RMA{self.id[:10].upper()}"

    @property
    def tracking(self) -> str:
        """The number of its parcel."""
        return carriers.tracking_number(self.id)

    def last(self, now: float) -> tuple[str, float]:
        """Return what it has become, and when."""
        steps = [(status, self.created + days * DAY_S) for status, days in STEPS]
        return [step for step in steps if step[1] <= now][-1]


def list_returns(call: Call) -> Answer:
    """List returns by place, number, status and dates, the earliest first."""
    size, token = call.size("maxResults", most=MOST, default=PAGE), call.one("nextToken")
    arguments = {name: call.many(name) for name in call.query if name != "nextToken"}
    if token is None:
        ids = [one.id for one in _search(call)]
    else:
        ids = page_tokens.redeem(call, token, name="nextToken", arguments=arguments)
    known = {one.id: one for one in _every(call)}
    rest = ids[size:]
    more = {"nextToken": page_tokens.issue(call, rest, arguments=arguments)} if rest else {}
    return Answer({"returns": [_shown(call, known[id]) for id in ids[:size]], **more})


def get_return(call: Call) -> Answer:
    """Return one return."""
    id = call.path["returnId"]
    found = next((one for one in _every(call) if one.id == id), None)
    if found is None:
        raise missing(f"The return {id} was not found")
    return Answer(_shown(call, found))


def _search(call: Call) -> list[Return]:
    now, status, place = call.world.now(), call.one_of("status"), call.one("returnLocationId")
    created = [call.time("createdSince"), call.time("lastUpdatedAfter")]
    ended = [call.time("createdUntil"), call.time("lastUpdatedBefore")]
    since, until = call.time("lastUpdatedSince"), call.time("lastUpdatedUntil")
    if (since is not None or until is not None) and not (status and place):
        raise invalid("lastUpdatedSince and lastUpdatedUntil need returnLocationId and status")
    rma, tracking = call.one("rmaId"), call.one("reverseTrackingId")
    found = [
        one
        for one in _every(call)
        if status in (None, one.last(now)[0])
        and place in (None, one.shipment.location)
        and rma in (None, one.rma)
        and tracking in (None, one.tracking)
        and all(after is None or one.created >= after for after in created)
        and all(before is None or one.created <= before for before in ended)
        and (since is None or one.last(now)[1] >= since)
        and (until is None or one.last(now)[1] <= until)
    ]
    return sorted(found, key=lambda one: (one.created, one.id))


def _every(call: Call) -> Iterator[Return]:
    """Yield the returns that there are until now."""
    if call.account is None:
        return
    external = call.world.external_of(call.seller)
    for entry in ledger.timeline(call.world, call.account).between(None, call.world.now() + TAKES_S):
        if entry.refund and (shipment := external.shipment(entry.order)) is not None:
            yield Return(entry.order, entry.order.items[0], shipment, entry.posted - TAKES_S)


def _shown(call: Call, one: Return) -> dict[str, Any]:
    (status, updated), order, place = one.last(call.world.now()), one.order, one.shipment.location
    first = next(iter(call.world.parcels.packages(call.seller, order).values()))
    times = {name: one.created + days * DAY_S for name, days in STEPS}
    shipping: dict[str, Any] = {
        "forwardTrackingInfo": {"carrierName": first.carrier, "trackingId": first.tracking or order.id},
        "reverseTrackingInfo": {"carrierName": carriers.CARRIER, "trackingId": one.tracking},
    }
    for name, step in (("pickupDateTime", "PICKED_FROM_CUSTOMER"), ("deliveryDateTime", "DELIVERED")):
        if times[step] <= call.world.now():
            shipping[name] = moment(times[step])
    return {
        "id": one.id,
        "returnLocationId": place,
        "merchantSku": one.item.sku,
        "returnType": "CUSTOMER",
        "returnSubType": "NORMAL",
        "numberOfUnits": 1,
        "status": status,
        "fulfillmentLocationId": place,
        "creationDateTime": moment(one.created),
        "lastUpdatedDateTime": moment(updated),
        "returnMetadata": {
            "returnReason": REASONS[steady(one.id, "reason", most=len(REASONS))],
            "rmaId": one.rma,
            "fulfillmentOrderId": one.shipment.id,
        },
        "returnShippingInfo": shipping,
        "marketplaceChannelDetails": {
            "marketplaceChannel": {"marketplaceName": f"AMAZON_{order.marketplace.country}", "channelName": "MFN"},
            "merchantId": call.seller,
            "shipmentId": one.shipment.id,
            "customerOrderId": order.id,
            "returnLocationId": place,
            "channelSku": one.item.sku,
        },
        "otpDetails": {"otp": f"{steady(one.id, 'otp', most=10**6):06d}", "validTill": int(times["PROCESSED"])},
        "packageDeliveryMode": "WITH_OTP",
    }


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.list_returns": list_returns,
    f"{API}.get_return": get_return,
}
