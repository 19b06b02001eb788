"""Which framework a tool is for, where all of them are installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASKING = """
import {module}
from sellerport.connectors import frameworks
before = set(sys.modules)
print(frameworks.find().name)
assert not {{"pydantic_ai", "langchain_core", "agents", "fastmcp"}} & (set(sys.modules) - before)
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sys", "pydantic_ai"),
        ("pydantic_ai, sys", "pydantic_ai"),
        ("langchain_core.tools, sys", "langchain"),
        ("agents, sys", "openai_agents"),
        ("fastmcp, sys", "mcp"),
        ("mcp, sys", "pydantic_ai"),
    ],
)
def test_the_framework_that_a_program_has_imported_is_found_first(module: str, name: str) -> None:
    """Defect 16: ``mcp`` alone is no framework."""
    asked = [sys.executable, "-c", ASKING.format(module=module)]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert found.stdout == f"{name}\n", found.stderr
