"""Where documents lie: what S3 is to Amazon's APIs, under ``/_storage`` at the address that the local Amazon has.

A document is only reached by an address that an operation gave: signed, good for one method and for minutes. As at S3,

* the signature covers the method, the object, the query and the headers that are named in it, so that a PUT with
  another Content-Type is refused;
* errors are XML, and a request that brings credentials of its own besides is refused, which finds clients that hand
  their access token to whoever signs a URL;
* a body has to say its length: a PUT with Transfer-Encoding is not implemented.

Source: Amazon S3, "Authenticating Requests: Using Query Parameters", "Error Responses", and what the SP-API pages say
of their presigned URLs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

from starlette.responses import Response, StreamingResponse

from sellerport.emulator.traffic import Arrived
from sellerport.errors import AmazonError

PREFIX = "/_storage/"

ALGORITHM = "AWS4-HMAC-SHA256"
DATED = "%Y%m%dT%H%M%SZ"
CREDENTIALS = ("x-amz-access-token", "authorization")
TROUBLES = {
    403: ("AccessDenied", "Request has expired"),
    404: ("NoSuchKey", "The specified key does not exist."),
    500: ("InternalError", "We encountered an internal error. Please try again."),
    503: ("SlowDown", "Please reduce your request rate."),
}
"""What is said of a fault that was planned, by its status."""
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
PIECE = 64 * 1024


@dataclass(frozen=True)
class Held:
    """Bytes that are kept as they are."""

    body: bytes = field(repr=False)

    def __call__(self) -> Iterable[bytes]:
        """Give them, in one part."""
        return (self.body,)


@dataclass(frozen=True)
class Stored:
    """An object; ``parts`` gives its bytes again each time it is called, and is a dataclass, which `state` can keep."""

    parts: Callable[[], Iterable[bytes]]
    size: int
    content_type: str
    content_encoding: str | None = None

    @classmethod
    def of(cls, body: bytes, content_type: str, content_encoding: str | None = None) -> Stored:
        """Hold bytes."""
        return cls(Held(body), len(body), content_type, content_encoding)

    def read(self) -> bytes:
        """All of it."""
        return b"".join(self.parts())

    def slice(self, start: int, end: int) -> Iterable[bytes]:
        """Yield the bytes from ``start`` to before ``end``, in pieces of a size that a connection likes."""
        at = 0
        for part in self.parts():
            low, high = max(start - at, 0), min(end - at, len(part))
            for piece in range(low, high, PIECE):
                yield part[piece : min(piece + PIECE, high)]
            at += len(part)
            if at >= end:
                return


def refusal(refused: AmazonError, request_id: str) -> Response:
    """Return an error as S3 writes it."""
    identity = _identity(request_id)
    said = {"Code": refused.amazon_code, "Message": refused.message, "RequestId": identity["x-amz-request-id"]}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in said.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
    return Response(body, refused.status, identity, media_type="application/xml")


def _identity(request_id: str) -> dict[str, str]:
    return {"x-amz-request-id": request_id.replace("-", "")[:16].upper(), "server": "AmazonS3"}


class Storage:
    """Every object, and every place where one may be put."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.objects: dict[str, Stored] = {}
        self.places: set[str] = set()
        """Keys that may be put to."""

    def presign(
        self,
        method: str,
        address: str,
        key: str,
        *,
        now: float,
        life_s: int,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> str:
        """Return an address that is good for one method, some seconds, and exactly these headers."""
        signed = {name.lower(): value for name, value in (headers or {}).items()}
        given = {
            **(query or {}),
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Date": f"{datetime.fromtimestamp(now, UTC):{DATED}}",
            "X-Amz-SignedHeaders": ";".join(sorted(["host", *signed])),
            "X-Amz-Expires": str(life_s),
        }
        given["X-Amz-Signature"] = self._signature(method, key, given, signed)
        return f"{address}{PREFIX}{key}?{urlencode(given)}"

    def respond(self, sent: Arrived, now: float, request_id: str) -> Response:
        """Answer a request to the storage."""
        try:
            key, query = self._admit(sent, now)
            response = self._put(key, sent) if sent.method == "PUT" else self._get(key, query, sent)
        except AmazonError as refused:
            return refusal(refused, request_id)
        response.headers.update(_identity(request_id))
        return response

    def _admit(self, sent: Arrived, now: float) -> tuple[str, dict[str, str]]:
        """Check everything that is not about the object's bytes; return its key, and the query."""
        if any(name in sent.headers for name in CREDENTIALS):
            raise _refused(400, "InvalidArgument", "Only one auth mechanism allowed: the URL is signed already")
        if sent.method not in ("GET", "PUT", "HEAD"):
            raise _refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        key = sent.path.removeprefix(PREFIX)
        if key not in self.objects and key not in self.places:
            raise _no_such_key()
        query = dict(parse_qsl(sent.query, keep_blank_values=True))
        signature = query.pop("X-Amz-Signature", None)
        if signature is None:
            raise _refused(403, "AccessDenied", "Access Denied")
        names = [name for name in query.get("X-Amz-SignedHeaders", "").split(";") if name != "host"]
        expected = self._signature(sent.method, key, query, {name: sent.headers.get(name, "") for name in names})
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise _refused(403, "SignatureDoesNotMatch", "The request does not match the signature you provided.")
        made = datetime.strptime(query["X-Amz-Date"], DATED).replace(tzinfo=UTC)
        if now >= made.timestamp() + int(query["X-Amz-Expires"]):
            raise _refused(403, *TROUBLES[403])
        return key, query

    def _signature(self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
        text = repr((method, key, sorted(query.items()), sorted(headers.items())))
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def _put(self, key: str, sent: Arrived) -> Response:
        if "transfer-encoding" in sent.headers:
            raise _refused(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
        digest = hashlib.md5(sent.body, usedforsecurity=False).digest()
        claimed = sent.headers.get("content-md5")
        if claimed is not None and claimed != base64.b64encode(digest).decode():
            raise _refused(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        self.objects[key] = Stored.of(sent.body, sent.headers.get("content-type", "binary/octet-stream"))
        return Response(b"", 200, {"etag": f'"{digest.hex()}"'})

    def _get(self, key: str, query: Mapping[str, str], sent: Arrived) -> Response:
        found = self.objects.get(key)
        if found is None:
            raise _no_such_key()
        headers = {
            "content-type": found.content_type,
            "accept-ranges": "bytes",
            "etag": f'"{hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()}"',
        }
        encoding = query.get("response-content-encoding", found.content_encoding)
        if encoding is not None:
            headers["content-encoding"] = encoding
        start, end, status = 0, found.size, 200
        if (asked := _range(sent.headers.get("range", ""), found.size)) is not None:
            (start, end), status = asked, 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{found.size}"
        headers["content-length"] = str(end - start)
        return StreamingResponse(_streamed(found.slice(start, end)), status, headers)


def _refused(status: int, code: str, message: str) -> AmazonError:
    return AmazonError(message, status=status, amazon_code=code)


def _no_such_key() -> AmazonError:
    return _refused(404, *TROUBLES[404])


async def _streamed(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield parts on the event loop: making one takes less than a change of threads."""
    for part in parts:
        yield part


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return which bytes a Range header asks for (RFC 9110 §14.1.2); None is all, as for a form we do not know."""
    found = RANGE.fullmatch(header)
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise _refused(416, "InvalidRange", "The requested range is not satisfiable")
    return start, end
