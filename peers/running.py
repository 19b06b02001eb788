"""What runs in a journey: `sellerport emulate`, and a program with one client in it, each a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
BIN = HERE.parent / ".venv-peers" / "bin"
PYTHON = str(BIN / "python")
NODE = shutil.which("node", path=f"{os.environ['PATH']}:{BIN}") or "node"
TIMEOUT_S = 60

LEADING = ("HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""What leads a client through the proxy."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Client:
    """A program, the name by which its client is known in requests, and what it has to do by hand."""

    command: tuple[str, ...]
    user_agent: str
    by_hand: tuple[str, ...] = ()


@dataclass(frozen=True)
class Amazon:
    """`sellerport emulate`, and what it printed when it was ready."""

    told: Json

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self.told["address"])

    def control(self, route: str, body: Json | None = None) -> Any:
        """Ask its control plane."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.address}/_emulator/{route}", data)) as answer:
            return json.load(answer)


@contextmanager
def emulate(data: Path) -> Iterator[Amazon]:
    """Run `sellerport emulate`, as anybody starts it, with what it keeps in a folder."""
    command = [sys.executable, "-m", "sellerport", "emulate", "--port", "0", "--json"]
    environ = {**os.environ, "XDG_DATA_HOME": str(data), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Amazon(json.loads(process.stdout.readline()))
        finally:
            process.send_signal(signal.SIGINT)


def sellerport(folder: Path, environ: Json, *words: str, given: str = "") -> str:
    """Run a command as an operator does, and return what it printed."""
    command = [sys.executable, "-m", "sellerport", *words]
    everything = {**os.environ, **environ}
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=folder, env=everything, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serve(folder: Path, environ: Json) -> Iterator[str]:
    """Run `sellerport serve` with what lies in a folder, and return its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sellerport", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **environ}) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(300):
                try:
                    urlopen(f"{address}/ready").close()
                    break
                except URLError:
                    assert process.poll() is None
                    time.sleep(0.1)
            yield address
        finally:
            process.send_signal(signal.SIGTERM)


def run(client: Client, task: Json, environ: dict[str, str]) -> Json:
    """Run a client's program, and return what it printed."""
    command, given = list(client.command), json.dumps(task)
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=HERE, env=environ, check=False
    )
    assert done.returncode == 0, done.stderr
    facts: Json = json.loads(done.stdout)
    return facts
