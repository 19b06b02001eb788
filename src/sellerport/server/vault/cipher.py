"""AES-256-GCM, and what a record is bound to."""

from __future__ import annotations

import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sellerport.errors import Tampered

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16

Identity = tuple[str, ...]
"""Where a record is kept: table, row, field, owner, generation; for a data key: table, row, owner."""


class Cipher:
    """Seals and opens under one key.

    Args:
        key: 32 bytes.
        random: a source of unpredictable bytes. Random nonces are sound for 2^32 records a key (NIST SP 800-38D §8.3):
            a data key seals a handful, and no database has as many data keys.
    """

    def __init__(self, key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        assert len(key) == KEY_BYTES, "a key has 32 bytes"
        self._cipher = AESGCM(key)
        self._random = random

    def seal(self, secret: bytes, identity: Identity, header: bytes = b"") -> bytes:
        """Return nonce, ciphertext and tag, bound to an identity and to what stands before them."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, header + bind(identity))

    def open(self, sealed: bytes, identity: Identity, header: bytes = b"") -> bytes:
        """Return what was sealed.

        Raises:
            Tampered: it was altered, or sealed for another place or with another key.
        """
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise tampered()
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], header + bind(identity))
        except InvalidTag:
            raise tampered() from None


def bind(identity: Identity) -> bytes:
    """Encode an identity so that no two are the same bytes: each part comes after its length."""
    parts = [part.encode() for part in identity]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def tampered() -> Tampered:
    """Return the one error for whatever does not open: which reason it was would help whoever altered it."""
    return Tampered("a sealed record does not open: it was altered, moved to another row, or sealed elsewhere")
