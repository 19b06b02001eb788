"""OpenTelemetry spans, where OpenTelemetry is installed: one for each call, and nothing otherwise.

No span holds an argument, a token, a body, or an error's message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_NOTHING: AbstractContextManager[None] = nullcontext()


def span(name: str) -> AbstractContextManager[dict[str, Any] | None]:
    """Trace what happens inside; facts that are put into the dictionary become attributes, if there is one."""
    start = _start()
    if start is None:
        return _NOTHING
    started = start(name)
    return _recorded(started) if started.get_span_context().is_valid else _NOTHING  # no SDK: nobody listens


@cache
def _start() -> Callable[[str], Span] | None:
    try:
        from opentelemetry import trace  # noqa: PLC0415  # optional
    except ImportError:
        return None
    return partial(trace.get_tracer("sellerport").start_span, kind=trace.SpanKind.CLIENT)


@contextmanager
def _recorded(span: Span) -> Iterator[dict[str, Any]]:
    from opentelemetry.trace import Status, StatusCode, use_span  # noqa: PLC0415  # optional

    facts: dict[str, Any] = {}
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield facts
        except BaseException as error:
            facts["error.type"] = getattr(error, "code", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR, facts["error.type"]))
            raise
        finally:
            span.set_attributes({key: value for key, value in facts.items() if value is not None})
