"""A browser, as far as the pages of Seller Central need one: cookies, forms as they stand on a page, redirects."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

from .conftest import Local, Reply

SELLER_CENTRAL = "/sellercentral.amazon.com"
CONSENT = f"{SELLER_CENTRAL}/apps/authorize/consent"
LARKHOLLOW = "owner@larkhollow-home-goods.invalid"


class Forms(HTMLParser):
    """The forms of a page: each its fields, as they would be sent, and its buttons by their text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[tuple[dict[str, str], dict[str, tuple[str, str] | None]]] = []
        self._button: tuple[str, str] | None = None
        self._text: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert given.get("method") == "post"
            assert "action" not in given, "a form goes to its page's own address"
            self.forms.append(({}, {}))
        elif tag == "input" and (given["type"] == "hidden" or "checked" in given):
            self.forms[-1][0][given["name"]] = given["value"]
        elif tag == "button":
            self._button, self._text = (given["name"], given["value"]) if "name" in given else None, ""

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._text is not None:
            self.forms[-1][1][self._text.strip()] = self._button
            self._text = None


@dataclass
class Browser:
    """Goes where it is told; follows redirects within the local Amazon, and stops at the application's door."""

    amazon: Local
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    at: str = ""
    page: Reply | None = None

    def open(self, target: str) -> Reply:
        """Open an address, and return the page."""
        return self._go("GET", target)

    def press(self, button: str, number: int = 0, **changed: str) -> Reply:
        """Press a button of the page; a field may be chosen otherwise than it stands there."""
        return self._go("POST", self.at, urlencode(self.form(button, number) | changed))

    def form(self, button: str, number: int = 0) -> dict[str, str]:
        """Return what a button would send; ``number`` tells buttons of the same text apart."""
        assert self.page is not None
        found = [(fields, made[button]) for fields, made in Forms(self.text).forms if button in made]
        fields, pressed = found[number]
        return fields | ({pressed[0]: pressed[1]} if pressed else {})

    def sign_in(self, target: str, owner: str = LARKHOLLOW) -> Reply:
        """Open a page, signed in as this owner."""
        self.open(target)
        return self.press("Sign in", owner=owner)

    @property
    def text(self) -> str:
        """The page as it is written."""
        assert self.page is not None
        return self.page.body.decode()

    @property
    def sent_to(self) -> tuple[str, dict[str, str]]:
        """Where the page sends the browser: the address, and what it says there, in order."""
        assert self.page is not None
        assert self.page.status == 302, self.text
        parts = urlsplit(self.page.headers["location"])
        return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))

    def _go(self, method: str, target: str, body: str | None = None) -> Reply:
        headers = {**self.headers, "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            # a page without referrer sends this
            headers |= {"content-type": "application/x-www-form-urlencoded", "origin": "null"}
        self.at = target
        self.page = self.amazon.send(method, target, body, headers)
        for cookie in filter(None, [self.page.headers.get("set-cookie")]):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        if self.page.status == 303:
            return self._go("GET", self.page.headers["location"].removeprefix(self.amazon.base))
        return self.page
