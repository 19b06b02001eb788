"""Webhooks over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.server.receiver import receiving
from tests.server.test_connector_api import assert_refused
from tests.server.test_webhooks import connected

WEBHOOKS = "/api/v1/webhooks"


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


@pytest.fixture
def house(house):
    house.settings = replace(house.settings, webhook_private=True)
    return house


def test_a_backend_makes_a_webhook_tests_it_and_rotates_its_secret(house, receiver):
    async def scenario(server):
        answer = await server.api("POST", WEBHOOKS, {"url": receiver.url, "types": ["connection.created"]})
        assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
        made = answer.json
        secret = made.pop("secret")
        assert secret.startswith("whsec_")
        assert set(made) == {"id", "url", "types", "created_at"}
        assert (await server.api("GET", WEBHOOKS)).json == {"data": [made]}
        assert (await server.api("GET", f"{WEBHOOKS}/{made['id']}")).json == made
        assert (await server.api("POST", f"{WEBHOOKS}/{made['id']}/test")).status == 202
        await server.hub.deliveries.run()
        assert receiver.received[0].is_signed_with(secret)
        rotated = (await server.api("POST", f"{WEBHOOKS}/{made['id']}/rotate-secret")).json
        assert rotated["secret"] != secret
        assert (await server.api("DELETE", f"{WEBHOOKS}/{made['id']}")).json == {"deleted": True}
        assert_refused(await server.api("GET", f"{WEBHOOKS}/{made['id']}"), 404, "not_found")

    house.run(scenario)


def test_deliveries_are_listed_by_how_they_went_and_replayed(house, receiver):
    receiver.answer = lambda received: 500

    async def scenario(server):
        id = (await server.api("POST", WEBHOOKS, {"url": receiver.url})).json["id"]
        connection = await connected(server)
        await server.hub.deliveries.run()
        listed = (await server.api("GET", f"{WEBHOOKS}/{id}/deliveries?status=pending&limit=1")).json["data"]
        event = receiver.received[0].id
        times = {name: listed[0].pop(name) for name in ("created_at", "last_attempt_at", "next_attempt_at")}
        assert all(time.endswith("Z") for time in times.values())
        assert listed == [
            {
                "event_id": event,
                "type": "connection.created",
                "connection_id": connection.id,
                "status": "pending",
                "attempts": 1,
                "last_status": 500,
                "last_error": None,
                "delivered_at": None,
            }
        ]
        replay = f"{WEBHOOKS}/{id}/replay"
        receiver.answer = lambda received: 200
        assert (await server.api("POST", replay, {"event_id": event})).json == {"events": 1}
        await server.hub.deliveries.run()
        assert [one.id for one in receiver.received] == [event, event]
        since = datetime.fromtimestamp(server.clock.now - 60, UTC).isoformat()
        assert (await server.api("POST", replay, {"since": since})).json == {"events": 0}
        assert_refused(await server.api("POST", replay, {"event_id": "x"}), 404, "not_found")

    house.run(scenario)


def test_bad_requests_name_the_field(house, receiver):
    async def scenario(server):
        id = (await server.api("POST", WEBHOOKS, {"url": receiver.url})).json["id"]
        for method, path, body, field in (
            ("POST", WEBHOOKS, {}, "url"),
            ("POST", WEBHOOKS, {"url": "ftp://x"}, "url"),
            ("POST", WEBHOOKS, {"url": receiver.url, "types": ["order.created"]}, "types.0"),
            ("POST", WEBHOOKS, {"url": receiver.url, "types": "connection.created"}, "types"),
            ("GET", f"{WEBHOOKS}/{id}/deliveries?status=lost", None, "status"),
            ("GET", f"{WEBHOOKS}/{id}/deliveries?limit=501", None, "limit"),
            ("GET", f"{WEBHOOKS}/{id}/deliveries?limit={'9' * 5000}", None, "limit"),
            ("GET", f"/api/v1/audit?before={'9' * 5000}", None, "before"),
            ("GET", f"{WEBHOOKS}/{id}/deliveries?limit=\u0661", None, "limit"),
            ("POST", f"{WEBHOOKS}/{id}/replay", {}, "event_id"),
            ("POST", f"{WEBHOOKS}/{id}/replay", {"event_id": "x", "since": "2026-01-01T00:00:00Z"}, "event_id"),
            ("POST", f"{WEBHOOKS}/{id}/replay", {"since": "yesterday"}, "since"),
        ):
            answer = await server.api(method, path, body)
            assert_refused(answer, 422, "value_error")
            assert answer.json["errors"][0]["field"] == field, (path, body)

    house.run(scenario)


def test_without_a_token_nothing_is_answered_and_another_organization_sees_nothing(house, receiver):
    async def scenario(server):
        id = (await server.api("POST", WEBHOOKS, {"url": receiver.url})).json["id"]
        other = await server.hub.organizations.create("Other")
        client = await server.hub.access.create_client(other.id, "theirs")
        theirs = (await server.hub.access.issue(client.id, client.secret)).token
        for method, path in (
            ("GET", f"{WEBHOOKS}/{id}"),
            ("DELETE", f"{WEBHOOKS}/{id}"),
            ("POST", f"{WEBHOOKS}/{id}/rotate-secret"),
            ("POST", f"{WEBHOOKS}/{id}/test"),
            ("GET", f"{WEBHOOKS}/{id}/deliveries"),
        ):
            assert_refused(await server.api(method, path, token=theirs), 404, "not_found")
            assert_refused(await server.api(method, path, token="none"), 401, "unauthenticated")
        answer = await server.api("POST", f"{WEBHOOKS}/{id}/replay", {"event_id": "x"}, token=theirs)
        assert_refused(answer, 404, "not_found")
        assert (await server.api("GET", WEBHOOKS, token=theirs)).json == {"data": []}

    house.run(scenario)
