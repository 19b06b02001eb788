"""Tools for agents: a connector's actions as functions that a framework hands to a model.

`tool_utils` makes a tool of a function, `build_connector_tools` makes the tools of a connector. What a model gets from
either is small enough for it, tells it what it may ask for, says in its framework's way what went wrong, and holds no
buyer's personal data unless that is allowed.
"""

from __future__ import annotations

import functools
import inspect
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any, Literal, Protocol

from sellerport.connectors import frameworks, large, personal, skill_docs
from sellerport.connectors.frameworks import Framework
from sellerport.connectors.skill_docs import Described
from sellerport.errors import (
    AmazonUnavailable,
    InvalidArguments,
    NoAnswer,
    Problem,
    Throttled,
    TokenUnavailable,
    TooManyRequests,
)

log = logging.getLogger(__name__)

DEFAULT_MAX_OUTPUT_CHARS = 100_000
PREVIEW_CHARS = 500
OnLarge = Literal["retry", "page"]

ShouldRetry = Callable[[Exception, tuple[Any, ...], dict[str, Any]], bool]
Exhausted = Callable[[Exception, tuple[Any, ...], dict[str, Any]], str | None]

_MARK = "__sellerport_tool__"
_READS = ("list", "get", "search", "api_search", "context_store", "query", "check")


class Connector(Described, Protocol):
    """A connector as far as its tools need it."""

    async def execute(self, entity: str, action: str, params: Mapping[str, Any] | None = None) -> Any:
        """Carry out one action of an entity."""


@dataclass(frozen=True)
class _Policy:
    """What becomes of a tool's result and of its failures."""

    max_output_chars: int | None
    on_large: OnLarge
    personal_data: bool
    framework: Framework | None
    internal_retries: int
    should_internal_retry: ShouldRetry | None
    exhausted: Exhausted | None
    rests: large.Rests = field(default_factory=large.Rests)


class _TooLarge(Exception):
    """The result is more than the model may get; the message is for it."""


def tool_utils(
    connector: Described,
    func: Callable[..., Any] | None = None,
    *,
    update_docstring: bool = True,
    max_output_chars: int | None = DEFAULT_MAX_OUTPUT_CHARS,
    framework: str | None = None,
    internal_retries: int = 0,
    should_internal_retry: ShouldRetry | None = None,
    exhausted_runtime_failure_message: Exhausted | None = None,
    enable_hosted_mode_features: bool = True,
    on_large: OnLarge = "retry",
    personal_data: bool = False,
) -> Any:
    """Make a tool of a function that calls a connector; put it below the framework's own decorator.

    Args:
        connector: whose entities the docstring tells of; a class of connectors will do.
        func: a function or coroutine function; None makes a decorator.
        update_docstring: whether the docstring gets the entities, actions and parameters.
        max_output_chars: how much of a result, as JSON, the model gets (about four characters are a token); None or 0
            for all of it.
        framework: ``pydantic_ai``, ``langchain``, ``openai_agents``, ``mcp`` or ``none``; None for the first of these
            that the program has imported or, if none, has installed. It is looked for at the first call.
        internal_retries: how many times a failure that passes is tried again at once, before the model hears of it.
        should_internal_retry: says of an error and the call's arguments whether it passes. Without it that is a rate
            limit, an answer of 5xx or none, and a failed token; but after an action that may have written something,
            only what certainly was not done.
        exhausted_runtime_failure_message: what to tell the model once the retries are used up; None for the error.
        enable_hosted_mode_features: whether the docstring tells of actions that search a copy of the data.
        on_large: what a result of more than ``max_output_chars`` becomes. ``retry`` tells the model to ask for less.
            ``page`` gives it whole records, as many as there is room for, as ``{"data", "meta"}`` with a cursor for
            the rest in ``meta``; it is not the default, as the rest is kept in this process, and another process that
            serves the next call has none of it.
        personal_data: whether the model may read names, addresses, e-mails and phone numbers of buyers.

    Raises:
        TypeError: ``func`` is a generator, or no function.
        InvalidArguments: an option is none that there is.
    """
    policy = _Policy(
        max_output_chars=max_output_chars if max_output_chars and max_output_chars > 0 else None,
        on_large=on_large,
        personal_data=personal_data,
        framework=frameworks.named(framework),
        internal_retries=internal_retries,
        should_internal_retry=should_internal_retry,
        exhausted=exhausted_runtime_failure_message,
    )
    if on_large not in ("retry", "page"):
        raise InvalidArguments("tool_utils", [Problem("on_large", "is neither 'retry' nor 'page'")])

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if not inspect.isroutine(function):
            raise TypeError(f"{function!r} is no function: put tool_utils below the framework's own decorator")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__name__} yields: a tool returns its result as one")
        if hasattr(function, _MARK):
            log.warning("%s is a tool already: the outer tool_utils does nothing", function.__name__)
            return function
        made = _wrapped(function, policy)
        if update_docstring:
            guide = skill_docs.guide(connector, searches=enable_hosted_mode_features, pages=on_large == "page")
            made.__doc__ = skill_docs.with_guide(function.__doc__, guide)
        return made

    return decorate if func is None else decorate(func)


