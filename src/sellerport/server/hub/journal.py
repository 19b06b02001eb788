"""A journal of what Amazon gave, for what happens between its answer and the database's commit.

Each entry is a file: made, with room on the disk, before anything is asked for, filled with what came (sealed), and
removed once the database has it. What a process leaves behind when it dies is taken up by the next one that looks.
Whoever works on an entry holds a lock on its file, which ends with the process: so one that is not locked says that its
request is over, and an empty one that nothing came of it.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from sellerport.errors import StoreError

log = logging.getLogger(__name__)

ROOM_BYTES = 16_384
"""More than an entry needs: Amazon's tokens have at most 2,048 bytes."""

UNNAMED, UNNAMED_S = ".new", 3600.0
"""What an entry's file ends in while it is made, and after how many seconds nobody makes it any more."""

_HEAD = struct.Struct(">II")
"""The length of a record, and its CRC-32: what a crash left half-written is not taken for one."""


class Refresh(msgspec.Struct, frozen=True):
    """A refresh of one connection, and, once Amazon answered, what its row is to have."""

    connection_id: str
    generation: int
    """Of the grant that is used; a newer one in the database comes before what this brings."""
    lease: int
    """The number of the lease under which it happens."""
    columns: dict[str, Any] = {}
    """As they go into the database, everything secret sealed; empty as long as nothing came."""

    def __repr__(self) -> str:
        return f"Refresh({self.connection_id}, after generation {self.generation})"


T = TypeVar("T", bound=msgspec.Struct)


class Entry(Generic[T]):
    """One request under way; whoever has it closes or removes it."""

    def __init__(self, path: Path, handle: int, kind: type[T]) -> None:
        self.name = path.stem
        self._kind = kind
        self._path = path
        self._handle = handle

    def write(self, came: T) -> None:
        """Put what came on the disk, where there is room for it.

        Raises:
            StoreError: the disk does not take it all the same.
        """
        try:
            _put(self._handle, _framed(came))
            os.fdatasync(self._handle)  # what else there is to know of the file is on the disk since it was made
        except OSError as error:
            raise _unwritable(self._path.parent, error) from error

    def name_it(self, path: Path) -> None:
        """Give it the name by which other processes know it."""
        self._path.rename(path)
        self._path = path

    def sync(self) -> None:
        """Wait until it is on the disk."""
        os.fsync(self._handle)

    def read(self) -> T | None:
        """Return what it holds; None if that was never written to its end.

        Raises:
            msgspec.DecodeError: it is whole, and of another version of this program.
        """
        found = os.pread(self._handle, os.fstat(self._handle).st_size, 0)
        length, check = _HEAD.unpack_from(found.ljust(_HEAD.size, b"\0"))
        data = found[_HEAD.size : _HEAD.size + length]
        if length and len(data) == length and zlib.crc32(data) == check:
            return msgspec.msgpack.decode(data, type=self._kind)
        if length:
            log.error("the journal's entry %s is damaged; what it was to hold is lost", self._path.name)
        return None

    def remove(self) -> None:
        """Forget the entry: the database has it, or nothing came."""
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave the entry to be taken up."""
        os.close(self._handle)


class Journal(Generic[T]):
    """A folder of entries; any number of processes of one machine may share it.

    Args:
        folder: made if it is not there, for this user alone.
        kind: what its entries hold.
        clock: seconds since the epoch, as the folder's files have them.
    """

    def __init__(self, folder: Path, kind: type[T], clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._kind = kind
        self._clock = clock

    def begin(self, name: str, about: T | None = None) -> Entry[T]:
        """Make an entry, with room on the disk, before anything is asked for that could be lost.

        Args:
            name: one that no other entry has.
            about: what is about to happen.

        Raises:
            StoreError: there is no room, or the folder cannot be written; ask for nothing.
        """
        return self.begin_all([(name, about)])[0]

    def begin_all(self, wanted: Sequence[tuple[str, T | None]]) -> list[Entry[T]]:
        """Make many entries as `begin` does, all of them or none; they wait for the disk together."""
        made: list[Entry[T]] = []
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, about in wanted:
                self._make(self._folder / f"{name}.refresh", about, made)
            for entry in made:
                entry.sync()
            self._sync_folder()
        except OSError as error:
            for entry in made:
                with suppress(OSError):
                    entry.remove()
            raise _unwritable(self._folder, error) from error
        return made

    def _make(self, path: Path, about: T | None, made: list[Entry[T]]) -> None:
        # it has its name only when it is locked: before, another process would take it for one left behind
        unnamed = path.with_suffix(UNNAMED)
        handle = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        entry = Entry(unnamed, handle, self._kind)
        made.append(entry)  # before anything can fail
        fcntl.flock(handle, fcntl.LOCK_EX)
        _put(handle, (_framed(about) if about is not None else b"").ljust(ROOM_BYTES, b"\0"))
        entry.name_it(path)

    def left_behind(self, beginning: str = "") -> Iterator[tuple[Entry[T], T | None]]:
        """Yield the entries that nobody works on, all or those whose names begin like this; see `Entry.read`."""
        for path in self._folder.glob(f"{beginning}*{UNNAMED}"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < self._clock() - UNNAMED_S:
                    path.unlink()
        for path in sorted(self._folder.glob(f"{beginning}*.refresh")):
            try:
                handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # whoever had it is done
            entry = Entry(path, handle, self._kind)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                entry.close()
                continue
            if os.fstat(handle).st_nlink == 0:  # it was done between the two
                entry.close()
                continue
            try:
                found = entry.read()
            except msgspec.DecodeError:
                log.exception("the journal's entry %s is left: another version of Sellerport wrote it", path.name)
                entry.close()
                continue
            yield entry, found

    def _sync_folder(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_all(came: Sequence[tuple[Entry[T], T]]) -> list[StoreError | None]:
    """Put what came into many entries, as `Entry.write` does; return what went wrong with each."""
    failed: list[StoreError | None] = []
    for entry, one in came:
        try:
            entry.write(one)
        except StoreError as error:
            failed.append(error)
        else:
            failed.append(None)
    return failed


def remove_all(entries: Sequence[Entry[T]]) -> list[None]:
    """Forget many entries."""
    for entry in entries:
        entry.remove()
    return [None] * len(entries)


def _framed(record: msgspec.Struct) -> bytes:
    data = msgspec.msgpack.encode(record)
    return _HEAD.pack(len(data), zlib.crc32(data)) + data


def _put(handle: int, data: bytes) -> None:
    if os.pwrite(handle, data, 0) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the journal {folder} cannot be written ({error.strerror}), and without it nothing is asked for that could be "
        "lost; make room, or name another folder in SELLERPORT_JOURNAL"
    )
