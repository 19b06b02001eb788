"""The journal of what Amazon gave: what is in it is found again, and nothing else is taken for it."""

from __future__ import annotations

import fcntl
import subprocess
import sys

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


def test_an_entry_is_not_there_for_others_before_it_is_locked(tmp_path, monkeypatch):
    """Another process may look between the making of a file and its lock, and takes nothing away."""
    journal, other, lock = Journal(tmp_path, Refresh), Journal(tmp_path, Refresh), fcntl.flock
    seen = []

    def looking(handle, how):
        if how == fcntl.LOCK_EX:
            seen.append(list(other.left_behind()))
        lock(handle, how)

    monkeypatch.setattr("sellerport.server.hub.journal.fcntl.flock", looking)
    entry = journal.begin(f"{ID}.1", BEGUN)
    assert (seen, list(other.left_behind())) == ([[]], [])
    entry.close()
    ((left, found),) = other.left_behind()
    assert (left.name, found) == (f"{ID}.1", BEGUN)
    left.remove()


def test_what_a_process_left_before_its_entry_had_a_name_is_removed_an_hour_later(tmp_path):
    now = (tmp_path / "x.new").write_bytes(b"") or (tmp_path / "x.new").stat().st_mtime
    assert list(Journal(tmp_path, Refresh, lambda: now + 3599).left_behind()) == []
    assert list(tmp_path.iterdir()) != []
    assert list(Journal(tmp_path, Refresh, lambda: now + 3601).left_behind()) == []
    assert list(tmp_path.iterdir()) == []
