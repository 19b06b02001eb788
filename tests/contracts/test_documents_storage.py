"""What goes wrong between Amazon's storage and the disk, and where a document's URL may lead; in both colours."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from sellerport.answers import Result
from sellerport.documents import MIXINS, Document, transfer
from sellerport.emulator import Fault, Outcome
from sellerport.emulator.storage import Stored
from sellerport.errors import DocumentError, InvalidArguments, NoAnswer, SettingsError
from sellerport.regions import Amazon
from sellerport.wire import CHUNK, AsyncWire, BlockingWire, Request, Response, Stream, run
from tests.conftest import AsyncRecordingWire, Clients, LocalAmazon
from tests.counterpart import Counterpart, driver, saying

TYPE = "GET_MERCHANT_LISTINGS_ALL_DATA"
STORAGE = "/_storage/*"


def fetch(clients: Clients, **arguments: Any) -> Document:
    sp = clients.make()
    clients.amazon.world.polls = 0
    document: Document = clients.do(lambda: sp.reports.fetch(TYPE, **arguments))
    return document


def spoiled(clients: Clients, content: bytes, encoding: str | None = None, **outcome: Any) -> str:
    """Make a report, put something else where its document is, and return its id."""
    clients.amazon.world.plan(Outcome(**outcome))
    made = fetch(clients)
    for key in clients.amazon.world.storage.objects:
        clients.amazon.world.storage.objects[key] = Stored.of(content, "text/plain", encoding)
    return made.id


def again(clients: Clients, report_id: str, to: Path | None = None) -> Document:
    sp = clients.make()
    document: Document = clients.do(lambda: sp.reports.fetch(report_id=report_id, to=to))
    return document


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """A file that has something in it; nothing else is in its folder in the end."""
    file = tmp_path / "report.tsv"
    file.write_text("of yesterday")
    yield file
    assert list(tmp_path.iterdir()) == [file]


def downloads(clients: Clients) -> list[dict[str, Any]]:
    return [one for one in clients.amazon.arrived() if one["path"].startswith("/_storage/")]


def addresses(clients: Clients) -> int:
    """How often getReportDocument was asked."""
    return len([one for one in clients.amazon.arrived() if one["path"].startswith("/reports/2021-06-30/documents/")])


def test_the_storage_gets_no_token_and_no_header_of_ours(clients: Clients) -> None:
    """Defect of python-amazon-ad-api: it sends its Authorization to whatever URL it is given."""
    fetch(clients)
    (request,) = downloads(clients)
    assert request["status"] == 200
    assert set(request["headers"]) == {"accept", "host", "user-agent"}


def test_a_url_that_has_expired_is_asked_for_again_once(clients: Clients, target: Path) -> None:
    clients.amazon.world.fail(Fault(path=STORAGE, status=403))
    assert fetch(clients, to=target).path == target
    assert [one["status"] for one in downloads(clients)] == [403, 200]
    assert addresses(clients) == 2


def test_a_storage_that_refuses_for_good_is_an_error_with_its_code(clients: Clients, target: Path) -> None:
    report_id = spoiled(clients, b"")
    clients.amazon.world.storage.objects.clear()
    with pytest.raises(DocumentError, match=r"refused the document with 404 \(NoSuchKey\)") as refused:
        again(clients, report_id, target)
    assert refused.value.id == report_id
    clients.amazon.world.fail(Fault(path=STORAGE, status=403, times=2))
    before = addresses(clients)
    with pytest.raises(DocumentError, match="refused the document with 403"):
        again(clients, report_id, target)
    assert addresses(clients) == before + 2
    assert target.read_text() == "of yesterday"


@pytest.mark.parametrize("fault", [{"status": 503}, {"answer": "reset"}])
def test_trouble_is_tried_again_with_growing_pauses(clients: Clients, target: Path, fault: Any) -> None:
    clients.amazon.world.fail(Fault(path=STORAGE, times=3, **fault))
    assert fetch(clients, to=target).rows()
    assert len(downloads(clients)) == 4
    assert clients.slept[-3:] == [1.0, 2.0, 4.0]
    assert addresses(clients) == 1


def test_trouble_that_stays_leaves_what_was_there(clients: Clients, target: Path) -> None:
    for fault, error in (({"status": 503}, DocumentError), ({"answer": "reset"}, NoAnswer)):
        clients.amazon.world.fail(Fault(path=STORAGE, times=4, **fault))
        with pytest.raises(error) as failed:
            fetch(clients, to=target)
        assert "reports.fetch(report_id=" in failed.value.__notes__[0]
        assert target.read_text() == "of yesterday"


ZIPPED = gzip.compress(b"sku\tprice\n" * 100_000)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (ZIPPED[:-20], {"gzip": True}),
        (ZIPPED[:-1], {"gzip": True}),
        (ZIPPED[:-8] + b"\0" * 8, {"gzip": True}),
        (b"sku\tprice\n", {"gzip": True}),
        (ZIPPED + b"more", {"gzip": True}),
        (b"x" * 33, {"encrypted": True}),
        (b"x" * 32, {"encrypted": True}),
        (b"", {"encrypted": True}),
    ],
)
def test_what_is_not_what_it_is_said_to_be_is_refused(
    clients: Clients, target: Path, body: bytes, outcome: Any
) -> None:
    report_id = spoiled(clients, body, body="x", **outcome)
    with pytest.raises(DocumentError, match="not the gzip or encrypted file that it is said to be") as refused:
        again(clients, report_id, target)
    assert refused.value.id == report_id
    assert target.read_text() == "of yesterday"


def test_gzip_is_unzipped_once_whoever_says_that_it_is(clients: Clients) -> None:
    """Wish 12: Content-Encoding came on top of compressionAlgorithm in 2026 (airbytehq/airbyte 79669)."""
    text, zipped = b"sku\tprice\n", gzip.compress(b"sku\tprice\n", mtime=0)
    for content, encoding, announced, expected in (
        (zipped, "gzip", True, text),
        (zipped, "identity", True, text),
        (zipped, "gzip", False, text),
        (zipped, None, False, zipped),
        (gzip.compress(zipped), "gzip", True, zipped),
        (zipped + zipped + b"\0" * 9, None, True, text + text),
        (b"", "gzip", True, b""),
    ):
        report_id = spoiled(clients, content, encoding, body="x", gzip=announced)
        assert again(clients, report_id).bytes == expected


@pytest.mark.parametrize("encoding", ["x-gzip", "GZIP", "aws-chunked", "gzip,aws-chunked", "identity"])
def test_encodings_of_storage_are_known_by_all_of_their_names(clients: Clients, encoding: str) -> None:
    content = gzip.compress(b"sku\n") if "gzip" in encoding.lower() else b"sku\n"
    assert again(clients, spoiled(clients, content, encoding, body="x")).bytes == b"sku\n"


def test_a_compression_that_is_not_known_is_named(clients: Clients) -> None:
    report_id = spoiled(clients, b"x", "br")
    with pytest.raises(DocumentError, match="encoded as br"):
        again(clients, report_id)


def test_memory_does_not_grow_with_the_document(clients: Clients, tmp_path: Path) -> None:
    """Wish 12: 3.45 GB of report took 10 GB of memory (airbytehq/airbyte 79669)."""
    peaks = []
    for size in (4_000_000, 32_000_000):
        clients.amazon.world.plan(Outcome(size=size))
        tracemalloc.start()
        document = fetch(clients, to=tmp_path / "report.tsv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert document.size == size
    assert peaks[1] < peaks[0] + 4_000_000
    tracemalloc.start()
    assert sum(1 for _, _ in zip(range(20_000), document.rows(), strict=False)) == 20_000
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_a_disk_that_takes_no_more_leaves_what_was_there(amazon: LocalAmazon, target: Path) -> None:
    amazon.world.plan(Outcome(size=2_000_000))
    code = f"""
