"""The examples of docs/agents.md that need a framework run as they are printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sellerport.pytest_plugin import Amazon

PAGE = (Path(__file__).parent.parent / "docs" / "agents.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NEEDING = {text.split("\n")[0].removeprefix("# needs "): text for text in BLOCKS if text.startswith("# needs ")}
ALWAYS = "import asyncio\nfrom sellerport.connectors.tools import build_connector_tools\n" + BLOCKS[0]


@pytest.mark.parametrize(
    ("package", "printed"),
    [
        ("pydantic-ai", r'"execute":\{"data":\[\{"AmazonOrderId"'),
        ("langchain-core", r"^InvalidArguments: |^AmazonRefused: "),
        ("openai-agents", r"^\['inspect_connector', 'read_skill_docs', 'execute'\]$"),
        ("fastmcp", r"^\d+ orders$"),
    ],
)
def test_an_example_runs_as_printed(package: str, printed: str, amazon: Amazon) -> None:
    assert len(NEEDING) == 4
    signed = amazon.credentials()
    environ = {
        **os.environ,
        "SELLERPORT_AMAZON": amazon.address,
        "SP_API_REFRESH_TOKEN": signed["refresh_token"],
        "LWA_APP_ID": signed["lwa_app_id"],
        "LWA_CLIENT_SECRET": signed["lwa_client_secret"],
    }
    asked = [sys.executable, "-c", ALWAYS + NEEDING[package]]
    found = subprocess.run(asked, capture_output=True, text=True, check=False, env=environ)
    assert found.returncode == 0, found.stderr
    assert re.search(printed, found.stdout, re.MULTILINE), found.stdout
