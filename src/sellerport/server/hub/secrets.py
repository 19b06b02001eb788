"""Client secrets of applications: rotation at Amazon, and the notification by which Amazon sends the new one.

Amazon answers a rotation with nothing. The new secret comes to the SQS queue that the application names in Amazon's
developer console; until the old one ends, a week later, both are good, and calls go on with whichever there is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from sellerport import notifications
from sellerport.client import AsyncSellingPartner
from sellerport.errors import ClientRefused, NotificationError, SellerportError
from sellerport.limits import Limiter
from sellerport.notifications import Notification
from sellerport.oauth import Grant, Tokens
from sellerport.regions import Amazon
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.countdown import SECRET_S
from sellerport.server.hub.records import OPERATOR, SERVER, Application
from sellerport.wire import Wire

log = logging.getLogger(__name__)

NEW_SECRET = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"  # noqa: S105  # a notification's type
EXPIRY = "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"
SCOPE = "sellingpartnerapi::client_credential:rotation"


class Secrets:
    """Rotates client secrets.

    Args:
        applications: whose secrets they are.
        amazon, wire, tokens, limits: what the rotation is asked for through.
    """

    def __init__(
        self, applications: Applications, *, amazon: Amazon, wire: Wire, tokens: Tokens, limits: Limiter
    ) -> None:
        self._applications = applications
        self._amazon = amazon
        self._wire = wire
        self._tokens = tokens
        self._limits = limits

    async def rotate(self, organization_id: str, application_id: str, actor: str = OPERATOR) -> None:
        """Ask Amazon for another client secret. It comes to the application's queue: see `take`.

        Args:
            organization_id, application_id: whose application, and which.
            actor: who asks.

        Raises:
            NotFound: the organization has no such application.
            AmazonRefused: Amazon knows no queue to send the secret to.
            AmazonError, NoAnswer, TokenError: what else became of it.
        """
        client = await self._applications.lwa_client(organization_id, application_id)
        await self._applications.note_rotation(organization_id, application_id, actor)
        token = await self._tokens.get(self._wire, self._amazon, Grant(client, scope=SCOPE))
        selling_partner = AsyncSellingPartner(
            access_token=token,
            amazon=self._amazon,
            limits=self._limits,
            limit="raise",  # the next is a minute away
            environ={},
            wire=self._wire,
        )
        await selling_partner.application_2023_11_30.rotate_application_client_secret()

    async def listen(self, queue_url: str, client: Any = None) -> None:
        """Take what Amazon sends to a queue, until cancelled. It belongs to the secrets: nothing else should be sent.

        Args:
            queue_url: ``https://sqs.us-east-1.amazonaws.com/123456789012/secrets``.
            client: boto3's client for SQS; one for the queue's region if not given.

        Raises:
            SettingsError: boto3 is not installed.
            StoreError, VaultError: a secret could not be kept; the queue delivers it again.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: what boto3 raises.
        """
        async with aclosing(notifications.sqs.apoll(queue_url, client=client)) as messages:
            async for notification in messages:
                await self.take(notification)

    async def take(self, notification: Notification) -> None:
        """Store the new secret that a notification brings, or the time at which it says that one ends.

        Raises:
            NotificationError: it is not what Amazon documents.
            TokenUnavailable: whose it is could not be found out for now.
            StoreError, VaultError: it cannot be kept.
        """
        if notification.type == NEW_SECRET:
            told = _facts(notification.payload, "applicationOAuthClientNewSecret")
            ends, old_ends = _time(told, "newClientSecretExpiryTime"), _time(told, "oldClientSecretExpiryTime")
            secret, failed = _text(told, "newClientSecret"), None
            for one in await self._holders(_text(told, "clientId")):
                try:
                    await self._applications.replace_secret(
                        one.organization_id,
                        one.id,
                        secret,
                        changed_at=ends - SECRET_S,
                        previous_until=old_ends,
                        actor=SERVER,
                    )
                except SellerportError as error:  # which must not keep it from the others
                    failed = error
            if failed is not None:
                raise failed
        elif notification.type == EXPIRY:
            told = _facts(notification.payload, "applicationOAuthClientSecretExpiry")
            changed_at = _time(told, "clientSecretExpiryTime") - SECRET_S
            for one in await self._holders(_text(told, "clientId")):
                await self._applications.note_secret_age(one.organization_id, one.id, changed_at)
        else:
            log.warning(
                "a notification of type %s came to the queue of the secrets; nothing was done", notification.type
            )

    async def _holders(self, lwa_client_id: str) -> list[Application]:
        """Return the applications of this id: where several organizations have it, those that know its secret.

        The id is no secret: who registered somebody else's must not be given the secret too.
        """
        known = await self._applications.of_client(lwa_client_id)
        if len(known) < 2:
            return known
        return [one for one in known if await self._knows_secret(one)]

    async def _knows_secret(self, application: Application) -> bool:
        client = await self._applications.lwa_client(application.organization_id, application.id)
        try:
            await self._tokens.get(self._wire, self._amazon, Grant(client, scope=SCOPE))
        except ClientRefused:
            return False
        return True


def _facts(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = payload.get(name)
    if not isinstance(found, Mapping):
        raise NotificationError(f"a notification about a client secret has no {name}")
    return found


def _text(told: Mapping[str, Any], name: str) -> str:
    found = told.get(name)
    if not isinstance(found, str) or not found:
        raise NotificationError(f"a notification about a client secret has no {name}")
    return found


def _time(told: Mapping[str, Any], name: str) -> float:
    try:
        found = datetime.fromisoformat(_text(told, name))
    except ValueError:
        raise NotificationError(f"a notification about a client secret has a {name} that is no time") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
