"""One notification, out of whatever carried it: Amazon's envelope, alone or inside an SNS message or EventBridge event.

Amazon spells the envelope's keys with a capital for some notifications and without for others, and sends some of them
other than their published schema says (github.com/abuzuhri/Amazon-SP-API-CSharp/issues/324). So capitals make no
difference here, new types and new fields pass, and only a message without a type or a payload is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from sellerport.errors import NotificationError, Problem
from sellerport.notifications import schemas

P = TypeVar("P")
Kind: TypeAlias = type[P]

WRAPPINGS = 4
"""How many envelopes may lie in each other; EventBridge to SNS to SQS makes three."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who a notification is for and when it was published; what the message did not say is None."""

    application_id: str | None = None
    subscription_id: str | None = None
    publish_time: datetime | None = None
    notification_id: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification; its ``repr`` shows no payload, which may hold personal data or a client secret.

    ``type`` is Amazon's name of the kind (``ORDER_CHANGE``), ``version`` the envelope's and ``payload_version`` the
    payload's. ``event_time`` is aware (UTC where the message named no zone), None where there is none. ``payload`` is
    as it came, ``raw`` the whole envelope as it came.
    """

    type: str
    version: str | None
    payload_version: str | None
    event_time: datetime | None
    metadata: Metadata
    payload: dict[str, Any] = field(repr=False)
    raw: dict[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        """What is the same when the same notification comes again, as queues may deliver it more than once."""
        return self.metadata.notification_id

    def payload_as(self, kind: Kind[P]) -> P:
        """Return the payload as one of `sellerport.notifications.types`, spelled as the published schema spells it.

        Only the capitals of keys are settled. What the schema requires may still be missing, and fields that it does
        not know are kept.

        Raises:
            NotificationError: this is a notification of another type, or ``kind`` is no payload's type.
        """
        name = kind.__name__
        known = schemas.published().get(name)
        if known is None:
            raise NotificationError(f"{name} is the payload of no published notification")
        if known.type != self.type:
            raise NotificationError(f"{name} is the payload of {known.type}, and this is {self.type!r}")
        return cast("P", schemas.respelled(self.payload, schemas.payload_schema(name)))

    def problems(self) -> list[Problem]:
        """Return where the message differs from the published schema, without its values; [] where there is no schema.

        For tests and for noticing changes, not for refusing messages: the published schemas name as required what
        Amazon often leaves out.
        """
        name = schemas.name_of(self.type, self.payload_version)
        return schemas.differences(self.raw, name) if name else []


def parse(message: str | bytes | Mapping[str, Any]) -> Notification:
    """Return the notification that a message holds.

    Args:
        message: the body of an SQS message, as text or decoded: the envelope itself, an SNS message around it, or an
            EventBridge event.

    Raises:
        NotificationError: it is no notification; the error names what is missing, and shows nothing of the message.
    """
    raw = _envelope(message)
    envelope = _without_capitals(raw)
    kind, payload = envelope.get("notificationtype"), envelope.get("payload")
    if not isinstance(kind, str) or not kind:
        raise NotificationError("the message is no notification: it has no notificationType")
    if not isinstance(payload, dict):
        raise NotificationError("the message is no notification: it has no payload, or one that is no object")
    metadata = _without_capitals(envelope.get("notificationmetadata"))
    return Notification(
        type=kind,
        version=_text(envelope.get("notificationversion")),
        payload_version=_text(envelope.get("payloadversion")),
        event_time=_moment(envelope.get("eventtime")),
        metadata=Metadata(
            application_id=_text(metadata.get("applicationid")),
            subscription_id=_text(metadata.get("subscriptionid")),
            publish_time=_moment(metadata.get("publishtime")),
            notification_id=_text(metadata.get("notificationid")),
        ),
        payload=payload,
        raw=raw,
    )


def _envelope(message: Any) -> dict[str, Any]:
    """Return what is inside everything that only carries it."""
    for _ in range(WRAPPINGS):
        if isinstance(message, str | bytes):
            message = _decoded(message)
        if not isinstance(message, Mapping):
            break
        outside = _without_capitals(message)
        detail = outside.get("detail")
        if outside.get("type") == "Notification" and "message" in outside:  # SNS
            message = outside["message"]
        elif "detail-type" in outside and isinstance(detail, Mapping):  # EventBridge
            named = "notificationtype" in _without_capitals(detail)
            message = detail if named else {"notificationType": outside["detail-type"], **detail}
        else:
            return dict(message)
    raise NotificationError("the message is no notification: it is no JSON object")


def _decoded(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        # not chained: the parser's errors may hold the text
        raise NotificationError("the message is no notification: it is not JSON") from None


def _without_capitals(given: Any) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in given.items()} if isinstance(given, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(value: Any) -> datetime | None:
    """Return a time in any form of ISO 8601; one without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(value.strip().upper())
    except (AttributeError, ValueError):  # not text, or not a time
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
