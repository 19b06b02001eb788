"""Pages for browsers, from the templates.

None may be kept, framed or tell another site where it was, and none runs a script: their addresses hold secrets.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.responses import Response

from sellerport.server.hub import Started

COOKIE_LIFE_S = 600

HEADERS = MappingProxyType(
    {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
)
"""Of every answer to a browser."""

_TEMPLATES = Path(__file__).parent / "templates"


def page(name: str, status: int, *, form: bool = False, **values: Any) -> Response:
    """Return a page.

    Browsers hold ``form-action`` against the redirects that answer a form too, and Amazon's lead to hosts that no table
    has: a page with a form goes without it.
    """
    template, style, policy = _template(name)
    policy += "" if form else "; form-action 'none'"
    headers = {**HEADERS, "content-security-policy": policy}
    return Response(template.render(style=style, **values), status, headers, "text/html")


def bare(status: int, location: str | None = None) -> Response:
    """Return an answer without a page, which may lead somewhere else."""
    return Response(status_code=status, headers={**HEADERS, **({"location": location} if location else {})})


def remember(response: Response, started: Started, *, secure: bool) -> Response:
    """Give a browser the cookie by which it is known when it comes back from Amazon."""
    response.set_cookie(
        started.cookie,
        started.value,
        max_age=COOKIE_LIFE_S,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",  # Amazon's redirect has to carry it
    )
    return response


def forget(response: Response, cookie: str, *, secure: bool) -> Response:
    """Take a browser's cookie away."""
    response.delete_cookie(cookie, path="/", secure=secure, httponly=True, samesite="lax")
    return response


@cache
def _template(name: str) -> tuple[Template, Markup, str]:
    """Return a template, the style sheet, and the policy that allows this style sheet and nothing else."""
    style = (_TEMPLATES / "style.css").read_text("utf-8")
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; frame-ancestors 'none'"
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(name), Markup(style), policy  # noqa: S704  # the style sheet is ours
