"""Makes every operation of the catalogue a method: ``sp.orders_v0.get_orders(…)``.

The methods are made when they are first named, from the catalogue; ``operations.pyi`` beside this file, generated from
the same facts, is what editors and type checkers read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from sellerport import catalog, serialize
from sellerport.catalog import PROFILE, Family, Operation, Parameter

MARKETPLACE_PARAMETERS = ("marketplace_ids", "marketplace_id")


class OperationsOf:
    """The operations of one API version, as methods."""

    def __init__(self, api: str, call: Callable[[Operation, dict[str, Any]], Any], family: Family) -> None:
        self._api = api
        self._call = call
        self._family: Family = family

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        method = method_of(catalog.find(f"{self._api}.{name}", self._family), self._call)
        setattr(self, name, method)
        return method

    def __dir__(self) -> list[str]:
        beside = [name for name in super().__dir__() if not name.startswith("_")]
        return beside + [one.name for one in catalog.operations(self._family) if one.api == self._api]

    def __repr__(self) -> str:
        count = sum(one.api == self._api for one in catalog.operations(self._family))
        return f"<{self._api}: {count} operations>"


class Operations:
    """Every API version as an attribute, and the newest of each under its short name (``orders``)."""

    _family: ClassVar[Family] = "seller-partner"

    def _call(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> OperationsOf:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._open(catalog.api(name, self._family))
        setattr(self, name, found)
        return found

    def _open(self, api: str) -> OperationsOf:
        """Return the operations of one API version, and whatever else a client has for it."""
        return OperationsOf(api, self._call, self._family)

    def __dir__(self) -> list[str]:
        known = catalog.index(self._family)
        return [*super().__dir__(), *known.apis, *known.newest]


AsyncOperations = Operations


def demanded(parameter: Parameter) -> bool:
    """Return whether a call has to give a parameter: a client fills in its marketplace or its profile itself."""
    filled = parameter.name == PROFILE or (parameter.name in MARKETPLACE_PARAMETERS and parameter.place != "header")
    return parameter.required and not filled


def method_of(operation: Operation, call: Callable[[Operation, dict[str, Any]], Any]) -> Callable[..., Any]:
    """Make one operation a function with a name, a signature and a docstring."""

    def method(**arguments: Any) -> Any:
        return call(operation, arguments)

    method.__name__ = operation.name.rpartition(".")[2]
    method.__qualname__ = operation.key
    method.__doc__ = operation.summary
    method.__signature__ = _signature(operation.key, operation.family)  # type: ignore[attr-defined]  # for help()
    return method


@cache
def _signature(key: str, family: Family) -> inspect.Signature:
    """Return what an operation takes; all clients share it, since making one takes longer than making a client."""
    operation = catalog.find(key, family)
    parameters = [
        inspect.Parameter(
            parameter.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if demanded(parameter) else None,
        )
        for parameter in sorted(operation.parameters, key=lambda parameter: not demanded(parameter))
    ]
    if operation.body is not None:
        whole = operation.body.required and not serialize.fields(operation)
        default = inspect.Parameter.empty if whole else None
        parameters.append(inspect.Parameter("body", inspect.Parameter.KEYWORD_ONLY, default=default))
    given = {one.name for one in parameters}
    more = ["restricted"] if operation.restricted is not None else []
    more += [*serialize.fields(operation), "content_type", "accept"] if operation.family == "ads" else []
    parameters += [
        inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, default=None) for one in more if one not in given
    ]
    return inspect.Signature(parameters)
