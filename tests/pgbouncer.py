"""A real PgBouncer in transaction mode for tests, in front of a PostgreSQL.

No package of Python's brings one. It is the machine's own, or what `make test` unpacks beside the virtual environment
from Debian's archive, which needs no rights and changes nothing else (see `Makefile`).
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

UNPACKED = Path(sys.prefix) / "pgbouncer"
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(UNPACKED / "usr/sbin")])

SETTINGS = """
[databases]
* = host={host} user={user}

[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 8
; every transaction on a connection of its own: whatever should last longer than one is noticed
server_lifetime = 0
server_reset_query =
log_connections = 0
log_disconnections = 0
ignore_startup_parameters = extra_float_digits
"""


def executable() -> str | None:
    """Return where a PgBouncer is."""
    return shutil.which("pgbouncer", path=PATH)


class PgBouncer:
    """A pooler of connections to a PostgreSQL at a URL."""

    def __init__(self, folder: Path, url: str) -> None:
        found, server = executable(), make_url(url)
        assert found is not None
        self._url = server.set(query={"host": str(folder), "port": "6432"})
        host = Path(str(server.query["host"]))
        settings = folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(host=host, user=server.username, folder=folder))
        command = [found, str(settings)]
        if os.geteuid() == 0:  # it refuses to run as root
            owner = pwd.getpwuid(host.stat().st_uid)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            command[1:1] = ["--user", owner.pw_name]
        libraries = os.pathsep.join(str(path) for path in UNPACKED.glob("usr/lib/*-linux-*"))
        environ = {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else None
        log = folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, env=environ, stderr=output)
        while not (folder / ".s.PGSQL.6432").exists():
            assert self._process.poll() is None, log.read_text()

    def url(self, database: str) -> str:
        """Return the address of a database behind it."""
        return self._url.set(database=database).render_as_string(hide_password=False)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def running_pgbouncer(url: str) -> Iterator[PgBouncer]:
    """Run one for the length of a ``with`` block."""
    with tempfile.TemporaryDirectory() as folder:
        pooler = PgBouncer(Path(folder), url)
        try:
            yield pooler
        finally:
            pooler.stop()
