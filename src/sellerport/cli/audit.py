"""`sellerport audit`: what was changed, by whom, and the proof that no record of it was."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from sellerport.cli.manage import on_hub
from sellerport.cli.output import Commands, json_option, show, to_json
from sellerport.server.hub import Hub, Proof, event

organization_option = click.option("--organization", help="Only this one's, by name or id; all if not given.")


@click.group(cls=Commands)
def audit() -> None:
    """Prove and export the record of every change."""


@audit.command("verify")
@organization_option
@click.option("--expect", metavar="HASH", multiple=True, help="A hash that was kept elsewhere; may be repeated.")
@json_option
def verify(organization: str | None, expect: tuple[str, ...], as_json: bool) -> None:
    """Prove that no record was altered, moved or removed; exit with 1 otherwise.

    Keep the hash of each chain elsewhere, and give it with --expect another time: it proves too that the database was
    not put back to an older state. Servers may run.
    """

    async def work(hub: Hub) -> tuple[Proof, dict[str, str]]:
        names = {one.id: one.name for one in await hub.organizations.all()}
        chain = (await hub.organizations.find(organization)).id if organization else None
        return await hub.audit.verify(chain, expect), names

    proof, names = on_hub(work)
    rows = [
        {
            "organization": names.get(chain.chain, chain.chain),
            "records": chain.records,
            "from": _time(chain.first_at),
            "until": _time(chain.last_at),
            "result": "ok" if chain.broken_at is None else f"broken at {chain.broken_at}: {chain.problem}",
            "hash": chain.hash,
            **({"broken_at": chain.broken_at} if as_json else {}),
        }
        for chain in proof.chains
    ]
    if as_json:
        show({"ok": proof.ok, "chains": rows, "missing": proof.missing}, as_json)
    else:
        show(rows, as_json, first=("organization", "result"))
        for hash in proof.missing:
            click.echo(f"no chain has the hash {hash}: the database was put back, or the hash is another's", err=True)
    if not proof.ok:
        sys.exit(1)


@audit.command("export")
@organization_option
@click.option("--json", is_flag=True, expose_value=False, help="Print errors as JSON too; records always are.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    metavar="TIME",
    help="Only from this time on: 2026-08-01, or 2026-08-01T09:30:00Z.",
)
@click.option("--gateway", is_flag=True, help="Only what the gateway's contract has, as it writes it.")
def export(organization: str | None, since: datetime | None, gateway: bool) -> None:
    """Print the records as JSON, one a line, those of each chain in their order."""

    async def work(hub: Hub) -> None:
        chain = (await hub.organizations.find(organization)).id if organization else None
        from_time = since.replace(tzinfo=UTC).timestamp() if since else None
        async for record in hub.audit.export(chain, from_time):
            line = event(record) if gateway else {**vars(record), "at": _time(record.at)}
            if line is not None:
                click.echo(to_json(line))

    on_hub(work)


def _time(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds") if seconds is not None else None
