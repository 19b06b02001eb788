"""The command line: `sellerport …`.

Commands are imported when they are run, so that `sellerport --help` and a call pay for nothing else.
"""

from __future__ import annotations

from importlib import import_module

import click

from sellerport import __version__
from sellerport.cli.output import report_errors

_COMMANDS = {
    "application": "manage",
    "call": "call",
    "client": "manage",
    "completion": "completion",
    "connect": "manage",
    "connection": "manage",
    "demo": "demo",
    "emulate": "run",
    "key": "key",
    "operations": "call",
    "organization": "manage",
    "return-url": "manage",
    "serve": "run",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"sellerport.cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sellerport")
def cli() -> None:
    """Connect Amazon accounts to software, and call Amazon for them."""


def main() -> None:
    """Run the command line, and exit: 0 done, 1 it failed, 2 it was asked for wrongly."""
    with report_errors():
        cli(prog_name="sellerport")
