"""Where a document goes: into memory, or into a file that is there in full or not at all.

A file is written beside its target under another name, and takes its place when it is complete and on the disk. A full
disk, a lost connection or a process that ends leaves what was at the target as it was; only a process that is killed
leaves the unfinished file behind, as ``.<name>.<random>.part``.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from sellerport.errors import DocumentError, InvalidArguments, Problem

COPIED = 1 << 20
"""How many bytes of a file are held while it is copied."""


def target(to: str | os.PathLike[str] | None, *, folder: bool = False) -> Path | None:
    """Return where to write, after looking whether that can be done: before Amazon is given work, not after.

    Raises:
        InvalidArguments: there is no such folder, it cannot be written to, or the target is of the wrong kind.
    """
    if to is None:
        return None
    path = Path(to)
    path = path.resolve() if path.is_symlink() else path  # the file is replaced, and not the link to it
    place = path if folder else path.parent
    problem = None
    if not place.is_dir():
        problem = f"the folder {str(place)!r} does not exist"
    elif not os.access(place, os.W_OK):
        problem = f"the folder {str(place)!r} cannot be written to"
    elif not folder and path.exists() and not path.is_file():
        problem = f"{str(path)!r} is no file; name one, and it is replaced"
    if problem is not None:
        raise InvalidArguments(problems=[Problem("to", problem)])
    return path


class Sink:
    """Takes the pieces of a document, in memory or in a file.

    Nothing is at the target before `commit`; `discard` leaves no trace, and does nothing after a `commit`.

    Raises:
        DocumentError: the disk does not take it, from every method.
    """

    def __init__(self, to: Path | None) -> None:
        self._to = to
        self._part = None if to is None else to.with_name(f".{to.name[:200]}.{secrets.token_hex(4)}.part")
        self._file: BinaryIO = io.BytesIO() if self._part is None else self._open(self._part)
        self._last = b""

    def _open(self, part: Path) -> BinaryIO:
        try:
            return part.open("xb")
        except OSError as error:
            raise self._unwritten(error) from error

    def write(self, pieces: Iterable[bytes]) -> None:
        """Append all of the pieces."""
        for piece in pieces:
            try:
                self._file.write(piece)
            except OSError as error:
                raise self._unwritten(error) from error
            self._last = piece[-1:] or self._last

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._file.tell()

    @property
    def ends_line(self) -> bool:
        """Whether nothing was written, or the last byte ends a line."""
        return self._last in (b"", b"\n")

    def rewind(self, size: int) -> None:
        """Forget everything after the first ``size`` bytes."""
        self._file.seek(size)
        self._file.truncate()
        self._last = b"\n" if size else b""  # what stays is whole pages, each of which was made to end its line

    def commit(self) -> bytes | Path:
        """Return the bytes, or the file that is now complete and on the disk."""
        if self._to is None or self._part is None:
            assert isinstance(self._file, io.BytesIO)
            return self._file.getvalue()
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._to)
            _sync_folder(self._to.parent)
        except OSError as error:
            raise self._unwritten(error) from error
        self._part = None
        return self._to

    def discard(self) -> None:
        """Throw away what is not committed."""
        if self._part is None:
            return
        try:
            self._file.close()  # which writes what it still holds
        except OSError:
            pass
        finally:
            self._part.unlink(missing_ok=True)

    def _unwritten(self, error: OSError) -> DocumentError:
        return DocumentError(f"the document cannot be written to {str(self._to)!r}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    """Make the new name of a file last (POSIX says so of ``fsync`` only for the folder itself)."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows keeps it without
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
