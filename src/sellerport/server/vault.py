"""Seals secrets with AES-256-GCM; knows nothing of settings or databases: bytes in, bytes out.

A sealed record is

    1 byte    the format, 1
    4 bytes   the id of the key: the start of its SHA-256
    12 bytes  the nonce, random
    the rest  ciphertext and tag

The associated data is the header (format and key id) and the identity of the place where the record is kept, such as
``("connections", row id, "grant", organization id)``: a record that was copied to another row, column or organization
does not open.

A key file is text: one key a line in base64, the newest last, ``#`` starts a comment. New records are sealed with the
newest key; older keys only open.

>>> vault = Vault([new_key(random=bytes)])
>>> sealed = vault.seal(b"a grant", ("connections", "7", "grant"))
>>> vault.open(sealed, ("connections", "7", "grant"))
b'a grant'
>>> vault.open(sealed, ("connections", "8", "grant"))
Traceback (most recent call last):
sellerport.errors.Tampered: a sealed record does not open: it was altered, moved to another row, or sealed elsewhere
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sellerport.errors import KeyMissing, Tampered, VaultError

FORMAT = b"\x01"
KEY_BYTES = 32
ID_BYTES = 4
NONCE_BYTES = 12
HEADER_BYTES = len(FORMAT) + ID_BYTES
TAG_BYTES = 16

HOW = "make one with `sellerport key new`"

Identity = tuple[str, ...]
"""Where a record is kept: table, row, field, owner."""


class Vault:
    """Seals and opens records.

    Args:
        keys: 32 bytes each, the newest last.
        random: a source of unpredictable bytes.
    """

    def __init__(self, keys: Sequence[bytes], random: Callable[[int], bytes] = os.urandom) -> None:
        if not keys:
            raise KeyMissing(f"the vault has no key; {HOW}")
        self._ciphers = {_id(key): AESGCM(key) for key in keys}
        self._newest = _id(keys[-1])
        self._random = random

    def __repr__(self) -> str:
        return f"Vault({', '.join(self.key_ids)})"

    @property
    def key_ids(self) -> list[str]:
        """The ids of the keys, the newest last."""
        return [id.hex() for id in self._ciphers]

    def seal(self, secret: bytes, identity: Identity) -> bytes:
        """Seal a secret for one place."""
        header = FORMAT + self._newest
        # Random nonces are sound for 2^32 records a key (NIST SP 800-38D §8.3), which no database of grants reaches.
        nonce = self._random(NONCE_BYTES)
        return header + nonce + self._ciphers[self._newest].encrypt(nonce, secret, header + _bind(identity))

    def open(self, record: bytes, identity: Identity) -> bytes:
        """Open a record that was sealed for this place.

        Raises:
            KeyMissing: it was sealed with a key that is not here; its id is named.
            Tampered: it does not open.
        """
        header, sealed = record[:HEADER_BYTES], record[HEADER_BYTES:]
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        if len(body) < TAG_BYTES or not header.startswith(FORMAT):
            raise _tampered()
        cipher = self._ciphers.get(header[len(FORMAT) :])
        if cipher is None:
            raise KeyMissing(
                f"sealed with the vault key {key_id(record)}, which is not here (here: {', '.join(self.key_ids)}); "
                "put that key back, above the newest"
            )
        try:
            return cipher.decrypt(nonce, body, header + _bind(identity))
        except InvalidTag:
            raise _tampered() from None


def key_id(record: bytes) -> str:
    """Return the id of the key that sealed a record."""
    return record[len(FORMAT) : HEADER_BYTES].hex()


def new_key(random: Callable[[int], bytes] = os.urandom) -> bytes:
    """Make a key."""
    return random(KEY_BYTES)


def read_keys(text: str, source: str) -> list[bytes]:
    """Read the keys from the text of a key file; ``source`` is what an error calls it.

    Raises:
        KeyMissing: there is none.
        VaultError: a line is no key; the line's number is named, the line is not shown.
    """
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        written = line.partition("#")[0].strip()
        if not written:
            continue
        try:
            key = base64.b64decode(written, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise VaultError(f"{source}, line {number}: not a vault key (32 bytes in base64); {HOW}")
        keys.append(key)
    if not keys:
        raise KeyMissing(f"{source} holds no vault key; {HOW}")
    return keys


def read_key_file(path: Path) -> list[bytes]:
    """Read a key file.

    Raises:
        KeyMissing: it is not there, or holds no key.
        VaultError: it cannot be read, or a line is no key.
    """
    try:
        return read_keys(path.read_text("utf-8"), str(path))
    except FileNotFoundError:
        raise KeyMissing(f"there is no vault key file {path}; {HOW}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise VaultError(f"the vault key file {path} cannot be read: {reason}") from None


def create_key_file(path: Path, random: Callable[[int], bytes] = os.urandom) -> str:
    """Make a key in a new file that only this user may read, and return the key's id.

    Raises:
        VaultError: the file exists (it is left as it is), or cannot be written.
    """
    key = new_key(random)
    line = f"# Sellerport vault key {_id(key).hex()}: whoever has it can open every grant; without it none opens.\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(line.encode() + base64.b64encode(key) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise VaultError(f"{path} exists already; it is left as it is, as grants may be sealed with its keys") from None
    except OSError as error:
        raise VaultError(f"the vault key file {path} cannot be written: {error.strerror}") from None
    return _id(key).hex()


def _id(key: bytes) -> bytes:
    assert len(key) == KEY_BYTES, "a vault key has 32 bytes"
    return hashlib.sha256(key).digest()[:ID_BYTES]


def _bind(identity: Identity) -> bytes:
    """Encode an identity so that no two are the same bytes: each part comes after its length."""
    parts = [part.encode() for part in identity]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _tampered() -> Tampered:
    return Tampered("a sealed record does not open: it was altered, moved to another row, or sealed elsewhere")
