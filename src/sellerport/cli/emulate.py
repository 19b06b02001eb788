"""`sellerport emulate`: a local Amazon, and what a client needs to reach it."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import get_args

import click

from sellerport import emulator
from sellerport.cli.output import Commands, exports, json_option
from sellerport.emulator import authority
from sellerport.emulator.grants import AdsGrant
from sellerport.emulator.quotas import Mode
from sellerport.emulator.serving import HOST, PORT, Proxy
from sellerport.emulator.state import restore, save
from sellerport.emulator.static_sandbox import Cases
from sellerport.errors import SettingsError


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--host", default=HOST, show_default=True, help="The address to listen on.")
@click.option("--port", default=PORT, show_default=True, help="The port to listen on; 0 takes a free one.")
@click.option("--i-know", is_flag=True, help="Listen though other machines reach that address, and so everything here.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same accounts and orders.")
@click.option("--orders", default=60, show_default=True, help="How many orders each seller has.")
@click.option(
    "--limits",
    type=click.Choice(get_args(Mode)),
    default="off",
    show_default=True,
    help="Whether to enforce rate limits.",
)
@click.option(
    "--strict", is_flag=True, help="Let refresh tokens be good once, and page tokens until the next page was asked for."
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Begin with what this file holds, if it is there, and write it when interrupted.",
)
@click.option(
    "--static",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Answer as Amazon's static sandbox does, out of Amazon's models in this folder.",
)
@click.option("--sdk-tests", is_flag=True, help="Let the generated tests of Amazon's SDKs say what is answered.")
@json_option
@click.pass_context
def emulate(
    context: click.Context,
    host: str,
    port: int,
    i_know: bool,
    seed: int,
    orders: int,
    limits: Mode,
    strict: bool,
    state: Path | None,
    static: Path | None,
    sdk_tests: bool,
    as_json: bool,
) -> None:
    """Run a local Amazon: Login with Amazon, consent pages, the Selling Partner API and the Ads API, until interrupted.

    Point programs at it with SELLERPORT_AMAZON=http://127.0.0.1:8099, or lead them there with
    HTTPS_PROXY=http://127.0.0.1:8099 and SSL_CERT_FILE=$(sellerport emulate ca); the page at /_emulator/ shows
    what it holds and what arrives.

    With --state, what happened is there again the next time; --seed and --orders then count for the first time only.
    Other options are of this run alone.
    """
    if context.invoked_subcommand is not None:
        return
    vouching = authority.kept()
    sandbox = Cases(static) if static else None
    world = emulator.World(
        seed=seed,
        orders=orders,
        limits=limits,
        polls=1,  # somebody waits for it
        strict=strict,
        sandbox=sandbox,
        sdk_tests=sdk_tests,
    )
    if state:
        _begin(world, state)

    def ready(address: str) -> None:
        application = world.application()
        variables = {
            "SELLERPORT_AMAZON": address,
            "LWA_APP_ID": application.client_id,
            "LWA_CLIENT_SECRET": application.client_secret,
        }
        if grant := _first(world):
            variables["SP_API_REFRESH_TOKEN"] = grant.refresh_token
        if advertising := _first_ads(world):
            variables |= {
                "AD_API_CLIENT_ID": advertising.application.client_id,
                "AD_API_CLIENT_SECRET": advertising.application.client_secret,
                "AD_API_REFRESH_TOKEN": advertising.refresh_token,
            }
        leading = Proxy(address, vouching.ca).environment
        if as_json:
            told = {"address": address, "application_id": application.application_id, **variables, **leading}
            click.echo(json.dumps(told))
            return
        whom = f" for {grant.account.name}" if grant else ""
        click.echo(f"a local Amazon answers at {address}\n\nTo call it{whom}:\n")
        exports(variables)
        click.echo("\nTo lead any other client to it, unchanged:\n")
        exports(leading)
        click.echo(
            f"\nWhat it holds and what arrives: {address}/_emulator/; its application is {application.application_id}."
        )

    keep = partial(save, world, state) if state else None
    emulator.serve(host, port, world=world, authority=vouching, exposed=i_know, on_ready=ready, on_end=keep)


def _first(world: emulator.World) -> emulator.Grant | None:
    """Return the good grant of the account that is first among those that have one."""
    good = [one for one in world.grants.values() if not one.over(world.now())]
    accounts = [*world.accounts.values()]
    return min(good, key=lambda one: accounts.index(one.account), default=None)


def _first_ads(world: emulator.World) -> AdsGrant | None:
    """Return a good grant of the Ads API."""
    return next((one for one in world.login.ads_grants.values() if not one.revoked), None)


def _begin(world: emulator.World, path: Path) -> None:
    """Load a file that is there, and make sure that it can be written in the end."""
    if path.exists():
        restore(world, path)
    if not os.access(path.resolve().parent, os.W_OK):
        raise SettingsError(f"{path} cannot be written: its folder is not there, or is not yours; name another --state")


@emulate.command()
@json_option
def ca(as_json: bool) -> None:
    """Print the path of the certificate that clients have to trust.

    It is made on first use, good for Amazon's hosts alone, and its key is for this user's eyes only.
    """
    path = str(authority.kept().ca)
    click.echo(json.dumps({"ca": path}) if as_json else path)
