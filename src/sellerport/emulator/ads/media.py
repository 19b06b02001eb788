"""Media types: of which an answer is, and in a strict world, of which a request may be.

Otherwise anything is taken, since clients differ: python-amazon-ad-api sends JSON where a vendor's type belongs, and
some of its types in another case.
"""

from __future__ import annotations

from collections.abc import Sequence

from sellerport.catalog import Operation
from sellerport.emulator.ads.call import Refused
from sellerport.emulator.traffic import Arrived

JSON = "application/json"
ANYTHING = frozenset({"*/*", "application/*"})
BOTH = ("/portfolios",)
"""Paths that take JSON beside a vendor's type."""


def answered(arrived: Arrived) -> str:
    """Return the type of an answer: what was asked for, where that is JSON of some kind."""
    asked = _kinds(arrived.headers.get("accept", ""))
    return next((one for one in asked if one.startswith("application/") and one.endswith("+json")), JSON)


def check(arrived: Arrived, operation: Operation) -> None:
    """Refuse a request whose media types are not the operation's.

    SB v4 is content where one of the two is right, and else says that nothing is there.

    Raises:
        Refused: 415 for what was sent, 406 for what was asked for, or 404.
    """
    sends = not arrived.body or _fits(_kinds(arrived.headers.get("content-type", "")), operation.media.request, arrived)
    asked = _kinds(arrived.headers.get("accept", "")) or ["*/*"]
    takes = bool(ANYTHING.intersection(asked)) or _fits(asked, operation.media.accept, arrived)
    if arrived.path.startswith("/sb/v4/"):
        if not sends and (not takes or ANYTHING.intersection(asked)):
            details = f"Could not find resource for full path: http://{arrived.host}{arrived.path}"
            raise Refused(404, {"code": "NOT_FOUND", "details": details})
        return
    if not sends:
        if arrived.path.startswith("/sp/"):
            message = "Cannot consume content type"
            raise Refused(415, {"code": "UNSUPPORTED_MEDIA_TYPE", "message": message})
        raise Refused(415, {"code": "415", "details": "Cannot consume content type"})
    if not takes:
        raise Refused(406, {"code": "406", "details": "Not acceptable"})


def _kinds(header: str) -> list[str]:
    return [kind for part in header.split(",") if (kind := part.partition(";")[0].strip())]


def _fits(given: Sequence[str], known: Sequence[str], arrived: Arrived) -> bool:
    allowed = {one.lower() for one in known} or {JSON}
    if arrived.path.startswith(BOTH):
        allowed.add(JSON)
    return any(one.lower() in allowed for one in given)
