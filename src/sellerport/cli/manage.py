"""The operator's commands, which work on the server's database: organizations and all that belongs to them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from sellerport import regions
from sellerport.cli.output import Commands, CommandT, json_option, show
from sellerport.errors import NoAnswer, NotFound
from sellerport.server.hub import NAMES, Caller, Hub, Organization, Platform
from sellerport.server.opening import open_hub
from sellerport.server.settings import Settings
from sellerport.wire import AsyncWire, Request

T = TypeVar("T")

LOOK_S = 3.0
"""How long a server may take to say whether it knows a link."""


def on_hub(work: Callable[[Hub], Awaitable[T]]) -> T:
    """Open the hub that the settings name, do some work on it, and close it."""

    async def opened() -> T:
        async with open_hub(Settings.read()) as hub:
            return await work(hub)

    return asyncio.run(opened())


def on_organization(name: str | None, work: Callable[[Hub, Organization], Awaitable[T]]) -> T:
    """As `on_hub`, for one organization: the one named by name or id, or the only one there is."""

    async def found(hub: Hub) -> T:
        if name is not None:
            return await work(hub, await hub.organizations.find(name))
        known = await hub.organizations.all()
        if len(known) != 1:
            names = ", ".join(one.name for one in known)
            raise NotFound(
                f"say which organization with --organization; there are: {names}"
                if known
                else "there is no organization yet; make one with `sellerport organization create NAME`"
            )
        return await work(hub, known[0])

    return on_hub(found)


organization_option = click.option("--organization", help="Its name or id; not needed where there is only one.")


platform_option = click.option(
    "--platform",
    type=click.Choice(["seller-partner", "ads"]),
    default="seller-partner",
    show_default=True,
    help="Which of Amazon's APIs: the Selling Partner API or the Ads API.",
)


def secret_option(name: str) -> Callable[[CommandT], CommandT]:
    """Give a command an option for a secret, which is asked for, or read from a pipe, where it is not given."""

    def ask(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
        if value is not None or context.resilient_parsing:  # a shell that completes must not be asked
            return value or ""
        if sys.stdin.isatty():
            return str(click.prompt(str(parameter.human_readable_name).replace("_", " "), hide_input=True))
        return sys.stdin.readline().strip()

    return click.option(name, callback=ask, help="Asked for, or read from a pipe, where it is not given.")


def _rows(found: list[Any]) -> list[dict[str, Any]]:
    return [readable(one) for one in found]


def readable(found: Any) -> dict[str, Any]:
    """Return a record with its times readable."""
    return {name: _time(value) if name.endswith("_at") else value for name, value in asdict(found).items()}


def _time(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds is not None else None


@click.group(cls=Commands)
def organization() -> None:
    """Manage the companies that use this server."""


@organization.command("create")
@click.argument("name")
@json_option
def create_organization(name: str, as_json: bool) -> None:
    """Create an organization."""
    show(readable(on_hub(lambda hub: hub.organizations.create(name))), as_json)


@organization.command("list")
@json_option
def list_organizations(as_json: bool) -> None:
    """List the organizations."""
    show(_rows(on_hub(lambda hub: hub.organizations.all())), as_json)


@organization.command("delete")
@click.argument("name")
@click.confirmation_option(
    prompt="All that it has is erased: grants, sellers, applications, documents, API clients. Nothing brings it back, "
    "and the owners would have to consent again. Delete?"
)
@json_option
def delete_organization(name: str, as_json: bool) -> None:
    """Delete an organization, by name or id, with all that it has; its audit stays, under its id.

    A tenant of the gateway is an organization, and is deleted so too. The owners' consents at Amazon stand until they
    withdraw them there.
    """

    async def delete(hub: Hub) -> dict[str, str]:
        found = await hub.organizations.find(name)
        await hub.organizations.delete(found.id)
        return {"deleted": found.id}

    show(on_hub(delete), as_json)


@click.group(cls=Commands)
def client() -> None:
    """Manage API clients: the programs that may call this server for an organization."""


@client.command("create")
@click.option("--name", default="default", show_default=True, help="What to call it.")
@organization_option
@json_option
def create_client(name: str, organization: str | None, as_json: bool) -> None:
    """Create an API client, and show its secret this once."""
    made = on_organization(organization, lambda hub, org: hub.access.create_client(org.id, name))
    show({"client_id": made.id, "client_secret": made.secret}, as_json)


@client.command("list")
@organization_option
@json_option
def list_clients(organization: str | None, as_json: bool) -> None:
    """List an organization's API clients."""
    found = on_organization(organization, lambda hub, org: hub.access.clients(org.id))
    show(_rows(found), as_json, first=("id", "name", "created_at", "revoked_at"))


@client.command("revoke")
@click.argument("client_id")
@organization_option
@json_option
def revoke_client(client_id: str, organization: str | None, as_json: bool) -> None:
    """Revoke an API client and every token it was given."""
    on_organization(organization, lambda hub, org: hub.access.revoke_client(org.id, client_id))
    show({"revoked": client_id}, as_json)


