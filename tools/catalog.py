"""Compiles Amazon's published descriptions of its APIs into the catalogue: facts only, no sentences.

    python tools/catalog.py ../shared/amazon            # writes src/sellerport/catalog/
    python tools/catalog.py ../shared/amazon --check    # exits 1 where the tree differs from that

Of the Selling Partner API it reads the Swagger 2.0 models, the fact tables beside them and the operations that only
Amazon's own SDK knows; the Ads API is in ``ads.py``. Names, paths, types, limits, rates, paging and restrictions come
over; descriptions and examples do not.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ads
import ads_reports
import paging
from generated import settle
from spelling import snake

FAMILY = "seller-partner"
OUT = Path(__file__).parent.parent / "src" / "sellerport" / "catalog"

METHODS = ("get", "put", "post", "delete", "patch")
SCHEMA_FACTS = (
    *("type", "format", "enum", "pattern", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems"),
    *("maxItems", "uniqueItems", "default", "required"),
)
FORMATS = {"date-time", "date", "int32", "int64", "float", "double", "boolean", "byte", "uri", "ip", "application/pdf"}
FORMAT_SPELLINGS = {"dateTime": "date-time", "datetime": "date-time"}

# Amazon's models call some moments plain strings, and its pages say ISO 8601.
MOMENTS = re.compile(r"_(after|before|date|time)$")

# These split their list after decoding it once, and then decode each item again: a SKU "A&B" sent as A%26B is looked up
# as "A", sent as A%2526B it is found (github.com/jrl84/amazon-sp-api issues 134 and 143, jlevers/selling-partner-api
# issue 304; reference/sp-api.md, section 11.3).
TWICE = {(f"/products/pricing/v0/{name}", "Skus") for name in ("price", "competitivePrice")}

# File names that do not say what the API is called elsewhere (Amazon's pages, folders and SDKs).
API_NAMES = {
    "InvoicesApiModel": "invoices",
    "definitionsProductTypes": "product_type_definitions",
    "fbaInbound": "fba_inbound_eligibility",
}
# What the SDK's modules are called where they extend an API that has a model.
SDK_MODULES = {"apluscontent_v2020_11_01": "aplus_content_2020_11_01"}

# One operation id is used twice in one model; the second needs a name of its own.
OPERATION_NAMES = {("POST", "/shipping/v2/carrierAccounts/{carrierId}"): "link_carrier_account_post"}

# Query parameters that Amazon's SDK 1.13.0 sends and the models lack (reference/sp-api.md, section 0.1).
SDK_PARAMETERS = {
    "tracking_2026_01_30": {"proNumber": {"getShipmentTracking"}},
    "invoices_2024_06_19": {
        "warehouseCode": {
            *("getInvoice", "getInvoices", "getInvoicesAttributes", "getInvoicesDocument", "getInvoicesExport"),
            "getInvoicesExports",
        }
    },
}

# Types that the SDK table lacks: it has the first 1600 characters of what says them. Lists are in its "collection".
SDK_TYPES = {
    **dict.fromkeys(("associated_media_id", "media_id", "pagination_token", "revision"), "str"),
    **{f"{what}_date_{side}": "datetime" for what in ("start", "end", "update") for side in ("before", "after")},
    "limit": "int",
}

# Dates after which Amazon stops answering (reference/sp-api.md, section 12).
REMOVALS = {
    "catalog_items_v0": {"listCatalogCategories": "2026-06-30"},
    "finances_v0": dict.fromkeys(
        ("listFinancialEvents", "listFinancialEventsByGroupId", "listFinancialEventsByOrderId"), "2027-08-27"
    ),
    "orders_v0": dict.fromkeys(
        (
            *("getOrders", "getOrder", "getOrderBuyerInfo", "getOrderAddress", "getOrderItems"),
            "getOrderItemsBuyerInfo",
        ),
        "2027-03-27",
    ),
}

# Operations that only read although their method says otherwise: searches, estimates, previews and batched reads.
READS = re.compile(
    r"^(get|list|search|check|validate|preview)[A-Z]|^(deliveryOffers|retrieveShippingLabel|createRestrictedDataToken)$"
)

# How often all accounts of an application together may call, a second (reference/sp-api.md, section 1c).
APPLICATION_RATES = {
    "catalog_items_2022_04_01": {"getCatalogItem": 250.0, "searchCatalogItems": 500.0},
    "listings_restrictions_2021_08_01": {"getListingsRestrictions": 100.0},
    "product_type_definitions_2020_09_01": {"searchDefinitionsProductTypes": 100.0, "getDefinitionsProductType": 100.0},
}


def api_of(stem: str, version: str) -> tuple[str, str]:
    """Return an API's name and version from its model's file name and stated version."""
    name = re.sub(r"[_-]?(V\d+|V?\d{4}-\d\d-\d\d)$", "", stem)
    return API_NAMES.get(name, snake(name)), version


def key_of(name: str, version: str) -> str:
    """Return what an API version is called in Python: ``orders_v0``, ``orders_2026_01_01``."""
    return f"{name}_{version.replace('-', '_')}"


def facts(schema: Any) -> dict[str, Any]:
    """Return a JSON Schema with what can be checked, and without words.

    Amazon's files hold a few mistakes that a validator would stumble on; they are mended here, where the reason stands.
    """
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:  # siblings of $ref mean nothing in Swagger 2
        return {"$ref": f"#/$defs/{schema['$ref'].rsplit('/', 1)[-1]}"}
    kept = {key: schema[key] for key in SCHEMA_FACTS if key in schema}
    form = _form(kept)
    kept |= form
    if not isinstance(kept.get("required", []), list):  # `required: true` inside a property
        del kept["required"]
    if kept.get("type") == "array":
        for misplaced in ("maxLength", "minLength", "pattern", "format"):
            kept.pop(misplaced, None)
        items = facts(schema.get("items"))
        if "enum" in kept:  # the values are those of the items
            items["enum"] = kept.pop("enum")
        kept["items"] = items
        if isinstance(kept.get("default"), str):  # catalogItems_2020-12-01
            kept["default"] = [kept["default"]]
    elif "enum" in (items := schema.get("items") or {}):  # customerFeedback's sortBy, a string that has items
        kept.setdefault("enum", items["enum"])
    if "properties" in schema:
        kept.setdefault("type", "object")
        kept["properties"] = {name: facts(value) for name, value in schema["properties"].items()}
    if "additionalProperties" in schema:
        more = schema["additionalProperties"]
        kept["additionalProperties"] = more if isinstance(more, bool) else facts(more) or True
    if "allOf" in schema:
        kept["allOf"] = [facts(part) for part in schema["allOf"]]
    if "required" in kept and not kept["required"]:
        del kept["required"]
    return kept


def _form(kept: dict[str, Any]) -> dict[str, Any]:
    """Mend ``format``: unify its spelling, and move what is really a pattern (``[A-Z]{2}``)."""
    form = kept.pop("format", None)
    form = FORMAT_SPELLINGS.get(form, form) if isinstance(form, str) else None
    if form in FORMATS:
        return {"format": form}
    if form and form.startswith("["):
        return {"pattern": f"^{form}$"}
    return {}


def parameter(given: dict[str, Any], path: str) -> dict[str, Any]:
    """Return one path, query or header parameter."""
    schema = facts(given)
    schema.pop("required", None)
    made: dict[str, Any] = {"name": snake(given["name"]), "wire": given["name"], "in": given["in"], "schema": schema}
    if schema == {"type": "string"} and MOMENTS.search(made["name"]):
        schema["format"] = "date-time"
    if given.get("required") or given["in"] == "path":
        made["required"] = True
    if schema.get("type") == "array" and given["in"] != "path":
        made["style"] = "multi" if given.get("collectionFormat") == "multi" else "csv"
    if given.get("x-amazon-spds-greedy-path-parameter"):
        made["greedy"] = True
    if (path, given["name"]) in TWICE:
        made["twice"] = True
    assert given["in"] != "path" or f"{{{given['name']}}}" in path, (path, given["name"])
    return made


class Compiler:
    """Gathers every operation, and one file of schemas for each API version."""

    def __init__(self, shared: Path) -> None:
        self.source = shared / "sp-api"
        self.apis: dict[str, dict[str, str]] = {}
        self.operations: list[dict[str, Any]] = []
        self.schemas: dict[str, dict[str, Any]] = {}
        self.rates = {(row["method"], row["path"]): row for row in self.table("rates")}
        self.scopes = {(row["method"], row["path"]): row["scope"] for row in self.table("grantless")}
        restricted = self.table("restricted")["restrictedOperations"]
        self.restricted = {(row["method"], row["path"]): row for row in restricted}
        self.restricted_reports = sorted(self.table("restricted")["restrictedReportTypes"])
        self.paging = {(row["model"], row["operationId"], row["method"]): row for row in self.table("pagination")}

    def table(self, name: str) -> Any:
        """Read one of the fact tables."""
        return json.loads((self.source / "facts" / f"{name}.json").read_text("utf-8"))

    def compile(self) -> dict[str, str]:
        """Return every file of the catalogue: name → text."""
        for file in sorted(self.source.glob("models/*/*.json")):
            self.add_model(file)
        for operation in self.table("sdk_only_operations"):
            self.add_sdk_operation(operation)
        self.operations.sort(key=lambda op: (op["api"], op["path"], op["method"]))
        for operation in self.operations:
            if "paging" in operation and (found := self._items(operation)) is not None:
                operation["paging"]["items"] = found
        files = {f"schemas/{key}.json": _lines(schemas) for key, schemas in sorted(self.schemas.items())}
        head = json.dumps({"format": 1, "family": FAMILY, "restricted_reports": self.restricted_reports})[:-1]
        apis = ",\n".join(f"{json.dumps(key)}:{_line(api)}" for key, api in sorted(self.apis.items()))
        operations = ",\n".join(map(_line, self.operations))
        files["index.json"] = f'{head},\n"apis":{{\n{apis}\n}},\n"operations":[\n{operations}\n]}}\n'
        return files

    def _items(self, operation: dict[str, Any]) -> str | None:
        schemas = self.schemas[operation["api"]]
        answers = schemas["operations"][f"{operation['method']} {operation['path']}"]["responses"]
        answer = next(name for status, name in answers.items() if status.startswith("2") and name)
        return paging.items(schemas["$defs"][answer], schemas["$defs"])

    def add_model(self, file: Path) -> None:
        """Add one Swagger 2.0 model."""
        model = json.loads(file.read_text("utf-8"))
        name, version = api_of(file.stem, model["info"]["version"])
        key = key_of(name, version)
        self.apis[key] = {"name": name, "version": version}
        definitions = {name: facts(schema) for name, schema in model["definitions"].items()}
        self.schemas[key] = {"operations": {}, "$defs": definitions}
        for path, item in model["paths"].items():
            for method in METHODS:
                if method in item:
                    shared = [*item.get("parameters", []), *item[method].get("parameters", [])]
                    parameters = [_resolve(given, model) for given in shared]
                    self.add_operation(file.name, key, path, method, item, parameters)

    def add_operation(
        self, model: str, key: str, path: str, method: str, item: dict[str, Any], parameters: list[dict[str, Any]]
    ) -> None:
        """Add one operation of a model."""
        given = item[method]
        verb, id = method.upper(), given["operationId"]
        bodies = [one for one in parameters if one["in"] == "body"]
        added = [name for name, ids in SDK_PARAMETERS.get(key, {}).items() if id in ids]
        parameters += [{"name": name, "in": "query", "type": "string"} for name in added]
        made: dict[str, Any] = {
            "family": FAMILY,
            "api": key,
            "id": id,
            "name": OPERATION_NAMES.get((verb, path)) or snake(id),
            "method": verb,
            "path": path,
            "parameters": [parameter(one, path) for one in parameters if one["in"] != "body"],
        }
        if bodies:
            made["body"] = {"required": bool(bodies[0].get("required"))}
        rate = self.rates[verb, path]
        made |= {"rate": rate["rate"], "burst": rate["burst"]}
        made |= self._marks(model, key, id, verb, path, given)
        sandboxes = {**item.get("x-amzn-api-sandbox", {}), **given.get("x-amzn-api-sandbox", {})}
        cases = any("x-amzn-api-sandbox" in answer for answer in given["responses"].values())
        if "dynamic" in sandboxes:
            made["sandbox"] = "dynamic"
        elif cases or any("x-amazon-spds-sandbox-behaviors" in answer for answer in given["responses"].values()):
            made["sandbox"] = "static"
        if item.get("x-amzn-api-sandbox-only") or given.get("x-amzn-api-sandbox-only"):
            made["sandbox_only"] = True
        self.operations.append(made)
        self._add_schemas(key, id, verb, path, bodies[0]["schema"] if bodies else None, given["responses"])

    def _marks(self, model: str, key: str, id: str, verb: str, path: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return what only some operations have: paging, restrictions, scope, dates, whether it writes."""
        made: dict[str, Any] = {}
        if page := paging.of_model(key, id, self.paging.get((model, id, verb.lower()))):
            made["paging"] = page
        if together := APPLICATION_RATES.get(key, {}).get(id):
            made["application_rate"] = together
        if rule := self.restricted.get((verb, path)):
            kinds = {"exact": "exact", "specific|generic": "either"}
            made["restricted"] = {"elements": rule["dataElements"], "path": kinds.get(rule["pathRule"], "specific")}
        if scope := self.scopes.get((verb, path)):
            made["scope"] = scope
        if removal := REMOVALS.get(key, {}).get(id):
            made["removal"] = removal
        if given.get("deprecated") or removal:
            made["deprecated"] = True
        if verb != "GET" and not READS.match(id):
            made["write"] = True
        return made

    def _add_schemas(
        self, key: str, id: str, verb: str, path: str, body: Any, responses: dict[str, dict[str, Any]]
    ) -> None:
        """Note which definitions an operation takes and answers with; a schema written in place gets a name."""
        definitions = self.schemas[key]["$defs"]

        def named(schema: Any, suffix: str) -> str | None:
            if schema is None:
                return None
            fact = facts(schema)
            if "$ref" in fact:
                return str(fact["$ref"]).rsplit("/", 1)[-1]
            name = f"{id[0].upper()}{id[1:]}{suffix}"
            assert definitions.setdefault(name, fact) == fact, name
            return name

        made: dict[str, Any] = {"body": named(body, "Body")} if body is not None else {}
        made["responses"] = {
            status: named(answer.get("schema"), f"Answer{status}") for status, answer in sorted(responses.items())
        }
        self.schemas[key]["operations"][f"{verb} {path}"] = made

    def add_sdk_operation(self, given: dict[str, Any]) -> None:
        """Add one operation that only Amazon's own SDK knows."""
        module = given["module"]
        name, version = re.fullmatch(r"(\w+)_v(\d{4}_\d\d_\d\d)", module).groups()  # type: ignore[union-attr]  # all match
        key = SDK_MODULES.get(module, f"{name}_{version}")
        self.apis.setdefault(key, {"name": name, "version": version.replace("_", "-")})
        schemas = self.schemas.setdefault(key, {"operations": {}, "$defs": {}})
        known = {schema: _refs(facts) for schema, facts in self.table("sdk_only_schemas")[module].items()}
        first, *rest = given["operation"].split("_")
        id = first + "".join(word.capitalize() for word in rest)
        types = SDK_TYPES | dict.fromkeys(map(snake, given["collection"]), "List[str]")
        types |= {name: type for type, name in re.findall(r":param ([\w\[\]]+) (\w+):", given["doc"])}
        body = given["body"] and types.get(given["body"], given["body"].title().replace("_", ""))
        self._add_definitions(schemas["$defs"], known, [given["response"], body])
        parameters = []
        for place, names in (("path", given["pathParams"]), ("query", given["query"]), ("header", given["header"])):
            for wire in names:
                one = {"name": wire, "in": place, "required": snake(wire) in given["required"]}
                one["collectionFormat"] = given["collection"].get(wire)
                parameters.append(parameter(one | _sdk_type(types[snake(wire)]), given["path"]))
        rate, burst = (float(number) for number in given["rate"]) if given["rate"] else (None, None)
        made = {"family": FAMILY, "api": key, "id": id, "name": given["operation"], "method": given["method"]}
        made |= {"path": given["path"], "parameters": parameters}
        if given["body"]:
            made["body"] = {"required": given["body"] in given["required"]}
        made |= {"rate": rate, "burst": burst} | self._marks("", key, id, given["method"], given["path"], {})
        if page := paging.of_sdk(given, body, schemas["$defs"]):
            made["paging"] = page
        if "sandbox" in given["operation"]:
            made |= {"sandbox": "dynamic", "sandbox_only": True}
        self.operations.append(made)
        schema = {"responses": {"200" if given["response"] else "204": given["response"]}}
        schemas["operations"][f"{given['method']} {given['path']}"] = ({"body": body} if body else {}) | schema

    def _add_definitions(self, into: dict[str, Any], known: dict[str, Any], wanted: list[str | None]) -> None:
        """Add the definitions that ``wanted`` reach and that the API's model does not have."""
        todo = [name for name in wanted if name in known]
        while todo:
            name = todo.pop()
            if name and name not in into:
                into[name] = facts(known[name])
                todo += [ref for ref in _named_in(into[name]) if ref in known]


