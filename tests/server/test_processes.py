"""Several processes on one database: one token request an expiry, and nothing lost when one of them is killed."""

from __future__ import annotations

import asyncio
import random
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import pytest
from tests.server.worker import KILLS, Worker, amazon

from sellerport.emulator.grants import DEFAULT_APPLICATION
from sellerport.errors import GrantRevoked
from sellerport.oauth import LwaClient
from sellerport.regions import marketplace
from sellerport.server.hub import Caller
from sellerport.server.opening import open_hub
from sellerport.server.settings import Settings

CLIENT = LwaClient(DEFAULT_APPLICATION.client_id, DEFAULT_APPLICATION.client_secret)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects, but returns them."""

    def http_error_302(self, _request, answer, *_):
        return answer


@dataclass
class Fleet:
    """A database with connections, an Amazon that is a process, and processes that work for both."""

    house: Any
    settings: Settings
    address: str
    organization_id: str
    ids: list[str]
    workers: list[Worker]

    def start(self, **how: Any) -> Worker:
        worker = Worker(self.settings, self.organization_id, **how)
        self.workers.append(worker)
        return worker

    def emulator(self, path: str, **body: Any) -> Any:
        data = msgspec.json.encode(body) if body else None
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/_emulator/{path}", data)) as answer:
            return msgspec.json.decode(answer.read())

    @property
    def token_requests(self) -> int:
        return sum(one["path"] == "/auth/o2/token" for one in self.emulator("requests")["requests"])

    def forget_requests(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/_emulator/requests", method="DELETE")).close()

    @property
    def revoked(self) -> int:
        """Grants that Amazon ended because a refresh token was used twice."""
        return sum(grant["revoked"] for grant in self.emulator("state")["grants"])

    def expire(self) -> None:
        """Let every token end, for the database and for all processes."""
        self.house.sql(
            "UPDATE connections SET access_token_issued_at = access_token_issued_at - 3600, "
            "access_token_expires_at = access_token_expires_at - 3600"
        )
        for worker in self.workers:
            worker.ask("later", seconds=3600)

    def consent(self, worker: Worker) -> dict[str, Any]:
        """Go to Amazon as an account's owner, and return what the browser brings back."""
        started = worker.ask("start", link=worker.ask("connect"))
        form = urlencode({"decision": "approve", "selling_partner_id": "ALOCALSELLERNA"}).encode()
        opener = urllib.request.build_opener(_Stay)
        with opener.open(started["location"], form) as answer:
            back = urlsplit(answer.headers["location"])
        return {"params": dict(parse_qsl(back.query)), "cookies": {started["cookie"]: started["browser"]}}

    def statuses(self) -> list[str]:
        return [row.status for row in self.house.sql("SELECT status FROM connections")]


@contextmanager
def fleet(house: Any, folder: Path, strict: bool, count: int = 1) -> Iterator[Fleet]:
    with amazon(strict) as address:
        settings = replace(house.settings, amazon=address, public_url=None, journal=folder / "journal")
        made = Fleet(house, settings, address, "", [], [])

        async def furnish() -> None:
            async with open_hub(settings) as hub:
                made.organization_id = (await hub.organizations.create("Acme")).id
                application = await hub.applications.register(
                    made.organization_id,
                    lwa_client_id=CLIENT.client_id,
                    lwa_client_secret=CLIENT.client_secret,
                    application_id=DEFAULT_APPLICATION.application_id,
                )
                for number in range(count):
                    grant = made.emulator("grants", selling_partner_id="ALOCALSELLERNA")
                    connection = await hub.connections.create(
                        Caller(made.organization_id),
                        customer=f"customer {number}",
                        name="shop",
                        marketplace=marketplace("US"),
                        refresh_token=grant["refresh_token"],
                        through=application,
                    )
                    made.ids.append(connection.id)

        asyncio.run(furnish())
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.kill()


def test_processes_ask_once_an_expiry_and_lose_no_grant(house, tmp_path):
    """LC-T1, LC-T5: 4 processes, 25 tasks each, 20 connections, refresh tokens good once; and no Redis."""
    with fleet(house, tmp_path, strict=True, count=20) as it:
        for _ in range(4):
            it.start()
        for expiries in range(1, 4):
            for worker in it.workers:
                worker.tell("get", ids=it.ids, tasks=25)
            answers = [worker.hear() for worker in it.workers]
            assert [answer["errors"] for answer in answers] == [[]] * 4
            assert all(answer["tokens"] == answers[0]["tokens"] for answer in answers)
            assert all(len(tokens) == 1 for tokens in answers[0]["tokens"].values())
            assert it.token_requests == 20 * expiries
            it.expire()
        assert it.revoked == 0
        assert it.statuses() == ["active"] * 20


REFRESHING = [point for point in KILLS if "insert" not in point]


