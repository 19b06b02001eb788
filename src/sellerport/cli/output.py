"""What the command line prints: tables for people, JSON for programs, one line for an error."""

from __future__ import annotations

import codecs
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from sellerport.errors import InvalidArguments, SellerportError, UnknownOperation

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_CONTROL = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def json_option(command: CommandT) -> CommandT:
    """Give a command ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


class Commands(click.Group):
    """Commands below a command; its help says what each does, whole, where click would cut it to a line."""

    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=1000)) for name, one in commands if one])


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn an error into its message, or with ``--json`` into its facts, and exit.

    The status is 2 where something was asked for wrongly, and 1 for everything else.
    """
    as_json = "--json" in sys.argv
    try:
        yield
    except click.Abort:
        click.echo("Aborted!", err=True)
        sys.exit(1)
    except click.ClickException as error:
        if not as_json:
            error.show()  # with the usage of the command
            sys.exit(error.exit_code)
        _tell(InvalidArguments(error.format_message()), as_json)
    except SellerportError as error:
        _tell(error, as_json)
    except OSError as error:
        if error.filename is not None:
            raise
        # what is left in the buffer is thrown away, or Python would fail over it again as it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _tell(SellerportError(f"the output cannot be written: {error.strerror or error}"), as_json)


def _tell(error: SellerportError, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"error": error.facts()}), err=True)
    else:
        click.echo(f"{click.style('error', fg='red', bold=True)} {error.code}: {printable(str(error))}", err=True)
    sys.exit(2 if isinstance(error, InvalidArguments | UnknownOperation) else 1)


def printable(text: str) -> str:
    """Replace the control characters, which could steer a terminal, but for tabs and the ends of lines."""
    return text.translate(_CONTROL)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON, with escapes for what standard output's encoding may not have."""
    escaped = codecs.lookup(sys.stdout.encoding).name != "utf-8"
    return json.dumps(value, indent=indent, ensure_ascii=escaped, default=str)


def show(value: Any, as_json: bool, *, first: Sequence[str] = ()) -> None:
    """Print a value: a list of objects as a table, one object as its fields, anything as JSON when asked to.

    Args:
        value: what JSON can say.
        as_json: whether it was asked for.
        first: a table's first columns, which are seen in a narrow window too.
    """
    if value == [] and not as_json:
        click.echo("(none)")
    elif as_json or not isinstance(value, dict | list) or not value:
        click.echo(to_json(value, indent=2))
    elif isinstance(value, list):
        table([{**dict.fromkeys(first), **flat(row)} for row in value])
    else:
        fields(flat(value))


def table(rows: Sequence[dict[str, Any]], *, columns: Sequence[str] = ()) -> None:
    """Print rows as a table: the columns named, folded where they must be; or as many of all that occur as fit."""
    from rich import box  # noqa: PLC0415  # 70 ms that programs reading --json need not pay
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    shown: list[str] = []
    left = console.width - 2
    for name in names:
        width = max(len(name), *(len(_text(row.get(name))) for row in rows)) + 3
        if shown and width > left and not columns:
            break
        shown.append(name)
        left -= width
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in shown:
        numeric = all(type(row.get(name)) in (int, float) for row in rows)
        whole = not columns or name == shown[0]  # the name of what a row is about is never broken
        made.add_column(
            Text(printable(name)),
            justify="right" if numeric else "left",
            overflow="ellipsis" if whole else "fold",
            no_wrap=whole,
        )
    for row in rows:
        made.add_row(*(Text(_text(row.get(name))) for name in shown))  # a `Text`, as "[x]" in a str is markup
    console.print(made)
    if hidden := names[len(shown) :]:
        named = ", ".join([*hidden[:6], *(["…"] if len(hidden) > 6 else [])])
        more = f"{len(hidden)} more field{'s' if len(hidden) > 1 else ''} in --json or a wider window: {named}"
        console.print(Text(printable(more), style="dim"))


def fields(row: dict[str, Any]) -> None:
    """Print one object, a field a line."""
    width = max(map(len, row), default=0)
    for name, value in row.items():
        click.echo(f"{printable(name).ljust(width)}  {_text(value)}")


def exports(variables: dict[str, str]) -> None:
    """Print environment variables as lines that a shell takes."""
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def flat(row: Any) -> dict[str, Any]:
    """Return an object with its nested objects' fields named by dotted paths."""
    if not isinstance(row, dict):
        return {"value": row}
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and value:
            found |= {f"{name}.{inner}": deep for inner, deep in flat(value).items()}
        else:
            found[name] = value
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) if all(not isinstance(v, dict | list) for v in value) else f"{len(value)} …"
    return printable(str(value))