def _resolve(given: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    return model["parameters"][given["$ref"].rsplit("/", 1)[-1]] if "$ref" in given else given


def _refs(schema: Any) -> Any:
    """Give the SDK table's bare references (``"$ref": "Error"``) the form that the models have."""
    if isinstance(schema, dict):
        return {k: f"#/definitions/{v}" if k == "$ref" else _refs(v) for k, v in schema.items()}
    return [_refs(one) for one in schema] if isinstance(schema, list) else schema


def _named_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rsplit("/", 1)[-1]
        for value in schema.values():
            yield from _named_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _named_in(value)


def _sdk_type(name: str) -> dict[str, Any]:
    """Return the schema of a type as the SDK's signatures spell it."""
    simple = {"int": "integer", "float": "number", "bool": "boolean"}
    if found := re.fullmatch(r"List\[(\w+)\]", name):
        return {"type": "array", "items": _sdk_type(found[1])}
    if name == "datetime":
        return {"type": "string", "format": "date-time"}
    return {"type": simple.get(name, "string")}


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _lines(schemas: dict[str, Any]) -> str:
    """Write a file of schemas with one operation or definition a line, so that a change of facts is a readable diff."""
    parts = []
    for part in ("operations", "$defs"):
        rows = ",\n".join(f"{json.dumps(name)}:{_line(value)}" for name, value in sorted(schemas[part].items()))
        parts.append(f'"{part}":{{\n{rows}\n}}')
    return "{" + ",\n".join(parts) + "}\n"


def main() -> int:
    """Write the catalogue, or with ``--check`` say where the tree differs from what would be written."""
    parser = argparse.ArgumentParser(description="Compile the catalogue of operations from Amazon's descriptions.")
    parser.add_argument("shared", type=Path, help="the folder that holds sp-api/ and ads/")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    families = {FAMILY: Compiler(arguments.shared).compile(), ads.FAMILY: ads.AdsCompiler(arguments.shared).compile()}
    files = {f"{one.replace('-', '_')}/{name}": text for one, made in families.items() for name, text in made.items()}
    files[f"{ads.FAMILY}/{ads_reports.NAME}"] = ads_reports.report_types(arguments.shared)
    there = {str(path.relative_to(arguments.out)): path.read_text("utf-8") for path in arguments.out.rglob("*.json")}
    return settle("catalogue", arguments.out, files, there, check=arguments.check)


if __name__ == "__main__":
    sys.exit(main())
