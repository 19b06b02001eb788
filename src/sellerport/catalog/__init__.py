"""The catalogue: what every operation of Amazon's APIs is called, where it lies, what it takes and how often.

The facts are compiled by ``tools/catalog.py`` into one index for each API family and one file of schemas for each API
version. Nothing is read before it is asked for: importing Sellerport reads none of it, calling an operation reads the
index, and schemas are read for one API version at a time.

>>> operation = find("orders_v0.getOrders")
>>> operation.method, operation.path, operation.rate
('GET', '/orders/v0/orders', 0.0167)
>>> match("GET", "/orders/v0/orders/902-1%2F2/orderItems")[1]
{'orderId': '902-1%2F2'}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from sellerport.errors import UnknownOperation

Family = Literal["seller-partner", "ads"]

PROFILE = "profile_id"
"""The parameter that names an advertising profile."""


class Parameter(msgspec.Struct, frozen=True, rename={"place": "in"}):
    """One path, query or header parameter: ``name`` as Python writes it, ``wire`` as Amazon does."""

    name: str
    wire: str
    place: Literal["path", "query", "header"]
    schema: dict[str, Any]
    required: bool = False
    style: Literal["csv", "multi"] | None = None
    """How a list is sent: comma-joined in one parameter, or as a parameter for each value."""
    greedy: bool = False
    """Whether the value may contain slashes, which then stay as they are."""
    twice: bool = False
    """Whether Amazon decodes each value of the list twice, so that it has to be encoded twice."""


class Body(msgspec.Struct, frozen=True):
    """A request body; its schema is named in the schemas of the API version."""

    required: bool


class Paging(msgspec.Struct, frozen=True):
    """How the next page is asked for: by a token, or by how many items to skip."""

    token: str
    """The parameter, or the dotted path in the body, that takes the token or the number."""
    next: str
    """Where the answer holds the token, as a dotted path; with ``offset``, how many items there are in all."""
    items: str | None = None
    """Where the answer holds what is paged, as a dotted path: a list, or an object of several lists."""
    size: str | None = None
    """The parameter, or the dotted path in the body, that says how many items a page has."""
    place: Literal["query", "body"] = "query"
    kind: Literal["token", "offset", "count"] = "token"
    """With ``count`` nothing says how many there are: a page that is shorter than asked for is the last."""
    alone: bool = False
    """Whether the token must be the only parameter."""
    fixed: dict[str, str] = {}
    """What has to be said besides the token."""
    via: str | None = None
    """The operation that takes the token, where it is another."""


class Restricted(msgspec.Struct, frozen=True):
    """What a restricted data token for this operation may ask for."""

    elements: tuple[str, ...]
    path: Literal["exact", "either", "specific"]
    """Whether the token's path names one resource, all (``{orderId}``), or either."""


class Media(msgspec.Struct, frozen=True):
    """The versioned media types of what is sent and answered, newest first; none is plain JSON."""

    request: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()


class Batch(msgspec.Struct, frozen=True):
    """A write of several items: where they stand in the body (a dotted path), and how many there may be at once."""

    key: str
    most: int | None = None


