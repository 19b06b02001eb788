"""What callers of the hosted contract rely on: tokens, workspaces, checks, changes, writes, skills, applications."""

from __future__ import annotations

import uuid

import pytest
from tests.server.conftest import CLIENT, CLIENT_SECRET
from tests.server.test_connector_api import (
    CONNECTORS,
    DEFINITION,
    INITIATE,
    OWN,
    REPLICATION,
    SHOP,
    TYPED,
    assert_refused,
    create,
    granted,
)

from sellerport.emulator import Fault

START = "replication_start_date"
ADS = "c6b0a29e-1da9-4512-9002-7bfd0cba2246"
TOKENS = "/api/v1/account/applications"
WORKSPACES = "/api/v1/workspaces"
CREDENTIALS = "/api/v1/oauth/credentials"
WRITE = {
    "entity": "listings_items",
    "action": "delete_listings_item",
    "params": {"seller_id": "ALOCALSELLERNA", "sku": "NONE", "marketplace_ids": "ATVPDKIKX0DER"},
}


async def scoped(server, name="ann"):
    return (await server.api("POST", f"{TOKENS}/scoped-token", {"workspace_name": name})).json["token"]


def test_a_scoped_token_is_good_for_one_workspace_for_twenty_minutes(house):
    async def scenario(server):
        mine, theirs = (await create(server)).json["id"], (await create(server, workspace_name="bob")).json["id"]
        for path in (f"{TOKENS}/scoped-token", "/api/v1/embedded/scoped-token"):
            made = await server.api("POST", path, {"customer_name": "ann", "region_id": str(uuid.uuid4())})
            assert (made.status, made.json["expires_in"]) == (200, 1200)
        token = made.json["token"]
        info = (await server.api("GET", f"{TOKENS}/scoped-token/info", token=token)).json
        (ann,) = (await server.api("GET", f"{WORKSPACES}?name_contains=ann")).json["data"]
        assert info == {
            "organization_id": server.organization.id,
            "workspace_id": ann["id"],
            "workspace_name": "ann",
        }
        listed = (await server.api("GET", CONNECTORS, token=token)).json["data"]
        assert [one["id"] for one in listed] == [mine]
        assert (await server.api("GET", f"{CONNECTORS}?workspace_name=bob", token=token)).json == {"data": []}
        run = {"entity": "orders", "action": "list"}
        assert (await server.api("POST", f"{CONNECTORS}/{mine}/execute", run, token=token)).status == 200
        assert (await server.api("POST", f"{CONNECTORS}/{theirs}/execute", run, token=token)).status == 404
        for path, body in ((CONNECTORS, {"credentials": {"refresh_token": "x"}}), (INITIATE, {"redirect_url": SHOP})):
            foreign = await server.api("POST", path, {**TYPED, "workspace_name": "bob", **body}, token=token)
            assert_refused(foreign, 403, "not_allowed", None, "another workspace")
            unnamed = {"connector_type": "amazon-seller-partner", **body}
            assert (await server.api("POST", path, unnamed, token=token)).status == 200
        renewal = await server.api("POST", INITIATE, {"connector_id": theirs}, token=token)
        assert renewal.status == 404
        server.clock.advance(1199)
        assert (await server.api("GET", CONNECTORS, token=token)).status == 200
        server.clock.advance(1)
        assert (await server.api("GET", CONNECTORS, token=token)).status == 401

    house.run(scenario)


