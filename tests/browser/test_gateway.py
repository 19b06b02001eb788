"""A seller authorizes a warehouse's software in a real browser: over Amazon's pages and back, and when they cancel."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest

from sellerport.emulator import Application, World, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECRET = base64.b64encode(bytes(range(7, 39))).decode()
STATE = "ü & 100%"


class Warehouse(BaseHTTPRequestHandler):
    """The page that the seller comes back to."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Warehouse</title><h1>Back at the warehouse</h1>")

    def log_message(self, format: str, *values: Any) -> None:
        pass


@dataclass(frozen=True)
class Place:
    """A server, and what its tenant has."""

    address: str
    warehouse: str
    tenant_id: str
    refresh_token: str

    def post(self, path: str, body: Any, **headers: str) -> Any:
        given = {"content-type": "application/json", **{name.replace("_", "-"): it for name, it in headers.items()}}
        try:
            with urlopen(Request(f"{self.address}{path}", json.dumps(body).encode(), given)) as answer:
                return json.load(answer)
        except HTTPError as error:
            return json.load(error)

    def connect(self, **more: str) -> str:
        given = {
            "state": STATE,
            "tenantId": self.tenant_id,
            "marketplace_region": "us-east-1",
            "amazonTokenSecret": SECRET,
            "sellerRedirectUrl": f"{self.warehouse}/oauth/done",
        }
        return f"{self.address}/auth/initialize?{urlencode(given | more)}"


@contextmanager
def serving(folder: Path, environ: dict[str, str], port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "sellerport", "serve", "--port", str(port), "--json"]
    everything = {**os.environ, **environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=folder, env=everything, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["url"] == f"http://127.0.0.1:{port}"
            yield
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """`sellerport serve` over a local Amazon, with a tenant whose warehouse has a page on this machine."""
    folder, world = tmp_path_factory.mktemp("gateway"), World(seed=1, orders=1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    back = (f"{address}/auth/redirect",)
    shed = {"application_id": "amzn1.sp.solution.shed", "client_id": "shed", "client_secret": "s", "name": "Shed"}
    world.add_application(Application(**shed, redirect_uris=back))
    warehouse = ThreadingHTTPServer(("127.0.0.1", 0), Warehouse)
    threading.Thread(target=warehouse.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{warehouse.server_address[1]}"
    with running(world) as amazon:
        environ = {
            "SELLERPORT_AMAZON": amazon,
            "SELLERPORT_VAULT_KEY_FILE": "sellerport.key",
            "SELLERPORT_LOG_LEVEL": "warning",
        }

        def sellerport(*words: str, given: str = "") -> str:
            command, everything = [sys.executable, "-m", "sellerport", *words], {**os.environ, **environ}
            return subprocess.run(
                command, input=given, capture_output=True, text=True, cwd=folder, env=everything, check=True
            ).stdout

        sellerport("key", "new")
        made = json.loads(
            sellerport("gateway", "tenant", "create", "Warehouse", "--redirect-origin", f"{here}/oauth", "--json")
        )
        named = ("--lwa-client-id", "shed", "--application-id", "amzn1.sp.solution.shed")
        sellerport("application", "register", *named, given="s")
        with serving(folder, environ, port):
            yield Place(address, here, made["tenant_id"], made["refresh_token"])
    warehouse.shutdown()
    warehouse.server_close()


def walk(browser: Browser, place: Place, decision: str) -> dict[str, str]:
    """Go from the warehouse's link over Amazon's pages back to the warehouse; return what the browser brings."""
    context = browser.new_context(viewport={"width": 400, "height": 900})
    page = context.new_page()
    page.goto(place.connect())
    assert page.title().startswith("Sign in")
    page.click("text=Sign in >> nth=-1")
    page.wait_for_selector("text=Shed asks for access to your account")
    page.click(f"text={decision}")
    page.wait_for_selector("text=Back at the warehouse")
    found, cookies = page.url, context.cookies(place.address)
    assert [one for one in cookies if "sellerport-consent" in one.get("name", "")] == []
    context.close()
    assert found.startswith(f"{place.warehouse}/oauth/done?")
    return {name: values[0] for name, values in parse_qs(urlsplit(found).query).items()}


def test_a_seller_authorizes_and_the_warehouse_claims(browser: Browser, place: Place) -> None:
    brought = walk(browser, place, "Confirm")
    assert list(brought) == ["state", "tenant_id", "seller_id", "code"]
    assert (brought["state"], brought["tenant_id"]) == (STATE, place.tenant_id)
    log_in = {"tenant_id": place.tenant_id, "refresh_token": place.refresh_token}
    token = place.post("/api/get-adb-access-token", log_in)["data"]["access_token"]
    body = {"seller_id": brought["seller_id"], "code": brought["code"], "name": "Ann", "callback_url": ""}
    claimed = place.post("/api/claim-code", body, x_adb_access_token=token)
    assert claimed["data"]["refresh_token"].startswith("srt_")
    assert place.post("/api/claim-code", body, x_adb_access_token=token)["success"] is False
    path = f"/api/sellers/{brought['seller_id']}/test"
    tested = place.post(path, {}, x_adb_access_token=token, x_amazon_token_secret=SECRET)
    assert tested["data"]["status"] == "succeeded"


def test_a_seller_who_cancels_comes_back_with_an_error(browser: Browser, place: Place) -> None:
    brought = walk(browser, place, "Cancel")
    assert list(brought) == ["state", "tenant_id", "error", "error_description"]
    assert (brought["state"], brought["error"]) == (STATE, "access_denied")


def test_a_mistake_is_said_on_a_page_that_fits_a_telephone(browser: Browser, place: Place) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 900})
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if "status of 400" not in said.text else None)
    answer = page.goto(place.connect(sellerRedirectUrl="https://evil.example/"))
    assert answer is not None
    assert answer.status == 400
    assert page.locator("text=sellerRedirectUrl must start with redirectOrigin").is_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert complaints == []
    context.close()