import resource, signal
from sellerport import SellingPartner
from sellerport.errors import DocumentError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
sp = SellingPartner({amazon.credentials()!r}, amazon={amazon.address!r}, environ={{}})
sp._wire.__class__.sleep = lambda self, seconds: none()
async def none(): pass
try:
    sp.reports.fetch({TYPE!r}, to={str(target)!r})
except DocumentError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"the document cannot be written to {str(target)!r}: File too large\n"
    assert target.read_text() == "of yesterday"


def test_a_link_stays_a_link_and_a_device_a_device(clients: Clients, tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "report.tsv", tmp_path / "latest.tsv", tmp_path / "pipe"
    link.symlink_to(file)
    os.mkfifo(pipe)
    assert fetch(clients, to=link).path == file
    assert link.is_symlink()
    assert link.read_bytes() == file.read_bytes()
    for special in (pipe, Path("/dev/null")):
        with pytest.raises(InvalidArguments, match="is no file; name one"):
            fetch(clients, to=special)
    assert pipe.is_fifo()


def test_a_document_that_is_encrypted_says_what_to_install(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    clients.amazon.world.plan(Outcome(body="x", encrypted=True))
    report_id = fetch(clients).id
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers", None)
    with pytest.raises(SettingsError, match=r"pip install 'sellerport\[aes\]'"):
        again(clients, report_id)


def test_a_folder_that_cannot_be_written_to_is_found_before_anything_is_asked_for(
    clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, who may write anywhere
    with pytest.raises(InvalidArguments, match="cannot be written to"):
        fetch(clients, to=tmp_path / "report.tsv")
    assert clients.amazon.arrived() == []


class Announcing(AsyncRecordingWire):
    """Says when a stream is asked for."""

    def __init__(self, slept: list[float]) -> None:
        super().__init__(slept)
        self.streaming = asyncio.Event()

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]:
        self.streaming.set()
        return super().stream(request)


def test_a_task_that_is_cancelled_leaves_what_was_there(amazon: LocalAmazon, target: Path) -> None:
    clients, wire = Clients("async", amazon), Announcing([])
    sp = clients.make(wire=wire)
    amazon.world.polls = 0
    amazon.world.fail(Fault(path=STORAGE, answer="silence"))

    async def flow() -> None:
        task = asyncio.create_task(sp.reports.fetch(TYPE, to=target))
        await wire.streaming.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
        assert "reports.fetch(report_id=" in cancelled.value.__notes__[0]
        await wire.aclose()

    clients.runner.run(flow())
    clients.close()
    assert target.read_text() == "of yesterday"


def test_a_task_that_is_cancelled_before_its_file_is_opened_leaves_none(amazon: LocalAmazon, target: Path) -> None:
    """All of the executor's threads may be busy."""
    clients, wire = Clients("async", amazon), AsyncRecordingWire([])
    amazon.world.polls = 0
    sp, go_on = clients.make(wire=wire), threading.Event()

    async def flow() -> None:
        report_id = (await sp.reports.fetch(TYPE)).id
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as executor:
            loop.set_default_executor(executor)
            asked, work = asyncio.Event(), wire.work

            async def announced(function: Callable[[], Any]) -> Any:
                asked.set()
                return await work(function)

            wire.work = announced  # type: ignore[method-assign]
            busy = loop.run_in_executor(None, go_on.wait, 5)
            task = asyncio.create_task(sp.reports.fetch(report_id=report_id, to=target))
            await asked.wait()
            task.cancel()
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            await busy
        await wire.aclose()

    asyncio.run(flow())
    clients.close()
    assert target.read_text() == "of yesterday"


# Where a URL may lead


@pytest.mark.parametrize(
    "url",
    [
        "https://tortuga-prod-na.s3.amazonaws.com/report?X-Amz-Signature=1",
        "https://tortuga-prod-eu.s3-eu-west-1.amazonaws.com:443/x",
        "https://d34o8swod1owfl.cloudfront.net/Report_47700.txt",
        "https://S3.amazonaws.com.cn/x",
        "https://m.media-amazon.com/x",
    ],
)
def test_urls_of_amazons_storage_are_followed(url: str) -> None:
    transfer.check(Amazon(), url)


@pytest.mark.parametrize(
    "url",
    [
        "http://tortuga-prod-na.s3.amazonaws.com/report",
        "https://amazonaws.com.evil.example/x",
        "https://evilamazonaws.com/x",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x",
        "https://s3.amazonaws.com@evil.example/x",
        "https://user:pass@s3.amazonaws.com/x",
        "https://evil.example\\.amazonaws.com/x",
        "https://evil.example\\@s3.amazonaws.com/x",
        "https://evil.example/.amazonaws.com",
        "https://evil.example?.amazonaws.com",
        "https://evil.example#.amazonaws.com",
        "https://s3.amazonaws.com:8443/x",
        "https://s3.amazonaws.com\n.evil.example/x",
        "https://s3.amazonaws.com./x",
        "file:///etc/passwd",
        "ftp://s3.amazonaws.com/x",
        "//s3.amazonaws.com/x",
        "",
    ],
)
def test_urls_to_anywhere_else_are_not(url: str) -> None:
    with pytest.raises(DocumentError, match="which is not Amazon's storage; nothing was sent"):
        transfer.check(Amazon(), url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example?X-Amz-Signature=SECRET",
        "https://evil.example#SECRET",
        "https://user:SECRET@evil.example/x",
        "SECRET",
    ],
)
def test_nothing_that_lets_one_in_is_shown_of_an_address(url: str) -> None:
    with pytest.raises(DocumentError) as refused:
        transfer.check(Amazon(), url)
    assert "SECRET" not in refused.value.message
    assert ("evil.example" in refused.value.message) == ("evil.example" in url)


@pytest.mark.parametrize("url", [5, None, ["x"], ""])
def test_an_address_that_is_no_text_is_none(clients: Clients, url: Any) -> None:
    made = fetch(clients)
    clients.amazon.world.fail(Fault(path="/reports/2021-06-30/documents/*", status=200, body={"url": url}))
    with pytest.raises(DocumentError, match="Amazon's answer has no url"):
        again(clients, made.id)


def test_with_a_local_amazon_urls_lead_there_and_nowhere_else() -> None:
    local = Amazon("http://127.0.0.1:8099")
    transfer.check(local, "http://127.0.0.1:8099/_storage/x")
    for url in (
        "http://127.0.0.1:80990/x",
        "http://127.0.0.1:8099.evil.example/x",
        "http://127.0.0.1:8099@evil.example/x",
        "https://s3.amazonaws.com/x",
    ):
        with pytest.raises(DocumentError):
            transfer.check(local, url)


class Scripted:
    """A client whose getReport and getReportDocument answer what a test says."""

    def __init__(self, wire: Any, url: str, local: str | None) -> None:
        self.wire = wire
        self.amazon = Amazon(local)
        self.url = url

    async def call(self, operation: str, arguments: Any, *, restricted: Any = None) -> Result[Any, Any]:
        return Result({"reportDocumentId": "d", "url": self.url}, 200, {})


def download(colour: str, there: Counterpart, to: Path | None = None, *, local: bool = True) -> Document:
    """Download a document from a counterpart, as a local Amazon's or as something else."""
    address = f"http://{there.address}"

    async def flow(wire: Any) -> Any:
        reports: Any = MIXINS["reports_2021_06_30"][colour == "async"]()
        reports._caller = Scripted(wire, f"{address}/x", address if local else None)
        found = reports.download("d", to=to)
        return await found if colour == "async" else found

    document: Document = driver(colour)(flow)
    return document


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_what_came_before_a_connection_ended_is_not_there_twice(
    colour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, seen = os.urandom(4 * CHUNK), []

    def half_then_whole(talk: socket.socket, head: bytes) -> None:
        seen.append(head)
        said = body[: 3 * CHUNK] if len(seen) % 2 else body
        saying(b"200 OK\r\nContent-Length: %d" % len(body), said)(talk, head)

    async def at_once(self: Any, seconds: float) -> None: ...

    monkeypatch.setattr(BlockingWire, "sleep", at_once)
    monkeypatch.setattr(AsyncWire, "sleep", at_once)
    for to in (None, tmp_path / "file"):
        with Counterpart(half_then_whole) as there:
            assert download(colour, there, to).bytes == body
    assert len(seen) == 4


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_a_url_whose_credentials_expired_is_asked_for_again(colour: str) -> None:
    """S3 says 400 where the token that it was signed with has expired before the URL itself."""
    expired = b"<Error><Code>ExpiredToken</Code></Error>"

    def answer(talk: socket.socket, head: bytes) -> None:
        first = len(there.heads) == 1
        status, body = (b"400 Bad Request", expired) if first else (b"200 OK", b"ok")
        saying(status + b"\r\nContent-Length: %d" % len(body), body)(talk, head)

    with Counterpart(answer) as there:
        assert download(colour, there).bytes == b"ok"


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_a_url_may_expire_again_while_connections_are_lost(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon's URLs of invoices are good for 30 seconds, which a few lost connections take."""
    refused, cut = (
        saying(b"403 Forbidden\r\nContent-Length: 0\r\nConnection: close"),
        saying(b"200 OK\r\nContent-Length: 9", b"o"),
    )
    plan = [refused, cut, refused, cut, refused, saying(b"200 OK\r\nContent-Length: 2", b"ok")]

    async def at_once(self: Any, seconds: float) -> None: ...

    monkeypatch.setattr(BlockingWire, "sleep", at_once)
    monkeypatch.setattr(AsyncWire, "sleep", at_once)
    with Counterpart(lambda talk, head: plan.pop(0)(talk, head)) as there:
        assert download(colour, there).bytes == b"ok"


def test_an_upload_has_time_by_its_size() -> None:
    asked: list[Request] = []

    class Noting(BlockingWire):
        async def send(self, request: Request) -> Response:
            asked.append(request)
            return Response(200, {}, b"")

    async def place() -> transfer.Ticket:
        return transfer.Ticket("http://127.0.0.1:1/x")

    caller: Any = Scripted(Noting(), "", "http://127.0.0.1:1")
    for size in (0, 5_000_000):
        run(transfer.upload(caller, place, b"x" * size))
    assert [one.timeout_s for one in asked] == [60.0, 160.0]


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_zeros_after_gzip_may_come_in_any_piece(colour: str) -> None:
    body = gzip.compress(os.urandom(CHUNK - 100)) + b"\0" * (2 * CHUNK)
    head = b"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d" % len(body)
    with Counterpart(saying(head, body)) as there:
        assert len(download(colour, there).bytes) == CHUNK - 100


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_redirects_are_not_followed_and_other_places_not_asked(colour: str) -> None:
    with Counterpart(saying(b"200 OK\r\nContent-Length: 2", b"ok")) as elsewhere:
        head = f"302 Found\r\nLocation: http://{elsewhere.address}/x\r\nContent-Length: 0".encode()
        with Counterpart(saying(head)) as there:
            for local, error in ((True, "refused the document with 302"), (False, "is not Amazon's storage")):
                with pytest.raises(DocumentError, match=error):
                    download(colour, there, local=local)
    assert len(there.heads) == 1
    assert elsewhere.heads == []


def test_threads_fetch_at_the_same_time(amazon: LocalAmazon, tmp_path: Path) -> None:
    clients, found = Clients("blocking", amazon), []
    sp = clients.make()

    def work(number: int) -> None:
        found.append(sp.reports.fetch(TYPE, to=tmp_path / f"{number}.tsv").bytes)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(list(tmp_path.iterdir())) == 8
    clients.close()
