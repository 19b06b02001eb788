"""Agent frameworks: which one a tool is for, and how that one lets a model try again.

| framework       | package         | a failure becomes                                    |
|-----------------|-----------------|------------------------------------------------------|
| `pydantic_ai`   | `pydantic-ai`   | `ModelRetry`                                         |
| `langchain`     | `langchain-core`| `ToolException`                                      |
| `openai_agents` | `openai-agents` | the tool's own answer: that framework shows no other |
| `mcp`           | `fastmcp`       | `ToolError` of FastMCP                               |
| `none`          |                 | `sellerport.errors.ToolError`                        |

None of them is imported before a tool for it is called.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from types import MappingProxyType
from typing import Any, Literal, get_args

from sellerport.errors import InvalidArguments, Problem, ToolError

log = logging.getLogger(__name__)

Name = Literal["pydantic_ai", "langchain", "openai_agents", "mcp", "none"]


@dataclass(frozen=True)
class Framework:
    """One framework.

    Args:
        name: as callers choose it.
        module: what has to be imported for it; not ``mcp``, which many install that have no FastMCP.
        packages: the distributions that bring it: a folder of the user's may be called ``agents`` too.
        signal: where its exception for "try again" is, as ``module:name``; none where a failure is an answer.
        passing: exceptions with which a tool steers it, and which are no failures.
    """

    name: Name
    module: str
    packages: tuple[str, ...]
    signal: str = ""
    passing: tuple[str, ...] = ()

    def failed(self, message: str) -> Exception | None:
        """Return what to raise so that the model reads a message and may try again; None to answer with the message."""
        return self._exception(self.signal)(message) if self.signal else None

    def passes(self, error: Exception) -> bool:
        """Whether an exception is the framework's own, and not for us to translate."""
        return any(isinstance(error, self._exception(one)) for one in (self.signal, *self.passing) if one)

    def load(self) -> None:
        """Import the framework.

        Raises:
            ToolError: it is not installed; says what to install.
        """
        try:
            import_module(self.module)
        except ImportError as error:
            wanted = f"framework={self.name!r} needs another package: pip install {self.packages[0]}"
            raise ToolError(wanted) from error

    def _exception(self, where: str) -> type[Exception]:
        module, _, name = where.partition(":")
        return getattr(import_module(module), name)  # type: ignore[no-any-return]  # closed table, below


NONE = Framework("none", "builtins", (), "sellerport.errors:ToolError")

FRAMEWORKS: Mapping[str, Framework] = MappingProxyType(
    {
        one.name: one
        for one in (
            Framework(
                "pydantic_ai",
                "pydantic_ai",
                ("pydantic-ai", "pydantic-ai-slim"),
                "pydantic_ai.exceptions:ModelRetry",
                ("pydantic_ai.exceptions:CallDeferred", "pydantic_ai.exceptions:ApprovalRequired"),
            ),
            Framework("langchain", "langchain_core.tools", ("langchain-core",), "langchain_core.tools:ToolException"),
            Framework("openai_agents", "agents", ("openai-agents",)),
            Framework("mcp", "fastmcp", ("fastmcp", "fastmcp-slim"), "fastmcp.exceptions:ToolError"),
            NONE,
        )
    }
)


def named(framework: str | None) -> Framework | None:
    """Return the framework that a caller chose; None where the choice is left to us.

    Raises:
        InvalidArguments: there is none of this name; says which there are.
    """
    if framework is None:
        return None
    if framework not in FRAMEWORKS:
        raise InvalidArguments("a tool", [Problem("framework", f"is none of {', '.join(get_args(Name))}")])
    return FRAMEWORKS[framework]


def find(
    loaded: Mapping[str, Any] | None = None, installed: Callable[[tuple[str, ...]], bool] | None = None
) -> Framework:
    """Return the framework that a program uses: the first that it has imported, or else the first that it could.

    Args:
        loaded: the modules that are imported; those of this process.
        installed: whether one of these distributions is there.
    """
    loaded = sys.modules if loaded is None else loaded
    installed = installed or _installed
    there = [one for one in FRAMEWORKS.values() if one.packages and installed(one.packages)]
    if there:
        return next((one for one in there if one.module in loaded), there[0])
    log.warning("no agent framework is installed: a tool's failures are raised as ToolError")
    return NONE


def _installed(packages: tuple[str, ...]) -> bool:
    for one in packages:
        try:
            distribution(one)
        except PackageNotFoundError:
            continue
        return True
    return False
