"""Tools of a connector in Pydantic AI, with its own models for tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic_ai import Agent, ModelRetry, RunContext
from pydantic_ai.exceptions import ApprovalRequired
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from sellerport.connectors import AmazonSellerPartnerConnector as Connector
from sellerport.connectors.tools import build_connector_tools
from sellerport.errors import AmazonRefused, UnknownOperation
from sellerport.pytest_plugin import Amazon


class Asking:
    """A model that calls tools as it is told, and remembers what it was offered and what it got."""

    def __init__(self, *calls: tuple[str, dict[str, Any]]) -> None:
        self.calls = list(calls)
        self.offered: dict[str, Any] = {}
        self.got: list[ToolReturnPart] = []

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.offered = {one.name: one for one in info.function_tools}
        self.got += [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if not self.calls:
            return ModelResponse(parts=[TextPart("done")])
        name, arguments = self.calls.pop(0)
        return ModelResponse(parts=[ToolCallPart(name, arguments)])

    @property
    def model(self) -> FunctionModel:
        return FunctionModel(self)


def run(agent: Agent[Any, str]) -> str:
    return asyncio.run(agent.run("Go.")).output  # run_sync leaves its event loop open


def seed_agent(connector: Connector, asking: Asking, decorated: Callable[..., Any] | None = None) -> Agent:
    agent = Agent(asking.model, retries=3)

    @agent.tool_plain
    @(decorated or connector.tool_utils)
    async def amazon_seller_partner_execute(entity: str, action: str, params: dict | None = None):
        return await connector.execute(entity, action, params or {})

    return agent


def test_the_documented_use_works_and_the_model_reads_every_entity(connector: Connector) -> None:
    call = {"entity": "orders", "action": "list", "params": {"max_results_per_page": 2}}
    asking = Asking(("amazon_seller_partner_execute", call))
    assert run(seed_agent(connector, asking)) == "done"
    offered = asking.offered["amazon_seller_partner_execute"]
    for entity in connector.list_entities():
        assert f"* {entity['entity_name']} - {entity['description']}" in offered.description
    assert "get(order_id: string)" in offered.description
    assert "created_after?: string" in offered.description
    assert set(offered.parameters_json_schema["properties"]) == {"entity", "action", "params"}
    [got] = asking.got
    answer = json.loads(got.model_response_str())
    assert len(answer["data"]) == 2
    assert answer["meta"]["next_token"]


def test_sections_of_the_functions_own_docstring_do_not_hide_the_entities(connector: Connector) -> None:
    asking = Asking()
    agent = Agent(asking.model)

    @agent.tool
    @connector.tool_utils
    def ask(context: RunContext[None], entity: str) -> str:
        """Ask Amazon.

        Args:
            entity: which one.
        """
        return entity

    run(agent)
    assert asking.offered["ask"].description.startswith("Ask Amazon.\namazon-seller-partner: entities")
    assert "* order_items" in asking.offered["ask"].description
    assert asking.offered["ask"].parameters_json_schema["properties"]["entity"]["description"] == "which one."


def test_a_failure_asks_the_model_to_try_again_and_the_second_try_counts(connector: Connector) -> None:
    wrong = {"entity": "orders", "action": "fetch"}
    right = {"entity": "orders", "action": "list", "params": {"max_results_per_page": 1}}
    asking = Asking(("amazon_seller_partner_execute", wrong), ("amazon_seller_partner_execute", right))
    assert run(seed_agent(connector, asking)) == "done"
    first, second = asking.got
    assert first.outcome == "retried"
    assert "UnknownOperation: entity 'orders' has no action 'fetch'; it has list, get" in first.content
    assert second.outcome == "success"


def test_a_failure_has_the_original_as_its_cause(connector: Connector) -> None:
    @connector.tool_utils(framework="pydantic_ai")
    async def ask(entity: str, action: str, params: dict[str, Any]) -> Any:
        return await connector.execute(entity, action, params)

    with pytest.raises(ModelRetry) as unknown:
        asyncio.run(ask("nothing", "list", {}))
    assert isinstance(unknown.value.__cause__, UnknownOperation)
    with pytest.raises(ModelRetry, match=r"^Amazon") as refused:
        asyncio.run(ask("orders", "get", {"order_id": "000-0000000-0000000"}))
    assert isinstance(refused.value.__cause__, AmazonRefused)


def test_a_result_that_is_too_large_asks_the_model_for_less(connector: Connector) -> None:
    call = {"entity": "orders", "action": "list", "params": {"max_results_per_page": 20}}
    asking = Asking(("amazon_seller_partner_execute", call))
    run(seed_agent(connector, asking, connector.tool_utils(max_output_chars=2000)))
    [got] = asking.got
    assert got.outcome == "retried"
    assert "and 2000 are allowed. Ask for less" in got.content


def test_pages_of_a_large_result_are_read_one_after_the_other(connector: Connector, amazon: Amazon) -> None:
    seen: list[dict[str, Any]] = []

    def reads_on(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        params: dict[str, Any] = {"max_results_per_page": 20}
        returned = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        if returned:
            seen.append(json.loads(returned[0].model_response_str()))
            if not (cursor := seen[-1]["meta"].get("cursor")):
                return ModelResponse(parts=[TextPart("done")])
            params = {"cursor": cursor}
        arguments = {"entity": "orders", "action": "list", "params": params}
        return ModelResponse(parts=[ToolCallPart("execute", arguments)])

    tools = build_connector_tools(connector, "pydantic_ai", on_large="page", max_output_chars=6000)
    run(Agent(FunctionModel(reads_on), tools=tools.as_tools()))
    whole = asyncio.run(connector.execute("orders", "list", {"max_results_per_page": 20}))
    assert len(seen) > 2
    ids = [order["AmazonOrderId"] for part in seen for order in part["data"]]
    assert ids == [order["AmazonOrderId"] for order in whole.data]
    assert all(len(json.dumps(part)) <= 6000 for part in seen)
    assert len([one for one in amazon.world.requests if one["path"].startswith("/orders")]) == 2  # parts are kept


def test_signals_of_the_frameworks_own_pass_untouched(connector: Connector) -> None:
    for signal in (ModelRetry("say it otherwise"), ApprovalRequired()):

        @connector.tool_utils(framework="pydantic_ai")
        def ask(signal: Exception = signal) -> None:
            raise signal

        with pytest.raises(type(signal)) as found:
            ask()
        assert found.value is signal


def test_a_connectors_tools_are_offered_with_closed_lists(connector: Connector) -> None:
    asking = Asking(
        ("inspect_connector", {}),
        ("read_skill_docs", {"section": "orders"}),
        ("execute", {"entity": "orders", "action": "list", "params": {"max_results_per_page": 1}}),
    )
    run(Agent(asking.model, tools=build_connector_tools(connector, "pydantic_ai").as_list()))
    entity = asking.offered["execute"].parameters_json_schema["properties"]["entity"]
    assert entity["enum"] == [one["entity_name"] for one in connector.list_entities()]
    inspected, docs, executed = asking.got
    assert inspected.content["entities"]["orders"] == ["list", "get"]
    assert "get(order_id: string)" in docs.content
    assert executed.content["meta"]["next_token"]
