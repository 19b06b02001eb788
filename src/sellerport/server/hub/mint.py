"""Makes ids and secrets, and the hashes by which secrets are known afterwards."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import uuid
from collections.abc import Callable

SECRET_BYTES = 32


class Mint:
    """Makes ids and secrets from a source of unpredictable bytes."""

    def __init__(self, random: Callable[[int], bytes] = os.urandom) -> None:
        self._random = random

    def id(self) -> str:
        """Make a UUID; it names something and opens nothing."""
        return str(uuid.UUID(bytes=self._random(16), version=4))

    def secret(self, prefix: str) -> str:
        """Make a secret of 256 bits; its prefix tells secret scanners, and people, what it is."""
        return prefix + base64.urlsafe_b64encode(self._random(SECRET_BYTES)).rstrip(b"=").decode()

    def webhook_secret(self) -> str:
        """Make a secret to sign webhooks with, in the form of Standard Webhooks: ``whsec_`` and 256 bits in base64."""
        return "whsec_" + base64.b64encode(self._random(SECRET_BYTES)).decode()


def digest(secret: str) -> str:
    """Return what is stored of a secret. It has 256 random bits, so that a plain SHA-256 cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same(secret: str | None, stored: str | None) -> bool:
    """Return whether a secret is the one stored, in a time that does not depend on how much of it is right."""
    return hmac.compare_digest(digest(secret or ""), stored or "") and stored is not None
