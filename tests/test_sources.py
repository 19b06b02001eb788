"""Providers of credentials, what is asked for again when it was refused, and clients that are made with either.

The numbers in names are those of users' wishes (reference/peer-sdks.md §5).
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sellerport.credentials import Credentials, ask, find
from sellerport.errors import (
    ClientRefused,
    CredentialsError,
    GrantRevoked,
    InvalidArguments,
    TokenExpired,
    TokenUnavailable,
)
from sellerport.oauth import Grant, LwaClient, Source, Tokens
from sellerport.regions import Amazon
from sellerport.wire import AsyncWire, BlockingWire, Request, Response, run
from tests.conftest import Clients, LocalAmazon
from tests.test_credentials import WHOLE, of


def grant(found: Credentials) -> Grant:
    return Grant(LwaClient(found.client_id, found.client_secret), found.refresh_token, access_token=found.access_token)


class Vault:
    """A provider that counts how often it was asked; async for the async client."""

    def __init__(self, clients: Clients, *answers: Mapping[str, str]) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.clients = clients
        self.source = Source(self.read)

    async def read(self) -> Grant:
        return grant(await ask(self.later if self.clients.colour == "async" else self.now, {}))

    def now(self) -> Mapping[str, str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def later(self) -> Mapping[str, str]:
        await asyncio.sleep(0)
        return self.now()

    def token(self, **options: Any) -> Coroutine[Any, Any, str]:
        return self.source.token(self.clients.wire, self.clients.tokens, Amazon(self.clients.amazon.address), **options)


def wait(clients: Clients, flow: Coroutine[Any, Any, Any]) -> Any:
    """Run a flow on the wire of the colour."""
    return run(flow) if clients.colour == "blocking" else clients.runner.run(flow)


def rotate_secret(amazon: LocalAmazon) -> dict[str, str]:
    """Change the application's secret, and return the credentials that are good from now on."""
    old = amazon.world.application()
    amazon.world.applications[old.client_id] = msgspec.structs.replace(old, client_secret="rotated-secret")
    return amazon.credentials()


