"""`sellerport gateway`: tenants of the gateway API, and what they are let in with."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TextIO, TypeVar

import click
import msgspec

from sellerport.cli.manage import on_hub, readable
from sellerport.cli.output import Commands, CommandT, json_option, show
from sellerport.errors import InvalidArguments, Problem, SellerportError
from sellerport.server.hub import Hub, ImportLine, Privacy, Tier

T = TypeVar("T")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration_option(name: str, *, default: str, most_s: int, help: str) -> Callable[[CommandT], CommandT]:
    """Give a command an option for a time such as ``90s``, ``1h`` or ``7d``, which it gets in seconds."""

    def read(context: click.Context, parameter: click.Parameter, value: str) -> int:
        found = re.fullmatch(r"([0-9]{1,9})([smhd])", value)
        seconds = int(found[1]) * _UNITS[found[2]] if found else -1
        if not 0 <= seconds <= most_s:
            raise click.BadParameter(f"{value!r} is not a number and a unit, such as 90s or 1h, up to {most_s}s")
        return seconds

    return click.option(name, default=default, show_default=True, callback=read, help=help)


def _on_tenant(name: str, work: Callable[[Hub, str], Awaitable[T]]) -> T:
    """As `on_hub`, for one tenant, by its name or id."""

    async def found(hub: Hub) -> T:
        return await work(hub, (await hub.organizations.find(name)).id)

    return on_hub(found)


@click.group(cls=Commands)
def gateway() -> None:
    """Manage the gateway: its tenants, and the tokens of its administrators."""


@gateway.command("admin-token")
@duration_option("--expiry", default="1h", most_s=86_400, help="How long it is good; a day at most.")
@json_option
def admin_token(expiry: int, as_json: bool) -> None:
    """Make a token with which programs may create tenants (POST /api/create-tenant)."""
    made = on_hub(lambda hub: hub.gateway.tenants.admin_token(expiry))
    show({"token": made, "expires_in": expiry}, True) if as_json else click.echo(made)


@gateway.command("rotate-key")
@click.option("--retire", is_flag=True, help="What older keys signed is good for a minute more: for one that leaked.")
@json_option
def rotate_key(retire: bool, as_json: bool) -> None:
    """Sign access tokens with a new key from now on. Servers that run take it up by themselves."""
    show({"newest": on_hub(lambda hub: hub.gateway.signing.rotate(retire=retire))}, as_json)


@gateway.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
@json_option
def import_lines(file: TextIO, as_json: bool) -> None:
    """Take tenants and sellers over from a Data Border, with their ids and tokens.

    FILE has one JSON object a line (- is standard input): a tenant with "kind": "tenant", id, name, redirect_origin and
    refresh_token; a seller with "kind": "seller", id, tenant_id, selling_partner_id, marketplace_region,
    amazon_refresh_token (as it was encrypted there), and if known name, callback_url, refresh_token and authorized_at.
    Tenants come before their sellers. What is here already is left as it is, so that this may be run again.
    """

    async def work(hub: Hub) -> dict[str, Any]:
        done: dict[str, Any] = {"imported": 0, "here_already": 0, "problems": []}
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                new = await hub.gateway.imports.take(_line(line))
            except SellerportError as error:
                done["problems"].append({"line": number, "problem": str(error)})
            else:
                done["imported" if new else "here_already"] += 1
        return done

    made = on_hub(work)
    show(made if as_json else {**made, "problems": len(made["problems"])}, as_json)
    if made["problems"]:
        for problem in made["problems"] if not as_json else ():
            click.echo(f"line {problem['line']}: {problem['problem']}", err=True)
        sys.exit(1)


def _line(text: str) -> ImportLine:
    try:
        found: ImportLine = msgspec.json.decode(text, type=ImportLine)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        raise InvalidArguments(problems=[Problem(where.strip("`$."), what)]) from None
    except msgspec.DecodeError:
        raise InvalidArguments("no JSON object") from None
    return found


@gateway.group()
def tenant() -> None:
    """Manage tenants: organizations whose sellers are reached through the gateway."""


@tenant.command("create")
@click.argument("name")
@click.option("--redirect-origin", required=True, help="Where browsers may be sent after consent, and below.")
@click.option("--existing", is_flag=True, help="NAME is an organization that is here already.")
@json_option
def create_tenant(name: str, redirect_origin: str, existing: bool, as_json: bool) -> None:
    """Create a tenant, and show its refresh token this once."""

    async def create(hub: Hub) -> Any:
        if existing:
            return await hub.gateway.tenants.adopt((await hub.organizations.find(name)).id, redirect_origin)
        return await hub.gateway.tenants.create(name, redirect_origin)

    made, token = on_hub(create)
    show({"tenant_id": made.organization_id, "refresh_token": token}, as_json)


@tenant.command("list")
@json_option
def list_tenants(as_json: bool) -> None:
    """List the tenants."""
    found = on_hub(lambda hub: hub.gateway.tenants.all())
    show([readable(one) for one in found], as_json, first=("organization_id", "name", "tier", "suspended_at"))


@tenant.command("change")
@click.argument("name")
@click.option("--privacy", type=click.Choice(["placeholders", "remove"]), help="What stands where personal data was.")
@click.option(
    "--tier", type=click.Choice(["standard", "enhanced", "enterprise"]), help="Enterprise may see personal data."
)
@click.option("--require-pushed/--no-require-pushed", default=None, help="Whether secrets may not come in addresses.")
@click.option("--device-hub", help='Where its printers are reached, by https; "" for nowhere.')
@json_option
def change_tenant(
    name: str,
    privacy: Privacy | None,
    tier: Tier | None,
    require_pushed: bool | None,
    device_hub: str | None,
    as_json: bool,
) -> None:
    """Change what a tenant, by name or id, may do; what is not given stays."""
    changed = _on_tenant(
        name,
        lambda hub, id: hub.gateway.tenants.change(
            id, privacy=privacy, tier=tier, require_pushed=require_pushed, device_hub=device_hub
        ),
    )
    show(readable(changed), as_json)


@tenant.command("suspend")
@click.argument("name")
@json_option
def suspend_tenant(name: str, as_json: bool) -> None:
    """Let a tenant's tokens, and its sellers', count for nothing; servers that run notice within seconds."""
    show(readable(_on_tenant(name, lambda hub, id: hub.gateway.tenants.change(id, suspended=True))), as_json)


@tenant.command("resume")
@click.argument("name")
@json_option
def resume_tenant(name: str, as_json: bool) -> None:
    """Let a tenant that was suspended go on."""
    show(readable(_on_tenant(name, lambda hub, id: hub.gateway.tenants.change(id, suspended=False))), as_json)


@tenant.command("rotate-token")
@click.argument("name")
@duration_option("--grace", default="24h", most_s=365 * 86_400, help="How long the tokens before are good still.")
@click.option("--revoke", is_flag=True, help="End all tokens before at once, those of access too: for one that leaked.")
@json_option
def rotate_token(name: str, grace: int, revoke: bool, as_json: bool) -> None:
    """Give a tenant another refresh token, and show it this once."""
    made = _on_tenant(name, lambda hub, id: hub.gateway.tenants.renew_token(id, grace_s=grace, revoke=revoke))
    show({"refresh_token": made}, as_json)
