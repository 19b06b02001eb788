"""The options of `sellerport emulate`: Amazon's static sandbox, the SDKs' tests, a file of its state, strict tokens."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from .test_listings import TOWEL

CASE: dict[str, Any] = {"request": {"parameters": {}}, "response": {"payload": "published"}}
MODEL = {"paths": {"/sellers/v1/account": {"get": {"responses": {"200": {"x-amzn-api-sandbox": {"static": [CASE]}}}}}}}


def emulate(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sellerport", "emulate", "--port", "0", "--json", *words]
    environ = os.environ | {"XDG_DATA_HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_both_modes_are_there_when_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(MODEL))
    with emulate(tmp_path, "--static", str(tmp_path), "--sdk-tests") as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        sign_in = b"grant_type=refresh_token&refresh_token=refreshToken&client_id=clientId&client_secret=clientSecret"
        token = json.load(urlopen(f"{address}/auth/o2/token", sign_in))["access_token"]
        account = Request(f"{address}/sellers/v1/account", headers={"x-amz-access-token": token})
        assert json.load(urlopen(account)) == {"payload": "published"}
        assert urlopen(f"{address}/response/sellers-getAccount/code/200", b"").status == 204
        assert json.load(urlopen(f"{address}/sellers/v1/account"))["payload"] != "published"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_folder_without_models_is_told_in_a_line(tmp_path: Path) -> None:
    with emulate(tmp_path, "--static", str(tmp_path)) as process:
        _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "none of Amazon's models" in told
    assert "Traceback" not in told


# --- a file of its state ----------------------------------------------------------------------------------------------

LISTING = "/listings/2021-08-01/items/ALOCALSELLERNA/MINE?marketplaceIds=ATVPDKIKX0DER"
SHOWN = f"{LISTING}&includedData=attributes,summaries"
ORDERS = "/orders/v0/orders?MarketplaceIds=ATVPDKIKX0DER"
CLIENT = {"client_id": "amzn1.application-oa2-client.local", "client_secret": "local-secret"}


@contextmanager
def emulating(folder: Path, *words: str, stop: signal.Signals = signal.SIGINT) -> Iterator[str]:
    with emulate(folder, "--orders", "9", *words) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        try:
            yield json.loads(line)["address"]
        finally:
            process.send_signal(stop)
            _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (0 if stop == signal.SIGINT else -stop, "")


def refresh(address: str, refresh_token: str) -> Any:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **CLIENT}
    return json.load(urlopen(f"{address}/auth/o2/token", urlencode(form).encode()))


def fetched(address: str, token: str, path: str, body: Any = None) -> bytes:
    sent = None if body is None else json.dumps(body).encode()
    request = Request(f"{address}{path}", sent, {"x-amz-access-token": token}, method="PUT" if sent else "GET")
    return bytes(urlopen(request).read())


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_what_happened_is_there_again_the_next_time(tmp_path: Path, stop: signal.Signals) -> None:
    file = tmp_path / "shop.json"
    with emulating(tmp_path, "--state", str(file), stop=stop) as address:
        token = refresh(address, "Atzr|local-seller-na")["access_token"]
        fetched(address, token, LISTING, {"productType": "TOWEL", "attributes": TOWEL})
        listing = fetched(address, token, SHOWN)
        page = json.loads(fetched(address, token, f"{ORDERS}&CreatedAfter=2020-01-01&MaxResultsPerPage=2"))["payload"]
        rest = f"{ORDERS}&NextToken={page['NextToken']}"
        orders = fetched(address, token, rest)
        urlopen(f"{address}/_emulator/clock", b'{"advance_s": 600}')
        assert not file.exists()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if "shop" in one.name] == ["shop.json"]

    with emulating(tmp_path, "--state", str(file), "--seed", "7") as address:
        assert json.load(urlopen(f"{address}/_emulator/state"))["seed"] == 1
        assert fetched(address, token, SHOWN) == listing
        assert fetched(address, token, rest) == orders
        kept = json.load(urlopen(f"{address}/_emulator/dump"))
    assert kept["offset_s"] == 600
    assert json.loads(file.read_bytes())["accounts"] == kept["accounts"]


def test_a_file_that_cannot_be_loaded_or_written_is_told_in_a_line_and_left_alone(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"format": 1, "told": {"a": "b"}}')
    for path, status, says in (
        (wrong, 2, "was not loaded: told.a: must be a whole number"),
        (tmp_path / "none" / "shop.json", 1, "cannot be written: its folder is not there"),
    ):
        with emulate(tmp_path, "--state", str(path)) as process:
            _, told = process.communicate(timeout=30)
        assert process.returncode == status
        assert says in told
        assert "Traceback" not in told
    assert wrong.read_text() == '{"format": 1, "told": {"a": "b"}}'


def test_when_it_is_strict_a_refresh_token_is_good_once(tmp_path: Path) -> None:
    with emulating(tmp_path, "--strict") as address:
        assert refresh(address, "Atzr|local-seller-na")["refresh_token"] != "Atzr|local-seller-na"
        with pytest.raises(HTTPError, match="400"):
            refresh(address, "Atzr|local-seller-na")
