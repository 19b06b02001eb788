"""Seals secrets in envelopes; knows nothing of settings or databases: bytes in, bytes out.

Each row that holds secrets has a data key of its own (`DataKey`), which seals its fields. The data key is kept beside
them, sealed by a key-encryption key: one of a file or the environment (`Keyring`), of AWS KMS (`AwsKms`), or of a
Vault or OpenBao server (`Transit`). Changing the key-encryption key touches the sealed data keys, and no field.

A sealed data key is

    1 byte    2, or 3 if the secret of its owner is needed too (`held`)
    1 byte    the length of the id of the key-encryption key
    the id    ``3ba3f5f4``: the start of a local key's SHA-256; ``kms:`` and an ARN; ``transit:``, a name and a version
    the rest  what that key made of it; by a local key: 12 random bytes, ciphertext and tag of AES-256-GCM

A sealed field is

    1 byte    2
    12 bytes  the nonce, random
    the rest  ciphertext and tag of AES-256-GCM under the data key

Both are bound to an `Identity`, the place where they are kept: what was altered, or copied to another row, column or
organization, does not open. Records of format 1 were sealed by a local key itself (`Keyring.open_first`).

>>> import asyncio
>>> vault = Vault(Keyring([new_key()]))
>>> key = asyncio.run(vault.new_key(("connections", "7", "acme")))
>>> record = key.seal(b"a grant", ("connections", "7", "grant", "acme", "1"))
>>> key = asyncio.run(vault.open_key(key.sealed, ("connections", "7", "acme")))
>>> key.open(record, ("connections", "7", "grant", "acme", "1"))
b'a grant'
>>> key.open(record, ("connections", "7", "grant", "acme", "2"))
Traceback (most recent call last):
sellerport.errors.Tampered: a sealed record does not open: it was altered, moved to another row, or sealed elsewhere
"""

from sellerport.server.vault.aws import AwsKms
from sellerport.server.vault.cipher import Identity
from sellerport.server.vault.envelope import DataKey, Provider, Remembered, Vault, key_id, key_tag
from sellerport.server.vault.keyring import Keyring, create_key_file, new_key, read_key_file, read_keys
from sellerport.server.vault.transit import Transit

__all__ = [
    "AwsKms",
    "DataKey",
    "Identity",
    "Keyring",
    "Provider",
    "Remembered",
    "Transit",
    "Vault",
    "create_key_file",
    "key_id",
    "key_tag",
    "new_key",
    "read_key_file",
    "read_keys",
]
