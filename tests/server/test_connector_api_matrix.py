"""Every route of the table, whoever asks: no token, a wrong one, another organization's, and one of too little scope.

The cases are made of the table by which the routes are served, so that a new route is among them.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from tests.server.test_connector_api import assert_refused, create

from sellerport.server.connector_api import ENDPOINTS

PAGE = Path(__file__).parents[2] / "docs/connector-api.md"
OLD_LIST = "/api/v1/connectors/connectors_for_user"

GUARDED = [one for one in ENDPOINTS if one.access != "anyone"]


def address(endpoint, id):
    return re.sub(r"{\w+}", id, endpoint.path)


async def scoped(server, token=None, name="ann"):
    path = "/api/v1/account/applications/scoped-token"
    return (await server.api("POST", path, {"workspace_name": name}, token=token)).json["token"]


async def tokens(server):
    """Return what opens nothing, by why."""
    client = await server.hub.access.create_client(server.organization.id, "revoked")
    revoked = (await server.hub.access.issue(client.id, client.secret)).token
    revoked_scoped = await scoped(server, revoked)
    await server.hub.access.revoke_client(server.organization.id, client.id)
    expired, expired_scoped = server.token, await scoped(server)
    inactive = await scoped(server, name="gone")
    (gone,) = await server.hub.workspaces.all(server.caller, name_contains="gone")
    await server.hub.workspaces.change(server.caller, gone.id, status="inactive")
    server.clock.advance(1200)
    return {
        "none": "",
        "empty": "Bearer",
        "blank": "Bearer  ",
        "other scheme": f"Basic {expired}",
        "unknown": "Bearer unknown",
        "expired": f"Bearer {expired}",
        "expired, scoped": f"Bearer {expired_scoped}",
        "revoked": f"Bearer {revoked}",
        "revoked, scoped": f"Bearer {revoked_scoped}",
        "inactive workspace": f"Bearer {inactive}",
    }


def test_no_route_opens_without_a_good_token(house):
    async def scenario(server):
        wrong = await tokens(server)
        for endpoint in GUARDED:
            server.clock.advance(60)  # who is wrong this often has to wait
            path = address(endpoint, "x")
            fresh = (await server.hub.access.issue(server.client_id, server.client_secret)).token
            good = {"two": [f"Bearer {fresh}"] * 2, "good, other scheme": f"Basic {fresh}"}
            for why, header in {**wrong, **good}.items():
                refused = await server.api(endpoint.method, path, {}, authorization=header)
                assert refused.status == 401, (endpoint.method, path, why)
                assert_refused(refused, 401, "unauthenticated")
                assert refused.headers["www-authenticate"] == "Bearer"
            in_query = await server.api(endpoint.method, f"{path}?access_token={fresh}", {}, authorization="")
            assert in_query.status == 401

    house.run(scenario)


def test_no_route_opens_to_a_token_of_too_narrow_or_too_wide_a_scope(house):
    async def scenario(server):
        token = await scoped(server)
        for endpoint in GUARDED:
            path = address(endpoint, str(uuid.uuid4()))
            narrow = await server.api(endpoint.method, path, {}, token=token)
            wide = await server.api(endpoint.method, path, {})
            assert (narrow.status == 403) == (endpoint.access == "organization"), (endpoint.method, path)
            assert (wide.status == 403) == (endpoint.access == "scoped"), (endpoint.method, path)
            named = await server.api(endpoint.method, path, {}, X_Organization_Id=str(uuid.uuid4()))
            assert_refused(named, 403, "not_allowed")
            malformed = await server.api(endpoint.method, path, {}, X_Organization_Id="acme")
            assert_refused(malformed, 422, "value_error", "X-Organization-Id", "must be a UUID")

    house.run(scenario)


BODIES = {
    "replay": {"event_id": "x"},
    "execute": {"entity": "orders", "action": "list"},
    "claim": {"workspace_name": "ann"},
}


async def things(server):
    """Return what an organization has, by the beginning of its routes."""
    connector = (await create(server)).json["id"]
    (workspace,) = await server.hub.workspaces.all(server.caller)
    webhook = await server.hub.webhooks.create(server.caller, "https://1.1.1.1/hook", [])
    return {
        "/api/v1/integrations/connectors": connector,
        "/api/v1/connectors/sources": connector,
        "/api/v1/workspaces": workspace.id,
        "/api/v1/webhooks": webhook.webhook.id,
    }


def test_another_organizations_things_and_another_workspaces_are_as_if_they_were_not_there(house):
    async def scenario(server):
        mine = await things(server)
        other = await server.hub.organizations.create("Other")
        client = await server.hub.access.create_client(other.id, "backend")
        theirs = (await server.hub.access.issue(client.id, client.secret)).token
        before = [(await server.api("GET", f"{path}/{id}")).json for path, id in list(mine.items())[::2]]
        seen = 0
        for endpoint in GUARDED:
            found = [id for path, id in mine.items() if endpoint.path.startswith(f"{path}/{{id}}")]
            if not found:
                continue
            seen += 1
            body = BODIES.get(endpoint.path.rpartition("/")[2], {})
            unknown, strangers = str(uuid.uuid4()), [theirs]
            if endpoint.access == "workspace":
                strangers.append(await scoped(server, name="bob"))
            for token in strangers:
                known = await server.api(endpoint.method, address(endpoint, found[0]), body, token=token)
                nothing = await server.api(endpoint.method, address(endpoint, unknown), body, token=token)
                assert (known.status, nothing.status) == (404, 404), (endpoint.method, endpoint.path, known.text)
                assert known.json["message"].replace(found[0], unknown) == nothing.json["message"]
        assert seen > 15
        assert [(await server.api("GET", f"{path}/{id}")).json for path, id in list(mine.items())[::2]] == before

    house.run(scenario)


def test_the_page_says_whose_token_each_route_takes():
    """The matrix believes the table; this is the second opinion."""
    rows = re.findall(r"^\| (`[A-Z]+ /.*?`) \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    said = {tuple(one.split()): access for routes, access in rows for one in re.findall(r"`([^`]*)`", routes)}
    present = [one for one in ENDPOINTS if not one.legacy]
    assert {(one.method, one.path): one.access for one in present}.items() <= said.items()
    for legacy in set(ENDPOINTS) - set(present):
        assert legacy.access in {one.access for one in present if one.serve == legacy.serve} or legacy.path == OLD_LIST


def test_a_body_that_is_no_object_is_refused_by_every_route_that_takes_one(house):
    async def scenario(server):
        for endpoint in ENDPOINTS:
            if endpoint.body is None:
                continue
            for body in (
                b"{",
                b"[]",
                b"null",
                b'"text"',
                b"\xff",
                b"[" * 10_000,
                *([b""] if endpoint.body_required else []),
            ):
                refused = await server.api(endpoint.method, address(endpoint, "x"), body)
                assert_refused(refused, 422, "value_error", "body", "must be a JSON object")

    house.run(scenario)


def test_a_nul_character_is_refused_by_every_route(house):
    """PostgreSQL keeps none, and a failure of the database would be taken for the server's."""

    async def scenario(server):
        for endpoint in GUARDED:
            wanted = 403 if endpoint.access == "scoped" else 422
            path = address(endpoint, "x\0")
            asked = [path] if "\0" in path else [f"{path}?name=%00"]
            for refused in [await server.api(endpoint.method, one, {}) for one in asked]:
                assert refused.status in (422, wanted), (endpoint.path, refused.text)
        for endpoint in ENDPOINTS:
            if endpoint.body is not None:
                path = address(endpoint, "x")
                refused = await server.api(endpoint.method, path, {"client_id": "a", "any": ["\0"]})
                assert_refused(refused, 422, "value_error", "body", "no NUL")
                harmless = await server.api(endpoint.method, path, {"any": "\\u0000"})
                assert "NUL" not in harmless.text
        cursor = await server.api("GET", "/api/v1/workspaces?cursor=AA==")
        assert_refused(cursor, 422, "value_error", "cursor")

    house.run(scenario)
