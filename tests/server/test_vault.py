"""The vault: what opens, what does not, and what is said about it."""

from __future__ import annotations

import asyncio
import base64
import doctest
import hashlib
import stat
import time
from contextlib import suppress
from statistics import median

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from sellerport.errors import KeyMissing, Tampered, VaultError, VaultUnavailable, WrongSecret
from sellerport.server import vault as module
from sellerport.server.vault import (
    Keyring,
    Remembered,
    Vault,
    create_key_file,
    key_id,
    new_key,
    read_key_file,
    read_keys,
)
from sellerport.server.vault.held import is_strong

OLD, NEW = b"o" * 32, b"n" * 32
ROW = ("connections", "7", "acme")
PLACE = ("connections", "7", "grant", "acme", "3")
GRANT = b"Atzr|a-grant"
SECRET = base64.b64encode(bytes(range(32))).decode()
WEAK = "x" * 40


def vault_of(*keys):
    return Vault(Keyring(keys))


def wait(coroutine):
    return asyncio.run(coroutine)


def sealed(vault, secret=GRANT, **how):
    key = wait(vault.new_key(ROW, **how))
    return key.sealed, key.seal(secret, PLACE)


def opened(vault, key, record, row=ROW, place=PLACE, **how):
    return wait(vault.open_key(key, row, **how)).open(record, place)


def id_of(key):
    return hashlib.sha256(key).hexdigest()[:8]


def test_the_example_in_the_documentation_is_true():
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)


@given(st.binary(max_size=4096))
def test_what_was_sealed_opens_in_its_place(secret):
    vault = vault_of(NEW)
    key, record = sealed(vault, secret)
    assert secret not in record or len(secret) < 4
    assert opened(vault, key, record) == secret


@pytest.mark.parametrize("held", [None, SECRET], ids=["server", "held"])
def test_a_record_or_a_data_key_with_any_one_bit_changed_does_not_open(held):
    """VS-T6: every bit of every byte."""
    vault = vault_of(NEW)
    key, record = sealed(vault, held_secret=held)
    for bit in range(len(key) * 8):
        altered = bytearray(key)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Tampered, KeyMissing)):
            opened(vault, bytes(altered), record, held_secret=held)
    good = wait(vault.open_key(key, ROW, held_secret=held))
    for bit in range(len(record) * 8):
        altered = bytearray(record)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Tampered):
            good.open(bytes(altered), PLACE)


@given(st.binary(max_size=120))
def test_what_is_no_record_at_all_does_not_open(junk):
    """VS-T6."""
    vault = vault_of(NEW)
    with pytest.raises((Tampered, KeyMissing)):
        wait(vault.open_key(junk, ROW))
    with pytest.raises(Tampered):
        wait(vault.new_key(ROW)).open(junk, PLACE)
    with pytest.raises((Tampered, KeyMissing)):
        vault.open_first(junk, PLACE)


@given(st.integers(0, 77))
def test_a_record_cut_short_does_not_open(length):
    vault = vault_of(NEW)
    key, record = sealed(vault)
    with pytest.raises((Tampered, KeyMissing)):
        wait(vault.open_key(key[: min(length, len(key) - 1)], ROW))
    with pytest.raises(Tampered):
        opened(vault, key, record[: min(length, len(record) - 1)])


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("connections", "8", "grant", "acme", "3"),
        ("connections", "7", "client_secret", "acme", "3"),
        ("connections", "7", "grant", "other", "3"),
        ("applications", "7", "grant", "acme", "3"),
        ("connections", "7", "grant", "acme", "2"),
        ("connections", "7", "grant", "acme", "4"),
        ("connections7", "", "grant", "acme", "3"),
        ("connections", "7", "grantacme", "3"),
        ("connections", "7", "grant", "acme"),
    ],
)
def test_a_record_moved_to_another_place_or_generation_does_not_open(elsewhere):
    """VS-T5."""
    vault = vault_of(NEW)
    with pytest.raises(Tampered):
        opened(vault, *sealed(vault), place=elsewhere)


@given(st.tuples(*[st.text(max_size=8)] * 3))
def test_a_data_key_moved_to_another_row_does_not_open(elsewhere):
    """VS-T5."""
    vault = vault_of(NEW)
    key, _ = sealed(vault)
    if elsewhere != ROW:
        with pytest.raises(Tampered):
            wait(vault.open_key(key, elsewhere))


