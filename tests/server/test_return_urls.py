"""Return URLs: what may be registered, and what a registered one covers."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sellerport.errors import Conflict, InvalidArguments, NotFound
from sellerport.server.hub.return_urls import parse

REGISTERED = parse("https://app.ok.com/cb", "url")


def covered(url):
    try:
        return REGISTERED.covers(parse(url, "redirect_url"))
    except InvalidArguments:
        return False


@pytest.mark.parametrize(
    "url",
    [
        "https://app.ok.com/cb",
        "https://app.ok.com/cb/",
        "https://app.ok.com:443/cb",
        "https://APP.OK.COM/cb",
        "https://app.ok.com/cb?user_id=1&next=https://evil.com/",
        "https://app.ok.com/cb/deeper/still",
    ],
)
def test_a_registered_url_covers_itself_and_what_is_below(url):
    assert covered(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.ok.com.evil.com/cb",
        "https://app.ok.com@evil.com/cb",
        "https://app.ok.com:cb@evil.com/cb",
        "https://evil.com\\@app.ok.com/cb",
        "https://evil.com#@app.ok.com/cb",
        "https://app.ok.com:444/cb",
        "https://app.ok.com:0/cb",
        "https://app.ok.com:x/cb",
        "http://app.ok.com/cb",
        "https://app.ok.com/",
        "https://app.ok.com/CB",
        "https://app.ok.com/cbevil",
        "https://app.ok.com/other/cb",
        "https://app.ok.com/cb/../steal",
        "https://app.ok.com/cb/./steal",
        "https://app.ok.com/cb/%2e%2e/steal",
        "https://app.ok.com/cb/%252e%252e/steal",
        "https://app.ok.com/cb%2fsteal",
        "https://app.ok.com/cb/..;/steal",
        "https://app.ok.com/cb\\..\\steal",
        "https://app.ok.com//cb",
        "https://app.ok.com/cb//evil.com",
        "https://app.ok.com/cb#fragment",
        "https://app.ok.com./cb",
        "https://xn--pp-yua.ok.com/cb",
        "https://\u0430pp.ok.com/cb",
        "https://app\u3002ok.com/cb",
        "https://app.ok.com/cb\r\nLocation: https://evil.com",
        "https://app.ok.com/cb\t",
        " https://app.ok.com/cb",
        "https:app.ok.com/cb",
        "https:///app.ok.com/cb",
        "//app.ok.com/cb",
        "///app.ok.com/cb",
        "/\\app.ok.com/cb",
        "/cb",
        "",
        "javascript:alert(1)//app.ok.com/cb",
        "data:text/html,https://app.ok.com/cb",
        "file:///app.ok.com/cb",
        "vbscript:x",
        "https://[::1/cb",
        "https://app.ok.com/cb/" + "a" * 2000,
    ],
)
def test_nothing_else_is_covered(url):
    assert not covered(url)


EVIL = ("evil.com", "app.ok.com.evil.com", "app.ok.com@evil.com", "evil.com%2f.app.ok.com", "evil.com\\.app.ok.com")
BEFORE = (
    "",
    "/",
    "//",
    "///",
    "////",
    "\\",
    "\\\\",
    "/\\",
    "\\/",
    "/\t/",
    "/\n/",
    "/ /",
    "/./",
    "/../",
    ".",
    "@",
    ";/",
    "%2f%2f",
)
SCHEMES = (
    "",
    "http:",
    "https:",
    "HTTPS:",
    "hTTp:",
    "ftp:",
    "javascript:",
    "java\tscript:",
    "data:text/html,",
    "\u2044\u2044",
)
BELOW = ("/cb", "")
JOINTS = ("%00", "%0d%0a", "%23", "#", "\\", "%5c", "\t", "\u3002", "\uff0f", "%e3%80%82")
AUTHORITIES = (".", ":80", ":443@", "@", "&@", "?@")


def open_redirects():
    """Every way that the building blocks of open redirects fit together."""
    for scheme, before, host, path in product(SCHEMES, BEFORE, EVIL, BELOW):
        yield f"{scheme}{before}{host}{path}"
    good = "https://app.ok.com"
    for before, host in product(BEFORE, EVIL):
        yield f"{good}{before}{host}"
        yield f"{good}{before}{host}/cb"
        yield f"{good}/cb{before}/../../{host}"
    for joint in (*JOINTS, *AUTHORITIES):
        yield f"{good}{joint}.evil.com/cb"
        yield f"{good}{joint}evil.com/cb"
        yield f"https://evil.com{joint}app.ok.com/cb"
        yield f"https://evil.com{joint}@app.ok.com/cb"


def test_1_no_open_redirect_is_covered():
    """Attack test 1: several hundred payloads, and none is accepted."""
    payloads = set(open_redirects())
    assert len(payloads) > 900
    assert [payload for payload in payloads if covered(payload)] == []


def test_1_each_payload_is_refused_at_the_door_too(sqlite_house):
    async def scenario(server):
        path = "/api/v1/integrations/connectors/oauth/initiate"
        await server.hub.return_urls.register(server.organization.id, "https://app.ok.com/cb")
        asked = {"connector_type": "amazon-seller-partner", "customer_name": "ann"}
        assert (await server.api("POST", path, asked | {"redirect_url": "https://app.ok.com/cb"})).status == 200
        for payload in sorted(set(open_redirects()))[::9]:
            answer = await server.api("POST", path, asked | {"redirect_url": payload})
            assert (answer.status, answer.json["errors"][0]["field"]) == (422, "redirect_url"), payload

    sqlite_house.run(scenario)


@given(st.text(alphabet="/\\.:@?#%25eE2fF;ahttpscb ok.com\t\n", max_size=60))
def test_no_text_after_the_host_leads_to_another_host(text):
    url = f"https://app.ok.com{text}"
    if covered(url):
        assert text == "" or text[0] in "/:?"
        assert parse(url, "url").host == "app.ok.com"


@pytest.mark.parametrize("url", ["http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]:3000/cb"])
def test_http_is_for_this_machine(url):
    assert parse(url, "url").segments == ("cb",)


def test_the_field_that_is_wrong_is_named():
    with pytest.raises(InvalidArguments) as caught:
        parse("http://app.ok.com/cb", "redirect_url")
    assert [problem.field for problem in caught.value.problems] == ["redirect_url"]


def test_return_urls_belong_to_an_organization(house):
    async def scenario(server):
        urls, mine = server.hub.return_urls, server.organization.id
        other = (await server.hub.organizations.create("Other")).id
        await urls.register(mine, "https://app.ok.com/cb")
        assert await urls.all(mine) == ["https://app.ok.com/cb", "https://shop.example.test/oauth"]
        assert await urls.all(other) == []
        await urls.check(mine, "https://app.ok.com/cb?x=1", "redirect_url")
        with pytest.raises(InvalidArguments, match="redirect_url: is not registered"):
            await urls.check(other, "https://app.ok.com/cb", "redirect_url")
        with pytest.raises(Conflict, match="registered already"):
            await urls.register(mine, "https://app.ok.com/cb")
        with pytest.raises(InvalidArguments, match="must have no query"):
            await urls.register(mine, "https://app.ok.com/cb?x=1")
        with pytest.raises(NotFound):
            await urls.remove(other, "https://app.ok.com/cb")
        await urls.remove(mine, "https://app.ok.com/cb")
        with pytest.raises(InvalidArguments):
            await urls.check(mine, "https://app.ok.com/cb", "redirect_url")

    house.run(scenario)
