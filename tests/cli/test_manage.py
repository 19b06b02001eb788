"""The operator's commands, on one database."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from sellerport.server.vault import read_key_file
from tests.cli.conftest import Shell
from tests.conftest import LocalAmazon

SECRET = "amzn1.oa2-cs.v1.test-secret"
REGISTER = ("application", "register", "--lwa-client-id", "amzn1.application-oa2-client.test")
ID = "amzn1.sp.solution.test"


def test_an_organization_has_clients_whose_secret_is_shown_once(operator: Shell) -> None:
    made = operator.json("client", "create", "--name", "importer")
    assert made["client_secret"]
    (listed,) = operator.json("client", "list")
    assert (listed["id"], listed["name"], listed["revoked_at"]) == (made["client_id"], "importer", None)
    assert made["client_secret"] not in operator.ok("client", "list")
    assert operator.json("client", "revoke", made["client_id"]) == {"revoked": made["client_id"]}
    assert operator.json("client", "list")[0]["revoked_at"]
    assert "no API client" in operator.fails("client", "revoke", made["client_id"])


def test_where_there_are_two_organizations_one_has_to_be_named(operator: Shell) -> None:
    operator.ok("organization", "create", "Borealis")
    assert [one["name"] for one in operator.json("organization", "list")] == ["Acme", "Borealis"]
    assert "say which organization with --organization; there are: Acme, Borealis" in operator.fails("client", "list")
    assert operator.json("client", "list", "--organization", "Borealis") == []
    assert "conflict" in operator.fails("organization", "create", "Acme")


def test_an_organization_is_deleted_once_that_is_confirmed_and_its_name_is_free(operator: Shell) -> None:
    create = ("gateway", "tenant", "create", "Warehouse", "--redirect-origin", "https://wms.test/oauth")
    made, delete = operator.json(*create)["tenant_id"], ("organization", "delete", "Warehouse")
    operator.ok(*REGISTER, "--organization", "Warehouse", given=f"{SECRET}\n")
    refused = operator.here(*delete, given=b"n\n")
    assert (refused.returncode, b"All that it has is erased" in refused.stdout) == (1, True)
    assert operator.json(*delete, "--yes") == {"deleted": made}
    assert operator.json("gateway", "tenant", "list") == []
    assert [one["name"] for one in operator.json("organization", "list")] == ["Acme"]
    assert "not_found: no organization 'Warehouse'" in operator.fails(*delete, "--yes")
    assert operator.json("audit", "verify")["ok"] is True
    (record,) = [one for one in operator.ok("audit", "export").splitlines() if "organization.deleted" in one]
    assert made in record
    assert operator.json(*create)["tenant_id"] != made


def test_without_an_organization_the_way_to_one_is_told(operator: Shell) -> None:
    operator.environ["SELLERPORT_DATABASE"] = "empty.db"
    assert "no organization yet; make one with `sellerport organization create" in operator.fails("client", "list")


def test_an_application_is_registered_with_a_secret_that_never_shows(operator: Shell) -> None:
    shown = operator.ok(*REGISTER, "--application-id", ID, given=f"{SECRET}\n")
    assert ID in shown
    assert SECRET not in shown + operator.ok("application", "list")
    (listed,) = operator.json("application", "list")
    at_amazon = listed["redirect_uris"], listed["log_in_uri"]
    server = "http://127.0.0.1:8080"
    assert at_amazon == (
        [f"{server}/oauth/callback", f"{server}/auth/redirect"],
        f"{server}/oauth/login/{listed['id']}",
    )
    assert all(one in shown for one in (*at_amazon[0], at_amazon[1]))
    operator.ok("application", "replace-secret", listed["id"], given="another\n")
    operator.ok("application", "remove", listed["id"])
    assert operator.json("application", "list") == []


def test_return_urls_are_added_listed_and_removed(operator: Shell) -> None:
    operator.ok("return-url", "add", "https://app.test/done")
    assert operator.json("return-url", "list") == [{"url": "https://app.test/done"}]
    assert "return URL" in operator.fails("return-url", "add", "https://app.test/done")
    operator.ok("return-url", "remove", "https://app.test/done")
    assert operator.json("return-url", "list") == []
    operator.ok("return-url", "add", "https://app.test/installed", "--for-installs")
    operator.ok("return-url", "remove", "https://app.test/installed")
    assert "invalid_arguments: url" in operator.fails("return-url", "add", "javascript:alert(1)", status=2)


def test_a_connection_is_made_from_a_refresh_token_shown_and_deleted(operator: Shell) -> None:
    operator.ok(*REGISTER, "--application-id", ID, given=f"{SECRET}\n")
    create = ("connection", "create", "--customer", "shop-7", "--marketplace", "DE")
    shown = operator.ok(*create, given="Atzr|test-token\n")
    assert "Atzr|test-token" not in shown
    operator.environ["COLUMNS"] = "80"
    assert operator.ok("connection", "list").split()[:2] == ["id", "status"]
    (listed,) = operator.json("connection", "list", "--customer", "shop-7")
    assert (listed["region"], listed["status"], listed["marketplace"]) == ("eu", "active", "A1PA6795UKMFR9")
    assert operator.json("connection", "list", "--customer", "other") == []
    assert operator.json("connection", "show", listed["id"])["customer"] == "shop-7"
    assert b"Atzr|test-token" not in b"".join(path.read_bytes() for path in operator.folder.glob("sellerport.db*"))
    assert "has a customer already" in operator.fails("connection", "claim", listed["id"], "--customer", "x")
    assert operator.run("connection", "delete", listed["id"], given="n\n").returncode == 1
    operator.ok("connection", "delete", listed["id"], "--yes")
    assert "not_found" in operator.fails("connection", "show", listed["id"])


def test_connect_prints_the_link_for_the_accounts_owner(operator: Shell) -> None:
    assert "application" in operator.fails("connect", "--customer", "shop-7")
    operator.ok(*REGISTER, "--application-id", ID, given=f"{SECRET}\n")
    operator.environ["SELLERPORT_PORT"] = "1"
    shown = operator.here("connect", "--customer", "shop-7")
    assert (shown.returncode, shown.stdout.startswith(b"http://127.0.0.1:1/connect/")) == (0, True)
    assert b"no server with this database answers at http://127.0.0.1:1: start it there, or set SELLERPORT_PORT" in (
        shown.stderr
    )
    made = operator.here("connect", "--customer", "shop-7", "--marketplace", "JP", "--json")
    assert json.loads(made.stdout)["consent_url"].startswith("http://127.0.0.1:1/connect/")
    refused = operator.fails("connect", "--customer", "shop-7", "--return-url", "https://evil.test/", status=2)
    assert "redirect_url" in refused


def test_without_a_key_nothing_starts_and_the_way_to_one_is_told(shell: Shell) -> None:
    assert "sellerport key new" in shell.fails("organization", "list")
    assert "sellerport key new" in shell.run("serve").stderr


def test_a_key_file_is_made_for_this_user_alone_and_never_overwritten(shell: Shell) -> None:
    told = shell.ok("key", "new", "vault.key")
    file = shell.folder / "vault.key"
    assert f"export SELLERPORT_VAULT_KEY_FILE={file}" in told
    assert set(shell.json("key", "new", "other.key")) == {"key_id", "file"}
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert "vault.key" in shell.fails("key", "new", "vault.key")
    assert file.read_bytes() == before


def test_a_database_sealed_with_another_key_is_refused_and_the_key_named(operator: Shell) -> None:
    operator.ok("key", "new", "other.key")
    operator.environ["SELLERPORT_VAULT_KEY_FILE"] = str(operator.folder / "other.key")
    refused = operator.fails("organization", "list")
    key = read_key_file(operator.folder / "vault.key")[0]
    assert f"key_missing: sealed with the vault key {sha256(key).hexdigest()[:8]}, which is not here" in refused


def test_a_setting_that_does_not_exist_is_refused(operator: Shell) -> None:
    operator.environ["SELLERPORT_DATABSE"] = str(Path("x.db"))
    assert "no setting SELLERPORT_DATABSE; did you mean SELLERPORT_DATABASE?" in operator.fails("organization", "list")


def test_a_webhook_is_made_tested_rotated_and_deleted(operator: Shell) -> None:
    made = operator.json("webhook", "create", "https://app.test/hooks", "--type", "connection.active")
    assert made["secret"].startswith("whsec_")
    (listed,) = operator.json("webhook", "list")
    assert (listed["id"], listed["types"]) == (made["id"], ["connection.active"])
    assert made["secret"] not in operator.ok("webhook", "list")
    assert operator.json("webhook", "test", made["id"]) == {"sent_to": made["id"]}
    assert operator.json("webhook", "rotate-secret", made["id"])["secret"] != made["secret"]
    assert operator.json("webhook", "deliveries", made["id"], "--status", "dead") == []
    assert operator.json("webhook", "replay", made["id"], "--dead-since", "2026-01-01") == {"events": 0}
    assert "not_found" in operator.fails("webhook", "replay", made["id"], "--event", "x")
    assert "--event or --dead-since" in operator.fails("webhook", "replay", made["id"], status=2)
    assert operator.json("webhook", "delete", made["id"]) == {"deleted": made["id"]}
    assert "invalid_arguments: url" in operator.fails("webhook", "create", "https://10.0.0.1/", status=2)


def test_amazon_is_asked_for_another_client_secret(operator: Shell, amazon: LocalAmazon) -> None:
    application = amazon.world.application()
    operator.ok(
        *("application", "register", "--lwa-client-id", application.client_id), given=f"{application.client_secret}\n"
    )
    (listed,) = operator.json("application", "list")
    assert operator.json("application", "rotate-secret", listed["id"]) == {"asked_for_a_secret_of": listed["id"]}
    assert amazon.world.application().client_secret != application.client_secret
