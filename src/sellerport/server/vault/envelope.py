"""Data keys, and the vault that makes and opens them with the help of a provider of key-encryption keys."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from sellerport.errors import Tampered, WrongSecret
from sellerport.server.vault import held
from sellerport.server.vault.cipher import KEY_BYTES, Cipher, Identity, tampered
from sellerport.server.vault.keyring import FORMAT_1, Keyring, first_key_id, key_missing

FORMAT = b"\x02"
"""Of a field, and of a data key that the server's keys open."""

HELD = b"\x03"
"""Of a data key that needs its owner's secret too."""

_KINDS = {FORMAT: "key", HELD: "held key"}
_ID = re.compile(r"[\w:/.@+-]{1,255}", re.ASCII)

P = ParamSpec("P")
T = TypeVar("T")

_Place = tuple[str, bytes, Identity]

REMEMBERED_S = 15 * 60.0
MOST_REMEMBERED = 20_000


class Provider(Protocol):
    """Keeps key-encryption keys, or knows who does."""

    scheme: str
    """What the ids of its keys begin with, before a colon; none for local keys."""

    @property
    def key_ids(self) -> Sequence[str]:
        """The ids of the keys that are here; none where they are somewhere else."""
        ...

    async def wrap(self, key: bytes, identity: Identity) -> tuple[str, bytes]:
        """Seal a data key with the newest key, and return that key's id and what it made.

        Raises:
            VaultUnavailable: the key cannot be reached or used for now.
        """
        ...

    async def unwrap(self, key_id: str, wrapped: bytes, identity: Identity) -> bytes:
        """Return what was wrapped.

        Raises:
            KeyMissing: there is no such key; its id is named.
            Tampered: it was not wrapped like this, or for another identity.
            VaultUnavailable: the key cannot be reached or used for now.
        """
        ...

    async def rotate(self) -> None:
        """Make a new key, with which everything is sealed from now on.

        Raises:
            VaultError: it cannot be done from here; says where.
        """
        ...

    async def retire(self, key_id: str) -> None:
        """Remove a key that nothing is sealed with any more, if it is kept here.

        Raises:
            VaultError: it cannot be removed.
        """
        ...


