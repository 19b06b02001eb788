"""What the generated tests of Amazon's SDKs ask of the server that they run against (`--sdk-tests`).

A test says what is to be answered next, and then makes one call, with arguments that mean nothing:

    POST /response/{api}-{operationId}/code/{status}

The next call of an operation of that id is answered with that status, and a body of the catalogue's schema for it;
neither its token nor its arguments are looked at. Tests of one SDK and another write the API's name in their own way,
or leave it out, and the operation's id in other capitals: so the id alone counts, whatever the API and the case. The
tests sign in with words that stand in `grants`, and look for the server on port 3000.

Not known is what Amazon's own server answers to the request above: its tests do not look at it. Here it is 204, or 404
for an operation that the catalogue does not have.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sellerport import catalog
from sellerport.catalog import Operation
from sellerport.emulator import answers
from sellerport.emulator.call import MESSAGES, Answer, Call
from sellerport.emulator.grants import SDK_REFRESH_TOKEN, AccessToken
from sellerport.emulator.world import World
from sellerport.errors import AmazonError

PREFIX = "/response/"


def routes(world: World) -> list[Route]:
    """Return the route that says what is answered next."""

    async def tell(request: Request) -> Response:
        operation = request.path_params["name"].rpartition("-")[2].lower()
        if all(one.id.lower() != operation for one in catalog.operations()):
            return Response(f"no operation {operation!r}", 404, media_type="text/plain")
        world.told[operation] = request.path_params["status"]
        return Response(None, 204)

    return [Route(f"{PREFIX}{{name}}/code/{{status:int}}", tell, methods=["POST"])]


def answer(world: World, operation: Operation, path: Mapping[str, str], address: str) -> Answer | None:
    """Return the answer that was told for the next call of an operation, if one was.

    Raises:
        AmazonError: it is an error.
    """
    status = world.told.pop(operation.id.lower(), None)
    if status is None:
        return None
    if status >= 400:
        code, message = MESSAGES.get(status, MESSAGES[500])
        raise AmazonError(message, status=status, amazon_code=code)
    grant = world.grants[SDK_REFRESH_TOKEN]
    token = AccessToken(grant.application, grant, world.now())
    call = Call(world, operation, path, {}, None, token, grant.account, grant.account.region, address)
    return answers.invent(call, status=status)
