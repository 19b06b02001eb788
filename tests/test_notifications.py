"""Every published notification, in both spellings and every wrapping; what is none is refused without being shown."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sellerport import notifications
from sellerport.errors import NotificationError
from sellerport.notifications import Metadata, schemas, types

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "amazon"
FOLDER = SHARED / "sp-api" / "schemas" / "notifications"
PUBLISHED = sorted(schemas.published())
NO_FILE = {"ApplicationOAuthClientNewSecret", "ApplicationOAuthClientSecretExpiry"}

needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="Amazon's descriptions are not beside this clone")


def made(schema: Mapping[str, Any]) -> Any:
    """A value that a schema allows."""
    match schema:
        case {"enum": [first, *_]}:
            return first
        case {"properties": properties}:
            return {name: made(value) for name, value in properties.items()}
        case {"items": items}:
            return [made(items)]
        case {"format": "date-time"}:
            return "2026-02-03T04:05:06.789Z"
    kind = schema.get("type", "string")
    return {"string": "text", "integer": 7, "number": 2.5, "boolean": True}[kind if isinstance(kind, str) else kind[0]]


def message_of(name: str) -> dict[str, Any]:
    """A message with everything that its published schema has."""
    known = schemas.published()[name]
    message: dict[str, Any] = made(known.schema)
    spelled = {key.lower(): key for key in message}
    message[spelled["notificationtype"]] = known.type
    message[spelled["payloadversion"]] = known.payload_version or "1.0"
    message[spelled["eventtime"]] = "2026-01-02T03:04:05.678Z"
    if "notificationmetadata" in spelled:
        metadata = message[spelled["notificationmetadata"]]
        values = ("application", "subscription", "2026-01-02T03:04:06Z", "id-1")
        message[spelled["notificationmetadata"]] = dict(zip(metadata, values, strict=True))
    return message


def respelled(value: Any, spell: Any) -> Any:
    if isinstance(value, dict):
        return {spell(key): respelled(one, spell) for key, one in value.items()}
    return [respelled(one, spell) for one in value] if isinstance(value, list) else value


def pascal(key: str) -> str:
    return key[:1].upper() + key[1:]


def camel(key: str) -> str:
    """``ASIN`` → ``asin``, ``SellerSKU`` → ``sellerSku``, ``FBAOutboundShipment`` → ``fbaOutboundShipment``."""
    words = re.findall(r"[A-Z\d]+(?=[A-Z][a-z])|[A-Z]?[a-z\d]+|[A-Z\d]+", key)
    assert "".join(words) == key
    return "".join(word.lower() if not n else word.capitalize() for n, word in enumerate(words))


# What is published


@needs_shared
def test_every_file_that_amazon_publishes_is_known() -> None:
    files = list(FOLDER.glob("*.json"))
    assert len(files) == 23
    assert len(PUBLISHED) == len(files) + len(NO_FILE)
    kinds = {known.type for known in schemas.published().values()}
    assert len(kinds) == len(PUBLISHED) - 1  # one type has two versions


@needs_shared
def test_every_message_that_amazon_shows_has_its_payloads_type() -> None:
    shown = [
        (file, example)
        for file in sorted(FOLDER.glob("*.json"))
        for example in json.loads(file.read_text("utf-8")).get("examples", ())
    ]
    assert len(shown) == 23  # 21 files show one message, or two; two files show none
    for file, example in shown:
        found = notifications.parse(json.dumps(example))
        name = schemas.name_of(found.type, found.payload_version)
        assert name is not None, file
        assert file.stem.replace("Notification", "").replace("-", "").replace("_", "") == name
        assert found.payload_as(getattr(types, name)) == found.payload
        assert found.id
        assert found.event_time
        assert found.metadata.publish_time
        assert found.problems() == [], file


@needs_shared
def test_the_facts_are_those_of_amazons_files_and_say_nothing_in_their_words() -> None:
    command = [sys.executable, str(ROOT / "tools" / "notifications.py"), str(SHARED), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (ROOT / "src" / "sellerport" / "notifications" / "schemas.json").read_text("utf-8")
    assert not {"description", "examples", "default", "$ref"} & set(_keys(json.loads(text)))


def _keys(value: Any, *, names: bool = False) -> Iterator[str]:
    """The keywords of schemas; below ``properties`` stand names."""
    if isinstance(value, dict):
        for key, one in value.items():
            if not names:
                yield key
            yield from _keys(one, names=key == "properties" and not names)


def test_the_tool_names_what_is_out_of_date(tmp_path: Path) -> None:
    if not SHARED.exists():
        pytest.skip("Amazon's descriptions are not beside this clone")
    command = [sys.executable, str(ROOT / "tools" / "notifications.py"), str(SHARED), "--out", str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (tmp_path / "types.py").write_text("edited", "utf-8")
    done = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "notifications: types.py out of date\n")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_type_has_the_keys_of_its_schema_and_requires_what_it_requires(name: str) -> None:
    def compare(schema: Mapping[str, Any], kind: Any) -> None:
        if "items" in schema:
            compare(schema["items"], typing.get_args(kind)[0])
        elif "properties" in schema:
            hints = typing.get_type_hints(kind, include_extras=True)
            assert list(hints) == list(schema["properties"])
            some = {key for key, hint in hints.items() if typing.get_origin(hint) is typing.NotRequired}
            required = hints.keys() - some if kind.__total__ else set()
            assert required == set(schema.get("required", ()))
            for key, value in schema["properties"].items():
                compare(value, typing.get_args(hints[key])[0] if key in some else hints[key])

    compare(schemas.payload_schema(name), getattr(types, name))


# What is read


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_notification_is_the_same_in_both_spellings(name: str) -> None:
    message = message_of(name)
    kind = getattr(types, name)
    ours, upper, lower = (
        notifications.parse(json.dumps(one)) for one in (message, respelled(message, pascal), respelled(message, camel))
    )
    assert ours.type == schemas.published()[name].type
    assert ours.event_time == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    if name != "FBAInventoryAvailabilityChange":  # its schema has no metadata
        published_at = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
        assert ours.metadata == Metadata("application", "subscription", published_at, "id-1")
        assert ours.id == "id-1"
    for other in (upper, lower):
        same = ("type", "version", "payload_version", "event_time", "metadata", "id")
        assert [getattr(other, one) for one in same] == [getattr(ours, one) for one in same]
        assert other.payload_as(kind) == ours.payload_as(kind) == ours.payload
        assert other.problems() == ours.problems() == []
    assert upper.payload == respelled(ours.payload, pascal)
    assert lower.payload == respelled(ours.payload, camel)


ENVELOPE = {
    "NotificationVersion": "1.0",
    "NotificationType": "ORDER_CHANGE",
    "PayloadVersion": "1.0",
    "EventTime": "2026-01-02T03:04:05Z",
    "Payload": {"OrderChangeNotification": {"SellerId": "S", "AmazonOrderId": "902-1"}},
    "NotificationMetadata": {"NotificationId": "id-1"},
}
SNS = {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:x", "Message": json.dumps(ENVELOPE)}
EVENT = {"version": "0", "id": "e", "detail-type": "ORDER_CHANGE", "source": "aws.partner/x", "detail": ENVELOPE}


@pytest.mark.parametrize(
    "carried",
    [
        ENVELOPE,
        json.dumps(ENVELOPE),
        json.dumps(ENVELOPE).encode(),
        SNS,
        json.dumps(SNS),
        EVENT,
        json.dumps(EVENT),
        {**SNS, "Message": json.dumps(EVENT)},
        {**EVENT, "detail": {key: value for key, value in ENVELOPE.items() if key != "NotificationType"}},
    ],
    ids=["decoded", "text", "bytes", "sns", "sns text", "event", "event text", "event in sns", "event names the type"],
)
def test_it_does_not_matter_what_carried_a_notification(carried: Any) -> None:
    found = notifications.parse(carried)
    assert (found.type, found.payload, found.id) == ("ORDER_CHANGE", ENVELOPE["Payload"], "id-1")


def test_a_new_type_and_new_fields_pass() -> None:
    found = notifications.parse({"notificationType": "BRAND_NEW", "payload": {"a": [1]}, "surprise": True})
    assert (found.type, found.payload, found.raw["surprise"]) == ("BRAND_NEW", {"a": [1]}, True)
    assert (found.version, found.payload_version, found.event_time, found.id) == (None, None, None, None)
    assert found.problems() == []
    newer = {**ENVELOPE, "PayloadVersion": "9", "Payload": {"OrderChangeNotification": {"SellerId": "S", "New": 1}}}
    change = notifications.parse(newer).payload_as(types.OrderChange)
    assert change == newer["Payload"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-02T03:04:05.678Z", datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)),
        ("2026-01-02T03:04:05.678901234Z", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        ("2026-01-02T05:04:05+02:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (" 2026-01-02t03:04:05z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (17, None),
        (None, None),
    ],
)
def test_a_time_is_read_in_any_form_and_is_aware(written: Any, read: datetime | None) -> None:
    found = notifications.parse({**ENVELOPE, "EventTime": written, "NotificationMetadata": {"PublishTime": written}})
    assert found.event_time == found.metadata.publish_time == read
    assert found.event_time is None or found.event_time.tzinfo is not None


def test_a_time_without_a_zone_is_in_utc_wherever_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.setenv("TZ", "America/New_York")
        time.tzset()
        found = notifications.parse({**ENVELOPE, "EventTime": "2026-01-02T03:04:05"})
    time.tzset()
    assert found.event_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_version_of_a_payload_chooses_its_schema() -> None:
    message = message_of("ListingsItemIssuesChange20231213")
    message["Payload"]["EnforcementActions"] = ["LISTING_SUPPRESSED"]
    assert notifications.parse(message).problems() == []
    older = notifications.parse({**message, "PayloadVersion": "1.0"}).problems()
    assert [problem.field for problem in older] == ["Payload.EnforcementActions.0"]
    assert notifications.parse({**message, "PayloadVersion": "2031-01-01"}).problems() == []


def test_differences_from_the_schema_are_told_without_a_value() -> None:
    message = message_of("OrderChange")
    inside = message["Payload"]["OrderChangeNotification"]
    inside["Summary"]["DestinationPostalCode"] = 481101234
    inside["Summary"]["OrderStatus"] = "private words"
    del inside["AmazonOrderId"], message["EventTime"]
    found = notifications.parse(respelled(message, camel))
    told = {problem.field: problem.message for problem in found.problems()}
    assert set(told) == {
        "",
        "Payload.OrderChangeNotification",
        "Payload.OrderChangeNotification.Summary.DestinationPostalCode",
        "Payload.OrderChangeNotification.Summary.OrderStatus",
    }
    assert "EventTime" in told[""]
    assert "AmazonOrderId" in told["Payload.OrderChangeNotification"]
    assert "private words" not in str(told)
    assert "481101234" not in str(told)


def test_what_no_schema_can_check_is_a_difference_too() -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    (problem,) = notifications.parse({**ENVELOPE, "EventTime": deep}).problems()
    assert "nested too deeply" in problem.message


def test_a_field_in_two_spellings_keeps_both() -> None:
    change = {"SellerId": "published", "sellerId": "other", "amazonOrderId": "902-1"}
    found = notifications.parse({**ENVELOPE, "Payload": {"OrderChangeNotification": change}})
    inside = found.payload_as(types.OrderChange)["OrderChangeNotification"]
    assert inside == {"SellerId": "published", "sellerId": "other", "AmazonOrderId": "902-1"}


# What is refused


@pytest.mark.parametrize(
    ("message", "lacks"),
    [
        ("", "not JSON"),
        ("private", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ('"\ud800"', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('"private"', "no JSON object"),
        ("[]", "no JSON object"),
        (17, "no JSON object"),
        ({}, "no notificationType"),
        ({"NotificationType": "", "Payload": {}}, "no notificationType"),
        ({"NotificationType": ["private"], "Payload": {}}, "no notificationType"),
        ({"NotificationType": "ORDER_CHANGE"}, "no payload"),
        ({"NotificationType": "ORDER_CHANGE", "Payload": "private"}, "no payload"),
        ({"Type": "SubscriptionConfirmation", "Message": "private"}, "no notificationType"),
        ({"Type": "Notification", "Message": "private"}, "not JSON"),
        ({"detail-type": "ORDER_CHANGE", "detail": "private"}, "no notificationType"),
        ({"detail-type": "ORDER_CHANGE", "detail": {}}, "no payload"),
    ],
)
def test_what_is_no_notification_is_refused_by_what_it_lacks(message: Any, lacks: str) -> None:
    with pytest.raises(NotificationError, match=lacks) as refused:
        notifications.parse(message)
    assert "private" not in str(refused.value.facts())
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_wrappings_without_end_are_refused() -> None:
    message: Any = ENVELOPE
    for _ in range(5):
        message = {"Type": "Notification", "Message": json.dumps(message)}
    with pytest.raises(NotificationError):
        notifications.parse(message)


def test_a_payload_is_not_read_as_anothers() -> None:
    found = notifications.parse(ENVELOPE)
    with pytest.raises(NotificationError, match="payload of ANY_OFFER_CHANGED, and this is 'ORDER_CHANGE'"):
        found.payload_as(types.AnyOfferChanged)
    with pytest.raises(NotificationError, match="no published notification"):
        found.payload_as(types.OrderChangeNotification)


KEYS = st.sampled_from(
    [
        *("NotificationType", "notificationType", "Payload", "payload", "NotificationMetadata", "EventTime"),
        *("Type", "Message", "detail", "detail-type", "OrderChangeNotification", "Summary"),
    ]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(["ORDER_CHANGE", "Notification"])
PRIVATE = st.text(max_size=5).map("private-{}".format)
JSON = st.recursive(
    SCALARS | PRIVATE | PRIVATE.map(json.dumps),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(KEYS | PRIVATE, inside, max_size=5),
    max_leaves=20,
)


@given(st.text() | st.binary() | JSON | JSON.map(json.dumps) | JSON.map(lambda one: json.dumps(one)[:-1]))
def test_anything_is_a_notification_or_refused_and_never_shown(message: Any) -> None:
    refused = ""
    try:
        found = notifications.parse(message)
        found.problems()
        if found.type == "ORDER_CHANGE":
            found.payload_as(types.OrderChange)
    except NotificationError as error:
        refused = str(error)
    assert "private" not in refused


@given(st.sampled_from(PUBLISHED), st.data())
def test_whatever_is_wrong_inside_a_payload_it_is_still_read(name: str, data: st.DataObject) -> None:
    message = message_of(name)
    payload = next(key for key in message if key.lower() == "payload")
    place = message[payload]
    while data.draw(st.booleans()):
        inner = [one for one in place.values() if isinstance(one, dict) and one]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    found = notifications.parse(json.dumps(message))
    found.payload_as(getattr(types, name))
    assert all("private" not in str(problem) for problem in found.problems())


# Secrets and personal data


def test_a_new_client_secret_is_read_and_not_shown() -> None:
    message = message_of("ApplicationOAuthClientNewSecret")
    message["payload"]["applicationOAuthClientNewSecret"]["newClientSecret"] = "amzn1.oa2-cs.v1.abc"
    found = notifications.parse(json.dumps({"Type": "Notification", "Message": json.dumps(message)}))
    inside = found.payload_as(types.ApplicationOAuthClientNewSecret)["applicationOAuthClientNewSecret"]
    assert inside["newClientSecret"] == "amzn1.oa2-cs.v1.abc"
    assert found.problems() == []
    assert "amzn1" not in f"{found!r} {found} {[found]}"
    del message["payload"]["applicationOAuthClientNewSecret"]["clientId"]
    (problem,) = notifications.parse(message).problems()
    assert "amzn1" not in str(problem)


def test_a_repr_tells_a_notification_from_another_and_shows_no_payload() -> None:
    shown = repr(notifications.parse(ENVELOPE))
    assert "type='ORDER_CHANGE'" in shown
    assert "notification_id='id-1'" in shown
    assert "902-1" not in shown


# What it costs


def test_parsing_imports_neither_boto3_nor_asyncio_and_reads_no_schema() -> None:
    code = (
        "import sys; from sellerport import notifications\n"
        'notifications.parse(\'{"notificationType": "A", "payload": {}}\')\n'
        "from sellerport.notifications import schemas\n"
        "assert schemas.published.cache_info().currsize == 0\n"
        "assert not {'boto3', 'asyncio', 'jsonschema_rs', 'pyreqwest'} & set(sys.modules)\n"
        "assert notifications.sqs.poll and notifications.types.OrderChange\n"
        "assert 'boto3' not in sys.modules and not hasattr(notifications, 'nothing')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
