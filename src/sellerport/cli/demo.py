"""`sellerport demo`: the main job, end to end, on this machine and over real HTTP.

A local Amazon, a server with an SQLite file and a new vault key, and then what a company does: register an
application, have an account's owner consent, and call Amazon for the account from Python, over HTTP and by command.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import click
import msgspec

from sellerport import Hosted, SellingPartner, emulator
from sellerport.cli.output import exports, json_option, show, table
from sellerport.errors import DemoError, SellerportError
from sellerport.server.app import Running, running
from sellerport.server.hub import NewApiClient
from sellerport.server.settings import Settings
from sellerport.server.vault import create_key_file
from sellerport.wire import BlockingWire, Request, Response, run

T = TypeVar("T")

SINCE = "2020-01-01T00:00:00Z"
CUSTOMER = "corner-shop"


@dataclass
class Steps:
    """What happened so far; each step prints one line when it is done, unless all is to be printed as JSON."""

    as_json: bool = False
    number: int = 0
    done: list[dict[str, str]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Run one step. What it appends is printed beside its name; what it raises gets its name."""
        self.number += 1
        said: list[str] = []
        try:
            yield said
        except Exception as error:
            what = str(error) if isinstance(error, SellerportError) else f"{type(error).__name__}: {error}"
            raise DemoError(f"step {self.number}, {name}: {what}") from error
        self.done.append({"step": name, "result": " ".join(said)})
        if not self.as_json:
            click.echo(f"{self.number:2}  {click.style(name.ljust(17), bold=True)}{' '.join(said)}")

    def expect(self, holds: bool, what: str) -> None:
        """Fail the demo unless something holds."""
        if not holds:
            raise DemoError(f"expected {what}")


@dataclass
class Browser:
    """What a person's browser does here: it keeps a cookie, and is told where to go next."""

    wire: BlockingWire = field(default_factory=BlockingWire)
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, url: str, form: dict[str, str] | None = None) -> Response:
        """Get a page, or post a form."""
        origin = urlsplit(url).netloc
        headers = {"accept": "text/html"} | ({"cookie": self.cookies[origin]} if origin in self.cookies else {})
        headers |= {"content-type": "application/x-www-form-urlencoded"} if form else {}
        body = urlencode(form).encode() if form else None
        answer = run(self.wire.send(Request("POST" if form else "GET", url, headers, body)))
        if set_cookie := answer.headers.get("set-cookie"):
            self.cookies[origin] = set_cookie.split(";")[0]
        return answer


@dataclass
class Server:
    """The server, which runs in a thread of its own."""

    up: Running
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the hub, as the operator's commands do."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """Run a server for the length of a ``with`` block."""
    ready, found, failed = threading.Event(), [], []

    async def until_told() -> None:
        async with running(settings) as up:
            found.append(Server(up, asyncio.get_running_loop()))
            ready.set()
            await up.ended

    def work() -> None:
        try:
            asyncio.run(until_told())
        except BaseException as error:  # handed to the thread that waits
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work, name="sellerport", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        raise failed[0]
    try:
        yield found[0]
    finally:
        found[0].up.server.should_exit = True
        thread.join()


@click.command()
@click.option("--keep", is_flag=True, help="Stay up afterwards, and print the addresses.")
@json_option
def demo(keep: bool, as_json: bool) -> None:
    """Connect an Amazon account through a consent page, and call Amazon for it three ways; no network is needed."""
    steps = Steps(as_json)
    if not as_json:
        click.echo("An Amazon account, connected through a consent page and called three ways, on this machine.\n")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is put away
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sellerport-demo-")))
        with steps.step("local Amazon") as said:
            amazon = stack.enter_context(emulator.running(world := emulator.World(orders=12)))
            said.append(amazon)
        with steps.step("vault key") as said:
            said.append(f"{create_key_file(folder / 'vault.key')}, new, in a temporary folder")
        with steps.step("server") as said:
            given = {"database": str(folder / "sellerport.db"), "vault_key_file": str(folder / "vault.key")}
            settings = Settings.read({}, {**given, "amazon": amazon, "port": "0"})
            server = stack.enter_context(serving(settings))
            said.append(f"{server.up.url}, on SQLite")
        api_client = _set_up(steps, server, world.application())
        connection = _consent(steps, server.up.url, api_client)
        orders = _call(steps, server.up.url, api_client, connection)
        if as_json:
            show({"steps": steps.done, "orders": orders}, as_json)
        else:
            click.echo()
            table([_summary(order) for order in orders])
            click.echo("The grant never left the server; it lies sealed in the SQLite file.")
        if keep:
            _stay(amazon, server.up.url, api_client, connection)


def _set_up(steps: Steps, server: Server, registered: emulator.Application) -> NewApiClient:
    hub = server.up.hub
    with steps.step("organization") as said:
        organization = server.do(hub.organizations.create("Acme Warehousing"))
        api_client = server.do(hub.access.create_client(organization.id, "demo"))
        server.do(hub.return_urls.register(organization.id, f"{server.up.url}/health"))
        said.append(f"{organization.name}, with an API client and a return address")
    with steps.step("application") as said:
        server.do(
            hub.applications.register(
                organization.id,
                lwa_client_id=registered.client_id,
                lwa_client_secret=registered.client_secret,
                application_id=registered.application_id,
            )
        )
        said.append(f"{registered.application_id}, its client secret sealed")
    return api_client


