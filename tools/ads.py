"""Compiles Amazon's published descriptions of the Ads API into the catalogue: facts only, no sentences.

Two sources: the table of every operation (methods, paths, versioned media types, headers, query parameters), and the
OpenAPI 3 descriptions of some products, which have schemas besides, and operations that the table does not have.

An operation's name is read off its path, so that who knows the path knows the name: segments are attributes in Python's
spelling, parameters are left out, and the last word is what is done. ``POST /sp/campaigns/list`` is
``sp.campaigns.list``, ``POST /sp/campaigns`` is ``sp.campaigns.create``, ``GET /sd/campaigns/{campaignId}`` is
``sd.campaigns.get``, ``POST /adsApi/v1/query/campaigns`` is ``v1.campaigns.query``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from keyword import iskeyword
from pathlib import Path
from typing import Any

import yaml

from spelling import snake

FAMILY = "ads"

METHODS = ("get", "put", "post", "delete", "patch")
SCHEMA_FACTS = (
    *("type", "format", "enum", "pattern", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems"),
    *("maxItems", "uniqueItems", "required"),
)
FORMATS = {"date-time", "date", "int32", "int64", "float", "double"}

# OpenAPI descriptions, by the API that their schemas belong to. Version 1 has one for each advertising product; the
# first that has an operation is where its schemas come from, and the one for all products comes first.
DESCRIPTIONS = {
    "SponsoredProducts_prod_3p.json": "sp",
    "sponsoredBrands_40_openapi.json": "sb",
    "sponsoredDisplay_30_openapi.yaml": "sd",
    "Portfolios_prod_3p.json": "portfolios",
    "profiles_openapi.yaml": "profiles",
    "AdvertisingAccounts_prod_3p.json": "ads_accounts",
    "BrandHome_prod_3p.json": "brand",
    "AmazonAdsAPIALLMerged_prod_3p.json": "v1",
    "AmazonAdsAPISPMerged_prod_3p.json": "v1",
    "AmazonAdsAPISBMerged_prod_3p.json": "v1",
    "AmazonAdsAPISDMerged_prod_3p.json": "v1",
}

# What the last segment of a path does, where it is a verb; what is not here is a thing, and the method says the verb.
VERBS = {
    *("list", "delete", "search", "associate", "disassociate", "apply", "export", "register", "batchRegister"),
    *("upload", "pay", "edit", "complete", "describe", "refresh", "updateCustomerAwsAccount", "preview", "query"),
    *("download",),
}
BY_METHOD = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}

# Paths whose names a rule does not find.
NAMES = {
    ("POST", "/history"): "history.list",
    ("POST", "/amc/audiences/query"): "amc.audiences.query.create",
    ("GET", "/amc/audiences/query"): "amc.audiences.query.list",
    ("POST", "/preModeration"): "pre_moderation.check",
    ("POST", "/attribution/report"): "attribution.report",
    ("POST", "/sp/v1/events"): "sp.events.list",
    ("GET", "/sd/brandSafety/{requestId}/status"): "sd.brand_safety.status.get",
}

# Operations that only read although their method says otherwise, by what Amazon calls them or by their paths.
READS = re.compile(r"^(bulkG|g|G|S[BP]G)et|^(list|List|search|Search|check|Check|query|Query)[A-Z]|GetBid|BatchGet")
READING = re.compile(
    r"/(list|search|recommendations|usage|count|forecasts?|eligibility|insights|asinMetrics|results|status|metadata|"
    r"preview|keywordGroups|bidRecommendations|budgetRecommendations|initialBudgetRecommendation|programs|"
    r"preModeration|overallMigrationResults|(sb|sd|creative|targets)/recommendations/\w+|creative/headline)$"
    r"|recommendations/targets/(brand|category)$|^/adsApi/v1/(query|retrieve)/|^/insights/(?!brandMetrics)"
)
# What these two rules take for reading, and is none.
WRITES = {"/amc/audiences/metadata"}

# Headers that every call carries, or that the catalogue says otherwise; the rest are parameters, under these names.
SENT = {
    *("amazon-advertising-api-clientid", "amazon-ads-clientid", "authorization", "accept", "content-type"),
    "content-disposition",
}
PROFILE = ("amazon-advertising-api-scope", "Amazon-Advertising-API-Scope", "profile_id")
ACCOUNT = "amazon-ads-accountid"
HEADERS = {
    PROFILE[0]: PROFILE[1:],
    ACCOUNT: ("Amazon-Ads-AccountId", "account_id"),
    "amazon-ads-account-id": ("Amazon-Ads-Account-ID", "account_id"),
    "amazon-ads-manager-accountid": ("Amazon-Ads-Manager-AccountId", "manager_account_id"),
    "amazon-ads-manager-account-id": ("Amazon-Ads-Manager-Account-ID", "manager_account_id"),
    "amazon-advertising-api-manager-account": ("Amazon-Advertising-API-Manager-Account", "manager_account"),
    "amazon-advertising-api-marketplaceid": ("Amazon-Advertising-API-MarketplaceId", "marketplace_id"),
    "amazon-advertising-api-advertiserid": ("Amazon-Advertising-API-AdvertiserId", "advertiser_id"),
    "amazon-advertising-api-entityid": ("Amazon-Advertising-API-EntityId", "entity_id"),
    "amazon-marketing-cloud-audience-instanceid": ("Amazon-Marketing-Cloud-Audience-InstanceId", "instance_id"),
    "advertiserid": ("advertiserId", "advertiser_id"),
    "accept-language": ("Accept-Language", "accept_language"),
    "locale": ("locale", "locale"),
    "prefer": ("Prefer", "prefer"),
}

# What was shut off, and when (reference/amazon-ads.md, section 2.7).
SHUT_OFF = (
    (re.compile(r"^/v2/sp/\{recordType\}/snapshot$|^/v2/sp/snapshots"), "2024-12-15"),
    (re.compile(r"^/v2/hsa/|^/v2/reports"), "2024-10-31"),
    (re.compile(r"^/sd/\{recordType\}/report$"), "2024-10-31"),
    (re.compile(r"^/sd/(\{recordType\}/snapshot$|snapshots)"), "2024-12-15"),
    (re.compile(r"^/sb/moderation/"), "2025-12-15"),
)

# Bodies that hold a page token, of operations whose schemas are not published (reference/amazon-ads.md, section 2.8).
PAGED_BODIES = {
    "/sb/targets/list": "targets",
    "/sb/negativeTargets/list": "negativeTargets",
    "/sb/themes/list": "themes",
}
# Lists that a cursor leads through (the same section).
CURSORS = {
    "/attribution/report": {
        "token": "cursorId",
        "next": "cursorId",
        "size": "count",
        "place": "body",
        "items": "reports",
    },
    "/invoices": {
        "token": "cursor",
        "next": "payload.nextCursor",
        "size": "count",
        "items": "payload.invoiceSummaries",
    },
}
# Parameters of the query that take several values with commas between them.
LISTS = re.compile(r"(?<!validPaymentMethod)Filter$|[a-z]Ids$")
PAGE_TOKENS = ("nextToken", "startingToken")
PAGE_SIZES = ("maxResults", "count", "limit", "pageSize")
ASIDE = {"errors", "error", "warnings"}

# Enumerations that lack what Amazon takes: weekly rules are in its own recorded requests, and in its other products.
ENUMS = {("sp", "RecurrenceType"): ["DAILY", "WEEKLY"]}

# Of Sponsored Brands' older half no schemas are published; its ids are numbers but for themes (the same section).
NUMBERS = re.compile(r"^/sb/(keywords|negativeKeywords|targets|negativeTargets)(/(?!product|categ|brand)|$)")

# Its writes, which say of each item what became of it.
ITEMISED = (
    (re.compile(r"^/sb/(keywords|negativeKeywords)$"), "flat"),
    (re.compile(r"^/sb/(targets|negativeTargets|themes)$"), "v1"),
)

# Sponsored ads of which the table says nothing of a profile, which each of their calls names (section 1.2).
OF_A_PROFILE = re.compile(r"^/sb/(targets|negativeTargets)")

# What is in beta: version 1 but for its core (reference/amazon-ads.md, section 2.6), and what says so of itself.
BETA = re.compile(r"^/adsApi/v1/(?!(create|query|update|delete)/(campaigns|adGroups|ads|targets)$)|^/query/")


def name_of(method: str, path: str, reads: bool) -> str:
    """Return what an operation is called in Python, from its method and path."""
    if (method, path) in NAMES:
        return NAMES[method, path]
    path = re.sub(
        r"^/sb/v4/|^/v2/(profiles|stores)", lambda found: "/sb/" if "sb" in found[0] else f"/{found[1]}", path
    )
    segments = path.strip("/").split("/")
    if segments[0] == "adsApi":
        _, version, *rest = segments
        verb = rest.pop(0) if method == "POST" else "list"
        return ".".join(map(snake, [version, *(one for one in rest if not one.startswith("{")), verb]))
    one = segments[-1].startswith("{")
    words = [word for word in segments if not word.startswith("{")]
    if words[-1] in VERBS and len(words) > 1 and not one:
        verb = words.pop()
    elif method == "GET":
        verb = "get" if one else "list"
    elif method == "POST" and reads and len(words) > 1 and not one:
        verb = words.pop()
    else:
        verb = BY_METHOD[method]
    return ".".join(word + "_" * iskeyword(word) for word in map(snake, [*words, verb]))


def media(types: list[str]) -> list[str]:
    """Return media types with the newest version first, and plain JSON last."""

    def age(name: str) -> tuple[float, ...]:
        version = re.search(r"\.v(\d+(?:\.\d+)*)\+", name)
        return tuple(-float(number) for number in (f"{version[1]}.0".split(".") if version else ["-1"]))

    named = sorted((one for one in types if one.startswith("application/")), key=age)
    return [] if named == ["application/json"] else named


class AdsCompiler:
    """Gathers every operation of the Ads API, and a file of schemas for each API that has some."""

    def __init__(self, shared: Path) -> None:
        self.source = shared / "ads"
        self.operations: list[dict[str, Any]] = []
        self.schemas: dict[str, dict[str, Any]] = {}

    @cached_property
    def described(self) -> dict[str, tuple[str, dict[str, Any], dict[str, Any]]]:
        """What the OpenAPI descriptions say: method and path → API, operation, its whole description."""
        found: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}
        for file, api in DESCRIPTIONS.items():
            text = (self.source / "openapi" / file).read_text("utf-8")
            model = json.loads(text) if file.endswith("json") else yaml.load(text, yaml.CSafeLoader)  # it is safe
            for path, item in model["paths"].items():
                for method in METHODS:
                    if method in item:
                        shared = item.get("parameters", [])
                        operation = item[method] | {"parameters": [*shared, *item[method].get("parameters", [])]}
                        found.setdefault(_key(method.upper(), path), (api, operation, model))
        return found

    def compile(self) -> dict[str, str]:
        """Return every file of the catalogue: name → text."""
        table = json.loads((self.source / "operations.json").read_text("utf-8"))
        rows = {_key(*place.split(" ")): (place, row) for place, row in table.items()}
        for key in sorted(rows.keys() | self.described.keys()):
            place, row = rows.get(key, (key, {}))
            method, path = place.split(" ")
            _, given, model = self.described.get(key, ("", {}, {}))
            if given and not row:
                path = next(one for one in model["paths"] if _key(method, one) == key)
            self.add(method, path, row, given, model)
        self._settle_names()
        self.operations.sort(key=lambda op: (op["api"], op["path"], op["method"]))
        apis = {op["api"]: {"name": op["api"], "version": ""} for op in self.operations}
        files = {f"schemas/{key}.json": _lines(self._used(schemas)) for key, schemas in sorted(self.schemas.items())}
        head = json.dumps({"format": 1, "family": FAMILY})[:-1]
        listed = ",\n".join(f"{json.dumps(key)}:{_line(api)}" for key, api in sorted(apis.items()))
        operations = ",\n".join(map(_line, self.operations))
        files["index.json"] = f'{head},\n"apis":{{\n{listed}\n}},\n"operations":[\n{operations}\n]}}\n'
        return files

    def add(self, method: str, path: str, row: dict[str, Any], given: dict[str, Any], model: dict[str, Any]) -> None:
        """Add one operation, from its row of the table and its description, of which it has one or both."""
        id = row.get("operationId") or given.get("operationId") or ""
        reads = method == "GET" or (path not in WRITES and bool(READING.search(path) or READS.match(id)))
        full = name_of(method, path, reads)
        api, _, name = full.partition(".")
        made: dict[str, Any] = {"family": FAMILY, "api": api, "id": id, "name": name, "method": method, "path": path}
        resolved = [_resolve(one, model) for one in given.get("parameters", [])]
        request = _body(given, model)
        types = {"request": media(row.get("in") or list(request.get("content", {})))}
        types["accept"] = media(_success(row) or list(_answers(given, model)[1].get("content", {})))
        made["parameters"] = [*self._parameters(path, row, resolved), *_choices(types)]
        if types["request"] or types["accept"]:
            made["media"] = {name: found for name, found in types.items() if found}
        if (row.get("in") or request) and method != "GET":
            made["body"] = {"required": bool(request.get("required", bool(row.get("in")) and not reads))}
        elif method in ("POST", "PUT", "PATCH") and not given:
            made["body"] = {"required": False}
        if not reads:
            made["write"] = True
        if BETA.search(path) or "beta" in (row.get("summary") or "").lower():
            made["beta"] = True
        self._marks(made, row)
        self._add_schemas(made, given, model)
        self._shapes(made)
        self.operations.append(made)

    def _parameters(self, path: str, row: dict[str, Any], given: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield an operation's parameters: those of its path, its query, and the headers that say whose it is."""
        known = {(one["in"], one["name"].lower()): one for one in given}
        for wire in re.findall(r"\{(\w+)\}", path):
            yield {"name": snake(wire), "wire": wire, "in": "path", "schema": {"type": "string"}, "required": True}
        queries = list(row.get("query", [])) or [one["name"] for one in given if one["in"] == "query"]
        for wire in queries:
            one = known.get(("query", wire.lower()), {})
            schema = _facts(one.get("schema", {})) or {"type": "string"}
            schema = {"type": "string"} if "$ref" in schema else _of_query(wire, schema)
            made = {"name": snake(wire), "wire": wire, "in": "query", "schema": schema}
            made |= {"required": True} if one.get("required") else {}
            yield made | ({"style": "csv"} if schema.get("type") == "array" else {})
        headers = {name.lower(): required for name, required in row.get("headers", [])}
        headers |= (
            {one["name"].lower(): bool(one.get("required")) for one in given if one["in"] == "header"}
            if not row
            else {}
        )
        if OF_A_PROFILE.search(path):
            headers[PROFILE[0]] = True
        if PROFILE[0] in headers and ACCOUNT in headers:  # a call names one or the other (section 1.2)
            headers |= {PROFILE[0]: False, ACCOUNT: False}
        names = {snake(wire) for wire in (*queries, *re.findall(r"\{(\w+)\}", path))}
        for lower, required in sorted(headers.items()):
            if lower in SENT or lower not in HEADERS:
                assert lower in SENT, lower
                continue
            wire, name = HEADERS[lower]
            name = f"{name}_header" if name in names else name
            made = {"name": name, "wire": wire, "in": "header", "schema": {"type": "string"}}
            yield made | ({"required": True} if required and lower != "prefer" else {})

    def _marks(self, made: dict[str, Any], row: dict[str, Any]) -> None:
        path = made["path"]
        if made.get("write") and (found := next((one for pattern, one in ITEMISED if pattern.search(path)), None)):
            made["results"] = found
        if removal := next((date for pattern, date in SHUT_OFF if pattern.search(path)), None):
            made |= {"deprecated": True, "removal": removal}
        elif row.get("deprecated"):
            made["deprecated"] = True

    def _add_schemas(self, made: dict[str, Any], given: dict[str, Any], model: dict[str, Any]) -> None:
        """Note which definitions an operation takes and answers with; a schema written in place gets a name."""
        if not given:
            return
        known = self.schemas.setdefault(made["api"], {"operations": {}, "$defs": {}})
        definitions = known["$defs"]
        for name, schema in model["components"].get("schemas", {}).items():
            definitions.setdefault(name, _facts(schema))
            if values := ENUMS.get((made["api"], name)):
                definitions[name]["enum"] = values
        title = "".join(word.capitalize() for word in re.split(r"[._]", made["name"]))

        def named(content: dict[str, Any], types: list[str], suffix: str) -> str | None:
            first: dict[str, Any] = next(iter(content.values()), {})
            found = next((content[one] for one in types if one in content), first)
            fact = _facts(found.get("schema", {}))
            if not fact:
                return None
            if set(fact) == {"$ref"}:
                return str(fact["$ref"]).rsplit("/", 1)[-1]
            definitions[f"{title}{suffix}"] = fact
            return f"{title}{suffix}"

        types = made.get("media", {})
        noted: dict[str, Any] = {}
        if body := named(_body(given, model).get("content", {}), types.get("request", []), "Body"):
            noted["body"] = body
        noted["responses"] = {
            str(status): named(_resolve(answer, model).get("content", {}), types.get("accept", []), f"Answer{status}")
            for status, answer in sorted(given["responses"].items(), key=str)
            if status != "default"
        }
        known["operations"][f"{made['method']} {made['path']}"] = noted

    def _shapes(self, made: dict[str, Any]) -> None:
        """Note what the schemas tell: how it pages, how many items a write takes, what a 207 looks like."""
        known = self.schemas.get(made["api"], {"operations": {}, "$defs": {}})
        noted = known["operations"].get(f"{made['method']} {made['path']}", {"responses": {}})
        look = _Look(known["$defs"])
        body = look.at(noted.get("body"))
        answers = {status: look.at(name) for status, name in noted["responses"].items() if status.startswith("2")}
        answer = next(iter(answers.values()), {})
        if page := _paging(made, body, answer, look):
            made["paging"] = page
        if made.get("write") and (batch := _batch(body, look)):
            made["batch"] = batch
        if results := _results(answers.get("207"), look):
            made["results"] = results
        if NUMBERS.search(made["path"]) or any(look.numbers(one) for one in (body, *answers.values())):
            made["numeric_ids"] = True

    def _settle_names(self) -> None:
        """Give what is named like a group of others, or like another, a name of its own."""
        taken: dict[str, dict[str, Any]] = {}
        for made in self.operations:
            full = f"{made['api']}.{made['name']}"
            if any(f"{one['api']}.{one['name']}".startswith(f"{full}.") for one in self.operations):
                made["name"] += ".query"
                full += ".query"
            assert full not in taken, (full, made["path"], taken[full]["path"])
            taken[full] = made

    def _used(self, schemas: dict[str, Any]) -> dict[str, Any]:
        """Return the schemas without the definitions that no operation reaches."""
        todo = [
            name
            for noted in schemas["operations"].values()
            for name in (noted.get("body"), *noted["responses"].values())
        ]
        used: set[str] = set()
        while todo:
            name = todo.pop()
            if name and name not in used:
                used.add(name)
                todo += _named_in(schemas["$defs"][name])
        return {**schemas, "$defs": {name: schemas["$defs"][name] for name in used}}


