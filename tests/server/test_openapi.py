"""What the server says of its own routes."""

from __future__ import annotations

import re

import msgspec
from tests.server.conftest import PUBLIC, ask

from sellerport.server import connector_api, gateway_api

ENDPOINTS = [*connector_api.ENDPOINTS, *gateway_api.ENDPOINTS]


def test_the_description_is_made_of_the_tables_of_both_doors(sqlite_house):
    async def scenario(server):
        described = (await ask(server.app, "GET", f"{PUBLIC}/openapi.json")).json
        listed = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
        assert listed == {(one.method, one.path) for one in ENDPOINTS}
        for one in ENDPOINTS:
            operation = described["paths"][one.path][one.method.lower()]
            assert operation["summary"].endswith(".") or ";" in operation["summary"] or operation["summary"]
            assert operation["security"] == ([{name: [] for name in one.credentials}] if one.access != "anyone" else [])
            assert {"400", "401", "429"} <= set(operation["responses"])
            assert str(one.status) in operation["responses"]
        assert not [name for name in described["components"]["schemas"] if "." in name]
        text = msgspec.json.encode(described).decode()
        for reference in set(re.findall(r"#/components/schemas/(\w+)", text)):
            assert reference in described["components"]["schemas"]

    sqlite_house.run(scenario)
