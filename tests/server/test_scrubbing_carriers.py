"""What was filled in for a carrier does not come back in another spelling."""

from __future__ import annotations

import msgspec
import pytest

from sellerport.server.scrubbing.carriers import Filled, Sweep

USED = {
    "{{ship_to_name}}": "Ann-Marie van Buyer",
    "{{ship_to_address1}}": "221 Baker Street",
    "{{ship_to_city}}": "Zürich",
    "{{ship_to_zip}}": "97477-1234",
    "{{ship_to_phone}}": "+1 (555) 010-0199",
    "{{buyer_email}}": "ann@x.example",
}


@pytest.mark.parametrize(
    ("echo", "left"),
    [
        ("ANN MARIE VAN BUYER", ""),
        ("BUYER, Ann-Marie van", ""),
        ("no such address: 221 BAKER ST, ZURICH 97477", "no such address:  ST,  "),
        ("tel:15550100199", "tel:"),
        ("call 5550100199 now", "call  now"),
        ("https://carrier.test/?to=Ann%2DMarie+van%20Buyer&c=Z%c3%bcrich", "https://carrier.test/?to=&c="),
        ("ZÜRICH, Z%C3%9CRICH", ", "),
        ("221 parcels for Baker", "221 parcels for Baker"),
    ],
)
def test_values_are_found_as_carriers_write_them(echo: str, left: str) -> None:
    swept = Sweep(Filled(b"", USED, set()), placeholders=False)
    assert swept.text(echo) == left
    assert swept.json(msgspec.json.encode({"message": echo})).body == {"message": left}
