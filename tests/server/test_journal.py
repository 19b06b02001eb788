"""The journal of what Amazon gave: what is in it is found again, and nothing else is taken for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from sellerport.errors import StoreError
from sellerport.server.hub.journal import ROOM_BYTES, Journal, Refresh

ID = "96484b0f-91bd-4ef7-bde0-2a5c97adeb70"
BEGUN = Refresh(ID, generation=3, lease=7)
CAME = msgspec.structs.replace(BEGUN, columns={"sealed_grant": b"\x02" + b"g" * 600, "grant_generation": 4})


def found(journal, beginning=""):
    """Look at what was left behind, and leave it there."""
    held = []
    for entry, refresh in journal.left_behind(beginning):
        held.append(refresh)
        entry.close()
    return held


def test_an_entry_of_a_refresh_under_way_is_nobody_elses(tmp_path):
    journal = Journal(tmp_path / "journal", Refresh)
    entry = journal.begin(f"{ID}.1", BEGUN)
    assert found(journal) == []
    entry.write(CAME)
    assert found(Journal(tmp_path / "journal", Refresh)) == []
    entry.remove()
    assert list((tmp_path / "journal").iterdir()) == []


def test_what_a_process_leaves_is_found_with_what_came_or_without(tmp_path):
    journal = Journal(tmp_path, Refresh)
    journal.begin(f"{ID}.1", BEGUN).close()
    second = journal.begin(f"{ID}.2", BEGUN)
    second.write(CAME)
    second.close()
    assert found(journal) == [BEGUN, CAME]
    assert found(journal, f"{ID}.") == [BEGUN, CAME]
    assert found(journal, "another") == []
    for entry, _ in journal.left_behind():
        entry.remove()
    assert found(journal) == []


def test_only_one_takes_up_what_was_left(tmp_path):
    journal = Journal(tmp_path, Refresh)
    journal.begin(f"{ID}.1", BEGUN).close()
    ((entry, _),) = journal.left_behind()
    assert found(journal) == []
    entry.close()
    assert found(journal) == [BEGUN]


def test_an_entry_may_hold_more_than_was_foreseen(tmp_path):
    journal = Journal(tmp_path, Refresh)
    large = msgspec.structs.replace(CAME, columns={"sealed_grant": bytes(3 * ROOM_BYTES)})
    entry = journal.begin(f"{ID}.1", BEGUN)
    entry.write(large)
    entry.close()
    assert found(journal) == [large]


@pytest.mark.parametrize("kept", [0, 4, 8, 30, 700])
def test_an_entry_that_was_written_in_part_is_no_entry(tmp_path, kept, caplog):
    """A machine that lost its power in the middle of it."""
    journal = Journal(tmp_path, Refresh)
    entry = journal.begin(f"{ID}.1", BEGUN)
    entry.write(CAME)
    entry.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    assert found(journal) == [None]
    assert ("is damaged" in caplog.text) == (kept > 0)


def test_an_entry_is_readable_by_its_user_alone_and_shows_nothing(tmp_path):
    journal = Journal(tmp_path / "journal", Refresh)
    entry = journal.begin(f"{ID}.1", BEGUN)
    (path,) = (tmp_path / "journal").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert repr(CAME) == f"Refresh({ID}, after generation 3)"
    entry.close()


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"file/journal cannot be written .* SELLERPORT_JOURNAL"):
        Journal(tmp_path / "file" / "journal", Refresh).begin(f"{ID}.1", BEGUN)


FULL = """
import resource, signal, sys
from pathlib import Path
from sellerport.errors import StoreError
from sellerport.server.hub.journal import Journal, Refresh
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
try:
    Journal(Path(sys.argv[1]), Refresh).begin(f"{sys.argv[2]}.1", Refresh(sys.argv[2], 1, 1))
except StoreError as error:
    print(error)
"""


def test_a_disk_without_room_is_noticed_before_anything_is_asked(tmp_path):
    """RL-7: files of this process may not be as large as an entry; nothing is left of it."""
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "journal"), ID], capture_output=True, text=True, check=True
    )
    assert "without it nothing is asked for that could be lost; make room" in ran.stdout
    assert list((tmp_path / "journal").iterdir()) == []


def test_an_entry_that_is_taken_away_while_it_is_made_is_not_believed(tmp_path, monkeypatch):
    """Another process may look between the making of a file and its lock."""
    journal, begin = Journal(tmp_path, Refresh), os.fstat

    def taken(handle):
        for path in tmp_path.glob("*.refresh"):
            path.unlink()
        return begin(handle)

    monkeypatch.setattr("sellerport.server.hub.journal.os.fstat", taken)
    with pytest.raises(StoreError, match="cannot be written"):
        journal.begin(f"{ID}.1", BEGUN)
    monkeypatch.undo()
    assert Path(tmp_path).exists()
