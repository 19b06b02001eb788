"""The command line: `sellerport …`.

Commands are imported when they are run, so that `sellerport --help` and a call pay for nothing else.
"""

from __future__ import annotations

import difflib
import io
import sys
from importlib import import_module

import click

from sellerport import __version__
from sellerport.cli.output import Commands, report_errors
from sellerport.errors import SettingsError

# name: (module, what it does), said here too so that the list of commands imports none of them
_COMMANDS = {
    "ads-report": ("documents", "Create a report of advertising, wait for it, and print its rows."),
    "application": ("manage", "Manage an organization's Amazon developer applications."),
    "audit": ("audit", "Prove and export the record of every change."),
    "call": ("call", "Call an operation and print the answer."),
    "client": ("manage", "Manage API clients: the programs that may call this server for an organization."),
    "completion": ("completion", "Print the script that completes commands in a shell."),
    "connect": ("manage", "Start a consent flow, and print the link that the account's owner has to open."),
    "connection": ("manage", "Manage connections: the Amazon accounts that an organization reaches."),
    "demo": ("demo", "Connect an Amazon account through a consent page, and call Amazon for it three ways."),
    "emulate": ("emulate", "Run a local Amazon."),
    "feed": ("documents", "Upload a feed, submit it, wait for it, and print what came of it."),
    "gateway": ("gateway", "Manage the gateway: its tenants, and the tokens of its administrators."),
    "key": ("key", "Make, change and retire the keys that seal grants and secrets."),
    "operations": ("call", "Search the catalogue of operations."),
    "organization": ("manage", "Manage the companies that use this server."),
    "profiles": ("profiles", "List the advertising profiles that a grant of the Ads API sees."),
    "report": ("documents", "Create a report, wait for it, and print it or write it to a file."),
    "return-url": ("manage", "Manage the addresses that browsers may be sent back to after consent."),
    "serve": ("serve", "Run the server that holds the grants, until interrupted."),
    "webhook": ("webhook", "Manage webhooks: where an organization is told of what happens to its connections."),
}
_EXTRAS = {
    "audit": "server",
    "demo": "server",
    "emulate": "emulator",
    "gateway": "server",
    "key": "server",
    "manage": "server",
    "serve": "server",
    "webhook": "server",
}
"""What a module's libraries come with, if not with the package itself."""


class _Commands(Commands):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
        if near and args[0] not in _COMMANDS and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = _COMMANDS[cmd_name][0]
        try:
            module = import_module(f"sellerport.cli.{name}")
        except ModuleNotFoundError as error:
            if name not in _EXTRAS or (error.name or "").startswith("sellerport"):
                raise
            if ctx.resilient_parsing:  # a shell that completes offers what there is
                return None
            install = f"pip install 'sellerport[{_EXTRAS[name]}]'"
            raise SettingsError(f"`sellerport {cmd_name}` needs {error.name}; install it with: {install}") from error
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sellerport")
def cli() -> None:
    """Connect Amazon accounts to software, and call Amazon for them."""


def main() -> None:
    """Run the command line, and exit: 0 done, 1 it failed, 2 it was asked for wrongly."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what its encoding has no character for is no reason to fail
    with report_errors():
        sys.exit(cli.main(prog_name="sellerport", standalone_mode=False))
