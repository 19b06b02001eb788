"""What the house promises about itself: sizes, names, and generated files that say so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sellerport import errors

ROOT = Path(__file__).parent.parent
SOURCES = [path for folder in ("src", "tools", "benchmarks", "peers") for path in sorted((ROOT / folder).rglob("*.py"))]
WRITTEN = [path for path in SOURCES if not {"types", "types.py", "versions"} & set(path.parts)]
"""Without what is generated, and without migrations, which are lists of columns."""


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_functions_fit_a_readers_head(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 600
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert length <= 60, f"{path.name}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_has_a_name_that_says_it(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "common", "base", "manager", "core", "misc"}
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_every_exception_is_in_the_tree_and_the_tree_is_drawn() -> None:
    drawn = re.findall(r"^ {4}[│├└─ ]*(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in errors.tree())
    codes = [kind.code for kind in errors.tree()]
    assert len(set(codes)) == len(codes)


def test_an_error_comes_back_from_its_facts_as_it_was() -> None:
    problem = errors.Problem("a.b", "is wrong")
    made: list[errors.SellerportError] = [
        errors.InvalidArguments("orders_v0.get_orders", [problem]),
        errors.Throttled("slow", retry_after=2.5, operation="x", request_id="r"),
        errors.AccessDenied("no", status=403, amazon_code="Unauthorized", details="d", request_id="r", operation="x"),
        errors.ConsentError("denied", reason="access_denied"),
        errors.GrantRevoked("consent again"),
        errors.NotFound(),
    ]
    for error in made:
        again = errors.revive(error.facts())
        assert type(again) is type(error)
        assert (again.facts(), str(again)) == (error.facts(), str(error))
    assert type(errors.revive({"code": "of a later version", "message": "m"})) is errors.SellerportError
    assert errors.revive({"code": "throttled", "message": "m", "new_fact": 1}).message == "m"
