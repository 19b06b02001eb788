"""`sellerport report`, `sellerport ads-report` and `sellerport feed`."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import click
from click.core import ParameterSource

from sellerport import AmazonAds
from sellerport.cli.call import client_of
from sellerport.cli.output import fields, json_option, printable, show, table, to_json
from sellerport.documents import Document, FeedResult, Progress
from sellerport.errors import DocumentCancelled, DocumentFailed, InvalidArguments, Problem, SellerportError

Command = Callable[..., None]

_STARTS = (
    *("--since", "--until", "--option", "--content-type"),
    *("--columns", "--group-by", "--time-unit", "--filter"),
)
"""Options that say what to ask Amazon for, and so do not go with ``--id``."""

_WORDS = {
    "to": "--out",
    "patience_s": "--patience",
    "pause_s": "--pause",
    "content": "FILE",
    "content_type": "--content-type",
    "report_type": "REPORT_TYPE",
    "columns": "--columns",
    "start_date": "--since",
    "end_date": "--until",
    "group_by": "--group-by",
    "time_unit": "--time-unit",
}
"""What the library's arguments are called here."""


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

    A report is printed byte for byte as Amazon made it; on a terminal, as text. --json tells what was written to a
    file, and so goes with --out.
    """
    _check_start(report_id)
    if as_json and out is None and not rows:
        raise click.UsageError("--json goes with --out; --rows prints a line of JSON for each row")
    sp = client_of(None, None, marketplace=marketplace, account=account, sandbox=sandbox)
    with _going_on() as seen, tempfile.TemporaryDirectory(prefix="sellerport-") as folder:
        with _showing("report", seen) as told:
            document = sp.reports.fetch(
                report_type,
                report_id=report_id,
                data_start_time=since,
                data_end_time=until,
                report_options=_named(options),
                to=out or Path(folder, "report"),
                progress=told,
                patience_s=patience_s,
            )
        if rows:
            for row in document.rows():
                click.echo(to_json(row))
        elif out is None:
            _print(document)
    if out is not None and not rows:
        facts = {"id": document.id, "file": str(out), "bytes": document.size, "content_type": document.content_type}
        show(facts, as_json)


@click.command()
@click.argument("report_type", required=False)
@click.option("--columns", help="What each row has, comma-joined.")
@click.option("--since", help="The first day, such as 2026-11-01, in the profile's time zone.")
@click.option("--until", help="The last day.")
@click.option("--group-by", help="What a row is of, comma-joined. [default: the first that the type has]")
@click.option("--time-unit", help="DAILY or SUMMARY. [default: DAILY, where the type has it]")
@click.option("--filter", "filters", multiple=True, metavar="FIELD=VALUE[,VALUE]...", help="Leaves rows; repeatable.")
@click.option("--profile", help="The advertising profile. [default: AD_API_PROFILE_ID]")
@click.option("--region", help="na, eu, fe or a country. [default: na]")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="A file to write it to, whole or not at all."
)
@click.option("--id", "report_id", help="Go on with a report that was created before.")
@click.option("--pause", type=float, default=30.0, help="Seconds until Amazon is asked first. [default: 30]")
@click.option("--patience", type=float, default=10800.0, help="Seconds to wait. [default: 10800]")
@json_option
def ads_report(
    report_type: str | None,
    columns: str | None,
    since: str | None,
    until: str | None,
    group_by: str | None,
    time_unit: str | None,
    filters: tuple[str, ...],
    profile: str | None,
    region: str | None,
    out: Path | None,
    report_id: str | None,
    pause: float,
    patience: float,
    as_json: bool,
) -> None:
    """Create a report of advertising, wait for it, and print its rows, a line of JSON each, or write them to a file.

    REPORT_TYPE is such as spCampaigns. Credentials come from AD_API_CLIENT_ID, AD_API_CLIENT_SECRET and
    AD_API_REFRESH_TOKEN. An interrupted wait is gone on with by the id that was printed.
    """
    _check_start(report_id)
    if as_json and out is None:
        raise click.UsageError("--json goes with --out")
    ads = AmazonAds(region=region, profile_id=profile)
    with _going_on() as seen, tempfile.TemporaryDirectory(prefix="sellerport-") as folder:
        with _showing("report", seen) as told:
            document = ads.reporting.fetch(
                report_type,
                report_id=report_id,
                columns=columns and columns.split(","),
                start_date=since,
                end_date=until,
                group_by=group_by and group_by.split(","),
                time_unit=time_unit,
                filters={name: values.split(",") for name, values in (_named(filters) or {}).items()} or None,
                to=out or Path(folder, "report"),
                progress=told,
                pause_s=pause,
                patience_s=patience,
            )
        if out is None:
            _print(document)
    if out is not None:
        show({"id": document.id, "file": str(out), "bytes": document.size}, as_json)


def _print(document: Document) -> None:
    if sys.stdout.isatty():
        click.echo(printable(document.text.replace("\r\n", "\n")), nl=False)
        return
    assert document.path is not None
    with document.path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.flush()


@click.command()
@click.argument("feed_type", required=False)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--content-type", help="Sent exactly as it is. [default: by how the file begins]")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="A file to write the processing report to."
)
@click.option("--id", "feed_id", help="Go on with a feed that was submitted before.")
@_account_options
@json_option
def feed(
    feed_type: str | None,
    file: str | None,
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

    FEED_TYPE is such as JSON_LISTINGS_FEED, FILE its content; - is standard input. Exits with 1 where a message was
    refused.
    """
    _check_start(feed_id)
    sp = client_of(None, None, marketplace=marketplace, account=account, sandbox=sandbox)
    with _going_on() as seen, _showing("feed", seen) as told:
        if feed_type is None or file is None:
            result = sp.feeds.fetch(str(feed_id), to=out, progress=told, patience_s=patience_s)
        else:
            result = sp.feeds.submit(
                feed_type,
                _content(file),
                content_type=content_type,
                feed_options=_named(options),
                to=out,
                progress=told,
                patience_s=patience_s,
            )
    _show_result(result, as_json)
    if result.summary is not None and (result.summary.invalid or result.summary.errors):
        sys.exit(1)


