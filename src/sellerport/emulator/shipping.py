"""Shipping v2: rates, a shipment bought at one of them, its documents, where its parcels are, and giving it back.

* Rates stand for ten minutes, under a request token that belongs to the account; each is for all parcels together, and
  a service that does not carry the heaviest of them carries none.
* A label is a PDF, a PNG or ZPL, as it was asked for; it can be had again in another format.
* For an order of Amazon's (`AMAZON`), which has to wait for the account, the receiver is the order's; elsewhere the
  request has to name one. Which pieces of the order are in which parcel is not looked at.
* The same idempotency key gives the same answer, and buys nothing.
* Parcels are picked up and delivered by the clock alone; one that was picked up cannot be given back.

Access points, carrier accounts, collection forms, claims and feedback have no state, and are invented.

Not known: Amazon's words for refusals, and whether rates may be bought twice (here they may).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sellerport.emulator import carriers, labels
from sellerport.emulator.call import Answer, Call, invalid, missing, moment, unix_seconds
from sellerport.emulator.carriers import CARRIER, CARRIER_ID, GRAMS, HOUR_S, SERVICES, Service
from sellerport.emulator.parcels import Bought, Quote, Rate
from sellerport.emulator.shop import DAY_S, Order
from sellerport.regions import MARKETPLACES

API = "shipping_v2"
STANDS_S = 600
"""How long rates are good."""
DPIS = {"PDF": (203, 300), "PNG": (203, 300), "ZPL": (203, 300)}
SIZE = {"width": 4, "length": 6, "unit": "INCH"}
LAYOUT = "DEFAULT"
PDF = {"format": "PDF", "size": SIZE, "needFileJoining": False, "requestedDocumentTypes": ["LABEL"]}
BENEFITS: Mapping[str, Any] = {"includedBenefits": [], "excludedBenefits": []}


def get_rates(call: Call) -> Answer:
    """Say what each service asks for these parcels, and which carries them not."""
    asked, now = call.checked_body(), call.world.now()
    _receiver(call, asked)
    grams, shipped = _grams(asked["packages"]), _ship_date(call, asked)
    fit = [service for service in SERVICES if max(grams) <= service.most_g]
    token, currency = call.world.secret("", 32), _currency(call, asked)
    offered = [Rate(call.world.uuid(), one, str(_price(one, grams, currency)), currency) for one in fit]
    rates = {rate.id: rate for rate in offered}
    call.world.parcels.quotes[call.seller, token] = Quote(rates, asked, now + STANDS_S)
    heavy = "The parcels are too heavy."
    payload = {
        "requestToken": token,
        "rates": [_rate(rate, sum(grams), shipped) for rate in offered],
        "ineligibleRates": [
            {**_of(service), "ineligibilityReasons": [{"code": "WEIGHT_RESTRICTIONS", "message": heavy}]}
            for service in SERVICES
            if service not in fit
        ],
    }
    return Answer({"payload": payload})


def get_additional_inputs(call: Call) -> Answer:
    """Say what else a rate has to know: nothing."""
    _quoted(call, call.one("requestToken") or "", call.one("rateId") or "")
    return Answer({"payload": {}})


def purchase_shipment(call: Call) -> Answer:
    """Buy a shipment at a rate."""
    body = call.checked_body()

    def buy() -> dict[str, Any]:
        quote, rate = _quoted(call, body["requestToken"], body["rateId"])
        if body.get("requestedValueAddedServices"):
            raise invalid(f"requestedValueAddedServices: rate {rate.id} has none")
        shipment = _buy(call, quote.asked, rate, body["requestedDocumentSpecification"])
        return {
            "shipmentId": shipment.id,
            "packageDocumentDetails": _documents(shipment),
            "promise": _promise(shipment.service, shipment.shipped),
            "benefits": BENEFITS,
        }

    return _once(call, buy)


def one_click_shipment(call: Call) -> Answer:
    """Buy a shipment of the cheapest of the services named, without looking at rates first."""
    asked = call.checked_body()
    _receiver(call, asked)
    grams = _grams(asked["packages"])
    named = [_known(id) for id in asked["serviceSelection"]["serviceId"]]
    rate = _cheapest(call, asked, grams, named)
    shipment = _buy(call, asked, rate, asked["labelSpecifications"])
    payload = {
        "shipmentId": shipment.id,
        "packageDocumentDetails": _documents(shipment),
        "promise": _promise(shipment.service, shipment.shipped),
        "carrier": {"id": CARRIER_ID, "name": CARRIER},
        "service": {"id": shipment.service.id, "name": shipment.service.name},
        "totalCharge": _money(rate),
    }
    return Answer({"payload": payload})


def direct_purchase_shipment(call: Call) -> Answer:
    """Buy a shipment of whichever service is cheapest."""
    asked = call.checked_body()

    def buy() -> dict[str, Any]:
        _receiver(call, asked)
        for name in ("shipFrom", "packages"):
            if not asked.get(name):
                raise invalid(f"{name} must be given")
        rate = _cheapest(call, asked, _grams(asked["packages"]), SERVICES)
        shipment = _buy(call, asked, rate, asked.get("labelSpecifications", PDF))
        return {"shipmentId": shipment.id, "packageDocumentDetailList": _documents(shipment)}

    return _once(call, buy)


def get_shipment_documents(call: Call) -> Answer:
    """Return the label of a parcel once more, in the format that it was bought with, or in another."""
    shipment, reference = _bought(call), call.one("packageClientReferenceId") or ""
    if shipment.cancelled is not None:
        raise invalid(f"Shipment {shipment.id} is cancelled and has no documents")
    if reference not in shipment.labels:
        raise missing(f"packageClientReferenceId {reference} was not found")
    asked = dict(shipment.facts["specification"])
    if format := call.one("format"):
        asked = {**asked, "format": format, "dpi": None}
    if dpi := call.one("dpi"):
        asked["dpi"] = int(dpi) if dpi.isascii() and dpi.isdecimal() else dpi
    _check(asked)
    payload = {
        "shipmentId": shipment.id,
        "packageDocumentDetail": _document(shipment, reference, asked),
        "benefits": BENEFITS,
    }
    return Answer({"payload": payload})


def get_tracking(call: Call) -> Answer:
    """Say what happened to a parcel until now."""
    id = call.one("trackingId") or ""
    shipment = call.world.parcels.tracked(call.seller, call.one("carrierId") or "", id)
    if shipment is None:
        raise missing(f"trackingId {id} was not found")
    until = call.world.now() if shipment.cancelled is None else shipment.cancelled
    events = [
        (step.code, step.status, step.when)
        for step in carriers.steps(shipment.service, shipment.bought, shipment.shipped, until)
    ]
    if shipment.cancelled is not None:
        events.append(("PickupCancelled", "PickupCancelled", shipment.cancelled))
    arrived = events[-1][0] == "Delivered"
    sender, receiver = (_place(shipment.facts[name]) for name in ("from", "to"))
    payload = {
        "trackingId": id,
        "alternateLegTrackingId": "",
        "eventHistory": [
            {
                "eventCode": code,
                "location": receiver if code in ("OutForDelivery", "Delivered") else sender,
                "eventTime": moment(when),
                "shipmentType": shipment.asked.get("shipmentType", "FORWARD"),
            }
            for code, _, when in events
        ],
        "promisedDeliveryDate": moment(shipment.service.window(shipment.shipped)[1]),
        "summary": {
            "status": events[-1][1],
            "trackingDetailCodes": {"forward": ["DeliveredToPorch"] if arrived else [], "returns": []},
        },
    }
    return Answer({"payload": payload})


def cancel_shipment(call: Call) -> Answer:
    """Give a shipment back, as long as it was not picked up."""
    shipment = _bought(call)
    if why_not := shipment.give_back(call.world.now()):
        raise invalid(why_not)
    return Answer({"payload": {}})


# --- what is asked ----------------------------------------------------------------------------------------------------


def _once(call: Call, buy: Callable[[], dict[str, Any]]) -> Answer:
    """Answer an idempotency key as it was answered before; without one, buy."""
    key = call.headers.get("x-amzn-idempotencykey")
    if not key:
        return Answer({"payload": buy()})
    once, answers = (call.operation.key, call.seller, key), call.world.parcels.answers
    if once not in answers:
        answers[once] = call.body, buy()
    asked, payload = answers[once]
    if asked != call.body:
        raise invalid("x-amzn-IdempotencyKey was given with another request")
    return Answer({"payload": payload})


def _order(call: Call, asked: Mapping[str, Any]) -> Order | None:
    """Return the order that parcels are for, if it is one of Amazon's."""
    channel = asked["channelDetails"]
    if channel["channelType"] == "EXTERNAL":
        return None
    id = channel.get("amazonOrderDetails", {}).get("orderId", "")
    order = call.account.orders.get(id) if call.account else None
    if order is None:
        raise invalid(f"channelDetails.amazonOrderDetails.orderId {id} was not found")
    if order.channel == "AFN" or order.status not in ("Unshipped", "PartiallyShipped"):
        raise invalid(f"Order {id} has nothing that the account could ship")
    return order


