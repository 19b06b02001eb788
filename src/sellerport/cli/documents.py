"""`sellerport report` and `sellerport feed`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path

import click

from sellerport.cli.call import client_of
from sellerport.cli.output import fields, json_option, show, table
from sellerport.documents import FeedResult, Progress
from sellerport.errors import DocumentPending, InvalidArguments, Problem

Command = Callable[..., None]


def _account_options(command: Command) -> Command:
    """Give a command what says whose account it is about."""
    for option in (
        click.option("--sandbox", is_flag=True, help="Call Amazon's sandbox."),
        click.option("--account", help="The account in credentials.yml. [default: SELLERPORT_ACCOUNT, or default]"),
        click.option("--marketplace", help="A country, marketplace id or region. [default: US]"),
        click.option("--patience", "patience_s", type=float, default=3600.0, help="Seconds to wait. [default: 3600]"),
        click.option(
            "--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the type; repeatable."
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("report_type", required=False)
@click.option("--since", help="Where its data begins, as a date or time in ISO 8601.")
@click.option("--until", help="Where its data ends.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="A file to write it to, whole or not at all."
)
@click.option("--rows", is_flag=True, help="Print a line of JSON for each row, whatever form the report has.")
@click.option("--id", "report_id", help="Go on with a report that was created before.")
@_account_options
@json_option
def report(
    report_type: str | None,
    since: str | None,
    until: str | None,
    out: Path | None,
    rows: bool,
    report_id: str | None,
    options: tuple[str, ...],
    patience_s: float,
    marketplace: str | None,
    account: str | None,
    sandbox: bool,
    as_json: bool,
) -> None:
    """Create a report, wait for it, and print it or write it to a file.

    REPORT_TYPE is such as GET_MERCHANT_LISTINGS_ALL_DATA. Reports with restricted data get their token by themselves.
    An interrupted wait is gone on with by the id that was printed.
    """
    sp = client_of(None, None, marketplace=marketplace, account=account, sandbox=sandbox)
    with _waiting(
        report_type or f"report {report_id}", f"sellerport report --id {{}}{f' --out {out}' if out else ''}"
    ) as told:
        document = sp.reports.fetch(
            report_type,
            report_id=report_id,
            data_start_time=since,
            data_end_time=until,
            report_options=_named(options),
            to=out,
            progress=told,
            patience_s=patience_s,
        )
    if rows:
        for row in document.rows():
            click.echo(json.dumps(row, ensure_ascii=False))
    elif out is not None:
        facts = {"id": document.id, "file": str(out), "bytes": document.size, "content_type": document.content_type}
        show(facts, as_json)
    else:
        click.echo(document.text, nl=False)


@click.command()
@click.argument("feed_type", required=False)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--content-type", help="Sent exactly as it is. [default: by how the file begins]")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="A file to write the processing report to."
)
@click.option("--id", "feed_id", help="Go on with a feed that was submitted before.")
@_account_options
@json_option
def feed(
    feed_type: str | None,
    file: Path | None,
    content_type: str | None,
    out: Path | None,
    feed_id: str | None,
    options: tuple[str, ...],
    patience_s: float,
    marketplace: str | None,
    account: str | None,
    sandbox: bool,
    as_json: bool,
) -> None:
    """Upload a feed, submit it, wait for it, and print what came of it.

    FEED_TYPE is such as JSON_LISTINGS_FEED, FILE its content. Exits with 1 where a message was refused.
    """
    sp = client_of(None, None, marketplace=marketplace, account=account, sandbox=sandbox)
    with _waiting(feed_type or f"feed {feed_id}", f"sellerport feed --id {{}}{f' --out {out}' if out else ''}") as told:
        if feed_id is not None:
            result = sp.feeds.fetch(feed_id, to=out, progress=told, patience_s=patience_s)
        elif feed_type is None or file is None:
            raise InvalidArguments(
                problems=[Problem("feed_type and file", "are required, or --id of a submitted feed")]
            )
        else:
            result = sp.feeds.submit(
                feed_type,
                file,
                content_type=content_type,
                feed_options=_named(options),
                to=out,
                progress=told,
                patience_s=patience_s,
            )
    _show_result(result, as_json)
    if result.summary is not None and (result.summary.invalid or result.summary.errors):
        sys.exit(1)


def _show_result(result: FeedResult, as_json: bool) -> None:
    facts = {"id": result.id} | (asdict(result.summary) if result.summary else {})
    issues = [
        {"message": one.message_id, "sku": one.sku, "severity": one.severity, "code": one.code, "what": one.message}
        for one in result.issues
    ]
    if as_json:
        show({**facts, "issues": issues}, as_json)
        return
    fields(facts)
    if issues:
        table(issues, columns=tuple(issues[0]))
    elif result.summary is None:
        click.echo(result.document.text)


def _named(options: tuple[str, ...]) -> dict[str, str] | None:
    named = dict(option.partition("=")[::2] for option in options)
    if unnamed := [option for option in options if "=" not in option]:
        raise InvalidArguments(problems=[Problem(option, "has no value; write it as name=value") for option in unnamed])
    return named or None


@contextmanager
def _waiting(what: str, resume: str) -> Iterator[Callable[[Progress], None]]:
    """Show how far Amazon is, and what goes on with it if that takes too long or is interrupted."""
    last: list[Progress] = []
    with _bar(what) if sys.stderr.isatty() else nullcontext(_line) as showing:

        def told(progress: Progress) -> None:
            if [one.status for one in last[-1:]] != [progress.status]:
                showing(f"{what} {progress.id}: {progress.status}")
            last.append(progress)

        try:
            yield told
        except (KeyboardInterrupt, DocumentPending):
            if last:
                click.echo(f"to go on: {resume.format(last[-1].id)}", err=True)
            raise


def _line(said: str) -> None:
    click.echo(said, err=True)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[str], None]]:
    """A line that moves and counts the time."""
    from rich.console import Console  # noqa: PLC0415  # 70 ms that other commands need not pay
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda said: bar.update(task, description=said)
