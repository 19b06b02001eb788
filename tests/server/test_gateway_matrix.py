"""Every route of the gateway, whoever asks and however: attacks 28, 29, 31 to 34, 59 and 60.

The cases are made of the table by which the routes are served, so that a new route is among them.
"""

from __future__ import annotations

import base64
import logging
import re
from pathlib import Path

import msgspec
import pytest
from tests.server.conftest import PUBLIC, ask
from tests.server.gateway import ORIGIN, OTHER, SECRET, a_seller, a_tenant, refusal, request

from sellerport.server.gateway_api import ENDPOINTS, PREFIXES

ID = "11111111-1111-4111-8111-111111111111"

PAGE = Path(__file__).parents[2] / "docs/gateway-api.md"

GUARDED = [one for one in ENDPOINTS if one.access != "anyone"]

HEADERS = {"admin": "authorization", "tenant": "x-adb-access-token", "seller": "x-seller-access-token"}
MESSAGES = {
    "admin": ("Invalid token", "Token missing create-tenant claim"),
    "tenant": ("Invalid ADB access token",),
    "seller": ("Invalid seller access token",),
}

FIELDS = {
    "redirectOrigin": ORIGIN,
    "sellerRedirectUrl": ORIGIN,
    "marketplace_region": "us-east-1",
    "amazonTokenSecret": SECRET,
}


def address(endpoint, id=ID):
    return re.sub(r"{\w+}", id, endpoint.path)


def body_of(endpoint):
    """Return a body with every field that a route needs, so that what is refused is who asks."""
    if endpoint.body is None:
        return None
    needed = [it.name for it in msgspec.structs.fields(endpoint.body) if it.required]
    return {name: FIELDS.get(name, "x") for name in needed}


def sent(endpoint, token):
    """Return the headers of a request with a token, where the route takes one, and a good secret."""
    name = HEADERS[endpoint.access]
    return {
        name: f"Bearer {token}" if name == "authorization" else token,
        "x-amazon-token-secret": SECRET,
        "x-new-amazon-token-secret": OTHER,
    }


async def tokens(house, server):
    """Return a good token of each kind."""
    tenant = await a_tenant(server)
    srt = await a_seller(house, tenant)
    seller = await server.hub.gateway.sellers.token(tenant.caller, ID, srt)
    admin = await server.hub.gateway.tenants.admin_token(3600)
    good = {"admin": admin, "tenant": tenant.token, "seller": seller}
    return tenant, good, {"rt": tenant.refresh_token, "srt": srt, "connector": server.token}


