"""A transit secrets engine, after the HTTP API that https://openbao.org/api-docs/secret/transit/ documents."""

from __future__ import annotations

import base64
import os
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class TransitEngine:
    """An ASGI application at ``/v1/transit``: keys of type aes256-gcm96 with versions, and one token."""

    def __init__(self, token: str, *keys: str) -> None:
        self.token = token
        self.keys = {name: [os.urandom(32)] for name in keys}
        self.min_decryption_version = 1
        self.sealed = False
        self.down = False
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.down:
            raise ConnectionResetError
        status, body = self._answer(scope, (await receive())["body"])
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": msgspec.json.encode(body)})

    def _answer(self, scope: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        self.asked.append(scope["path"])
        if self.sealed:
            return _errors(503, "Vault is sealed")
        if dict(scope["headers"]).get(b"x-vault-token") != self.token.encode():
            return _errors(403, "permission denied")
        given = msgspec.json.decode(body) if body else {}
        match scope["method"], scope["path"].removeprefix("/v1/transit/").split("/"):
            case "POST", ["encrypt", name]:
                return self._encrypt(name, given)
            case "POST", ["decrypt", name]:
                return self._decrypt(name, given)
            case "POST", ["keys", name, "rotate"]:
                self.keys[name].append(os.urandom(32))
                return 200, {"data": {"name": name, "latest_version": len(self.keys[name])}}
        return _errors(404, f"no handler for route {scope['path']!r}")

    def _encrypt(self, name: str, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if name not in self.keys:  # this token may update and not create
            return _errors(403, "permission denied")
        nonce, version = os.urandom(12), len(self.keys[name])
        bound = base64.b64decode(given.get("associated_data", ""))
        made = nonce + AESGCM(self.keys[name][-1]).encrypt(nonce, base64.b64decode(given["plaintext"]), bound)
        return 200, {
            "data": {"ciphertext": f"vault:v{version}:{base64.b64encode(made).decode()}", "key_version": version}
        }

    def _decrypt(self, name: str, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if name not in self.keys:
            return _errors(400, "encryption key not found")
        try:
            _, version, text = given["ciphertext"].split(":")
            sealed, number = base64.b64decode(text, validate=True), int(version[1:])
        except ValueError:
            return _errors(400, "invalid ciphertext: could not decode base64")
        if number > len(self.keys[name]):
            return _errors(400, "invalid ciphertext: version is too new")
        if number < self.min_decryption_version:
            return _errors(400, "ciphertext or signature version is disallowed by policy (too old)")
        try:
            bound = base64.b64decode(given.get("associated_data", ""))
            plain = AESGCM(self.keys[name][number - 1]).decrypt(sealed[:12], sealed[12:], bound)
        except (InvalidTag, ValueError):
            return _errors(400, "cipher: message authentication failed")
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


def _errors(status: int, text: str) -> tuple[int, dict[str, Any]]:
    return status, {"errors": [text]}
