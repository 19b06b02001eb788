"""The container file, without a container: what it copies is there, and what it runs is a command that starts."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from sellerport.cli.emulate import emulate

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Containerfile").read_text("utf-8").splitlines()


def said(word: str) -> list[str]:
    return [line.removeprefix(word).strip() for line in LINES if line.startswith(f"{word} ")]


def test_everything_it_copies_is_there() -> None:
    copied = [name for line in said("COPY") for name in line.split()[:-1]]
    assert "src" in copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_it_installs_an_extra_that_exists() -> None:
    (extra,) = re.findall(r"\.\[(\w+)\]", said("RUN")[0])
    assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


def test_it_runs_a_command_that_says_it_knows_and_is_not_root() -> None:
    program, command, *words = json.loads(said("ENTRYPOINT")[0])
    assert (program, command) == ("sellerport", "emulate")
    given = emulate.make_context("emulate", words).params
    assert (given["host"], given["i_know"], str(given["port"])) == ("0.0.0.0", True, said("EXPOSE")[0])
    assert said("USER") == ["amazon"]
