"""A connector over the local Amazon, for tools of real agent frameworks; their models are their own test doubles."""

from __future__ import annotations

import os

import pytest

from sellerport.connectors import AmazonSellerPartnerAuthConfig, AmazonSellerPartnerConnector
from sellerport.limits import Limits
from sellerport.oauth import Tokens
from sellerport.pytest_plugin import Amazon

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"  # it would send what agents do to its maker
os.environ["LANGSMITH_TRACING"] = "false"


@pytest.fixture
def connector(amazon: Amazon) -> AmazonSellerPartnerConnector:
    return AmazonSellerPartnerConnector(
        AmazonSellerPartnerAuthConfig(**amazon.credentials()),
        environ={"SELLERPORT_AMAZON": amazon.address},
        tokens=Tokens(),
        limits=Limits(),
    )
