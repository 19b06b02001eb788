"""Organizations, API clients and access tokens; applications and their secrets."""

from __future__ import annotations

import pytest

from sellerport.errors import CallerError, Conflict, InvalidArguments, NotFound, StoreError, Unauthenticated
from sellerport.server.hub import Caller


def test_an_organization_is_found_by_name_and_id_and_made_once(house):
    async def scenario(server):
        organizations = server.hub.organizations
        made = await organizations.create("Zeta")
        assert await organizations.find("Zeta") == await organizations.find(made.id) == made
        assert [one.name for one in await organizations.all()] == ["Acme", "Zeta"]
        with pytest.raises(Conflict, match="'Zeta' already"):
            await organizations.create("Zeta")
        with pytest.raises(NotFound, match="no organization 'Eta'"):
            await organizations.find("Eta")
        impostor = await organizations.create(made.id)
        assert await organizations.find(made.id) == made != impostor

    house.run(scenario)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "a\x00"])
def test_names_are_printable_and_of_some_length(sqlite_house, name):
    async def scenario(server):
        with pytest.raises(InvalidArguments, match="name: must have 1 to 200 printable characters"):
            await server.hub.organizations.create(name)

    sqlite_house.run(scenario)


def test_an_api_client_exchanges_its_secret_for_a_token_of_fifteen_minutes(house):
    async def scenario(server):
        access = server.hub.access
        client = await access.create_client(server.organization.id, "other")
        token = await access.issue(client.id, client.secret)
        assert (token.expires_in, token.organization_id) == (900, server.organization.id)
        assert await access.verify(token.token) == Caller(server.organization.id, client.id)
        server.clock.advance(899)
        await access.verify(token.token)
        server.clock.advance(1)
        with pytest.raises(Unauthenticated):
            await access.verify(token.token)

    house.run(scenario)


def test_a_wrong_id_and_a_wrong_secret_are_refused_alike(house):
    async def scenario(server):
        refusals = set()
        for id, secret in (
            (server.client_id, "wrong"),
            (server.client_id, ""),
            (server.client_id, server.client_secret + "x"),
            ("wrong", server.client_secret),
            ("", ""),
        ):
            with pytest.raises(Unauthenticated) as caught:
                await server.hub.access.issue(id, secret)
            refusals.add(str(caught.value))
        assert len(refusals) == 1

    house.run(scenario)


def test_a_wrong_secret_takes_no_part_in_writing(sqlite_house):
    """SQLite has one writer at a time, and anybody may send a wrong secret."""

    async def scenario(server):
        database = server.hub.access._database
        writing, database.writing = database.writing, None
        with pytest.raises(Unauthenticated):
            await server.hub.access.issue(server.client_id, "wrong")
        database.writing = writing
        await server.hub.access.issue(server.client_id, server.client_secret)

    sqlite_house.run(scenario)


def test_a_revoked_client_loses_its_secret_and_its_tokens_at_once(house):
    async def scenario(server):
        access, mine = server.hub.access, server.organization.id
        other = (await server.hub.organizations.create("Other")).id
        with pytest.raises(NotFound):
            await access.revoke_client(other, server.client_id)
        await access.verify(server.token)
        await access.revoke_client(mine, server.client_id)
        with pytest.raises(Unauthenticated):
            await access.verify(server.token)
        with pytest.raises(Unauthenticated):
            await access.issue(server.client_id, server.client_secret)
        with pytest.raises(NotFound):
            await access.revoke_client(mine, server.client_id)
        (client,) = await access.clients(mine)
        assert client.revoked_at == server.clock.now

    house.run(scenario)


def test_a_revoked_client_stays_revoked_while_the_database_is_away(house):
    async def scenario(server):
        access = server.hub.access
        await access.verify(server.token)
        await access.revoke_client(server.organization.id, server.client_id)
        house.sql("ALTER TABLE access_tokens RENAME TO hidden")
        try:
            with pytest.raises(StoreError):
                await access.verify(server.token)
        finally:
            house.sql("ALTER TABLE hidden RENAME TO access_tokens")

    house.run(scenario)


def test_an_api_client_needs_an_organization(house):
    async def scenario(server):
        with pytest.raises(NotFound, match="no organization 'nobody'"):
            await server.hub.access.create_client("nobody", "backend")

    house.run(scenario)


def test_secrets_are_long_shown_once_and_masked(house):
    async def scenario(server):
        client = await server.hub.access.create_client(server.organization.id, "other")
        token = await server.hub.access.issue(client.id, client.secret)
        assert client.secret.startswith("sellerport_secret_")
        assert len(client.secret) == len("sellerport_secret_") + 43
        assert client.secret not in repr(client)
        assert token.token not in repr(token)
        assert client.secret not in repr(await server.hub.access.clients(server.organization.id))

    house.run(scenario)


APP = {"lwa_client_id": "amzn1.application-oa2-client.x", "lwa_client_secret": "amzn1.oa2-cs.v1.test-secret"}


def test_an_application_is_found_by_its_name_or_by_being_the_only_one(house):
    async def scenario(server):
        applications = server.hub.applications
        id = (await server.hub.organizations.create("Other")).id
        only = await applications.register(id, **APP, name="only")
        assert await applications.find(id) == only
        second = await applications.register(id, **APP, name="second")
        with pytest.raises(CallerError, match="name one of only, second"):
            await applications.find(id)
        default = await applications.register(id, **APP)
        assert await applications.find(id) == default
        assert await applications.find(id, "second") == second
        with pytest.raises(Conflict, match="seller-partner application 'second' already"):
            await applications.register(id, **APP, name="second")
        ads = await applications.register(id, **APP, name="second", platform="ads")
        assert await applications.find(id, "second", "ads") == ads

    house.run(scenario)


def test_an_application_is_its_organizations_alone(house):
    async def scenario(server):
        applications = server.hub.applications
        other = (await server.hub.organizations.create("Other")).id
        (mine,) = await applications.all(server.organization.id)
        for refused in (
            applications.get(other, mine.id),
            applications.lwa_client(other, mine.id),
            applications.replace_secret(other, mine.id, "x"),
            applications.remove(other, mine.id),
        ):
            with pytest.raises(NotFound):
                await refused
        client = await applications.lwa_client(server.organization.id, mine.id)
        assert client.client_secret == "amzn1.oa2-cs.v1.test-secret"

    house.run(scenario)


def test_the_two_ids_of_an_application_are_not_mixed_up(house):
    async def scenario(server):
        with pytest.raises(InvalidArguments) as caught:
            await server.hub.applications.register(
                server.organization.id,
                name="x",
                lwa_client_id="amzn1.sp.solution.x",
                lwa_client_secret="s",
                application_id="amzn1.application-oa2-client.x",
            )
        assert [problem.field for problem in caught.value.problems] == ["application_id", "lwa_client_id"]

    house.run(scenario)


def test_a_replaced_secret_is_the_one_used(house):
    async def scenario(server):
        (mine,) = await server.hub.applications.all(server.organization.id)
        server.clock.advance(5)
        await server.hub.applications.replace_secret(server.organization.id, mine.id, "the-new-one")
        client = await server.hub.applications.lwa_client(server.organization.id, mine.id)
        assert client.client_secret == "the-new-one"
        assert (await server.hub.applications.get(server.organization.id, mine.id)).updated_at == mine.created_at + 5
        assert "the-new-one" not in repr(client)

    house.run(scenario)
