"""What Amazon has turned off, and how it says so."""

from __future__ import annotations

from sellerport.emulator.ads.call import Refused

METHOD_NOT_FOUND = {"code": "NOT_FOUND", "details": "Method Not Found"}

_GONE = (
    "/v1/profiles",
    "/v2/sp/",
    "/v2/portfolios",
    "/v2/campaigns",
    "/v2/adGroups",
    "/v2/reports",
    "/v2/snapshots",
    "/v2/hsa/",
    "/bp/",
    "/insights/diagnostics",
    "/sd/snapshots",
    "/dsp/orders",
    "/dsp/lineItems",
)
_SNAPSHOT = ("/snapshot", "/report")
"""How the paths of what SD's snapshots and reports of before v3 end."""
_DEPRECATED = ("/sb/campaigns", "/sb/adGroups")


def refusal(path: str) -> Refused | None:
    """Return how a path that there was once is answered; None for any other."""
    if any(path == gone.rstrip("/") or path.startswith(gone.rstrip("/") + "/") for gone in _GONE):
        return Refused(404, METHOD_NOT_FOUND)
    if path.startswith(("/sd/", "/hsa/", "/sb/", "/sp/")) and path.endswith(_SNAPSHOT):
        return Refused(404, METHOD_NOT_FOUND)
    if path in _DEPRECATED or (path.startswith("/sb/campaigns/") and path.rpartition("/")[2].isdigit()):
        return Refused(403, {"code": "403", "details": "Endpoint has been deprecated"})
    return None
