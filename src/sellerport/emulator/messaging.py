"""Messaging v1 and Solicitations v1: what an account may write to who bought an order, which the order decides.

Amazon's rules are many and not published in one place; these are simpler, of the same kind:

* about an order that the account ships, until all is sent: confirmations of its details, delivery, service and
  customization;
* about pieces that were sent: an invoice, a warranty, a legal disclosure;
* about both: a digital key, and an unexpected problem; about an order that waits for its payment or was cancelled,
  nothing;
* a review can be asked for once, from 5 to 30 days after the latest delivery date.

What is not among an order's actions is refused. An attachment has to have been uploaded. Not known: what Amazon says to
an unknown order (404 here) and in a refusal (403 here); the links to schemas of actions lead nowhere, as at Amazon they
lead to what no published operation serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from sellerport.emulator.call import Answer, Call, denied, invalid, missing
from sellerport.emulator.shop import DAY_S, LANGUAGES, Order

UNSENT = ("confirmCustomizationDetails", "confirmDeliveryDetails", "confirmOrderDetails", "confirmServiceDetails")
SENT = ("invoice", "legalDisclosure", "warranty")
BOTH = ("digitalAccessKey", "unexpectedProblem")
REVIEW = "productReviewAndSellerFeedback"
ASKED_FROM_DAYS, ASKED_UNTIL_DAYS = 5, 30


def get_messaging_actions_for_order(call: Call) -> Answer:
    """List what may be written."""
    return Answer(_linked(call, "messages", _messages(_order(call))))


def get_attributes(call: Call) -> Answer:
    """Return the buyer's language."""
    return Answer({"buyer": {"locale": LANGUAGES[_order(call).marketplace.country].replace("_", "-")}})


def send(name: str, call: Call) -> Answer:
    """Write a message of a kind."""
    if name not in _messages(_order(call)):
        raise denied(f"The message {name} is not available for order {call.path['amazonOrderId']}")
    storage = call.world.storage
    for file in call.checked_body().get("attachments", ()):
        if f"uploads/{file['uploadDestinationId']}" not in storage.objects:
            raise invalid(f"uploadDestinationId {file['uploadDestinationId']} is nothing that was uploaded")
    return Answer({}, 201)


def _messages(order: Order) -> list[str]:
    if not order.priced:
        return []
    sent = any(item.shipped for item in order.items)
    unsent = order.channel == "MFN" and any(item.shipped < item.quantity for item in order.items)
    return sorted([*(UNSENT if unsent else ()), *(SENT if sent else ()), *(BOTH if sent or unsent else ())])


# --- solicitations ----------------------------------------------------------------------------------------------------


def get_solicitation_actions_for_order(call: Call) -> Answer:
    """Say whether a review can be asked for."""
    order = _order(call)
    return Answer(_linked(call, "solicitations", [REVIEW] if _can_be_asked(call, order) else []))


def solicit(call: Call) -> Answer:
    """Ask for a review of the product and the account."""
    order = _order(call)
    if not _can_be_asked(call, order):
        raise denied(f"A review of order {order.id} cannot be asked for")
    call.world.solicited.add((call.seller, order.id))
    return Answer({}, 201)


def _can_be_asked(call: Call, order: Order) -> bool:
    days = (call.world.now() - order.delivery_window[1]) / DAY_S
    due = ASKED_FROM_DAYS <= days <= ASKED_UNTIL_DAYS
    return due and order.status == "Shipped" and (call.seller, order.id) not in call.world.solicited


# --- both -------------------------------------------------------------------------------------------------------------


def _order(call: Call) -> Order:
    id, wanted = call.path["amazonOrderId"], call.many("marketplaceIds")
    order = call.account.orders.get(id) if call.account else None
    if len(wanted) != 1:
        raise invalid("marketplaceIds must be one marketplace")
    if order is None or order.marketplace.id != wanted[0]:
        raise missing(f"Order {id} was not found in marketplace {wanted[0]}")
    return order


def _linked(call: Call, kind: str, names: Sequence[str]) -> dict[str, Any]:
    """Return actions as HAL has them (draft-kelly-json-hal): links, and the same with what they lead to."""
    api = call.operation.path.split("/")[1]
    place = f"/{api}/v1/orders/{quote(call.path['amazonOrderId'], safe='')}"
    query = f"?marketplaceIds={call.many('marketplaceIds')[0]}"
    links = [{"href": f"{place}/{kind}/{name}{query}", "name": name} for name in names]
    actions = [
        {
            "_links": {"self": link, "schema": {"href": f"{place}/{kind}/{link['name']}/schema", "name": link["name"]}},
            "payload": {"name": link["name"]},
        }
        for link in links
    ]
    return {"_links": {"self": {"href": f"{place}{query}"}, "actions": links}, "_embedded": {"actions": actions}}


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "messaging_v1.get_messaging_actions_for_order": get_messaging_actions_for_order,
    "messaging_v1.get_attributes": get_attributes,
    "messaging_v1.confirm_customization_details": partial(send, "confirmCustomizationDetails"),
    "messaging_v1.create_confirm_delivery_details": partial(send, "confirmDeliveryDetails"),
    "messaging_v1.create_confirm_order_details": partial(send, "confirmOrderDetails"),
    "messaging_v1.create_confirm_service_details": partial(send, "confirmServiceDetails"),
    "messaging_v1.create_digital_access_key": partial(send, "digitalAccessKey"),
    "messaging_v1.send_invoice": partial(send, "invoice"),
    "messaging_v1.create_legal_disclosure": partial(send, "legalDisclosure"),
    "messaging_v1.create_unexpected_problem": partial(send, "unexpectedProblem"),
    "messaging_v1.create_warranty": partial(send, "warranty"),
    "solicitations_v1.get_solicitation_actions_for_order": get_solicitation_actions_for_order,
    "solicitations_v1.create_product_review_and_seller_feedback_solicitation": solicit,
}
