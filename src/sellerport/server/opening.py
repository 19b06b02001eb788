"""Opens the hub on what the settings name: the database, the vault, the limits."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sellerport.errors import KeyMissing
from sellerport.limits import Limits
from sellerport.limits.redis import RedisLimits
from sellerport.regions import Amazon
from sellerport.server.hub import Egress, Hub
from sellerport.server.settings import Settings
from sellerport.server.store import Database
from sellerport.server.vault import AwsKms, Keyring, Provider, Remembered, Transit, Vault, read_keys
from sellerport.wire import AsyncWire, Wire


@asynccontextmanager
async def open_hub(
    settings: Settings,
    *,
    url: str | None = None,
    wire: Wire | None = None,
    clock: Callable[[], float] | None = None,
    random: Callable[[int], bytes] = os.urandom,
) -> AsyncIterator[Hub]:
    """Open the hub on the database and the vault that the settings name; make or migrate the tables first.

    Args:
        settings: see there.
        url: the address at which browsers reach the server, where it is known better than from the settings.
        wire: what HTTP goes out through.
        clock: stands for every clock, the database's too, in tests; seconds since the epoch.
        random: a source of unpredictable bytes.

    Raises:
        KeyMissing, VaultError: there is no key, or not the one that sealed what is in the database; its id is named.
        StoreError: the database cannot be opened or written.
    """
    for telling in ("aiosqlite", "botocore"):  # at DEBUG they log rows, data keys and secrets, whoever's log it is
        if (logger := logging.getLogger(telling)).level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
    own_wire = AsyncWire()
    vault = _vault(settings, wire or own_wire, random)
    limits = _limits(settings, clock or time.monotonic)
    database = Database(settings.database, clock=clock)
    try:
        await database.migrate()
        hub = Hub(
            database,
            vault,
            amazon=Amazon(settings.amazon),
            public_url=url or settings.url(),
            journal=settings.journal_folder,
            wire=wire or own_wire,
            egress=Egress(private=settings.webhook_private),
            client_rate=settings.client_rate,
            sandbox_sellers=settings.sandbox_sellers,
            limits=limits,
            clock=clock or time.time,
            monotonic=clock or time.monotonic,
            random=random,
        )
        await hub.check_vault()
        await hub.recover()
        try:
            yield hub
        finally:
            await hub.gateway.call_log.aclose()
            await hub.tokens.aclose()
    finally:
        await database.close()
        await own_wire.aclose()
        if isinstance(limits, RedisLimits):
            await limits.aclose()


def _limits(settings: Settings, monotonic: Callable[[], float]) -> Limits | RedisLimits:
    local = Limits(monotonic, processes=settings.processes)
    return local if settings.redis is None else RedisLimits(str(settings.redis), local=local, monotonic=monotonic)


def _vault(settings: Settings, wire: Wire, random: Callable[[int], bytes]) -> Vault:
    """Return the vault; what seals comes last, so that whoever changes over goes on opening what was there before."""
    providers: list[Provider] = []
    if settings.vault_key is not None:
        providers.append(Keyring(read_keys(settings.vault_key, "SELLERPORT_VAULT_KEY"), random))
    if settings.vault_key_file is not None:
        providers.append(Keyring.of_file(settings.vault_key_file, random))
    if settings.vault_kms_key is not None:
        providers.append(Remembered(AwsKms(settings.vault_kms_key, wire)))
    if settings.vault_transit_url and settings.vault_transit_key and settings.vault_transit_token_file:
        address, token_file = settings.vault_transit_url, settings.vault_transit_token_file
        providers.append(Remembered(Transit(address, settings.vault_transit_key, token_file, wire)))
    if not providers:
        raise KeyMissing(
            "the vault has no key: make one with `sellerport key new`, and name its file in SELLERPORT_VAULT_KEY_FILE"
        )
    *opening, sealing = providers
    return Vault(sealing, *opening, random=random)
