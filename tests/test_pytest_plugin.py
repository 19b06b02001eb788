"""The pytest plugin, used by a project of its own."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "sellerport.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers", "-W", "error")


def passed(pytester: pytest.Pytester, code: str, **outcomes: int) -> None:
    pytester.makepyfile(code)
    pytester.runpytest_inprocess(*PLUGIN).assert_outcomes(**outcomes)


def test_a_client_calls_the_local_amazon_of_its_test(pytester: pytest.Pytester) -> None:
    passed(
        pytester,
        """
        from sellerport import SellingPartner

        def orders(amazon, account, marketplace):
            given = amazon.credentials(account)
            with SellingPartner(amazon=amazon.address, marketplace=marketplace, **given) as sp:
                return sp.orders.search_orders(created_after="2020-01-01T00:00:00Z")["orders"]

        def test_it(amazon):
            assert amazon.address.startswith("http://127.0.0.1:")
            assert orders(amazon, "ALOCALSELLERNA", "US") != orders(amazon, "ALOCALSELLEREU", "DE")
            assert [one["path"] for one in amazon.world.requests][-1] == "/orders/2026-01-01/orders"
        """,
        passed=1,
    )


def test_what_one_test_does_no_other_sees(pytester: pytest.Pytester) -> None:
    passed(
        pytester,
        """
        import pytest
        from sellerport.emulator import Fault

        @pytest.mark.parametrize("time", range(3))
        def test_it(amazon, time):
            assert amazon.world.seed == 1
            assert (len(amazon.world.accounts), amazon.world.faults, len(amazon.world.requests)) == (4, [], 0)
            assert amazon.world.grants["Atzr|local-seller-na"].revoked is False
            amazon.world.reset(9)
            amazon.world.add_account(("PL",))
            amazon.world.fail(Fault())
            amazon.world.revoke()
        """,
        passed=3,
    )


def test_a_marker_says_what_the_world_is(pytester: pytest.Pytester) -> None:
    passed(
        pytester,
        """
        import pytest

        pytestmark = pytest.mark.amazon(seed=3, orders=7)

        def test_module(amazon, amazon_app):
            for world in (amazon.world, amazon_app.world):
                assert (world.seed, world.polls, len(world.accounts["ALOCALSELLERNA"].orders)) == (3, 0, 7)

        @pytest.mark.amazon(seed=4, polls=2, limits="fast")
        def test_nearest(amazon):
            assert (amazon.world.seed, amazon.world.polls, amazon.world.quotas.mode) == (4, 2, "fast")
            assert len(amazon.world.accounts["ALOCALSELLERNA"].orders) == 7
        """,
        passed=2,
    )


def test_a_mistake_in_a_marker_is_an_error(pytester: pytest.Pytester) -> None:
    passed(
        pytester,
        """
        import pytest

        @pytest.mark.amazon(sead=3)
        def test_it(amazon):
            pass
        """,
        errors=1,
    )


def test_credentials_are_those_of_the_account_whatever_became_of_its_grant(pytester: pytest.Pytester) -> None:
    passed(
        pytester,
        """
        import pytest
        from sellerport.errors import NotFound

        def test_it(amazon):
            first = amazon.credentials()
            assert first["refresh_token"] == "Atzr|local-seller-na"
            assert amazon.credentials() == first
            amazon.world.revoke()
            assert amazon.world.grants[amazon.credentials()["refresh_token"]].revoked is False
            added = amazon.world.add_account(("PL",), orders=1)
            token = amazon.credentials(added.selling_partner_id)["refresh_token"]
            assert amazon.world.grants[token].account == added
            with pytest.raises(NotFound):
                amazon.credentials("NOBODY")
        """,
        passed=1,
    )


def test_in_the_process_it_is_an_asgi_application(pytester: pytest.Pytester) -> None:
    passed(
        pytester,
        """
        import asyncio, json

        def test_it(amazon_app):
            sent = []
            given = iter([{"type": "http.request", "body": b""}])
            headers = [(b"host", amazon_app.address.removeprefix("http://").encode())]
            scope = {"type": "http", "method": "GET", "path": "/sellers/v1/account", "query_string": b"",
                     "headers": headers}

            async def receive():
                return next(given)

            async def send(message):
                sent.append(message)

            asyncio.run(amazon_app.app(scope, receive, send))
            assert sent[0]["status"] == 403
            assert json.loads(sent[1]["body"])["errors"][0]["code"] == "Unauthorized"
            assert len(amazon_app.world.requests) == 1
        """,
        passed=1,
    )


def test_who_uses_no_fixture_of_it_pays_for_none() -> None:
    code = "import sys, sellerport.pytest_plugin; print([one for one in sys.modules if one.startswith('sellerport')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == ["sellerport", "sellerport.pytest_plugin"]
