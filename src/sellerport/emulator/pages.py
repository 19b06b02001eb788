"""Pages of invented lists: how many there are was planned, and the catalogue says how the next one is asked for.

* A token is checked whatever was planned: it belongs to an operation and an account, and the arguments of the first
  page have to come with it - or none at all, or what the catalogue calls fixed, where Amazon wants it so.
* Where pages are counted by items (offset and limit), each holds what was asked for of one long list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sellerport import catalog
from sellerport.catalog import Operation, Paging
from sellerport.emulator import page_tokens
from sellerport.emulator.answers import invent
from sellerport.emulator.call import Answer, Call, invalid
from sellerport.emulator.world import Pages

LIVES_S = {"fba_inventory_v1.get_inventory_summaries": 30}
"""Operations whose tokens expire, after so many seconds."""
LIMIT = 2
ONE = Pages()


def answer(call: Call) -> Answer:
    """Answer with the page that is asked for."""
    paging = call.operation.paging
    assert paging is not None
    return (_by_offset if paging.kind == "offset" else _by_token)(call, paging)


def _by_token(call: Call, paging: Paging) -> Answer:
    given = _body(call).get(paging.token) if paging.place == "body" else call.one(paging.token)
    origin, page = (call.operation.key, 1) if given is None else _redeem(call, paging, str(given))
    planned = call.world.paged.get(origin, ONE)
    answer = invent(call, page=page)
    if page in planned.empty:
        _set(answer.body, paging.items or "", _emptied)
    following = page + 1 if page < planned.pages else page if planned.repeat else None
    if following is not None:
        token = str(given) if given is not None and following == page else _issue(call, paging, origin, following)
        _set(answer.body, paging.next, lambda _: token)
    if page > 1 and (previous := _previous(call.operation, paging)):
        token_before = _issue(call, paging, origin, page - 1)
        _set(answer.body, previous, lambda _: token_before)
    return answer


def _redeem(call: Call, paging: Paging, token: str) -> tuple[str, int]:
    if paging.alone and set(call.query) != {paging.token}:
        raise invalid(f"{paging.token} must be the only parameter")
    for name, value in paging.fixed.items():
        if call.one(name) != value:
            raise invalid(f"{name} must be {value} with {paging.token}")
    arguments = None if paging.alone or paging.fixed else _arguments(call, paging)
    found: tuple[str, int] = page_tokens.redeem(call, token, name=paging.token, arguments=arguments)
    return found


def _issue(call: Call, paging: Paging, origin: str, page: int) -> str:
    return page_tokens.issue(
        call,
        (origin, page),
        operation=f"{call.operation.api}.{paging.via}" if paging.via else None,
        arguments=_arguments(call, paging),
        life_s=LIVES_S.get(call.operation.key),
    )


def _arguments(call: Call, paging: Paging) -> dict[str, Any]:
    """Return everything that a call names but its token."""
    given = {**call.path, **{name: call.many(name) for name in call.query}, **_body(call)}
    return {name: value for name, value in given.items() if name != paging.token}


def _previous(operation: Operation, paging: Paging) -> str | None:
    """Return where an answer names the page before, if it does: beside the next one."""
    schemas = catalog.schemas(operation.api)
    *steps, last = paging.next.split(".")
    here: Mapping[str, Any] = {"$ref": f"#/$defs/{schemas.of(operation).responses['200']}"}
    for step in [*steps, None]:
        while "$ref" in here:
            here = schemas.definitions[here["$ref"].rpartition("/")[2]]
        here = here.get("properties", {}) if step is None else here.get("properties", {}).get(step, {})
    name = last.replace("next", "previous")
    return ".".join([*steps, name]) if name != last and name in here else None


def _by_offset(call: Call, paging: Paging) -> Answer:
    limit, offset = (_number(call, path, least) for path, least in ((paging.size or "", 1), (paging.token, 0)))
    planned = call.world.paged.get(call.operation.key, ONE)
    total = planned.pages * limit
    places = range(offset, min(offset + limit, total))
    if offset // limit + 1 in planned.empty:
        places = range(0)
    answer = invent(call)
    items = [_get(invent(call, page=place + 1).body, paging.items or "")[0] for place in places]
    _set(answer.body, paging.items or "", lambda _: items)
    _set(answer.body, paging.next, lambda _: total)
    return answer


def _number(call: Call, path: str, least: int) -> int:
    """Return a number from the body; without one, that of a short page or of the beginning."""
    found: Any = _body(call)
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if found is None:
        return LIMIT if least else 0
    if not isinstance(found, int) or isinstance(found, bool) or found < least:
        raise invalid(f"{path} must be a number from {least}")
    return found


def _body(call: Call) -> dict[str, Any]:
    return call.body if isinstance(call.body, dict) else {}


def _get(body: Any, path: str) -> Any:
    for step in path.split("."):
        body = body[step]
    return body


def _set(body: Any, path: str, change: Callable[[Any], Any]) -> None:
    """Change what is at a dotted path, and make the way there."""
    *steps, last = path.split(".")
    for step in steps:
        body = body.setdefault(step, {})
    body[last] = change(body.get(last))


def _emptied(value: Any) -> Any:
    """Return a list, or an object of lists, without what is in them."""
    if isinstance(value, dict):
        return {name: _emptied(inner) if isinstance(inner, list) else inner for name, inner in value.items()}
    return []
