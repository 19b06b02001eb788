"""The client-held secret as it comes: in a query, where ``+`` turns into a space, and in a header."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 32, 64
"""Characters, as the contract has it."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]{32,64}")


def canonical(secret: str) -> str:
    """Return the secret that is meant: a space stands for a plus where that makes it base64."""
    put_right = secret.replace(" ", "+")
    return put_right if " " in secret and _BASE64.fullmatch(put_right) else secret
