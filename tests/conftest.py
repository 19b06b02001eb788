"""What the tests of the library share: a local Amazon over real HTTP, and clients that record their waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from sellerport import AsyncSellingPartner, SellingPartner
from sellerport.emulator import Fault, World, running
from sellerport.limits import Limits
from sellerport.oauth import Tokens
from sellerport.wire import AsyncWire, BlockingWire
from tests.redis_server import RedisServer, running_redis
from tests.stand_in import StandIn, serving

TOKEN_PATH = "/auth/o2/token"


@dataclass
class LocalAmazon:
    """A local Amazon, its address, and what arrived at it."""

    world: World
    address: str

    def credentials(self, account: str = "seller-na") -> dict[str, str]:
        application = self.world.application()
        return {
            "refresh_token": f"Atzr|local-{account}",
            "lwa_app_id": application.client_id,
            "lwa_client_secret": application.client_secret,
        }

    def arrived(self, path: str | None = None) -> list[dict[str, Any]]:
        """Requests for a path; without one, all but those for tokens."""
        return [one for one in self.world.requests if (one["path"] == path if path else one["path"] != TOKEN_PATH)]

    @property
    def token_requests(self) -> int:
        return len(self.arrived(TOKEN_PATH))

    def fail(self, **fault: Any) -> None:
        self.world.fail(Fault(**{"path": "/orders/*", **fault}))


class RecordingWire(BlockingWire):
    """Notes how long it was asked to wait, and does not."""

    def __init__(self, slept: list[float]) -> None:
        super().__init__()
        self.slept = slept

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class AsyncRecordingWire(AsyncWire):
    """The same for tasks; it lets the others run."""

    def __init__(self, slept: list[float]) -> None:
        super().__init__()
        self.slept = slept

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@dataclass
class Clients:
    """Makes clients of one colour, and makes calls with them, so that a test is written once for both."""

    colour: str
    amazon: LocalAmazon
    tokens: Tokens = field(default_factory=Tokens)
    slept: list[float] = field(default_factory=list)
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def __post_init__(self) -> None:
        self.wire = RecordingWire(self.slept) if self.colour == "blocking" else AsyncRecordingWire(self.slept)

    def make(self, credentials: Any = ..., **options: Any) -> Any:
        """Make a client that shares nothing with other tests, and whose pauses between retries are all of 0.5."""
        shared = {"amazon": self.amazon.address, "tokens": self.tokens, "limits": Limits(), "wire": self.wire}
        kind = SellingPartner if self.colour == "blocking" else AsyncSellingPartner
        given = self.amazon.credentials() if credentials is ... else credentials
        return kind(given, **{**shared, "environ": {}, "jitter": lambda: 0.5, **options})

    def do(self, call: Callable[[], Any]) -> Any:
        """Make a call, and wait for it in the way of the colour."""
        if self.colour == "blocking":
            return call()

        async def awaited() -> Any:
            found = call()
            return await found if isinstance(found, Awaitable) else found

        return self.runner.run(awaited())

    def at_once(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Make calls at the same time, in threads or tasks, and return what came of each: an answer or an exception."""

        def attempted(call: Callable[[], Any]) -> Any:
            try:
                return call()
            except Exception as error:
                return error

        async def gathered() -> list[Any]:
            return await asyncio.gather(*(call() for call in calls), return_exceptions=True)

        if self.colour == "async":
            return self.runner.run(gathered())
        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(attempted, calls))

    def gather(self, made: Callable[[], Any]) -> list[Any]:
        """Go through an iterator of the colour to its end."""

        async def gathered() -> list[Any]:
            found = made()
            return [one async for one in found] if isinstance(found, AsyncIterable) else list(found)

        return self.runner.run(gathered()) if self.colour == "async" else list(made())

    def close(self) -> None:
        if isinstance(self.wire, AsyncWire):
            self.runner.run(self.wire.aclose())
        else:
            self.wire.close()
        self.runner.close()


@pytest.fixture(scope="session")
def _one_amazon() -> Iterator[LocalAmazon]:
    world = World(orders=30)
    with running(world) as address:
        yield LocalAmazon(world, address)


@pytest.fixture
def amazon(_one_amazon: LocalAmazon) -> LocalAmazon:
    """A local Amazon, seeded anew for each test."""
    _one_amazon.world.reset()
    return _one_amazon


@pytest.fixture(scope="session")
def _one_redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def redis_server(_one_redis: RedisServer) -> RedisServer:
    """A real Redis, which is running and empty at the beginning of each test."""
    _one_redis.refresh()
    return _one_redis


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A server that says anything."""
    with serving(StandIn()) as made:
        yield made


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of moto, which stands for Amazon Web Services; what a test makes there needs a name of its own."""
    from moto.server import ThreadedMotoServer  # takes a while to import

    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["blocking", "async"])
def clients(request: pytest.FixtureRequest, amazon: LocalAmazon) -> Iterator[Clients]:
    """Clients of both colours: every test that asks for them runs twice."""
    made = Clients(request.param, amazon)
    yield made
    made.close()