@click.group(cls=Commands)
def application() -> None:
    """Manage an organization's Amazon developer applications."""


@application.command("register")
@click.option("--lwa-client-id", required=True, help="amzn1.application-oa2-client.…")
@secret_option("--lwa-client-secret")
@click.option("--application-id", help="amzn1.sp.solution.…; consent to the Selling Partner API needs it.")
@platform_option
@click.option("--name", default="default", show_default=True, help="What to call it.")
@click.option("--draft", is_flag=True, help="Amazon has it as a draft still.")
@organization_option
@json_option
def register_application(organization: str | None, as_json: bool, **given: Any) -> None:
    """Register an application, and show the addresses that it has to have at Amazon."""

    async def register(hub: Hub, org: Organization) -> dict[str, Any]:
        made = await hub.applications.register(org.id, **given)
        return readable(made) | hub.consents.addresses(made)

    show(on_organization(organization, register), as_json)


@application.command("list")
@organization_option
@json_option
def list_applications(organization: str | None, as_json: bool) -> None:
    """List the applications, with the addresses that they have to have at Amazon."""

    async def found(hub: Hub, org: Organization) -> list[dict[str, Any]]:
        return [readable(one) | hub.consents.addresses(one) for one in await hub.applications.all(org.id)]

    first = ("id", "name", "platform", "application_id", "lwa_client_id")
    show(on_organization(organization, found), as_json, first=first)


@application.command("replace-secret")
@click.argument("application_id", metavar="ID")
@secret_option("--lwa-client-secret")
@organization_option
@json_option
def replace_secret(application_id: str, lwa_client_secret: str, organization: str | None, as_json: bool) -> None:
    """Replace an application's client secret, after it was rotated at Amazon."""
    on_organization(
        organization, lambda hub, org: hub.applications.replace_secret(org.id, application_id, lwa_client_secret)
    )
    show({"replaced_secret_of": application_id}, as_json)


@application.command("rotate-secret")
@click.argument("application_id", metavar="ID")
@organization_option
@json_option
def rotate_secret(application_id: str, organization: str | None, as_json: bool) -> None:
    """Ask Amazon for another client secret; a server that reads the queue (SELLERPORT_SECRETS_QUEUE) takes it in.

    Calls go on: for a week Amazon accepts the old secret too.
    """
    on_organization(organization, lambda hub, org: hub.secrets.rotate(org.id, application_id))
    show({"asked_for_a_secret_of": application_id}, as_json)


@application.command("share")
@click.argument("application_id", metavar="ID")
@click.option("--stop", is_flag=True, help="Share it no longer: other tenants' sellers cannot be reached.")
@organization_option
@json_option
def share_application(application_id: str, stop: bool, organization: str | None, as_json: bool) -> None:
    """Let tenants of the gateway that have no application use this one."""
    on_organization(organization, lambda hub, org: hub.applications.share(org.id, application_id, shared=not stop))
    show({"shared": None if stop else application_id}, as_json)


@application.command("remove")
@click.argument("application_id", metavar="ID")
@organization_option
@json_option
def remove_application(application_id: str, organization: str | None, as_json: bool) -> None:
    """Remove an application that no connection uses."""
    on_organization(organization, lambda hub, org: hub.applications.remove(org.id, application_id))
    show({"removed": application_id}, as_json)


@click.group(cls=Commands)
def return_url() -> None:
    """Manage the addresses that browsers may be sent back to after consent."""


@return_url.command("add")
@click.argument("url")
@click.option("--for-installs", is_flag=True, help="Owners who began at Amazon come here in the end.")
@organization_option
@json_option
def add_return_url(url: str, for_installs: bool, organization: str | None, as_json: bool) -> None:
    """Allow an address and those below it."""
    on_organization(organization, lambda hub, org: hub.return_urls.register(org.id, url, for_installs=for_installs))
    show({"added": url}, as_json)


@return_url.command("list")
@organization_option
@json_option
def list_return_urls(organization: str | None, as_json: bool) -> None:
    """List the addresses."""
    found = on_organization(organization, lambda hub, org: hub.return_urls.all(org.id))
    show([{"url": url} for url in found], as_json)


@return_url.command("remove")
@click.argument("url")
@organization_option
@json_option
def remove_return_url(url: str, organization: str | None, as_json: bool) -> None:
    """Remove an address."""
    on_organization(organization, lambda hub, org: hub.return_urls.remove(org.id, url))
    show({"removed": url}, as_json)


@click.group(cls=Commands)
def connection() -> None:
    """Manage connections: the Amazon accounts that an organization reaches."""


@connection.command("list")
@click.option("--customer", help="Only this customer's.")
@organization_option
@json_option
def list_connections(customer: str | None, organization: str | None, as_json: bool) -> None:
    """List the connections."""
    found = on_organization(organization, lambda hub, org: hub.connections.all(Caller(org.id), customer))
    show(_rows(found), as_json, first=("id", "status", "customer", "marketplace", "selling_partner_id", "name"))


