"""`sellerport profiles`."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from sellerport import AmazonAds
from sellerport.cli.output import json_option, show

FIRST = ("profile_id", "region", "country", "type", "name", "account_id", "currency")


@click.command()
@click.option("--view", is_flag=True, help="Also those that the user may only look at.")
@click.option("--account", help="The account in credentials.yml. [default: SELLERPORT_ACCOUNT, or default]")
@json_option
def profiles(view: bool, account: str | None, as_json: bool) -> None:
    """List the advertising profiles that a grant of the Ads API sees, of all three regions.

    Credentials come from AD_API_REFRESH_TOKEN, AD_API_CLIENT_ID and AD_API_CLIENT_SECRET.
    """
    given: dict[str, Any] = {"access_level": "view", "api_program": "report"} if view else {}
    found = [msgspec.structs.asdict(one) for one in AmazonAds(account=account).find_profiles(**given)]
    show([{name: value for name, value in one.items() if name != "data"} for one in found], as_json, first=FIRST)
