"""Key-encryption keys of one's own: in a file, or in the environment.

A key file is text: one key a line in base64, the newest last, ``#`` starts a comment. The newest key seals; older keys
only open. The file is read again when it has changed, so that many processes change over without a restart. A key
that is taken out of it goes on opening in processes that have read it, until they end.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from sellerport.errors import KeyMissing, VaultError
from sellerport.server.vault.cipher import KEY_BYTES, Cipher, Identity, tampered

log = logging.getLogger(__name__)

FORMAT_1 = b"\x01"
ID_BYTES = 4
FORMAT_1_HEADER = len(FORMAT_1) + ID_BYTES

HOW = "make one with `sellerport key new`"


class Keyring:
    """Local keys.

    Args:
        keys: 32 bytes each, the newest last.
        random: a source of unpredictable bytes.
        path: the file that they were read from, to read it again when it changes.
    """

    scheme = ""

    def __init__(
        self, keys: Sequence[bytes], random: Callable[[int], bytes] = os.urandom, *, path: Path | None = None
    ) -> None:
        if not keys:
            raise KeyMissing(f"the vault has no key; {HOW}")
        self._random = random
        self._path = path
        self._stamp = _stamp(path)
        self._ciphers: dict[str, Cipher] = {}
        self._newest = ""
        self._take(keys)

    @classmethod
    def of_file(cls, path: Path, random: Callable[[int], bytes] = os.urandom) -> Keyring:
        """Return the keys of a file.

        Raises:
            KeyMissing, VaultError: see `read_key_file`.
        """
        stamp = _stamp(path)  # before it is read: a change in between is found the next time
        keyring = cls(read_key_file(path), random, path=path)
        keyring._stamp = stamp
        return keyring

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.key_ids)})"

    @property
    def key_ids(self) -> list[str]:
        """The ids of the keys, the newest last."""
        self._look()
        return [*(id for id in self._ciphers if id != self._newest), self._newest]

    async def wrap(self, key: bytes, identity: Identity) -> tuple[str, bytes]:
        """As `Provider.wrap`."""
        self._look()
        return self._newest, self._ciphers[self._newest].seal(key, identity)

    async def unwrap(self, key_id: str, wrapped: bytes, identity: Identity) -> bytes:
        """As `Provider.unwrap`."""
        return self._cipher(key_id).open(wrapped, identity)

    def open_first(self, record: bytes, identity: Identity) -> bytes:
        """Open a record of format 1, which a key sealed itself: format, id (4 bytes), nonce, ciphertext, tag.

        Raises:
            KeyMissing: it was sealed with a key that is not here; its id is named.
            Tampered: it does not open.
        """
        if record[:1] != FORMAT_1 or len(record) < FORMAT_1_HEADER:
            raise tampered()
        cipher = self._cipher(first_key_id(record))
        return cipher.open(record[FORMAT_1_HEADER:], identity, record[:FORMAT_1_HEADER])

    async def rotate(self) -> None:
        """Add a new key to the file; as `Provider.rotate`."""
        path = self._file("a new key goes there, below the others (`sellerport key new` makes one)")
        key = new_key(self._random)
        rewrite(path, lambda text: text.rstrip("\n") + "\n" + _lines(key))

    async def retire(self, key_id: str) -> None:
        """Take a key out of the file; as `Provider.retire`."""
        path = self._file(f"take the key {key_id} out there")
        about = f"# Sellerport vault key {key_id}:"

        def without(text: str) -> str:
            kept = [line for line in text.splitlines() if not line.startswith(about) and _line_id(line) != key_id]
            return "\n".join(kept) + "\n"

        rewrite(path, without)

    def _file(self, instead: str) -> Path:
        if self._path is None:
            raise VaultError(f"the vault's keys are in SELLERPORT_VAULT_KEY: {instead}, and restart")
        return self._path

    def _cipher(self, key_id: str) -> Cipher:
        self._look()
        if key_id not in self._ciphers:
            self._read()  # another process may have a newer key already, and a file system old news of the file
        if key_id not in self._ciphers:
            raise key_missing(key_id, self.key_ids)
        return self._ciphers[key_id]

    def _look(self) -> None:
        """Read the file again if it has changed."""
        if self._path is not None and _stamp(self._path) != self._stamp:
            self._read()

    def _read(self) -> None:
        if self._path is None:
            return
        self._stamp = _stamp(self._path)
        try:
            self._take(read_key_file(self._path))
        except VaultError as error:
            log.warning("the vault's keys stay as they were: %s", error)

    def _take(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            self._newest = _id(key)
            self._ciphers.setdefault(self._newest, Cipher(key, self._random))


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
        if not _content(line):
            continue
        key = _key(line)
        if key is None:
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
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(_lines(key).encode())
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path)
    except FileExistsError:
        raise VaultError(f"{path} exists already; it is left as it is, as grants may be sealed with its keys") from None
    except OSError as error:
        raise _unwritable(path, error) from None
    return _id(key)


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Change a key file: wholly or not at all, one process at a time, and with its owner and mode.

    Raises:
        VaultError: it cannot be written, or another process is changing it; nothing was changed.
    """
    path = path.resolve()  # a link stays one
    draft = path.with_name(path.name + ".new")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise VaultError(
            f"{draft} is there: another process is changing the keys, or was ended while it did; "
            "if there is none, delete it and try again"
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            was, now = path.stat(), os.fstat(file.fileno())
            if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
                os.chown(draft, was.st_uid, was.st_gid)  # or the server could not read it any more
            draft.chmod(was.st_mode & 0o777)
            file.write(change(path.read_text("utf-8")).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        draft.unlink(missing_ok=True)


def key_missing(key_id: str, here: Sequence[str] = ()) -> KeyMissing:
    """Return the error for a key that is not here."""
    known = f" (here: {', '.join(here)})" if here else ""
    how = "put that key back, above the newest" if ":" not in key_id else "name the service that has it in the settings"
    return KeyMissing(f"sealed with the vault key {key_id}, which is not here{known}; {how}")


def first_key_id(record: bytes) -> str:
    """Return the id of the key that sealed a record of format 1."""
    return record[len(FORMAT_1) : FORMAT_1_HEADER].hex()


def _content(line: str) -> str:
    return line.partition("#")[0].strip()


def _key(line: str) -> bytes | None:
    try:
        key = base64.b64decode(_content(line), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _line_id(line: str) -> str | None:
    key = _key(line)
    return _id(key) if key else None


def _lines(key: bytes) -> str:
    about = f"# Sellerport vault key {_id(key)}: whoever has it can open every grant; without it none opens.\n"
    return about + base64.b64encode(key).decode() + "\n"


def _id(key: bytes) -> str:
    return hashlib.sha256(key).digest()[:ID_BYTES].hex()


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def _sync_folder(path: Path) -> None:
    with suppress(OSError):  # not every file system can
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _unwritable(path: Path, error: OSError) -> VaultError:
    return VaultError(f"the vault key file {path} cannot be written: {error.strerror}")
