"""`sellerport completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands in a shell.

    For bash: eval "$(sellerport completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None
    from sellerport.cli import cli  # noqa: PLC0415  # the group imports this module when the command is run

    click.echo(kind(cli, {}, "sellerport", "_SELLERPORT_COMPLETE").source())
