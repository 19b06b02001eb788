"""The vault: what opens, what does not, and what is said about it."""

from __future__ import annotations

import base64
import doctest
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sellerport.errors import KeyMissing, Tampered, VaultError
from sellerport.server import vault as module
from sellerport.server.vault import Vault, create_key_file, key_id, new_key, read_key_file, read_keys

OLD, NEW = b"o" * 32, b"n" * 32
PLACE = ("connections", "7", "grant", "acme")


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0


@given(st.binary(max_size=4096))
def test_what_was_sealed_opens_in_its_place(secret):
    vault = Vault([NEW])
    sealed = vault.seal(secret, PLACE)
    assert secret not in sealed or len(secret) < 4
    assert vault.open(sealed, PLACE) == secret


@given(st.data())
def test_a_record_with_one_bit_changed_does_not_open(data):
    """VS-T6."""
    sealed = bytearray(Vault([NEW]).seal(b"Atzr|a-grant", PLACE))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((Tampered, KeyMissing)):
        Vault([NEW]).open(bytes(sealed), PLACE)


@given(st.integers(0, 40))
def test_a_record_cut_short_does_not_open(length):
    sealed = Vault([NEW]).seal(b"Atzr|a-grant", PLACE)
    with pytest.raises((Tampered, KeyMissing)):
        Vault([NEW]).open(sealed[:length], PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("connections", "8", "grant", "acme"),
        ("connections", "7", "client_secret", "acme"),
        ("connections", "7", "grant", "other"),
        ("applications", "7", "grant", "acme"),
        ("connections7", "", "grant", "acme"),
        ("connections", "7", "grantacme"),
        ("connections", "7", "grant"),
    ],
)
def test_a_record_moved_to_another_place_does_not_open(elsewhere):
    """VS-T5."""
    vault = Vault([NEW])
    with pytest.raises(Tampered):
        vault.open(vault.seal(b"Atzr|a-grant", PLACE), elsewhere)


def test_two_sealings_of_one_secret_have_nothing_in_common():
    vault = Vault([NEW])
    one, other = vault.seal(b"Atzr|a-grant", PLACE), vault.seal(b"Atzr|a-grant", PLACE)
    assert one[:5] == other[:5]
    assert one[5:17] != other[5:17]
    assert one[17:] != other[17:]


def test_the_newest_key_seals_and_older_ones_still_open():
    before = Vault([OLD]).seal(b"Atzr|a-grant", PLACE)
    vault = Vault([OLD, NEW])
    after = vault.seal(b"Atzr|a-grant", PLACE)
    assert [key_id(before), key_id(after)] == vault.key_ids
    assert vault.open(before, PLACE) == vault.open(after, PLACE) == b"Atzr|a-grant"
    assert Vault([NEW]).open(after, PLACE) == b"Atzr|a-grant"


def test_a_missing_key_is_named_by_its_id_and_never_shown():
    """VS-T4."""
    sealed = Vault([OLD]).seal(b"Atzr|a-grant", PLACE)
    with pytest.raises(KeyMissing) as caught:
        Vault([NEW]).open(sealed, PLACE)
    assert key_id(sealed) in str(caught.value)
    assert "o" * 32 not in str(caught.value)
    assert repr(Vault([OLD])) == f"Vault({key_id(sealed)})"


def test_a_vault_without_a_key_says_how_to_make_one():
    with pytest.raises(KeyMissing, match="sellerport key new"):
        Vault([])


def test_a_key_file_is_made_for_its_owner_alone_and_never_overwritten(tmp_path):
    path = tmp_path / "key"
    id = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Vault(read_key_file(path)).key_ids == [id]
    made = path.read_bytes()
    with pytest.raises(VaultError, match="exists already"):
        create_key_file(path)
    assert path.read_bytes() == made


def test_a_key_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(VaultError, match="cannot be written: No such file or directory"):
        create_key_file(tmp_path / "nowhere" / "key")


def test_a_key_file_holds_keys_in_order_and_comments():
    lines = ["# our keys", "", base64.b64encode(OLD).decode(), f"  {base64.b64encode(NEW).decode()}  # 2026", ""]
    assert read_keys("\n".join(lines), "the file") == [OLD, NEW]


@pytest.mark.parametrize("line", ["secret-but-short", "!" * 44, base64.b64encode(b"k" * 31).decode(), "é" * 44])
def test_a_line_that_is_no_key_is_named_by_its_number_and_not_shown(line):
    with pytest.raises(VaultError) as caught:
        read_keys(f"# keys\n{line}\n", "keys.txt")
    assert str(caught.value).startswith("keys.txt, line 2: not a vault key")
    assert line not in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n"])
def test_a_file_without_a_key_says_how_to_make_one(text):
    with pytest.raises(KeyMissing, match="sellerport key new"):
        read_keys(text, "keys.txt")


def test_a_key_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(KeyMissing, match=r"there is no vault key file .*nowhere"):
        read_key_file(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(VaultError, match="binary cannot be read: it is not text"):
        read_key_file(tmp_path / "binary")
    with pytest.raises(VaultError, match="cannot be read"):
        read_key_file(tmp_path)


def test_keys_are_32_unpredictable_bytes():
    assert len(new_key()) == 32
    assert new_key() != new_key()
    assert new_key(lambda count: b"r" * count) == b"r" * 32