def _receiver(call: Call, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    order = _order(call, asked)
    if order is None:
        if "shipTo" not in asked:
            raise invalid("shipTo must be given where channelType is EXTERNAL")
        given: Mapping[str, Any] = asked["shipTo"]
        return given
    return order.address.written


def _grams(packages: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return how heavy each parcel is."""
    references = [one["packageClientReferenceId"] for one in packages]
    if not references or len(set(references)) < len(references):
        raise invalid("packages must be one or more, each with a packageClientReferenceId of its own")
    grams = [one["weight"]["value"] * GRAMS[one["weight"]["unit"]] for one in packages]
    if min(grams) <= 0:
        raise invalid("packages: weight must be more than nothing")
    return grams


def _price(service: Service, grams: Sequence[float], currency: str) -> Decimal:
    return sum((service.price(one, currency) for one in grams), Decimal(0))


def _ship_date(call: Call, asked: Mapping[str, Any]) -> float:
    now = call.world.now()
    if "shipDate" not in asked:
        return now
    shipped = unix_seconds(asked["shipDate"], "shipDate")
    if shipped < now - DAY_S:
        raise invalid("shipDate must not be in the past")
    return max(shipped, now)


def _currency(call: Call, asked: Mapping[str, Any]) -> str:
    """Return what is paid in where parcels come from, or else where the account trades."""
    country = asked["shipFrom"]["countryCode"]
    here = next((shop for shop in MARKETPLACES if shop.country == country), None)
    home = here or (call.account.marketplaces[0] if call.account else MARKETPLACES[0])
    return home.currency


def _quoted(call: Call, token: str, rate_id: str) -> tuple[Quote, Rate]:
    quote = call.world.parcels.quotes.get((call.seller, token))
    if quote is None:
        raise invalid("requestToken is not valid")
    if quote.expires_at <= call.world.now():
        raise invalid("requestToken has expired")
    if rate_id not in quote.rates:
        raise invalid(f"rateId {rate_id} is none of the request's")
    return quote, quote.rates[rate_id]


def _known(id: str) -> Service:
    if id not in carriers.BY_ID:
        raise invalid(f"serviceId {id} is not valid")
    return carriers.BY_ID[id]


def _cheapest(call: Call, asked: Mapping[str, Any], grams: Sequence[float], services: Iterable[Service]) -> Rate:
    currency = _currency(call, asked)
    fit = [(_price(service, grams, currency), service) for service in services if max(grams) <= service.most_g]
    if not fit:
        raise invalid("no service carries these parcels")
    amount, service = min(fit, key=lambda one: one[0])
    return Rate(call.world.uuid(), service, str(amount), currency)


def _check(asked: Mapping[str, Any]) -> None:
    """Refuse a document that no rate offers."""
    format, dpi = asked["format"], asked.get("dpi")
    if format not in DPIS:
        raise invalid(f"format must be one of {', '.join(DPIS)}")
    if dpi is not None and dpi not in DPIS[format]:
        raise invalid(f"dpi must be one of {', '.join(map(str, DPIS[format]))}")
    if {**asked["size"]} != SIZE:
        raise invalid("size must be one of the supported: 4 by 6 inches")
    if asked.get("pageLayout", LAYOUT) != LAYOUT or asked["needFileJoining"]:
        raise invalid(f"pageLayout must be {LAYOUT}, and needFileJoining false")
    if set(asked["requestedDocumentTypes"]) != {"LABEL"}:
        raise invalid("requestedDocumentTypes must be LABEL")


def _buy(call: Call, asked: Mapping[str, Any], rate: Rate, specification: Mapping[str, Any]) -> Bought:
    _check(specification)
    receiver = _receiver(call, asked)
    shipped, id = _ship_date(call, asked), call.world.uuid()
    printed = {
        one["packageClientReferenceId"]: carriers.label(
            rate.service,
            carriers.tracking_number(f"{place}{id}"),
            _lines(asked["shipFrom"]),
            _lines(receiver),
            *_notes(one, specification),
        )
        for place, one in enumerate(asked["packages"])
    }
    facts = {"specification": specification, "from": asked["shipFrom"], "to": receiver}
    bought = Bought(id, rate.service, call.world.now(), shipped, printed, asked, facts)
    call.world.parcels.bought[API, call.seller, id] = bought
    return bought


def _notes(package: Mapping[str, Any], specification: Mapping[str, Any]) -> list[str]:
    """Return what an account wishes to read on a label."""
    wished = specification.get("requestedLabelCustomization", {}).get("requestAttributes", [])
    known = {
        "PACKAGE_CLIENT_REFERENCE_ID": package["packageClientReferenceId"],
        "SELLER_DISPLAY_NAME": package.get("sellerDisplayName"),
    }
    return [known[name] for name in wished if known.get(name)]


# --- what is answered -------------------------------------------------------------------------------------------------


def _bought(call: Call) -> Bought:
    shipment = call.world.parcels.bought.get((API, call.seller, call.path["shipmentId"]))
    if shipment is None:
        raise missing(f"Shipment {call.path['shipmentId']} was not found")
    return shipment


def _of(service: Service) -> dict[str, str]:
    return {
        "carrierId": CARRIER_ID,
        "carrierName": CARRIER,
        "serviceId": service.id,
        "serviceName": service.name,
    }


def _rate(rate: Rate, grams: float, shipped: float) -> dict[str, Any]:
    option = {
        "supportedPageLayouts": [LAYOUT],
        "supportedFileJoiningOptions": [False],
        "supportedDocumentDetails": [{"name": "LABEL", "isMandatory": True}],
    }
    return {
        "rateId": rate.id,
        **_of(rate.service),
        "billedWeight": {"unit": "GRAM", "value": round(grams, 2)},
        "totalCharge": _money(rate),
        "promise": _promise(rate.service, shipped),
        "supportedDocumentSpecifications": [
            {"format": name, "size": SIZE, "printOptions": [{"supportedDPIs": list(dpis), **option}]}
            for name, dpis in DPIS.items()
        ],
        "availableValueAddedServiceGroups": [],
        "requiresAdditionalInputs": False,
        "rateItemList": [{"rateItemID": "BASE_RATE", "rateItemType": "MANDATORY", "rateItemCharge": _money(rate)}],
        "paymentType": "PAY_THROUGH_AMAZON",
        "benefits": BENEFITS,
    }


def _money(rate: Rate) -> dict[str, Any]:
    return {"value": float(Decimal(rate.amount)), "unit": rate.currency}


def _promise(service: Service, shipped: float) -> dict[str, Any]:
    earliest, latest = service.window(shipped)
    return {
        "pickupWindow": {"start": moment(shipped), "end": moment(shipped + 8 * HOUR_S)},
        "deliveryWindow": {"start": moment(earliest), "end": moment(latest)},
    }


def _documents(shipment: Bought) -> list[dict[str, Any]]:
    specification = shipment.facts["specification"]
    return [_document(shipment, reference, specification) for reference in shipment.labels]


def _document(shipment: Bought, reference: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    label = shipment.labels[reference]
    file = labels.render(asked["format"], [label], dpi=asked.get("dpi") or DPIS[asked["format"]][0])
    document = {"type": "LABEL", "format": asked["format"], "contents": base64.b64encode(file).decode()}
    return {"packageClientReferenceId": reference, "packageDocuments": [document], "trackingId": label.code}


def _lines(address: Mapping[str, Any]) -> Sequence[str]:
    region = " ".join(filter(None, (address["stateOrRegion"], address["postalCode"])))
    lines = (address["name"], address["addressLine1"], address.get("addressLine2"), address["city"])
    return [one for one in (*lines, region, address["countryCode"]) if one]


def _place(address: Mapping[str, Any]) -> dict[str, str]:
    return {name: address[name] for name in ("stateOrRegion", "city", "countryCode", "postalCode")}


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    f"{API}.get_rates": get_rates,
    f"{API}.get_additional_inputs": get_additional_inputs,
    f"{API}.purchase_shipment": purchase_shipment,
    f"{API}.one_click_shipment": one_click_shipment,
    f"{API}.direct_purchase_shipment": direct_purchase_shipment,
    f"{API}.get_shipment_documents": get_shipment_documents,
    f"{API}.get_tracking": get_tracking,
    f"{API}.cancel_shipment": cancel_shipment,
}