class Operation(msgspec.Struct, frozen=True):
    """One method and path of an API version; ``rate`` (calls a second) and ``burst`` are None where unknown."""

    family: Family
    api: str
    id: str
    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Body | None = None
    rate: float | None = None
    burst: float | None = None
    application_rate: float | None = None
    """How often all accounts of an application together may call, a second."""
    paging: Paging | None = None
    restricted: Restricted | None = None
    scope: str | None = None
    """The scope of a grantless call, which needs no account."""
    deprecated: bool = False
    removal: str | None = None
    """The date (ISO 8601) after which Amazon stops answering."""
    write: bool = False
    sandbox: Literal["static", "dynamic"] | None = None
    sandbox_only: bool = False
    media: Media = Media()
    batch: Batch | None = None
    results: Literal["sp", "flat", "v1"] | None = None
    """How a 207 lays out what became of each item: inside a wrapper, as a bare list, or at the top."""
    beta: bool = False
    numeric_ids: bool = False
    """Whether Amazon writes and wants ids as numbers, which are strings elsewhere."""

    @property
    def profile(self) -> Literal["required", "optional"] | None:
        """Whether a call names the advertising profile that it is about."""
        named = [one for one in self.parameters if one.name == PROFILE]
        return None if not named else "required" if named[0].required else "optional"

    @property
    def key(self) -> str:
        """What the operation is called in Python and in errors: ``orders_v0.get_orders``."""
        return f"{self.api}.{self.name}" if self.api else self.name

    @property
    def notes(self) -> list[str]:
        """What to know before calling it, in a few words each."""
        notes = []
        if self.restricted is not None:
            notes.append(": ".join(filter(None, ("restricted data", ", ".join(self.restricted.elements)))))
        if self.scope is not None:
            notes.append(f"grantless ({self.scope})")
        if self.sandbox_only:
            notes.append("sandbox only")
        if self.beta:
            notes.append("beta")
        if self.deprecated:
            notes.append(f"deprecated, removal {self.removal}" if self.removal else "deprecated")
        return notes

    @property
    def summary(self) -> str:
        """Everything in one line: ``GET /orders/v0/orders · 0.0167 a second, burst 20 · restricted data …``."""
        rate = [] if self.rate is None else [f"{self.rate:g} a second, burst {self.burst:g}"]
        return " · ".join([f"{self.method} {self.path}", *rate, *self.notes])


class Api(msgspec.Struct, frozen=True):
    """One version of an API: ``orders``, ``v0``."""

    name: str
    version: str


class Index(msgspec.Struct, frozen=True, dict=True):
    """Every operation of one family."""

    format: Literal[1]
    family: Family
    apis: dict[str, Api]
    operations: tuple[Operation, ...]
    restricted_reports: frozenset[str] = frozenset()
    """The report types whose documents need a restricted data token."""

    @cached_property
    def by_api(self) -> Mapping[str, Mapping[str, Operation]]:
        """API version → operation name, in Python's spelling and in Amazon's → operation."""
        found: dict[str, dict[str, Operation]] = {key: {} for key in self.apis}
        for operation in self.operations:
            found[operation.api][operation.name] = operation
        for operation in self.operations:
            found[operation.api].setdefault(operation.id, operation)
        return MappingProxyType(found)

    @cached_property
    def by_age(self) -> tuple[str, ...]:
        """The keys of the API versions, oldest first; a date is newer than ``v1``."""
        return tuple(sorted(self.apis, key=lambda key: (self.apis[key].version[:1].isdigit(), self.apis[key].version)))

    @cached_property
    def newest(self) -> Mapping[str, str]:
        """API name → its newest version's key: ``orders`` → ``orders_2026_01_01``."""
        return MappingProxyType({self.apis[key].name: key for key in self.by_age})

    @cached_property
    def routes(self) -> dict[Any, Any]:
        """A trie of path segments; None stands for a parameter, and a tuple with a method for its operation."""
        root: dict[Any, Any] = {}
        for operation in self.operations:
            node = root
            for segment in operation.path.strip("/").split("/"):
                node = node.setdefault(None if segment.startswith("{") else segment, {})
            node[operation.method,] = operation
        return root


class OperationSchemas(msgspec.Struct, frozen=True):
    """Which definitions an operation takes and answers with; None is an answer without a body."""

    responses: dict[str, str | None]
    body: str | None = None


UNDESCRIBED = OperationSchemas({})
"""Of an operation whose schemas Amazon does not publish."""


class Schemas(msgspec.Struct, frozen=True, rename={"definitions": "$defs"}):
    """The schemas of one API version, as JSON Schema; references have the form ``#/$defs/Order``."""

    operations: dict[str, OperationSchemas]
    definitions: dict[str, dict[str, Any]]

    def of(self, operation: Operation) -> OperationSchemas:
        """Return which definitions one operation uses."""
        return self.operations.get(f"{operation.method} {operation.path}", UNDESCRIBED)


