"""`sellerport emulate`: a local Amazon, and what a client needs to reach it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import click

from sellerport import emulator
from sellerport.cli.output import exports, json_option
from sellerport.emulator import authority
from sellerport.emulator.quotas import Mode
from sellerport.emulator.serving import HOST, PORT, Proxy
from sellerport.emulator.static_sandbox import Cases


@click.group(invoke_without_command=True)
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
    static: Path | None,
    sdk_tests: bool,
    as_json: bool,
) -> None:
    """Run a local Amazon: Login with Amazon, consent pages and the Selling Partner API, until interrupted.

    Point programs at it with SELLERPORT_AMAZON=http://127.0.0.1:8099, or lead them there with
    HTTPS_PROXY=http://127.0.0.1:8099 and SSL_CERT_FILE=$(sellerport emulate ca); the page at /_emulator/ shows
    what it holds and what arrives.
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
        sandbox=sandbox,
        sdk_tests=sdk_tests,
    )

    def ready(address: str) -> None:
        application = world.application()
        variables = {
            "SELLERPORT_AMAZON": address,
            "LWA_APP_ID": application.client_id,
            "LWA_CLIENT_SECRET": application.client_secret,
            "SP_API_REFRESH_TOKEN": next(iter(world.grants)),
        }
        leading = Proxy(address, vouching.ca).environment
        if as_json:
            told = {"address": address, "application_id": application.application_id, **variables, **leading}
            click.echo(json.dumps(told))
            return
        click.echo(f"a local Amazon answers at {address}\n\nTo call it for a seller of North America:\n")
        exports(variables)
        click.echo("\nTo lead any other client to it, unchanged:\n")
        exports(leading)
        click.echo(
            f"\nWhat it holds and what arrives: {address}/_emulator/; its application is {application.application_id}."
        )

    emulator.serve(host, port, world=world, authority=vouching, exposed=i_know, on_ready=ready)


@emulate.command()
@json_option
def ca(as_json: bool) -> None:
    """Print the path of the certificate that clients have to trust.

    It is made on first use, good for Amazon's hosts alone, and its key is for this user's eyes only.
    """
    path = str(authority.kept().ca)
    click.echo(json.dumps({"ca": path}) if as_json else path)
