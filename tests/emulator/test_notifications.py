"""Notifications: what applications subscribe to, what they are told, and where they read it."""

from typing import Any

import jsonschema_rs
import pytest

from sellerport import catalog
from sellerport.emulator import Application, Outcome
from sellerport.notifications import parse
from sellerport.notifications.sqs import poll

from .conftest import Local, Reply
from .subscriber import (
    ARN,
    CA,
    DESTINATIONS,
    EVERY_CHANGE,
    SUBSCRIPTIONS,
    US,
    bus,
    destination,
    made,
    subscribe,
    told,
    url,
)


def fits(reply: Reply, definition: str) -> bool:
    schemas = catalog.schemas("notifications_v1")
    jsonschema_rs.validate({"$ref": f"#/$defs/{definition}", "$defs": schemas.definitions}, reply.json)
    return True


# --- destinations -----------------------------------------------------------------------------------------------------


def test_a_destination_that_was_made_is_read_back_listed_and_deleted(amazon: Local) -> None:
    answer = destination(amazon)
    one = made(answer)
    assert fits(answer, "CreateDestinationResponse")
    assert one == {"destinationId": one["destinationId"], "name": "orders", "resource": {"sqs": {"arn": ARN}}}
    other = made(bus(amazon))
    name = "aws.partner/sellingpartnerapi.amazon.com/123456789012/amzn1.sp.solution.local"
    event_bus = {"name": name, "region": "us-east-1", "accountId": "123456789012"}
    assert other["resource"] == {"eventBridge": event_bus}
    listed = amazon.call("GET", DESTINATIONS, amazon.grantless())
    assert listed.json["payload"] == [one, other]
    assert fits(listed, "GetDestinationsResponse")
    place = f"{DESTINATIONS}/{one['destinationId']}"
    assert made(amazon.call("GET", place, amazon.grantless())) == one
    gone = amazon.call("DELETE", place, amazon.grantless())
    assert (gone.status, gone.json) == (200, {})
    assert amazon.call("GET", place, amazon.grantless()).error[:2] == (404, "NotFound")
    assert amazon.call("DELETE", place, amazon.grantless()).error[:2] == (404, "NotFound")
    assert made(destination(amazon))["destinationId"] != one["destinationId"]


@pytest.mark.parametrize(("again", "name"), [(destination, ARN), (bus, "aws.partner/sellingpartnerapi.amazon.com")])
def test_a_queue_and_an_event_bus_are_one_destination_only(amazon: Local, again: Any, name: str) -> None:
    made(again(amazon))
    refused = again(amazon)
    status, code, details = refused.error
    assert (status, code) == (409, "Conflict")
    assert details.startswith(f"A destination with arn {name}")
    assert details.endswith("already exists for the application amzn1.sp.solution.local")
    assert refused.json["errors"][0]["message"] == "The requested resource conflict with a resource in the server."


def test_applications_and_regions_do_not_see_each_others_destinations(amazon: Local) -> None:
    amazon.world.add_application(Application(application_id="other", client_id="other", client_secret="s"))
    form = {"grant_type": "client_credentials", "scope": "sellingpartnerapi::notifications"}
    other = amazon.lwa(**form, client_id="other", client_secret="s").json["access_token"]
    body = {"name": "mine", "resourceSpecification": {"sqs": {"arn": ARN}}}
    na = made(amazon.call("POST", f"/sellingpartnerapi-na.amazon.com{DESTINATIONS}", amazon.grantless(), body))
    assert made(amazon.call("GET", DESTINATIONS, other)) == []
    assert amazon.call("GET", f"{DESTINATIONS}/{na['destinationId']}", other).status == 404
    europe = f"/sellingpartnerapi-eu.amazon.com{DESTINATIONS}"
    assert made(amazon.call("GET", europe, amazon.grantless())) == []
    eu = made(amazon.call("POST", europe, amazon.grantless(), body))
    token = amazon.token("Atzr|local-seller-eu")
    place = f"/sellingpartnerapi-eu.amazon.com{SUBSCRIPTIONS}/ORDER_CHANGE"
    refused = amazon.call("POST", place, token, {"destinationId": na["destinationId"], "payloadVersion": "1.0"})
    details = f"No destination with id {na['destinationId']} for applicationId amzn1.sp.solution.local"
    assert refused.error == (400, "InvalidInput", details)
    there = {"destinationId": eu["destinationId"], "payloadVersion": "1", "processingDirective": EVERY_CHANGE}
    assert amazon.call("POST", place, token, there).status == 200


