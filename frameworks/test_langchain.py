"""Tools of a connector in LangChain."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException, tool
from langchain_core.utils.function_calling import convert_to_openai_tool

from sellerport.connectors import AmazonSellerPartnerConnector as Connector
from sellerport.connectors.tools import build_connector_tools
from sellerport.errors import AmazonRefused, UnknownOperation


def called(named: Any, **arguments: Any) -> ToolMessage:
    """What a model that calls a tool is answered."""
    call = {"type": "tool_call", "id": "1", "name": named.name, "args": arguments}
    answer = asyncio.run(named.ainvoke(call))
    assert isinstance(answer, ToolMessage)
    return answer


def seed_tool(connector: Connector, **options: Any) -> Any:
    @tool
    @connector.tool_utils(framework="langchain", **options)
    async def amazon_seller_partner_execute(entity: str, action: str, params: dict | None = None):
        """Ask Amazon."""
        return await connector.execute(entity, action, params or {})

    return amazon_seller_partner_execute


def test_a_call_answers_json_and_the_model_reads_every_entity(connector: Connector) -> None:
    made = seed_tool(connector)
    offered = convert_to_openai_tool(made)["function"]
    assert offered["name"] == "amazon_seller_partner_execute"
    assert offered["description"].startswith("Ask Amazon.\n")
    for entity in connector.list_entities():
        assert f"* {entity['entity_name']} - " in offered["description"]
    assert set(offered["parameters"]["properties"]) == {"entity", "action", "params"}
    answer = called(made, entity="orders", action="list", params={"max_results_per_page": 2})
    assert answer.status == "success"
    read = json.loads(str(answer.content))
    assert len(read["data"]) == 2
    assert read["meta"]["next_token"]


def test_a_failure_is_a_tool_exception_with_the_original_as_its_cause(connector: Connector) -> None:
    with pytest.raises(ToolException, match=r"^UnknownOperation: ") as found:
        called(seed_tool(connector), entity="nothing", action="list")
    assert isinstance(found.value.__cause__, UnknownOperation)
    with pytest.raises(ToolException) as refused:
        called(seed_tool(connector), entity="orders", action="get", params={"order_id": "000-0000000-0000000"})
    assert isinstance(refused.value.__cause__, AmazonRefused)


def test_a_result_that_is_too_large_is_a_tool_exception(connector: Connector) -> None:
    made = seed_tool(connector, max_output_chars=2000)
    with pytest.raises(ToolException, match="and 2000 are allowed"):
        called(made, entity="orders", action="list", params={"max_results_per_page": 20})


def test_a_connectors_tools_answer_the_model_with_their_failures(connector: Connector) -> None:
    inspect, docs, execute = build_connector_tools(connector, "langchain").as_tools()
    answer = called(execute, entity="orders", action="get", params={"order_id": "000-0000000-0000000"})
    assert answer.status == "error"
    assert str(answer.content).startswith("Amazon")
    entity = convert_to_openai_tool(execute)["function"]["parameters"]["properties"]["entity"]
    assert entity["enum"] == [one["entity_name"] for one in connector.list_entities()]
    assert "order_items" in str(called(inspect).content)
    assert "get(order_id: string)" in str(called(docs, section="orders").content)
    read = json.loads(str(called(execute, entity="orders", action="list", params={}).content))
    assert set(read) == {"data", "meta"}
