"""A key-encryption key in AWS KMS, through boto3 (``pip install 'sellerport[aws]'``).

The identity of what is sealed goes along as the encryption context, so that KMS itself refuses a data key that was
moved, and AWS CloudTrail says for which row a key was used. Credentials and region are found as boto3 finds them; a
key's ARN names the region too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from sellerport.errors import KeyMissing, SettingsError, VaultError, VaultUnavailable
from sellerport.server.vault.cipher import Identity, tampered
from sellerport.wire import Wire

CONNECT_S = 3
READ_S = 5
ATTEMPTS = 3

_TAMPERED = {"InvalidCiphertextException", "IncorrectKeyException"}
_NOT_OURS = {"AccessDeniedException", "NotFoundException"}


class AwsKms:
    """A symmetric key of AWS KMS.

    Args:
        key: its ARN, id or alias.
        wire: in a thread of which boto3 waits.
        client: boto3's client for KMS; by default one for the key's region.

    Raises:
        SettingsError: boto3 is not installed, or knows no region.
    """

    scheme = "kms"
    key_ids = ()

    def __init__(self, key: str, wire: Wire, client: Any = None) -> None:
        self._key = key
        self._wire = wire
        self._client = client or _client(key)

    def __repr__(self) -> str:
        return f"AwsKms({self._key!r})"

    async def wrap(self, key: bytes, identity: Identity) -> tuple[str, bytes]:
        """As `Provider.wrap`; https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html."""
        context = _context(identity)
        answer = await self._ask(
            self._key, lambda: self._client.encrypt(KeyId=self._key, Plaintext=key, EncryptionContext=context)
        )
        return f"kms:{answer['KeyId']}", answer["CiphertextBlob"]

    async def unwrap(self, key_id: str, wrapped: bytes, identity: Identity) -> bytes:
        """As `Provider.unwrap`; https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html."""
        arn, context = key_id.removeprefix("kms:"), _context(identity)
        answer = await self._ask(
            arn, lambda: self._client.decrypt(KeyId=arn, CiphertextBlob=wrapped, EncryptionContext=context)
        )
        if answer["KeyId"] != arn:
            raise tampered()
        plain: bytes = answer["Plaintext"]
        return plain

    async def rotate(self) -> None:
        """Refuse: AWS rotates what is behind a key by itself, and a data key does not show it."""
        raise VaultError(
            "AWS KMS rotates its keys itself (enable it there); to change to another key, name it in "
            "SELLERPORT_VAULT_KMS_KEY, restart, and run `sellerport key rewrap`"
        )

    async def retire(self, key_id: str) -> None:
        """Do nothing: the key is AWS's to disable and delete."""

    async def _ask(self, key: str, request: Callable[[], Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # noqa: PLC0415  # an extra

        try:
            return await self._wire.work(request)
        except ClientError as error:
            raise _refused(key, error.response.get("Error", {}).get("Code", "")) from None
        except BotoCoreError as error:
            raise VaultUnavailable(f"AWS KMS cannot be reached for the key {key}: {type(error).__name__}") from None


def _client(key: str) -> Any:
    try:
        import boto3  # type: ignore[import-untyped] # noqa: PLC0415  # an extra, and slow to import
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    except ImportError:
        raise SettingsError("SELLERPORT_VAULT_KMS_KEY needs boto3: pip install 'sellerport[aws]'") from None
    region = re.match(r"arn:[\w-]+:kms:([a-z0-9-]+):", key)
    retries = {"mode": "standard", "max_attempts": ATTEMPTS}
    config = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries=retries)
    try:
        return boto3.client("kms", region_name=region and region[1], config=config)
    except BotoCoreError as error:
        raise SettingsError(f"SELLERPORT_VAULT_KMS_KEY: {error}") from None


def _context(identity: Identity) -> dict[str, str]:
    return {"sellerport": "/".join(quote(part, safe="") for part in identity)}


def _refused(key: str, code: str) -> VaultError:
    if code in _TAMPERED:
        return tampered()
    if code in _NOT_OURS:
        return KeyMissing(f"AWS KMS has no key {key}, or does not let it be used here ({code}); see its key policy")
    return VaultUnavailable(f"AWS KMS does not let the key {key} be used: {code or 'no reason given'}")