def test_what_is_no_destination_is_refused(amazon: Local) -> None:
    both = {"sqs": {"arn": ARN}, "eventBridge": {"accountId": "123456789012", "region": "us-east-1"}}
    answer = amazon.call("POST", DESTINATIONS, amazon.grantless(), {"name": "x", "resourceSpecification": both})
    details = "A destination cannot be created with multiple resource types"
    assert answer.error == (400, "InvalidInput", details)
    assert destination(amazon, arn=f"{ARN}.fifo").error[:2] == (400, "InvalidInput")
    assert destination(amazon, arn="arn:aws:sns:us-east-1:123456789012:orders").error[:2] == (400, "InvalidInput")
    assert bus(amazon, account="12").error[:2] == (400, "InvalidInput")
    assert made(amazon.call("GET", DESTINATIONS, amazon.grantless())) == []


def test_destinations_want_a_token_without_a_seller_and_subscriptions_want_one_with(amazon: Local) -> None:
    to = made(destination(amazon))["destinationId"]
    assert amazon.call("GET", DESTINATIONS).status == 403
    assert subscribe(amazon, "ORDER_CHANGE", to, token=amazon.grantless()).status == 403
    assert amazon.call("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE", amazon.grantless()).status == 403
    id = made(subscribe(amazon, "ORDER_CHANGE", to))["subscriptionId"]
    assert amazon.call("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE/{id}").status == 403
    assert amazon.call("DELETE", f"{SUBSCRIPTIONS}/ORDER_CHANGE/{id}").status == 403
    wrong = amazon.grantless("sellingpartnerapi::client_credential:rotation")
    assert amazon.call("GET", DESTINATIONS, wrong).status == 403


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_a_subscription_that_was_made_is_read_back_and_ends(amazon: Local) -> None:
    to = made(destination(amazon))["destinationId"]
    answer = subscribe(amazon, "ORDER_CHANGE", to)
    one = made(answer)
    assert fits(answer, "CreateSubscriptionResponse")
    assert one == {
        "subscriptionId": one["subscriptionId"],
        "payloadVersion": "1.0",
        "destinationId": to,
        "processingDirective": EVERY_CHANGE,
    }
    place = f"{SUBSCRIPTIONS}/ORDER_CHANGE"
    assert made(amazon.call("GET", place)) == one
    assert made(amazon.call("GET", f"{place}/{one['subscriptionId']}", amazon.grantless())) == one
    held = amazon.call("DELETE", f"{DESTINATIONS}/{to}", amazon.grantless())
    assert held.error == (403, "Unauthorized", "Destination has subscriptions")
    elsewhere = f"{SUBSCRIPTIONS}/FEED_PROCESSING_FINISHED/{one['subscriptionId']}"
    assert amazon.call("DELETE", elsewhere, amazon.grantless()).status == 404
    assert amazon.call("GET", place, amazon.token("Atzr|local-seller-eu")).error[:2] == (404, "NotFound")
    assert amazon.call("DELETE", f"{place}/{one['subscriptionId']}", amazon.grantless()).json == {}
    assert amazon.call("GET", place).error[:2] == (404, "NotFound")
    assert amazon.call("DELETE", f"{DESTINATIONS}/{to}", amazon.grantless()).status == 200


