"""Calls to Amazon for a connection: the grant is opened, used, and watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sellerport import connectors
from sellerport.client import AsyncSellingPartner
from sellerport.connectors import Execution
from sellerport.errors import AmazonError, GrantRevoked, NoAnswer, TokenError, TokenUnavailable
from sellerport.limits import Limits
from sellerport.oauth import TokenAnswer, Tokens
from sellerport.regions import Amazon
from sellerport.server.hub.connections import Connections, Opened
from sellerport.server.hub.records import Caller
from sellerport.wire import Wire

PATIENCE_S = 30.0
"""How long a call waits for Amazon's rate limit before its caller is told when to come back."""


class Calls:
    """What is done at Amazon for callers. All of them share access tokens, rate limits and the wire."""

    def __init__(
        self,
        connections: Connections,
        *,
        amazon: Amazon,
        wire: Wire,
        tokens: Tokens,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._connections = connections
        self._amazon = amazon
        self._wire = wire
        self._tokens = tokens
        self._limits = limits
        self._clock = clock

    async def execute(
        self,
        caller: Caller,
        connection_id: str,
        entity: str,
        action: str,
        params: Mapping[str, Any] | None = None,
    ) -> Execution:
        """Carry out an action on an entity for one connection.

        `GrantRevoked`, and nothing else, changes the connection: its owner has to consent again.

        Raises:
            NotFound: the organization has no such connection.
            GrantRevoked: the owner has to consent again; says how.
            UnknownOperation, InvalidArguments: nothing was sent.
            AmazonError, NoAnswer, TokenError: what became of it.
        """
        opened = await self._connections.open(caller, connection_id)
        if opened.connection.status == "needs_consent":
            raise _consent_again(connection_id)
        answers: list[TokenAnswer] = []
        client = self._client(opened, answers.append)
        try:
            execution = await connectors.execute(client, entity, action, params, clock=self._clock)
        except GrantRevoked as error:
            if await self._connections.mark_revoked(opened):
                raise _consent_again(connection_id) from error
            raise TokenUnavailable("the owner consented again while this call was on its way; repeat it") from error
        except (AmazonError, NoAnswer, TokenError) as error:
            await self._connections.note(opened, error.code)
            raise
        else:
            await self._connections.note(opened, None)
            return execution
        finally:
            for answer in answers:
                # RFC 6749 §6: a new refresh token takes the old one's place
                if answer.refresh_token is not None and answer.refresh_token != opened.refresh_token:
                    await self._connections.replace_grant(opened, answer.refresh_token)

    def _client(self, opened: Opened, on_token_refresh: Callable[[TokenAnswer], None]) -> AsyncSellingPartner:
        return AsyncSellingPartner(
            refresh_token=opened.refresh_token,
            lwa_app_id=opened.client.client_id,
            lwa_client_secret=opened.client.client_secret,
            marketplace=opened.connection.marketplace,
            fill_optional=False,  # whoever connected the account may not have named a marketplace
            amazon=self._amazon,
            patience_s=PATIENCE_S,
            on_token_refresh=on_token_refresh,
            tokens=self._tokens,
            limits=self._limits,
            environ={},  # a server's environment is no place for one account's credentials
            wire=self._wire,
        )


def _consent_again(connection_id: str) -> GrantRevoked:
    return GrantRevoked(
        f"the grant of connection {connection_id} no longer stands: the account's owner has to consent again; "
        "start the consent flow with this connector_id"
    )