def forged(token, **claims):
    """Return a token that says more than was signed, and one that says it is not signed."""
    head, said, signature = token.split(".")
    more = encoded({**msgspec.json.decode(base64.urlsafe_b64decode(said + "==")), **claims})
    return [f"{head}.{more}.{signature}", f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{more}.", f"{head}.{said}."]


def encoded(value):
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def test_no_route_opens_without_a_good_token_of_its_own_kind(house):
    """Attacks 28, 33 and 34."""

    async def scenario(server):
        tenant, good, others = await tokens(house, server)
        issue = server.hub.gateway.signing.issue
        everything = {"tenant_id": tenant.id, "tv": 0, "seller_id": ID, "sv": 0, "create-tenant": True}
        for endpoint in GUARDED:
            server.clock.advance(60)  # who is wrong this often has to wait
            kind, path, body = endpoint.access, address(endpoint), body_of(endpoint)
            wrong = [*(token for name, token in good.items() if name != kind), *others.values()]
            wrong += [await issue(other, 60, **everything) for other in HEADERS if other != kind]
            wrong += ["", " ", "x", "x.y.z", "\xe9", *forged(good[kind], tenant_id="x", seller_id="x", sv=9, tv=9)]
            asked = [sent(endpoint, token) for token in wrong] + [{}]
            name, token = HEADERS[kind], sent(endpoint, good[kind])[HEADERS[kind]]
            asked += [{**sent(endpoint, ""), name: [token, token]}, {**sent(endpoint, ""), name: [token, "x"]}]
            answers = [await request(server, endpoint.method, path, body, headers) for headers in asked]
            answers.append(await request(server, endpoint.method, f"{path}?{name}={good[kind]}", body))
            for headers, answer in zip([*asked, "query"], answers, strict=True):
                status, message = refusal(answer)
                assert status == 401, (endpoint.method, path, headers, message)
                assert message in MESSAGES[kind]
                assert answer.headers["www-authenticate"]

    house.run(scenario)


@pytest.mark.parametrize("why", ["expired", "taken back", "suspended", "another key", "deleted"])
def test_no_route_opens_to_a_token_that_was_good_once(sqlite_house, why):
    """Attack 28."""

    async def scenario(server):
        tenant, good, _ = await tokens(sqlite_house, server)
        tenants = server.hub.gateway.tenants
        for endpoint in GUARDED:
            if endpoint.method == "GET":  # they are good
                done = await request(server, "GET", address(endpoint), None, sent(endpoint, good[endpoint.access]))
                assert done.status != 401
        if why == "expired":
            server.clock.advance(30 * 86_400)
        elif why == "taken back":
            await tenants.renew_token(tenant.id, revoke=True)
        elif why == "suspended":
            await tenants.change(tenant.id, suspended=True)
        elif why == "another key":
            await server.hub.gateway.signing.rotate(retire=True)
        else:
            await server.hub.gateway.sellers.delete(tenant.caller, ID)
        server.hub.gateway.passes.forget(ID)
        kinds = {
            "expired": HEADERS,
            "taken back": ("tenant", "seller"),
            "suspended": ("tenant", "seller"),
            "another key": HEADERS,
            "deleted": ("seller",),
        }[why]
        for endpoint in GUARDED:
            if endpoint.access in kinds:
                headers = sent(endpoint, good[endpoint.access])
                answer = await request(server, endpoint.method, address(endpoint), body_of(endpoint), headers)
                assert refusal(answer) == (401, MESSAGES[endpoint.access][0]), (endpoint.method, endpoint.path)

    sqlite_house.run(scenario)


def test_another_tenants_sellers_are_as_if_they_were_not_there(house):
    """Attack 29."""

    async def scenario(server):
        tenant, _, _ = await tokens(house, server)
        other = await a_tenant(server, "Other")
        before = (await tenant.api("GET", f"/api/sellers/{ID}")).json
        rows = house.sql("SELECT * FROM sellers")
        seen = 0
        for endpoint in GUARDED:
            if endpoint.access != "tenant" or "{id}" not in endpoint.path:
                continue
            seen += 1
            known, nothing = [
                await request(
                    server, endpoint.method, address(endpoint, id), body_of(endpoint), sent(endpoint, other.token)
                )
                for id in (ID, "22222222-2222-4222-8222-222222222222")
            ]
            assert refusal(known) == refusal(nothing) == (404, "Seller not found"), (endpoint.method, endpoint.path)
            nul = await request(
                server, endpoint.method, address(endpoint, "x\0"), body_of(endpoint), sent(endpoint, other.token)
            )
            assert refusal(nul) == (404, "Seller not found")
        assert seen >= 7
        assert (await other.api("GET", "/api/sellers")).json["data"]["sellers"] == []
        assert (await tenant.api("GET", f"/api/sellers/{ID}")).json == before
        assert house.sql("SELECT * FROM sellers") == rows
        for path, name in (("/api/get-seller-access-token", "seller_id"),):
            answer = await other.api("POST", path, {name: ID, "refresh_token": "x"})
            assert refusal(answer) == (404, "Seller not found")

    house.run(scenario)


def test_no_address_takes_another_method_than_its_own(sqlite_house):
    """Attacks 32 and 49."""

    async def scenario(server):
        tenant, good, _ = await tokens(sqlite_house, server)
        takes = {}
        for endpoint in ENDPOINTS:
            takes.setdefault(endpoint.path, set()).add(endpoint.method)
        rows = sqlite_house.sql("SELECT * FROM sellers")
        for endpoint in ENDPOINTS:
            methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"}
            for method in sorted(methods - takes[endpoint.path]):
                headers = sent(endpoint, good[endpoint.access]) if endpoint.access != "anyone" else {}
                headers |= {"x-http-method-override": endpoint.method, "x-method-override": endpoint.method}
                answer = await request(server, method, address(endpoint), body_of(endpoint), headers)
                if method == "HEAD" and "GET" in takes[endpoint.path]:
                    assert answer.status in (200, 401, 403, 404)
                    continue
                assert refusal(answer)[0] == 405, (method, endpoint.path)
                assert ("referrer-policy" in answer.headers) == endpoint.path.startswith("/auth/")
                assert set(answer.headers["allow"].split(", ")) - {"HEAD"} <= takes[endpoint.path]
        assert sqlite_house.sql("SELECT * FROM sellers") == rows
        assert (await tenant.api("GET", "/api/sellers")).status == 200
        for prefix in PREFIXES[:2]:
            assert refusal(await request(server, "GET", f"{prefix}nothing"))[0] == 404

    sqlite_house.run(scenario)


def test_a_body_that_is_no_object_is_refused_by_every_route_that_takes_one(sqlite_house):
    """And a NUL, which PostgreSQL does not keep."""

    async def scenario(server):
        _, good, _ = await tokens(sqlite_house, server)
        for endpoint in ENDPOINTS:
            if endpoint.body is None:
                continue
            headers = sent(endpoint, good[endpoint.access]) if endpoint.access != "anyone" else {}
            for body in (b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 10_000, b'"\\ud800"'):
                answer = await request(server, endpoint.method, address(endpoint), body, headers)
                assert refusal(answer) == (400, "the body must be a JSON object"), (endpoint.path, body[:9])
            large = await request(server, endpoint.method, address(endpoint), b" " * (1 << 20) + b"{}", headers)
            assert refusal(large)[0] == 413
            for name in msgspec.structs.fields(endpoint.body):
                for value in ("x\0", 7, [], {}, True):
                    body = {**(body_of(endpoint) or {}), name.name: value}
                    answer = await request(server, endpoint.method, address(endpoint), body, headers)
                    assert answer.status in (400, 401, 403), (endpoint.path, body, answer.text)

    sqlite_house.run(scenario)


def test_no_token_and_no_secret_is_in_the_log_in_a_refusal_or_in_the_database(house, caplog):
    """Attacks 59 and 60."""

    async def scenario(server):
        caplog.set_level(logging.DEBUG)
        tenant, good, others = await tokens(house, server)
        texts, kept = [], [*good.values(), others["rt"], others["srt"], SECRET, OTHER]
        for endpoint in sorted(ENDPOINTS, key=lambda one: one.method == "DELETE"):
            token = good.get(endpoint.access, "")
            headers = sent(endpoint, token) if endpoint.access != "anyone" else {}
            for wrong in ({}, {name: f"{value}x" for name, value in headers.items()}):
                query = "" if wrong else f"?amazonTokenSecret={SECRET}&token={tenant.token}"
                for body in (body_of(endpoint), {"refresh_token": others["rt"], "token": others["srt"]}):
                    path = f"{address(endpoint)}{query}"
                    answer = await request(server, endpoint.method, path, body, headers | wrong)
                    if answer.status < 400:
                        shown = re.findall(r'"((?:s?rt_|eyJ)[^"]*)"', answer.text)
                        kept += shown
                    else:
                        texts.append(answer.text)
        await ask(server.app, "GET", f"{PUBLIC}/api/sellers/{tenant.token}", {})
        for table in ("tenants", "tenant_tokens", "sellers", "seller_tokens", "connections", "audit", "events"):
            texts += [repr(tuple(row)) for row in house.sql(f"SELECT * FROM {table}")]
        texts += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
        assert len(kept) > 6
        secrets = [*kept, *server.world.grants, "Atzr|", "Atza|"]
        found = [(secret[:12], text[:300]) for text in texts for secret in secrets if secret in text]
        assert found == []

    house.run(scenario)


def test_the_page_says_whose_token_each_route_takes():
    """The matrix believes the table; this is the second opinion."""
    rows = re.findall(r"^\| `([A-Z]+) (/\S*)` \| (\w+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    said = {(method, path): access for method, path, access in rows}
    assert {(one.method, one.path): one.access for one in ENDPOINTS}.items() <= said.items()
