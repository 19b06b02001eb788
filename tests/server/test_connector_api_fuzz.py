"""The server's own description against the server: what it allows, and what it does not, made up by schemathesis."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
import requests  # noqa: TID251  # schemathesis looks at a request as requests has it; none is sent
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.server.conftest import PUBLIC, ask
from tests.server.test_connector_api import create

EXAMPLES = 12
"""Of each route, as it is described and as it is not; always the same ones."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)


@pytest.mark.filterwarnings("ignore")  # of schemathesis and what it brings
def test_the_server_answers_as_it_is_described_whatever_is_sent(sqlite_house):
    import schemathesis  # takes a second, which no other test needs
    from schemathesis import GenerationMode
    from schemathesis.checks import CHECKS as KNOWN
    from schemathesis.checks import load_all_checks

    load_all_checks()
    checks = KNOWN.get_by_names(CHECKS)
    seen = {"answers": 0, "done": set(), "refused": set()}
    loop = asyncio.new_event_loop()
    stack = AsyncExitStack()
    try:
        server = loop.run_until_complete(stack.enter_async_context(sqlite_house.open()))
        connector = loop.run_until_complete(create(server)).json["id"]
        (workspace,) = loop.run_until_complete(server.hub.workspaces.all(server.caller))
        webhook = loop.run_until_complete(server.hub.webhooks.create(server.caller, "https://1.1.1.1/hook", []))
        there = {"workspaces": workspace.id, "webhooks": webhook.webhook.id}
        described = loop.run_until_complete(server.api("GET", "/openapi.json")).json
        schema = schemathesis.openapi.from_dict(unguarded(described))
        for found in schema.get_all_operations():
            operation = found.ok()
            known = next((id for part, id in there.items() if part in operation.path), connector)
            ids = (
                [None]
                if operation.method.upper() == "DELETE" or "{id}" not in operation.path
                else [None, {"id": known}]
            )
            strategies = [
                operation.as_strategy(mode, path_parameters=path)
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
                for path in ids
            ]

            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(st.one_of(strategies))
            def holds(case):
                asked = requests.Request(**transported(case)).prepare()
                headers = {**asked.headers, "authorization": f"Bearer {server.token}"}
                body = asked.body.encode() if isinstance(asked.body, str) else asked.body or b""
                answered = loop.run_until_complete(ask(server.app, asked.method, asked.url, headers, body))
                seen["answers"] += 1
                seen["done" if answered.status < 300 else "refused"].add((case.method, case.operation.path))
                case.validate_response(response(answered, asked), checks=checks)

            try:
                holds()
            except schemathesis.errors.InvalidSchema:  # nothing about it can be wrong
                continue
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()
    assert seen["answers"] > 300
    assert len(seen["done"]) > 15
    assert len(seen["refused"]) > 15


def unguarded(described):
    """Return the connector API's description without tokens and organizations: who may do what is the matrix's."""
    described["paths"] = {path: it for path, it in described["paths"].items() if path.startswith("/api/v1")}
    for methods in described["paths"].values():
        for operation in methods.values():
            del operation["security"]
            operation["parameters"] = [one for one in operation["parameters"] if one["in"] != "header"]
    del described["components"]["securitySchemes"]
    return described


def transported(case):
    kwargs = case.as_transport_kwargs(base_url=PUBLIC)
    return {
        key: value for key, value in kwargs.items() if key in ("method", "url", "headers", "params", "json", "data")
    }


def response(answered, asked):
    from schemathesis.core.transport import Response

    headers = {}
    for name, value in answered.fields:
        headers.setdefault(name, []).append(value)
    return Response(answered.status, headers, answered.body, asked, 0.0, False)
