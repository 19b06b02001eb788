"""`sellerport key`: the vault's keys."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from sellerport.cli.manage import on_hub
from sellerport.cli.output import Commands, exports, json_option, show
from sellerport.server.hub import Hub, Rewrapped
from sellerport.server.vault import create_key_file


@click.group(cls=Commands)
def key() -> None:
    """Make, change and retire the keys that seal grants and secrets."""


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


@key.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List the keys, the newest last, with how many rows each one seals."""
    found = on_hub(lambda hub: hub.keys.all())
    show([{"key_id": key.id, "newest": key.newest, "rows": key.rows} for key in found], as_json)


@key.command("rotate")
@json_option
def rotate(as_json: bool) -> None:
    """Add a new key, which seals from now on. Servers that run take it up by themselves.

    Copy the key file again afterwards, to where its copy is kept.
    """
    show({"newest": on_hub(lambda hub: hub.keys.rotate())}, as_json)


@key.command("rewrap")
@json_option
def rewrap(as_json: bool) -> None:
    """Seal with the newest key what older ones sealed. Servers may run; if this is interrupted, run it again."""

    async def work(hub: Hub) -> Rewrapped:
        with click.progressbar(length=0, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

            def progress(done: int, all: int) -> None:
                bar.length = all
                bar.update(done - bar.pos)

            return await hub.keys.rewrap(progress)

    made = on_hub(work)
    show({"newest": made.key_id, "rewrapped": made.rows, "stuck": [asdict(row) for row in made.stuck]}, as_json)
    if made.stuck:
        sys.exit(1)


@key.command("retire")
@click.argument("key_id")
@json_option
def retire(key_id: str, as_json: bool) -> None:
    """Remove a key that seals nothing any more.

    Copies of the database from before the last `rewrap` need it still: keep it with them.
    """
    on_hub(lambda hub: hub.keys.retire(key_id))
    show({"retired": key_id}, as_json)