class DataKey:
    """The key of one row. `sealed` is what is stored of it; `repr` shows neither."""

    def __init__(self, key: bytes, sealed: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self.sealed = sealed
        self._cipher = Cipher(key, random)
        self._key = key

    def __repr__(self) -> str:
        return f"DataKey(sealed with {key_id(self.sealed)})"

    def seal(self, secret: bytes, identity: Identity) -> bytes:
        """Seal a secret for one field."""
        return FORMAT + self._cipher.seal(secret, identity, FORMAT)

    def open(self, record: bytes, identity: Identity) -> bytes:
        """Open a record that was sealed for this field.

        Raises:
            Tampered: it does not open.
        """
        if record[:1] != FORMAT:
            raise tampered()
        return self._cipher.open(record[1:], identity, FORMAT)

    def authenticate(self, data: bytes) -> str:
        """Return the HMAC-SHA256 of some bytes, in hex, under a key of its own (RFC 5869) that this one leads to."""
        derived = HKDFExpand(SHA256(), KEY_BYTES, b"sellerport authenticate").derive(self._key)
        return hmac.digest(derived, data, "sha256").hex()


class Vault:
    """Makes and opens data keys.

    Args:
        sealing: whose newest key seals new data keys.
        opening: others that sealed some before.
        random: a source of unpredictable bytes.
    """

    def __init__(self, sealing: Provider, *opening: Provider, random: Callable[[int], bytes] = os.urandom) -> None:
        self._sealing = sealing
        self._providers = {provider.scheme: provider for provider in (*opening, sealing)}
        self._random = random
        self.newest: str | None = None
        """The id of the key that sealed last, here; None before anything was sealed."""

    def __repr__(self) -> str:
        return f"Vault({', '.join(self.key_ids) or self._sealing.scheme})"

    @property
    def key_ids(self) -> list[str]:
        """The ids of the local keys, the newest last."""
        return [id for provider in self._providers.values() for id in provider.key_ids]

    @property
    def on_network(self) -> bool:
        """Whether a key may be somewhere else, so that opening what it sealed can take its time."""
        return any(not provider.key_ids for provider in self._providers.values())

    async def new_key(self, identity: Identity, *, held_secret: str | None = None) -> DataKey:
        """Make a data key for a row.

        Args:
            identity: the row: table, id, organization.
            held_secret: what its owner has to give each time it is opened, besides the server's own keys.

        Raises:
            VaultUnavailable: the key-encryption key cannot be reached or used for now.
        """
        key = self._random(KEY_BYTES)
        if held_secret is None:
            sealed = await self._wrap(FORMAT, key, identity)
        else:
            locked = await _aside(held_secret, held.lock, key, held_secret, identity, self._random)
            sealed = await self._wrap(HELD, locked, identity)
        return DataKey(key, sealed, self._random)

    async def open_key(self, sealed: bytes, identity: Identity, *, held_secret: str | None = None) -> DataKey:
        """Open the data key of a row.

        Raises:
            KeyMissing: it was sealed with a key that is not here; its id is named.
            Tampered: it does not open.
            WrongSecret: it needs its owner's secret and this is not it; or it needs none, and one was given.
            VaultUnavailable: the key-encryption key cannot be reached or used for now.
        """
        try:
            kind, key = await self._unwrap(sealed, identity)
        except Tampered:
            if held_secret is not None:
                await _aside(held_secret, held.pretend, held_secret, identity)
            raise
        if (kind == HELD) != (held_secret is not None):
            raise WrongSecret
        if held_secret is not None:
            key = await _aside(held_secret, held.unlock, key, held_secret, identity)
        return DataKey(key, sealed, self._random)

    async def rewrap(self, sealed: bytes, identity: Identity) -> bytes:
        """Return a sealed data key sealed with the newest key instead; the secret of its owner is not needed.

        Raises: as `open_key`.
        """
        return await self._wrap(*await self._unwrap(sealed, identity), identity)

    def open_first(self, record: bytes, identity: Identity) -> bytes:
        """Open a field of format 1, which a local key sealed itself.

        Raises:
            KeyMissing, Tampered: as `open_key`.
        """
        keyring = self._providers.get(Keyring.scheme)
        if not isinstance(keyring, Keyring):
            raise key_missing(first_key_id(record))
        return keyring.open_first(record, identity)

    async def find_newest(self) -> str:
        """Ask for the id of the key that seals now.

        Raises:
            VaultUnavailable: it cannot be reached or used for now.
        """
        return key_id((await self.new_key(("probe",))).sealed)

    async def rotate(self) -> None:
        """Make a new key, with which everything is sealed from now on.

        Raises:
            VaultError: it cannot be done from here; says where.
        """
        await self._sealing.rotate()

    async def retire(self, key_id: str) -> None:
        """Remove a key that nothing is sealed with any more, if it is kept here.

        Raises:
            VaultError: it cannot be removed.
        """
        provider = self._providers.get(_scheme(key_id))
        if provider is not None:
            await provider.retire(key_id)

    async def _wrap(self, kind: bytes, key: bytes, identity: Identity) -> bytes:
        id, wrapped = await self._sealing.wrap(key, (_KINDS[kind], *identity))
        self.newest = id
        return kind + key_tag(id) + wrapped

    async def _unwrap(self, sealed: bytes, identity: Identity) -> tuple[bytes, bytes]:
        kind, id = sealed[:1], key_id(sealed)
        if kind not in _KINDS or not id:
            raise tampered()
        provider = self._providers.get(_scheme(id))
        if provider is None:
            raise key_missing(id)
        return kind, await provider.unwrap(id, sealed[1 + len(key_tag(id)) :], (_KINDS[kind], *identity))


class Remembered:
    """Remembers for 15 minutes what a provider on the network unwrapped, in process memory alone.

    So calls go on for a while when it is down; after that, and for what was not unwrapped before, it is needed.

    Args:
        provider: who is asked.
        clock: seconds that never go back.
    """

    def __init__(self, provider: Provider, clock: Callable[[], float] = time.monotonic) -> None:
        self.scheme = provider.scheme
        self.key_ids = provider.key_ids
        self._provider = provider
        self._clock = clock
        self._keys: OrderedDict[_Place, tuple[float, bytes]] = OrderedDict()
        self._asking: dict[_Place, asyncio.Future[bytes]] = {}

    def __repr__(self) -> str:
        return f"Remembered({self._provider!r})"

    async def wrap(self, key: bytes, identity: Identity) -> tuple[str, bytes]:
        """As `Provider.wrap`."""
        id, wrapped = await self._provider.wrap(key, identity)
        self._remember((id, wrapped, identity), key)
        return id, wrapped

    async def unwrap(self, key_id: str, wrapped: bytes, identity: Identity) -> bytes:
        """As `Provider.unwrap`."""
        self._forget()
        place = (key_id, wrapped, identity)
        if place in self._keys:
            return self._keys[place][1]
        asking = self._asking.get(place)
        if asking is None:  # however many need a key that is not known yet, the service is asked once
            asking = self._asking[place] = asyncio.ensure_future(self._provider.unwrap(*place))
            asking.add_done_callback(lambda done: self._answered(place, done))
        return await asyncio.shield(asking)

    async def rotate(self) -> None:
        """As `Provider.rotate`."""
        await self._provider.rotate()

    async def retire(self, key_id: str) -> None:
        """As `Provider.retire`."""
        await self._provider.retire(key_id)

    def _answered(self, place: _Place, done: asyncio.Future[bytes]) -> None:
        del self._asking[place]
        if not done.cancelled() and done.exception() is None:
            self._remember(place, done.result())

    def _remember(self, place: _Place, key: bytes) -> None:
        self._keys[place] = (self._clock() + REMEMBERED_S, key)
        self._keys.move_to_end(place)
        if len(self._keys) > MOST_REMEMBERED:
            self._keys.popitem(last=False)

    def _forget(self) -> None:
        now = self._clock()
        while self._keys and next(iter(self._keys.values()))[0] <= now:  # the oldest comes first
            self._keys.popitem(last=False)


async def _aside(secret: str, work: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
    """Do what a secret is needed for; nobody else waits while one that does not look random is stretched."""
    return work(*given, **more) if held.is_strong(secret) else await asyncio.to_thread(work, *given, **more)


def key_id(sealed: bytes) -> str:
    """Return the id of the key that sealed a data key or a record of format 1; "" if that cannot be told."""
    if sealed[:1] == FORMAT_1:
        return first_key_id(sealed)
    id = sealed[2 : 2 + sealed[1]] if len(sealed) > 1 else b""
    text = id.decode("ascii", "replace")
    return text if _ID.fullmatch(text) and len(id) == sealed[1] else ""


def key_tag(key_id: str) -> bytes:
    """Return what comes after the first byte of every data key that a key sealed: the length of its id, and its id."""
    assert _ID.fullmatch(key_id), "providers make such ids"
    return bytes([len(key_id)]) + key_id.encode()


def _scheme(key_id: str) -> str:
    return key_id.partition(":")[0] if ":" in key_id else Keyring.scheme
