"""A stub that answers token requests, getOrders and lists of campaigns as fast as Python can, or later.

    python benchmarks/stub.py [DELAY_MS]        # prints its port, serves until its standard input closes

``MaxResultsPerPage=100`` asks for a page of a hundred orders, everything else is answered with one order. ``GET
/tokens`` tells how many token requests each application made.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter
from typing import ClassVar


def _order(number: int) -> dict[str, object]:
    return {
        "AmazonOrderId": f"902-1845936-{number:07}",
        "PurchaseDate": "2026-10-01T08:00:00Z",
        "LastUpdateDate": "2026-10-02T08:00:00Z",
        "OrderStatus": "Shipped",
        "FulfillmentChannel": "AFN",
        "SalesChannel": "Amazon.com",
        "OrderTotal": {"CurrencyCode": "USD", "Amount": "11.01"},
        "NumberOfItemsShipped": 1,
        "NumberOfItemsUnshipped": 0,
        "PaymentMethod": "Other",
        "PaymentMethodDetails": ["Standard"],
        "MarketplaceId": "ATVPDKIKX0DER",
        "ShipmentServiceLevelCategory": "Standard",
        "IsBusinessOrder": False,
        "IsPrime": False,
    }


def _answer(body: object) -> bytes:
    text = json.dumps(body).encode()
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-amzn-RateLimit-Limit: 1000000.0\r\n"
        f"x-amzn-RequestId: 11111111-2222-3333-4444-555555555555\r\ncontent-length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


TOKEN = _answer({"access_token": "Atza|bench", "token_type": "bearer", "expires_in": 3600})
CAMPAIGN = {
    "campaignId": "315614537473602",
    "name": "Umbrellas",
    "state": "ENABLED",
    "targetingType": "AUTO",
    "budget": {"budget": 25.0, "budgetType": "DAILY"},
    "startDate": "2026-05-15",
}
CAMPAIGNS = _answer({"campaigns": [CAMPAIGN], "totalResults": 1})
ORDER, PAGE = (_answer({"payload": {"Orders": [_order(number) for number in range(count)]}}) for count in (1, 100))


class Stub(asyncio.Protocol):
    """One connection: a request is complete when its head is there, and the body that its content-length announces."""

    delay_s: ClassVar = 0.0
    tokens: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end]
            length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
            over = end + 4 + (int(length[1]) if length else 0)
            if len(self.held) < over:
                return
            body, self.held = self.held[end + 4 : over], self.held[over:]
            answer = self._answer(head, body)
            if self.delay_s:
                asyncio.get_running_loop().call_later(self.delay_s, self.transport.write, answer)
            else:
                self.transport.write(answer)

    def _answer(self, head: bytes, body: bytes) -> bytes:
        if b"/sp/campaigns/list " in head:
            return CAMPAIGNS
        if head.startswith(b"POST"):
            application = re.search(rb"client_id=([^&]+)", body)
            assert application, body
            self.tokens[application[1].decode()] += 1
            return TOKEN
        if head.startswith(b"GET /tokens"):
            return _answer(self.tokens)
        return PAGE if b"MaxResultsPerPage=100" in head else ORDER


async def main() -> None:
    """Serve until standard input closes, so that no stub outlives its bench."""
    Stub.delay_s = float(sys.argv[1]) / 1e3 if len(sys.argv) > 1 else 0.0
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
