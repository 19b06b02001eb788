"""Pages of Seller Central and Vendor Central about applications: where owners find, renew, end and make their grants.

* ``/apps/store/dp/{application_id}`` (sellers only): an application in the Appstore, with its button.
* ``/apps/manage``: what was granted, until when; to renew is to consent again, and to remove ends every grant of that
  application for the account. Amazon reminds owners of the end; from when on is not known, and here it is a month.
* ``/sellingpartner/developerconsole``: self-authorization. A developer gets a refresh token for an account of their
  own, and the earlier ones stay good. Whose an application is, the local Amazon does not know: every owner sees all.

The paths are Amazon's.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from sellerport.emulator import central
from sellerport.emulator.central import Visit, redirect
from sellerport.emulator.grants import DAY_S, Grant
from sellerport.emulator.world import World

REMIND_S = 30 * DAY_S


def routes(world: World) -> list[Route]:
    """Return the pages, as they stand on every Central host."""
    return [
        central.route(world, "/apps/store/dp/{application_id}", store, Visit),
        central.route(world, "/apps/manage", manage, Visit),
        central.route(world, "/sellingpartner/developerconsole", console, Visit),
    ]


def store(visit: Visit) -> Response:
    """Show an application that is published."""
    listed = [one for one in visit.world.applications.values() if not (one.draft or one.private or visit.vendor)]
    found = next((one for one in listed if one.application_id == visit.path["application_id"]), None)
    return Response("Not Found", 404) if found is None else visit.page("store.html", application=found)


def manage(visit: Visit) -> Response:
    """Show what the owner granted, the latest for each application and account; or end it."""
    if not visit.admitted:
        return visit.sign_in()
    latest: dict[tuple[str, str], Grant] = {}
    for grant in _granted(visit):
        latest[grant.application.client_id, grant.account.selling_partner_id] = grant
    if not visit.posted:
        return visit.page("manage.html", grants=list(latest.values()), now=visit.world.now(), remind=REMIND_S)
    for grant in _granted(visit):
        named = (grant.application.application_id, grant.account.selling_partner_id)
        if named == (visit.form.get("application_id"), visit.form.get("selling_partner_id")):
            grant.revoked = True
    return redirect(f"{visit.address}/apps/manage", 303)


def console(visit: Visit) -> Response:
    """Show the applications, and the refresh token that was asked for."""
    if not visit.admitted:
        return visit.sign_in()
    applications = [one for one in visit.world.applications.values() if visit.region in one.regions]
    made = None
    if visit.posted:
        application = next(
            (one for one in applications if one.application_id == visit.form.get("application_id")), None
        )
        wanted = visit.form.get("selling_partner_id")
        account = next((one for one in visit.accounts if one.selling_partner_id == wanted), None)
        if application is None or account is None:
            return visit.stop("MD9999", "There is no such application, or no such account of yours.")
        made = visit.world.grant(account.selling_partner_id, application.client_id)
    ends, now = visit.world.login.secret_ends, visit.world.now()
    return visit.page("console.html", applications=applications, made=made, secret_ends=ends, now=now)


def _granted(visit: Visit) -> list[Grant]:
    own = {one.selling_partner_id for one in visit.accounts}
    return [one for one in visit.world.grants.values() if one.account.selling_partner_id in own and not one.revoked]