def index(family: Family = "seller-partner") -> Index:
    """Read the index of one API family, once."""
    return _index(family)


def schemas(api: str, family: Family = "seller-partner") -> Schemas:
    """Read the schemas of one API version, such as ``orders_v0``, once."""
    return _schemas(api, family)


@cache
def _index(family: Family) -> Index:
    return msgspec.json.decode(_file(family, "index.json"), type=Index)


@cache
def _schemas(api: str, family: Family) -> Schemas:
    try:
        return msgspec.json.decode(_file(family, f"schemas/{api}.json"), type=Schemas)
    except FileNotFoundError:  # of some Ads APIs Amazon publishes no schemas
        return Schemas({}, {})


def _file(family: Family, name: str) -> bytes:
    return files(__name__).joinpath(family.replace("-", "_"), name).read_bytes()


def operations(family: Family = "seller-partner") -> tuple[Operation, ...]:
    """Return every operation of a family, ordered by API version and path."""
    return index(family).operations


def api(name: str, family: Family = "seller-partner") -> str:
    """Return the key of an API version from its key (``orders_v0``) or its name, which means the newest (``orders``).

    Raises:
        UnknownOperation: there is no such API; the nearest name is suggested.
    """
    known = index(family)
    key = known.newest.get(name, name)
    if key not in known.apis:
        raise UnknownOperation(f"no API {name!r}{_nearest(name, [*known.apis, *known.newest])}")
    return key


def find(name: str, family: Family = "seller-partner") -> Operation:
    """Find an operation by name: ``orders_v0.get_orders``, ``orders_v0.getOrders``, or ``orders.search_orders``.

    An API's name without a version means the newest version that has the operation.

    Raises:
        UnknownOperation: there is no such operation; the nearest name, or the version that has it, is suggested.
    """
    api_name, _, operation_name = name.partition(".")
    known = index(family)
    if api_name in known.apis and operation_name in known.by_api[api_name]:
        return known.by_api[api_name][operation_name]
    key = api(api_name, family)
    versions = [one for one in known.by_age if known.apis[one].name == known.apis[key].name]
    having = [one for one in versions if operation_name in known.by_api[one]]
    if key in having:
        return known.by_api[key][operation_name]
    if having and key != api_name:
        return known.by_api[having[-1]][operation_name]
    near = f"; {having[-1]} has it" if having else _nearest(operation_name, known.by_api[key])
    raise UnknownOperation(f"no operation {operation_name!r} in {key}{near}")


def match(method: str, path: str, family: Family = "seller-partner") -> tuple[Operation, dict[str, str]] | None:
    """Find the operation that a raw request path belongs to, with its path parameters as they stand in the path.

    ``path`` is matched before anything in it is decoded, so that an encoded slash stays part of its segment.
    """
    found = _walk(index(family).routes, path.strip("/").split("/"), (method,))
    if found is None:
        return None
    operation, values = found
    names = [one[1:-1] for one in operation.path.strip("/").split("/") if one.startswith("{")]
    return operation, dict(zip(names, values, strict=True))


def _walk(node: dict[Any, Any], segments: list[str], method: tuple[str]) -> tuple[Operation, list[str]] | None:
    """Find the operation below a node of the trie; a literal segment is tried before a parameter."""
    if not segments:
        return (node[method], []) if method in node else None
    first, rest = segments[0], segments[1:]
    if first in node and (found := _walk(node[first], rest, method)):
        return found
    below = node.get(None)
    if below is None:
        return None
    if found := _walk(below, rest, method):
        return found[0], [first, *found[1]]
    operation = below.get(method)
    if operation is not None and any(parameter.greedy for parameter in operation.parameters):
        return operation, ["/".join(segments)]
    return None


def _nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
