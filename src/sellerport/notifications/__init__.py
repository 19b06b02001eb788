"""Amazon's notifications: read what a queue brings, in whichever of its forms, and poll the queue.

>>> notification = parse('{"NotificationType": "ORDER_CHANGE", "Payload": {"OrderChangeNotification": {}}}')
>>> notification.type, notification.payload
('ORDER_CHANGE', {'OrderChangeNotification': {}})

``sqs`` polls a queue, ``types`` has what payloads consist of. Destinations and subscriptions are operations of the
client, such as ``sp.notifications.create_destination``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sellerport.notifications.messages import Metadata, Notification, parse

if TYPE_CHECKING:
    from sellerport.notifications import sqs, types

__all__ = ["Metadata", "Notification", "parse", "sqs", "types"]


def __getattr__(name: str) -> Any:
    """Import ``sqs`` and ``types`` when they are first used: a function that only parses need not wait for them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
