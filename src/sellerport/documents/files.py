"""Where a document goes: into memory, or into a file that is there in full or not at all.

A file is written beside its target under another name, and takes its place when it is complete and on the disk. A full
disk, a lost connection or a process that ends leaves what was at the target as it was; only a process that is killed
leaves the unfinished file behind, as ``.<random>.part``.
"""

from __future__ import annotations

import io
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
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
    path, problem = Path(), None
    try:
        path = Path(to)
        path = path.resolve() if path.is_symlink() else path  # the file is replaced, and not the link to it
        place = path if folder else path.parent
        if "\0" in str(path):
            problem = "cannot be the name of a file: it holds a NUL"
        elif path.is_symlink():  # still; Python before 3.13 does not resolve it at all
            problem = f"{str(path)!r} is a link that leads to itself"
        elif not place.is_dir():
            problem = f"the folder {str(place)!r} does not exist"
        elif not os.access(place, os.W_OK):
            problem = f"the folder {str(place)!r} cannot be written to"
        elif not folder and path.exists() and not path.is_file():
            problem = f"{str(path)!r} is no file; name one, and it is replaced"
    except (OSError, RuntimeError, TypeError, ValueError) as error:  # too long, a loop of links, no name
        problem = f"cannot be the name of a file: {getattr(error, 'strerror', None) or error}"
    if problem is not None:
        raise InvalidArguments(problems=[Problem("to", problem)])
    return path


class Sink:
    """Takes the pieces of a document, in memory or in a file.

    Nothing is at the target before `commit`, and nothing on the disk before the first use; `discard` leaves no trace,
    and does nothing after a `commit`. A file that is replaced hands down its mode.

    Raises:
        DocumentError: the disk does not take it, from every method.
    """

    def __init__(self, to: Path | None) -> None:
        self._to = to
        self._part: Path | None = None
        self._opened: BinaryIO | None = io.BytesIO() if to is None else None
        self._last = b""

    @property
    def _file(self) -> BinaryIO:
        if self._opened is None:
            assert self._to is not None
            part = self._to.with_name(f".{secrets.token_hex(8)}.part")
            try:
                self._opened = part.open("xb")
                self._part = part
                if self._to.exists():
                    part.chmod(stat.S_IMODE(self._to.stat().st_mode))
            except OSError as error:
                raise self._unwritten(error) from error
        return self._opened

    def write(self, pieces: Iterable[bytes]) -> None:
        """Append all of the pieces."""
        file = self._file
        for piece in pieces:
            try:
                file.write(piece)
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
        file = self._file
        if isinstance(file, io.BytesIO):
            return file.getvalue()
        assert self._to is not None
        assert self._part is not None
        try:
            file.flush()
            os.fsync(file.fileno())
            file.close()
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
        with suppress(OSError):
            self._file.close()  # which writes what it still holds
        self._part.unlink(missing_ok=True)

    def _unwritten(self, error: OSError) -> DocumentError:
        return DocumentError(f"the document cannot be written to {str(self._to)!r}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    """Make the new name of a file last (POSIX says so of ``fsync`` only for the folder itself)."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows keeps it without
        return
    with suppress(OSError):  # the file is there: that its name may not last is no reason to say that it is not
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
