"""The passthrough's short way: requests of which nothing has to be waited for, looked at or refused.

Most are such: a seller's token and secret that were there lately, an operation without personal data, room in the
account's bucket, and a connection to Amazon that is open. They are sent while they are read, and answered as soon as
Amazon's answer is there, without a task of their own. Whatever else comes to pass (there is a body, something is wrong,
Amazon is slow to go on, refuses the token or throttles) is the general way's: `Passthrough` begins where this one ends.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sellerport.limits import Limits, Plan, Slot
from sellerport.server import scrubbing
from sellerport.server.gateway_api import headers, operations
from sellerport.server.gateway_api.operations import PREFIX, Route
from sellerport.server.hub import Pass
from sellerport.server.protocol import Exchange

if TYPE_CHECKING:
    from sellerport.server.gateway_api.connection import Answer
    from sellerport.server.gateway_api.passthrough import Passthrough
    from sellerport.server.gateway_api.upstream import Place

log = logging.getLogger(__name__)

_METHODS = {b"GET": "GET", b"DELETE": "DELETE"}
"""Those that need not say that they have no body."""
_LOOKED_AT = frozenset({401, 403, 429})
"""What Amazon may say of tokens and limits."""


class Passing:
    """A request on its way, and then its answer."""

    __slots__ = (
        "_exchange", "_head", "_limits", "_place", "_plans", "_sent", "_through", "answer", "begun", "method", "one",
        "request_id", "route",
    )  # fmt: skip

    answer: Answer

    def __init__(
        self,
        through: Passthrough,
        limits: Limits,
        exchange: Exchange,
        one: Pass,
        route: Route,
        plans: tuple[Plan, ...],
        sent: float,
        method: str,
        place: Place,
        head: bytes,
    ) -> None:
        self._through, self._limits, self._exchange = through, limits, exchange
        self.one, self.route, self.method = one, route, method
        self._plans, self._sent = plans, sent
        self._place, self._head = place, head
        self.request_id, self.begun = through.next_id(), through.clock()

    @property
    def slot(self) -> Slot:
        """Its way through the limits, as one that was let through."""
        return Slot.again(self.route.key, self._plans, self._sent)

    def send(self) -> None:
        """Send it; what follows is `arrived`'s."""
        self.answer = self._through.upstream.start(self._place, self._head, self.one.organization_id, self.watch)
        self.answer.then = self.arrived

    def arrived(self, answer: Answer) -> None:
        """Answer the request when Amazon's answer is complete."""
        try:
            self._arrived(answer)
        except Exception:
            log.exception("a request failed", extra={"request_id": self.request_id})
            self._exchange.abort()
            answer.close()
            self._note(500)

    def _arrived(self, answer: Answer) -> None:
        answer.then, exchange = None, self._exchange
        status = answer.status
        if not answer.complete or status in _LOOKED_AT or not exchange.ready:
            if exchange.left:
                answer.close()
                self._note(499)
            else:
                exchange.hand_over(self)
            return
        body = answer.take()
        answer.close()
        if (rate := answer.fields.get(b"x-amzn-ratelimit-limit")) is not None:
            stated = rate.decode("latin-1")
            if not self._limits.is_stated(self._plans, stated):
                self._limits.note_rate(self.slot, stated)
        lines = b"%bx-request-id: %b\r\n" % (headers.lines_of(answer), self.request_id.encode())
        if b"content-length" not in answer.fields and status not in (204, 304):
            lines += b"content-length: %d\r\n" % len(body)
        exchange.answer(status, lines, body)
        self._note(status)

    def _note(self, status: int) -> None:
        self._through.note(self.method, self.request_id, self.begun, status, self.one, self.route)

    def watch(self, answer: Answer) -> bool:
        """Abort an answer that takes long if the client left; go on watching otherwise."""
        if self._exchange.left:
            answer.abort()
        return self._exchange.left


def begin(through: Passthrough, limits: Limits, exchange: Exchange) -> bool:
    """Send a request if it is one of those; return whether it was."""
    try:
        passing = _looked_at(through, limits, exchange)
    except Exception:  # it is the general way that says what is wrong
        return False
    if passing is None:
        return False
    passing.send()
    return True


def _looked_at(through: Passthrough, limits: Limits, exchange: Exchange) -> Passing | None:
    """Return a request that can be sent at once; there is room for it in the account's bucket, and that is taken."""
    method, given = _METHODS.get(exchange.method), headers.read(exchange.headers)
    if method is None or headers.length(given) != 0 or headers.SHIPMENT in given:
        return None
    one = through.passes.warm(*headers.pair(given))
    if one is None:
        return None
    raw_path, _, raw_query = exchange.url.partition(b"?")
    route, path = operations.find(method, raw_path[len(PREFIX) :])
    if route.restricted or scrubbing.plan(route.operation, one.privacy) is not None:
        return None
    token = through.passes.access_token(one)
    if token is None:
        return None
    query, fields = operations.query(raw_query), headers.forwarded(given, route, identity=False)
    place, head = through.head(one, route, path, query, fields, token)
    if not through.upstream.ready(place):
        return None
    plans = one.plans(route.operation, route.key)
    sent = limits.take_at_once(plans)
    if sent is None:
        return None
    return Passing(through, limits, exchange, one, route, plans, sent, method, place, head)
