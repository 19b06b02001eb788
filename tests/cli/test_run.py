"""`sellerport serve`, `emulate`, `demo`, help and completion."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sellerport import emulator
from sellerport.cli import _COMMANDS, cli
from sellerport.cli import demo as demo_module
from sellerport.emulator import Fault, World
from sellerport.errors import DemoError
from tests.cli.conftest import Shell

REGISTER = ("application", "register", "--lwa-client-id", "amzn1.x", "--application-id", "amzn1.sp.solution.x")


@contextmanager
def started(shell: Shell, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command that stays up, and give the first line that it prints."""
    shell.environ["PYTHONUNBUFFERED"] = "1"
    with shell.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def test_serve_answers_until_it_is_interrupted_and_ends_in_order(operator: Shell) -> None:
    with started(operator, "serve", "--port", "0") as (process, line):
        url = line.split()[-1]
        assert json.load(urllib.request.urlopen(f"{url}/health")) == {"status": "ok"}
        assert json.load(urllib.request.urlopen(f"{url}/ready")) == {"status": "ready"}
        operator.ok(*REGISTER, given="secret\n")
        operator.environ["SELLERPORT_PORT"] = url.rpartition(":")[2]
        assert operator.ok("connect", "--customer", "shop-7").startswith(f"{url}/connect/")  # where a server knows it
    assert process.returncode == 0


def test_emulate_answers_and_prints_what_a_client_needs(shell: Shell) -> None:
    with started(shell, "emulate", "--port", "0", "--orders", "3") as (process, line):
        url = line.split()[-1]
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.fullmatch(r"export (\w+)='?([^']+?)'?\n", line):
                shell.environ[found[1]] = found[2]
            if "SP_API_REFRESH_TOKEN" in line:
                break
        assert shell.environ["SELLERPORT_AMAZON"] == url
        assert (
            len(shell.json("call", "orders_v0.get_orders", "created_after=2020-01-01T00:00:00Z")["payload"]["Orders"])
            > 0
        )
    assert process.returncode == 0


def test_emulate_leads_any_client_to_it_by_the_environment_that_it_prints(shell: Shell) -> None:
    ca = shell.ok("emulate", "ca").strip()
    assert Path(ca).is_relative_to(shell.environ["XDG_DATA_HOME"])
    assert shell.json("emulate", "ca") == {"ca": ca}
    with started(shell, "emulate", "--port", "0", "--orders", "3", "--json") as (_, line):
        told = json.loads(line)
        assert (told["HTTPS_PROXY"], told["SSL_CERT_FILE"], told["REQUESTS_CA_BUNDLE"]) == (told["address"], ca, ca)
        code = "import urllib.request as all; print(all.urlopen('https://api.amazon.com/_emulator/state').status)"
        names = {name: told[name] for name in ("HTTPS_PROXY", "SSL_CERT_FILE")}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=names)
        assert done.stdout == "200\n"


def test_emulate_stays_on_this_machine_until_it_is_told_otherwise(shell: Shell) -> None:
    assert "other machines can reach 0.0.0.0" in shell.fails("emulate", "--host", "0.0.0.0", "--port", "0")
    with started(shell, "emulate", "--host", "0.0.0.0", "--port", "0", "--i-know", "--json") as (_, line):
        assert json.loads(line)["address"].startswith("http://0.0.0.0:")


def test_emulate_refuses_an_authority_whose_key_others_can_read(shell: Shell) -> None:
    Path(shell.ok("emulate", "ca").strip()).with_name("ca-key.pem").chmod(0o644)
    for words in (["emulate", "ca"], ["emulate", "--port", "0"]):
        assert "others can get at" in shell.fails(*words)


@pytest.mark.parametrize(("command", "name"), [("serve", "url"), ("emulate", "address")])
def test_what_stays_up_tells_its_address_as_json_too(operator: Shell, command: str, name: str) -> None:
    with started(operator, command, "--port", "0", "--json") as (_, line):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", json.loads(line)[name])


