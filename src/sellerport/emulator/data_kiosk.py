"""Data Kiosk 2023-11-15: a query is asked, waited for, and its rows fetched as JSON lines (see `sales_and_traffic`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sellerport.emulator import documents, page_tokens, sales_and_traffic
from sellerport.emulator.call import Answer, Call, invalid
from sellerport.emulator.documents import Content
from sellerport.emulator.jobs import OPEN, Job

CREATE = "data_kiosk_2023_11_15.create_query"
LONGEST = 8000


def create_query(call: Call) -> Answer:
    """Ask a query, or the next page of one that is done."""
    asked = call.checked_body()
    query = asked["query"]
    if len(query) > LONGEST:
        raise invalid(f"query must not be longer than {LONGEST} characters")
    try:
        list(sales_and_traffic.read(query))
    except ValueError as error:
        raise invalid(f"query is not a GraphQL query: {error}") from None
    token = asked.get("paginationToken")
    if token is None:
        job = documents.create(call, "query", query, asked=asked)
        return Answer({"queryId": _paged(call, job).id}, 202)
    before = documents.find(call, "query", page_tokens.redeem(call, token, name="paginationToken"))
    if before.type != query:
        raise invalid("paginationToken belongs to another query")
    outcome, page = before.outcome, before.page + 1
    job = documents.create(call, "query", query, asked=asked, outcome=outcome, page=page)
    return Answer({"queryId": _paged(call, job).id}, 202)


def get_query(call: Call) -> Answer:
    """Return how far a query is."""
    job = documents.find(call, "query", call.path["queryId"])
    return Answer(_query(poll(call, job)))


def get_queries(call: Call) -> Answer:
    """List queries, ten to a page."""
    found, token = documents.listed(call, "query")
    body: dict[str, Any] = {"queries": [_query(job) for job in found]}
    return Answer({**body, "pagination": {"nextToken": token}} if token else body)


def cancel_query(call: Call) -> Answer:
    """Cancel a query that is not finished; another time makes no difference."""
    job = documents.find(call, "query", call.path["queryId"])
    if job.status != "CANCELLED":
        documents.cancel(call, job, from_statuses=OPEN)
    return Answer(status=204)


def get_document(call: Call) -> Answer:
    """Return where a document is."""
    found = documents.document(call, "query", call.path["documentId"])
    return Answer({"documentId": found.id, "documentUrl": documents.address(call, found)})


def poll(call: Call, job: Job) -> Job:
    """Look at a query, which moves it on."""
    return documents.poll(call, job, _rows, _explain, without_data="DONE")


def _paged(call: Call, job: Job) -> Job:
    if job.page < job.outcome.pages:
        job.next_page = page_tokens.issue(call, job.id, operation=CREATE)
    return job


def _query(job: Job) -> dict[str, Any]:
    found: dict[str, Any] = {"queryId": job.id, "query": job.type, **documents.facts(job)}
    if job.document is not None:
        found["dataDocumentId" if job.status == "DONE" else "errorDocumentId"] = job.document
    if job.next_page is not None and job.status == "DONE":
        found["pagination"] = {"nextToken": job.next_page}
    return found


def _rows(call: Call, job: Job) -> Content | None:
    assert call.account is not None
    parents = {one.asin: one.family.asin for one in call.account.products if one.family}
    rows = sales_and_traffic.rows(job.type, list(call.account.orders.values()), parents)
    lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    return Content(lines, "application/jsonl", gzip=True) if lines else None


def _explain(call: Call, job: Job) -> Content:
    said = {"errors": [{"message": "The query could not be answered.", "extensions": {"classification": "FATAL"}}]}
    return Content(msgspec.json.encode(said), "application/json", gzip=True)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    CREATE: create_query,
    "data_kiosk_2023_11_15.get_query": get_query,
    "data_kiosk_2023_11_15.get_queries": get_queries,
    "data_kiosk_2023_11_15.cancel_query": cancel_query,
    "data_kiosk_2023_11_15.get_document": get_document,
}
