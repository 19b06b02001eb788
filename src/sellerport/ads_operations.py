"""Makes every operation of the Ads API a method, named after its path: ``ads.sp.campaigns.list(…)``."""

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
        return sorted({one.name.removeprefix(self._within).split(".")[0] for one in self._below()})

    def __repr__(self) -> str:
        return f"<{self._api}.{self._within}*: {len(self._below())} operations>"

    def _below(self) -> list[Operation]:
        return [one for one in catalog.operations("ads") if one.api == self._api and one.name.startswith(self._within)]
