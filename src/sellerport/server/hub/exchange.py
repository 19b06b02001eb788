"""A code for a grant. A code works once: what comes for it is on this machine's disk before anything else is done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sellerport import oauth, regions
from sellerport.errors import ClientRefused, ConsentError, GrantRevoked, TokenUnavailable
from sellerport.regions import Amazon
from sellerport.server.hub import profiles
from sellerport.server.hub.applications import Applications
from sellerport.server.hub.journal import Entry, Journal
from sellerport.server.hub.profiles import Advertiser
from sellerport.server.hub.proof import Proof, prove
from sellerport.server.hub.sealed import field_place, key_place
from sellerport.server.store import consents
from sellerport.server.vault import Vault
from sellerport.wire import Wire

EXCHANGE_S = 10.0


class Granted(msgspec.Struct, frozen=True):
    """What a consent came to: its grant, sealed."""

    consent_id: str
    organization_id: str
    selling_partner_id: str | None
    """Advertisers have none."""
    sealed_key: bytes
    sealed_grant: bytes

    def __repr__(self) -> str:
        return f"Granted({self.consent_id})"


@dataclass(frozen=True)
class Exchanged:
    """A new grant, and the journal's entry of it, which is removed when the grant is stored, or is not to be."""

    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)
    entry: Entry[Granted]


class Exchange:
    """Exchanges codes.

    Args:
        vault: seals what goes into the journal.
        applications: what codes are exchanged with.
        journal: where a grant is kept until the database has it.
        amazon: the real one or a local one.
        wire: what HTTP goes out through.
    """

    def __init__(
        self, vault: Vault, applications: Applications, journal: Journal[Granted], *, amazon: Amazon, wire: Wire
    ) -> None:
        self._vault = vault
        self._applications = applications
        self._journal = journal
        self._amazon = amazon
        self._wire = wire

    async def take(
        self,
        consent: Mapping[str, Any],
        code: str,
        selling_partner_id: str | None,
        redirect_uri: str,
        code_verifier: str | None = None,
    ) -> Exchanged:
        """Exchange the code that a consent came to.

        Raises:
            ConsentError: Amazon gave nothing for it.
            StoreError: the journal cannot be written; Amazon was not asked.
            VaultError: the application's secret does not open, or nothing can be sealed; Amazon was not asked.
            NotFound: the application was removed meanwhile.
        """
        client = await self._applications.lwa_client(consent["organization_id"], consent["application_id"])
        key = await self._vault.new_key(
            key_place(consents, consent)
        )  # a service may be asked, so before the code is used
        entry = await asyncio.to_thread(self._journal.begin, consent["id"])
        try:
            answer = await oauth.exchange_code(self._wire, self._amazon, client, code, redirect_uri, code_verifier)
        except BaseException as error:
            entry.remove()
            if isinstance(error, GrantRevoked | ClientRefused | TokenUnavailable):
                raise _nothing(error) from error
            raise
        assert answer.refresh_token is not None, "exchange_code sees to it"
        sealed = key.seal(answer.refresh_token.encode(), field_place(consents, consent, "sealed_grant"))
        granted = Granted(consent["id"], consent["organization_id"], selling_partner_id, key.sealed, sealed)
        await asyncio.to_thread(entry.write, granted)
        return Exchanged(answer.refresh_token, answer.access_token, entry)

    async def prove(self, access_token: str, consent: Mapping[str, Any]) -> Proof | Advertiser:
        """Ask Amazon whose the new grant of a consent is (see `proof.prove` and `profiles.prove`)."""
        if consent["platform"] == "ads":
            return await profiles.prove(self._amazon, self._wire, consent["lwa_client_id"], access_token)
        region = regions.marketplace(consent["marketplace"]).region
        return await prove(self._amazon, self._wire, access_token, region)

    def left_behind(self) -> Iterator[tuple[Entry[Granted], Granted | None]]:
        """Yield what processes that died, or met no database, left in the journal (see `Journal.left_behind`)."""
        return self._journal.left_behind()

    async def refresh_token(self, granted: Granted) -> str:
        """Return the grant of a journal's entry.

        Raises:
            VaultError: it does not open.
        """
        row = {"id": granted.consent_id, "organization_id": granted.organization_id}
        key = await self._vault.open_key(granted.sealed_key, key_place(consents, row))
        return key.open(granted.sealed_grant, field_place(consents, row, "sealed_grant")).decode()


def _nothing(error: GrantRevoked | ClientRefused | TokenUnavailable) -> ConsentError:
    if isinstance(error, GrantRevoked):
        what = "Amazon does not accept the code: it was used before, or is older than five minutes; start again"
    elif isinstance(error, ClientRefused):
        what = "Amazon does not accept the application's client id or secret; correct them here, then start again"
    else:
        what = "Amazon did not exchange the code for now; start again later"
    return ConsentError(what, "creation_failed")