def test_all_that_does_not_open_is_told_alike():
    """VS-T5: which reason it was would help whoever altered it."""
    vault, told = vault_of(NEW), set()
    key, record = sealed(vault)
    for attempt in (
        lambda: opened(vault, key[:-1] + b"x", record),
        lambda: opened(vault, key, record, row=("connections", "8", "acme")),
        lambda: opened(vault, key, record, place=(*PLACE[:4], "2")),
        lambda: opened(vault, wait(vault.new_key(ROW)).sealed, record),
        lambda: opened(vault, key, record[:9]),
        lambda: opened(vault, b"", record),
    ):
        with pytest.raises(Tampered) as caught:
            attempt()
        told.add(str(caught.value))
    assert len(told) == 1


def test_nonces_do_not_repeat_in_a_million_writes():
    """VS-T7."""
    key = wait(vault_of(NEW).new_key(ROW))
    assert len({key.seal(b"", PLACE)[1:13] for _ in range(1_000_000)}) == 1_000_000


def test_each_row_has_a_data_key_of_its_own():
    vault = vault_of(NEW)
    (one, first), (other, second) = sealed(vault), sealed(vault)
    assert one[:10] == other[:10]
    assert one[10:22] != other[10:22]
    assert first[1:13] != second[1:13]
    with pytest.raises(Tampered):
        opened(vault, one, second)


def test_neither_keys_nor_secrets_are_shown():
    vault = vault_of(OLD)
    key = wait(vault.new_key(ROW))
    assert repr(vault) == f"Vault({id_of(OLD)})"
    assert repr(key) == f"DataKey(sealed with {id_of(OLD)})"


# keys


def test_the_newest_key_seals_and_older_ones_still_open():
    before, first = sealed(vault_of(OLD))
    vault = vault_of(OLD, NEW)
    after, second = sealed(vault)
    assert [key_id(before), key_id(after)] == vault.key_ids == [id_of(OLD), id_of(NEW)]
    assert opened(vault, before, first) == opened(vault, after, second) == GRANT
    assert opened(vault_of(NEW), after, second) == GRANT


def test_a_rewrapped_data_key_needs_the_old_key_no_more():
    key, record = sealed(vault_of(OLD))
    again = wait(vault_of(OLD, NEW).rewrap(key, ROW))
    assert key_id(again) == id_of(NEW)
    assert opened(vault_of(NEW), again, record) == GRANT
    with pytest.raises(KeyMissing):
        opened(vault_of(OLD), again, record)


def test_a_missing_key_is_named_by_its_id_and_never_shown():
    """VS-T4."""
    key, record = sealed(vault_of(OLD))
    with pytest.raises(KeyMissing) as caught:
        opened(vault_of(NEW), key, record)
    assert id_of(OLD) in str(caught.value)
    assert "o" * 32 not in str(caught.value)


def test_a_vault_without_a_key_says_how_to_make_one():
    with pytest.raises(KeyMissing, match="sellerport key new"):
        Keyring([])


def first_format(key, secret, place):
    """Seal as format 1 did: format, the key's id, nonce, ciphertext and tag; bound to header and place."""
    header, nonce = b"\x01" + hashlib.sha256(key).digest()[:4], bytes(range(12))
    bound = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in place)
    return header + nonce + AESGCM(key).encrypt(nonce, secret, header + bound)


def test_records_of_format_1_open_and_no_other_way():
    record = first_format(OLD, GRANT, PLACE[:4])
    vault = vault_of(OLD, NEW)
    assert key_id(record) == id_of(OLD)
    assert vault.open_first(record, PLACE[:4]) == GRANT
    with pytest.raises(Tampered):
        vault.open_first(record, ("connections", "8", "grant", "acme"))
    with pytest.raises(KeyMissing, match=id_of(OLD)):
        vault_of(NEW).open_first(record, PLACE[:4])
    with pytest.raises(KeyMissing, match=id_of(OLD)):
        Vault(Remembered(Elsewhere())).open_first(record, PLACE[:4])
    with pytest.raises(Tampered):
        wait(vault.open_key(record, ROW))
    with pytest.raises(Tampered):
        wait(vault.new_key(ROW)).open(record, PLACE[:4])


