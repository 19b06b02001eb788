"""Report schedules: the world's clock asks for reports."""

from datetime import UTC, datetime
from typing import Any

import boto3
import jsonschema_rs
import pytest

from sellerport import catalog

from .conftest import NOW, Local

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
SCHEDULES, REPORTS = "/reports/2021-06-30/schedules", "/reports/2021-06-30/reports"
KIND = "GET_FLAT_FILE_OPEN_LISTINGS_DATA"


def written(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def schedule(amazon: Local, period: str = "PT1H", marketplace: str = US, **more: str) -> str:
    body = {"reportType": KIND, "marketplaceIds": [marketplace], "period": period, **more}
    made = amazon.call("POST", SCHEDULES, body=body)
    assert made.status == 201, made.body
    return str(made.json["reportScheduleId"])


def schedules(amazon: Local, kind: str = KIND) -> list[Any]:
    return list(amazon.call("GET", SCHEDULES, reportTypes=kind).json["reportSchedules"])


def reports(amazon: Local) -> list[Any]:
    return list(amazon.call("GET", REPORTS, reportTypes=KIND, pageSize="100").json["reports"])


def test_a_schedule_is_read_back_and_ends(amazon: Local) -> None:
    id = schedule(amazon)
    expected = {
        "reportScheduleId": id,
        "reportType": KIND,
        "marketplaceIds": [US],
        "period": "PT1H",
        "nextReportCreationTime": written(NOW + 3600),
    }
    answer = amazon.call("GET", f"{SCHEDULES}/{id}")
    assert answer.json == expected
    definitions = catalog.schemas("reports_2021_06_30").definitions
    jsonschema_rs.validate({"$ref": "#/$defs/ReportSchedule", "$defs": definitions}, answer.json)
    assert schedules(amazon) == [expected]
    assert schedules(amazon, "GET_SALES_AND_TRAFFIC_REPORT") == []
    europe = amazon.token("Atzr|local-seller-eu")
    assert amazon.call("GET", f"{SCHEDULES}/{id}", europe).error[:2] == (404, "NotFound")
    assert amazon.call("DELETE", f"{SCHEDULES}/{id}", europe).error[:2] == (404, "NotFound")
    assert (amazon.call("DELETE", f"{SCHEDULES}/{id}").status, schedules(amazon)) == (200, [])
    assert amazon.call("DELETE", f"{SCHEDULES}/{id}").status == 404
    amazon.world.advance(7200)
    assert reports(amazon) == []


def test_the_clock_asks_for_reports(amazon: Local) -> None:
    id = schedule(amazon, nextReportCreationTime="2026-09-21T15:00:00Z")
    assert reports(amazon) == []
    amazon.world.advance(3 * 3600)  # it is 17:13:20 now
    found = reports(amazon)
    assert [one["createdTime"] for one in found] == [f"2026-09-21T{hour}:00:00+00:00" for hour in (17, 16, 15)]
    assert {(one["reportScheduleId"], one["processingStatus"]) for one in found} == {(id, "IN_QUEUE")}
    assert schedules(amazon)[0]["nextReportCreationTime"] == "2026-09-21T18:00:00+00:00"
    assert amazon.finished(f"{REPORTS}/{found[0]['reportId']}")["processingStatus"] == "DONE"
    assert len(reports(amazon)) == 3
    assert amazon.call("DELETE", f"{SCHEDULES}/{id}").status == 200
    amazon.world.advance(7200)
    assert len(reports(amazon)) == 3


def test_a_schedule_of_the_same_kind_takes_the_place_of_the_one_before(amazon: Local) -> None:
    first, elsewhere = schedule(amazon), schedule(amazon, marketplace=CA)
    second = schedule(amazon, period="P1D")
    assert [one["reportScheduleId"] for one in schedules(amazon)] == [elsewhere, second]
    assert amazon.call("GET", f"{SCHEDULES}/{first}").status == 404


@pytest.mark.parametrize(
    ("period", "seconds"), [("PT5M", 300), ("PT84H", 302_400), ("P18D", 1_555_200), ("P1M", 2_592_000)]
)
def test_a_period_is_as_long_as_it_says(amazon: Local, period: str, seconds: int) -> None:
    schedule(amazon, period=period)
    assert schedules(amazon)[0]["nextReportCreationTime"] == written(NOW + seconds)


def test_of_a_very_long_time_only_the_newest_reports_are_made(amazon: Local) -> None:
    schedule(amazon, period="PT5M")
    amazon.world.advance(100 * 86_400)
    found = reports(amazon)
    assert len(found) == 100
    assert found[0]["createdTime"] == written(NOW + 100 * 86_400)


def test_what_is_no_schedule_is_refused(amazon: Local) -> None:
    body = {"reportType": KIND, "marketplaceIds": [US], "period": "PT7M"}
    assert amazon.call("POST", SCHEDULES, body=body).error[:2] == (400, "InvalidInput")
    past = {**body, "period": "PT1H", "nextReportCreationTime": "2026-09-21T14:00:00Z"}
    assert amazon.call("POST", SCHEDULES, body=past).error[:2] == (400, "InvalidInput")
    assert amazon.call("GET", SCHEDULES).error[:2] == (400, "InvalidInput")


def test_whoever_waits_for_a_notification_hears_of_scheduled_reports(amazon: Local) -> None:
    spec = {"sqs": {"arn": "arn:aws:sqs:us-east-1:123456789012:orders"}}
    body = {"name": "x", "resourceSpecification": spec}
    to = amazon.call("POST", "/notifications/v1/destinations", amazon.grantless(), body).json["payload"]
    wanted = {"destinationId": to["destinationId"], "payloadVersion": "1.0"}
    path = "/notifications/v1/subscriptions/REPORT_PROCESSING_FINISHED"
    assert amazon.call("POST", path, body=wanted).status == 200
    schedule(amazon)
    amazon.world.advance(3600)
    sqs = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=f"{amazon.base}/_sqs",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    (message,) = sqs.receive_message(
        QueueUrl=f"{amazon.base}/_sqs/us-east-1/123456789012/orders", WaitTimeSeconds=5, MaxNumberOfMessages=10
    )["Messages"]
    sqs.close()
    assert reports(amazon)[0]["reportId"] in message["Body"]
