"""How the operations of Fulfillment Inbound go on: because they are polled, and a minute after they began.

Whoever asks for anything of an account's plans or shipments sees what its operations did by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sellerport.emulator import inbound, inbound_packing, inbound_shipments, inbound_v0
from sellerport.emulator.call import Answer, Call, missing

ACTS: Mapping[str, inbound.Act] = {**inbound.ACTS, **inbound_packing.ACTS, **inbound_shipments.ACTS}


def get_inbound_operation_status(call: Call) -> Answer:
    """Look at an operation, which moves it on."""
    operation = call.world.inbound.operations.get((call.seller, call.path["operationId"]))
    if operation is None:
        raise missing(f"Operation {call.path['operationId']} was not found")
    if operation.status == "IN_PROGRESS":
        operation.polls -= 1
        if operation.polls < 0:
            inbound.end(call, operation, ACTS[operation.name])
    body = {
        "operation": operation.name,
        "operationId": operation.id,
        "operationProblems": list(operation.problems),
        "operationStatus": operation.status,
    }
    return Answer(body)


def _settled(handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
    """Let what nobody polled end before a call is answered."""

    def answer(call: Call) -> Answer:
        now = call.world.now()
        for (seller, _), one in call.world.inbound.operations.items():
            if seller == call.seller and one.status == "IN_PROGRESS" and one.ends_at <= now:
                inbound.end(call, one, ACTS[one.name])
        return handler(call)

    return answer


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    key: _settled(handler)
    for key, handler in {
        **inbound.HANDLERS,
        **inbound_packing.HANDLERS,
        **inbound_shipments.HANDLERS,
        **inbound_v0.HANDLERS,
        f"{inbound.API}.get_inbound_operation_status": get_inbound_operation_status,
    }.items()
}
