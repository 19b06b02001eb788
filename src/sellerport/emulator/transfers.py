"""Transfers 2024-06-01: what was paid to the account's bank and what will be, of the same ledger (see `ledger`).

An account may ask for its money before its settlement ends, which ends it; there has to be some. Not known: what Amazon
says to a second wish within a day (here it is granted if there is money again).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from sellerport.emulator.call import Answer, Call, invalid, moment, refused
from sellerport.emulator.finances import ACCOUNT_TYPE, listed, money, partner, settlements, tail
from sellerport.emulator.ledger import Settlement


def get_payment_methods(call: Call) -> Answer:
    """Name the bank account that money goes to."""
    wanted = call.many("paymentMethodTypes")
    assert call.account is not None
    bank = {
        "accountHolderName": call.account.name,
        "paymentMethodId": f"amzn1.pm.local.{tail(call.seller)}",
        "tail": tail(call.seller),
        "countryCode": call.account.marketplaces[0].country,
        "paymentMethodType": "BANK_ACCOUNT",
        "assignmentType": "DEFAULT_DEPOSIT_METHOD",
    }
    return Answer({"paymentMethods": [bank] if not wanted or "BANK_ACCOUNT" in wanted else []})


def list_payouts(call: Call) -> Answer:
    """List what was paid, the newest first."""
    after, before, id = call.time("createdAfter"), call.time("createdBefore"), call.one("payoutId")
    found = [
        one
        for one in reversed(_asked_about(call))
        if one.closed
        and one.total > 0
        and id in (None, _id(one))
        and (after is None or one.end >= after)
        and (before is None or one.end <= before)
    ]
    return listed(call, "payouts", [_payout(call, one) for one in found])


def list_expected_payouts(call: Call) -> Answer:
    """Say what will be paid when the open settlements end, as it is now."""
    expected = [
        {
            **_about(call, one),
            "status": "SCHEDULED" if one.total > 0 else "NO_PAYOUT_EXPECTED",
            "scheduledDate": moment(one.end),
        }
        for one in _asked_about(call)
        if not one.closed
    ]
    return listed(call, "expectedPayouts", expected)


def initiate_payout(call: Call) -> Answer:
    """Pay what there is now."""
    asked = call.checked_body()
    if asked["accountType"] != ACCOUNT_TYPE:
        raise invalid(f"accountType must be {ACCOUNT_TYPE}")
    held = next((one for one in settlements(call, [asked["marketplaceId"]]) if not one.closed), None)
    if held is None:
        raise invalid(f"The account does not sell in marketplace {asked['marketplaceId']}")
    if held.total <= 0:
        raise refused("There is nothing to be paid.", status=422, code="InsufficientBalance")
    asked_for = call.world.payouts.setdefault((call.seller, asked["marketplaceId"]), [])
    asked_for.append(call.world.now())
    return Answer({"payoutReferenceId": _id(held)})


def _asked_about(call: Call) -> list[Settlement]:
    if call.one("accountType") not in (None, ACCOUNT_TYPE):
        return []
    return settlements(call, call.many("marketplaceIds"))


def _id(one: Settlement) -> str:
    return hashlib.sha256(f"payout {one.id}".encode()).hexdigest()[:32]


def _about(call: Call, one: Settlement) -> dict[str, Any]:
    return {
        "partnerMetadata": partner(call, one.marketplace),
        "amount": money(one.total, one.marketplace),
        "accountTail": tail(call.seller),
        "paymentMethod": "BANK_ACCOUNT",
        "period": {"startDate": moment(one.start), "endDate": moment(one.end)},
        "relatedIdentifiers": [{"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": one.number}],
    }


def _payout(call: Call, one: Settlement) -> dict[str, Any]:
    return {
        **_about(call, one),
        "id": _id(one),
        "type": "ON_DEMAND" if one.asked else "SCHEDULED",
        "currentStatus": "PAID",
        "statusHistory": [{"status": "PAID", "lastUpdatedDate": moment(one.end)}],
        "creationDate": moment(one.end),
        "traceId": one.number,
    }


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "transfers_2024_06_01.get_payment_methods": get_payment_methods,
    "transfers_2024_06_01.list_payouts": list_payouts,
    "transfers_2024_06_01.list_expected_payouts": list_expected_payouts,
    "transfers_2024_06_01.initiate_payout": initiate_payout,
}