def together(clients: Clients, flow: Callable[[], Coroutine[Any, Any, str]], times: int = 20) -> set[str]:
    """Run a flow many times at once; return what came of it, tokens and names of errors."""
    heard: list[str] = []

    async def one() -> None:
        try:
            heard.append(await flow())
        except (ClientRefused, GrantRevoked) as error:
            heard.append(type(error).__name__)

    if clients.colour == "async":

        async def all_of_them() -> None:
            await asyncio.gather(*(one() for _ in range(times)))

        clients.runner.run(all_of_them())
    else:
        threads = [threading.Thread(target=lambda: run(one())) for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(heard) == times
    return set(heard)


def test_a_provider_is_asked_at_the_first_call_and_once_however_many_call(clients: Clients) -> None:
    vault = Vault(clients, clients.amazon.credentials())
    assert vault.asked == 0
    assert len(together(clients, vault.token)) == 1
    assert (vault.asked, clients.amazon.token_requests) == (1, 1)
    wait(clients, vault.token())
    assert vault.asked == 1


def test_a_secret_that_was_rotated_is_asked_for_again_and_used(clients: Clients) -> None:
    vault = Vault(clients, clients.amazon.credentials(), rotate_secret(clients.amazon))
    assert wait(clients, vault.token()).startswith("Atza|")
    assert (vault.asked, clients.amazon.token_requests) == (2, 2)
    wait(clients, vault.token(scope="sellingpartnerapi::notifications"))
    assert vault.asked == 2
    assert wait(clients, vault.source.grant(clients.wire)).client.client_secret == "rotated-secret"


def test_a_grant_that_was_renewed_is_asked_for_again_once_for_all_who_were_refused(clients: Clients) -> None:
    world = clients.amazon.world
    vault = Vault(clients, clients.amazon.credentials())
    old = wait(clients, vault.token())
    world.revoke()
    renewed = world.grant("ALOCALSELLERNA").refresh_token
    vault.answers = [clients.amazon.credentials() | {"refresh_token": renewed}]
    (new,) = together(clients, lambda: vault.token(instead_of=old))
    assert new.startswith("Atza|")
    assert new != old
    assert vault.asked == 2


def test_a_provider_that_has_nothing_new_is_asked_once_and_the_refusal_stands(clients: Clients) -> None:
    clients.amazon.world.revoke()
    vault = Vault(clients, clients.amazon.credentials())
    with pytest.raises(GrantRevoked, match="consent again"):
        wait(clients, vault.token())
    assert (vault.asked, clients.amazon.token_requests) == (2, 1)


def test_tasks_that_are_refused_while_one_asks_wait_for_what_it_hears() -> None:
    asked, sent, known = [], [], grant(find(WHOLE, {}))

    async def meanwhile() -> None:
        for _ in range(100):  # long enough for all the others to get as far
            await asyncio.sleep(0)

    class Refusing(AsyncWire):
        async def send(self, request: Request) -> Response:
            sent.append(request)
            await meanwhile()
            return Response(400, {}, b'{"error": "invalid_grant"}')

    async def read() -> Grant:
        asked.append(True)
        await meanwhile()
        return known

    async def all_at_once() -> list[Any]:
        wire, tokens, source = Refusing(), Tokens(), Source(read, known)
        calls = (source.token(wire, tokens, Amazon()) for _ in range(20))
        return await asyncio.gather(*calls, return_exceptions=True)

    assert {type(error) for error in asyncio.run(all_at_once())} == {GrantRevoked}
    assert (len(asked), len(sent)) == (1, 1)


def test_what_is_new_is_tried_once(clients: Clients) -> None:
    good = clients.amazon.credentials()
    vault = Vault(clients, *(good | {"lwa_client_secret": f"wrong-{number}"} for number in range(9)))
    with pytest.raises(ClientRefused):
        wait(clients, vault.token())
    assert (vault.asked, clients.amazon.token_requests) == (2, 2)
    vault.answers = [good]
    assert wait(clients, vault.token()).startswith("Atza|")


def test_trouble_at_the_token_server_is_no_reason_to_ask_again(clients: Clients) -> None:
    clients.amazon.fail(path="/auth/o2/token", status=503, times=3)
    vault = Vault(clients, clients.amazon.credentials())
    with pytest.raises(TokenUnavailable):
        wait(clients, vault.token())
    assert (vault.asked, clients.amazon.token_requests) == (1, 3)
    assert wait(clients, vault.token()).startswith("Atza|")
    assert vault.asked == 1


def test_wish_16_a_provider_may_bring_access_tokens_one_after_the_other(clients: Clients) -> None:
    vault = Vault(clients, {"access_token": "Atza|1"}, {"access_token": "Atza|2"})
    assert wait(clients, vault.token()) == "Atza|1"
    assert together(clients, lambda: vault.token(instead_of="Atza|1")) == {"Atza|2"}
    with pytest.raises(TokenExpired):
        wait(clients, vault.token(instead_of="Atza|2"))
    assert (vault.asked, clients.amazon.token_requests) == (3, 0)


def test_a_provider_that_fails_is_heard_and_asked_again_at_the_next_call(clients: Clients) -> None:
    vault = Vault(clients, clients.amazon.credentials())
    answers, vault.answers = vault.answers, []
    with pytest.raises(IndexError):
        wait(clients, vault.token())
    vault.answers = answers
    assert wait(clients, vault.token()).startswith("Atza|")


def test_a_provider_must_return_all_that_is_needed() -> None:
    def answer(found: Any, given: Mapping[str, str] = {}) -> Credentials:
        return run(ask(lambda: found, given))

    assert answer(WHOLE) == of("given")
    assert answer(WHOLE, {"refresh_token": "Atzr|seller"}).refresh_token == "Atzr|seller"
    for found, said in (
        (None, "returned NoneType, and no mapping"),
        ("Atzr|x", "returned str, and no mapping"),
        ({"lwa_app_id": "app-x"}, "the provider's credentials lack refresh_token, lwa_client_secret"),
        ({**WHOLE, "lws_app_id": "x"}, "did you mean 'lwa_app_id'"),
    ):
        with pytest.raises(CredentialsError) as caught:
            answer(found)
        assert said in caught.value.message


def test_tokens_are_shared_by_sources_of_one_grant(amazon: LocalAmazon) -> None:
    wire, tokens, known = BlockingWire(), Tokens(), grant(find(amazon.credentials(), {}))

    async def read() -> Grant:
        return known

    found = {run(Source(read).token(wire, tokens, Amazon(amazon.address))) for _ in range(5)}
    wire.close()
    assert (len(found), amazon.token_requests) == (1, 1)


# Through the clients


def test_a_client_finds_its_file(clients: Clients, tmp_path: Path) -> None:
    path = tmp_path / "credentials.yml"
    path.write_text(json.dumps({"default": clients.amazon.credentials()}), "utf-8")
    path.chmod(0o600)
    sp = clients.make(None, environ={"SELLERPORT_CREDENTIALS": str(path)})
    assert clients.do(lambda: sp.sellers.get_account()).status == 200


def test_wish_16_a_client_calls_with_an_access_token_until_it_expires(clients: Clients) -> None:
    world = clients.amazon.world
    held = world.grants[clients.amazon.credentials()["refresh_token"]]
    sp = clients.make(None, access_token=world.issue_access_token(world.application(), held))
    assert clients.do(lambda: sp.sellers.get_account()).status == 200
    world.expire()
    with pytest.raises(TokenExpired):
        clients.do(lambda: sp.sellers.get_account())
    assert clients.amazon.token_requests == 0


def test_wish_17_a_client_is_made_for_an_account_or_for_a_refresh_token(clients: Clients) -> None:
    european = clients.amazon.credentials("seller-eu")
    environ = {
        "SP_API_REFRESH_TOKEN_eu": european["refresh_token"],
        "LWA_APP_ID": european["lwa_app_id"],
        "LWA_CLIENT_SECRET": european["lwa_client_secret"],
    }
    for options in ({"account": "eu"}, {"refresh_token": european["refresh_token"]}):
        sp = clients.make(None, environ=environ, marketplace="DE", **options)
        assert clients.do(lambda sp=sp: sp.sellers.get_account()).status == 200
    assert clients.amazon.token_requests == 1


def test_a_client_asks_its_provider_at_its_first_call_and_again_when_that_is_refused(clients: Clients) -> None:
    vault = Vault(clients, clients.amazon.credentials(), rotate_secret(clients.amazon))
    sp = clients.make(vault.later if clients.colour == "async" else vault.now)
    assert vault.asked == 0
    assert clients.do(lambda: sp.sellers.get_account()).status == 200
    assert clients.do(lambda: sp.notifications.get_destinations()).status == 200
    assert (vault.asked, clients.amazon.token_requests) == (2, 3)


def test_a_blocking_client_takes_no_coroutine_function(clients: Clients) -> None:
    async def later(*_: object) -> Any: ...

    for options in ({"credentials": later}, {"on_token_refresh": later}):
        if clients.colour == "async":
            clients.make(**options)
            continue
        with pytest.raises(InvalidArguments, match="is a coroutine function"):
            clients.make(**options)