def test_who_may_write_is_decided_by_the_token_and_the_entities(house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        execute, token = f"{CONNECTORS}/{id}/execute", await scoped(server)
        by_scoped = await server.api("POST", execute, WRITE, token=token)
        assert_refused(by_scoped, 403, "not_allowed", None, "a scoped token only reads")
        assert (await server.api("POST", execute, WRITE)).status != 403
        one = f"{CONNECTORS}/{id}"
        for entities, status in (
            ([{"entity": "orders", "modes": ["read", "write"]}], 403),
            ([{"entity": "listings_items", "modes": ["read"]}], 403),
            ([{"entity": "listings_items"}], 403),
            ([{"entity": "listings_items", "modes": ["write"]}], None),
            ([{"entity": "listings_items_2021_08_01", "modes": ["read", "write"]}], None),
            ([], None),
        ):
            changed = await server.api("PUT", one, {"entities": entities})
            assert changed.status == 200
            answer = await server.api("POST", execute, WRITE)
            assert (answer.status == 403) == (status == 403), (entities, answer.text)
            read = {"entity": "orders", "action": "list"}
            assert (await server.api("POST", execute, read)).status == 200
        assert (await server.api("GET", one)).json["entities"] == []
        unknown = await server.api("PUT", one, {"entities": [{"entity": "odrers"}]})
        assert_refused(unknown, 422, "value_error", "entities.0.entity", "no entity 'odrers'")
        modes = await server.api("PUT", one, {"entities": [{"entity": "orders", "modes": ["rite"]}]})
        assert_refused(modes, 422, "value_error", "entities.0.modes.0")
        widened = await server.api("PUT", one, {"entities": []}, token=token)
        assert_refused(widened, 403, "not_allowed", None, "a scoped token does not set them")

    house.run(scenario)


def test_a_connector_is_changed_and_what_is_left_out_stays(house):
    async def scenario(server):
        entities = [{"entity": "orders", "modes": ["read"]}]
        made = await create(server, name="Own", replication_config=REPLICATION, entities=entities)
        id = made.json["id"]
        assert made.json["entities"] == entities
        server.clock.advance(5)
        renamed = (await server.api("PUT", f"{CONNECTORS}/{id}", {"name": "Other"})).json
        assert (renamed["name"], renamed["replication_config"], renamed["entities"]) == ("Other", REPLICATION, entities)
        assert renamed["updated_at"] > made.json["updated_at"]
        later = {"replication_start_date": "2026-01-01T00:00:00Z", "kept": 1}
        changed = (await server.api("PUT", f"{CONNECTORS}/{id}", {"replication_config": later})).json
        assert (changed["name"], changed["replication_config"]) == ("Other", later)
        for wrong, field, said in (
            ({"name": " "}, "name", "must have 1 to 200"),
            ({"replication_config": {"since": 1}}, "replication_config.replication_start_date", "required property"),
            (
                {"replication_config": {"replication_start_date": "soon"}},
                "replication_config.replication_start_date",
                "",
            ),
        ):
            refused = await server.api("PUT", f"{CONNECTORS}/{id}", wrong)
            assert_refused(refused, 422, "value_error", field, said)
            if "name" not in wrong:
                assert (await create(server, **wrong)).status == 422
        assert (await server.api("GET", f"{CONNECTORS}/{id}")).json == changed

    house.run(scenario)


def test_credentials_and_connectors_are_tried_and_nothing_is_stored(house):
    async def scenario(server):
        good = {**TYPED, "credentials": {**OWN, "refresh_token": await granted(server)}}
        tried = (await server.api("POST", f"{CONNECTORS}/check", good)).json
        assert (tried["status"], tried["entity_check_results"][0]["entity"]) == ("succeeded", "orders")
        registered = {**TYPED, "credentials": {"refresh_token": await granted(server)}}
        assert (await server.api("POST", f"{CONNECTORS}/check", registered)).json["status"] == "succeeded"
        bad = {**TYPED, "credentials": {**OWN, "refresh_token": "Atzr|x"}}
        failed = (await server.api("POST", f"{CONNECTORS}/check", bad)).json
        assert (failed["status"], failed["failure_reason"]["failure_type"]) == ("failed", "config_error")
        assert failed["error_message"]
        assert "Atzr" not in str(failed)
        assert (await server.api("GET", CONNECTORS)).json == {"data": []}
        for body, status in (({**good, "connector_type": None}, 422), ({**TYPED, "credentials": {"a": 1}}, 400)):
            assert (await server.api("POST", f"{CONNECTORS}/check", body)).status == status
        id = (await create(server)).json["id"]
        for body in (None, {}, {"name": "x"}):
            checked = (await server.api("POST", f"{CONNECTORS}/{id}/check", body)).json
            assert (checked["id"], checked["status"]) == (id, "succeeded")
        server.world.fail(Fault(status=503, times=9))
        passing = (await server.api("POST", f"{CONNECTORS}/{id}/check")).json
        assert (passing["status"], passing["failure_reason"]["retryable"]) == ("failed", True)
        assert passing["entity_check_results"][0]["status_code"] == 503
        server.world.faults.clear()
        server.world.revoke()
        server.clock.advance(3600)
        token = (await server.hub.access.issue(server.client_id, server.client_secret)).token
        for _ in range(2):
            again = (await server.api("POST", f"{CONNECTORS}/{id}/check", token=token)).json
            assert "consent again" in again["error_message"]
        inspected = (await server.api("GET", f"{CONNECTORS}/{id}/inspect", token=token)).json
        (ann,) = (await server.api("GET", WORKSPACES, token=token)).json["data"]
        assert (inspected["workspace_id"], inspected["source_definition_id"]) == (ann["id"], DEFINITION)
        assert inspected["docs_skill_id"] == f"connector_source:{id}"
        assert "consent again" in inspected["warnings"][0]

    house.run(scenario)


def test_workspaces_are_listed_changed_and_deleted_with_their_connectors(house):
    async def scenario(server):
        made = {name: (await create(server, workspace_name=name)).json["id"] for name in ("ann", "Bob", "bob_2")}
        token = await scoped(server, "new")
        first = (await server.api("GET", f"{WORKSPACES}?limit=3")).json
        assert len(first["data"]) == 3
        rest = (await server.api("GET", first["next"])).json
        assert [len(rest["data"]), rest["next"]] == [1, None]
        found = {one["name"]: one for one in [*first["data"], *rest["data"]]}
        assert set(found) == {"ann", "Bob", "bob_2", "new"}
        named = (await server.api("GET", f"{WORKSPACES}?name_contains=OB_")).json["data"]
        assert [one["name"] for one in named] == ["bob_2"]
        assert (await server.api("GET", f"{WORKSPACES}/stats")).json == {
            "active_count": 4,
            "inactive_count": 0,
            "total_count": 4,
        }
        new = f"{WORKSPACES}/{found['new']['id']}"
        changed = (await server.api("PUT", new, {"status": "inactive", "cache_enabled": True})).json
        assert (changed["status"], changed["cache_enabled"], changed["name"]) == ("inactive", True, "new")
        assert (await server.api("GET", f"{WORKSPACES}?status=inactive")).json["data"] == [changed]
        assert (await server.api("GET", CONNECTORS, token=token)).status == 401
        shut = await server.api("POST", f"{TOKENS}/scoped-token", {"workspace_name": "new"})
        assert_refused(shut, 409, "conflict", None, "inactive")
        ann, token = f"{WORKSPACES}/{found['ann']['id']}", await scoped(server)
        taken = await server.api("PUT", ann, {"name": "Bob"})
        assert_refused(taken, 409, "conflict", None, "another workspace")
        assert (await server.api("PUT", ann, {"name": "anna"})).json["name"] == "anna"
        listed = (await server.api("GET", f"{CONNECTORS}?workspace_name=anna")).json["data"]
        assert [one["id"] for one in listed] == [made["ann"]]
        assert [one["id"] for one in (await server.api("GET", CONNECTORS, token=token)).json["data"]] == [made["ann"]]
        deleted = (await server.api("DELETE", ann)).json
        assert (deleted["id"], deleted["deleted_at"]) == (found["ann"]["id"], "2027-01-15T08:00:00.000Z")
        assert (await server.api("GET", CONNECTORS, token=token)).status == 401
        for gone in (ann, f"{CONNECTORS}/{made['ann']}"):
            assert (await server.api("GET", gone)).status == 404
        assert (await server.api("GET", f"{CONNECTORS}/{made['Bob']}")).status == 200
        assert (await server.api("DELETE", ann)).status == 404
        assert (await server.api("GET", f"{WORKSPACES}/stats")).json["total_count"] == 3
        for query, field in (
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("status=x", "status"),
            ("cursor=%FF", "cursor"),
        ):
            assert_refused(await server.api("GET", f"{WORKSPACES}?{query}"), 422, "value_error", field)
        assert (await server.hub.audit.verify()).ok

    house.run(scenario)


def test_an_organizations_own_application_is_configured_and_never_shown(house):
    async def scenario(server):
        other = await server.hub.organizations.create("Other")
        client = await server.hub.access.create_client(other.id, "backend")
        token = (await server.hub.access.issue(client.id, client.secret)).token
        configuration = {"lwa_app_id": CLIENT, "lwa_client_secret": CLIENT_SECRET, "app_id": "amzn1.sp.solution.test"}
        body = {"connector_type": "Amazon-Seller-Partner", "configuration": configuration}
        made = await server.api("PUT", CREDENTIALS, body, token=token)
        assert (made.status, made.json["scope_id"], made.json["connector_definition_id"]) == (200, other.id, DEFINITION)
        assert CLIENT_SECRET not in made.text
        typed = {**TYPED, "workspace_name": "ann"}
        assert (await server.api("POST", INITIATE, typed, token=token)).status == 200
        changed = {**configuration, "lwa_client_secret": "amzn1.oa2-cs.v1.other"}
        same = await server.api("PUT", CREDENTIALS, {**body, "configuration": changed}, token=token)
        assert same.json["id"] == made.json["id"]
        found = await server.hub.applications.lwa_client(other.id, made.json["id"])
        assert (found.client_id, found.client_secret) == (CLIENT, "amzn1.oa2-cs.v1.other")
        by_id = {"connector_definition_id": ADS, "configuration": {"client_id": "a", "client_secret": "b"}}
        assert (await server.api("PUT", CREDENTIALS, by_id, token=token)).json["connector_definition_id"] == ADS
        moved = {**by_id, "configuration": {"client_id": "c", "client_secret": "d"}}
        assert (await server.api("PUT", CREDENTIALS, moved, token=token)).status == 200
        for wrong, field in (
            ({**body, "scope": 1}, "scope"),
            ({"configuration": {}}, "body"),
            ({**body, "connector_definition_id": ADS}, "body"),
            ({**body, "configuration": {}}, "configuration.lwa_app_id"),
            ({**body, "configuration": {**configuration, "x": "y"}}, "configuration.x"),
            ({**by_id, "configuration": {"client_id": 1, "client_secret": "b"}}, "configuration.client_id"),
        ):
            assert_refused(await server.api("PUT", CREDENTIALS, wrong, token=token), 422, "value_error", field)
        spec = (await server.api("GET", f"{CREDENTIALS}/spec?connector_type=amazon-ads", token=token)).json
        assert spec["configuration"]["required"] == ["client_id", "client_secret"]
        for _ in range(2):
            gone = await server.api("DELETE", f"{CREDENTIALS}/connector_type/amazon-ads", token=token)
            assert (gone.status, gone.body) == (204, b"")
        assert [one.platform for one in await server.hub.applications.all(other.id)] == ["seller-partner"]
        await create(server, credentials={"refresh_token": await granted(server)})
        used = await server.api("PUT", CREDENTIALS, {**body, "configuration": {**configuration, "lwa_app_id": "z"}})
        assert_refused(used, 409, "conflict", None, "connections use this application")

    house.run(scenario)


@pytest.mark.parametrize("action", ["context_store_search", "context_store_sql_query", "search", "api_search"])
def test_the_context_store_is_said_not_to_be_ready(sqlite_house, action):
    async def scenario(server):
        id = (await create(server)).json["id"]
        body = {"entity": "orders", "action": action, "params": {"query": {"filter": {}}, "sql": "select 1"}}
        assert_refused(await server.api("POST", f"{CONNECTORS}/{id}/execute", body), 409, "conflict", None, "not ready")

    sqlite_house.run(scenario)


def test_what_a_connector_can_do_is_described_and_its_skill_says_the_same(sqlite_house):
    async def scenario(server):
        id = (await create(server)).json["id"]
        described = (await server.api("POST", f"{CONNECTORS}/{id}/execute", {"entity": "", "action": "describe"})).json
        orders = next(one for one in described["result"] if one["entity_name"] == "orders")
        assert orders["available_actions"] == ["list", "get"]
        names = [one["name"] for one in orders["parameters"]["list"]]
        assert "created_after" in names
        demanded = [one["name"] for one in orders["parameters"]["list"] if one["required"]]
        assert demanded == []  # the connection knows its marketplace
        (get,) = [one for one in orders["parameters"]["get"] if one["required"]]
        assert (get["name"], get["in"], get["type"]) == ("order_id", "path", "string")
        one = {"entity": "orders", "action": "describe"}
        assert (await server.api("POST", f"{CONNECTORS}/{id}/execute", one)).json["result"] == [orders]
        (skill,) = (await server.api("GET", "/api/v1/skills/search?query=seller")).json["data"]
        assert (await server.api("GET", "/api/v1/skills?limit=1")).json == {"data": [skill], "next_cursor": None}
        docs = (await server.api("GET", f"/api/v1/skills/docs?id={skill['id']}&section=orders")).json
        assert (docs["metadata"], docs["section_id"]) == (skill, "orders")
        assert [one["id"] for one in docs["outline"]] == [one["entity_name"] for one in described["result"]]
        assert ["order_id", "string", "yes"] in docs["content"][-1]["rows"]
        for query in ("id=x", "id=connector_source:x", f"id={skill['id']}&section=x"):
            assert (await server.api("GET", f"/api/v1/skills/docs?{query}")).status == 404
        definitions = (await server.api("GET", "/api/v1/integrations/definitions/sources?name=amazon-ads")).json
        assert [one["sourceDefinitionId"] for one in definitions["definitions"]] == [ADS]
        single = (await server.api("GET", f"/api/v1/integrations/definitions/sources/{ADS}")).json
        assert single["definition"]["spec"]["connectionSpecification"]["required"] == ["refresh_token"]
        templates = (await server.api("GET", "/api/v1/integrations/templates/sources")).json["data"]
        assert [one["actor_definition_id"] for one in templates] == [DEFINITION, ADS]
        assert (await server.api("GET", f"/api/v1/integrations/templates/sources/{DEFINITION}")).status == 200
        assert (await server.api("GET", f"/api/v1/integrations/templates/sources/{uuid.uuid4()}")).status == 404

    sqlite_house.run(scenario)


def test_programs_of_the_contracts_first_version_still_work(sqlite_house):
    async def scenario(server):
        login = {"client_id": server.client_id, "client_secret": server.client_secret}
        token = (await server.api("POST", "/api/v1/applications/token", login)).json["access_token"]
        body = {
            "external_user_id": "ann",
            "definition_id": DEFINITION,
            "credentials": {**OWN, "refresh_token": await granted(server)},
        }
        id = (await server.api("POST", "/v1/integrations/connectors", body, token=token)).json["id"]
        query = f"external_user_id=ann&definition_id={DEFINITION}"
        found = await server.api("GET", f"/api/v1/connectors/connectors_for_user?{query}", token=token)
        assert found.json == {"connectors": [{"id": id}]}
        assert len((await server.api("GET", f"/v1/integrations/connectors?{query}", token=token)).json["data"]) == 1
        run = {"entity": "orders", "action": "list", "params": None}
        done = await server.api("POST", f"/api/v1/connectors/sources/{id}/execute", run, token=token)
        assert done.json["result"]

    sqlite_house.run(scenario)
