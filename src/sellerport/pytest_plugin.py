"""Fixtures for pytest: a local Amazon for each test, on a real port (`amazon`) or in the process (`amazon_app`).

Every test begins with the same accounts, orders and tokens; what one test does to them, no other sees. Reports and
other jobs are done when they are first asked after, so that no client waits between two questions. The marker
``amazon`` changes what a test's Amazon is: it takes the arguments of `sellerport.emulator.World`.

    @pytest.mark.amazon(seed=7, orders=500, limits="real")
    def test_many_orders(amazon):
        sp = SellingPartner(amazon=amazon.address, marketplace="DE", **amazon.credentials("ALOCALSELLEREU"))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # programs that have Sellerport and test something else pay for none of it
    from sellerport.emulator import LocalAmazon, World


@dataclass(frozen=True)
class Amazon:
    """A local Amazon as a test sees it."""

    world: World
    """Its state: what a test looks at, plans and breaks."""
    address: str
    """Where it is, such as ``http://127.0.0.1:49152``."""
    app: LocalAmazon
    """The ASGI application, for clients that reach one without a network."""

    def credentials(self, account: str = "ALOCALSELLERNA") -> dict[str, str]:
        """Return what a client signs in with for an account, which is named by its selling partner id.

        They are named as `SellingPartner` and python-amazon-sp-api name them.

        Raises:
            NotFound: there is no such account.
        """
        application = self.world.application()
        held = (
            grant.refresh_token
            for grant in self.world.grants.values()
            if grant.account.selling_partner_id == account
            and grant.application == application
            and not grant.over(self.world.now())
        )
        return {
            "refresh_token": next(held, None) or self.world.grant(account).refresh_token,
            "lwa_app_id": application.client_id,
            "lwa_client_secret": application.client_secret,
        }


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "amazon(**world): what the local Amazon of a test is (see sellerport.emulator.World)"
    )


@pytest.fixture(scope="session")
def _served_amazon() -> Iterator[Amazon]:
    """A server for the tests that want nothing special: ending one takes a fifth of a second."""
    yield from _serve(_world({}))


@pytest.fixture
def amazon(request: pytest.FixtureRequest) -> Iterator[Amazon]:
    """A local Amazon on a loopback port, new for this test."""
    wanted = _wanted(request)
    yield from _serve(_world(wanted)) if wanted else _anew(request.getfixturevalue("_served_amazon"))


@pytest.fixture
def amazon_app(request: pytest.FixtureRequest) -> Amazon:
    """A local Amazon without a port, for an ASGI transport; its address leads nowhere else."""
    from sellerport.emulator import app  # noqa: PLC0415  # as above

    world = _world(_wanted(request))
    return Amazon(world, "http://local-amazon.invalid", app(world))


def _anew(served: Amazon) -> Iterator[Amazon]:
    served.world.reset(seed=1)
    yield served


def _wanted(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the markers of a test say, the nearest last."""
    return {
        name: value
        for marker in reversed([*request.node.iter_markers("amazon")])
        for name, value in marker.kwargs.items()
    }


def _world(wanted: dict[str, Any]) -> World:
    from sellerport.emulator import World  # noqa: PLC0415  # as above

    return World(**{"polls": 0, "task_s": 0, **wanted})


def _serve(world: World) -> Iterator[Amazon]:
    from sellerport.emulator import app, running  # noqa: PLC0415  # as above

    with running(world) as address:
        yield Amazon(world, address, app(world))