def _wrapped(function: Callable[..., Any], policy: _Policy) -> Callable[..., Any]:
    run = functools.cache(lambda: policy.framework or frameworks.find())
    signature = inspect.signature(function)
    if policy.on_large == "page" and not {"cursor", "params"} & set(signature.parameters):
        raise TypeError(f"{function.__name__} takes no `params` or `cursor`: on_large='page' has nowhere to continue")

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call:
        framework = run()
        framework.load()
        given = signature.bind_partial(*args, **kwargs).arguments
        return _Call(function.__name__, policy, framework, args, kwargs, given)

    @functools.wraps(function)
    async def tool(*args: Any, **kwargs: Any) -> Any:
        call = begin(args, kwargs)
        while True:
            try:
                return call.rest() if call.cursor else call.shown(await function(*args, **kwargs))
            except Exception as error:
                if not call.again(error):
                    return call.failed(error)

    @functools.wraps(function)
    def blocking_tool(*args: Any, **kwargs: Any) -> Any:
        call = begin(args, kwargs)
        while True:
            try:
                return call.rest() if call.cursor else call.shown(function(*args, **kwargs))
            except Exception as error:
                if not call.again(error):
                    return call.failed(error)

    made = tool if inspect.iscoroutinefunction(function) else blocking_tool
    setattr(made, _MARK, True)
    return made


