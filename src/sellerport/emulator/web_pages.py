"""How the local Amazon's own pages are made: templates, and headers that let nothing in or out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import jinja2

PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PAGES.filters["day"] = lambda seconds: f"{(when := datetime.fromtimestamp(seconds, UTC)).day} {when:%B %Y}"
PAGES.filters["moment"] = lambda seconds: f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def headers(*allowed: str) -> dict[str, str]:
    """Return what is said of a page: styles of its own are allowed, and what these directives say."""
    policy = ("default-src 'none'", "style-src 'unsafe-inline'", *allowed, "base-uri 'none'", "frame-ancestors 'none'")
    return {
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "content-security-policy": "; ".join(policy),
        "x-frame-options": "DENY",
    }
