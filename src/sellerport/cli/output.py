"""What the command line prints: tables for people, JSON for programs, one line for an error."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from sellerport.errors import SellerportError

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def json_option(command: CommandT) -> CommandT:
    """Give a command ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn an error into its message, or with ``--json`` into its facts, and exit status 1."""
    try:
        yield
    except SellerportError as error:
        if "--json" in sys.argv:
            click.echo(json.dumps({"error": error.facts()}), err=True)
        else:
            click.echo(f"{click.style('error', fg='red', bold=True)} {error.code}: {error}", err=True)
        sys.exit(1)


def show(value: Any, as_json: bool, *, title: str | None = None) -> None:
    """Print a value: a list of objects as a table, one object as its fields, anything as JSON when asked to."""
    if as_json or not isinstance(value, dict | list) or not value:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
    elif isinstance(value, list):
        table([flat(row) for row in value], title=title)
    else:
        fields(flat(value), title=title)


def table(rows: Sequence[dict[str, Any]], *, title: str | None = None, columns: Sequence[str] = ()) -> None:
    """Print rows as a table: the columns named, folded where they must be; or as many of all that occur as fit."""
    from rich import box  # noqa: PLC0415  # 70 ms that programs reading --json need not pay
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

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
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in shown:
        numeric = all(type(row.get(name)) in (int, float) for row in rows)
        whole = not columns or name == shown[0]  # the name of what a row is about is never broken
        made.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        made.add_row(*(_text(row.get(name)) for name in shown))
    console.print(made)
    if hidden := names[len(shown) :]:
        console.print(f"[dim]{len(hidden)} more fields in --json or a wider window: {', '.join(hidden[:6])} …[/dim]")


def fields(row: dict[str, Any], *, title: str | None = None) -> None:
    """Print one object, a field a line."""
    if title:
        click.secho(title, bold=True)
    width = max(map(len, row), default=0)
    for name, value in row.items():
        click.echo(f"{name.ljust(width)}  {_text(value)}")


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
        if isinstance(value, dict):
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
    return str(value)
