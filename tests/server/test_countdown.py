"""What ends is told of in time: consents after a year, client secrets after half of one, and their rotation."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager

import boto3
import pytest
from tests.server.conftest import CLIENT, CLIENT_SECRET

from sellerport import emulator, notifications, oauth
from sellerport.emulator.grants import written
from sellerport.errors import AmazonRefused, ClientRefused, NotFound, NotificationError, Tampered
from sellerport.oauth import Grant, LwaClient
from sellerport.regions import Amazon

DAY = 86_400.0


def told(house, *types):
    wanted = ", ".join(f"'{type}'" for type in types)
    rows = house.sql(f"SELECT type, facts, connection_id FROM events WHERE type IN ({wanted}) ORDER BY sequence")
    return [(row[0], json.loads(row[1]) if isinstance(row[1], str) else row[1], row[2]) for row in rows]


def days_left(house, type):
    return [facts["days_left"] for _, facts, _ in told(house, type)]


def test_lc_t19_a_consent_that_ends_is_told_of_30_14_7_and_1_days_before_and_once(house):
    """LC-T19: countdown events of the 365 days, anew after the owner consents again."""

    async def scenario(server):
        id = await server.connect()
        server.clock.advance(330 * DAY)
        while server.clock.now < house.begun + 365 * DAY:
            await server.hub.countdown.remind()
            server.clock.advance(DAY / 2)
        assert days_left(house, "connection.authorization_expiring") == [30, 14, 7, 1]
        (first, *_) = told(house, "connection.authorization_expiring")
        assert first[2] == id
        assert first[1]["ends_at"] == pytest.approx(house.begun + 365 * DAY, abs=60)
        link = await server.hub.consents.initiate(server.caller, connection_id=id)
        await server.browser.consent(link)
        await server.hub.countdown.remind()
        assert len(days_left(house, "connection.authorization_expiring")) == 4
        server.clock.advance(336 * DAY)
        await server.hub.countdown.remind()
        assert days_left(house, "connection.authorization_expiring")[4:] == [29]

    house.begun = house.clock.now
    house.run(scenario)


def test_what_was_missed_while_no_server_ran_is_one_event(house):
    async def scenario(server):
        await server.connect()
        server.clock.advance(360 * DAY)
        assert await server.hub.countdown.remind() == 2  # the consent's and the secret's
        assert await server.hub.countdown.remind() == 0
        assert days_left(house, "connection.authorization_expiring") == [5]
        assert days_left(house, "application.secret_expiring") == [0]

    house.run(scenario)


def test_a_connection_without_a_grant_is_not_counted_down(house):
    async def scenario(server):
        await server.hub.connections.delete(server.caller, await server.connect())
        server.clock.advance(364 * DAY)
        await server.hub.countdown.remind()
        assert days_left(house, "connection.authorization_expiring") == []

    house.run(scenario)


def test_several_processes_tell_once(house):
    async def scenario(server):
        await server.connect()
        server.clock.advance(340 * DAY)
        async with house.open() as other:
            done = await asyncio.gather(*(one.hub.countdown.remind() for one in (server, other) for _ in range(3)))
        assert sum(done) == 2
        assert days_left(house, "connection.authorization_expiring") == [25]

    house.run(scenario)


def test_lc_t19_a_client_secret_that_ends_is_told_of_before_its_180_days(house):
    """LC-T19: countdown events of the 180 days, which begin anew with another secret."""

    async def scenario(server):
        (application,) = await server.hub.applications.all(server.organization.id)
        server.clock.advance(145 * DAY)
        for _ in range(34):
            await server.hub.countdown.remind()
            server.clock.advance(DAY)
        await server.hub.countdown.remind()
        assert days_left(house, "application.secret_expiring") == [30, 14, 7, 1]
        assert {facts["application_id"] for _, facts, _ in told(house, "application.secret_expiring")} == {
            application.id
        }
        await server.hub.applications.replace_secret(server.organization.id, application.id, "another")
        server.clock.advance(149 * DAY)
        await server.hub.countdown.remind()
        assert len(days_left(house, "application.secret_expiring")) == 4
        server.clock.advance(2 * DAY)
        await server.hub.countdown.remind()
        assert days_left(house, "application.secret_expiring")[4:] == [29]

    house.run(scenario)


@contextmanager
def queue_of(house):
    """The queue to which the local Amazon sends secrets, through boto3 and over HTTP."""
    with emulator.running(house.world) as address:
        session = boto3.Session("test", "test", region_name="us-east-1")
        client = session.client("sqs", endpoint_url=f"{address}/_sqs")
        yield client, client.create_queue(QueueName="local-secrets")["QueueUrl"]


async def take_all(server, client, url):
    """Take what is in the queue now."""
    listening = asyncio.create_task(server.hub.secrets.listen(url, client))
    while True:
        count = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if count["ApproximateNumberOfMessages"] == count["ApproximateNumberOfMessagesNotVisible"] == "0":
            break
        await asyncio.sleep(0.02)
        assert not listening.done(), listening.exception()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


def refused(house):
    return [one for one in house.world.requests if one["status"] in (400, 401) and one["path"] == "/auth/o2/token"]


def test_a_client_secret_is_rotated_and_no_call_fails(house):
    """Rotation, the notification, both secrets for a week, and then the new one alone."""

    async def scenario(server):
        id = await server.connect()
        (application,) = await server.hub.applications.all(server.organization.id)
        organization = server.organization.id

        async def call():
            server.clock.advance(3600.0)  # so that each call needs another access token
            assert await server.orders(id)

        with queue_of(house) as (client, url):
            await call()
            await server.hub.secrets.rotate(organization, application.id)
            await call()
            now, before = await server.hub.applications.lwa_clients(organization, application.id)
            assert (now.client_secret, before) == (CLIENT_SECRET, None)
            await take_all(server, client, url)
        now, before = await server.hub.applications.lwa_clients(organization, application.id)
        assert now.client_secret == house.world.application(CLIENT).client_secret != CLIENT_SECRET
        assert before.client_secret == CLIENT_SECRET
        for secret in (now, before):  # Amazon takes both
            grant = Grant(secret, scope="sellingpartnerapi::notifications")
            await oauth.refresh(server.wire, Amazon(house.settings.amazon), grant)
        for _ in range(8):
            await call()
            server.clock.advance(DAY)
        now, after = await server.hub.applications.lwa_clients(organization, application.id)
        assert after is None
        with pytest.raises(ClientRefused):
            await oauth.refresh(
                server.wire,
                Amazon(house.settings.amazon),
                Grant(LwaClient(CLIENT, CLIENT_SECRET), scope="sellingpartnerapi::notifications"),
            )
        assert len(refused(house)) == 1  # the one just above
        assert [type for type, _, _ in told(house, "application.secret_rotated")] == ["application.secret_rotated"]
        server.clock.advance((180 - 8 - 29) * DAY)
        await server.hub.countdown.remind()
        (left,) = days_left(house, "application.secret_expiring")
        assert 27 <= left <= 29

    house.run(scenario)


def new_secret(house, secret="new", made=None):
    made = house.clock.now if made is None else made
    payload = {
        "applicationOAuthClientNewSecret": {
            "clientId": CLIENT,
            "newClientSecret": secret,
            "newClientSecretExpiryTime": written(made + 180 * DAY),
            "oldClientSecretExpiryTime": written(made + 7 * DAY),
        }
    }
    return notification("APPLICATION_OAUTH_CLIENT_NEW_SECRET", payload)


def notification(type, payload):
    return notifications.parse({"notificationType": type, "payload": payload, "notificationMetadata": {}})


def test_a_new_secret_comes_to_everybody_whose_it_is_though_one_cannot_keep_it(house):
    """RL-13: several organizations may have the same application, and the row of one does not open."""

    async def scenario(server):
        other = await server.hub.organizations.create("Other")
        mine, theirs = [
            (await server.hub.applications.all(server.organization.id))[0],
            await server.hub.applications.register(other.id, lwa_client_id=CLIENT, lwa_client_secret=CLIENT_SECRET),
        ]
        replace_secret, refused = server.hub.applications.replace_secret, []

        async def poisoned(organization_id, *what, **how):
            if not refused:
                refused.append(organization_id)
                raise Tampered("a sealed record does not open")
            await replace_secret(organization_id, *what, **how)

        server.hub.applications.replace_secret = poisoned
        with pytest.raises(Tampered):
            await server.hub.secrets.take(new_secret(house))
        secrets = {
            organization: (await server.hub.applications.lwa_client(organization, id)).client_secret
            for organization, id in ((server.organization.id, mine.id), (other.id, theirs.id))
        }
        assert secrets.pop(refused[0]) == CLIENT_SECRET
        assert list(secrets.values()) == ["new"]

    house.run(scenario)


def test_a_notification_that_comes_twice_or_late_changes_nothing(house):
    async def scenario(server):
        (application,) = await server.hub.applications.all(server.organization.id)
        await server.hub.secrets.take(new_secret(house))
        await server.hub.secrets.take(new_secret(house))
        await server.hub.secrets.take(new_secret(house, "older", house.clock.now - DAY))
        now, before = await server.hub.applications.lwa_clients(server.organization.id, application.id)
        assert (now.client_secret, before.client_secret) == ("new", CLIENT_SECRET)

    house.run(scenario)


def test_who_registered_another_organizations_client_id_is_not_given_its_secret(house):
    async def scenario(server):
        other = await server.hub.organizations.create("Other")
        theirs = await server.hub.applications.register(other.id, lwa_client_id=CLIENT, lwa_client_secret="a guess")
        (ours,) = await server.hub.applications.all(server.organization.id)
        await server.hub.secrets.take(new_secret(house))
        now, _ = await server.hub.applications.lwa_clients(server.organization.id, ours.id)
        assert now.client_secret == "new"
        now, _ = await server.hub.applications.lwa_clients(other.id, theirs.id)
        assert now.client_secret == "a guess"

    house.run(scenario)


def test_amazon_says_how_old_a_secret_is(house):
    async def scenario(server):
        payload = {
            "applicationOAuthClientSecretExpiry": {
                "clientId": CLIENT,
                "clientSecretExpiryTime": written(house.clock.now + 10 * DAY),
                "clientSecretExpiryReason": "PERIODIC_ROTATION",
            }
        }
        await server.hub.secrets.take(notification("APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY", payload))
        await server.hub.countdown.remind()
        assert days_left(house, "application.secret_expiring") == [10]

    house.run(scenario)


@pytest.mark.parametrize(
    "payload",
    [{}, {"applicationOAuthClientNewSecret": {"clientId": CLIENT}}, {"applicationOAuthClientNewSecret": "x"}],
)
def test_a_notification_without_a_secret_is_refused(sqlite_house, payload):
    async def scenario(server):
        with pytest.raises(NotificationError):
            await server.hub.secrets.take(notification("APPLICATION_OAUTH_CLIENT_NEW_SECRET", payload))

    sqlite_house.run(scenario)


def test_an_application_without_a_queue_is_refused_with_amazons_words(house):
    async def scenario(server):
        house.world.add_application(
            emulator.Application(
                application_id="amzn1.sp.solution.deaf",
                client_id="amzn1.application-oa2-client.deaf",
                client_secret="secret",
                queue=None,
            )
        )
        deaf = await server.hub.applications.register(
            server.organization.id,
            lwa_client_id="amzn1.application-oa2-client.deaf",
            lwa_client_secret="secret",
            name="deaf",
        )
        with pytest.raises(AmazonRefused, match="not enrolled for rotation"):
            await server.hub.secrets.rotate(server.organization.id, deaf.id)
        with pytest.raises(NotFound):
            await server.hub.secrets.rotate(server.organization.id, "no such")

    house.run(scenario)