class _Look:
    """Looks through references."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self.definitions = definitions

    def at(self, name: str | None) -> dict[str, Any]:
        return self.through(self.definitions[name]) if name else {}

    def through(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[-1]]
        for part in schema.get("allOf", ()):
            inner = self.through(part)
            schema = inner | schema | {"properties": inner.get("properties", {}) | schema.get("properties", {})}
        return schema

    def numbers(self, schema: dict[str, Any], depth: int = 6) -> bool:
        """Whether there are ids below that are numbers."""
        schema = self.through(schema)
        if depth and "items" in schema and self.numbers(schema["items"], depth - 1):
            return True
        return any(
            (name.endswith("Id") and one.get("type") in ("integer", "number"))
            or (depth and self.numbers(one, depth - 1))
            for name, one in self.properties(schema).items()
        )

    def properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {name: self.through(one) for name, one in self.through(schema).get("properties", {}).items()}


def _of_query(wire: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a query's parameter may be: of many the table has the name only, and lists are called texts."""
    if wire in (*PAGE_SIZES, "startIndex"):
        return schema | {"type": "integer"}
    if not LISTS.search(wire) or schema.get("type") != "string":
        return schema
    one = {"enum": [value for value in schema["enum"] if "," not in value]} if "enum" in schema else {}
    return {"type": "array", "items": {"type": "string", **one}}


