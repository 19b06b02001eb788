"""Keys in AWS KMS (moto's, over HTTP) and in a transit engine: what they bind, and what happens when they are away."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import replace

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tests.server.conftest import House, InProcessWire
from tests.server.transit import TransitEngine

from sellerport import emulator
from sellerport.errors import KeyMissing, SettingsError, Tampered, VaultError, VaultUnavailable
from sellerport.server.opening import open_hub
from sellerport.server.store import Database
from sellerport.server.vault import AwsKms, Transit, Vault, key_id
from sellerport.wire import AsyncWire

ROW = ("connections", "7/8", "acme")
PLACE = ("connections", "7/8", "grant", "acme", "1")
ENGINE = "http://openbao.test"
URL = f"{ENGINE}/v1/transit"


def wait(coroutine):
    return asyncio.run(coroutine)


@pytest.fixture
def aws(monkeypatch):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environ = {
        "AWS_ENDPOINT_URL_KMS": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": "/dev/null",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


def client():
    return boto3.client("kms", region_name="eu-west-1")


@pytest.fixture
def arn(aws):
    return client().create_key()["KeyMetadata"]["Arn"]


class Wires(InProcessWire):
    """Two addresses on this machine: Amazon's and the engine's."""

    def __init__(self, amazon, engine):
        super().__init__(amazon)
        self.engine = InProcessWire(engine, ENGINE)

    async def send(self, request):
        return await (self.engine.send(request) if request.url.startswith(ENGINE) else super().send(request))


@pytest.fixture
def engine():
    return TransitEngine("s.token", "sellerport")


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text("s.token\n")
    return path


@pytest.fixture
def transit(engine, token_file):
    return Transit(URL, "sellerport", token_file, InProcessWire(engine, ENGINE))


async def work(server):
    id = await server.connect()
    assert len(await server.orders(id)) > 0


# AWS KMS


def test_a_data_key_is_sealed_by_kms_and_opened_again(arn):
    vault = Vault(AwsKms(arn, AsyncWire()))
    key = wait(vault.new_key(ROW))
    record = key.seal(b"a grant", PLACE)
    assert key_id(key.sealed) == f"kms:{arn}"
    assert arn in repr(AwsKms(arn, AsyncWire()))
    assert wait(vault.open_key(key.sealed, ROW)).open(record, PLACE) == b"a grant"


def test_kms_itself_is_told_the_row_and_refuses_another(arn):
    """VS-T5: the encryption context."""
    vault = Vault(AwsKms(arn, AsyncWire()))
    sealed = wait(vault.new_key(ROW)).sealed
    blob = sealed[2 + len(f"kms:{arn}") :]
    context = {"sellerport": "key/connections/7%2F8/acme"}
    assert len(client().decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"]) == 32
    for row in (("connections", "8", "acme"), ("connections", "7", "8/acme"), ("connections", "7/8", "other")):
        with pytest.raises(Tampered):
            wait(vault.open_key(sealed, row))


def test_what_kms_sealed_does_not_open_altered_or_under_another_key(arn):
    """VS-T6."""
    vault = Vault(AwsKms(arn, AsyncWire()))
    sealed = wait(vault.new_key(ROW)).sealed
    with pytest.raises(Tampered):
        wait(vault.open_key(sealed[:-1] + bytes([sealed[-1] ^ 1]), ROW))
    other = client().create_key()["KeyMetadata"]["Arn"]
    with pytest.raises((Tampered, KeyMissing)):
        wait(vault.open_key(sealed.replace(arn.encode(), other.encode(), 1), ROW))


def test_a_kms_key_that_is_gone_is_named(aws):
    gone = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(KeyMissing, match=f"AWS KMS has no key {gone}"):
        wait(Vault(AwsKms(gone, AsyncWire())).new_key(ROW))


def test_kms_keys_are_rotated_by_aws(arn):
    with pytest.raises(VaultError, match="AWS KMS rotates its keys itself"):
        wait(Vault(AwsKms(arn, AsyncWire())).rotate())


def test_without_boto3_the_setting_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(SettingsError, match=r"SELLERPORT_VAULT_KMS_KEY needs boto3: pip install 'sellerport\[aws\]'"):
        AwsKms("alias/sellerport", AsyncWire())


def test_a_server_changes_from_a_key_file_to_kms(house, aws, arn, tmp_path):
    house.run(work)
    house.settings = replace(house.settings, vault_kms_key=arn)

    async def change(server):
        (found,) = await server.hub.connections.all(server.caller)
        assert len(await server.orders(found.id)) > 0
        made = await server.hub.keys.rewrap()
        assert (made.key_id, made.rows, made.stuck) == (f"kms:{arn}", 4, [])
        old, newest = await server.hub.keys.all()
        assert (newest.id, newest.rows, old.rows) == (f"kms:{arn}", 4, 0)
        with pytest.raises(VaultError, match="in SELLERPORT_VAULT_KEY: take the key"):
            await server.hub.keys.retire(old.id)

    house.run(change)
    house.settings = replace(house.settings, vault_key=None)
    house.run(work)


def test_without_kms_no_server_starts_and_one_that_runs_goes_on_with_the_keys_it_has(house, aws, arn):
    """RL-15."""
    house.settings = replace(house.settings, vault_key=None, vault_kms_key=arn)

    async def scenario(server):
        cold = await server.connect("cold")
        warm = await server.connect("warm")
        async with house.open() as fresh:  # another process, which has opened nothing yet
            assert len(await fresh.orders(warm)) > 0
            aws.stop()
            assert len(await fresh.orders(warm)) > 0
            body = {"entity": "orders", "action": "list", "params": {}}
            refused = await fresh.api("POST", f"/api/v1/integrations/connectors/{cold}/execute", body)
            assert (refused.status, refused.json["errors"][0]["error_code"]) == (503, "vault_unavailable")
            assert arn not in refused.text
            ready = await fresh.api("GET", "/ready")
            assert (ready.status, ready.json) == (200, {"status": "ready"})

    house.run(scenario)
    with pytest.raises(VaultUnavailable, match=f"AWS KMS cannot be reached for the key {arn}"):
        house.run(work)


# a transit engine


def test_a_data_key_is_sealed_by_the_engine_and_opened_again(transit):
    vault = Vault(transit)
    key = wait(vault.new_key(ROW))
    record = key.seal(b"a grant", PLACE)
    assert key_id(key.sealed) == "transit:sellerport:v1"
    assert wait(vault.open_key(key.sealed, ROW)).open(record, PLACE) == b"a grant"


def test_the_engine_binds_the_row(transit):
    """VS-T5: associated data."""
    vault = Vault(transit)
    sealed = wait(vault.new_key(ROW)).sealed
    with pytest.raises(Tampered):
        wait(vault.open_key(sealed, ("connections", "8", "acme")))


def test_any_byte_of_what_the_engine_sealed_matters(transit):
    """VS-T6."""
    vault = Vault(transit)
    sealed = wait(vault.new_key(ROW)).sealed
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 2
        try:
            wait(vault.open_key(bytes(altered), ROW))
        except (Tampered, KeyMissing):
            continue
        # the word that stands before the version, and nothing else, says nothing
        assert bytes(altered)[2 + sealed[1] :].partition(b":")[2] == sealed[2 + sealed[1] :].partition(b":")[2]


def test_a_rotated_key_of_the_engine_seals_at_once_and_old_versions_are_retired(transit, engine):
    vault = Vault(transit)
    before = wait(vault.new_key(ROW)).sealed
    wait(vault.rotate())
    again = wait(vault.rewrap(before, ROW))
    assert key_id(again) == "transit:sellerport:v2"
    wait(vault.retire("transit:sellerport:v1"))
    engine.min_decryption_version = 2  # as its operator does
    assert wait(vault.open_key(again, ROW)).sealed == again
    with pytest.raises(KeyMissing, match="transit:sellerport:v1"):
        wait(vault.open_key(before, ROW))


def test_a_key_that_the_engine_has_not_is_named(transit, engine):
    sealed = wait(Vault(transit).new_key(ROW)).sealed
    engine.keys.clear()
    with pytest.raises(KeyMissing, match="transit:sellerport:v1"):
        wait(Vault(transit).open_key(sealed, ROW))


def test_an_engine_that_is_away_sealed_or_refuses_the_token_is_told(transit, engine, token_file):
    def told():
        with pytest.raises(VaultUnavailable) as caught:
            wait(Vault(transit).new_key(ROW))
        assert "s.token" not in str(caught.value)
        return str(caught.value)

    engine.down = True
    assert told() == f"the transit engine {URL} does not answer (key sellerport)"
    engine.down, engine.sealed = False, True
    assert "answers with status 503" in told()
    engine.sealed, engine.token = False, "s.another"
    assert "answers with status 403" in told()
    token_file.write_text("s.another")  # as an agent renews it
    assert key_id(wait(Vault(transit).new_key(ROW)).sealed) == "transit:sellerport:v1"
    token_file.write_text("\n")
    assert "holds no token" in told()
    token_file.unlink()
    assert "cannot be read: No such file or directory" in told()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"data": {}}', b'{"data": {"ciphertext": 7}}', b'{"data": {"ciphertext": "x"}}']
)
def test_an_answer_that_is_not_documented_is_no_ciphertext(token_file, body):
    async def odd(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    with pytest.raises(VaultUnavailable, match="answers with something that is"):
        wait(Vault(Transit(URL, "sellerport", token_file, InProcessWire(odd, ENGINE))).new_key(ROW))


def test_no_transaction_that_writes_waits_for_the_engine(tmp_path, engine, token_file, monkeypatch):
    """A cold key of an audit chain is opened, and a new one made, before: others may wait for the transaction."""
    house = House(tmp_path / "sellerport.db", tmp_path / "journal")
    house.settings = replace(
        house.settings,
        vault_key=None,
        vault_transit_url=URL,
        vault_transit_key="sellerport",
        vault_transit_token_file=token_file,
    )
    writing, asked = [0], []
    begin = Database.writing

    @asynccontextmanager
    async def noted(self, **how):
        before = len(engine.asked)
        async with begin(self, **how) as store:
            writing[0] += 1
            yield store
        asked.extend(engine.asked[before:])

    monkeypatch.setattr(Database, "writing", noted)

    async def start():
        async with open_hub(house.settings, wire=Wires(emulator.app(house.world), engine), clock=house.clock) as hub:
            known = await hub.organizations.all()
            organization = known[0] if known else await house.furnish(hub)
            client = await hub.access.create_client(organization.id, "backend")
            await hub.access.revoke_client(organization.id, client.id)

    for _ in range(2):  # the second one has nothing in memory
        wait(start())
    assert writing[0] > 5
    assert engine.asked
    assert asked == []


def test_a_whole_server_seals_with_the_engine(tmp_path, engine, token_file):
    """RL-15."""
    house = House(tmp_path / "sellerport.db")
    house.settings = replace(
        house.settings,
        vault_key=None,
        vault_transit_url=URL,
        vault_transit_key="sellerport",
        vault_transit_token_file=token_file,
    )
    wire = Wires(emulator.app(house.world), engine)

    async def start():
        async with open_hub(house.settings, wire=wire, clock=house.clock) as hub:
            organization = await house.furnish(hub)
            assert await hub.keys.rotate() == "transit:sellerport:v2"
            assert (await hub.keys.rewrap()).rows == 3
            asked = len(engine.asked)
            await hub.check_vault()
            (application,) = await hub.applications.all(organization.id)
            assert (await hub.applications.lwa_client(organization.id, application.id)).client_secret
            assert len(engine.asked) == asked  # what it unwrapped is remembered

    wait(start())
    engine.down = True
    with pytest.raises(VaultUnavailable):
        wait(start())


def test_settings_that_do_not_go_together_are_named(tmp_path):
    from sellerport.server.settings import Settings

    with pytest.raises(SettingsError, match="SELLERPORT_VAULT_TRANSIT_TOKEN_FILE belong together"):
        Settings.read({"SELLERPORT_VAULT_TRANSIT_URL": URL})
    whole = {
        "SELLERPORT_VAULT_TRANSIT_URL": URL,
        "SELLERPORT_VAULT_TRANSIT_KEY": "sellerport",
        "SELLERPORT_VAULT_TRANSIT_TOKEN_FILE": "token",
    }
    assert Settings.read(whole).vault_transit_key == "sellerport"
    with pytest.raises(SettingsError, match="are both set; give one"):
        Settings.read({**whole, "SELLERPORT_VAULT_KMS_KEY": "alias/x"})
    with pytest.raises(SettingsError, match="SELLERPORT_VAULT_TRANSIT_KEY must be the name of a key"):
        Settings.read({**whole, "SELLERPORT_VAULT_TRANSIT_KEY": "a/b"})
