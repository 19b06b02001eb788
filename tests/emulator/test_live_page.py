"""The page that shows accounts, plans and traffic."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from sellerport.emulator import Fault, Outcome

from .conftest import Local, Reply


class Page(HTMLParser):
    """A page's table rows as texts, and what it would load or lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.loads: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data.strip()

    def row(self, first: str) -> list[str]:
        return next(one for one in self.rows if one[0] == first)


def show(amazon: Local) -> Reply:
    return amazon.send("GET", "/_emulator/")


def test_it_shows_accounts_and_their_refresh_tokens(amazon: Local) -> None:
    amazon.control("POST", "accounts", {"selling_partner_id": "ANEW", "marketplaces": ["PL"], "name": "K", "orders": 2})
    amazon.world.revoke(selling_partner_id="ALOCALSELLERFE")
    answer = show(amazon)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = Page(answer.body.decode())
    eu = page.row("ALOCALSELLEREU")
    assert eu == [
        "ALOCALSELLEREU",
        "Tannwerk & Söhne",
        "seller",
        "eu",
        "DE, GB, FR, IT, ES",
        "60",
        "Atzr|local-seller-eu",
    ]
    assert page.row("ANEW")[-3:] == ["PL", "2", "none"]
    assert page.row("ALOCALSELLERFE")[-1] == "none"


def test_it_shows_what_arrived_newest_first(amazon: Local) -> None:
    amazon.call("GET", "/sellers/v1/account", "x", one="1")
    amazon.world.fail(Fault(status=503))
    amazon.send("GET", "/sellingpartnerapi-eu.amazon.com/orders/v0/orders")
    newest, oldest = [row[1:] for row in Page(show(amazon).body.decode()).rows[-2:]]
    assert newest == ["503", "GET", "sellingpartnerapi-eu.amazon.com", "/orders/v0/orders", "", "json"]
    assert oldest == ["403", "GET", "", "/sellers/v1/account", "one=1", ""]
    assert len(amazon.world.requests) == 2  # looking is no traffic


def test_it_shows_no_more_than_the_last_hundred(amazon: Local) -> None:
    for number in range(103):
        amazon.call("GET", f"/x{number}", "x")
    paths = [row[4] for row in Page(show(amazon).body.decode()).rows if row[2] == "GET"]
    assert paths == [f"/x{number}" for number in range(102, 2, -1)]


def test_it_shows_what_is_planned(amazon: Local) -> None:
    assert "No faults, no outcomes." in show(amazon).body.decode()
    amazon.world.fail(Fault(operation="orders_v0.get_order", answer="slow", times=None))
    amazon.world.plan(Outcome(type="GET_*", status="FATAL"))
    text = " ".join(re.sub("<[^>]*>", "", show(amazon).body.decode()).split())
    assert "slow for operation orders_v0.get_order, until it is forgotten" in text
    assert "FATAL for a report GET_*, once" in text


def test_what_arrives_is_only_text_in_it_and_secrets_are_masked(amazon: Local) -> None:
    amazon.send("GET", "/<script>alert(1)</script>?a=%3Cb%3E&access_token=Atza|very-secret")
    amazon.world.add_account(("US",), name="<img src=x>")
    text = show(amazon).body.decode()
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "&lt;b&gt;" in text
    assert "very-secret" not in text


def test_it_needs_nothing_from_elsewhere_and_may_load_nothing(amazon: Local) -> None:
    answer = show(amazon)
    text = answer.body.decode()
    assert Page(text).loads == []
    assert "http://" not in text
    assert "https://" not in text
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")


def test_it_can_be_read_by_everybody(amazon: Local) -> None:
    """A language, one heading of the first level, headers of columns and rows, and updates that can be paused."""
    text = show(amazon).body.decode()
    assert '<html lang="en">' in text
    assert text.count("<h1") == 1
    assert text.count('scope="row"') == len(amazon.world.accounts)
    assert not re.search(r"<th>", text)
    assert re.search(r'<button type="button" id="pause" aria-pressed="false"', text)
    assert set(re.findall(r'aria-labelledby="(\w+)"', text)) <= set(re.findall(r' id="(\w+)"', text))