@connection.command("show")
@click.argument("connection_id", metavar="ID")
@organization_option
@json_option
def show_connection(connection_id: str, organization: str | None, as_json: bool) -> None:
    """Show one connection."""
    found = on_organization(organization, lambda hub, org: hub.connections.get(Caller(org.id), connection_id))
    show(readable(found), as_json)


@connection.command("create")
@click.option("--customer", required=True, help="The organization's own name for its user.")
@click.option("--name", help="What to call it. [default: what the API is called]")
@platform_option
@click.option("--marketplace", default="US", show_default=True, help="A country, marketplace id or region.")
@click.option("--application", help="The registered application the grant was given to, where there are several.")
@secret_option("--refresh-token")
@organization_option
@json_option
def create_connection(
    customer: str,
    name: str | None,
    platform: Platform,
    marketplace: str,
    application: str | None,
    refresh_token: str,
    organization: str | None,
    as_json: bool,
) -> None:
    """Create a connection from a refresh token that you have already."""

    async def create(hub: Hub, org: Organization) -> Any:
        return await hub.connections.create(
            Caller(org.id),
            customer=customer,
            name=name or NAMES[platform],
            platform=platform,
            marketplace=regions.marketplace(marketplace),
            refresh_token=refresh_token,
            through=await hub.applications.find(org.id, application, platform),
        )

    show(readable(on_organization(organization, create)), as_json)


@connection.command("claim")
@click.argument("connection_id", metavar="ID")
@click.option("--customer", required=True, help="The organization's own name for its user.")
@click.option("--renews", help="The customer's connection that gets its grant, where it is the same account's.")
@organization_option
@json_option
def claim_connection(
    connection_id: str, customer: str, renews: str | None, organization: str | None, as_json: bool
) -> None:
    """Say whose a pending connection is: one whose owner began at Amazon."""
    claimed = on_organization(
        organization, lambda hub, org: hub.connections.claim(Caller(org.id), connection_id, customer, renews=renews)
    )
    show(readable(claimed), as_json)


@connection.command("delete")
@click.argument("connection_id", metavar="ID")
@organization_option
@click.confirmation_option(prompt="The grant is erased, and its owner would have to consent again. Delete?")
@json_option
def delete_connection(connection_id: str, organization: str | None, as_json: bool) -> None:
    """Delete a connection, and erase its grant."""
    on_organization(organization, lambda hub, org: hub.connections.delete(Caller(org.id), connection_id))
    show({"deleted": connection_id}, as_json)


@click.command()
@click.option("--customer", help="The organization's own name for its user.")
@click.option("--connection", help="A connection that needs a new grant, instead of a new one.")
@click.option("--name", help="What to call the connection.")
@platform_option
@click.option("--marketplace", help="Where the account trades: a country or marketplace id. [default: US]")
@click.option("--application", help="The registered application, where there are several.")
@click.option("--return-url", help="Where the browser goes in the end; a page of the server if not given.")
@click.option("--vendor", is_flag=True, help="The account is a vendor's.")
@organization_option
@json_option
def connect(
    customer: str | None,
    connection: str | None,
    name: str | None,
    platform: Platform,
    marketplace: str | None,
    application: str | None,
    return_url: str | None,
    vendor: bool,
    organization: str | None,
    as_json: bool,
) -> None:
    """Start a consent flow, and print the link that the account's owner has to open within ten minutes.

    The server has to be running: Amazon sends the owner's browser back to it. Where it was given its port or address
    as an option, this command has to be told in SELLERPORT_PORT, SELLERPORT_HOST or SELLERPORT_PUBLIC_URL.
    """

    async def begin(hub: Hub, org: Organization) -> tuple[str, bool]:
        link = await hub.consents.initiate(
            Caller(org.id),
            customer=customer,
            name=name,
            platform=platform,
            marketplace=regions.marketplace(marketplace) if marketplace else None,
            return_url=return_url,
            application=application,
            connection_id=connection,
            vendor=vendor,
        )
        return link, await _is_known(link)

    link, known = on_organization(organization, begin)
    show({"consent_url": link}, True) if as_json else click.echo(link)
    if not known:
        address = link.rpartition("/connect/")[0]
        click.echo(
            f"no server with this database answers at {address}: start it there, or set SELLERPORT_PORT, "
            "SELLERPORT_HOST or SELLERPORT_PUBLIC_URL to where it is, and ask for another link",
            err=True,
        )


async def _is_known(link: str) -> bool:
    """Return whether a server knows a link where it leads to; looking at it changes nothing."""
    wire = AsyncWire()
    try:
        return (await wire.send(Request("GET", link, {}, timeout_s=LOOK_S))).status == 200
    except NoAnswer:
        return False
    finally:
        await wire.aclose()
