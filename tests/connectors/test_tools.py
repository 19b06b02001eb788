"""Tools for agents, as plain functions; `frameworks/` has them in agent frameworks."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pytest

from sellerport import AsyncSellingPartner
from sellerport.connectors import Execution, execute, frameworks
from sellerport.connectors.large import Rests
from sellerport.connectors.personal import REDACTED
from sellerport.connectors.tools import build_connector_tools, tool_utils
from sellerport.errors import (
    AmazonUnavailable,
    ClientRefused,
    InvalidArguments,
    NoAnswer,
    NotFound,
    Throttled,
    ToolError,
    UnknownOperation,
)
from sellerport.limits import Limits
from sellerport.oauth import Tokens
from tests.conftest import LocalAmazon

ENTITIES = [
    {
        "entity_name": "orders",
        "description": "Orders\n\nof customers.",
        "available_actions": ["list", "get", "context_store_search"],
        "parameters": {
            "list": [
                {"name": "created_after", "type": "string"},
                {"name": "style", "enum": ["long", "short"], "required": True},
            ],
            "get": [{"name": "order_id", "type": "string", "required": True}],
        },
    },
    {"entity_name": "reports", "available_actions": ["list"]},
]


@dataclass(frozen=True)
class Meant:
    data: Any
    meta: dict[str, Any] | None = None


class Connector:
    """Answers with what it is given, or raises it."""

    connector_name = "amazon-seller-partner"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    async def execute(self, entity: str, action: str, params: Mapping[str, Any] | None = None) -> Any:
        self.asked.append((entity, action, params))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @staticmethod
    def list_entities() -> list[dict[str, Any]]:
        return ENTITIES

    def tool(self, **options: Any) -> Any:
        @tool_utils(self, **{"framework": "none", **options})
        async def ask(entity: str = "orders", action: str = "list", params: dict[str, Any] | None = None) -> Any:
            """Ask Amazon."""
            return await self.execute(entity, action, params)

        return ask


def orders(count: int) -> list[dict[str, Any]]:
    return [{"AmazonOrderId": f"order {one}", "note": "x" * (one % 7) * 10} for one in range(count)]


def run(tool: Any, *args: Any, **kwargs: Any) -> Any:
    return asyncio.run(tool(*args, **kwargs))


# What a tool is


def test_a_tool_is_the_function_that_it_was() -> None:
    async def ask(entity: str, *, params: dict[str, Any] | None = None) -> Any:
        """Ask Amazon."""

    def count(entity: str) -> int:
        return len(entity)

    connector = Connector()
    for function in (ask, count):
        tool = tool_utils(connector, function)
        assert tool.__name__ == function.__name__
        assert tool.__wrapped__ is function
        assert inspect.signature(tool) == inspect.signature(function)
        assert inspect.iscoroutinefunction(tool) is inspect.iscoroutinefunction(function)
    assert tool_utils(connector, framework="none")(count)("four") == 4


def test_the_docstring_tells_of_every_entity_and_has_no_blank_line() -> None:
    ask = Connector().tool()
    assert ask.__doc__.split("\n")[:6] == [
        "Ask Amazon.",
        "amazon-seller-partner: entities, and their actions; ? marks what may be left out.",
        "* orders - Orders of customers.",
        "  list(created_after?: string, style: long|short)",
        "  get(order_id: string)",
        "  context_store_search()",
    ]
    assert all(ask.__doc__.split("\n"))
    assert "cursor" not in ask.__doc__
    assert "cursor" in Connector().tool(on_large="page").__doc__
    assert "context_store_search" not in Connector().tool(enable_hosted_mode_features=False).__doc__
    assert Connector().tool(update_docstring=False).__doc__ == "Ask Amazon."


@pytest.mark.parametrize("heading", ["Args:", "Returns:", ":param entity: which one", "Parameters"])
def test_sections_of_a_docstring_come_after_the_entities(heading: str) -> None:
    def ask(entity: str) -> None: ...

    ask.__doc__ = f"Ask.\n\n    Of all.\n\n    {heading}\n        entity: which one."
    made = tool_utils(Connector(), ask).__doc__
    assert made.index("Of all.\namazon-seller-partner") < made.index("* reports") < made.index(f"\n\n{heading}")
    assert made.endswith("entity: which one.")


def test_a_function_without_a_docstring_has_the_entities_alone() -> None:
    def ask() -> None: ...

    assert tool_utils(Connector(), ask).__doc__.startswith("amazon-seller-partner: entities")


def test_generators_and_what_is_no_function_are_refused() -> None:
    def some() -> Iterator[int]:
        yield 1

    async def others() -> AsyncIterator[int]:
        yield 1

    for yielding in (some, others):
        with pytest.raises(TypeError, match=f"{yielding.__name__} yields"):
            tool_utils(Connector(), yielding)
    with pytest.raises(TypeError, match="below the framework's own decorator"):
        tool_utils(Connector(), Connector())  # type: ignore[arg-type]  # what is refused


def test_a_tool_is_not_wrapped_twice(caplog: pytest.LogCaptureFixture) -> None:
    connector = Connector(ToolError("once"))
    ask = connector.tool()
    assert tool_utils(connector, ask) is ask
    assert "ask is a tool already" in caplog.text


@pytest.mark.parametrize(("option", "value"), [("framework", "crewai"), ("on_large", "cut")])
def test_options_that_do_not_exist_are_named(option: str, value: str) -> None:
    with pytest.raises(InvalidArguments, match=option):
        Connector().tool(**{option: value})


# Frameworks


def test_mcp_without_fastmcp_is_no_framework(caplog: pytest.LogCaptureFixture) -> None:
    """Defect 16: a program that has ``mcp`` alone gets plain errors, and no complaint about FastMCP."""

    def has(*installed: str) -> str:
        return frameworks.find({"mcp": object()}, lambda packages: bool({*packages} & {*installed})).name

    assert has("mcp") == "none"
    assert "no agent framework is installed" in caplog.text
    assert has("mcp", "fastmcp") == "mcp"
    assert has("openai-agents", "fastmcp") == "openai_agents"


def test_a_framework_that_is_not_installed_is_named_at_the_first_call() -> None:
    asked = (
        "import sys; sys.modules['fastmcp'] = None\n"
        "from sellerport.connectors.tools import tool_utils\n"
        "from tests.connectors.test_tools import Connector\n"
        "tool = tool_utils(Connector(), lambda: 1, framework='mcp')\n"
        "try: tool()\nexcept RuntimeError as error: print(type(error).__name__, error)"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert found.stdout == "ToolError framework='mcp' needs another package: pip install fastmcp\n", found.stderr


def test_no_framework_is_imported_before_it_is_needed() -> None:
    asked = (
        "import sys, sellerport.connectors.tools\n"
        "print({'pydantic_ai', 'langchain_core', 'agents', 'fastmcp', 'pydantic'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


# Failures


def test_a_failure_of_a_plain_function_is_a_tool_error_with_its_cause() -> None:
    failure = UnknownOperation("no entity 'order'")
    with pytest.raises(ToolError, match=r"^UnknownOperation: no entity 'order'$") as found:
        run(Connector(failure).tool())
    assert found.value.__cause__ is failure


def test_a_signal_of_ones_own_passes_untouched() -> None:
    signal = ToolError("ask for a date")
    with pytest.raises(ToolError) as found:
        run(Connector(signal).tool(internal_retries=3))
    assert found.value is signal


def test_what_ends_the_program_passes() -> None:
    @tool_utils(Connector(), framework="none")
    def ask() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask()


def test_no_secret_reaches_a_model_when_login_with_amazon_refuses(amazon: LocalAmazon) -> None:
    """Defect 23: the answer of the token endpoint, and what was sent there, stay out of what a model reads."""
    credentials = {**amazon.credentials(), "lwa_client_secret": "amzn1.oa2-cs.v1.not-this"}

    @tool_utils(Connector(), framework="none")
    async def ask() -> Any:
        shared: dict[str, Any] = {"environ": {}, "tokens": Tokens(), "limits": Limits()}
        async with AsyncSellingPartner(credentials, amazon=amazon.address, **shared) as client:
            return await execute(client, "orders", "list")

    with pytest.raises(ToolError) as found:
        run(ask)
    assert isinstance(found.value.__cause__, ClientRefused)
    assert not [secret for secret in credentials.values() if secret in str(found.value)]


# Retries inside


@pytest.mark.parametrize(
    ("failure", "action", "tries"),
    [
        (Throttled("slow down"), "list", 3),
        (AmazonUnavailable("down"), "list", 3),
        (NoAnswer("reset"), "get", 3),
        (ConnectionError("reset"), "list", 3),
        (UnknownOperation("none"), "list", 1),
        (Throttled("slow down"), "create", 3),
        (NoAnswer("never left", sent=False), "create", 3),
        (AmazonUnavailable("down"), "create", 1),  # it may have been created
        (NoAnswer("reset"), "create", 1),
    ],
)
def test_failures_that_pass_are_tried_again_unless_something_may_have_been_written(
    failure: Exception, action: str, tries: int
) -> None:
    connector = Connector(failure, failure, failure)
    with pytest.raises(ToolError):
        run(connector.tool(internal_retries=2), action=action)
    assert len(connector.asked) == tries


def test_a_retry_that_succeeds_is_the_result(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert run(Connector(Throttled("slow"), Meant([1])).tool(internal_retries=1)) == Meant([1])
    assert "ask: try 1 of 1 after Throttled" in caplog.text


def test_callers_say_what_to_try_again_and_what_a_model_hears_at_last() -> None:
    heard = []

    def exhausted(error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        heard.append((str(error), args, kwargs))
        return "come back tomorrow"

    connector = Connector(ValueError("a"), ValueError("b"))
    tool = connector.tool(
        internal_retries=1,
        should_internal_retry=lambda error, args, kwargs: isinstance(error, ValueError),
        exhausted_runtime_failure_message=exhausted,
    )
    with pytest.raises(ToolError, match=r"^come back tomorrow$"):
        run(tool, "orders", action="get")
    assert heard == [("b", ("orders",), {"action": "get"})]
    with pytest.raises(ToolError, match=r"^TypeError: c$"):
        run(
            Connector(TypeError("c")).tool(
                should_internal_retry=lambda *_: False, exhausted_runtime_failure_message=exhausted
            )
        )


# Large results


def test_a_result_that_is_too_large_asks_for_less() -> None:
    answer = Meant(orders(50))
    with pytest.raises(ToolError) as found:
        run(Connector(answer).tool(max_output_chars=1000))
    text = json.dumps({"data": answer.data, "meta": None})
    assert str(found.value).startswith(f"ask: the result has {len(text)} characters, and 1000 are allowed.")
    assert str(found.value).endswith(f"It begins with: {text[:500]}")


def test_the_size_is_that_of_json_and_not_of_a_repr() -> None:
    """Defect 21."""
    answer = Meant([{"a": None}])
    size = len(json.dumps({"data": [{"a": None}], "meta": None}))
    assert run(Connector(answer).tool(max_output_chars=size)) is answer
    with pytest.raises(ToolError, match="are allowed"):
        run(Connector(answer).tool(max_output_chars=size - 1))


@pytest.mark.parametrize("off", [None, 0, -1])
def test_the_limit_can_be_lifted(off: int | None) -> None:
    answer = Meant(orders(5000))
    assert run(Connector(answer).tool(max_output_chars=off)) is answer


def test_what_json_cannot_hold_is_let_through() -> None:
    answer: dict[Any, Any] = {(1, 2): "x" * 2000}
    assert run(Connector(answer).tool(max_output_chars=100)) is answer


@pytest.mark.parametrize(
    "data",
    [
        orders(60),
        {"campaigns": orders(60), "nextToken": "t"},
        {"ShipmentEventList": orders(25), "RefundEventList": [], "AdjustmentEventList": orders(35)},
    ],
)
def test_parts_of_a_large_result_are_whole_records_in_order_and_none_is_lost(data: Any) -> None:
    connector = Connector(Meant(data, {"next_token": "t"}))
    tool = connector.tool(on_large="page", max_output_chars=1500)
    parts = [run(tool)]
    while cursor := parts[-1]["meta"]["cursor"]:
        parts.append(run(tool, params={"cursor": cursor}))
    assert len(connector.asked) == 1  # parts are kept, and not asked for again
    assert len(parts) > 2
    assert all(len(json.dumps(part)) <= 1500 for part in parts)
    assert all(part["meta"]["next_token"] == "t" for part in parts)
    assert parts[-1]["meta"]["part"].endswith("to 60 of 60")
    if isinstance(data, list):
        assert [one for part in parts for one in part["data"]] == data
        return
    assert all(part["data"].keys() == data.keys() for part in parts)
    for name, value in data.items():
        if isinstance(value, list):
            assert [one for part in parts for one in part["data"][name]] == value


def test_a_plain_function_with_a_cursor_of_its_own_pages_too() -> None:
    asked = []

    @tool_utils(Connector(), framework="none", on_large="page", max_output_chars=1500)
    def ask(cursor: str | None = None) -> Any:
        asked.append(cursor)
        return orders(60)

    first = ask()
    second = ask(cursor=first["meta"]["cursor"])
    assert asked == [None]
    assert [*first["data"], *second["data"]] == orders(60)[: len(first["data"]) + len(second["data"])]


def test_a_cursor_gives_the_same_part_again_until_it_is_pushed_out() -> None:
    numbered = iter(range(10))
    rests = Rests(most=2, cursor=lambda: f"rest_{next(numbered)}")
    first = rests.cut(orders(100), None, 1000)
    assert first is not None
    assert rests.next("rest_0", 1000)["data"] == rests.next("rest_0", 1000)["data"]  # type: ignore[index]
    with pytest.raises(NotFound, match="make the first call again"):
        rests.next("rest_0", 1000)


def test_a_cursor_that_is_not_kept_is_a_failure_and_amazons_cursors_go_to_amazon() -> None:
    connector = Connector(Meant([]))
    tool = connector.tool(on_large="page")
    with pytest.raises(ToolError, match="no longer kept"):
        run(tool, params={"cursor": "rest_unknown"})
    assert not connector.asked
    run(tool, params={"cursor": "amazons"})
    assert connector.asked == [("orders", "list", {"cursor": "amazons"})]


def test_a_record_that_is_too_large_by_itself_asks_for_less() -> None:
    with pytest.raises(ToolError, match="are allowed"):
        run(Connector(Meant([{"x": "y" * 5000}])).tool(on_large="page", max_output_chars=1000))


def test_paging_needs_somewhere_to_put_the_cursor() -> None:
    def ask(entity: str) -> None: ...

    with pytest.raises(TypeError, match="`params` or `cursor`"):
        tool_utils(Connector(), ask, on_large="page")


# Personal data


def test_personal_data_is_redacted_unless_it_is_allowed() -> None:
    data = [{"AmazonOrderId": "1", "BuyerInfo": {"BuyerName": "A. Buyer"}}]
    answer = Meant(data, {"next_token": "t"})
    found = run(Connector(answer).tool())
    assert found == Meant([{"AmazonOrderId": "1", "BuyerInfo": {"BuyerName": REDACTED}}], {"next_token": "t"})
    assert data[0]["BuyerInfo"] == {"BuyerName": "A. Buyer"}  # the caller's own is left alone
    assert run(Connector(answer).tool(personal_data=True)) is answer
    assert run(Connector(data[0]).tool())["BuyerInfo"] == {"BuyerName": REDACTED}


@pytest.mark.parametrize("on_large", ["retry", "page"])
def test_no_personal_data_is_in_previews_and_parts(on_large: Literal["retry", "page"]) -> None:
    data = [{"BuyerInfo": {"BuyerName": "A. Buyer"}, "n": "x" * 100} for _ in range(40)]
    tool = Connector(Meant(data)).tool(on_large=on_large, max_output_chars=1500)
    if on_large == "retry":
        with pytest.raises(ToolError) as found:
            run(tool)
        shown = str(found.value)
    else:
        part = run(tool)
        shown = json.dumps([part, run(tool, params={"cursor": part["meta"]["cursor"]})])
    assert REDACTED in shown
    assert "A. Buyer" not in shown


# The tools of a connector


def test_a_connectors_tools_are_three_functions() -> None:
    inspecting, docs, executing = build_connector_tools(Connector(Meant([1], {"next_token": "t"})), "none").as_list()
    assert [one.__name__ for one in (inspecting, docs, executing)] == [
        "inspect_connector",
        "read_skill_docs",
        "execute",
    ]
    assert inspecting() == {
        "name": "amazon-seller-partner",
        "entities": {"orders": ["list", "get", "context_store_search"], "reports": ["list"]},
    }
    assert "* orders(list, get, context_store_search)" in docs()
    assert "  get(order_id: string)" in docs("orders")
    with pytest.raises(ToolError, match="is none of orders, reports"):
        docs("profiles")
    assert get_args(executing.__annotations__["entity"]) == ("orders", "reports")
    assert get_args(executing.__annotations__["action"]) == ("list", "get", "context_store_search")
    assert "order_id" not in (executing.__doc__ or "")


def test_the_description_of_execute_may_have_all() -> None:
    tools = build_connector_tools(Connector(), "none", use_progressive_docs=False, prefix="seller_").as_list()
    assert [one.__name__ for one in tools] == ["seller_inspect_connector", "seller_read_skill_docs", "seller_execute"]
    assert "get(order_id: string)" in (tools[-1].__doc__ or "")


def test_execute_keeps_the_meta_and_python_spelling_reaches_amazon_as_amazon_spells_it(amazon: LocalAmazon) -> None:
    """Defect 20."""

    class Real(Connector):
        async def execute(self, entity: str, action: str, params: Mapping[str, Any] | None = None) -> Execution:
            shared: dict[str, Any] = {"environ": {}, "tokens": Tokens(), "limits": Limits()}
            async with AsyncSellingPartner(amazon.credentials(), amazon=amazon.address, **shared) as client:
                return await execute(client, entity, action, params)

    *_, executing = build_connector_tools(Real(), "none").as_list()
    found = run(executing, "orders", "list", {"created_after": "2020-01-01T00:00:00Z", "max_results_per_page": 3})
    assert len(found["data"]) == 3
    assert found["meta"]["next_token"]
    query = amazon.arrived()[-1]["query"]
    assert dict(query)["MaxResultsPerPage"] == "3"
    assert set(found) == {"data", "meta"}


def test_an_object_has_no_meta() -> None:
    *_, executing = build_connector_tools(Connector({"reportId": "1"}), "none").as_list()
    assert run(executing, "reports", "list") == {"data": {"reportId": "1"}, "meta": None}
