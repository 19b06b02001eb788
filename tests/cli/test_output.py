"""What is printed, on whatever it is printed."""

from __future__ import annotations

import json
import subprocess

import pytest

from sellerport.cli.output import fields, show, table
from sellerport.emulator import Outcome
from tests.cli.conftest import Shell
from tests.conftest import LocalAmazon

REPORT = ("report", "ANY_REPORT", "--patience", "0")
SINCE = "created_after=2020-01-01T00:00:00Z"


def test_amazons_texts_are_no_markup_and_steer_no_terminal(seller: Shell, amazon: LocalAmazon) -> None:
    said = "The value [blue] is not one of [/b] :smile: \x1b[31m\x9b1m\x07\x7f"
    issue = {"messageId": 1, "code": "9", "severity": "WARNING", "message": said}
    amazon.world.plan(Outcome(kind="feed", body=json.dumps({"summary": {"warnings": 1}, "issues": [issue]})))
    seller.environ["COLUMNS"] = "200"
    done = seller.here("feed", "POST_ANY", "-", "--patience", "0", given=b"sku")
    assert done.returncode == 0, done.stderr
    assert "The value [blue] is not one of [/b] :smile: �[31m�1m��" in done.stdout.decode()


def test_names_of_fields_are_no_markup_either(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"[red]a[/b]\x1b": 1, "b": {"\x1b": {}}, "c": "one\ttwo"}
    table([row])
    assert "[red]a[/b]�" in capsys.readouterr().out
    fields(row)
    assert capsys.readouterr().out.startswith("[red]a[/b]�  1\n")
    show(row, False)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["[red]a[/b]�", "1"],
        ["b.�", "{}"],
        ["c", "one", "two"],
    ]


def test_what_a_column_has_no_room_for_is_seen_to_be_missing(capsys: pytest.CaptureFixture[str]) -> None:
    table([{"[x]": "y" * 300, "[i]other": 1}])
    shown = capsys.readouterr().out
    assert "yyy…" in shown
    assert "1 more field in --json or a wider window: [i]other\n" in shown
    table([{"x": "y" * 300, **dict.fromkeys("abcdefg", 1)}])
    assert "7 more fields in --json or a wider window: a, b, c, d, e, f, …\n" in capsys.readouterr().out


def test_an_error_line_steers_no_terminal(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.fail(status=404, code="NotFound", message="no \x1b[31morder")
    assert "NotFound no �[31morder" in seller.here("call", "orders_v0.get_orders", SINCE).stderr.decode()


@pytest.mark.parametrize("charset", ["latin-1", "cp1252", "utf-8"])
def test_any_encoding_of_the_output_can_take_every_text(seller: Shell, amazon: LocalAmazon, charset: str) -> None:
    row = {"name": "größe 日本 \U0001f600 \x81"}
    amazon.world.plan(Outcome(body=f"name\n{row['name']}\n", times=2))
    rows = seller.here(*REPORT, "--rows", charset=charset)
    assert json.loads(rows.stdout.decode(charset)) == row, rows.stderr
    shown = seller.here(*REPORT, "--out", "größe 日本.tsv", charset=charset)
    escaped = "日本".encode(charset, "backslashreplace").decode(charset)
    assert f"größe {escaped}.tsv" in shown.stdout.decode(charset), shown.stderr
    table = seller.here("call", "orders_v0.get_orders", SINCE, charset=charset)
    assert b"AmazonOrderId" in table.stdout, table.stderr


def test_a_process_whose_streams_are_not_in_utf8_prints_all_the_same(shell: Shell) -> None:
    shell.environ["PYTHONIOENCODING"] = "latin-1"
    assert "no operation has \\u65e5\\u672c in its name" in shell.run("operations", "日本").stdout


@pytest.mark.parametrize("words", [("operations",), ("operations", "--json"), REPORT], ids=" ".join)
def test_a_full_disk_is_one_line(seller: Shell, words: tuple[str, ...]) -> None:
    with (
        open("/dev/full", "w", encoding="utf-8") as full,
        seller.start(*words, stdout=full, stderr=subprocess.PIPE) as process,
    ):
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "the output cannot be written: No space left on device" in told.splitlines()[-1]
    assert "Traceback" not in told
    assert "Exception" not in told
    assert ("to go on: " in told) == (words == REPORT)


def test_a_reader_that_has_enough_is_left_in_peace(seller: Shell, amazon: LocalAmazon) -> None:
    amazon.world.plan(Outcome(size=1 << 20))
    with seller.start(*REPORT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        told = process.stderr.read()
    assert [line.rsplit(": ", 1)[1] for line in told.splitlines()] == ["IN_QUEUE", "DONE"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("call",), "Missing argument 'OPERATION'"),
        (("call", "--no-such-option"), "No such option"),
        (("no-such-command",), "No such command"),
        (("oprations",), "Did you mean 'operations'?"),
        (("report", "X", "--patience", "x"), "is not a valid float"),
        (("call", "orders.no_such_operation"), "no operation 'no_such_operation'"),
        (("call", "sellers.get_account", "x=1"), "x: is unknown"),
    ],
    ids=str,
)
def test_what_was_asked_for_wrongly_exits_with_2_and_is_json_if_asked(
    seller: Shell, words: tuple[str, ...], said: str
) -> None:
    told = seller.here(*words)
    assert (told.returncode, told.stdout, said in told.stderr.decode()) == (2, b"", True), told.stderr
    as_json = seller.here(*words, "--json")
    assert as_json.returncode == 2
    error = json.loads(as_json.stderr)["error"]
    assert said in str(error)
    assert error["code"] in ("invalid_arguments", "unknown_operation")