@dataclass
class _Call:
    """One call of a tool: what its result or failure becomes."""

    tool: str
    policy: _Policy
    framework: Framework
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    given: Mapping[str, Any]
    tried: int = 0

    @property
    def cursor(self) -> str | None:
        """The cursor of ours that the call has, where the rest of a result is asked for."""
        params = self.given.get("params")
        named = params.get("cursor") if isinstance(params, Mapping) else None
        asked = self.given.get("cursor") or named
        ours = self.policy.on_large == "page" and isinstance(asked, str) and asked.startswith(large.PREFIX)
        return asked if ours else None

    def shown(self, result: Any) -> Any:
        """Return what the model gets of a result: without personal data, in its framework's form, and not too large."""
        data, meta, enveloped = _opened(result)
        clean = data if self.policy.personal_data else personal.without(data)
        whole = {"data": clean, "meta": meta} if enveloped else clean
        try:
            text = json.dumps(whole, default=_as_json)
        except (TypeError, ValueError):  # nothing that JSON can hold: the function knows what its caller wants
            return result
        most = self.policy.max_output_chars
        if most is not None and len(text) > most:
            part = self.policy.rests.cut(clean, meta, most) if self.policy.on_large == "page" else None
            if part is None:
                raise _TooLarge(_too_large(self.tool, text, most))
            return self._formed(part)
        if self.framework is frameworks.NONE:
            return result if clean is data else _closed(result, clean, enveloped)
        return self._formed(whole if enveloped else clean)

    def rest(self) -> Any:
        """Return the part of an earlier result that the call's cursor stands for."""
        most = self.policy.max_output_chars or 0
        part = self.policy.rests.next(self.cursor or "", most)
        if part is None:
            raise _TooLarge(f"{self.tool}: the next record alone has more than {most} characters; ask for fewer fields")
        return self._formed(part)

    def _formed(self, value: Any) -> Any:
        if self.framework.name == "openai_agents" and not isinstance(value, str):  # it would show Python's repr
            return json.dumps(value, default=_as_json)
        return value

    def again(self, error: Exception) -> bool:
        """Whether to try once more, and count it."""
        if self.tried >= self.policy.internal_retries or not self._passing(error):
            return False
        self.tried += 1
        log.info("%s: try %d of %d after %s", self.tool, self.tried, self.policy.internal_retries, type(error).__name__)
        return True

    def failed(self, error: Exception) -> Any:
        """Raise what makes the framework tell the model of a failure, or return what it is told."""
        if self.framework.passes(error):
            raise error
        said = str(error) if isinstance(error, _TooLarge) else f"{type(error).__name__}: {error}"
        if self.policy.exhausted is not None and self._passing(error):
            said = self.policy.exhausted(error, self.args, self.kwargs) or said
        signal = self.framework.failed(said)
        if signal is None:
            return said
        if isinstance(error, _TooLarge):
            raise signal from None
        raise signal from error

    def _passing(self, error: Exception) -> bool:
        """Whether a failure may not come again."""
        if isinstance(error, _TooLarge) or self.framework.passes(error):
            return False
        if self.policy.should_internal_retry is not None:
            return self.policy.should_internal_retry(error, self.args, self.kwargs)
        if isinstance(error, Throttled | TooManyRequests | TokenUnavailable):
            return True
        if isinstance(error, NoAnswer) and not error.sent:
            return True
        reads = str(self.given.get("action", "list")).startswith(_READS)
        return reads and isinstance(error, AmazonUnavailable | NoAnswer | TimeoutError | ConnectionError)


def _opened(result: Any) -> tuple[Any, Mapping[str, Any] | None, bool]:
    """Return a result's data and meta, and whether it has them: a connector's results do."""
    if hasattr(result, "data") and (is_dataclass(result) or hasattr(result, "model_dump")):
        return result.data, getattr(result, "meta", None), True
    if isinstance(result, dict) and result.keys() == {"data", "meta"} and isinstance(result["meta"], dict | None):
        return result["data"], result["meta"], True
    return result, None, False


def _closed(result: Any, data: Any, enveloped: bool) -> Any:
    """Return a result of the same type with other data."""
    if not enveloped:
        return data
    if is_dataclass(result) and not isinstance(result, type):
        return replace(result, data=data)
    if isinstance(result, dict):
        return {**result, "data": data}
    return result.model_copy(update={"data": data})


def _as_json(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True) if hasattr(value, "model_dump") else str(value)


def _too_large(tool: str, text: str, most: int) -> str:
    return (
        f"{tool}: the result has {len(text)} characters, and {most} are allowed. Ask for less: a shorter range of "
        f"dates, a filter, a smaller page or limit, or fewer fields. It begins with: {text[:PREVIEW_CHARS]}"
    )


@dataclass(frozen=True)
class ConnectorTools:
    """The tools of one connector: see `build_connector_tools`."""

    framework: str | None
    functions: tuple[Callable[..., Any], ...]

    def as_list(self) -> list[Callable[..., Any]]:
        """Return them as functions: ``inspect_connector``, ``read_skill_docs`` and ``execute``."""
        return list(self.functions)

    def as_tools(self) -> list[Any]:
        """Return them as the framework's own tools, whose failures the model reads; as functions without a framework.

        Raises:
            ToolError: the framework is not installed; says what to install.
        """
        framework = frameworks.named(self.framework) or frameworks.find()
        framework.load()
        return [_NATIVE[framework.name](one) for one in self.functions]


