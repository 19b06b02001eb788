"""Answers that Amazon really gave, as its own collection of requests recorded them, read by the client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from sellerport import AmazonAds, catalog
from sellerport.errors import AmazonUnavailable
from sellerport.multi_status import MultiStatus
from sellerport.wire import Request, Response

T = TypeVar("T")

RECORDED = Path(__file__).parents[2] / "shared" / "amazon" / "ads" / "postman_requests_examples.jsonl"

pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason="shared/ is not beside the repository")

NO_JSON = "/amc/instances/:instanceId/advertisers"
"""Whoever wrote this one down left a placeholder where a value stood."""


class Recorded(NamedTuple):
    method: str
    path: str
    params: dict[str, str]
    sent: Any
    status: int
    headers: dict[str, str]
    body: str


class Tape:
    """A wire on which one answer comes, whatever is sent."""

    blocking = True

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        return self.answer

    def stream(self, request: Request) -> Any:
        raise NotImplementedError

    async def work(self, function: Callable[[], T]) -> T:
        return function()

    async def sleep(self, seconds: float) -> None:
        pass

    @asynccontextmanager
    async def alone(self, key: object) -> AsyncIterator[None]:
        yield


def recorded() -> Iterator[Recorded]:
    for line in RECORDED.read_text("utf-8").splitlines():
        request = json.loads(line)
        for example in request["examples"]:
            parts = urlsplit(
                example["request_url"].replace("{{api_url}}", "http://amazon").replace("{{", "").replace("}}", "")
            )
            try:
                sent = json.loads(example["request_body"] or "null")
            except ValueError:  # variables stand where values were
                sent = {}
            headers = {name.lower(): value for name, value in (example["headers"] or {}).items()}
            params = dict(parse_qsl(parts.query)) | _required(request["method"], parts.path)
            yield Recorded(request["method"], parts.path, params, sent, example["code"], headers, example["body"] or "")


def _required(method: str, path: str) -> dict[str, str]:
    """Return the headers that an operation requires, which those who recorded it set once for all requests."""
    found = catalog.match(method, path, "ads")
    return {one.wire: "1" for one in found[0].parameters if one.required and one.place == "header"} if found else {}


def ads(tape: Tape) -> AmazonAds:
    return AmazonAds(client_id="c", access_token="Atza|t", profile_id="1", wire=tape, check=False, environ={})


def test_every_recorded_answer_is_read() -> None:
    read = refused = 0
    refused_items: list[tuple[str, str]] = []
    for one in recorded():
        tape = Tape(Response(one.status, one.headers, one.body.encode()))
        call = (one.method, one.path, one.params, one.sent)
        if one.path == NO_JSON and not _is_json(one.body):
            with pytest.raises(AmazonUnavailable, match="is no JSON"):
                ads(tape).call(*call)
            refused += 1
            continue
        result = ads(tape).call(*call)
        assert result.status == one.status
        assert _without_ids(result.data) == _without_ids(json.loads(one.body) if one.body else None), call
        assert result.request_id == next((one.headers[name] for name in NAMES if name in one.headers), None)
        if isinstance(result, MultiStatus):
            refused_items += [(one.path, item.reason) for item in result.errors]
            assert {item.index for item in (*result.done, *result.errors)} == set(range(_items(result.data))), call
        read += 1
    assert (read, refused) == (241, 1)
    assert refused_items == []


NAMES = ("x-amzn-requestid", "x-amz-request-id", "x-amz-rid")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _items(data: Any) -> int:
    """Count the items of a write by what Amazon numbered, or listed without numbers."""
    if isinstance(data, list):
        return len(data)
    return json.dumps(data).count('"index"') or sum(len(one) for one in data.values() if isinstance(one, list))


def _without_ids(value: Any) -> Any:
    """Return JSON with every number as text, since ids are handed out as strings."""
    return json.loads(json.dumps(value), parse_int=str)
