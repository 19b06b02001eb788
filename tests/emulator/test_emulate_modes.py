"""The options of `sellerport emulate` that make it Amazon's static sandbox, or the server of the SDKs' tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

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
