"""What Amazon answered: a result, or the error that it means.

Errors come in more forms than Amazon's models say: ``{"errors": […]}``, ``{"errors": {…}}``, a bare list, a bare
object, beside a ``payload``, as XML from the storage, as HTML from something in between, or as nothing. All are read,
and the status decides what they mean. Results are not checked against a schema: Amazon does not always keep its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.errors import AccessDenied, AmazonError, AmazonNotFound, AmazonRefused, AmazonUnavailable, Throttled
from sellerport.wire import UNREADABLE, Response

T = TypeVar("T")
P = TypeVar("P")


class Result(Generic[T, P]):
    """What Amazon answered: ``data`` is the decoded body as it came, ``result["payload"]`` looks inside it.

    ``headers`` has its names in lower case. The type parameters are the body's type and the payload's.
    """

    __slots__ = ("data", "headers", "status")

    def __init__(self, data: T, status: int, headers: Mapping[str, str]) -> None:
        self.data = data
        self.status = status
        self.headers = headers

    @property
    def payload(self) -> P:
        """What is inside the envelope that some APIs have (``{"payload": …}``), or the whole body."""
        found: Any = self.data
        return found["payload"] if isinstance(found, dict) and "payload" in found else found  # type: ignore[no-any-return]

    @property
    def request_id(self) -> str | None:
        """What Amazon's support asks for."""
        return request_id(self.headers)

    def __getitem__(self, key: Any) -> Any:
        return self.data[key]  # type: ignore[index]  # T is whatever JSON the operation answers with

    def __contains__(self, key: object) -> bool:
        return key in self.data  # type: ignore[operator]  # as above

    __iter__ = None  # a result is no sequence; what to go through is inside ``data``

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(status={self.status}, request_id={self.request_id!r})"  # the body may be personal
        )


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return what Amazon calls a request; the Ads API has several names for it."""
    return headers.get("x-amzn-requestid") or headers.get("x-amz-request-id") or headers.get("x-amz-rid")


KINDS: Mapping[int, type[AmazonError]] = {
    401: AccessDenied,
    403: AccessDenied,
    404: AmazonNotFound,
    408: AmazonUnavailable,
    429: Throttled,
}


def read(operation: Operation, answer: Response) -> Result[Any, Any]:
    """Return the result that an answer holds, or raise what it means.

    Raises:
        AmazonError: the class that the status stands for; a success that cannot be read is `AmazonUnavailable`.
    """
    status, headers, body = answer.status, answer.headers, answer.body
    if 200 <= status < 300:
        if status == 204 or (not body and _has_no_body(operation, status)):
            return Result(None, status, headers)
        try:
            data = msgspec.json.decode(body)
        except UNREADABLE as error:
            raise _unreadable(operation, answer) from error
        if not _only_errors(data):
            return Result(data, status, headers)
    entries = _entries(body)
    first = entries[0] if entries else {}
    kind = KINDS.get(status, AmazonRefused if status < 500 else AmazonUnavailable)
    raise kind(
        str(first.get("message") or "") if first else f"the answer of status {status} does not say why",
        status=status,
        amazon_code=str(first.get("code") or ""),
        details=str(first.get("details") or ""),
        request_id=request_id(headers) or first.get("request_id"),
        operation=operation.key,
        errors=entries,
    )


def _only_errors(data: Any) -> bool:
    """Whether a body that came with a success holds errors, and nothing beside them."""
    return (
        isinstance(data, dict) and bool(data.get("errors")) and not any(data[name] for name in data if name != "errors")
    )


def _has_no_body(operation: Operation, status: int) -> bool:
    responses = catalog.schemas(operation.api, operation.family).of(operation).responses if operation.api else {}
    return responses.get(str(status)) is None


def _unreadable(operation: Operation, answer: Response) -> AmazonUnavailable:
    what = "is no JSON" if answer.body else "is empty"
    do = "it may have been done: look before you repeat it" if operation.write else "try again"
    message = f"the answer {what}, though its status is {answer.status}; {do}"
    return AmazonUnavailable(message, status=502, operation=operation.key, request_id=request_id(answer.headers))


def _entries(body: bytes) -> list[dict[str, Any]]:
    """Return every error of an answer, each with what it has of ``code``, ``message`` and ``details``."""
    try:
        found = msgspec.json.decode(body)
    except UNREADABLE:
        return _of_xml(body)
    top: list[Any] = []
    if isinstance(found, dict) and isinstance(found.get("errors"), dict | list):
        if "code" in found or "message" in found:  # the Ads API says why, and beside it what was wrong with each item
            top = [found]
        found = found["errors"]
    listed = top + (found if isinstance(found, list) else [found])
    return [entry for one in listed if isinstance(one, dict) and (entry := _entry(one))]


def _entry(found: Mapping[str, Any]) -> dict[str, Any]:
    """Bring one error into Amazon's usual form: LWA says ``error``, gateways ``Message``, the Ads API more."""
    told = {name.lower(): value for name, value in found.items()}
    code = told.get("code") or told.get("errorcode") or told.get("errortype")
    code = code or (told.get("error") if isinstance(told.get("error"), str) else None)
    message = told.get("message") or told.get("error_description") or told.get("description")
    details = told.get("details") or told.get("detail")
    if message is None and isinstance(details, str):
        message, details = details, None
    entry = {"code": code, "message": message, "details": details, "request_id": told.get("requestid")}
    return {name: value for name, value in entry.items() if value is not None}


def _of_xml(body: bytes) -> list[dict[str, Any]]:
    """Read the two facts of an error of the storage (Amazon S3's "Error responses"), or nothing."""
    text = body[:4096].decode("utf-8", "replace")
    entry = {
        name.lower(): found[1] for name in ("Code", "Message") if (found := re.search(rf"<{name}>([^<]*)</", text))
    }
    return [entry] if "code" in entry else []
