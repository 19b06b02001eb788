"""Compiles Amazon's table of version 3 advertising reports into one file of the catalogue: facts only, no sentences.

``tools/catalog.py`` calls it. What a report type takes comes over: products, what it can be grouped by, columns,
filters, formats, how many days it covers and goes back, and what type each column has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME = "reports.json"

# The table of columns spells some types in ways of its own, and lacks some columns that the types have.
TYPE_SPELLINGS = {": Integer": "integer", "Long": "integer", "Deciimal": "decimal", "Deciaml": "decimal"}
MISSING_TYPES = {
    **dict.fromkeys(("cumulativeReach", "detailPageViewsViews"), "integer"),
    **dict.fromkeys(("ROAS", "creativeWeight", "exclusiveReachRate", "incrementalReachRate"), "decimal"),
    **dict.fromkeys(("longTermROAS", "longTermSales"), "decimal"),
    **dict.fromkeys(("contentTitle", "contentType", "deviceName", "dmaCode", "marketplaceId"), "string"),
}
# Both spellings are in Amazon's pages (reference/amazon-ads.md, section 4.3).
ALIASES = {"dspBidAdjustment": ["dspBidAdjustments"]}


def report_types(shared: Path) -> str:
    """Return the text of the catalogue's file of report types.

    Args:
        shared: the folder that holds ``ads/``.
    """
    source = shared / "ads"
    types = json.loads((source / "report_types_v3.json").read_text("utf-8"))
    described = json.loads((source / "report_columns_v3.json").read_text("utf-8"))
    made = {name: _report_type(name, given) for name, given in sorted(types.items())}
    used = {column for one in made.values() for column in _columns(one)}
    columns: dict[str, list[str]] = {"decimal": [], "integer": [], "string": []}
    for column in sorted(used):
        columns[_type(column, described)].append(column)
    rows = ",\n".join(f"{json.dumps(name)}:{_line(one)}" for name, one in made.items())
    kinds = ",\n".join(f"{json.dumps(kind)}:{_line(names)}" for kind, names in columns.items())
    return f'{{"format":1,\n"columns":{{\n{kinds}\n}},\n"types":{{\n{rows}\n}}}}\n'


def _report_type(name: str, given: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "product": given["adProduct"],
        "most_days": given["maxRangeDays"],
        "retention_days": given["retentionDays"],
        "time_units": sorted(given["timeUnit"]),
        "formats": given["format"],
        "columns": sorted(given["baseColumns"]),
        "groups": {key: _group(group) for key, group in given["groupBy"].items()},
    }
    if any(declared.startswith("[") for declared in given["groupBy_declared"]):  # only these go together
        made["combinations"] = [json.loads(declared) for declared in given["groupBy_declared"]]
    if name in ALIASES:
        made["aliases"] = ALIASES[name]
    return made


def _group(given: dict[str, Any]) -> dict[str, Any]:
    """Return one thing to group by: the columns it adds, and the values its filters take (none: any)."""
    filters = {
        one["field"]: sorted(value.strip("`") for value in one.get("values") or ()) for one in given.get("filters", ())
    }
    return {"columns": sorted(given["columns"])} | ({"filters": filters} if filters else {})


def _columns(made: dict[str, Any]) -> set[str]:
    return {*made["columns"], *(column for group in made["groups"].values() for column in group["columns"])}


def _type(column: str, described: dict[str, Any]) -> str:
    stated = described.get(column, {}).get("type")
    return TYPE_SPELLINGS.get(stated) or (stated.lower() if stated else MISSING_TYPES[column])


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
