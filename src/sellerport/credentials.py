"""Where a Selling Partner client's credentials come from: a mapping, or the environment.

The names are those that python-amazon-sp-api made common: ``refresh_token``, ``lwa_app_id`` and ``lwa_client_secret``;
in the environment ``SP_API_REFRESH_TOKEN``, ``LWA_APP_ID`` and ``LWA_CLIENT_SECRET``. The first place that has any of
them must have them all: credentials are never mixed from two places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sellerport.errors import CredentialsError

ENVIRONMENT = {
    "refresh_token": "SP_API_REFRESH_TOKEN",
    "lwa_app_id": "LWA_APP_ID",
    "lwa_client_secret": "LWA_CLIENT_SECRET",
}


@dataclass(frozen=True)
class Credentials:
    """An application's Login with Amazon client, and the grant of one account."""

    refresh_token: str = field(repr=False)
    lwa_app_id: str
    lwa_client_secret: str = field(repr=False)


def find(given: Mapping[str, str | None], environ: Mapping[str, str]) -> Credentials:
    """Return the credentials, from the first place that has any.

    Args:
        given: what the caller passed; absent and None mean the same.
        environ: the process's environment.

    Raises:
        CredentialsError: none were found, or not all of them; lists what was looked for and where.
    """
    if unknown := sorted(given.keys() - ENVIRONMENT.keys()):
        raise CredentialsError(f"unknown credentials {', '.join(unknown)}; known are {', '.join(ENVIRONMENT)}")
    places = {
        "the arguments": {name: given.get(name) or "" for name in ENVIRONMENT},
        "the environment": {name: environ.get(variable, "") for name, variable in ENVIRONMENT.items()},
    }
    for place, found in places.items():
        if not any(found.values()):
            continue
        if missing := [name for name, value in found.items() if not value]:
            spelled = [ENVIRONMENT[name] if place == "the environment" else name for name in missing]
            raise CredentialsError(f"{place} lack {', '.join(spelled)}; all three are needed")
        return Credentials(**found)
    raise CredentialsError(
        f"no credentials: pass {', '.join(ENVIRONMENT)}, or set {', '.join(ENVIRONMENT.values())} in the environment"
    )
