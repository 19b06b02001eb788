"""The documents in Amazon's answers about shipments: labels, packing slips, receipts and invoices, as bytes.

They have an address printed on them, so that whoever is not to see it gets the id of a document in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sellerport.catalog import Operation
from sellerport.server.scrubbing import files

Kind = Literal["label", "packing_slip", "receipt", "invoice", "form", "document"]
Path = tuple[str | int, ...]

_EASY_SHIP = "easy_ship_2022_03_23"
_EXTERNAL = "external_fulfillment_shipments_2024_09_11"
_OPERATIONS: dict[str, dict[str, Kind]] = {
    "merchant_fulfillment_v0": {"create_shipment": "label", "get_shipment": "label", "cancel_shipment": "label"},
    "shipping_v2": {
        "direct_purchase_shipment": "label",
        "purchase_shipment": "label",
        "one_click_shipment": "label",
        "get_shipment_documents": "label",
        "generate_collection_form": "form",
        "get_collection_form": "form",
    },
    _EASY_SHIP: {"create_scheduled_package_bulk": "document"},
    _EXTERNAL: {"generate_invoice": "invoice", "retrieve_invoice": "invoice", "generate_ship_labels": "label"},
    "vendor_direct_fulfillment_shipping_2021_12_28": {
        "create_container_label": "label",
        "create_shipping_labels": "label",
        "get_shipping_label": "label",
        "get_shipping_labels": "label",
        "get_packing_slip": "packing_slip",
        "get_packing_slips": "packing_slip",
        "get_customer_invoice": "invoice",
        "get_customer_invoices": "invoice",
    },
}
"""By API version, the operations whose answers have documents, and of what kind where the answer does not say."""

_FIELDS = frozenset({"contents", "content", "base64encodedcontent", "labelstream"})
"""The fields that hold one, in lower case."""
_LINKED = {
    f"{_EASY_SHIP}.create_scheduled_package_bulk": "printableDocumentsUrl",  # of a ZIP file
    f"{_EXTERNAL}.generate_ship_labels": "url",
}
"""The operations that answer with the addresses of documents, which Amazon signed, and the field of these."""
_TYPES: dict[str, Kind] = {
    "LABEL": "label",
    "PACKSLIP": "packing_slip",
    "RECEIPT": "receipt",
    "CUSTOM_FORM": "form",
}


@dataclass(frozen=True)
class Found:
    """A document of an answer."""

    path: Path
    """Where it stands."""
    content: bytes = field(repr=False)
    format: str
    kind: Kind


def takes(operation: Operation) -> bool:
    """Return whether answers of an operation may have documents."""
    return operation.name in _OPERATIONS.get(operation.api, {})


def kind(operation: Operation) -> Kind:
    """Return of what kind the documents of an operation are where an answer does not say."""
    return _OPERATIONS.get(operation.api, {}).get(operation.name, "document")


def take(operation: Operation, payload: Any) -> list[Found]:
    """Take the documents out of an answer, which then has none in their places.

    Raises:
        ValueError: one cannot be read.
    """
    usual, found = kind(operation), []
    for holder, name, path in list(_texts(payload)):
        if name.lower() in _FIELDS and isinstance(holder[name], str) and holder[name]:
            content, format = files.read(holder.pop(name))
            found.append(Found(path, content, format, _TYPES.get(str(holder.get("type")).upper(), usual)))
    return found


def take_links(operation: Operation, payload: Any) -> list[tuple[Path, str]]:
    """Take the addresses of documents out of an answer; return where they stood, and what they were."""
    field = _LINKED.get(operation.key)
    if field is None:
        return []
    found = [(holder, path) for holder, name, path in _texts(payload) if name == field]
    return [(path, holder.pop(field)) for holder, path in found]


def put(payload: Any, path: Path, value: Any) -> None:
    """Put something where a document was, if that place is there still."""
    *way, name = path
    place = payload
    try:
        for step in way:
            place = place[step]
        place[name] = value
    except (KeyError, IndexError, TypeError):
        return


def _texts(payload: Any) -> Iterator[tuple[dict[str, Any], str, Path]]:
    """Yield every field that holds a text: the object, its name, and the way to it."""
    waiting: list[tuple[Any, Path]] = [(payload, ())]
    while waiting:
        here, path = waiting.pop()
        steps = here.items() if isinstance(here, dict) else enumerate(here)
        for step, value in reversed(list(steps)) if isinstance(here, list) else list(steps):
            if isinstance(value, dict | list):
                waiting.append((value, (*path, step)))
            elif isinstance(here, dict) and isinstance(value, str):
                yield here, step, (*path, step)
