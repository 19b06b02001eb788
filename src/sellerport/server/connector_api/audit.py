"""The route of the audit. It is this server's own: the contract has none."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sellerport.errors import InvalidArguments, Problem
from sellerport.server.connector_api import shapes
from sellerport.server.connector_api.answers import answer, written
from sellerport.server.connector_api.requests import caller_of, is_number
from sellerport.server.connector_api.table import Endpoint, Parameter
from sellerport.server.hub import Record
from sellerport.server.requests import hub_of

MOST = 500
"""Records in one answer."""

LATEST = 2**31 - 1


async def list_all(request: Request) -> Response:
    """List the organization's records, the newest first; ``next`` is the next page's ``before``."""
    caller = await caller_of(request)
    bounds = {"before": (LATEST, LATEST), "limit": (100, MOST)}
    numbers, problems = {}, []
    for name, (default, most) in bounds.items():
        text = request.query_params.get(name, str(default))
        if not is_number(text, most):
            problems.append(Problem(name, f"must be a number from 1 to {most}"))
            continue
        numbers[name] = int(text)
    if problems:
        raise InvalidArguments(problems=problems)
    found = await hub_of(request).audit.page(caller, before=numbers["before"], most=numbers["limit"])
    more = found[-1].sequence if found and found[-1].sequence > 1 else None
    return answer({"data": [_record(one) for one in found], "next": more})


def _record(record: Record) -> dict[str, Any]:
    return {
        "sequence": record.sequence,
        "at": written(record.at),
        "actor": record.actor,
        "action": record.action,
        "subject": record.subject,
        "facts": record.facts,
        "hash": record.hash,
    }


_QUERY = (
    Parameter("before", Annotated[int, msgspec.Meta(ge=1, le=LATEST)]),
    Parameter("limit", Annotated[int, msgspec.Meta(ge=1, le=MOST)]),
)

ENDPOINTS = [Endpoint("GET", "/api/v1/audit", list_all, shapes.AuditPage, query=_QUERY)]