def test_a_second_subscription_needs_another_version_or_filter(amazon: Local) -> None:
    to = made(destination(amazon))["destinationId"]
    filtered = {"eventFilter": {**EVERY_CHANGE["eventFilter"], "marketplaceIds": [US]}}
    first = made(subscribe(amazon, "ORDER_CHANGE", to))
    details = "Subscription already exist for notification type ORDER_CHANGE"
    refused = subscribe(amazon, "ORDER_CHANGE", to)
    assert refused.error == (409, "StateConflict", details)
    assert refused.json["errors"][0]["message"] == "The resource specified conflicts with the current state."
    second = made(subscribe(amazon, "ORDER_CHANGE", to, processingDirective=filtered))
    assert second["processingDirective"] == filtered
    newer = made(subscribe(amazon, "ORDER_CHANGE", to, version="2.0"))
    assert subscribe(amazon, "ORDER_CHANGE", to, processingDirective=filtered).status == 409
    place = f"{SUBSCRIPTIONS}/ORDER_CHANGE"
    assert made(amazon.call("GET", place)) == newer
    assert made(amazon.call("GET", place, payloadVersion="1.0")) == first
    assert amazon.call("GET", place, payloadVersion="3.0").status == 404
    listed = amazon.call("GET", SUBSCRIPTIONS, notificationTypes="ORDER_CHANGE")
    assert made(listed)["subscriptions"] == [first, second, newer]
    assert fits(listed, "GetSubscriptionsResponse")
    of_version = amazon.call("GET", SUBSCRIPTIONS, notificationTypes="ORDER_CHANGE", payloadVersion="2.0")
    assert made(of_version) == {"subscriptions": [newer]}
    european = made(made_in_europe(amazon, to))
    assert european["destinationId"] == to


def made_in_europe(amazon: Local, to: str) -> Reply:
    return subscribe(amazon, "ORDER_CHANGE", to, token=amazon.token("Atzr|local-seller-eu"))


def test_many_subscriptions_come_in_pages_of_at_least_thirty(amazon: Local) -> None:
    to = made(destination(amazon))["destinationId"]
    ids = [made(subscribe(amazon, "ORDER_CHANGE", to, f"1.{n}"))["subscriptionId"] for n in range(31)]
    asked = {"notificationTypes": "ORDER_CHANGE"}
    first = made(amazon.call("GET", SUBSCRIPTIONS, **asked))
    second = made(amazon.call("GET", SUBSCRIPTIONS, **asked, nextToken=first["nextToken"]))
    assert [one["subscriptionId"] for one in first["subscriptions"] + second["subscriptions"]] == ids
    assert len(second["subscriptions"]) == 1
    assert "nextToken" not in second
    assert amazon.call("GET", SUBSCRIPTIONS, **asked, pageSize="29").status == 400
    assert amazon.call("GET", SUBSCRIPTIONS, notificationTypes="ORDER_CHANGE,FEE_PROMOTION").status == 400


def test_what_cannot_be_subscribed_to_is_refused(amazon: Local) -> None:
    to, events = made(destination(amazon))["destinationId"], made(bus(amazon))["destinationId"]
    assert subscribe(amazon, "NO_SUCH_TYPE", to).error[:2] == (400, "InvalidInput")
    details = "Notification type FEED_PROCESSING_FINISHED does not support AWS_EVENT_BRIDGE"
    assert subscribe(amazon, "FEED_PROCESSING_FINISHED", events).error == (400, "InvalidInput", details)
    assert subscribe(amazon, "LISTINGS_ITEM_STATUS_CHANGE", to).error[:2] == (400, "InvalidInput")
    assert amazon.call("POST", f"{SUBSCRIPTIONS}/ORDER_CHANGE", body={"destinationId": to}).status == 400
    assert amazon.call("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE").status == 404


# --- what is told -----------------------------------------------------------------------------------------------------


