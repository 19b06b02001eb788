"""Data Kiosk from a query to the rows of all of its pages, in both colours, against the local Amazon."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sellerport.documents import Document, Progress
from sellerport.emulator import Fault, Outcome
from sellerport.errors import (
    AmazonRefused,
    DocumentCancelled,
    DocumentError,
    DocumentFailed,
    DocumentPending,
    InvalidArguments,
)
from tests.conftest import Clients

QUERIES = "/dataKiosk/2023-11-15/queries"


@pytest.fixture(autouse=True)
def _done_at_once(clients: Clients) -> None:
    clients.amazon.world.polls = 0


def posted(clients: Clients, path: str) -> list[Any]:
    return [one["body"] for one in clients.amazon.arrived(path) if one["method"] == "POST"]


def ask(clients: Clients, *query: str, **arguments: Any) -> Document:
    sp = clients.make()
    document: Document = clients.do(lambda: sp.data_kiosk.fetch(*query, **arguments))
    return document


def test_all_pages_of_a_query_are_one_document(clients: Clients, tmp_path: Path) -> None:
    lines = "".join(f'{{"n":{number}}}\n' for number in range(6))
    for body, to in ((lines, None), (lines.rstrip("\n"), tmp_path / "rows.jsonl")):
        clients.amazon.world.requests.clear()
        clients.amazon.world.plan(Outcome(kind="query", pages=3, body=body, gzip=True))
        seen: list[Progress] = []
        document = ask(clients, "query { a }", to=to, progress=seen.append)
        assert [row["n"] for row in document.rows()] == [0, 1, 2, 3, 4, 5]
        assert document.text == lines
        asked = posted(clients, QUERIES)
        assert [one["query"] for one in asked] == ["query { a }"] * 3
        assert [bool(one.get("paginationToken")) for one in asked] == [False, True, True]
        assert {one.id for one in seen} == {document.id}


def test_a_query_of_one_row_is_one_row(clients: Clients) -> None:
    clients.amazon.world.plan(Outcome(kind="query", body='{"a": {"b": [1]}}'))
    assert list(ask(clients, "query { a }").rows()) == [{"a": {"b": [1]}}]


def test_pages_may_be_few_and_the_rest_is_resumed_from_the_id(clients: Clients) -> None:
    clients.amazon.world.plan(Outcome(kind="query", pages=3, body='{"n":0}\n{"n":1}\n{"n":2}\n'))
    some = ask(clients, "query { a }", pages=2)
    assert [row["n"] for row in some.rows()] == [0, 1]
    assert some.metadata["pagination"]["nextToken"]
    everything = ask(clients, query_id=some.id)
    assert [row["n"] for row in everything.rows()] == [0, 1, 2]


def test_queries_without_data_or_with_an_error_are_told_apart(clients: Clients, tmp_path: Path) -> None:
    clients.amazon.world.plan(Outcome(kind="query", document=False))
    assert ask(clients, "query { a }").empty
    clients.amazon.world.plan(Outcome(kind="query", status="FATAL", body='{"errorDetails": "No such field."}'))
    with pytest.raises(DocumentFailed, match="No such field") as failed:
        ask(clients, "query { a }", to=tmp_path / "rows.jsonl")
    assert failed.value.explanation == '{"errorDetails": "No such field."}'
    assert list(tmp_path.iterdir()) == []
    clients.amazon.world.plan(Outcome(kind="query", status="CANCELLED"))
    with pytest.raises(DocumentCancelled):
        ask(clients, "query { a }")
    clients.amazon.world.plan(Outcome(kind="query", polls=9))
    with pytest.raises(DocumentPending, match=r"data_kiosk\.fetch\(query_id="):
        ask(clients, "query { a }", patience_s=2)


def test_a_page_that_fails_leaves_no_part_of_those_before(clients: Clients, tmp_path: Path) -> None:
    clients.amazon.world.plan(Outcome(kind="query", pages=2, body='{"n":0}\n{"n":1}\n'))
    seen: list[Progress] = []

    def fail(progress: Progress) -> None:
        seen.append(progress)
        if [one.status for one in seen] == ["IN_QUEUE", "DONE", "IN_QUEUE"]:
            clients.amazon.world.fail(Fault(path="/_storage/*", status=404))

    with pytest.raises(DocumentError) as failed:
        ask(clients, "query { a }", to=tmp_path / "rows.jsonl", progress=fail)
    assert failed.value.id == seen[0].id
    assert f"data_kiosk.fetch(query_id='{seen[0].id}')" in failed.value.__notes__[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ({"processingStatus": "IN_PROGRESS"}, DocumentPending),
        ({"processingStatus": "CANCELLED"}, DocumentCancelled),
        ({"processingStatus": "FATAL"}, DocumentFailed),
    ],
)
def test_the_error_of_a_later_page_has_the_id_that_goes_on_with_all_of_them(
    clients: Clients, found: dict[str, Any], error: type[DocumentError]
) -> None:
    clients.amazon.world.plan(Outcome(kind="query", pages=3, body='{"n":0}\n{"n":1}\n{"n":2}\n'))
    seen: list[Progress] = []

    def spoil(progress: Progress) -> None:
        seen.append(progress)
        if [one.status for one in seen] == ["IN_QUEUE", "DONE", "IN_QUEUE"]:
            clients.amazon.world.fail(Fault(path=f"{QUERIES}/*", status=200, body=found, times=9))

    with pytest.raises(error) as spoiled:
        ask(clients, "query { a }", progress=spoil, patience_s=5)
    assert spoiled.value.id == seen[0].id
    assert re.search(rf"query {seen[0].id}, page 2 \(query \d+\)", spoiled.value.message)
    clients.amazon.world.faults.clear()
    assert [row["n"] for row in ask(clients, query_id=spoiled.value.id).rows()] == [0, 1, 2]


def test_a_page_that_cannot_be_asked_for_says_how_to_go_on_with_all_of_them(clients: Clients) -> None:
    clients.amazon.world.plan(Outcome(kind="query", pages=2, body='{"n":0}\n{"n":1}\n'))
    seen: list[Progress] = []

    def refuse(progress: Progress) -> None:
        seen.append(progress)
        clients.amazon.world.fail(Fault(path=QUERIES, method="POST", status=400))

    with pytest.raises(AmazonRefused) as refused:
        ask(clients, "query { a }", progress=refuse)
    assert refused.value.__notes__ == [
        f"to go on with query {seen[0].id}: data_kiosk.fetch(query_id='{seen[0].id}')",
    ]


def test_an_answer_with_more_pages_and_without_its_query_is_an_error(clients: Clients) -> None:
    for token, error in (("t", "has no query"), ("", None), (None, None)):
        answer = {"processingStatus": "DONE", "pagination": {"nextToken": token}}
        clients.amazon.world.fail(Fault(path=f"{QUERIES}/1", status=200, body=answer))
        if error is None:
            assert ask(clients, query_id="1").empty
            continue
        with pytest.raises(DocumentError, match=error) as failed:
            ask(clients, query_id="1")
        assert failed.value.id == "1"


def test_a_page_whose_connection_ends_is_read_again_and_is_there_once(clients: Clients) -> None:
    clients.amazon.world.plan(Outcome(kind="query", pages=2, body='{"n":0}\n{"n":1}\n'))

    def fail(progress: Progress) -> None:
        if progress.status == "DONE":
            clients.amazon.world.fail(Fault(path="/_storage/*", answer="reset"))

    assert ask(clients, "query { a }", progress=fail).text == '{"n":0}\n{"n":1}\n'


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "query"),
        ({"query": "q", "query_id": "1"}, "query"),
        ({"query": "q", "pages": 0}, "pages"),
        ({"query": "q", "pages": 1.5}, "pages"),
        ({"query": "q", "pages": True}, "pages"),
    ],
)
def test_queries_are_refused_before_anything_is_sent(clients: Clients, arguments: Any, field: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        ask(clients, **arguments)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert clients.amazon.arrived() == []
