"""Application Management 2023-11-30: a new client secret, which comes as a notification and in no answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sellerport.emulator.call import Answer, Call
from sellerport.errors import AmazonRefused

NOT_ENROLLED = (
    "Application is not enrolled for rotation notification. Please update application notification preference in "
    "Developer console."
)


def rotate_application_client_secret(call: Call) -> Answer:
    """Rotate the client secret of the application that calls."""
    id = call.application.client_id
    if call.world.application(id).queue is None:
        raise AmazonRefused(NOT_ENROLLED, status=400, amazon_code="InvalidInput")
    call.world.rotate_secret(id)
    return Answer(status=204)


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "application_2023_11_30.rotate_application_client_secret": rotate_application_client_secret,
}