def test_the_end_of_a_report_is_told_to_somebody_who_only_waits(amazon: Local, queues: Any) -> None:
    """Nobody polls the report: reading the queue moves it on."""
    to = made(destination(amazon))["destinationId"]
    subscription = made(subscribe(amazon, "REPORT_PROCESSING_FINISHED", to))["subscriptionId"]
    asked = {"reportType": "GET_FLAT_FILE_OPEN_LISTINGS_DATA", "marketplaceIds": [US]}
    reports = "/reports/2021-06-30/reports"
    id, other = (amazon.call("POST", reports, body=asked).json["reportId"] for _ in range(2))
    waiting = poll(url(amazon), client=queues, wait_s=5)
    notification, second = next(waiting), next(waiting)
    waiting.close()
    assert notification.problems() == []
    assert notification.metadata.subscription_id == subscription
    assert notification.metadata.application_id == "amzn1.sp.solution.local"
    said = notification.payload["reportProcessingFinishedNotification"]
    assert (said["reportId"], said["processingStatus"], said["sellerId"]) == (id, "DONE", "ALOCALSELLERNA")
    report = amazon.call("GET", f"/reports/2021-06-30/reports/{id}").json
    assert report["reportDocumentId"] == said["reportDocumentId"]
    assert report["processingStatus"] == "DONE"
    assert second.payload["reportProcessingFinishedNotification"]["reportId"] == other
    amazon.world.advance(31)
    (left,) = told(amazon, queues)  # the first is finished, and the second was not
    assert left == second.raw


def test_whoever_polls_a_job_is_told_of_its_end_once_and_so_of_a_cancellation(amazon: Local, queues: Any) -> None:
    to = made(destination(amazon))["destinationId"]
    made(subscribe(amazon, "REPORT_PROCESSING_FINISHED", to))
    amazon.world.plan(Outcome(status="FATAL"))
    fatal = amazon.report("GET_FLAT_FILE_OPEN_LISTINGS_DATA")
    asked = {"reportType": "GET_FLAT_FILE_OPEN_LISTINGS_DATA", "marketplaceIds": [US]}
    id = amazon.call("POST", "/reports/2021-06-30/reports", body=asked).json["reportId"]
    assert amazon.call("DELETE", f"/reports/2021-06-30/reports/{id}").status == 200
    amazon.call("POST", "/reports/2021-06-30/reports", amazon.token("Atzr|local-vendor-na"), asked)
    messages = told(amazon, queues)
    assert [parse(one).problems() for one in messages] == [[], []]
    said = [one["payload"]["reportProcessingFinishedNotification"] for one in messages]
    ends = [(fatal["reportId"], "FATAL"), (id, "CANCELLED")]
    assert [(one["reportId"], one["processingStatus"]) for one in said] == ends
    assert said[0]["reportDocumentId"] == fatal["reportDocumentId"]
    assert "reportDocumentId" not in said[1]


def test_the_ends_of_feeds_and_queries_are_told(amazon: Local, queues: Any) -> None:
    to = made(destination(amazon))["destinationId"]
    made(subscribe(amazon, "FEED_PROCESSING_FINISHED", to))
    made(subscribe(amazon, "DATA_KIOSK_QUERY_PROCESSING_FINISHED", to, "2023-11-15"))
    amazon.world.plan(Outcome(kind="query", pages=2, body="1\n2\n"))
    feed = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [US], "inputFeedDocumentId": amazon.upload(b"{}")}
    feed_id = amazon.call("POST", "/feeds/2021-06-30/feeds", body=feed).json["feedId"]
    query_id = amazon.call("POST", "/dataKiosk/2023-11-15/queries", body={"query": "query{a}"}).json["queryId"]
    assert "Messages" not in queues.receive_message(QueueUrl=url(amazon))
    assert "Messages" not in queues.receive_message(QueueUrl=url(amazon))
    messages = told(amazon, queues)
    assert [parse(one).problems() for one in messages] == [[], []]
    told_feed, told_query = (one["payload"] for one in messages)
    assert told_feed["feedProcessingFinishedNotification"]["feedId"] == feed_id
    assert told_feed["feedProcessingFinishedNotification"]["processingStatus"] == "FATAL"
    query = amazon.call("GET", f"/dataKiosk/2023-11-15/queries/{query_id}").json
    assert {name: told_query[name] for name in ("queryId", "dataDocumentId", "pagination")} == {
        name: query[name] for name in ("queryId", "dataDocumentId", "pagination")
    }


