"""The local Amazon as one ASGI application: which host was asked, is a fault planned, who answers; and what arrived.

One port serves every host of Amazon's. A request names its host

* as the first segment of its path: ``/api.amazon.com/auth/o2/token``;
* or in its ``Host`` header;
* or not at all: then ``/auth/o2/token`` is Login with Amazon, what names its client in a header of the Ads API is
  that API's, and everything else the SP-API of the token's region.

What lies under ``/_storage`` is the storage of documents, whatever the host; and so is all that is asked of the hosts
where Amazon keeps them, which clients that come through the proxy are sent to.

Paths are split and matched raw, before anything in them is decoded.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response

from sellerport.emulator import (
    apps,
    consent,
    control,
    faults,
    live,
    lwa,
    sdk_tests,
    selling_partner,
    sqs,
    storage,
    traffic,
)
from sellerport.emulator.ads import consent as ads_consent
from sellerport.emulator.ads import gateway as ads
from sellerport.emulator.call import MESSAGES
from sellerport.emulator.faults import Fault, Receive, Scope, Send
from sellerport.emulator.hosts import QUEUE_HOSTS, STORAGE_HOSTS
from sellerport.emulator.traffic import Arrived
from sellerport.emulator.world import World
from sellerport.errors import AmazonError
from sellerport.regions import HOSTS, LWA, LWA_HOSTS, SELLING_PARTNER_HOSTS

LARGEST_BODY = 32 * 1024 * 1024
LARGEST_UPLOAD = 256 * 1024 * 1024
WORTH_ZIPPING = 1024
GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)
NO_HOST = re.compile(rb"[^\w.:\[\]-]")


def app(world: World | None = None, *, clock: Callable[[], float] = time.time, seed: int = 1) -> LocalAmazon:
    """Return a local Amazon: of a world, or of a new one with this clock and seed."""
    return LocalAmazon(world or World(seed=seed, clock=clock))


class LocalAmazon:
    """Login with Amazon, consent pages, the SP-API and the control plane, over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._pages = Starlette(
            routes=[
                *control.routes(world),
                *lwa.routes(world),
                *consent.routes(world),
                *ads_consent.routes(world),
                *apps.routes(world),
                *sdk_tests.routes(world),
                *live.routes(world),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        host, path = _place(scope)
        told = self.world.sdk_tests and path.startswith(sdk_tests.PREFIX)
        if not host and (told or path.startswith("/_emulator/")):
            await self._pages(_inner(scope, path), receive, send)
            return
        stored = path.startswith(storage.PREFIX)
        largest = LARGEST_UPLOAD if stored else LARGEST_BODY
        body = await _read(receive, largest)
        if body is None:
            return
        if len(body) > largest:
            await Response(b"", 413, {"connection": "close"})(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        arrived = Arrived(scope["method"], host, path, query, headers, body, _address(scope, headers))
        entry = traffic.entry(arrived, self.world.now())
        self.world.requests.append(entry)

        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        fault = self.world.fault_for(arrived.method, host, path)
        if fault is not None:
            entry["fault"] = fault.answer
            await self._fail(fault, arrived, scope, receive, noting)
        else:
            await self._answer(arrived, scope, receive, noting)

    async def _answer(
        self, arrived: Arrived, scope: Scope, receive: Receive, send: Send, fault: Fault | None = None
    ) -> None:
        host, path = arrived.host, arrived.path
        if path.startswith(storage.PREFIX):
            answer = self.world.storage.respond(arrived, self.world.now(), self.world.uuid())
            await answer(scope, receive, send)
        elif path == sqs.PREFIX or path.startswith(f"{sqs.PREFIX}/"):
            if found := await sqs.respond(self.world, arrived, receive):
                await found(scope, receive, send)
        elif ads.concerns(arrived):
            answer = ads.respond(self.world, arrived, fault)
            await _zipped(answer, arrived)(scope, receive, send)
        elif (host == "" or host in SELLING_PARTNER_HOSTS) and _breaks_http(scope, arrived):
            await _page(400)(scope, receive, send)
        elif host == "" or host in SELLING_PARTNER_HOSTS:
            answer = selling_partner.respond(self.world, arrived)
            await _zipped(answer, arrived)(scope, receive, send)
        else:
            await self._pages(_inner(scope, f"/{host}{path}"), _replaying(arrived.body, receive), send)

    async def _fail(self, fault: Fault, arrived: Arrived, scope: Scope, receive: Receive, send: Send) -> None:
        late = fault.latency_s > 0 and fault.answer != "slow"
        if late and not await faults.outlasts(receive, fault.latency_s):
            return
        match fault.answer:
            case "reset":
                await faults.reset(scope, receive)
            case "half-open":
                await faults.half_open(scope, receive)
            case "silence":
                await faults.silence(receive)
            case "usual" | "items" | "empty-page":
                await self._answer(arrived, scope, receive, send, fault)
            case "slow":
                await self._answer(arrived, scope, receive, faults.slowed(send, fault.latency_s))
            case "truncated":
                await self._answer(arrived, scope, receive, faults.truncated(send, scope))
                await faults.silence(receive)
            case "expired" | "revoked":
                token = arrived.headers.get("x-amz-access-token", "") or ads.bearer(arrived.headers)
                self._end_token(token, fault.answer)
                await self._answer(arrived, scope, receive, send)
            case _:
                broken = self._broken(fault, arrived)
                broken.headers.update(fault.headers)
                await broken(scope, receive, send)

    def _end_token(self, access_token: str, how: Literal["expired", "revoked"]) -> None:
        token = self.world.access_tokens.get(access_token)
        if token is not None and how == "expired":
            self.world.expire(access_token)
        elif token is not None and (grant := token.grant or token.advertiser) is not None:
            self.world.revoke(refresh_token=grant.refresh_token)

    def _broken(self, fault: Fault, arrived: Arrived) -> Response:
        if fault.status in (204, 205, 304):  # which have no body (RFC 9110 §15)
            said = {} if fault.content_type is None else {"content-type": fault.content_type}
            return Response(b"", fault.status, said)
        if fault.body is not None:
            body = fault.body if isinstance(fault.body, str) else msgspec.json.encode(fault.body)
            said = {"content-type": fault.content_type or "application/json"}
            return Response(body, fault.status, said)
        if fault.answer == "empty":
            return Response(b"", fault.status)
        if fault.answer == "html":
            return _page(fault.status)
        if arrived.host in LWA_HOSTS:
            code = fault.code or ("temporarily_unavailable" if fault.status == 503 else "server_error")
            refused = AmazonError(fault.message or "Try again later", status=fault.status, amazon_code=code)
            return lwa.refusal(self.world, refused)
        if ads.concerns(arrived):
            return ads.planned(self.world, fault, arrived)
        stored = arrived.path.startswith(storage.PREFIX)
        messages = storage.TROUBLES if stored else MESSAGES
        code, message = messages.get(fault.status, ("InternalFailure", "Planned fault"))
        refused = AmazonError(
            fault.message or message,
            status=fault.status,
            amazon_code=fault.code or code,
            details=fault.details or "",
        )
        return storage.refusal(refused, self.world.uuid()) if stored else selling_partner.refusal(self.world, refused)


def _page(status: int) -> Response:
    return Response(faults.HTML % (status, status), status, media_type="text/html")


def _breaks_http(scope: Scope, arrived: Arrived) -> bool:
    """Whether Amazon's gateway refuses a request for its form (RFC 7230; since June 2023).

    What is no HTTP at all never comes here: `proxy` refuses it in the same way.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1 or (not hosts and scope.get("http_version") == "1.1") or any(map(NO_HOST.search, hosts)):
        return True
    announced = arrived.headers.get("content-length", "0") != "0" or "transfer-encoding" in arrived.headers
    return arrived.method == "GET" and (bool(arrived.body) or announced)


def _zipped(answer: Response, arrived: Arrived) -> Response:
    """Return an answer as a client asked for it: compressed, where that is accepted and worth it."""
    if len(answer.body) >= WORTH_ZIPPING and GZIP.search(arrived.headers.get("accept-encoding", "")):
        # the fastest level, since nothing here is far away; and no time in it, since the same request is answered alike
        answer.body = gzip.compress(answer.body, 1, mtime=0)
        answer.headers.update({"content-encoding": "gzip", "content-length": str(len(answer.body))})
    return answer


async def _live(receive: Receive, send: Send) -> None:
    """Do nothing at the start and at the end, and say so (ASGI lifespan)."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def _place(scope: Scope) -> tuple[str, str]:
    """Return which of Amazon's hosts was asked, or nothing, and the raw path there."""
    raw = (scope.get("raw_path") or scope["path"].encode()).split(b"?")[0].decode("latin-1")
    first, slash, rest = raw[1:].partition("/")
    if raw.startswith((storage.PREFIX, f"{sqs.PREFIX}/")):
        return "", raw
    if first.lower() in HOSTS:
        return first.lower(), slash + rest
    host = _named(scope)
    if host in STORAGE_HOSTS.values():
        return "", storage.PREFIX + raw[1:]
    if host in QUEUE_HOSTS:
        return "", sqs.PREFIX + raw
    if host in HOSTS and first != "_emulator":
        return host, raw
    return (LWA if raw in ("/auth/o2/token", "/auth/o2/tokeninfo") else ""), raw


def _named(scope: Scope) -> str:
    """Return the host that the ``Host`` header names."""
    sent: bytes = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return sent.decode("latin-1").lower().partition(":")[0]


def _address(scope: Scope, headers: Mapping[str, str]) -> str:
    """Return where the request reached us, for addresses that are to lead back here."""
    named, scheme = _named(scope), scope.get("scheme", "http")
    if scheme == "https" and named in SELLING_PARTNER_HOSTS:  # then all of Amazon's hosts are here for this client
        return f"https://{STORAGE_HOSTS[SELLING_PARTNER_HOSTS[named].name]}"
    ip, port = scope.get("server") or ("localhost", 80)
    reached = (f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}", f"localhost:{port}")
    sent = headers.get("host", "")
    # python-amazon-sp-api makes its Host header by cutting "https://" off its endpoint, also where that is "http://"
    host = next((one for one in reached if one.endswith(sent)), sent)
    return f"{scheme}://{host}"


def _inner(scope: Scope, path: str) -> Scope:
    return {**scope, "path": unquote(path), "raw_path": path.encode("latin-1"), "root_path": ""}


async def _read(receive: Receive, largest: int) -> bytes | None:
    """Read a request's body, no further than too far; None if the client left meanwhile."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False) and size <= largest
    return b"".join(parts)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Return a receive that gives the body again, then what comes after it."""
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Any:
        return pending.pop() if pending else await receive()

    return again