def build_connector_tools(
    connector: Connector,
    framework: str | None = None,
    *,
    use_progressive_docs: bool = True,
    prefix: str = "",
    **options: Any,
) -> ConnectorTools:
    """Make the tools with which a model uses a connector: what it is, what it offers, and one that carries out actions.

    ``execute`` takes an entity and an action from closed lists, and answers ``{"data", "meta"}``: ``meta`` has the
    next page's token, and is null where there is nothing to tell.

    Args:
        connector: whose actions.
        framework: as for `tool_utils`.
        use_progressive_docs: whether the model reads an entity's parameters when it needs them, through
            ``read_skill_docs``; otherwise the description of ``execute`` has them all.
        prefix: before each tool's name, for an agent that has several connectors.
        options: as for `tool_utils`, but for ``update_docstring``.
    """
    pages = options.get("on_large") == "page"
    entities = {one["entity_name"]: tuple(one["available_actions"]) for one in connector.list_entities()}

    def inspect_connector() -> dict[str, Any]:
        return {"name": connector.connector_name, "entities": {name: list(entities[name]) for name in entities}}

    def read_skill_docs(section: str | None = None) -> str:
        return skill_docs.section(connector, section, pages=pages)

    async def execute(entity: str, action: str, params: dict[str, Any] | None = None) -> Any:
        data, meta, _ = _opened(await connector.execute(entity, action, params or {}))
        return {"data": data, "meta": meta}

    actions = tuple(dict.fromkeys(action for known in entities.values() for action in known))
    execute.__annotations__ |= {
        "entity": Literal[tuple(entities)],
        "action": Literal[actions],
        "params": dict[str, Any] | None,
    }
    read_skill_docs.__annotations__ |= {"section": str | None, "return": str}
    inspect_connector.__annotations__["return"] = dict[str, Any]
    name = connector.connector_name
    inspect_connector.__doc__ = f"Say what {name} has: its entities, and the actions of each."
    read_skill_docs.__doc__ = (
        f"Say how {name} is used: which parameters an entity's actions take. Without a section: which there are."
    )
    execute.__doc__ = f"Carry out one action of an entity of {name}." + (
        f" {prefix}read_skill_docs says which parameters it takes." if use_progressive_docs else ""
    )
    made = []
    for one in (inspect_connector, read_skill_docs, execute):
        one.__name__ = one.__qualname__ = prefix + one.__name__
        injected = one is execute and not use_progressive_docs
        made.append(tool_utils(connector, one, framework=framework, **_options(one is execute, options, injected)))
    return ConnectorTools(framework, tuple(made))


def _options(executes: bool, options: Mapping[str, Any], injected: bool) -> dict[str, Any]:
    """Return the options of one of a connector's tools: its descriptions are neither cut nor redacted."""
    return {**(options if executes else {"personal_data": True}), "update_docstring": injected}


def _pydantic_ai(function: Callable[..., Any]) -> Any:
    from pydantic_ai import Tool  # noqa: PLC0415  # an optional package, and slow to import

    return Tool(function)


def _langchain(function: Callable[..., Any]) -> Any:
    from langchain_core.tools import StructuredTool  # noqa: PLC0415  # an optional package

    how = "coroutine" if inspect.iscoroutinefunction(function) else "func"
    # otherwise a ToolException ends the agent's run
    return StructuredTool.from_function(**{how: function}, handle_tool_error=True)


def _openai_agents(function: Callable[..., Any]) -> Any:
    from agents import function_tool  # noqa: PLC0415  # an optional package, and slow to import

    return function_tool(function, strict_mode=False)  # strict schemas have no object with names of its own: params


def _mcp(function: Callable[..., Any]) -> Any:
    from fastmcp.tools import Tool  # noqa: PLC0415  # an optional package, and slow to import

    return Tool.from_function(function)


_NATIVE: Mapping[str, Callable[[Callable[..., Any]], Any]] = {
    "pydantic_ai": _pydantic_ai,
    "langchain": _langchain,
    "openai_agents": _openai_agents,
    "mcp": _mcp,
    "none": lambda function: function,
}
