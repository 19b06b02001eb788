"""`sellerport key`: the vault's keys."""

from __future__ import annotations

from pathlib import Path

import click

from sellerport.cli.output import exports, json_option, show
from sellerport.server.vault import create_key_file


@click.group()
def key() -> None:
    """Make the keys that seal grants and secrets."""


@key.command("new")
@click.argument("file", type=click.Path(path_type=Path), default=Path("sellerport.key"))
@json_option
def new(file: Path, as_json: bool) -> None:
    """Make a key in a new FILE that only you may read; a file that exists is left as it is.

    Keep a copy where the database's copies are not: without the key, no grant can be opened again.
    """
    id = create_key_file(file)
    if as_json:
        show({"key_id": id, "file": str(file.resolve())}, as_json)
        return
    click.echo(f"made key {id} in {file}; the server finds it with\n")
    exports({"SELLERPORT_VAULT_KEY_FILE": str(file.resolve())})
