"""A stub that answers the token request and getOrders as fast as Python can, and counts them.

    python benchmarks/stub.py        # prints its port, serves until its standard input closes

``GET /counts`` tells how many of each came.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import ClassVar

ORDER = {
    "AmazonOrderId": "902-1845936-5435065",
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
BODIES = {
    b"POST": {"access_token": "Atza|bench", "refresh_token": "Atzr|bench", "token_type": "bearer", "expires_in": 3600},
    b"GET ": {"payload": {"Orders": [ORDER]}},
}


def _answer(body: object) -> bytes:
    text = json.dumps(body).encode()
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-amzn-RateLimit-Limit: 1000000.0\r\n"
        f"x-amzn-RequestId: 11111111-2222-3333-4444-555555555555\r\ncontent-length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


class Stub(asyncio.Protocol):
    """One connection: a request is complete when its head is there, and the body that its content-length announces."""

    answers: ClassVar = {method: _answer(body) for method, body in BODIES.items()}
    counts: ClassVar = {"tokens": 0, "calls": 0}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.held) < end + 4 + length:
                return
            method, self.held = self.held[:4], self.held[end + 4 + length :]
            if head.startswith(b"get /counts"):
                self.transport.write(_answer(self.counts))
                continue
            self.counts["tokens" if method == b"POST" else "calls"] += 1
            self.transport.write(self.answers[method])


async def main() -> None:
    """Serve until standard input closes, so that no stub outlives its bench."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
