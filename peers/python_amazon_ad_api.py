"""An advertiser's journey with python-amazon-ad-api; prints as JSON what it was answered.

    python peers/python_amazon_ad_api.py < task.json

Task and facts are those of `test_ads_journey`. Nothing here says where Amazon is: requests follows `HTTPS_PROXY` and
`REQUESTS_CA_BUNDLE`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import ad_api.base  # must come before ad_api.auth, which needs it
from ad_api.api import Exports, PortfoliosV3, Profiles, Reports, sd, sp
from ad_api.api.sb import AdGroupsV4, CampaignsV4

MOST_POLLS, PAUSE_S = 30, 0.2
Json = dict[str, Any]


class Advertiser:
    """The client's classes, for one profile."""

    def __init__(self, task: Json) -> None:
        self.task = task
        self.credentials = {name: task[name] for name in ("client_id", "client_secret", "refresh_token")}
        self.marketplace = ad_api.base.Marketplaces[task["country"]]

    def __call__(self, kind: Any) -> Any:
        """Make a client of an API, for the profile once it is known."""
        return kind(credentials=self.credentials, marketplace=self.marketplace)

    def journey(self) -> Iterator[tuple[str, Any]]:
        """Go all the way, and tell of each step what was answered."""
        profiles = Profiles(
            credentials=self.credentials, marketplace=self.marketplace, verify_additional_credentials=False
        )
        found = profiles.list_profiles().payload
        yield "profiles", found
        mine = next(one for one in found if _advertises(one, self.task["country"]))
        self.credentials["profile_id"] = str(mine["profileId"])
        yield "profile", mine
        yield "portfolios", self(PortfoliosV3).list_portfolios(body={}).payload
        yield from self.sponsored_products()
        yield "sb_campaigns", self(CampaignsV4).list_campaigns(body={"maxResults": 100}).payload
        yield "sb_ad_groups", self(AdGroupsV4).list_ad_groups(body={"maxResults": 100}).payload
        yield "sd_campaigns", self(sd.Campaigns).list_campaigns(startIndex=0, count=100).payload
        yield "report", self.report()
        yield "export", self.export()

    def sponsored_products(self) -> Iterator[tuple[str, Any]]:
        """Make, change and archive a campaign, with an ad group and a keyword in it."""
        campaigns, groups, keywords = self(sp.CampaignsV3), self(sp.AdGroupsV3), self(sp.KeywordsV3)
        yield "campaigns", list(_pages(campaigns.list_campaigns, {"maxResults": 2}, "campaigns"))
        new = {
            "name": "Peer campaign",
            "state": "PAUSED",
            "targetingType": "MANUAL",
            "budget": {"budget": 12.5, "budgetType": "DAILY"},
        }
        wanted = {"campaigns": [new, new]}
        made = campaigns.create_campaigns(body=json.dumps(wanted), prefer=True).payload
        yield "created", made
        campaign = made["campaigns"]["success"][0]["campaignId"]
        group = {"campaignId": campaign, "name": "Peer group", "state": "ENABLED", "defaultBid": 0.75}
        grouped = groups.create_ad_groups(body=json.dumps({"adGroups": [group]})).payload
        yield "group", grouped
        group_id = grouped["adGroups"]["success"][0]["adGroupId"]
        word = {"campaignId": campaign, "adGroupId": group_id, "keywordText": "peer lamp", "matchType": "EXACT"}
        yield "keyword", keywords.create_keyword(body=json.dumps({"keywords": [{**word, "state": "ENABLED"}]})).payload
        change = {"campaigns": [{"campaignId": campaign, "budget": {"budget": 20, "budgetType": "DAILY"}}]}
        yield "changed", campaigns.edit_campaigns(body=json.dumps(change)).payload
        only = {"campaignIdFilter": {"include": [campaign]}}
        yield "after_change", campaigns.list_campaigns(body=json.dumps(only)).payload
        yield "deleted", campaigns.delete_campaigns(body=json.dumps(only)).payload
        gone = {**only, "stateFilter": {"include": ["ARCHIVED"]}}
        yield "after_delete", campaigns.list_campaigns(body=json.dumps(gone)).payload

    def report(self) -> Json:
        """Ask for a report, wait for it, and read its rows."""
        reports = self(Reports)
        columns = ["date", "campaignId", "impressions", "clicks", "cost", "sales7d"]
        asked = {
            "name": "peer",
            "startDate": self.task["since"],
            "endDate": self.task["until"],
            "configuration": {
                "adProduct": "SPONSORED_PRODUCTS",
                "reportTypeId": "spCampaigns",
                "groupBy": ["campaign"],
                "columns": columns,
                "timeUnit": "DAILY",
                "format": "GZIP_JSON",
            },
        }
        first = reports.post_report(body=json.dumps(asked)).payload
        try:
            twice = reports.post_report(body=json.dumps(asked)).payload
        except ad_api.base.exceptions.AdvertisingApiException as error:
            twice = {"code": error.code, "error": str(error.error)}
        statuses = [first["status"]]
        while (told := reports.get_report(reportId=first["reportId"]).payload)["status"] != "COMPLETED":
            statuses.append(told["status"])
            time.sleep(PAUSE_S)
            assert len(statuses) < MOST_POLLS, statuses
        rows = reports.download_report(url=told["url"], format="data").payload
        return {"id": first["reportId"], "twice": twice, "statuses": [*statuses, told["status"]], "rows": rows}

    def export(self) -> Json:
        """Ask for an export of campaigns, wait for it, and read its rows."""
        exports = self(Exports)
        asked = {"adProductFilter": ["SPONSORED_PRODUCTS"], "stateFilter": ["ENABLED", "PAUSED"]}
        export = exports.campaigns_export(body=json.dumps(asked)).payload
        polls = 0
        while (told := exports.get_export(export["exportId"], "campaigns").payload)["status"] != "COMPLETED":
            polls += 1
            time.sleep(PAUSE_S)
            assert polls < MOST_POLLS, told
        rows = self(Reports).download_report(url=told["url"], format="data").payload
        return {"id": export["exportId"], "rows": rows}


def _advertises(profile: Json, country: str) -> bool:
    return (profile["countryCode"], profile["accountInfo"]["type"]) == (country, "seller")


def _pages(call: Callable[..., Any], body: Json, key: str) -> Iterator[list[Json]]:
    token = None
    while True:
        page = call(body=json.dumps(body | ({"nextToken": token} if token else {}))).payload
        yield page[key]
        if not (token := page.get("nextToken")):
            return


if __name__ == "__main__":
    json.dump(dict(Advertiser(json.load(sys.stdin)).journey()), sys.stdout)
