"""Who can be advertised for: profiles, global accounts and manager accounts. None of these calls names a profile.

A person sees the profiles of one region at a time: that of the host. Where somebody may only look, a profile is shown
to who asks for it by ``accessLevel=view``, and none to who does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sellerport.emulator.ads.advertisers import Profile
from sellerport.emulator.ads.call import AdsCall, Endpoint, Refused, denied, object_of, page
from sellerport.emulator.call import Answer

PROGRAMS = ("billing", "campaign", "paymentMethod", "store", "report", "account", "posts")
TYPES = ("seller", "vendor", "agency")
ACCOUNT = "amzn1.ads-account.g."
MOST_ACCOUNTS = 100


def rendered(profile: Profile) -> dict[str, Any]:
    """Return a profile as Amazon writes it: only a seller has a daily budget, only a vendor a payment method."""
    info: dict[str, Any] = {
        "marketplaceStringId": profile.marketplace.id,
        "id": profile.account if profile.type == "seller" else profile.entity,
        "type": profile.type,
        "name": profile.name,
    }
    made: dict[str, Any] = {
        "profileId": int(profile.id),
        "countryCode": profile.country,
        "currencyCode": profile.marketplace.currency,
        "timezone": profile.zone,
        "accountInfo": info,
    }
    if profile.type == "seller":
        made["dailyBudget"] = profile.daily_budget
    if profile.type == "vendor":
        info["validPaymentMethod"] = profile.valid_payment_method
    return made


def _profiles(call: AdsCall) -> Answer:
    program, level = call.query.get("apiProgram") or "campaign", call.query.get("accessLevel") or "edit"
    types = call.many("profileTypeFilter")
    payment = call.query.get("validPaymentMethodFilter") or None
    for name, value, allowed in (
        ("apiProgram", program, PROGRAMS),
        ("accessLevel", level, ("edit", "view")),
        ("validPaymentMethodFilter", payment, ("true", "false")),
        *(("profileTypeFilter", one, TYPES) for one in types),
    ):
        if value is not None and value not in allowed:
            raise denied(f"{name} must be one of: {', '.join(allowed)}", 400)
    return Answer(
        [
            rendered(profile)
            for profile, access in call.mine()
            if (level == "view" or access == "edit")
            and (not types or profile.type in types)
            and (payment is None or profile.valid_payment_method == (payment == "true"))
        ]
    )


def _profile(call: AdsCall) -> Answer:
    return Answer(rendered(_known(call, call.id)))


def _known(call: AdsCall, id: str, access: str = "") -> Profile:
    found = next((one for one, held in call.mine() if one.id == id and access in ("", held)), None)
    if found is None:
        raise Refused(404, {"code": "404", "details": f"Profile {id} could not be found"})
    return found


def _update_profiles(call: AdsCall) -> Answer:
    if not isinstance(call.body, list) or not all(isinstance(one, dict) for one in call.body):
        raise denied("The request body has to be a list of profiles", 400)
    results = []
    for item in call.body:
        id, budget = str(item.get("profileId")), item.get("dailyBudget")
        try:
            profile = _known(call, id, "edit")
        except Refused as refused:
            results.append({"profileId": item.get("profileId"), "code": "NOT_FOUND", **_details(refused)})
            continue
        if profile.type != "seller" or type(budget) not in (int, float) or budget <= 0:
            details = "dailyBudget must be a number above 0, of a seller's profile"
            results.append({"profileId": int(id), "code": "INVALID_ARGUMENT", "details": details})
            continue
        call.world.ads.profiles[id] = replace(profile, daily_budget=float(budget))
        results.append({"profileId": int(id), "code": "SUCCESS"})
    return Answer(results, 207)


def _details(refused: Refused) -> dict[str, Any]:
    return {"details": refused.body["details"]}


# --- global accounts --------------------------------------------------------------------------------------------------


def account_of(profile: Profile) -> str:
    """Return the id of the global account that a profile is of: it has one for all of its countries."""
    return f"{ACCOUNT}{profile.account.lower()}{'-dsp' if profile.type == 'agency' else ''}"


def _by_account(call: AdsCall) -> dict[str, list[Profile]]:
    found: dict[str, list[Profile]] = {}
    for profile, _ in call.world.ads.seen_by(call.person):
        found.setdefault(account_of(profile), []).append(profile)
    return found


def _global(id: str, profiles: list[Profile]) -> dict[str, Any]:
    return {
        "adsAccountId": id,
        "accountName": profiles[0].name,
        "status": "CREATED",
        "alternateIds": [
            one
            for profile in profiles
            for one in (
                {"countryCode": profile.country, "entityId": profile.entity},
                {"countryCode": profile.country, "profileId": int(profile.id)},
            )
        ],
        "countryCodes": [profile.country for profile in profiles],
        "errors": {},
    }


def _list_accounts(call: AdsCall) -> Answer:
    accounts = [_global(id, profiles) for id, profiles in _by_account(call).items()]
    shown, following = page(call, accounts, object_of(call.body), most=MOST_ACCOUNTS, default=MOST_ACCOUNTS)
    return Answer({"adsAccounts": shown, **following})


def _get_account(call: AdsCall) -> Answer:
    found = _by_account(call).get(call.id)
    if found is None:
        raise Refused(404, {"message": f"There is no account {call.id}"})
    return Answer({"adsAccount": _global(call.id, found)})


# --- manager accounts -------------------------------------------------------------------------------------------------


def _managers(call: AdsCall) -> Answer:
    """Answer with what a person manages: everything that was shared with them, under one manager account."""
    shared = call.world.ads.people.get(call.person)
    if not shared:
        return Answer({"managerAccounts": []})
    linked = [_linked(profile) for profile, _ in call.mine() if profile.account in shared]
    manager = {
        "managerAccountId": f"amzn1.ads1.ma1.{call.person.partition('@')[0]}",
        "managerAccountName": call.person.partition("@")[0],
        "linkedAccounts": linked[:50],
    }
    return Answer({"managerAccounts": [manager]})


def _linked(profile: Profile) -> dict[str, Any]:
    kind = {"seller": "SELLER", "vendor": "VENDOR", "agency": "DSP_ADVERTISING_ACCOUNT"}[profile.type]
    return {
        "accountId": account_of(profile),
        "accountName": profile.name,
        "accountType": kind,
        "marketplaceId": profile.marketplace.id,
        "profileId": profile.id,
    }


ENDPOINTS: Mapping[str, Endpoint] = {
    "GET /v2/profiles": Endpoint(_profiles, profile=False),
    "PUT /v2/profiles": Endpoint(_update_profiles, profile=False),
    "GET /v2/profiles/{id}": Endpoint(_profile, profile=False),
    "POST /adsAccounts/list": Endpoint(_list_accounts, profile=False),
    "GET /adsAccounts/{id}": Endpoint(_get_account, profile=False),
    "GET /managerAccounts": Endpoint(_managers, profile=False),
}
