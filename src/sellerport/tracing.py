"""OpenTelemetry spans, where OpenTelemetry is installed: one for each call, and nothing otherwise.

No span holds an argument, a token, a body, or an error's message.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_NOTHING: AbstractContextManager[None] = nullcontext()


def span(name: str) -> AbstractContextManager[dict[str, Any] | None]:
    """Trace what happens inside; facts that are put into the dictionary become attributes, if there is one."""
    tracer = _tracer()
    return _NOTHING if tracer is None else _traced(tracer, name)


@cache
def _tracer() -> Tracer | None:
    try:
        from opentelemetry import trace  # noqa: PLC0415  # optional
    except ImportError:
        return None
    return trace.get_tracer("sellerport")


@contextmanager
def _traced(tracer: Tracer, name: str) -> Iterator[dict[str, Any]]:
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415  # optional

    facts: dict[str, Any] = {}
    with tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
    ) as traced:
        try:
            yield facts
        except BaseException as error:
            facts["error.type"] = getattr(error, "code", type(error).__name__)
            traced.set_status(Status(StatusCode.ERROR, facts["error.type"]))
            raise
        finally:
            traced.set_attributes({key: value for key, value in facts.items() if value is not None})
