"""How Amazon's names are spelled in Python."""

from __future__ import annotations

import re


def snake(name: str) -> str:
    """Return Amazon's name as Python writes it: ``MarketplaceIds`` → ``marketplace_ids``, ``SKU`` → ``sku``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[-.\s]", "_", name)
    return words.replace("__", "_").lower()
