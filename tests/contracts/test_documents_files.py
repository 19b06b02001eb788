"""Files that documents are written to: in full or not at all, wherever that is, and read from again."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Any

import pytest

from sellerport.documents import Document
from sellerport.documents.files import Sink
from sellerport.errors import DocumentError, InvalidArguments


def test_a_file_that_is_replaced_hands_down_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "report.tsv"
    for mode in (0o600, 0o640, 0o444):
        target.touch()
        target.chmod(mode)
        Document(b"secret").save(target)
        assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"secret", mode)
        target.unlink()


def test_a_file_is_on_the_disk_before_its_name_is_and_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, seen = tmp_path / "report.tsv", []

    def fsync(opened: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(opened).st_mode) else "file"
        seen.append((kind, os.fstat(opened).st_size if kind == "file" else None, target.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    Document(b"sku\n").save(target)
    assert seen == [("file", 4, False), ("folder", None, True)]


def test_a_folder_that_may_not_be_read_takes_files_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, who may read anything
    assert Document(b"sku\n").save(tmp_path / "report.tsv").read_bytes() == b"sku\n"


def test_an_unfinished_file_takes_nobodys_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "taken")
    (tmp_path / ".taken.part").write_text("somebody's")
    with pytest.raises(DocumentError, match=r"cannot be written to .*File exists"):
        Document(b"sku\n").save(tmp_path / "report.tsv")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(".taken.part", "somebody's")]


def test_names_may_be_as_long_as_the_disk_takes(tmp_path: Path) -> None:
    assert Document(b"sku\n").save(tmp_path / ("ー" * 83 + ".tsv")).read_bytes() == b"sku\n"


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "ー" * 100, "x" * 300 + "/y", "loop", "loop/y", 5])
def test_what_can_be_no_name_of_a_file_is_refused(tmp_path: Path, name: Any) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InvalidArguments, match=r"^to: "):
        Document(b"sku\n").save(f"{tmp_path}/{name}" if isinstance(name, str) else name)


def test_a_sink_that_is_rewound_forgets_how_what_came_after_ended() -> None:
    sink = Sink(None)
    sink.write([b"a\n"])
    sink.write([b"b"])
    assert not sink.ends_line
    sink.rewind(2)
    assert (sink.ends_line, sink.size) == (True, 2)
    sink.write([b"c"])
    sink.rewind(0)
    assert (sink.ends_line, sink.commit()) == (True, b"")


def test_a_document_whose_file_is_gone_says_so_and_is_still_shown(tmp_path: Path) -> None:
    found = Document(Document(b"sku\n1\n").save(tmp_path / "report.tsv"), id="7")
    (tmp_path / "report.tsv").unlink()
    assert repr(found).startswith("Document(id='7', gone, ")
    for read in ("size", "empty", "bytes", "text", "encoding", "rows", "json", "open"):
        with pytest.raises(DocumentError, match=r"cannot be read from .*report\.tsv.*No such file") as gone:
            _ = getattr(found, read)()
        assert gone.value.id == "7"
    with pytest.raises(DocumentError, match="cannot be read from"):
        found.save(tmp_path / "copy.tsv")
    assert list(tmp_path.iterdir()) == []
