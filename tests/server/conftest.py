"""A whole server and a whole local Amazon in one process, without a socket and without a wait."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.pgbouncer import PgBouncer, executable, running_pgbouncer
from tests.postgres_server import PostgresServer, name_of, running_postgres
from tests.server.patience import be_patient

from sellerport import emulator
from sellerport.client import AsyncSellingPartner
from sellerport.emulator import World
from sellerport.errors import NoAnswer
from sellerport.hosted import Hosted
from sellerport.server.app import application
from sellerport.server.hub import Application, Caller, Hub, Organization
from sellerport.server.opening import open_hub
from sellerport.server.settings import Secret, Settings
from sellerport.server.store import Database
from sellerport.server.store.backend import backend
from sellerport.server.store.postgresql import PostgreSQL
from sellerport.server.store.sqlite import SQLite
from sellerport.wire import AsyncWire, Request, Response, Stream

PUBLIC = "https://connect.example.test"
AMAZON = "http://amazon.test"
SHOP = "https://shop.example.test/oauth"
KEY = base64.b64encode(b"k" * 32).decode()
CALLBACK = f"{PUBLIC}/oauth/callback"
GATEWAY_CALLBACK = f"{PUBLIC}/auth/redirect"
CLIENT = "amzn1.application-oa2-client.test"
CLIENT_SECRET = "amzn1.oa2-cs.v1.test-secret"
SELLER = "ALOCALSELLERNA"

be_patient()


def log_in_url(application: Application) -> str:
    """Return what an application has as its Log-in URI at Amazon."""
    return f"{PUBLIC}/oauth/login/{application.id}"


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Answer:
    status: int
    fields: list[tuple[str, str]]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.fields)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.location).query)


async def ask(
    app: Any,
    method: str,
    url: str,
    headers: dict[str, Any] | None = None,
    body: bytes = b"",
    *,
    leaves: asyncio.Event | None = None,
    address: str = "192.0.2.1",
) -> Answer:
    """Put one request to an ASGI application, as a client that waits for the answer, or until it leaves.

    A header whose value is a list is sent once for each of its items.
    """
    parts = urlsplit(url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme or "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode())
            for name, values in {"host": parts.netloc or "test", **(headers or {})}.items()
            for value in (values if isinstance(values, list) else [values])
        ],
        "server": ("test", 80),
        "client": (address, 1),
    }
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await (leaves or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        raise NoAnswer("nothing came within the time limit")
    found = [(name.decode().lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


class InProcessWire(AsyncWire):
    """Hands requests for one address to an ASGI application; pauses take no time."""

    def __init__(self, app: Any, address: str = AMAZON) -> None:
        super().__init__()
        self.app = app
        self._address = address
        self._leaves = asyncio.Event()
        if address == AMAZON:  # who hangs up on those who wait for too long
            self._leaves.set()

    async def send(self, request: Request) -> Response:
        assert request.url.startswith(self._address), f"{request.url} leaves this machine"
        try:
            answer = await ask(
                self.app, request.method, request.url, request.headers, request.body or b"", leaves=self._leaves
            )
        except ConnectionResetError:
            raise NoAnswer("the connection was reset") from None
        return Response(answer.status, answer.headers, answer.body)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        answer = await self.send(request)
        yield InPieces(answer.status, answer.headers, answer.body)

    async def sleep(self, seconds: float) -> None:
        pass


@dataclass
class InPieces:
    """An answer that is read piece by piece."""

    status: int
    headers: dict[str, str]
    rest: bytes
    size: int = 1000

    async def read(self) -> bytes:
        piece, self.rest = self.rest[: self.size], self.rest[self.size :]
        return piece


@dataclass
class Browser:
    """Keeps cookies, and goes where it is told."""

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = "192.0.2.1"

    async def open(self, link: str) -> Answer:
        """Open a page of ours and press its button, where it has one."""
        page = await self.get(link)
        return await self.get(link, "POST") if page.status == 200 else page

    async def get(self, url: str, method: str = "GET") -> Answer:
        cookies = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = await ask(self.server.app, method, url, cookies if self.cookies else {}, address=self.address)
        for name, value in answer.fields:
            if name == "set-cookie":
                pair, _, attributes = value.partition(";")
                key, _, kept = pair.partition("=")
                if "max-age=0" in attributes.lower():
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = kept
        return answer

    async def decide(self, consent_url: str, decision: str = "approve", seller: str = SELLER) -> str:
        """Decide on Amazon's page, and return where it sends the browser."""
        form = urlencode({"decision": decision, "selling_partner_id": seller}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await ask(self.server.amazon, "POST", consent_url, headers, form)
        assert answer.status == 302, answer.text
        return answer.location

    async def consent(self, link: str, decision: str = "approve", seller: str = SELLER) -> Answer:
        """Walk the whole way from the link to the end."""
        to_amazon = await self.open(link)
        assert to_amazon.status == 303, to_amazon.text
        return await self.get(await self.decide(to_amazon.location, decision, seller))


@dataclass
class Server:
    """A server with one organization, which has an application, a return URL and an API client."""

    hub: Hub
    app: Any
    amazon: Any
    world: World
    clock: Clock
    wire: InProcessWire
    organization: Organization
    caller: Caller
    client_id: str
    client_secret: str
    token: str

    @property
    def browser(self) -> Browser:
        return Browser(self)

    async def api(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: Any
    ) -> Answer:
        given = {
            "authorization": f"Bearer {token or self.token}",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        encoded = body if isinstance(body, bytes) else msgspec.json.encode(body) if body is not None else b""
        return await ask(self.app, method, f"{PUBLIC}{path}", given, encoded)

    async def connect(self, customer: str = "ann", **how: Any) -> str:
        """Connect an account through the whole consent flow; return the connection's id."""
        link = await self.hub.consents.initiate(self.caller, customer=customer, return_url=SHOP, **how)
        ended = await self.browser.consent(link)
        assert "connector_id" in ended.query, ended.location
        return ended.query["connector_id"][0]

    def client(self, connection_id: str) -> AsyncSellingPartner:
        """Return the library's client, which calls through this server."""
        hosted = Hosted(PUBLIC, self.client_id, self.client_secret, connection_id)
        return AsyncSellingPartner(connection=hosted, wire=InProcessWire(self.app, PUBLIC))

    async def orders(self, connection_id: str) -> Any:
        done = await self.hub.calls.execute(
            self.caller, connection_id, "orders", "list", {"created_after": "2020-01-01T00:00:00Z"}
        )
        return done.data


class House:
    """Where a server's database is, and how to run one there."""

    def __init__(self, database: Path | str, journal: Path | None = None) -> None:
        self.clock = Clock()
        self.world = World(clock=self.clock)
        self.world.add_application(
            emulator.Application(
                application_id="amzn1.sp.solution.test",
                client_id=CLIENT,
                client_secret=CLIENT_SECRET,
                redirect_uris=(CALLBACK, GATEWAY_CALLBACK),
            )
        )
        place = database if isinstance(database, Path) else Secret(database)
        self.settings = Settings(
            database=place, vault_key=Secret(KEY), journal=journal, amazon=AMAZON, public_url=PUBLIC
        )

    def run(self, scenario: Callable[[Server], Awaitable[None]]) -> None:
        """Play a scenario against a server; the files stay, so that another can follow."""

        async def play() -> None:
            async with asyncio.timeout(300), self.open() as server:  # which says where it hangs
                await scenario(server)

        asyncio.run(play())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Server]:
        amazon = emulator.app(self.world)
        wire = InProcessWire(amazon)
        async with open_hub(self.settings, wire=wire, clock=self.clock) as hub:
            known = [one for one in await hub.organizations.all() if one.name == "Acme"]
            organization = known[0] if known else await self.furnish(hub)
            client = await hub.access.create_client(organization.id, "backend")
            token = await hub.access.issue(client.id, client.secret)
            yield Server(
                hub=hub,
                app=application(self.settings, hub),
                amazon=amazon,
                world=self.world,
                clock=self.clock,
                wire=wire,
                organization=organization,
                caller=Caller(organization.id, client.id),
                client_id=client.id,
                client_secret=client.secret,
                token=token.token,
            )

    @property
    def file(self) -> Path:
        """The database of a test that is about SQLite's file."""
        assert isinstance(self.settings.database, Path)
        return self.settings.database

    def write(self, statement: str, **values: Any) -> None:
        """Change the database behind the server's back."""
        self.sql(statement, **values)

    def sql(self, *statements: str, **values: Any) -> list[Row[Any]]:
        """Run statements behind the server's back, and return the rows of the last."""
        engine = backend(self.settings.database).blocking_engine()
        with engine.begin() as connection:
            for statement in statements:
                done = connection.execute(text(statement), values)
            return list(done.all()) if done.returns_rows else []

    @contextmanager
    def refusing(self, what: str) -> Iterator[None]:
        """Let the database refuse one kind of write, such as ``INSERT ON connections``."""
        table = what.rpartition(" ")[2]
        if isinstance(self.settings.database, Path):
            self.sql(f"CREATE TRIGGER refuse BEFORE {what} BEGIN SELECT RAISE(ABORT, 'refused'); END")
            undo = ["DROP TRIGGER refuse"]
        else:
            self.sql(
                "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$ "
                "LANGUAGE plpgsql",
                f"CREATE TRIGGER refuse BEFORE {what} FOR EACH ROW EXECUTE FUNCTION refuse()",
            )
            undo = [f"DROP TRIGGER refuse ON {table}", "DROP FUNCTION refuse"]
        try:
            yield
        finally:
            self.sql(*undo)

    async def furnish(self, hub: Hub) -> Organization:
        organization = await hub.organizations.create("Acme")
        await hub.return_urls.register(organization.id, SHOP)
        await hub.applications.register(
            organization.id,
            lwa_client_id=CLIENT,
            lwa_client_secret=CLIENT_SECRET,
            application_id="amzn1.sp.solution.test",
        )
        return organization


class CompiledOnce(dict[Any, Any]):
    """What statements are compiled to, for all engines of a run: each would compile the same ones for itself."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0].driver, *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__((key[0].driver, *key[1:]), compiled)


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    cache = CompiledOnce()

    def sharing(engine: Callable[[Any], AsyncEngine]) -> Callable[[Any], AsyncEngine]:
        def made(backend: Any) -> AsyncEngine:
            found = engine(backend)
            found.update_execution_options(compiled_cache=cache)
            return found

        return made

    with pytest.MonkeyPatch.context() as patch:
        for kind in (SQLite, PostgreSQL):
            patch.setattr(kind, "engine", sharing(kind.engine))
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    """The address of a database that has the tables; others are made from it."""
    url = postgres.create()
    asyncio.run(_migrate(url))
    return url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that has the tables."""
    file = tmp_path_factory.mktemp("migrated") / "sellerport.db"
    asyncio.run(_migrate(file))
    return file


async def _migrate(place: Path | str) -> None:
    database = Database(place)
    await database.migrate()
    await database.close()


@pytest.fixture(scope="session")
def pgbouncer(postgres: PostgresServer) -> Iterator[PgBouncer]:
    """A PgBouncer in transaction mode, before the PostgreSQL."""
    if executable() is None:
        pytest.skip("there is no PgBouncer here: `make test` unpacks Debian's, or install one")
    with running_pgbouncer(postgres.url()) as pooler:
        yield pooler


POOLED = {"return_urls", "shared_limits", "tokens"}
"""DS-7: the modules whose tests run through PgBouncer too: every write of the hub, and tokens whole."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "database_kind" in metafunc.fixturenames and not any("database_kind" in names for names in given):
        name = metafunc.module.__name__.rpartition("test_")[2]
        metafunc.parametrize("database_kind", ["sqlite", "postgresql", *(["pgbouncer"] if name in POOLED else [])])


def all_on_sqlite(cases: Iterable[str], on_postgresql: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of ``database_kind`` and a case, where the database is beside the point of most of them."""
    return [*(("sqlite", one) for one in cases), *(("postgresql", one) for one in on_postgresql)]


@pytest.fixture
def house(request: pytest.FixtureRequest, database_kind: str) -> Iterator[House]:
    """A server on each kind of database."""
    if database_kind == "sqlite":
        yield request.getfixturevalue("sqlite_house")
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    url = postgres.create(name_of(request.getfixturevalue("migrated")))
    pooled = request.getfixturevalue("pgbouncer").url(name_of(url)) if database_kind == "pgbouncer" else None
    yield House(pooled or url, request.getfixturevalue("tmp_path") / "journal")
    postgres.drop(url)


@pytest.fixture
def sqlite_house(tmp_path: Path, migrated_file: Path) -> House:
    return House(Path(shutil.copy(migrated_file, tmp_path)))
