"""All that a `World` holds, as data that can be kept in a file, read by a person, changed and loaded again.

* What is written of each class is its fields, in their order; one that has its default is left out. What is shared is
  written once, where it comes first, and named there from elsewhere: ``{"$ref": "accounts.ALOCALSELLERNA"}``.
* Accounts, orders, products, applications and grants are written by their ids. Amounts are texts, marketplaces country
  codes, times unix seconds, bytes base64. Where a field may hold anything, a ``$type`` says what it holds.
* What is read is checked against the types of the fields, as a whole and before anything changes.
* A product that is on no shelf yet, since somebody wrote it into the file, is put there as a seeded one is.

Not carried: how the local Amazon behaves (limits enforced or not, strictness, polls, sandbox), which is up to whoever
starts it; the log of requests; and the buckets of rate limits, which are full again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from sellerport.emulator.codec import Pass, codec
from sellerport.emulator.holdings import CARRIED
from sellerport.emulator.purchases import Vendor
from sellerport.emulator.world import Account, World
from sellerport.errors import InvalidArguments, Problem, SettingsError

FORMAT = 1
"""Of what is written; it grows when what was written before can no longer be read."""


def dumped(world: World) -> dict[str, Any]:
    """Return all that a world holds, as JSON has it."""
    return {"format": FORMAT, **codec(World).write(world, Pass())}


def read(dump: Any) -> dict[str, Any]:
    """Return what a dump holds, by attribute of `World`.

    Raises:
        InvalidArguments: it is of another format, or something in it is not what it has to be.
    """
    to = Pass()
    if not isinstance(dump, dict) or "format" not in dump:
        raise InvalidArguments(problems=[Problem("format", "is missing: this is no dump of a local Amazon")])
    if dump["format"] != FORMAT:
        advice = "load it with the version of Sellerport that wrote it, or begin anew without it"
        raise InvalidArguments(problems=[Problem("format", f"must be {FORMAT}; {advice}")])
    try:
        found: dict[str, Any] = codec(World).read({name: dump[name] for name in dump if name != "format"}, to)
    except RecursionError:
        to.refuse("goes too deep")
    if problems := [*_contradictions(found.get("accounts", {}), found.get("vendors", {}))]:
        raise InvalidArguments(problems=problems)
    return found


def _contradictions(accounts: Mapping[str, Account], vendors: Mapping[str, Vendor]) -> Iterator[Problem]:
    for id, account in accounts.items():
        if len({one.region for one in account.marketplaces}) != 1:
            yield Problem(f"accounts.{id}.marketplaces", "must be one or more marketplaces of one region")
            continue
        if account.kind == "vendor" and id not in vendors:
            yield Problem(f"vendors.{id}", "is missing, though the account is a vendor's")
        for order in account.orders.values():
            if order.marketplace not in account.marketplaces:
                yield Problem(f"accounts.{id}.orders.{order.id}.marketplace", "must be a marketplace of the account")


def put(holder: Any, values: Mapping[str, Any]) -> None:
    """Give a new world, or a part of one, what was read; its dicts, lists and sets stay the same objects."""
    for name, value in values.items():
        held = getattr(holder, name)
        if type(held) in CARRIED:
            put(held, value)
        elif isinstance(held, dict | set):
            held.update(value)
        elif isinstance(held, list):
            held.extend(value)
        else:
            setattr(holder, name, value)


def encoded(world: World) -> bytes:
    """Return a dump as it is kept in a file."""
    return msgspec.json.format(msgspec.json.encode(dumped(world)), indent=2) + b"\n"


def restore(world: World, path: Path) -> None:
    """Load a file into a world.

    Raises:
        SettingsError: it cannot be read.
        InvalidArguments: it is no dump, or there is something wrong in it.
    """
    try:
        world.load(msgspec.json.decode(path.read_bytes()))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArguments(f"{path} is not JSON ({error}); it was not loaded") from error
    except InvalidArguments as error:
        raise InvalidArguments(f"{path} was not loaded", error.problems) from error


def save(world: World, path: Path) -> None:
    """Write a world into a file that only its owner can read, since there are tokens in it.

    Whatever goes wrong, the file is then what it was before.

    Raises:
        SettingsError: it cannot be written.
    """
    path = path.resolve()  # of a link, the file behind it is replaced
    try:
        descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "wb") as file:
                file.write(encoded(world))
                file.flush()
                os.fsync(file.fileno())
            os.replace(made, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(made)
            raise
    except OSError as error:
        raise SettingsError(f"{path} cannot be written, and is as it was: {error.strerror}") from error
