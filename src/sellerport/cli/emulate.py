"""`sellerport emulate`."""

from __future__ import annotations

import json
from typing import get_args

import click

from sellerport import emulator
from sellerport.cli.output import exports, json_option
from sellerport.emulator.quotas import Mode
from sellerport.emulator.serving import HOST, PORT


@click.command()
@click.option("--host", default=HOST, show_default=True, help="The address to listen on.")
@click.option("--port", default=PORT, show_default=True, help="The port to listen on; 0 takes a free one.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same accounts and orders.")
@click.option("--orders", default=60, show_default=True, help="How many orders each seller has.")
@click.option(
    "--limits",
    type=click.Choice(get_args(Mode)),
    default="off",
    show_default=True,
    help="Whether to enforce rate limits.",
)
@json_option
def emulate(host: str, port: int, seed: int, orders: int, limits: Mode, as_json: bool) -> None:
    """Run a local Amazon: Login with Amazon, consent pages and the Selling Partner API, until interrupted.

    Point programs at it with SELLERPORT_AMAZON=http://127.0.0.1:8099; its state is at /_emulator/state.
    """
    world = emulator.World(seed=seed, orders=orders, limits=limits, polls=1)  # somebody waits for it

    def ready(address: str) -> None:
        application = world.application()
        variables = {
            "SELLERPORT_AMAZON": address,
            "LWA_APP_ID": application.client_id,
            "LWA_CLIENT_SECRET": application.client_secret,
            "SP_API_REFRESH_TOKEN": next(iter(world.grants)),
        }
        if as_json:
            click.echo(json.dumps({"address": address, "application_id": application.application_id, **variables}))
            return
        click.echo(f"a local Amazon answers at {address}\n\nTo call it for a seller of North America:\n")
        exports(variables)
        click.echo(f"\nIts accounts are at {address}/_emulator/state; its application is {application.application_id}.")

    emulator.serve(host, port, world=world, on_ready=ready)
