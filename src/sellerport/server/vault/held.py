"""The second lock of a data key: a secret that its owner holds, and sends with each request.

    data key → sealed under HKDF-SHA256(secret, a salt of its own) → sealed by the server's key-encryption key

Both are needed: the database and the server's keys open nothing without the secret, nor the secret without them.
HKDF (RFC 5869) is no password hash: it is right for random secrets, and would let others be guessed. A secret that
does not look random is stretched by scrypt (RFC 7914) first, which costs whoever uses one some 80 ms each time.

Nothing is stored to tell a right secret by. As the outer lock proves that the inner one is as it was made, an inner
one that does not open means a wrong secret, and nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sellerport.errors import Tampered, WrongSecret
from sellerport.server.vault.cipher import KEY_BYTES, Cipher, Identity, bind

SALT_BYTES = 32
LEAST_BITS = 128
LEAST_DIFFERENT = 6
"""Random secrets of 128 bits have more different characters than this, even if they are digits."""

_COST = 1 << 15
_INFO = b"sellerport/held-secret/1"
_ALPHABETS = ((re.compile(r"[0-9]+"), 10), (re.compile(r"[0-9a-f]+|[0-9A-F]+"), 16), (re.compile(r"[\w+/=.~-]+"), 64))


def is_strong(secret: str) -> bool:
    """Return whether a secret looks like at least 128 random bits, in base64 or hex; a look cannot tell for sure."""
    letters = next((count for alphabet, count in _ALPHABETS if alphabet.fullmatch(secret) and secret.isascii()), 1)
    return len(secret) * math.log2(letters) >= LEAST_BITS and len(set(secret)) >= LEAST_DIFFERENT


def lock(key: bytes, secret: str, identity: Identity, random: Callable[[int], bytes]) -> bytes:
    """Return a data key that the secret opens."""
    salt = random(SALT_BYTES)
    return salt + _cipher(secret, salt, identity, random).seal(key, identity)


def unlock(locked: bytes, secret: str, identity: Identity) -> bytes:
    """Return the data key.

    Raises:
        WrongSecret: this is not the secret.
    """
    try:
        return _cipher(secret, locked[:SALT_BYTES], identity).open(locked[SALT_BYTES:], identity)
    except Tampered:
        raise WrongSecret from None


def pretend(secret: str, identity: Identity) -> None:
    """Take as long as `unlock` with a wrong secret, so that nobody learns from the time which lock did not open."""
    try:
        unlock(bytes(SALT_BYTES + KEY_BYTES + 28), secret, identity)
    except WrongSecret:
        return


def _cipher(secret: str, salt: bytes, identity: Identity, *random: Callable[[int], bytes]) -> Cipher:
    given = secret.encode("utf-8", "surrogatepass")
    if not is_strong(secret):
        given = Scrypt(salt, KEY_BYTES, n=_COST, r=8, p=1).derive(given)
    return Cipher(HKDF(SHA256(), KEY_BYTES, salt, _INFO + bind(identity)).derive(given), *random)
