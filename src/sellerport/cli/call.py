"""`sellerport call` and `sellerport operations`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from sellerport import AmazonAds, Hosted, SellingPartner, catalog, serialize
from sellerport.catalog import Operation
from sellerport.cli.output import fields, json_option, show, table, to_json
from sellerport.errors import InvalidArguments, Problem, SettingsError, UnknownOperation
from sellerport.multi_status import MultiStatus

FAMILIES = {"seller-partner": "the Selling Partner API", "ads": "the Ads API"}


@click.command()
@click.argument("operation")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--body", help="The request body as JSON, or @FILE.")
@click.option("--connection", envvar="SELLERPORT_CONNECTION", help="Call for a connection that a server holds.")
@click.option("--server", envvar="SELLERPORT_URL", help="The server's address, with --connection.")
@click.option("--marketplace", help="A country, marketplace id or region. [default: US, or the connection's]")
@click.option("--region", help="Of the Ads API: na, eu, fe or a country. [default: na]")
@click.option("--profile", help="Of the Ads API: the advertising profile; `sellerport profiles` lists them.")
@click.option("--account", help="The account in credentials.yml. [default: SELLERPORT_ACCOUNT, or default]")
@click.option("--sandbox", is_flag=True, help="Call Amazon's sandbox.")
@click.option("--restricted", help="Data elements to ask for with a restricted data token, comma-joined, or 'all'.")
@click.option("--all", "every", is_flag=True, help="Go through all pages.")
@click.option("--jsonl", is_flag=True, help="Print a line of JSON for each record, as it comes.")
@json_option
def call(
    operation: str,
    arguments: tuple[str, ...],
    body: str | None,
    connection: str | None,
    server: str | None,
    marketplace: str | None,
    region: str | None,
    profile: str | None,
    account: str | None,
    sandbox: bool,
    restricted: str | None,
    every: bool,
    jsonl: bool,
    as_json: bool,
) -> None:
    """Call an operation and print the answer.

    OPERATION is a name such as orders_v0.get_orders, or of the Ads API such as sp.campaigns.list; `sellerport
    operations` finds it. A list is given comma-joined. Of the Ads API, NAME may also be a field of the body.

    Credentials come from SP_API_REFRESH_TOKEN, LWA_APP_ID and LWA_CLIENT_SECRET, or for the Ads API from
    AD_API_REFRESH_TOKEN, AD_API_CLIENT_ID and AD_API_CLIENT_SECRET. With --connection a Sellerport server makes the
    call, and SELLERPORT_CLIENT_ID and SELLERPORT_CLIENT_SECRET say who asks.
    """
    found = _find(operation)
    given = _parse(found, arguments)
    if body is not None:
        given["body"] = _json(_read(body[1:]) if body.startswith("@") else body)
    if restricted is not None:
        elements = [element.strip() for element in restricted.split(",")]
        if not all(elements):
            raise InvalidArguments(problems=[Problem("--restricted", "names no data element; 'all' stands for all")])
        given["restricted"] = elements == ["all"] or elements
    if every and found.paging is None:
        raise InvalidArguments(problems=[Problem("--all", f"{found.key} has no pages")])
    of_sp: dict[str, Any] = {
        "connection": connection,
        "marketplace": marketplace,
        "sandbox": sandbox,
        "restricted": restricted,
    }
    _refuse(found, of_sp if found.family == "ads" else {"region": region, "profile": profile})
    client = (
        AmazonAds(region=region, profile_id=profile, account=account)
        if found.family == "ads"
        else client_of(connection, server, marketplace=marketplace, account=account, sandbox=sandbox)
    )
    result = client._call(found, given)
    if jsonl:
        records = result.items() if every else _records(result.payload)
        for record in records if isinstance(records, Iterable) and not isinstance(records, dict) else [records]:
            click.echo(to_json(record))
    elif every:
        show(list(result.items()), as_json)
    else:
        show(result.data if as_json else _records(result.payload), as_json)
    if isinstance(result, MultiStatus):
        result.check()


def _find(name: str) -> Operation:
    """Find an operation of either API by its name; no name is one of both."""
    try:
        return catalog.find(name)
    except UnknownOperation as error:
        try:
            return catalog.find(name, "ads")
        except UnknownOperation as other:
            raise other if name.partition(".")[0] in catalog.index("ads").apis else error from None


def _refuse(operation: Operation, options: dict[str, Any]) -> None:
    """Refuse options that are of the other API."""
    if wrong := [name for name, value in options.items() if value]:
        problem = f"is not for {FAMILIES[operation.family]}, which has {operation.key}"
        raise InvalidArguments(problems=[Problem(f"--{name}", problem) for name in wrong])


def client_of(connection: str | None, server: str | None, **options: Any) -> SellingPartner:
    """Return a client for the credentials at hand, or for a connection that a server holds."""
    return SellingPartner(connection=_hosted(connection, server) if connection else None, **options)


def _hosted(connection: str, server: str | None) -> Hosted:
    given = {
        "SELLERPORT_URL (or --server)": server,
        "SELLERPORT_CLIENT_ID": os.environ.get("SELLERPORT_CLIENT_ID"),
        "SELLERPORT_CLIENT_SECRET": os.environ.get("SELLERPORT_CLIENT_SECRET"),
    }
    if missing := [name for name, value in given.items() if not value]:
        raise SettingsError(f"a connection is called through its server: set {', '.join(missing)}")
    address, client_id, secret = (value or "" for value in given.values())
    return Hosted(address, client_id, secret, connection)


def _parse(operation: Operation, arguments: tuple[str, ...]) -> dict[str, Any]:
    """Return ``name=value`` words as arguments of the types that the operation declares."""
    known: dict[str, dict[str, Any]] = {
        name: one.schema for one in operation.parameters for name in (one.name, one.wire)
    }
    for field in serialize.fields(operation).values():
        taken = {"type": "array", "items": {"type": "string"}} if field.includes else dict(field.schema)
        known |= {field.name: taken, field.wire: taken}
    given: dict[str, Any] = {}
    for word in arguments:
        name, equals, text = word.partition("=")
        if not equals:
            raise InvalidArguments(problems=[Problem(name, "has no value; write it as name=value")])
        schema: dict[str, Any] = known.get(name, {})
        if operation.family == "ads" and text.startswith(("[", "{")):
            given[name] = _json(text, name)
            continue
        many = schema.get("type") == "array"
        given[name] = (
            [_typed(one, schema.get("items", {})) for one in text.split(",")] if many else _typed(text, schema)
        )
    return given


def _typed(text: str, schema: dict[str, Any]) -> Any:
    if schema.get("type") not in ("integer", "number", "boolean"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # the check of the arguments says what is wrong with it


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidArguments(problems=[Problem("body", f"{path} cannot be read: {reason}")]) from error


def _json(text: str, field: str = "body") -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidArguments(problems=[Problem(field, f"is no JSON: {error}")]) from error


def _records(payload: Any) -> Any:
    """Return the list of records inside an answer, if there is one, since that is what people want to look at."""
    if isinstance(payload, dict):
        lists = [
            value for value in payload.values() if isinstance(value, list) and value and isinstance(value[0], dict)
        ]
        if len(lists) == 1:
            return lists[0]
    return payload


@click.command()
@click.argument("words", nargs=-1)
@json_option
def operations(words: tuple[str, ...], as_json: bool) -> None:
    """Search the catalogue of operations, of the Selling Partner API and of the Ads API.

    WORDS must all occur in an operation's name, path or API; without any, all are listed. An exact name shows what the
    operation takes.
    """
    known = [*catalog.operations(), *catalog.operations("ads")]
    exact = [one for one in known if words in ((one.key,), (f"{one.api}.{one.id}",))]
    if exact:
        _show_operation(exact[0], as_json)
        return
    wanted = [word.lower() for word in words]
    found = [one for one in known if all(word in _searched(one) for word in wanted)]
    if as_json:
        show([_row(one) for one in found], as_json)
        return
    for one in found:
        click.secho(one.key, bold=True)
        click.echo(f"  {one.summary}")
    click.echo(f"{len(found)} operations" if found else f"no operation has {' and '.join(words)} in its name or path")


def _searched(operation: Operation) -> str:
    path = re.sub(r"\{\w+\}", "", operation.path)
    return f"{operation.key} {operation.id} {path}".lower()


def _row(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation.key,
        "family": operation.family,
        "method": operation.method,
        "path": operation.path,
        "rate": operation.rate,
        "burst": operation.burst,
        "notes": " · ".join(operation.notes),
    }


def _show_operation(operation: Operation, as_json: bool) -> None:
    rows = [
        {
            "parameter": parameter.name,
            "type": _type(parameter.schema),
            "required": parameter.required,
            "in": parameter.place,
            "amazon": parameter.wire,
        }
        for parameter in operation.parameters
    ]
    if operation.body is not None:
        name = catalog.schemas(operation.api, operation.family).of(operation).body or "any"
        inside = serialize.fields(operation).values()
        required = operation.body.required and not inside
        rows.append({"parameter": "body", "type": name, "required": required, "in": "body", "amazon": ""})
        rows += [
            {
                "parameter": one.name,
                "type": "list" if one.includes else _type(dict(one.schema)),
                "required": False,
                "in": "body",
                "amazon": one.wire,
            }
            for one in inside
        ]
    if as_json:
        show({**_row(operation), "writes": operation.write, "parameters": rows}, as_json)
        return
    fields({"operation": operation.key, "amazon": operation.id, "request": operation.summary})
    if rows:
        table(rows, columns=("parameter", "required", "in", "type"))


def _type(schema: dict[str, Any]) -> str:
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return str(schema.get("format") or schema.get("type") or "any")
