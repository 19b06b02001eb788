"""A local Amazon over real HTTP: one server for the session, its world seeded anew for every test."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import boto3
import jsonschema_rs
import pytest
from botocore.config import Config

from sellerport import catalog
from sellerport.emulator import World, running

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z

CLIENT = {"client_id": "amzn1.application-oa2-client.local", "client_secret": "local-secret"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, code and details of an SP-API error that is the only one."""
        (only,) = self.json["errors"]
        return self.status, only["code"], only.get("details")


UNMODELLED = {
    ("transfers_2024_06_01.initiate_payout", 422),
    ("easy_ship_2022_03_23.update_scheduled_packages", 405),  # its table of codes has it
    # of these, only the SDK is there, which has no errors
    ("external_fulfillment_location_2026_07_30.create_sandbox_location", 400),
    ("external_fulfillment_shipments_2024_09_11.create_sandbox_shipment", 400),
    *(("external_fulfillment_shipments_2024_09_11.update_sandbox_shipment", status) for status in (400, 409)),
    # its published cases have the errors in an object, as everywhere
    *(("services_v1.set_appointment_fulfillment_data", status) for status in (400, 403, 404, 422)),
}
"""What Amazon answers, and its models do not say."""


@cache
def _validator(api: str, name: str) -> jsonschema_rs.Validator:
    schema = {"$ref": f"#/$defs/{name}", "$defs": catalog.schemas(api).definitions}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def fit(method: str, path: str, answer: Reply) -> None:
    """Assert that the catalogue has the status and the body of an answer, be it a success or an error."""
    found = catalog.match(method, path)
    if found is None or (found[0].key, answer.status) in UNMODELLED:
        return
    operation = found[0]
    responses = catalog.schemas(operation.api).of(operation).responses
    assert str(answer.status) in responses, (operation.key, answer.status, answer.body)
    name = responses[str(answer.status)]
    if answer.status == 204 or name is None:
        assert not answer.body or answer.status >= 400, answer.body
        return
    for error in _validator(operation.api, name).iter_errors(answer.json):
        raise AssertionError(f"{operation.key} {answer.status}: {error.message} at {error.instance_path}")


@dataclass(frozen=True)
class Local:
    """What tests do with a local Amazon; paths are sent as they are."""

    world: World
    base: str

    def send(
        self,
        method: str,
        target: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 20,
    ) -> Reply:
        connection = http.client.HTTPConnection(self.base.removeprefix("http://"), timeout=timeout)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()

    def lwa(self, **form: str) -> Reply:
        """Ask the token server as Amazon's documentation shows it."""
        kind = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
        return self.send("POST", "/api.amazon.com/auth/o2/token", urlencode(form), kind)

    def token(self, refresh_token: str = "Atzr|local-seller-na") -> str:
        answer = self.lwa(grant_type="refresh_token", refresh_token=refresh_token, **CLIENT)
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])

    def grantless(self, scope: str = "sellingpartnerapi::notifications") -> str:
        return str(self.lwa(grant_type="client_credentials", scope=scope, **CLIENT).json["access_token"])

    def call(self, method: str, path: str, token: str | None = None, body: Any = None, **query: str) -> Reply:
        """Call the SP-API without naming a host; whatever it answers has to fit the catalogue's schema."""
        target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        headers = {"x-amz-access-token": self.token() if token is None else token}
        planned = bool(self.world.faults or self.world.told or self.world.sandbox)
        answer = self.send(method, target, None if body is None else json.dumps(body), headers)
        if not planned:
            fit(method, path, answer)
        return answer

    def good(self, method: str, path: str, token: str | None = None, body: Any = None, **query: str) -> Any:
        """Call the SP-API, and return what it answers: a success."""
        answer = self.call(method, path, token, body, **query)
        assert answer.status < 300, answer.body
        return None if answer.status == 204 else answer.json

    def finished(self, path: str, token: str | None = None, *, most: int = 9) -> Any:
        """Poll a report, feed, query or export until it has ended, and return it."""
        for _ in range(most):
            job = self.call("GET", path, token).json
            job = job.get("export", job)
            if job.get("processingStatus", job.get("status")) not in (
                "IN_QUEUE",
                "IN_PROGRESS",
                "REQUESTED",
                "PROCESSING",
            ):
                return job
        raise AssertionError(f"{path} did not end")

    def report(self, kind: str, token: str | None = None, marketplace: str = "ATVPDKIKX0DER", **more: Any) -> Any:
        """Ask for a report, wait for it, and return it."""
        body = {"reportType": kind, "marketplaceIds": [marketplace], **more}
        made = self.call("POST", "/reports/2021-06-30/reports", token, body)
        assert made.status == 202, made.body
        return self.finished(f"/reports/2021-06-30/reports/{made.json['reportId']}", token)

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> Reply:
        """Get what lies at an address of the storage."""
        assert url.startswith(f"{self.base}/_storage/")
        return self.send("GET", url.removeprefix(self.base), headers=headers)

    def put(self, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Put something at an address of the storage."""
        assert url.startswith(f"{self.base}/_storage/")
        return self.send("PUT", url.removeprefix(self.base), body, headers)

    def upload(self, body: bytes, content_type: str = "application/json; charset=UTF-8") -> str:
        """Put a feed's document where it belongs, and return its id."""
        made = self.call("POST", "/feeds/2021-06-30/documents", body={"contentType": content_type}).json
        assert self.put(made["url"], body, {"content-type": content_type}).status == 200
        return str(made["feedDocumentId"])

    def control(self, method: str, route: str, body: Any = None) -> Reply:
        return self.send(method, f"/_emulator/{route}", None if body is None else json.dumps(body))


@pytest.fixture(scope="session")
def _served() -> Iterator[Local]:
    world = World(seed=1, clock=lambda: NOW)
    with running(world) as base:
        yield Local(world, base)


@pytest.fixture
def amazon(_served: Local) -> Local:
    _served.world.reset(seed=1)
    return _served


@pytest.fixture
def queues(amazon: Local) -> Iterator[Any]:
    """boto3's own client, told nothing but where SQS is."""
    client = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=f"{amazon.base}/_sqs",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()
