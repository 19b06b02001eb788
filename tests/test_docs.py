"""The docs say what is so: generated pages equal the code, links lead somewhere, and examples run as they are printed.

Fenced ``sh`` and ``python`` blocks of a page are one shell session, which begins in an empty folder. Blocks of other
languages are only shown.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click
import pytest
from starlette.routing import Route

from sellerport import catalog, errors
from sellerport.catalog import Family
from sellerport.cli import cli
from sellerport.credentials import ADS, SELLING_PARTNER
from sellerport.emulator import World, control, running
from sellerport.server import connector_api, consent_pages
from sellerport.server.settings import CLIENT_NAMES, table

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
BIN = Path(sys.executable).parent
PEER = next(ROOT.glob(".venv-peers/lib/*/site-packages/sp_api"), None)
PEER_MARK = "# needs python-amazon-sp-api\n"
FRAMEWORK_MARKS = tuple(f"# needs {one}\n" for one in ("pydantic-ai", "langchain-core", "openai-agents", "fastmcp"))
NOT_RUN = (PEER_MARK, "# needs a Redis server\n", *FRAMEWORK_MARKS)  # those of frameworks are run by `make frameworks`
TIMEOUT_S = 180

ORDER_ID = r"\d{3}-\d{7}-\d{7}"


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def rows(page: str) -> list[list[str]]:
    """The cells of every table row, without code marks."""
    lines = [line for line in (DOCS / page).read_text("utf-8").splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# Generated pages


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "tools" / "docs.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_generated_pages_say_what_the_code_says() -> None:
    found = generate("--check")
    assert (found.returncode, found.stdout) == (0, "docs: 6 files up to date\n"), found.stderr


def test_the_check_names_the_pages_that_differ_and_leaves_written_ones_alone(tmp_path: Path) -> None:
    (tmp_path / "written.md").write_text("# By hand\n", "utf-8")
    assert generate("--out", tmp_path).returncode == 0
    assert generate("--check", "--out", tmp_path).returncode == 0
    marker = (tmp_path / "errors.md").read_text("utf-8").splitlines()[0]
    (tmp_path / "gone.md").write_text(f"{marker}\n", "utf-8")
    (tmp_path / "errors.md").write_text("stale", "utf-8")
    found = generate("--check", "--out", tmp_path)
    assert (found.returncode, found.stdout) == (1, "docs: errors.md, gone.md out of date\n")
    generate("--out", tmp_path)
    assert not (tmp_path / "gone.md").exists()
    assert (tmp_path / "written.md").read_text("utf-8") == "# By hand\n"


@pytest.mark.parametrize(("name", "family"), [("operations.md", "seller-partner"), ("ads-operations.md", "ads")])
def test_every_operation_is_documented_under_its_api_version(name: str, family: Family) -> None:
    text = (DOCS / name).read_text("utf-8")
    found = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        api = re.match(r"\w+", section)
        assert api is not None
        rows = re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", section, re.M)
        found += [f"{api[0]}.{operation} {rest}" for operation, rest in rows]
    assert sorted(found) == sorted(f"{one.key} {one.method} {one.path}" for one in catalog.operations(family))


def test_every_error_is_documented_with_its_code_and_what_to_do() -> None:
    found = {row[0]: (row[1], bool(row[3]), bool(row[4])) for row in rows("errors.md")}
    assert found == {kind.__name__: (kind.code, True, True) for kind in errors.tree()}


def test_every_setting_is_documented() -> None:
    names = {name for name, _, _ in table()} | CLIENT_NAMES
    names |= {name for one in (SELLING_PARTNER, ADS) for name in (*one.variables().values(), *one.settings)}
    names |= {"SP_API_DEFAULT_MARKETPLACE"}
    assert {row[0] for row in rows("settings.md")} == names


def test_every_command_is_documented_with_its_options() -> None:
    text = (DOCS / "commands.md").read_text("utf-8")
    found = {}
    for section in re.split(r"^##+ ", text, flags=re.MULTILINE)[1:]:
        path, _, rest = section.partition("\n")
        found[path] = set(re.findall(r"^\| `(--[\w-]+)", rest, re.MULTILINE))
    assert found == dict(commands(cli, click.Context(cli, info_name="sellerport")))


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, set[str]]]:
    yield context.command_path, {one.opts[-1] for one in command.params if isinstance(one, click.Option)}
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, click.Context(below, info_name=name, parent=context))


# Written pages


def test_the_pages_name_no_setting_and_no_command_that_is_not_there() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    settings = {name for name, _, _ in table()} | CLIENT_NAMES | {*SELLING_PARTNER.settings, *ADS.settings}
    assert set(re.findall(r"SELLERPORT_[A-Z_]*[A-Z]", text)) <= settings
    known = {path for path, _ in commands(cli, click.Context(cli, info_name="sellerport"))}
    for words in re.findall(r"`sellerport ([a-z][a-z -]*[a-z])", text):
        first, _, second = words.partition(" ")
        assert f"sellerport {first}" in known
        assert not second or f"sellerport {first} {second}".split(" -")[0] in known, words


def test_the_connector_apis_page_lists_every_route() -> None:
    listed = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]*)`", (DOCS / "connector-api.md").read_text("utf-8")))
    others = {"GET /health", "GET /ready", "GET /openapi.json"}
    assert listed == {*served([*connector_api.routes(), *consent_pages.routes()]), *others}


def test_the_local_amazons_page_lists_its_control_plane_and_its_accounts() -> None:
    text, world = (DOCS / "local-amazon.md").read_text("utf-8"), World(orders=1)
    assert set(re.findall(r"^\| `([A-Z]+ /_emulator/\w+)`", text, re.M)) == set(served(control.routes(world)))
    accounts = {(row[0], row[1], row[3].replace("\\", "")) for row in rows("local-amazon.md") if len(row) == 4}
    grants = world.grants.values()
    assert accounts == {(one.account.selling_partner_id, one.account.region, one.refresh_token) for one in grants}


def served(routes: list[Route]) -> Iterator[str]:
    for route in routes:
        yield from (f"{method} {route.path}" for method in (route.methods or set()) - {"HEAD"})


def test_the_readme_denies_nothing_that_is_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8").partition("There is not yet:")[2].partition("\n## ")[0]
    there = ["paging", "reports", "restricted", "credentials.yml", "notifications", "Redis", "report", "feed"]
    assert [word for word in there if word in text] == []


def test_every_relative_link_leads_somewhere() -> None:
    dead = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if re.match(r"\w+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                dead.append(f"{named(page)}: {link}")
    assert dead == []


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# Examples


def blocks(page: Path) -> list[tuple[str, str]]:
    found = re.findall(r"^```(sh|python)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [(language, text) for language, text in found if not text.startswith(NOT_RUN)]


def script(page: Path) -> str:
    """The page's examples as one script: Python blocks with no shell between them are one program."""
    parts = ["set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"]
    before = ""
    for language, text in blocks(page):
        if language == "python" and before == "python":
            parts[-1] = parts[-1].removesuffix("PYTHON\n") + f"\n{text}PYTHON\n"
        else:
            parts.append(text if language == "sh" else f"python - <<'PYTHON'\n{text}PYTHON\n")
        before = language
    return "".join(parts)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def run(page: Path, folder: Path) -> str:
    """Run a page's examples, on free ports, and return what they printed. Whatever they started ends with them."""
    assert shutil.which("curl"), "the docs' examples call curl, which is not on the path: install it"
    amazon, server = free_ports(2)
    text = script(page).replace("8099", str(amazon)).replace("8080", str(server))
    (folder / "home").mkdir()
    (folder / "session.sh").write_text(text, "utf-8")
    (folder / "empty").mkdir()
    environ = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "SELLERPORT_PORT": str(server),
    }
    with subprocess.Popen(
        ["bash", folder / "session.sh"],
        cwd=folder / "empty",
        env=environ,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the session's own group
            printed, _ = process.communicate()
            pytest.fail(f"{named(page)} did not end:\n{printed}")
    assert process.returncode == 0, printed
    return printed


def test_the_readme_runs_as_printed_and_ends_with_orders(tmp_path: Path) -> None:
    printed = run(ROOT / "README.md", tmp_path)
    assert re.search(rf"^{ORDER_ID} \S+ \d+ items$", printed, re.MULTILINE)
    assert "reports_2021_06_30.get_report_schedules" in printed
    assert "Amazon.com.mx" in printed
    assert re.search(r"^.*https://app\.example\.com/connected\?shop=7&connector_id=[\w-]{36}$", printed, re.MULTILINE)
    assert re.search(rf'"status":"success","result":\[\{{"AmazonOrderId":"{ORDER_ID}","OrderStatus":', printed)


def test_the_librarys_page_runs_as_printed(tmp_path: Path) -> None:
    printed = run(DOCS / "library.md", tmp_path)
    assert "create_after is unknown; did you mean 'created_after'?\nmax_results_per_page " in printed
    assert "amazon_refused 400 InvalidInput Order 902-0000000-0000000 was not found" in printed


def test_the_ads_page_runs_as_printed(tmp_path: Path) -> None:
    printed = run(DOCS / "ads.md", tmp_path)
    assert re.search(r"^\d+ na US seller \w", printed, re.MULTILINE)
    assert re.search(r"^\[\(0, '\d+'\)\]\n1 \w+Error \w+ \$\.campaigns\[1\]", printed, re.MULTILINE)
    assert re.search(r"207: 1 refused: item 0: \w+ at \$\.campaigns\[0\]\.name \(request id ", printed)
    assert re.search(r"^PENDING after 0 s\nCOMPLETED after 5 s\n\d{4}-\d\d-\d\d \d+ [\d.]+$", printed, re.MULTILINE)
    assert re.search(r'^\{"campaignId":"\d+","clicks":\d+,"cost":[\d.]+\}$', printed, re.MULTILINE)
    assert re.search(r"^\('SPONSORED_\w+', '[^']+'\)$", printed, re.MULTILINE)


def test_the_connectors_page_runs_as_printed_here_and_through_a_server(tmp_path: Path) -> None:
    printed = run(DOCS / "connectors.md", tmp_path)
    assert printed.count("CheckResult(status='healthy', error=None") == 1
    assert "feeds_2021_06_30.create_feed changes things at Amazon" in printed
    assert re.search(rf"^\{{'AmazonOrderId': '{ORDER_ID}', 'OrderTotal': \{{'Amount': ", printed, re.MULTILINE)
    assert "\n5 True\n" in printed  # the server may log something more


def test_the_gateways_page_runs_as_printed_and_ends_with_orders_without_buyers(tmp_path: Path) -> None:
    printed = run(DOCS / "gateway.md", tmp_path)
    assert re.search(
        r"^https://wms\.example\.com/oauth/done\?ref=123&state=order\+desk\+7&tenant_id=", printed, re.MULTILINE
    )
    orders = json.loads(printed.strip().splitlines()[-1])["payload"]["Orders"]
    assert len(orders) == 2
    assert all("ShippingAddress" not in one and "BuyerInfo" not in one for one in orders)


def test_the_agents_page_runs_and_prints_what_it_shows(tmp_path: Path) -> None:
    printed = run(DOCS / "agents.md", tmp_path)
    shown = re.findall(r"^```text\n(.*?)^```$", (DOCS / "agents.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(shown) == 2
    assert "".join(shown) in printed
    assert re.search(r"^records 1 to \d+ of 20\nrecords True$", printed, re.MULTILINE)


def test_the_servers_page_runs_as_printed_and_renews_a_withdrawn_consent(tmp_path: Path) -> None:
    printed = run(DOCS / "server.md", tmp_path)
    assert re.search(rf'"result":\[\{{"AmazonOrderId":"{ORDER_ID}"', printed)
    assert re.search(rf"^ {ORDER_ID} ", printed, re.MULTILINE), "the table of sellerport call"
    called, _, renewed = printed.partition('"error_code":"grant_revoked"')
    assert '"error_code"' not in called
    assert re.search(r"^status +active$", renewed, re.MULTILINE)


def test_the_local_amazons_page_runs_as_printed(tmp_path: Path) -> None:
    printed = run(DOCS / "local-amazon.md", tmp_path)
    assert re.search(rf"^{ORDER_ID} Amazon\.de$", printed, re.MULTILINE)
    assert '"name":"Kramik","kind":"seller","region":"eu"' in printed
    assert "60 orders, after two failures\n" in printed
    assert re.search(r"^throttled \d", printed, re.MULTILINE)


@pytest.mark.skipif(PEER is None, reason="python-amazon-sp-api is not installed; make check does that")
def test_the_other_client_is_pointed_at_the_local_amazon_as_printed() -> None:
    text = (DOCS / "local-amazon.md").read_text("utf-8")
    example = re.search(rf"^```python\n({PEER_MARK}.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert example is not None
    with running() as address:
        program = example[1].replace("http://127.0.0.1:8099", address).replace("127.0.0.1:8099", address[7:])
        command: list[str | Path] = [ROOT / ".venv-peers" / "bin" / "python", "-c", program]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert (found.returncode, found.stdout) == (0, "36\n"), found.stderr


@pytest.mark.skipif(PEER is None, reason="python-amazon-sp-api is not installed; make check does that")
def test_the_same_program_in_both_libraries_prints_the_same() -> None:
    text = (DOCS / "moving-from-python-amazon-sp-api.md").read_text("utf-8")
    theirs, ours = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    pointed = (
        "from sp_api.auth import AccessTokenClient\n"
        "from sp_api.base import Marketplaces\n"
        "AccessTokenClient.scheme, AccessTokenClient.host = 'http://', '{address}'.removeprefix('http://')\n"
        "Marketplaces.US.endpoint = '{address}'\n"
    )
    printed = []
    for python, begin, program in (
        (ROOT / ".venv-peers" / "bin" / "python", pointed, theirs),
        (sys.executable, "", ours),
    ):
        with running(World(polls=0)) as address:
            application = World(orders=1).application()
            environ = {
                **os.environ,
                "SELLERPORT_AMAZON": address,
                "SP_API_REFRESH_TOKEN": "Atzr|local-seller-na",
                "LWA_APP_ID": application.client_id,
                "LWA_CLIENT_SECRET": application.client_secret,
            }
            command: list[str | Path] = [python, "-c", begin.format(address=address) + program]
            found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, env=environ)
        assert found.returncode == 0, found.stderr
        printed.append(found.stdout)
    assert printed[0] == printed[1]
    assert re.search(rf"^{ORDER_ID} \w", printed[0], re.MULTILINE)


def test_the_index_for_language_models_links_to_what_is_there() -> None:
    text = (ROOT / "llms.txt").read_text("utf-8")
    links = re.findall(r"^- \[[^\]]+\]\(([^)]+)\)", text, re.MULTILINE)
    assert [link for link in links if not (ROOT / link).is_file()] == []
    assert {page for page in PAGES if page.parent == DOCS} - {ROOT / link for link in links} == {DOCS / "index.md"}
    assert re.match(r"# Sellerport\n\n> \S", text)


def test_the_readme_shows_what_the_demo_prints() -> None:
    """The steps by their numbers and names, and the table's head; addresses, ids and orders differ each time."""
    command: list[str | Path] = [BIN / "sellerport", "demo"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert found.returncode == 0, found.stderr
    shown = re.search(r"^```text\n( 1  .*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    step = re.compile(r"^( ?\d+  \w.{15}) ", re.MULTILINE)
    head = re.compile(r"^ order .*total", re.MULTILINE)
    assert step.findall(found.stdout) == step.findall(shown[1])
    assert head.findall(found.stdout) == head.findall(shown[1])
    assert found.stdout.splitlines()[-1] == shown[1].splitlines()[-1]
