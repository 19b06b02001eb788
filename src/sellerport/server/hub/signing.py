"""The gateway's own tokens: JSON Web Tokens that one of this server's keys signed (RFC 7519, HS256).

Each says what it is (``typ``), so that none passes for another kind, and whose: ``tenant_id``, ``seller_id``. The keys
are in the database, sealed by the vault, so that any number of servers share them; a token names its key (``kid``).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, OctKey
from sqlalchemy import insert, select, update

from sellerport.errors import Unauthenticated
from sellerport.server.hub.changes import Changes
from sellerport.server.hub.mint import Mint
from sellerport.server.hub.records import OPERATOR, SERVER
from sellerport.server.hub.sealed import seal, unseal
from sellerport.server.store import Database, signing_keys
from sellerport.server.vault import Vault

Kind = Literal["admin", "adb", "seller"]

LOOK_AGAIN_S = 60.0
"""How long a key that was retired elsewhere may count here still."""
LOOK_FOR_S = 1.0
"""How long a key that was made elsewhere may be unknown here still; anybody may name keys that there are not."""

ALGORITHM = "HS256"

_t = signing_keys.c


@dataclass(frozen=True)
class Signed:
    """What a good token says."""

    claims: dict[str, Any]

    @property
    def expires_at(self) -> float:
        """In seconds since the epoch."""
        return float(self.claims["exp"])


class Signing:
    """Makes tokens, and tells whether one was made here.

    Args:
        database, vault: where the keys are.
        changes: told of new ones.
        mint: makes their ids.
        clock: seconds since the epoch.
        random: a source of unpredictable bytes.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        changes: Changes,
        mint: Mint,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._database = database
        self._vault = vault
        self._changes = changes
        self._mint = mint
        self._clock = clock
        self._random = random
        self._keys = KeySet([])
        """The newest last."""
        self._looked_at = float("-inf")

    async def issue(self, kind: Kind, life_s: float, **claims: str | int | bool) -> str:
        """Return a token.

        Args:
            kind: what it is good for.
            life_s: for how long, in seconds.
            claims: what else it says.

        Raises:
            StoreError, VaultError: there is no key to sign with.
        """
        key = await self._newest()
        now = int(self._clock())
        said = {**claims, "typ": kind, "iat": now, "exp": now + int(life_s), "jti": self._mint.id()}
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, said, key, algorithms=[ALGORITHM])

    async def verify(self, kind: Kind, token: str) -> Signed:
        """Return what a token says.

        Raises:
            Unauthenticated: it was not made here, is of another kind, or expired.
            StoreError, VaultError: the keys cannot be read.
        """
        try:
            await self._look_for(jws.extract_compact(token.encode()).headers().get("kid"))
            claims = jwt.decode(token, self._keys, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError, TypeError):
            raise Unauthenticated from None
        if claims.get("typ") != kind or not isinstance(claims.get("exp"), int) or claims["exp"] <= self._clock():
            raise Unauthenticated
        return Signed(claims)

    async def seal(self, text: bytes, purpose: str) -> str:
        """Return something sealed, as a text for cookies and addresses; only these servers open it."""
        return (await self.sealer(purpose))(text)

    async def sealer(self, purpose: str) -> Callable[[bytes], str]:
        """Return what seals any number of things for one purpose, without waiting for anything."""
        key = await self._newest()
        derived = AESGCM(_derived(key, purpose))

        def seal(text: bytes) -> str:
            nonce = self._random(12)
            sealed = nonce + derived.encrypt(nonce, text, purpose.encode())
            return f"{key.kid}.{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

        return seal

    async def open(self, sealed: str, purpose: str) -> bytes | None:
        """Return what was sealed for a purpose; None if it was not."""
        id, _, text = sealed.partition(".")
        await self._look_for(id)
        key = next((key for key in self._keys if key.kid == id), None)
        try:
            record = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if not isinstance(key, OctKey) or len(record) < 28:
                return None
            return AESGCM(_derived(key, purpose)).decrypt(record[:12], record[12:], purpose.encode())
        except (InvalidTag, ValueError):
            return None

    async def rotate(self, *, retire: bool = False) -> str:
        """Make a new key to sign with; return its id.

        Args:
            retire: whether what older keys signed counts no longer, from at most a minute later on.

        Raises:
            StoreError, VaultError: it cannot be kept.
        """
        id, now = self._mint.id(), self._clock()
        row = {"id": id, "organization_id": SERVER, "created_at": now}
        secret = base64.b64encode(self._random(32)).decode()
        sealed = await seal(self._vault, signing_keys, row, sealed_secret=secret)
        async with self._changes.writing(None) as store:
            if retire:
                await store.execute(update(signing_keys).where(_t.retired_at.is_(None)).values(retired_at=now))
            await store.execute(insert(signing_keys).values(**row, **sealed))
            await self._changes.note(store, None, "signing_key.made", id, OPERATOR, retires=retire)
        await self._read()
        return id

    async def _newest(self) -> OctKey:
        if self._is_stale():
            await self._read()
        if not self._keys.keys:
            await self.rotate()
        newest = self._keys.keys[-1]
        assert isinstance(newest, OctKey), "there are no others"
        return newest

    async def _look_for(self, id: object) -> None:
        """Read the keys anew if that is due, or if this is none of those that are known."""
        late = self._clock() - self._looked_at >= LOOK_FOR_S
        if self._is_stale() or (late and all(key.kid != id for key in self._keys)):
            await self._read()

    def _is_stale(self) -> bool:
        return not 0 <= self._clock() - self._looked_at < LOOK_AGAIN_S

    async def _read(self) -> None:
        good = select(signing_keys).where(_t.retired_at.is_(None)).order_by(_t.created_at, _t.id)
        async with self._database.reading() as store:
            rows = (await store.execute(good)).mappings().all()
        keys: list[Key] = []
        for row in rows:
            secret = (await unseal(self._vault, signing_keys, row, "sealed_secret"))["sealed_secret"]
            keys.append(OctKey.import_key(base64.b64decode(secret), {"kid": row["id"]}))
        self._keys, self._looked_at = KeySet(keys), self._clock()


def _derived(key: OctKey, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"sellerport/{purpose}/1".encode()).derive(key.raw_value)
