"""A key-encryption key in the transit secrets engine of HashiCorp Vault or OpenBao, over HTTP.

Written after https://openbao.org/api-docs/secret/transit/, and proved against a server that the tests wrote after the
same page, not against either product. The key must be of an AEAD type (``aes256-gcm96``, which is the default, or
``chacha20-poly1305``): the identity of what is sealed goes along as associated data.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from sellerport.errors import NoAnswer, Tampered, VaultError, VaultUnavailable
from sellerport.server.vault.cipher import Identity, bind, tampered
from sellerport.server.vault.keyring import key_missing
from sellerport.wire import UNREADABLE, Request, Wire

TIMEOUT_S = 5.0

_CIPHERTEXT = re.compile(r"\w+:v([1-9][0-9]*):")
_GONE = ("not found", "too old", "no longer", "does not exist")


class Transit:
    """A named key of a transit secrets engine.

    Args:
        url: the engine's address, such as ``https://vault.example.com:8200/v1/transit``.
        key: the key's name.
        token_file: a file with a token that may encrypt and decrypt with it; read each time, as agents renew it.
        wire: what HTTP goes out through.
    """

    scheme = "transit"
    key_ids = ()

    def __init__(self, url: str, key: str, token_file: Path, wire: Wire) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._token_file = token_file
        self._wire = wire

    def __repr__(self) -> str:
        return f"Transit({self._key!r})"

    async def wrap(self, key: bytes, identity: Identity) -> tuple[str, bytes]:
        """As `Provider.wrap`."""
        body = {"plaintext": _base64(key), "associated_data": _base64(bind(identity))}
        ciphertext = await self._ask(f"encrypt/{quote(self._key, safe='')}", body, "ciphertext")
        version = _CIPHERTEXT.match(ciphertext)
        if version is None:
            raise self._unavailable("answers with something that is no ciphertext")
        return f"transit:{self._key}:v{version[1]}", ciphertext.encode()

    async def unwrap(self, key_id: str, wrapped: bytes, identity: Identity) -> bytes:
        """As `Provider.unwrap`."""
        _, name, version = key_id.split(":") if key_id.count(":") == 2 else ("", "", "")
        ciphertext = wrapped.decode("ascii", "replace")
        found = _CIPHERTEXT.match(ciphertext)
        if found is None or version != f"v{found[1]}":
            raise tampered()
        body = {"ciphertext": ciphertext, "associated_data": _base64(bind(identity))}
        plain = await self._ask(f"decrypt/{quote(name, safe='')}", body, "plaintext", key_id)
        try:
            return base64.b64decode(plain, validate=True)
        except (binascii.Error, ValueError):
            raise self._unavailable("answers with something that is no base64") from None

    async def rotate(self) -> None:
        """Have the engine make a new version of the key; as `Provider.rotate`."""
        await self._ask(f"keys/{quote(self._key, safe='')}/rotate", {})

    async def retire(self, key_id: str) -> None:
        """Do nothing: the operator of the engine raises the key's ``min_decryption_version`` there."""

    async def _ask(self, path: str, body: dict[str, str], field: str = "", key_id: str = "") -> str:
        """Send a request, and return a field of its answer's data; ``key_id`` is that of what is to be opened."""
        headers = {"x-vault-token": self._token(), "x-vault-request": "true", "content-type": "application/json"}
        request = Request("POST", f"{self._url}/{path}", headers, msgspec.json.encode(body), TIMEOUT_S)
        try:
            answer = await self._wire.send(request)
        except NoAnswer:
            raise self._unavailable("does not answer") from None
        if answer.status == 400 and key_id:
            raise _refused(key_id, answer.body)
        if not 200 <= answer.status < 300:
            raise self._unavailable(f"answers with status {answer.status}")
        if not field:
            return ""
        try:
            found: Any = msgspec.json.decode(answer.body)["data"][field]
        except (*UNREADABLE, KeyError, TypeError):
            found = None
        if not isinstance(found, str):
            raise self._unavailable("answers with something that is not documented")
        return found

    def _token(self) -> str:
        try:
            token = self._token_file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise VaultUnavailable(f"the token file {self._token_file} cannot be read: {reason}") from None
        if not token or not token.isprintable():
            raise VaultUnavailable(f"the token file {self._token_file} holds no token")
        return token

    def _unavailable(self, what: str) -> VaultUnavailable:
        return VaultUnavailable(f"the transit engine {self._url} {what} (key {self._key})")


def _refused(key_id: str, body: bytes) -> VaultError | Tampered:
    """Tell a key that is gone from a ciphertext that does not open: the engine's status is the same for both."""
    text = body.decode("utf-8", "replace").lower()
    return key_missing(key_id) if any(word in text for word in _GONE) else tampered()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