def _choices(types: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Yield the headers that choose between versions of what is sent and answered, where there are several."""
    for name, wire, known in (
        ("content_type", "content-type", types["request"]),
        ("accept", "accept", types["accept"]),
    ):
        if len(known) > 1:
            yield {"name": name, "wire": wire, "in": "header", "schema": {"type": "string", "enum": known}}


def _paging(made: dict[str, Any], body: dict[str, Any], answer: dict[str, Any], look: _Look) -> dict[str, Any] | None:
    """Return how an operation pages (reference/amazon-ads.md, section 2.8), or None."""
    if made["path"] in CURSORS:
        return dict(CURSORS[made["path"]])
    queries = [one["wire"] for one in made["parameters"] if one["in"] == "query"]
    lists = [name for name, one in look.properties(answer).items() if one.get("type") == "array" and name not in ASIDE]
    items = {"items": lists[0]} if len(lists) == 1 else {"items": ""} if answer.get("type") == "array" else {}
    if "startIndex" in queries:
        return {"token": "startIndex", "next": "", "size": "count", "kind": "count", "items": ""} | items
    place, names = "query", queries
    if (token := next((one for one in PAGE_TOKENS if one in queries), None)) is None:
        place, names = "body", list(look.properties(body))
        token = next((one for one in PAGE_TOKENS if one in names), None)
        if made["path"] in PAGED_BODIES:
            token, names = "nextToken", ["nextToken", "maxResults"]
            items = {"items": listed} if (listed := PAGED_BODIES[made["path"]]) else {}
    if token is None:
        return None
    following = {"startingToken": "nextToken"}.get(token, token)
    page: dict[str, Any] = {"token": token, "next": following} | items
    size = next((one for one in PAGE_SIZES if one in names), None)
    return page | ({"size": size} if size else {}) | ({"place": "body"} if place == "body" else {})


def _batch(body: dict[str, Any], look: _Look) -> dict[str, Any] | None:
    """Return where a write's items stand, and how many there may be at once."""
    if body.get("type") == "array":
        return {"key": ""} | ({"most": body["maxItems"]} if "maxItems" in body else {})
    for name, one in look.properties(body).items():
        if one.get("type") == "array" and "maxItems" in one:
            return {"key": name, "most": one["maxItems"]}
        include = look.properties(one).get("include", {})
        if include.get("type") == "array" and "maxItems" in include:
            return {"key": f"{name}.include", "most": include["maxItems"]}
    return None


def _results(answer: dict[str, Any] | None, look: _Look) -> str | None:
    """Return how a 207 lays out what became of each item: in a wrapper, bare, or at the top."""
    if answer is None:
        return None
    if answer.get("type") == "array":
        return "flat"
    properties = look.properties(answer)
    if "success" in properties or "error" in properties:
        return "v1"
    if any({"success", "error"} & look.properties(one).keys() for one in properties.values()):
        return "sp"
    return "flat" if any(one.get("type") == "array" for one in properties.values()) else None


def _key(method: str, path: str) -> str:
    return f"{method} {re.sub(r'{[^}]*}', '{}', path.rstrip('/'))}"


def _resolve(given: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in given:
        _, _, kind, name = given["$ref"].split("/")
        given = model["components"][kind][name]
    return given


def _body(given: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    return _resolve(given["requestBody"], model) if "requestBody" in given else {}


def _answers(given: dict[str, Any], model: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for status, answer in sorted(given.get("responses", {}).items(), key=str):
        if str(status).startswith("2"):
            return str(status), _resolve(answer, model)
    return "", {}


def _success(row: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(one for types in row.get("out", {}).values() for one in types))


def _facts(schema: Any) -> dict[str, Any]:
    """Return an OpenAPI 3 schema with what can be checked, and without words."""
    if not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref'].rsplit('/', 1)[-1]}"}
    kept = {key: schema[key] for key in SCHEMA_FACTS if key in schema}
    if kept.get("format") not in FORMATS:
        kept.pop("format", None)
    if not isinstance(kept.get("required", []), list) or not kept.get("required", ["?"]):
        kept.pop("required", None)
    for odd in ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"):
        if odd in kept and not isinstance(kept[odd], int | float):
            del kept[odd]
    if "items" in schema:
        kept.setdefault("type", "array")
        kept["items"] = _facts(schema["items"])
    if "properties" in schema:
        kept.setdefault("type", "object")
        kept["properties"] = {name: _facts(one) for name, one in schema["properties"].items()}
        spelled = {
            name.lower(): name for name in kept["properties"]
        }  # one is required in another spelling than its own
        if "required" in kept:
            kept["required"] = [spelled.get(name.lower(), name) for name in kept["required"]]
    more = schema.get("additionalProperties")
    if more is not None:
        kept["additionalProperties"] = more if isinstance(more, bool) else _facts(more) or True
    for key in ("allOf", "oneOf", "anyOf"):
        if key in schema:
            # which of several forms a value has is Amazon's to say: some of its "oneOf" overlap
            kept["allOf" if key == "allOf" else "anyOf"] = [_facts(part) for part in schema[key]]
    if schema.get("nullable") and isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
        if "enum" in kept:
            kept["enum"] = [*kept["enum"], None]
    return kept


def _named_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rsplit("/", 1)[-1]
        for value in schema.values():
            yield from _named_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _named_in(value)


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _lines(schemas: dict[str, Any]) -> str:
    """Write a file of schemas with one operation or definition a line, so that a change of facts is a readable diff."""
    parts = []
    for part in ("operations", "$defs"):
        rows = ",\n".join(f"{json.dumps(name)}:{_line(value)}" for name, value in sorted(schemas[part].items()))
        parts.append(f'"{part}":{{\n{rows}\n}}')
    return "{" + ",\n".join(parts) + "}\n"