def test_a_change_of_an_order_is_told_to_those_whose_filter_lets_it_through(amazon: Local, queues: Any) -> None:
    to = made(destination(amazon))["destinationId"]
    canadian = {"eventFilter": {**EVERY_CHANGE["eventFilter"], "marketplaceIds": [CA]}}
    tips = {"eventFilter": {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["DeliveryTipChange"]}}
    every = made(subscribe(amazon, "ORDER_CHANGE", to))["subscriptionId"]
    made(subscribe(amazon, "ORDER_CHANGE", to, processingDirective=canadian))
    made(subscribe(amazon, "ORDER_CHANGE", to, processingDirective=tips))
    orders = amazon.world.account("ALOCALSELLERNA").orders.values()
    order = next(one for one in orders if (one.status, one.channel, one.marketplace.id) == ("Unshipped", "MFN", US))
    items = [{"orderItemId": one.id, "quantity": one.quantity} for one in order.items]
    package = {
        "packageReferenceId": "1",
        "carrierCode": "UPS",
        "trackingNumber": "T1",
        "shipDate": "2026-09-21T14:00:00Z",
        "orderItems": items,
    }
    path = f"/orders/v0/orders/{order.id}/shipmentConfirmation"
    assert amazon.call("POST", path, body={"marketplaceId": US, "packageDetail": package}).status == 204
    (message,) = told(amazon, queues)
    notification = parse(message)
    assert notification.problems() == []
    assert message["NotificationMetadata"]["SubscriptionId"] == every
    change = message["Payload"]["OrderChangeNotification"]
    assert (change["AmazonOrderId"], change["SellerId"]) == (order.id, "ALOCALSELLERNA")
    assert (change["Summary"]["OrderStatus"], change["Summary"]["NumberOfItemsUnshipped"]) == ("Shipped", 0)


def test_a_change_of_a_listing_comes_through_eventbridge(amazon: Local, queues: Any) -> None:
    to = made(bus(amazon))["destinationId"]
    made(subscribe(amazon, "LISTINGS_ITEM_STATUS_CHANGE", to))
    made(subscribe(amazon, "LISTINGS_ITEM_ISSUES_CHANGE", to))
    product = amazon.world.account("ALOCALSELLERNA").products[0]
    place = f"/listings/2021-08-01/items/ALOCALSELLERNA/{product.sku}"
    path = "/attributes/main_product_image_locator"
    patches = {"productType": "PRODUCT", "patches": [{"op": "delete", "path": path, "value": [{"marketplace_id": US}]}]}
    told(amazon, queues, "events")
    patched = amazon.call("PATCH", place, body=patches, marketplaceIds=US)
    assert patched.json["status"] == "ACCEPTED"
    issues, status = sorted(told(amazon, queues, "events"), key=lambda one: str(one["detail-type"]))
    assert status["source"] == "aws.partner/sellingpartnerapi.amazon.com/123456789012/amzn1.sp.solution.local"
    assert [parse(one).problems() for one in (issues, status)] == [[], []]
    expected = {"SellerId": "ALOCALSELLERNA", "MarketplaceId": US, "Asin": product.asin, "Sku": product.sku}
    assert expected.items() <= status["detail"]["Payload"].items()
    assert "DISCOVERABLE" not in status["detail"]["Payload"]["Status"]
    assert issues["detail"]["Payload"]["Severities"] == ["ERROR"]
    assert issues["detail"]["Payload"]["EnforcementActions"] == ["SEARCH_SUPPRESSED"]
    assert amazon.call("PATCH", place, body=patches, marketplaceIds=US).json["status"] == "ACCEPTED"
    assert told(amazon, queues, "events") == []
    assert amazon.call("DELETE", place, marketplaceIds=US).status == 200
    (deleted,) = told(amazon, queues, "events")
    assert deleted["detail"]["Payload"]["Status"] == ["DELETED"]


def test_a_new_client_secret_arrives_in_the_queue_of_its_application(amazon: Local, queues: Any) -> None:
    token = amazon.grantless("sellingpartnerapi::client_credential:rotation")
    assert amazon.call("POST", "/applications/2023-11-30/clientSecret", token).status == 204
    place = queues.get_queue_url(QueueName="local-secrets")["QueueUrl"]
    (message,) = queues.receive_message(QueueUrl=place)["Messages"]
    notification = parse(message["Body"])
    assert notification.problems() == []
    secret = notification.payload["applicationOAuthClientNewSecret"]["newClientSecret"]
    assert secret == amazon.world.application().client_secret


