"""The connectors that there are, by the names and ids that callers know them by, and how answers describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sellerport.errors import InvalidArguments, Problem
from sellerport.server.connector_api import shapes
from sellerport.server.hub import NAMES, Platform


@dataclass(frozen=True)
class Definition:
    """One connector."""

    platform: Platform
    id: str
    slug: str
    title: str
    lwa_keys: tuple[str, str]
    """What credentials call the Login with Amazon client's id and secret."""
    region: str
    """What ``region`` may be, in a few words."""

    @property
    def detailed(self) -> shapes.DetailedTemplate:
        """The template of a connector, as create and get answer it."""
        return {
            **self._template,
            "source_definition_id": self.id,
            "user_config_spec": {"connectionSpecification": self.specification},
            "partial_default_config": {},
            "is_experimental": False,
        }

    @property
    def summarized(self) -> shapes.SummarizedTemplate:
        """The template of a connector, as list answers it."""
        return {**self._template, "connector_name": self.slug, "actor_definition_id": self.id}

    @property
    def _template(self) -> shapes.Template:
        return {
            "id": self.id,
            "name": self.title,
            "icon": None,
            "tags": [],
            "mode": "DIRECT",
            "runtime_mode": "direct_only",
            "supports_context_store": False,
        }

    @property
    def specification(self) -> dict[str, Any]:
        """What credentials have to be, as JSON Schema."""
        client_id, secret = self.lwa_keys
        return {
            "type": "object",
            "title": self.title,
            "required": ["refresh_token"],
            "properties": {
                client_id: {"type": "string", "title": "Login with Amazon client id"},
                secret: {"type": "string", "title": "Login with Amazon client secret", "airbyte_secret": True},
                "refresh_token": {"type": "string", "title": "Refresh token", "airbyte_secret": True},
                "region": {"type": "string", "title": self.region, "default": "na"},
            },
        }


DEFINITIONS: Mapping[Platform, Definition] = MappingProxyType(
    {
        "seller-partner": Definition(
            platform="seller-partner",
            id="e55879a8-0ef8-4557-abcf-ab34c53ec460",
            slug="amazon-seller-partner",
            title=NAMES["seller-partner"],
            lwa_keys=("lwa_app_id", "lwa_client_secret"),
            region="Region, country or marketplace id",
        ),
        "ads": Definition(
            platform="ads",
            id="c6b0a29e-1da9-4512-9002-7bfd0cba2246",
            slug="amazon-ads",
            title=NAMES["ads"],
            lwa_keys=("client_id", "client_secret"),
            region="Region, country, marketplace id or the endpoint's URL",
        ),
    }
)


def definition(field: str, name: str) -> Definition:
    """Return the connector that a caller names by its id, its slug or its title.

    Raises:
        InvalidArguments: there is none.
    """
    wanted = name.lower().replace(" ", "-")
    found = next((one for one in DEFINITIONS.values() if wanted in (one.slug, one.id)), None)
    if found is None:
        slugs = ", ".join(repr(one.slug) for one in DEFINITIONS.values())
        raise InvalidArguments(problems=[Problem(field, f"unknown connector {name!r}; there are {slugs}")])
    return found