@pytest.mark.parametrize("command", ["serve", "emulate"])
def test_a_port_that_is_taken_is_named(operator: Shell, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        told = operator.run(command, "--port", port).stderr
    assert f"port {port}" in told
    assert "settings" in told


def test_the_demo_runs_and_shows_the_same_orders_three_ways(shell: Shell) -> None:
    shown = shell.run("demo").stdout
    steps = re.findall(r"^ ?(\d+)  (\w.*?)  ", shown, re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, 13))
    counts = re.findall(r": (\d+) orders", shown)
    assert len(counts) == 3
    assert len(set(counts)) == 1
    assert len(re.findall(r"90\d-\d{7}-\d{7}", shown)) == int(counts[0]) > 0
    assert list(shell.folder.iterdir()) == []


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)], ids=str)
def test_the_demo_stays_up_with_keep_until_it_is_stopped(shell: Shell, stop: signal.Signals, status: int) -> None:
    (shell.folder / "tmp").mkdir()
    shell.environ |= {"PYTHONUNBUFFERED": "1", "TMPDIR": str(shell.folder / "tmp")}
    with shell.start("demo", "--keep", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.fullmatch(r"export (\w+)=(\S+)\n", line):
                shell.environ[found[1]] = found[2]
            if "SELLERPORT_CONNECTION" in line:
                break
        assert shell.json("call", "orders.search_orders", "created_after=2020-01-01T00:00:00Z")["orders"]
        process.send_signal(stop)
        process.communicate(timeout=30)
    assert process.returncode == status
    assert list((shell.folder / "tmp").iterdir()) == []


def test_the_demo_prints_json(shell: Shell) -> None:
    found = json.loads(shell.run("demo", "--json").stdout)
    assert [one["step"] for one in found["steps"]][-3:] == ["from Python", "over HTTP", "by command"]
    assert found["orders"][0]["AmazonOrderId"]


def test_a_step_of_the_demo_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local Amazon of the demo is given a fault, as a person could give it one through its control plane."""

    class Failing(World):
        def reset(self, seed: int | None = None) -> None:
            super().reset(seed)
            self.fail(Fault(path="/auth/o2/token", status=500, times=9))

    monkeypatch.setattr(demo_module.emulator, "World", Failing)
    done = CliRunner().invoke(demo_module.demo)
    assert isinstance(done.exception, DemoError)
    assert str(done.exception).startswith("step 9, grant sealed: expected a connector_id")
    assert emulator.World is Failing


def commands(group: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, (*words, name))


ALL = dict(commands(cli))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_and_option_has_help(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, [*words, "--help"])
    assert done.exit_code == 0
    assert ALL[words].help
    assert "..." not in done.output.partition("Commands:")[2]
    for parameter in ALL[words].params:
        documented = getattr(parameter, "help", None) or getattr(parameter, "show_default", None)
        assert documented or parameter.param_type_name == "argument", parameter.name


@pytest.mark.parametrize(
    "words", [words for words, command in ALL.items() if not isinstance(command, click.Group)], ids=" ".join
)
def test_every_command_can_print_json(words: tuple[str, ...]) -> None:
    options = {option for parameter in ALL[words].params for option in parameter.opts}
    assert ("--json" in options) == (words != ("completion",))  # which prints a program


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: Shell, shell_name: str) -> None:
    assert "_SELLERPORT_COMPLETE" in shell.ok("completion", shell_name)


def test_completion_knows_the_commands(shell: Shell) -> None:
    shell.environ |= {"_SELLERPORT_COMPLETE": "bash_complete", "COMP_WORDS": "sellerport con", "COMP_CWORD": "1"}
    assert shell.run().stdout.split() == ["plain,connect", "plain,connection"]


def test_the_list_of_commands_says_what_they_do() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    for words, command in ALL.items():
        if len(words) == 1:
            first = (command.help or "").split("\n")[0].rstrip(".")
            assert f"{words[0]} " in shown
            assert _COMMANDS[words[0]][1].rstrip(".") in first


def lacking(shell: Shell, *packages: str) -> None:
    for package in packages:
        (shell.folder / f"{package}.py").write_text(f"raise ModuleNotFoundError(name={package!r})", "utf-8")


def test_a_command_whose_libraries_are_not_installed_says_how_to_get_them(shell: Shell) -> None:
    for words, missing, extra in (
        (("organization", "list"), "sqlalchemy", "server"),
        (("emulate",), "starlette", "emulator"),
    ):
        lacking(shell, missing)
        needed = f"`sellerport {words[0]}` needs {missing}; install it with: pip install 'sellerport[{extra}]'"
        assert needed in shell.run(*words).stderr


def test_the_local_amazon_needs_nothing_that_only_the_server_does(shell: Shell) -> None:
    lacking(shell, "aiosqlite", "alembic", "sqlalchemy", "structlog")
    assert "Run a local Amazon" in shell.run("emulate", "--help").stdout


def test_completion_offers_what_is_installed(shell: Shell) -> None:
    lacking(shell, "sqlalchemy")
    shell.environ |= {"_SELLERPORT_COMPLETE": "bash_complete", "COMP_WORDS": "sellerport co", "COMP_CWORD": "1"}
    assert shell.run().stdout.split() == ["plain,completion"]


@pytest.mark.parametrize("words", [["--help"], ["call", "--help"]], ids=" ".join)
def test_help_loads_neither_the_server_nor_a_database(tmp_path: Path, words: list[str]) -> None:
    code = f"""
import sys
from click.testing import CliRunner
from sellerport.cli import _COMMANDS, cli
assert CliRunner().invoke(cli, {words}).exit_code == 0
heavy = {{"starlette", "uvicorn", "sqlalchemy", "cryptography", "structlog", "rich"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "[]"
