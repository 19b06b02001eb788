"""Supply Sources 2020-07-01: the places that an account ships from; what is written is read back.

A new one is inactive; an archived one stays to be read by its id, and cannot be changed any more. Refusals are those of
Amazon's published cases; what it says to an id that is unknown is not known (404 here).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from sellerport.emulator import page_tokens
from sellerport.emulator.call import Answer, Call, missing, moment
from sellerport.errors import AmazonRefused

LISTED = ("alias", "supplySourceId", "supplySourceCode", "address")
MOST = 100


def create_supply_source(call: Call) -> Answer:
    """Add a place."""
    asked, now = call.checked_body(), moment(call.world.now())
    code = asked["supplySourceCode"]
    if any(one["supplySourceCode"] == code for one in _own(call).values()):
        raise _refusal("Supply Source with given Code already exists", "1004")
    id = hashlib.sha256(f"{call.world.seed} {call.seller} {code}".encode()).hexdigest()[:32]
    made = {name: asked[name] for name in ("supplySourceCode", "alias", "address")}
    dates = {"createdAt": now, "updatedAt": now}
    _own(call)[id] = {"supplySourceId": id, **made, "status": "Inactive", **dates}
    return Answer({"supplySourceId": id, "supplySourceCode": code})


def get_supply_sources(call: Call) -> Answer:
    """List the places that are not archived."""
    size, token = call.size("pageSize", most=MOST, default=10), call.one("nextPageToken")
    if token is None:
        ids = [id for id, one in _own(call).items() if one["status"] != "Archived"]
    else:
        ids = page_tokens.redeem(call, token, name="nextPageToken")
    shown = [{name: _own(call)[id][name] for name in LISTED} for id in ids[:size]]
    rest = {"nextPageToken": page_tokens.issue(call, ids[size:])} if ids[size:] else {}
    return Answer({"supplySources": shown, **rest})


def get_supply_source(call: Call) -> Answer:
    """Return one place."""
    return Answer(_known(call))


def update_supply_source(call: Call) -> Answer:
    """Change how a place works."""
    asked, known = call.checked_body(), _open(call)
    known |= {name: asked[name] for name in ("alias", "configuration", "capabilities") if name in asked}
    known["updatedAt"] = moment(call.world.now())
    return Answer(status=204)


def update_supply_source_status(call: Call) -> Answer:
    """Let a place work, or not."""
    asked, known = call.checked_body(), _open(call)
    known |= {name: asked[name] for name in ("status",) if name in asked}
    known["updatedAt"] = moment(call.world.now())
    return Answer(status=204)


def archive_supply_source(call: Call) -> Answer:
    """Give a place up."""
    known = _open(call)
    known |= {"status": "Archived", "updatedAt": moment(call.world.now())}
    return Answer(status=204)


def _own(call: Call) -> dict[str, dict[str, Any]]:
    return call.world.supply_sources.setdefault(call.seller, {})


def _known(call: Call) -> dict[str, Any]:
    id = call.path["supplySourceId"]
    if id not in _own(call):
        raise missing(f"The supply source {id} was not found")
    return _own(call)[id]


def _open(call: Call) -> dict[str, Any]:
    known = _known(call)
    if known["status"] == "Archived":
        raise _refusal("Supply Source has been archived and cannot be modified.", "1005")
    return known


def _refusal(message: str, details: str) -> AmazonRefused:
    return AmazonRefused(message, status=400, amazon_code="InvalidInput", details=details)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "supply_sources_2020_07_01.create_supply_source": create_supply_source,
    "supply_sources_2020_07_01.get_supply_sources": get_supply_sources,
    "supply_sources_2020_07_01.get_supply_source": get_supply_source,
    "supply_sources_2020_07_01.update_supply_source": update_supply_source,
    "supply_sources_2020_07_01.update_supply_source_status": update_supply_source_status,
    "supply_sources_2020_07_01.archive_supply_source": archive_supply_source,
}