@pytest.mark.parametrize("point", REFRESHING)
def test_a_process_killed_while_it_refreshes_loses_nothing(house, tmp_path, point):
    """LC-T3: also with refresh tokens that are good once; but for the moment in which only the dead process knows the
    new one, which Amazon, who gives the same one every time, does not have."""
    with fleet(house, tmp_path, strict=point != "after the answer") as it:
        victim, heir = it.start(die=point), it.start()
        heir.ask("get", ids=[])  # it has started
        victim.tell("get", ids=it.ids)
        assert victim.died()
        if point == "before the journal":  # nothing says yet that the lease's holder is gone
            (error,) = heir.ask("get", ids=it.ids)["errors"]
            assert "if it died, its lease ends within 30 s" in error
            house.sql("UPDATE connections SET lease_until = lease_until - 30")
        begun = time.monotonic()
        assert heir.ask("get", ids=it.ids)["errors"] == []
        assert time.monotonic() - begun < 10  # far from the lease's 30 s
        assert (it.statuses(), it.revoked) == (["active"], 0)
        assert it.token_requests == (2 if point == "after the answer" else 1)
        it.workers.remove(victim)
        it.expire()
        assert heir.ask("get", ids=it.ids)["errors"] == []  # with the grant that the dead process left
        heir.ask("recover")
        assert (it.revoked, list((tmp_path / "journal").glob("*.refresh"))) == (0, [])


def test_a_grant_that_only_a_dead_process_knew_ends_openly(house, tmp_path):
    """LC-T3, RL-9: a rotated grant that died with its process; the owner is asked again, and it is not said to work."""
    with fleet(house, tmp_path, strict=True) as it:
        victim, heir = it.start(die="after the answer"), it.start()
        victim.tell("get", ids=it.ids)
        assert victim.died()
        (error,) = heir.ask("get", ids=it.ids)["errors"]
        assert error.startswith("grant_revoked")
        assert it.statuses() == ["needs_consent"]


def test_a_process_whose_clock_is_off_sees_the_tokens_of_others(house, tmp_path):
    """LC-T6: the database's clock decides, and that is not moved here."""
    with fleet(house, tmp_path, strict=True, count=3) as it:
        late, early, right = it.start(ahead_s=-3600.0), it.start(ahead_s=3600.0), it.start()
        answers = [worker.ask("get", ids=it.ids) for worker in (late, early, right)]
        assert [answer["errors"] for answer in answers] == [[]] * 3
        assert answers[0]["tokens"] == answers[1]["tokens"] == answers[2]["tokens"]
        assert it.token_requests == 3
        it.expire()
        for worker in (early, late, right):
            worker.tell("get", ids=it.ids, tasks=5)
        assert [worker.hear()["errors"] for worker in (early, late, right)] == [[]] * 3
        assert (it.token_requests, it.revoked) == (6, 0)


@pytest.mark.parametrize(
    "point", ["before a consent's insert", "before the request", "after the answer", "before a connection's insert"]
)
def test_a_process_killed_during_a_consent_leaves_nothing_half_made(house, tmp_path, point):
    """LC-T3: before the state is stored, after it is used up, after the code is exchanged, before the commit."""
    with fleet(house, tmp_path, strict=True, count=0) as it:
        victim, heir = it.start(die=point), it.start()
        if point == "before a consent's insert":
            victim.tell("connect")
        else:
            victim.tell("finish", **it.consent(heir))
        assert victim.died()
        assert it.statuses() == []
        assert heir.ask("finish", **it.consent(heir)) is not None  # the owner starts again
        assert it.statuses() == ["active"]


@pytest.mark.parametrize("strict", [False, True], ids=["the same refresh token", "refresh tokens good once"])
def test_kills_under_load_lose_no_grant(house, tmp_path, strict):
    """RL-9: every grant that Amazon gave is stored, or its connection says openly that it needs consent."""
    chance = random.Random(9)
    with fleet(house, tmp_path, strict=strict, count=4) as it:
        for _ in range(3):
            it.start().tell("storm", ids=chance.sample(it.ids, 4))
        for _ in range(20 if strict else 5):
            it.forget_requests()
            while it.token_requests < 3 and "active" in it.statuses():  # it is killed in the middle of its work
                assert [worker for worker in it.workers if not worker.process.is_alive()] == []
            it.workers.pop(chance.randrange(3)).kill()
            it.start().tell("storm", ids=chance.sample(it.ids, 4))
        while it.workers:
            it.workers.pop().kill()

        house.sql("UPDATE connections SET lease_until = lease_until - 30")  # so long would the last ones hold it

        async def look() -> list[str]:
            found = []
            async with open_hub(it.settings) as hub:
                for id in it.ids:
                    try:
                        opened = await hub.connections.open(Caller(it.organization_id), id)
                        await hub.tokens.get(opened)
                        found.append("active")
                    except GrantRevoked:
                        found.append("needs_consent")
            return found

        found = asyncio.run(look())
        assert found == [
            it.house.sql("SELECT status FROM connections WHERE id = :id", id=id)[0].status for id in it.ids
        ]
        if not strict:
            assert found == ["active"] * 4
        assert list((tmp_path / "journal").glob("*.refresh")) == []
