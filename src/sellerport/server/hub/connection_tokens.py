"""The access tokens of one connection, as a client asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sellerport import oauth
from sellerport.oauth import Grant, OnRefresh
from sellerport.regions import Amazon
from sellerport.server.hub.opened import Opened
from sellerport.wire import Wire

if TYPE_CHECKING:
    from sellerport.server.hub.tokens import AccessTokens


class ConnectionTokens(oauth.Tokens):
    """What a client of one connection asks for access tokens (see `oauth.Source`)."""

    def __init__(self, tokens: AccessTokens, others: oauth.Tokens, opened: Opened) -> None:
        self._access_tokens = tokens
        self._others = others
        self._opened = opened

    async def get(
        self,
        wire: Wire,
        amazon: Amazon,
        grant: Grant,
        *,
        instead_of: str | None = None,
        timeout_s: float = oauth.TIMEOUT_S,
        on_refresh: OnRefresh | None = None,
    ) -> str:
        """Return an access token: of the connection, or, for a call that needs no account, of the application."""
        if grant.scope is None:
            return await self._access_tokens.get(self._opened, instead_of)
        return await self._others.get(
            wire, amazon, grant, instead_of=instead_of, timeout_s=timeout_s, on_refresh=on_refresh
        )
