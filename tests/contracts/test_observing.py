"""What a call leaves behind for whoever watches: one log line, one span, and never a secret or personal data."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from sellerport import tracing
from sellerport.errors import AmazonRefused, NoAnswer
from tests.conftest import Clients

SINCE = "2020-01-01T00:00:00Z"
BUYER = "buyer-of-the-test@example.invalid"


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    tracing._start.cache_clear()
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    exporter.clear()
    yield exporter
    exporter.clear()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "sellerport.calls"]


def test_a_call_is_one_line_with_its_request_id(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    sp = clients.make()
    with caplog.at_level(logging.DEBUG):
        result = clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE, buyer_email=BUYER))
        clients.amazon.fail(status=400, code="InvalidInput")
        with pytest.raises(AmazonRefused):
            clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    good, bad = lines(caplog)
    assert good.startswith("orders_v0.get_orders na 200: ok, ")
    assert good.endswith(f" ms, request id {result.request_id}")
    assert bad.startswith("orders_v0.get_orders na 400: amazon_refused, ")


def test_no_secret_and_no_argument_is_logged(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    """python-amazon-sp-api logs its headers, the access token among them (peer-sdks.md, 1.1)."""
    sp = clients.make()
    with caplog.at_level(logging.DEBUG):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE, buyer_email=BUYER))
        clients.amazon.fail(answer="reset", times=9)
        with pytest.raises(NoAnswer):
            clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE, buyer_email=BUYER))
    assert caplog.text
    secrets = [*clients.amazon.credentials().values(), *clients.amazon.world.access_tokens, BUYER]
    assert [secret for secret in secrets if secret in caplog.text and "client.local" not in secret] == []


def test_logging_is_left_to_the_program(clients: Clients) -> None:
    """amzn-sp-api configures the root logger and adds handlers with every object (peer-sdks.md, 1.4)."""
    root, ours = logging.getLogger(), logging.getLogger("sellerport")
    before = (list(root.handlers), root.level, list(ours.handlers), ours.level)
    sp = clients.make()
    clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE))
    assert (list(root.handlers), root.level, list(ours.handlers), ours.level) == before


def test_a_call_is_one_span(clients: Clients, spans: InMemorySpanExporter) -> None:
    sp = clients.make()
    order = clients.do(lambda: sp.orders.search_orders(created_after=SINCE))["orders"][0]["orderId"]
    clients.amazon.fail(status=500)
    result = clients.do(lambda: sp.orders_v0.get_order(order_id=order))
    _, span = spans.get_finished_spans()
    assert (span.name, span.kind) == ("orders_v0.get_order", SpanKind.CLIENT)
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "server.address": "sellingpartnerapi-na.amazon.com",
        "url.template": "/orders/v0/orders/{orderId}",
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
        "aws.request_id": result.request_id,
    }


def test_a_failed_call_is_a_failed_span_without_what_was_sent(clients: Clients, spans: InMemorySpanExporter) -> None:
    sp = clients.make()
    clients.amazon.fail(status=404, message=BUYER)
    with pytest.raises(AmazonRefused):
        clients.do(lambda: sp.orders_v0.get_orders(created_after=SINCE, buyer_email=BUYER))
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "amazon_not_found"
    assert (span.attributes or {})["http.response.status_code"] == 404
    assert BUYER not in span.to_json()


def test_a_call_works_where_opentelemetry_is_not_installed(
    clients: Clients, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracing._start.cache_clear()
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "opentelemetry", None)  # Python's way to say that it is not installed
        sp = clients.make()
        assert clients.do(lambda: sp.sellers.get_account()).status == 200
        clients.amazon.fail(path="/sellers/*", status=404)
        with pytest.raises(AmazonRefused):
            clients.do(lambda: sp.sellers.get_account())
    tracing._start.cache_clear()
    assert spans.get_finished_spans() == ()


def test_spans_are_children_of_what_is_going_on(clients: Clients, spans: InMemorySpanExporter) -> None:
    sp = clients.make()

    def work() -> Any:
        return sp.sellers.get_marketplace_participations()

    async def awaited() -> None:
        with trace.get_tracer("test").start_as_current_span("sync of the shop"):
            await work()

    if clients.colour == "async":
        clients.runner.run(awaited())
    else:
        with trace.get_tracer("test").start_as_current_span("sync of the shop"):
            work()
    inner, outer = spans.get_finished_spans()
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