def _consent(steps: Steps, url: str, api_client: NewApiClient) -> str:
    """Walk the consent flow as the organization's program and the account owner's browser do; return the connection."""
    browser = Browser()
    with steps.step("consent started") as said:
        token = _post(f"{url}/api/v1/account/applications/token", _credentials(api_client))["access_token"]
        path = "/api/v1/integrations/connectors/oauth/initiate"
        given = {
            "customer_name": CUSTOMER,
            "connector_type": "amazon-seller-partner",
            "redirect_url": f"{url}/health?shop=7",
        }
        link = _post(url + path, given, token)["consent_url"]
        said.append(f"POST {path}")
    with steps.step("consent page") as said:
        steps.expect(b"Continue to Amazon" in browser.open(link).body, "a page with a button")
        started = browser.open(link, {"button": "pressed"})
        steps.expect(started.status == 303, "a redirect to Amazon's consent page")
        page = started.headers["location"]
        steps.expect(browser.open(page).status == 200, "a consent page")
        said.append(page.split("?")[0])
    with steps.step("owner approves") as said:
        approved = browser.open(page, {"decision": "approve"})
        steps.expect(approved.status in (302, 303), "a redirect back to the server")
        callback = urljoin(page, approved.headers["location"])
        said.append(f"{approved.status}, back to {callback.split('?')[0]} with a one-time code")
    with steps.step("grant sealed") as said:
        finished = browser.open(callback)
        steps.expect(finished.status in (302, 303), "a redirect to the return address")
        back = parse_qs(urlsplit(finished.headers["location"]).query)
        steps.expect(back.get("shop") == ["7"] and "connector_id" in back, f"a connector_id, not {back}")
        said.append(f"connection {back['connector_id'][0]}")
    return back["connector_id"][0]


def _call(steps: Steps, url: str, api_client: NewApiClient, connection: str) -> list[dict[str, Any]]:
    """Call getOrders three ways, and see that all of them found the same orders."""
    with steps.step("from Python") as said:
        sp = SellingPartner(connection=Hosted(url, api_client.id, api_client.secret, connection))
        orders: list[Any] = sp.orders_v0.get_orders(created_after=SINCE).payload["Orders"]
        steps.expect(len(orders) > 0, "orders")
        said.append(f"sp.orders_v0.get_orders(created_after=…): {len(orders)} orders")
    with steps.step("over HTTP") as said:
        token = _post(f"{url}/api/v1/account/applications/token", _credentials(api_client))["access_token"]
        given = {"entity": "orders", "action": "list", "params": {"created_after": SINCE}}
        path = f"/api/v1/integrations/connectors/{connection}/execute"
        found = _post(url + path, given, token)["result"]
        steps.expect(found == orders, "the same orders as from Python")
        said.append(f"POST …/execute: {len(found)} orders")
    with steps.step("by command") as said:
        words = ["call", "orders_v0.get_orders", f"created_after={SINCE}", "--json"]
        environ = {
            "SELLERPORT_URL": url,
            "SELLERPORT_CLIENT_ID": api_client.id,
            "SELLERPORT_CLIENT_SECRET": api_client.secret,
            "SELLERPORT_CONNECTION": connection,
        }
        done = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "sellerport", *words],
            env={**os.environ, **environ},
            capture_output=True,
            check=False,
        )
        steps.expect(done.returncode == 0, f"exit status 0: {done.stderr.decode()}")
        printed = msgspec.json.decode(done.stdout)["payload"]["Orders"]
        steps.expect(printed == orders, "the same orders as from Python")
        said.append(f"sellerport {' '.join(words)}: {len(printed)} orders")
    return orders


def _summary(order: dict[str, Any]) -> dict[str, str]:
    total = order.get("OrderTotal") or {}
    return {
        "order": order["AmazonOrderId"],
        "purchased": order["PurchaseDate"][:16].replace("T", " "),
        "status": order["OrderStatus"],
        "by": {"AFN": "Amazon", "MFN": "merchant"}.get(order["FulfillmentChannel"], ""),
        "total": f"{total['Amount']:>8} {total['CurrencyCode']}" if total else "",
    }


def _stay(amazon: str, url: str, api_client: NewApiClient, connection: str) -> None:
    """Print what another terminal needs, and wait to be interrupted."""
    click.echo("\nStill up; interrupt with Ctrl-C. In another terminal:\n")
    exports(
        {
            "SELLERPORT_AMAZON": amazon,
            "SELLERPORT_URL": url,
            "SELLERPORT_CLIENT_ID": api_client.id,
            "SELLERPORT_CLIENT_SECRET": api_client.secret,
            "SELLERPORT_CONNECTION": connection,
        }
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()


def _credentials(api_client: NewApiClient) -> dict[str, str]:
    return {"client_id": api_client.id, "client_secret": api_client.secret}


def _post(url: str, given: dict[str, Any], token: str | None = None) -> dict[str, Any]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    answer = run(BlockingWire().send(Request("POST", url, headers, msgspec.json.encode(given))))
    if answer.status != 200:
        raise DemoError(f"{urlsplit(url).path} answered {answer.status}: {answer.body.decode()[:300]}")
    found: dict[str, Any] = msgspec.json.decode(answer.body)
    return found
