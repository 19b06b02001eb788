"""The client-held secret as it comes: in a query, where ``+`` turns into a space, and in a header."""

from __future__ import annotations

import re

from sellerport.errors import CallerError

SHORTEST, LONGEST = 32, 64
"""Characters, as the contract has it."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]{32,64}")


def canonical(secret: str) -> str:
    """Return the secret that is meant: a space stands for a plus where that makes it base64."""
    put_right = secret.replace(" ", "+")
    return put_right if " " in secret and _BASE64.fullmatch(put_right) else secret


def checked(secret: str, name: str) -> str:
    """Return a secret that is to seal a grant, as it will come.

    Raises:
        CallerError: it is too short or too long, or not all of it comes through a header as it is.
    """
    if not SHORTEST <= len(secret) <= LONGEST or not secret.isascii():
        raise CallerError(wrong_length(name))
    return canonical(secret)


def wrong_length(name: str) -> str:
    """Return the contract's message."""
    return f"{name} must be {SHORTEST}-{LONGEST} characters"
