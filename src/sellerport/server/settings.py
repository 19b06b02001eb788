"""Every setting of the server, as one table: name, default, reader, help.

A setting is read from the environment as ``SELLERPORT_`` and its name in capitals; an empty value counts as absent.
Names with that prefix that are no setting are refused, so that a misspelt one cannot be overlooked.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sellerport.errors import SettingsError

PREFIX = "SELLERPORT_"

CLIENT_NAMES = frozenset(
    {"SELLERPORT_URL", "SELLERPORT_CLIENT_ID", "SELLERPORT_CLIENT_SECRET", "SELLERPORT_CONNECTION"}
)
"""What the command line reads as a client of a server; the server itself passes over them."""

LIBRARY_NAMES = frozenset({"SELLERPORT_ACCOUNT", "SELLERPORT_ADS_CREDENTIALS", "SELLERPORT_CREDENTIALS"})
"""What the library reads; the server passes over them too."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LOG_LEVELS = ("debug", "info", "warning", "error")


class Secret(str):
    """A text that its repr does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')"


def _setting(read: Callable[[str], Any], help: str) -> dict[str, Any]:
    return {"read": read, "help": help}


def _database(text: str) -> Path | Secret:
    scheme, separator, rest = text.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        parts = urlsplit(text)
        try:
            odd = "@" in parts.path or parts.netloc.count("@") > 1 or parts.port == 0
        except ValueError:
            odd = True
        if odd:  # a piece of a password would be taken for a host or a database, and shown
            raise ValueError("must have %40 for @, %2F for / and so on in its user and password")
        if not parts.path.strip("/"):
            raise ValueError("must name a database: postgresql://user:password@host/database")
        return Secret(f"postgresql://{rest}")
    if not separator:
        path = text
    elif scheme == "sqlite" and rest.startswith("/"):
        path = rest[1:]
    else:
        raise ValueError(
            "must be a path, or sqlite:/// and a path (sqlite:////var/lib/sellerport.db is absolute), "
            "or postgresql://user:password@host/database"
        )
    if path in ("", ":memory:"):
        raise ValueError("must name a file: a database in memory would lose every grant")
    return Path(path)


def _address(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be an address such as https://sellerport.example.com")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("must be an address such as https://sellerport.example.com")
    if parts.query or parts.fragment:
        raise ValueError("must have no query and no fragment")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("must have a port from 1 to 65535")
    return parts.geturl().rstrip("/")


def _redis(text: str) -> Secret:
    if urlsplit(text).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("must be an address such as redis://:password@host:6379/0")
    return Secret(text)


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not text.isascii() or not least <= int(text) <= most:
            raise ValueError(f"must be a number from {least} to {most}")
        return int(text)

    return read


def _transit_key(text: str) -> str:
    if not re.fullmatch(r"\w[\w.-]{0,199}", text, re.ASCII):
        raise ValueError("must be the name of a key: letters, digits, and _ . - after the first")
    return text


def _yes(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def _log_level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(LOG_LEVELS)}")
    return text.lower()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the server is told when it starts."""

    database: Path | Secret = field(
        default=Path("sellerport.db"),
        metadata=_setting(
            _database,
            "Where everything is kept: the path of an SQLite file, or postgresql://user:password@host/database, which "
            "any number of servers may share.",
        ),
    )
    vault_key_file: Path | None = field(
        default=None,
        metadata=_setting(
            Path, "The file with the vault's keys (`sellerport key new` makes it). Without a key nothing starts."
        ),
    )
    vault_key: Secret | None = field(
        default=None,
        metadata=_setting(
            Secret, "The vault's key itself (32 bytes in base64), where a file is inconvenient; not both."
        ),
    )
    vault_kms_key: str | None = field(
        default=None,
        metadata=_setting(
            str, "The ARN of an AWS KMS key to seal with; keys of a file or the environment open only, beside it."
        ),
    )
    vault_transit_url: str | None = field(
        default=None,
        metadata=_setting(
            _address,
            "The address of a transit secrets engine (HashiCorp Vault, OpenBao) to seal with, such as "
            "https://vault.example.com:8200/v1/transit; local keys open only, beside it.",
        ),
    )
    vault_transit_key: str | None = field(
        default=None, metadata=_setting(_transit_key, "The name of the transit engine's key.")
    )
    vault_transit_token_file: Path | None = field(
        default=None,
        metadata=_setting(Path, "The file with a token that may encrypt and decrypt with it; it may be renewed."),
    )
    journal: Path | None = field(
        default=None,
        metadata=_setting(
            Path,
            "A folder on this machine's disk for what Amazon gave and the database does not have yet. "
            "If absent, beside the SQLite file, or sellerport-journal.",
        ),
    )
    redis: Secret | None = field(
        default=None,
        metadata=_setting(
            _redis,
            "The address of a Redis by which servers keep Amazon's rate limits together, such as "
            "redis://:password@host:6379/0.",
        ),
    )
    processes: int = field(
        default=1,
        metadata=_setting(
            _number(1, 1000),
            "How many servers share the database: without a Redis, or while it does not answer, each keeps to its part "
            "of Amazon's rate limits.",
        ),
    )
    amazon: str | None = field(
        default=None,
        metadata=_setting(
            _address, "The address of a local Amazon (`sellerport emulate`) to use instead of the real one."
        ),
    )
    public_url: str | None = field(
        default=None,
        metadata=_setting(
            _address,
            "The address at which browsers reach this server: Amazon sends them back to its /oauth/callback. "
            "If absent, host and port.",
        ),
    )
    secrets_queue: str | None = field(
        default=None,
        metadata=_setting(
            _address, "The URL of the SQS queue to which Amazon sends applications' new client secrets (extra `aws`)."
        ),
    )
    webhook_private: bool = field(
        default=False,
        metadata=_setting(
            _yes,
            "`true` lets webhooks be at private addresses, by http and on any port, and a carrier on this machine: for "
            "development, since whoever may make one can then reach what this machine can.",
        ),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_setting(str, "The address to listen on; 0.0.0.0 is every address of this machine."),
    )
    port: int = field(default=8080, metadata=_setting(_number(0, 65535), "The port to listen on; 0 takes a free one."))
    proxies: int = field(
        default=0,
        metadata=_setting(
            _number(0, 9),
            "How many proxies stand before the server, each of which adds its caller's address to X-Forwarded-For; "
            "strangers are counted by the one that the outermost saw. With 0 the header counts for nothing.",
        ),
    )
    client_rate: int = field(
        default=200,
        metadata=_setting(
            _number(0, 1_000_000),
            "How many requests a second an API client may send, and ten times as many at once; 0 for any number.",
        ),
    )
    sandbox_sellers: bool = field(
        default=False,
        metadata=_setting(
            _yes,
            "`true` lets tenants of the gateway make sellers of Amazon's sandbox from a refresh token, for tests.",
        ),
    )
    drain: int = field(
        default=0,
        metadata=_setting(
            _number(0, 600),
            "How many seconds a server that was told to stop goes on taking requests, while /ready answers 503, so "
            "that a load balancer turns to another first.",
        ),
    )
    log_level: str = field(default="info", metadata=_setting(_log_level, f"How much to log: {', '.join(LOG_LEVELS)}."))

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, given: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Args:
            environ: the process's environment.
            given: settings by their own names (``{"port": "9000"}``), as a command line has them; they come first.

        Raises:
            SettingsError: one is unknown or unreadable; it is named.
        """
        known = {PREFIX + setting.name.upper(): setting for setting in fields(cls)}
        for name in sorted(environ):
            if name.startswith(PREFIX) and name not in {*known, *CLIENT_NAMES, *LIBRARY_NAMES}:
                near = difflib.get_close_matches(name, known, n=1)
                raise SettingsError(f"no setting {name}" + (f"; did you mean {near[0]}?" if near else ""))
        texts = {setting.name: environ[name] for name, setting in known.items() if environ.get(name)}
        by_name = {setting.name: setting for setting in known.values()}
        texts |= {name: text for name, text in (given or {}).items() if text}
        settings = cls(**{name: _read(by_name[name], text) for name, text in texts.items()})
        settings._agree()
        return settings

    @property
    def journal_folder(self) -> Path:
        """Where the journal is."""
        if self.journal is not None:
            return self.journal
        if isinstance(self.database, Path):
            return self.database.with_name(f"{self.database.name}-refreshes")
        return Path("sellerport-journal")

    def url(self, port: int | None = None) -> str:
        """Return the address at which browsers reach the server; ``port`` is the one taken where the setting is 0."""
        if self.public_url is not None:
            return self.public_url
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # no one can browse to these
        return f"http://{f'[{host}]' if ':' in host else host}:{port or self.port}"

    def _agree(self) -> None:
        if self.vault_key is not None and self.vault_key_file is not None:
            raise SettingsError("SELLERPORT_VAULT_KEY and SELLERPORT_VAULT_KEY_FILE are both set; give one of them")
        transit = [self.vault_transit_url, self.vault_transit_key, self.vault_transit_token_file]
        if any(transit) and not all(transit):
            names = "SELLERPORT_VAULT_TRANSIT_URL, SELLERPORT_VAULT_TRANSIT_KEY and SELLERPORT_VAULT_TRANSIT_TOKEN_FILE"
            raise SettingsError(f"{names} belong together; give all of them, or none")
        if self.vault_kms_key and self.vault_transit_url:
            raise SettingsError("SELLERPORT_VAULT_KMS_KEY and SELLERPORT_VAULT_TRANSIT_URL are both set; give one")
        if self.public_url is None or self.amazon is not None:
            return
        parts = urlsplit(self.public_url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            # the cookie that binds a consent to its browser, and Amazon's code, would travel in the clear
            raise SettingsError(
                f"SELLERPORT_PUBLIC_URL must start with https://, not {self.public_url!r}; "
                "http is for this machine, or for a local Amazon (SELLERPORT_AMAZON)"
            )


def _read(setting: Field[Any], text: str) -> Any:
    name = PREFIX + setting.name.upper()
    try:
        return setting.metadata["read"](text)
    except ValueError as error:
        raise SettingsError(f"{name} {error}") from None  # the text may be a secret in the wrong place


def table() -> list[tuple[str, str, str]]:
    """Return every setting as (name in the environment, default, help), for documentation."""
    return [(PREFIX + one.name.upper(), _written(one.default), one.metadata["help"]) for one in fields(Settings)]


def _written(default: Any) -> str:
    """Return a default as the environment would have it."""
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
