"""`sellerport serve`."""

from __future__ import annotations

import json

import click

from sellerport.cli.output import json_option
from sellerport.server.app import serve as serve_settings
from sellerport.server.settings import Settings


@click.command()
@click.option("--host", help="The address to listen on. [default: 127.0.0.1]")
@click.option("--port", help="The port to listen on; 0 takes a free one. [default: 8080]")
@click.option("--database", help="The path of an SQLite file, or postgresql://… [default: sellerport.db]")
@click.option("--vault-key-file", help="The file with the vault's keys, from `sellerport key new`.")
@click.option("--amazon", help="The address of a local Amazon, instead of the real one.")
@json_option
def serve(as_json: bool, **given: str | None) -> None:
    """Run the server that holds the grants, until interrupted.

    Every option is a setting, which the environment can give too: SELLERPORT_PORT and so on (docs/settings.md). The
    commands that manage this server find its settings in the environment alone.
    """
    settings = Settings.read(given={name: value for name, value in given.items() if value is not None})

    def ready(url: str) -> None:
        click.echo(json.dumps({"url": url}) if as_json else f"sellerport serves at {url}")

    serve_settings(settings, ready)