@pytest.mark.parametrize(
    "type",
    [
        "ACCOUNT_STATUS_CHANGED",
        "ANY_OFFER_CHANGED",
        "B2B_ANY_OFFER_CHANGED",
        "BRANDED_ITEM_CONTENT_CHANGE",
        "DATA_KIOSK_QUERY_PROCESSING_FINISHED",
        "FBA_INVENTORY_AVAILABILITY_CHANGES",
        "FEED_PROCESSING_FINISHED",
        "FULFILLMENT_ORDER_STATUS",
        "ITEM_PRODUCT_TYPE_CHANGE",
        "LISTINGS_ITEM_ISSUES_CHANGE",
        "LISTINGS_ITEM_MFN_QUANTITY_CHANGE",
        "LISTINGS_ITEM_STATUS_CHANGE",
        "ORDER_CHANGE",
        "PRODUCT_TYPE_DEFINITIONS_CHANGE",
        "REPORT_PROCESSING_FINISHED",
    ],
)
def test_a_test_notification_reaches_its_destination(amazon: Local, queues: Any, type: str) -> None:
    by_bus = type.startswith(("LISTINGS", "ITEM_PRODUCT", "BRANDED", "PRODUCT_TYPE"))
    name = "events" if by_bus else "orders"
    to = made(bus(amazon) if name == "events" else destination(amazon))["destinationId"]
    body = {"destinationId": to, "testNotification": {"payloadVersion": "1.0", "testScenario": "Any"}}
    place = f"{SUBSCRIPTIONS}/{type}/testNotification"
    assert amazon.call("POST", place, amazon.grantless(), body).status == 200
    (message,) = told(amazon, queues, name)
    notification = parse(message)
    assert notification.type == type
    if type == "FULFILLMENT_ORDER_STATUS":  # its schema wants a shipment and a return of every order
        assert len(notification.problems()) == 2
    else:
        assert notification.problems() == []


def test_a_test_notification_without_a_scenario_or_a_sample_is_refused(amazon: Local, queues: Any) -> None:
    to = made(destination(amazon))["destinationId"]
    place = f"{SUBSCRIPTIONS}/ORDER_CHANGE/testNotification"
    test = {"payloadVersion": "1.0"}
    body = {"destinationId": to, "testNotification": test}
    assert amazon.call("POST", place, amazon.grantless(), body).error[:2] == (400, "InvalidInput")
    body["testNotification"] = {**test, "testScenario": "Any"}
    elsewhere = amazon.call("POST", place, amazon.grantless(), {**body, "destinationId": "none"})
    assert elsewhere.error[2] is not None
    assert "DestinationId" in elsewhere.error[2]
    other = place.replace("ORDER_CHANGE", "PRICING_HEALTH")
    assert amazon.call("POST", other, amazon.grantless(), body).error[:2] == (400, "InvalidInput")
    assert told(amazon, queues) == []


def test_the_control_plane_tells_anything(amazon: Local, queues: Any) -> None:
    to = made(destination(amazon))["destinationId"]
    made(subscribe(amazon, "PRICING_HEALTH", to))
    body = {"selling_partner_id": "ALOCALSELLERNA", "type": "PRICING_HEALTH", "payload": {"issueType": "BuyBox"}}
    assert amazon.control("POST", "notify", body).json == {"sent": 1}
    assert amazon.control("POST", "notify", {**body, "selling_partner_id": "ALOCALSELLEREU"}).json == {"sent": 0}
    assert amazon.control("POST", "notify", {**body, "selling_partner_id": "NOBODY"}).status == 404
    (message,) = told(amazon, queues)
    assert message["notificationType"] == "PRICING_HEALTH"
    assert message["payload"] == {"issueType": "BuyBox"}
    amazon.world.reset()
    assert made(amazon.call("GET", DESTINATIONS, amazon.grantless())) == []
