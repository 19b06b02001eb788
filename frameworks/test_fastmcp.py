"""Tools of a connector in FastMCP, asked by its own client in this process."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError

from sellerport.connectors import AmazonSellerPartnerConnector as Connector
from sellerport.connectors.tools import build_connector_tools
from sellerport.errors import AmazonRefused, UnknownOperation


def seed_server(connector: Connector, **options: Any) -> FastMCP:
    server: FastMCP = FastMCP("seller")

    @server.tool
    @connector.tool_utils(framework="mcp", **options)
    async def amazon_seller_partner_execute(entity: str, action: str, params: dict | None = None):
        """Ask Amazon."""
        return await connector.execute(entity, action, params or {})

    return server


def offered(server: FastMCP) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with Client(server) as client:
            return {one.name: one for one in await client.list_tools()}

    return asyncio.run(ask())


def called(server: FastMCP, name: str = "amazon_seller_partner_execute", **arguments: Any) -> Any:
    async def ask() -> Any:
        async with Client(server) as client:
            return await client.call_tool(name, arguments, raise_on_error=False)

    return asyncio.run(ask())


def test_a_call_answers_json_and_the_model_reads_every_entity(connector: Connector) -> None:
    server = seed_server(connector)
    tool = offered(server)["amazon_seller_partner_execute"]
    assert tool.description.startswith("Ask Amazon.\n")
    for entity in connector.list_entities():
        assert f"* {entity['entity_name']} - " in tool.description
    answer = called(server, entity="orders", action="list", params={"max_results_per_page": 2})
    assert not answer.is_error
    read = json.loads(answer.content[0].text)
    assert len(read["data"]) == 2
    assert read["meta"]["next_token"]


def test_a_failure_is_an_error_that_the_client_reads(connector: Connector) -> None:
    answer = called(seed_server(connector), entity="orders", action="fetch")
    assert answer.is_error
    assert "UnknownOperation: entity 'orders' has no action 'fetch'" in answer.content[0].text


def test_a_failure_is_a_tool_error_with_the_original_as_its_cause(connector: Connector) -> None:
    @connector.tool_utils(framework="mcp")
    async def ask(entity: str, action: str, params: dict[str, Any]) -> Any:
        return await connector.execute(entity, action, params)

    with pytest.raises(ToolError) as unknown:
        asyncio.run(ask("nothing", "list", {}))
    assert isinstance(unknown.value.__cause__, UnknownOperation)
    with pytest.raises(ToolError) as refused:
        asyncio.run(ask("orders", "get", {"order_id": "000-0000000-0000000"}))
    assert isinstance(refused.value.__cause__, AmazonRefused)


def test_a_result_that_is_too_large_is_an_error_that_asks_for_less(connector: Connector) -> None:
    server = seed_server(connector, max_output_chars=2000)
    answer = called(server, entity="orders", action="list", params={"max_results_per_page": 20})
    assert answer.is_error
    assert "and 2000 are allowed. Ask for less" in answer.content[0].text


def test_a_connectors_tools_are_the_frameworks_own(connector: Connector) -> None:
    server: FastMCP = FastMCP("seller")
    for tool in build_connector_tools(connector, "mcp", prefix="seller_").as_tools():
        server.add_tool(tool)
    found = offered(server)
    assert set(found) == {"seller_inspect_connector", "seller_read_skill_docs", "seller_execute"}
    schema = found["seller_execute"].model_dump(by_alias=True)["inputSchema"]
    assert schema["properties"]["action"]["enum"] == ["list", "get", "rows"]
    answer = called(server, "seller_execute", entity="orders", action="list", params={"max_results_per_page": 1})
    assert json.loads(answer.content[0].text)["meta"]["next_token"]
    assert "order_id" in called(server, "seller_read_skill_docs", section="orders").content[0].text