def _content(file: str) -> bytes | Path:
    """Return what to send: a file by its path, and in full what can be read only once, such as a pipe."""
    path = Path(file)
    try:
        if file == "-":
            return sys.stdin.buffer.read()
        return path if path.is_file() else path.read_bytes()
    except OSError as error:
        raise InvalidArguments(problems=[Problem("FILE", f"{file} cannot be read: {error.strerror}")]) from error


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


def _check_start(id: str | None) -> None:
    """Refuse to start a job without saying what, or to go on with one and say what it should have been."""
    context = click.get_current_context()
    needed = {one.human_readable_name: one for one in context.command.params if isinstance(one, click.Argument)}
    starts = needed | {one.opts[0]: one for one in context.command.params if one.opts[0] in _STARTS}
    given = [name for name, one in starts.items() if context.params[one.name or ""] not in (None, ())]
    if id is None and (missing := [name for name in needed if name not in given]):
        raise click.UsageError(f"Missing {' and '.join(missing)}; or give --id to go on with what was started before.")
    if id is not None and given:
        raise click.UsageError(f"--id goes on with what was started before; leave out {', '.join(given)}.")


@contextmanager
def _going_on() -> Iterator[list[Progress]]:
    """Say which command goes on with what Amazon works on, after an error or interrupt that did not end it."""
    seen: list[Progress] = []
    try:
        yield seen
    except (DocumentCancelled, DocumentFailed, BrokenPipeError):
        raise
    except InvalidArguments as error:
        if not {one.field for one in error.problems} & _WORDS.keys():
            raise
        problems = [replace(one, field=_WORDS.get(one.field, one.field)) for one in error.problems]
        raise InvalidArguments(problems=problems) from error
    except (KeyboardInterrupt, SellerportError, OSError):
        if seen:
            click.echo(f"to go on: {_resume(seen[-1].id)}", err=True)
        raise


def _resume(id: str) -> str:
    """Return the command that goes on with what this one started.

    It has this one's options, but for those that only start something, and the patience, which may be what ran out.
    """
    context = click.get_current_context()
    words = ["sellerport", str(context.command.name), "--id", id]
    for option in context.command.params:
        name, flag = option.name or "", option.opts[0]
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and isinstance(option, click.Option) and flag not in ("--id", "--patience", *_STARTS):
            words += [flag] if option.is_flag else [flag, str(context.params[name])]
    return shlex.join(words)


@contextmanager
def _showing(noun: str, seen: list[Progress]) -> Iterator[Callable[[Progress], None]]:
    """Show how far Amazon is, and keep what it said."""
    with _bar(noun) if sys.stderr.isatty() else nullcontext(_line) as showing:

        def told(progress: Progress) -> None:
            seen.append(progress)  # first of all, as an interrupt may come at any time
            if [one.status for one in seen[-2:-1]] != [progress.status]:
                showing(printable(f"{noun} {progress.id}: {progress.status}"))

        yield told


def _line(said: str) -> None:
    click.echo(said, err=True)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[str], None]]:
    """A line that moves and counts the time."""
    from rich.console import Console  # noqa: PLC0415  # 70 ms that other commands need not pay
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda said: bar.update(task, description=said)
