"""What connectors are made with: an application's credentials and a grant, or where a Sellerport server is.

The names are those that callers of Airbyte's connectors use. A field that does not exist, or is missing, is a
`TypeError` of Python's that names it; a value that cannot be is `InvalidArguments`, which names all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, fields
from typing import Any, TypeVar

from sellerport.errors import InvalidArguments, Problem, SettingsError
from sellerport.hosted import Server

TENANT = "default"
"""Whose connector is looked up where no user of the organization is named."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class AmazonSellerPartnerAuthConfig:
    """Credentials for the Selling Partner API, for calls from this process.

    Args:
        lwa_app_id: the application's Login with Amazon client id.
        lwa_client_secret: its secret.
        refresh_token: the account's grant.
        access_token: taken, and not used: a token is fetched with the refresh token, once for the process.

    Raises:
        InvalidArguments: one of them is empty, or no text.
    """

    lwa_app_id: str
    lwa_client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check(self, "lwa_app_id", "lwa_client_secret", "refresh_token")

    @property
    def grant(self) -> dict[str, str | None]:
        """What a client, or a server, is given."""
        return {name: getattr(self, name) for name in ("lwa_app_id", "lwa_client_secret", "refresh_token")}


@dataclass(frozen=True, kw_only=True)
class AmazonAdsAuthConfig:
    """Credentials for the Ads API, for calls from this process.

    Args:
        refresh_token: the advertiser's grant.
        client_id, client_secret: the application's; without them those of the environment (``AD_API_CLIENT_ID`` …).

    Raises:
        InvalidArguments: one of them is empty, or no text.
    """

    refresh_token: str = field(repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check(self, "refresh_token")

    @property
    def grant(self) -> dict[str, str | None]:
        """What a client, or a server, is given."""
        given = {name: getattr(self, name) for name in ("client_id", "client_secret", "refresh_token")}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class AmazonSellerPartnerReplicationConfig:
    """Where data that is copied begins: ``replication_start_date``, such as ``2026-01-31T00:00:00Z``."""

    replication_start_date: str

    def __post_init__(self) -> None:
        _check(self, "replication_start_date")


@dataclass(frozen=True, kw_only=True)
class AirbyteAuthConfig:
    """A connector that a Sellerport server holds, in the words of Airbyte's connectors.

    Where the server is, ``SELLERPORT_URL`` says; what is missing here, ``AIRBYTE_CLIENT_ID``,
    ``AIRBYTE_CLIENT_SECRET`` and ``AIRBYTE_ORGANIZATION_ID``.

    Args:
        workspace_name, customer_name, external_user_id: one thing under three names: the organization's own name for
            its user, whose connector is looked up; ``default`` if none is given.
        organization_id: the organization that the API client has to belong to.
        airbyte_client_id, airbyte_client_secret: of an API client of the server (`sellerport client create`).
        connector_id: the connector itself; nothing is looked up then.

    Raises:
        InvalidArguments: a value is empty or no text, or two names differ.
    """

    workspace_name: str | None = None
    customer_name: InitVar[str | None] = None
    external_user_id: InitVar[str | None] = None
    organization_id: str | None = None
    airbyte_client_id: str | None = None
    airbyte_client_secret: str | None = field(default=None, repr=False)
    connector_id: str | None = None

    def __post_init__(self, customer_name: str | None, external_user_id: str | None) -> None:
        _name(self, "workspace_name", customer_name=customer_name, external_user_id=external_user_id)
        _check(self)


@dataclass(frozen=True, kw_only=True)
class SellerportAuthConfig:
    """A connector that a Sellerport server holds.

    What is missing, the environment has: ``SELLERPORT_URL``, ``SELLERPORT_CLIENT_ID``, ``SELLERPORT_CLIENT_SECRET`` and
    ``SELLERPORT_CONNECTION``.

    Args:
        server: the server's address, such as ``https://sellerport.example.com``.
        client_id, client_secret: of an API client of the server (`sellerport client create`).
        customer_name, workspace_name, external_user_id: the organization's own name for its user, whose connector is
            looked up; ``default`` if none is given.
        organization_id: the organization that the API client has to belong to.
        connector_id: the connector itself; nothing is looked up then.

    Raises:
        InvalidArguments: a value is empty or no text, or two names differ.
    """

    server: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    customer_name: str | None = None
    workspace_name: InitVar[str | None] = None
    external_user_id: InitVar[str | None] = None
    organization_id: str | None = None
    connector_id: str | None = None

    def __post_init__(self, workspace_name: str | None, external_user_id: str | None) -> None:
        _name(self, "customer_name", workspace_name=workspace_name, external_user_id=external_user_id)
        _check(self)


HostedConfig = AirbyteAuthConfig | SellerportAuthConfig


@dataclass(frozen=True)
class Place:
    """A server, and which connector there: by its id, or the name of the customer who has one."""

    server: Server
    customer: str
    connector_id: str | None


def place_of(config: HostedConfig, environ: Mapping[str, str]) -> Place:
    """Return where a connector is.

    Raises:
        SettingsError: neither the configuration nor the environment says; names the variables.
    """
    if isinstance(config, AirbyteAuthConfig):
        config = SellerportAuthConfig(
            client_id=config.airbyte_client_id or environ.get("AIRBYTE_CLIENT_ID") or None,
            client_secret=config.airbyte_client_secret or environ.get("AIRBYTE_CLIENT_SECRET") or None,
            customer_name=config.workspace_name,
            organization_id=config.organization_id or environ.get("AIRBYTE_ORGANIZATION_ID") or None,
            connector_id=config.connector_id,
        )
    found = {
        "SELLERPORT_URL": config.server,
        "SELLERPORT_CLIENT_ID": config.client_id,
        "SELLERPORT_CLIENT_SECRET": config.client_secret,
    }
    values = {name: value or environ.get(name) or "" for name, value in found.items()}
    if missing := [name for name, value in values.items() if not value]:
        raise SettingsError(
            f"{', '.join(missing)} must be set, or given in {type(config).__name__}: which server, and who calls"
        )
    server = Server(*values.values(), organization_id=config.organization_id)
    named = environ.get("SELLERPORT_CONNECTION") if config.customer_name is None else None
    return Place(server, config.customer_name or TENANT, config.connector_id or named or None)


def accepted(config: Any, *kinds: type[Any]) -> Any:
    """Return a configuration as one of these kinds; another package's class of the same name is read for its fields.

    Raises:
        InvalidArguments: there is none, or a value of it cannot be.
        TypeError: it is of none of these kinds; says which there are.
    """
    names = ", ".join(kind.__name__ for kind in kinds)
    if config is None:
        raise InvalidArguments(problems=[Problem("auth_config", f"is required: one of {names}")])
    if isinstance(config, kinds):
        return config
    kind = next((kind for kind in kinds if kind.__name__ == type(config).__name__), None)
    if kind is None:
        raise TypeError(f"auth_config is a {type(config).__name__}, and has to be one of {names}")
    given = config.model_dump() if hasattr(config, "model_dump") else vars(config)
    known = {one.name for one in fields(kind)} | {"workspace_name", "customer_name", "external_user_id"}
    return kind(**{name: value for name, value in given.items() if name in known and value is not None})


def _name(config: Any, kept: str, **others: str | None) -> None:
    """Keep one name of the customer, whichever was given."""
    named = {name: value for name, value in {kept: getattr(config, kept), **others}.items() if value is not None}
    if len(set(named.values())) > 1:
        problems = [Problem(name, "names another one than the others do") for name in named]
        raise InvalidArguments(type(config).__name__, problems)
    if named:
        object.__setattr__(config, kept, next(iter(named.values())))


def _check(config: Any, *required: str) -> None:
    problems = []
    for one in fields(config):
        value = getattr(config, one.name)
        if (value is not None or one.name in required) and not (isinstance(value, str) and value.strip()):
            problems.append(Problem(one.name, "must be a text that is not empty"))
    if problems:
        raise InvalidArguments(type(config).__name__, problems)
