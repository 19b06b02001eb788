"""`sellerport webhook …`: where an organization is told of events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import click

from sellerport.cli.manage import on_organization, organization_option, readable
from sellerport.cli.output import Commands, json_option, show
from sellerport.server.hub import Caller, DeliveryStatus, Hub, NewSecret, Organization


@click.group(cls=Commands)
def webhook() -> None:
    """Manage webhooks: where an organization is told of what happens to its connections."""


@webhook.command("create")
@click.argument("url")
@click.option("--type", "types", multiple=True, help="Only events of this type; may be repeated. [default: all]")
@organization_option
@json_option
def create_webhook(url: str, types: tuple[str, ...], organization: str | None, as_json: bool) -> None:
    """Create a webhook, and show the secret that its events are signed with, this once."""
    made = on_organization(organization, lambda hub, org: hub.webhooks.create(Caller(org.id), url, types))
    show(_with_secret(made), as_json)


@webhook.command("list")
@organization_option
@json_option
def list_webhooks(organization: str | None, as_json: bool) -> None:
    """List the webhooks."""
    found = on_organization(organization, lambda hub, org: hub.webhooks.all(Caller(org.id)))
    show([readable(one) for one in found], as_json)


@webhook.command("delete")
@click.argument("webhook_id", metavar="ID")
@organization_option
@json_option
def delete_webhook(webhook_id: str, organization: str | None, as_json: bool) -> None:
    """Delete a webhook, with what is on its way to it."""
    on_organization(organization, lambda hub, org: hub.webhooks.delete(Caller(org.id), webhook_id))
    show({"deleted": webhook_id}, as_json)


@webhook.command("rotate-secret")
@click.argument("webhook_id", metavar="ID")
@organization_option
@json_option
def rotate_secret(webhook_id: str, organization: str | None, as_json: bool) -> None:
    """Make another secret, and show it this once; for a day events are signed with both."""
    made = on_organization(organization, lambda hub, org: hub.webhooks.rotate_secret(Caller(org.id), webhook_id))
    show(_with_secret(made), as_json)


@webhook.command("test")
@click.argument("webhook_id", metavar="ID")
@organization_option
@json_option
def test_webhook(webhook_id: str, organization: str | None, as_json: bool) -> None:
    """Send a webhook the event `webhook.ping`; a running server does that within seconds."""
    on_organization(organization, lambda hub, org: hub.webhooks.test(Caller(org.id), webhook_id))
    show({"sent_to": webhook_id}, as_json)


@webhook.command("deliveries")
@click.argument("webhook_id", metavar="ID")
@click.option("--status", type=click.Choice(get_args(DeliveryStatus)), help="Only those that are so.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
@organization_option
@json_option
def list_deliveries(
    webhook_id: str, status: DeliveryStatus | None, limit: int, organization: str | None, as_json: bool
) -> None:
    """List what was sent to a webhook, or is to be, the newest first."""
    found = on_organization(
        organization,
        lambda hub, org: hub.webhooks.deliveries(Caller(org.id), webhook_id, status=status, most=limit),
    )
    first = ("event_id", "type", "status", "attempts", "last_status", "last_error", "next_attempt_at")
    show([readable(one) for one in found], as_json, first=first)


@webhook.command("replay")
@click.argument("webhook_id", metavar="ID")
@click.option("--event", help="This event, whether it was delivered or not.")
@click.option(
    "--dead-since",
    type=click.DateTime(),
    metavar="TIME",
    help="Every dead event from this time on: 2026-08-01, or 2026-08-01T09:30:00, in UTC.",
)
@organization_option
@json_option
def replay(
    webhook_id: str, event: str | None, dead_since: datetime | None, organization: str | None, as_json: bool
) -> None:
    """Send events again, with the ids they had: one, or all that are dead since a time."""
    if (event is None) == (dead_since is None):
        raise click.UsageError("give --event or --dead-since, and not both")

    async def again(hub: Hub, org: Organization) -> int:
        if event is not None:
            await hub.webhooks.replay(Caller(org.id), webhook_id, event)
            return 1
        assert dead_since is not None
        since = dead_since.replace(tzinfo=UTC).timestamp()
        return await hub.webhooks.replay_dead(Caller(org.id), webhook_id, since)

    show({"events": on_organization(organization, again)}, as_json)


def _with_secret(made: NewSecret) -> dict[str, Any]:
    return {**readable(made.webhook), "secret": made.secret}
