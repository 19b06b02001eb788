"""The command line as a person has it: in an empty folder, with an environment and, where that counts, a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sellerport import client
from sellerport.cli import main
from sellerport.limits import Limits
from sellerport.oauth import Tokens
from tests.conftest import LocalAmazon

KEPT = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")

# a job in the background ignores interrupts, and would hand that on to the processes that are interrupted here
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Shell:
    """Runs `sellerport …`."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        with self.start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            out, err = process.communicate(given, timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def start(self, *words: str, **streams: Any) -> subprocess.Popen[str]:
        environ = {name: os.environ[name] for name in KEPT if name in os.environ} | {"COLUMNS": "100"} | self.environ
        command = [sys.executable, "-m", "sellerport", *words]
        return subprocess.Popen(command, cwd=self.folder, env=environ, text=True, **streams)

    def here(
        self, *words: str, given: bytes | None = None, charset: str = "utf-8"
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it in this process, as a new one would, for what is not about the process itself."""
        with (
            CliRunner(charset).isolation(given, {"COLUMNS": "100", **self.environ}) as (out, err, _),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["sellerport", *words])
            patch.setattr(client, "process_tokens", Tokens())
            patch.setattr(client, "process_limits", Limits())
            with pytest.raises(SystemExit) as ended:
                main()
            sys.stdout.flush()
            return subprocess.CompletedProcess(words, int(ended.value.code or 0), out.getvalue(), err.getvalue())

    def ok(self, *words: str, given: str | None = None) -> str:
        done = self.here(*words, given=given.encode() if given is not None else None)
        assert (done.returncode, done.stderr) == (0, b""), done.stderr
        return done.stdout.decode()

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def fails(self, *words: str, status: int = 1) -> str:
        done = self.here(*words)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stderr.decode()


@pytest.fixture
def shell(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path, {"XDG_DATA_HOME": str(tmp_path_factory.mktemp("data"))})


@pytest.fixture
def seller(shell: Shell, amazon: LocalAmazon) -> Shell:
    """A shell with a seller's credentials for the local Amazon, which is done with everything when first asked."""
    amazon.world.polls = 0
    given = amazon.credentials()
    shell.environ |= {
        "SP_API_REFRESH_TOKEN": given["refresh_token"],
        "LWA_APP_ID": given["lwa_app_id"],
        "LWA_CLIENT_SECRET": given["lwa_client_secret"],
        "SELLERPORT_AMAZON": amazon.address,
    }
    return shell


@pytest.fixture
def operator(shell: Shell, amazon: LocalAmazon) -> Shell:
    """A shell of someone who runs a server: with a vault key, and an organization in the database."""
    shell.ok("key", "new", "vault.key")
    shell.environ |= {"SELLERPORT_VAULT_KEY_FILE": str(shell.folder / "vault.key"), "SELLERPORT_AMAZON": amazon.address}
    shell.ok("organization", "create", "Acme")
    return shell