# the file


def line(key):
    return base64.b64encode(key).decode() + "\n"


def test_a_key_that_is_added_seals_at_once_in_a_vault_that_is_open(tmp_path):
    """VS-T1."""
    path = tmp_path / "key"
    path.write_text(line(OLD))
    vault = Vault(Keyring.of_file(path))
    before, first = sealed(vault)
    path.write_text(line(OLD) + line(NEW))
    after, second = sealed(vault)
    assert (key_id(before), key_id(after)) == (id_of(OLD), id_of(NEW))
    assert opened(vault, before, first) == opened(vault, after, second) == GRANT


def test_a_key_that_another_process_has_already_is_looked_for_in_the_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(line(OLD))
    vault = Vault(Keyring.of_file(path))
    path.write_text(line(OLD) + line(NEW))
    assert opened(vault, *sealed(vault_of(NEW))) == GRANT


@pytest.mark.parametrize("text", [None, "", "half a li"])
def test_a_file_that_is_lost_or_broken_leaves_an_open_vault_as_it_was(tmp_path, text, caplog):
    path = tmp_path / "key"
    path.write_text(line(OLD))
    vault = Vault(Keyring.of_file(path))
    path.unlink() if text is None else path.write_text(text)
    for _ in range(3):
        assert opened(vault, *sealed(vault)) == GRANT
    assert caplog.text.count("the vault's keys stay as they were") == 1
    path.write_text(line(OLD) + line(NEW))
    assert key_id(sealed(vault)[0]) == id_of(NEW)


def test_a_key_file_is_rotated_and_retired_with_its_comments_mode_and_link(tmp_path):
    (tmp_path / "real").write_text("# ours\n" + line(OLD))
    (tmp_path / "real").chmod(0o640)
    path = tmp_path / "key"
    path.symlink_to("real")
    vault = Vault(Keyring.of_file(path))
    wait(vault.rotate())
    newest = wait(vault.find_newest())
    assert vault.key_ids == Keyring.of_file(path).key_ids == [id_of(OLD), newest]
    wait(vault.retire(id_of(OLD)))
    assert Keyring.of_file(path).key_ids == [newest]
    text = path.read_text().splitlines()
    assert (text[0], len(text), newest in text[1]) == ("# ours", 3, True)
    assert path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(file.name for file in tmp_path.iterdir()) == ["key", "real"]


def test_two_changes_of_a_key_file_do_not_overwrite_each_other(tmp_path):
    path = tmp_path / "key"
    create_key_file(path)
    before = path.read_bytes()
    (tmp_path / "key.new").touch()  # as a process that is changing it has it, or one that was killed left it
    with pytest.raises(VaultError, match=r"key\.new is there: another process is changing the keys"):
        wait(Vault(Keyring.of_file(path)).rotate())
    assert path.read_bytes() == before
    assert (tmp_path / "key.new").exists()


def test_keys_in_the_environment_are_changed_there():
    with pytest.raises(VaultError, match=r"in SELLERPORT_VAULT_KEY: a new key goes there"):
        wait(vault_of(OLD).rotate())
    with pytest.raises(VaultError, match=r"in SELLERPORT_VAULT_KEY: take the key .* out there"):
        wait(vault_of(OLD).retire(id_of(OLD)))


def test_a_key_file_is_made_for_its_owner_alone_and_never_overwritten(tmp_path):
    path = tmp_path / "key"
    id = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Keyring(read_key_file(path)).key_ids == [id]
    made = path.read_bytes()
    with pytest.raises(VaultError, match="exists already"):
        create_key_file(path)
    assert path.read_bytes() == made


def test_a_key_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(VaultError, match="cannot be written: No such file or directory"):
        create_key_file(tmp_path / "nowhere" / "key")


def test_a_key_file_holds_keys_in_order_and_comments():
    lines = ["# our keys", "", line(OLD).strip(), f"  {line(NEW).strip()}  # 2026", ""]
    assert read_keys("\n".join(lines), "the file") == [OLD, NEW]


