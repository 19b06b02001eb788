"""Makes every operation of the Ads API a method, named after its path: ``ads.sp.campaigns.list(…)``.

``ads_operations.pyi`` beside this file, generated from the catalogue, is what editors and type checkers read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sellerport import catalog, operations
from sellerport.catalog import Operation
from sellerport.operations import OperationsOf


class OperationGroup(OperationsOf):
    """The operations below a path, as methods, and the groups below it: ``ads.sp``, ``ads.sp.campaigns``."""

    def __init__(self, api: str, call: Callable[[Operation, dict[str, Any]], Any], within: str = "") -> None:
        super().__init__(api, call, "ads")
        self._within = within

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        full, known = self._within + name, catalog.index("ads").by_api[self._api]
        found = (
            OperationGroup(self._api, self._call, f"{full}.")
            if full not in known and any(one.startswith(f"{full}.") for one in known)
            else operations.method_of(catalog.find(f"{self._api}.{full}", "ads"), self._call)
        )
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        beside = {name for name in object.__dir__(self) if not name.startswith("_")}
        return sorted(beside | {one.name.removeprefix(self._within).split(".")[0] for one in self._below()})

    def __repr__(self) -> str:
        return f"<{self._api}.{self._within}*: {len(self._below())} operations>"

    def _below(self) -> list[Operation]:
        return [one for one in catalog.operations("ads") if one.api == self._api and one.name.startswith(self._within)]


class AdsOperations:
    """Every first segment of a path as an attribute."""

    def _call(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> OperationGroup:
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._open(catalog.api(name, "ads"))
        setattr(self, name, found)
        return found

    def _open(self, api: str) -> OperationGroup:
        """Return the operations below a first segment, and whatever else a client has for it."""
        return OperationGroup(api, self._call)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *catalog.index("ads").apis]


AsyncAdsOperations = AdsOperations
