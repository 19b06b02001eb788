"""The operator's commands for the gateway, each in a process of its own, on one database."""

from __future__ import annotations

import json

from tests.cli.conftest import Shell

BLOB = (
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+goaKjpKWmp6ipqqusra6v"
    "JJd3qarzZPybHt4tik/s1fy8hevVT83ALmNg0BL3WgXB/ZosDmzsUVqu0v4ELe6N8Tz4rgXBSM0igg=="
)


def test_a_tenant_is_made_changed_suspended_and_gets_another_token(operator: Shell) -> None:
    made = operator.json("gateway", "tenant", "create", "Warehouse", "--redirect-origin", "https://wms.test/oauth")
    assert made["refresh_token"].startswith("rt_")
    changes = ("--tier", "enterprise", "--privacy", "remove", "--require-pushed", "--device-hub", "https://hub.test")
    operator.ok("gateway", "tenant", "change", "Warehouse", *changes)
    suspended = operator.json("gateway", "tenant", "suspend", made["tenant_id"])
    assert suspended["suspended_at"]
    operator.ok("gateway", "tenant", "resume", "Warehouse")
    adopted = ("gateway", "tenant", "create", "Acme", "--existing", "--redirect-origin", "https://acme.test")
    assert operator.json(*adopted)["tenant_id"] != made["tenant_id"]
    listed = operator.json("gateway", "tenant", "list")
    assert [one["name"] for one in listed] == ["Acme", "Warehouse"]
    assert listed[1] == suspended | {"suspended_at": None}
    assert (listed[1]["tier"], listed[1]["privacy"], listed[1]["require_pushed"]) == ("enterprise", "remove", True)
    renewed = operator.json("gateway", "tenant", "rotate-token", "Warehouse", "--grace", "0s")["refresh_token"]
    assert renewed not in (made["refresh_token"], operator.ok("gateway", "tenant", "list"))
    assert "--grace" in operator.fails("gateway", "tenant", "rotate-token", "Acme", "--grace", "1y", status=2)


def test_an_administrators_token_is_printed_and_recorded(operator: Shell) -> None:
    token = operator.ok("gateway", "admin-token", "--expiry", "5m").strip()
    assert token.count(".") == 2
    assert operator.json("gateway", "admin-token")["expires_in"] == 3600
    assert "--expiry" in operator.fails("gateway", "admin-token", "--expiry", "25h", status=2)
    assert operator.json("gateway", "rotate-key", "--retire")["newest"]
    recorded = operator.ok("audit", "export")
    assert recorded.count("admin_token.made") == 2
    assert token not in recorded
    assert operator.ok("audit", "export", "--gateway") == ""  # of what its contract has, nothing happened


def test_tenants_and_sellers_are_imported_once_and_what_is_wrong_is_said(operator: Shell) -> None:
    tenant = {"kind": "tenant", "id": "clx1", "name": "Moved", "redirect_origin": "https://wms.test"}
    seller = {"kind": "seller", "id": "seller_1", "tenant_id": "clx1", "selling_partner_id": "A1"}
    seller |= {"marketplace_region": "us-east-1", "amazon_refresh_token": BLOB, "authorized_at": "2026-03-01T00:00:00Z"}
    file = operator.folder / "rows.jsonl"
    file.write_text(f"{json.dumps(tenant)}\n\n{json.dumps(seller)}\n")
    assert operator.json("gateway", "import", str(file)) == {"imported": 2, "here_already": 0, "problems": []}
    wrong = {**seller, "id": "2", "marketplace_region": "na"}
    file.write_text(f"{json.dumps(tenant)}\n{json.dumps(wrong)}\n[]\n{{\n")
    said = operator.fails("gateway", "import", str(file))
    assert "line 2: marketplace_region" in said
    assert "line 3" in said
    assert "line 4: no JSON object" in said
    assert BLOB[:20] not in said
