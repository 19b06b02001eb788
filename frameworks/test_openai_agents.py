"""Tools of a connector in the OpenAI Agents SDK, with a model that is a double."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from agents import Agent, Runner, Usage, function_tool
from agents.items import ModelResponse
from agents.models.interface import Model
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from sellerport.connectors import AmazonSellerPartnerConnector as Connector
from sellerport.connectors.tools import build_connector_tools


class Asking(Model):
    """Calls a tool with each of these, and remembers what it was offered and what it got."""

    def __init__(self, name: str, *calls: dict[str, Any]) -> None:
        self.name = name
        self.calls = list(calls)
        self.offered: dict[str, Any] = {}
        self.got: list[str] = []

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        given = {**dict(zip(("system_instructions", "input", "model_settings", "tools"), args, strict=False)), **kwargs}
        self.offered = {one.name: one for one in given["tools"]}
        if isinstance(given["input"], list):
            self.got = [one["output"] for one in given["input"] if one.get("type") == "function_call_output"]
        output: Any
        if self.calls:
            arguments = json.dumps(self.calls.pop(0))
            call_id = f"call_{len(self.calls)}"
            output = ResponseFunctionToolCall(
                type="function_call", name=self.name, arguments=arguments, call_id=call_id, id=call_id
            )
        else:
            text = ResponseOutputText(type="output_text", text="done", annotations=[])
            output = ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


def run(asking: Asking, *tools: Any) -> None:
    agent = Agent("seller", model=asking, tools=list(tools))
    assert asyncio.run(Runner.run(agent, "Go.")).final_output == "done"  # run_sync leaves its event loop open


def seed_tool(connector: Connector, **options: Any) -> Any:
    @function_tool(strict_mode=False)
    @connector.tool_utils(framework="openai_agents", **options)
    async def amazon_seller_partner_execute(entity: str, action: str, params: dict | None = None):
        """Ask Amazon.

        Args:
            entity: which one.
        """
        return await connector.execute(entity, action, params or {})

    return amazon_seller_partner_execute


def test_a_call_answers_json_and_the_model_reads_every_entity(connector: Connector) -> None:
    call = {"entity": "orders", "action": "list", "params": {"max_results_per_page": 2}}
    asking = Asking("amazon_seller_partner_execute", call)
    run(asking, seed_tool(connector))
    offered = asking.offered["amazon_seller_partner_execute"]
    for entity in connector.list_entities():
        assert f"* {entity['entity_name']} - " in offered.description
    assert offered.params_json_schema["properties"]["entity"]["description"] == "which one."
    [got] = asking.got
    read = json.loads(got)
    assert len(read["data"]) == 2
    assert read["meta"]["next_token"]


def test_failures_and_results_too_large_are_answers(connector: Connector) -> None:
    asking = Asking(
        "amazon_seller_partner_execute",
        {"entity": "nothing", "action": "list"},
        {"entity": "orders", "action": "list", "params": {"max_results_per_page": 20}},
        {"entity": "orders", "action": "get", "params": {"order_id": "000-0000000-0000000"}},
    )
    run(asking, seed_tool(connector, max_output_chars=2000))
    unknown, large, refused = asking.got
    assert unknown.startswith("UnknownOperation: no API 'nothing'")
    assert "and 2000 are allowed" in large
    assert refused.startswith("AmazonRefused: orders_v0.get_order answered 400")


def test_a_connectors_tools_are_the_frameworks_own(connector: Connector) -> None:
    inspect, docs, execute = build_connector_tools(connector, "openai_agents").as_tools()
    asking = Asking("execute", {"entity": "orders", "action": "list", "params": {"max_results_per_page": 1}})
    run(asking, inspect, docs, execute)
    entity = asking.offered["execute"].params_json_schema["properties"]["entity"]
    assert entity["enum"] == [one["entity_name"] for one in connector.list_entities()]
    assert json.loads(asking.got[0])["meta"]["next_token"]
    asking = Asking("read_skill_docs", {"section": "orders"})
    run(asking, inspect, docs, execute)
    assert "get(order_id: string)" in asking.got[0]
