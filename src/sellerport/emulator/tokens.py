"""Tokens 2021-03-01: restricted data tokens, which let Orders v0 show personal data.

Not known: what is said where Orders v0 is named without its ``dataElements``, which Amazon calls required there; here
the token is made, and opens none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from sellerport import catalog
from sellerport.emulator.call import Answer, Call, invalid
from sellerport.emulator.grants import TOKEN_LIFE_S, Resource
from sellerport.errors import AmazonRefused, NotFound

MOST_RESOURCES = 50


def create_restricted_data_token(call: Call) -> Answer:
    """Return a token that is good for the resources named, and nothing else."""
    asked = call.body.get("restrictedResources") if isinstance(call.body, dict) else None
    if not isinstance(asked, list) or not asked:
        raise invalid("Resource not provided.")
    if len(asked) > MOST_RESOURCES:
        raise invalid(f"No more than {MOST_RESOURCES} resources can be asked for at once")
    target = call.body.get("targetApplication")
    try:
        application = call.world.application(str(target)) if target else call.application
    except NotFound:
        raise invalid("targetApplication is not an application") from None
    token = call.world.issue_access_token(
        application, call.token.grant, prefix="Atz.sprdt|", resources=tuple(_resource(call, one) for one in asked)
    )
    return Answer({"restrictedDataToken": token, "expiresIn": TOKEN_LIFE_S})


def _resource(call: Call, asked: Any) -> Resource:
    refused = invalid("Application do not have access to some or all requested resource")
    if not isinstance(asked, dict):
        raise refused
    method, path, elements = str(asked.get("method")), str(asked.get("path")), asked.get("dataElements") or []
    found = catalog.match(method, path)
    if found is None or found[0].restricted is None:
        raise refused
    operation, restricted = found[0], found[0].restricted
    if "{" in path and (restricted.path == "specific" or path != operation.path):
        raise refused
    known = restricted.elements
    if not isinstance(elements, list) or any(element not in known for element in elements):
        listed = ", ".join(str(element) for element in elements) if isinstance(elements, list) else ""
        raise invalid(f"Application does not have access to one or more requested data elements: [{listed}]")
    if operation.key == "reports_2021_06_30.get_report_document":
        document = call.world.documents.get((call.seller, unquote(found[1]["reportDocumentId"])))
        if document is None or document.type not in catalog.index().restricted_reports:
            # what Amazon says to users (amzn/selling-partner-api-docs issue 1009)
            raise AmazonRefused("Invalid or unsupported document ID found", status=400, amazon_code="InvalidInput")
    return Resource(method, path, frozenset(elements))


HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    "tokens_2021_03_01.create_restricted_data_token": create_restricted_data_token,
}