@pytest.mark.parametrize("text", ["secret-but-short", "!" * 44, base64.b64encode(b"k" * 31).decode(), "é" * 44])
def test_a_line_that_is_no_key_is_named_by_its_number_and_not_shown(text):
    with pytest.raises(VaultError) as caught:
        read_keys(f"# keys\n{text}\n", "keys.txt")
    assert str(caught.value).startswith("keys.txt, line 2: not a vault key")
    assert text not in str(caught.value)


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


# the secret that its owner holds


def test_both_the_owners_secret_and_the_servers_key_are_needed():
    vault = vault_of(NEW)
    key, record = sealed(vault, held_secret=SECRET)
    assert opened(vault, key, record, held_secret=SECRET) == GRANT
    for given_secret in (None, SECRET[:-2] + "A=", SECRET.lower(), "", "\ud800"):
        with pytest.raises(WrongSecret):
            opened(vault, key, record, held_secret=given_secret)
    with pytest.raises(KeyMissing):
        opened(vault_of(OLD), key, record, held_secret=SECRET)
    with pytest.raises(Tampered):
        opened(Vault(Keyring([NEW])), key[:10] + bytes(12) + key[22:], record, held_secret=SECRET)


def test_a_row_that_needs_no_secret_is_not_taken_for_one_that_does():
    vault = vault_of(NEW)
    key, record = sealed(vault)
    with pytest.raises(WrongSecret):
        opened(vault, key, record, held_secret=SECRET)


def test_a_data_key_with_a_held_secret_is_rewrapped_without_it():
    key, record = sealed(vault_of(OLD), held_secret=SECRET)
    again = wait(vault_of(OLD, NEW).rewrap(key, ROW))
    assert opened(vault_of(NEW), again, record, held_secret=SECRET) == GRANT
    with pytest.raises(WrongSecret):
        opened(vault_of(NEW), again, record)


def test_one_secret_makes_another_lock_for_each_row():
    vault = vault_of(NEW)
    assert sealed(vault, held_secret=SECRET)[0] != sealed(vault, held_secret=SECRET)[0]
    key, record = sealed(vault, held_secret=SECRET)
    with pytest.raises(Tampered):
        opened(vault, key, record, row=("connections", "8", "acme"), held_secret=SECRET)


@pytest.mark.parametrize(
    "weak",
    ["", "hunter2", "a" * 64, "abab" * 16, "correct horse battery staple ok", "0123456789abcdef", "é" * 40, "1" * 20],
)
def test_a_secret_that_people_could_guess_is_stretched_before_it_locks_anything(weak):
    vault = vault_of(NEW)
    key, record = sealed(vault, held_secret=weak)
    assert opened(vault, key, record, held_secret=weak) == GRANT
    begun = time.process_time()
    with pytest.raises(WrongSecret):
        opened(vault, key, record, held_secret=weak + " ")
    assert not is_strong(weak)
    assert time.process_time() - begun > 0.005, "a guess is expensive"  # one of a generated secret takes 0.00001 s


def test_nobody_else_waits_while_a_secret_is_stretched():
    """The server's other requests go on meanwhile: whoever is known may try such a secret."""
    vault = vault_of(NEW)
    key, _ = sealed(vault, held_secret=WEAK)

    async def turns(work):
        doing, count = asyncio.ensure_future(work), 0
        while not doing.done():
            await asyncio.sleep(0)
            count += 1
        return count

    with_secret = [vault.new_key(ROW, held_secret=WEAK), vault.open_key(key, ROW, held_secret=WEAK)]
    with_secret.append(suppressed(vault.open_key(key, ("connections", "8", "acme"), held_secret=WEAK)))
    assert min(wait(turns(work)) for work in with_secret) > 20


async def suppressed(work):
    with suppress(Tampered):
        await work


@given(st.binary(min_size=16, max_size=32).filter(lambda found: len(set(found)) > 12))
def test_generated_secrets_of_128_bits_and_more_are_taken(secret):
    vault = vault_of(NEW)
    for text in (secret.hex(), secret.hex().upper(), base64.urlsafe_b64encode(secret).decode()):
        wait(vault.new_key(ROW, held_secret=text))
        assert is_strong(text)


def test_the_time_does_not_tell_a_wrong_secret_from_a_broken_row():
    vault = vault_of(NEW)
    key, _ = sealed(vault, held_secret=SECRET)
    broken = key[:-1] + bytes([key[-1] ^ 1])

    async def timed(record, raised):
        begun = time.perf_counter_ns()
        try:
            await vault.open_key(record, ROW, held_secret="x" + SECRET)
        except raised:
            return time.perf_counter_ns() - begun
        raise AssertionError

    async def scenario():
        pairs = [(await timed(key, WrongSecret), await timed(broken, Tampered)) for _ in range(3000)]
        return median(one for one, _ in pairs) / median(other for _, other in pairs)

    assert 0.6 < wait(scenario()) < 1.6


# keys that are somewhere else


class Elsewhere:
    """Keys behind a network that can go down."""

    scheme = "elsewhere"
    key_ids = ()

    def __init__(self):
        self.keyring = Keyring([NEW])
        self.down = False
        self.asked = 0

    def ask(self):
        self.asked += 1
        if self.down:
            raise VaultUnavailable("down")

    async def wrap(self, key, identity):
        self.ask()
        return "elsewhere:1", (await self.keyring.wrap(key, identity))[1]

    async def unwrap(self, key_id, wrapped, identity):
        self.ask()
        return await self.keyring.unwrap(id_of(NEW), wrapped, identity)


def test_unwrapped_keys_are_remembered_for_15_minutes_and_no_longer():
    """RL-15."""
    service, now = Elsewhere(), [0.0]
    vault = Vault(Remembered(service, clock=lambda: now[0]))
    warm, cold = sealed(vault), sealed(Vault(service))
    assert opened(vault, *warm) == GRANT
    assert service.asked == 2
    service.down = True
    now[0] = 899.0
    assert opened(vault, *warm) == GRANT
    with pytest.raises(VaultUnavailable) as caught:
        opened(vault, *cold)
    assert caught.value.status == 503
    now[0] = 900.0
    with pytest.raises(VaultUnavailable):
        opened(vault, *warm)
    service.down = False
    assert opened(vault, *warm) == opened(vault, *cold) == GRANT


def test_a_service_is_asked_once_for_a_key_that_many_need_at_once():
    """Also by whoever leaves; and what it refuses is not remembered."""
    service = Elsewhere()
    key, record = sealed(Vault(service))
    service.asked = 0

    async def scenario():
        vault = Vault(Remembered(service))
        unwrap, answer = service.unwrap, asyncio.Event()

        async def slow(*what):
            await answer.wait()
            return await unwrap(*what)

        service.unwrap = slow
        waiting = [asyncio.ensure_future(vault.open_key(key, ROW)) for _ in range(20)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        service.down = True
        answer.set()
        failed = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in failed] == [asyncio.CancelledError, *[VaultUnavailable] * 19]
        service.down, service.asked = False, 0
        keys = await asyncio.gather(*(vault.open_key(key, ROW) for _ in range(20)))
        assert {one.open(record, PLACE) for one in keys} == {GRANT}
        assert service.asked == 1

    wait(scenario())


def test_what_is_remembered_opens_in_its_own_place_alone():
    service = Elsewhere()
    vault = Vault(Remembered(service))
    key, record = sealed(vault)
    with pytest.raises(Tampered):
        opened(vault, key, record, row=("connections", "8", "acme"))
    with pytest.raises(WrongSecret):
        opened(vault, key, record, held_secret=SECRET)


def test_a_held_secret_is_needed_though_the_outer_lock_is_remembered():
    service = Elsewhere()
    vault = Vault(Remembered(service))
    key, record = sealed(vault, held_secret=SECRET)
    assert opened(vault, key, record, held_secret=SECRET) == GRANT
    service.down = True
    with pytest.raises(WrongSecret):
        opened(vault, key, record)
    assert opened(vault, key, record, held_secret=SECRET) == GRANT


def test_who_changes_to_a_service_goes_on_opening_what_local_keys_sealed():
    key, record = sealed(vault_of(OLD))
    vault = Vault(Elsewhere(), Keyring([OLD]))
    assert opened(vault, key, record) == GRANT
    again = wait(vault.rewrap(key, ROW))
    assert key_id(again) == "elsewhere:1"
    assert opened(Vault(Elsewhere()), again, record) == GRANT
    with pytest.raises(KeyMissing, match="elsewhere:1"):
        opened(vault_of(OLD), again, record)
