"""A bucket as a shelf, against moto's S3 server on this machine."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from bedside.errors import LimitExceeded, NotFound, SiteProblem, Unavailable, UsageError
from bedside.ledger.witness import StaleOffer, WitnessRefused
from bedside.ledger.witness_places import Place, witness_at
from bedside.store.bucket import Bucket
from tests.ledger.witnesses import Growing

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 service with one bucket, `witness-of-ward`."""
    server = pytest.importorskip("moto.server", reason="moto missing: pip install moto[s3,server]")
    boto3 = pytest.importorskip("boto3", reason="boto3 missing: pip install boto3")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - moto asks for one and looks at none
    )
    where = {"LocationConstraint": REGION}
    # its buckets live in the process: another test may have left some
    urlopen(Request(url + "/moto-api/reset", method="POST"), timeout=10).close()  # noqa: S310
    client.create_bucket(Bucket="witness-of-ward", CreateBucketConfiguration=where)
    client.close()
    yield url
    running.stop()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest) -> Bucket:
    name = request.node.name.replace("_", "-")
    return Bucket(f"s3://witness-of-ward/{name}", region=REGION, endpoint=endpoint)


def test_a_name_is_given_once(bucket: Bucket) -> None:
    assert bucket.put_new("a/1.note", b"first")
    assert not bucket.put_new("a/1.note", b"second")
    assert bucket.get("a/1.note") == b"first"
    with pytest.raises(NotFound, match=r"no a/2\.note in s3://witness-of-ward"):
        bucket.get("a/2.note")


def test_names_come_in_order(bucket: Bucket) -> None:
    assert bucket.names("a") == []
    for name in ("b", "a", "c"):
        assert bucket.put_new(f"a/{name}", b"")
    assert bucket.put_new("ab/other", b"")
    assert bucket.names("a") == ["a", "b", "c"]
    assert bucket.names("a", "a") == ["b", "c"]
    assert bucket.get("a/a") == b""


def test_what_is_too_large_is_not_read(bucket: Bucket) -> None:
    bucket.put_new("a/large", bytes(100_000))
    with pytest.raises(LimitExceeded, match="more than 65536 bytes"):
        bucket.get("a/large")


def test_a_bucket_that_is_not_there_is_away(endpoint: str) -> None:
    nowhere = Bucket("s3://nothing-here/x", region=REGION, endpoint=endpoint)
    for ask in (lambda: nowhere.names("a"), lambda: nowhere.put_new("a/1", b"x")):
        with pytest.raises(Unavailable, match="s3://nothing-here/x does not answer") as problem:
            ask()
        assert "\n" not in problem.value.message


def test_a_service_that_is_not_there_is_away(free_port: int) -> None:
    gone = Bucket("s3://bucket/x", region=REGION, endpoint=f"http://127.0.0.1:{free_port}")
    with pytest.raises(Unavailable, match="does not answer"):
        gone.names("a")


@pytest.mark.parametrize("address", ["", "bucket", "s3://", "s3:///x", "gs://bucket/x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is no bucket"):
        Bucket(address)


def test_a_name_leads_nowhere_else(bucket: Bucket) -> None:
    for name in ("../x", "/x", "a/b/c", ""):
        with pytest.raises(UsageError):
            bucket.put_new(name, b"")


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(SiteProblem, match=r"pip install 'bedside\[s3\]'"):
        Bucket("s3://bucket/x")


def test_a_bucket_is_a_witness(endpoint: str) -> None:
    place = Place("bucket", "s3://witness-of-ward/logs", region=REGION, endpoint=endpoint)
    ledger, witness = Growing(), witness_at(place)
    assert witness.latest(ledger.log) is None
    for old, count in ((0, 3), (3, 1), (4, 8)):
        witness.submit(ledger.log, ledger.grow(count).offer(old))
    assert witness_at(place).latest(ledger.log) == ledger.checkpoint()
    assert [one.size for one in witness.history(ledger.log)] == [3, 4, 12]
    forged = ledger.fork(2).grow(10, "forged")
    with pytest.raises(WitnessRefused, match="Two ledgers of 12"):
        witness.submit(forged.log, forged.offer(12))
    with pytest.raises(StaleOffer):
        witness.submit(forged.log, forged.offer(3))
    assert witness.latest(ledger.log) == ledger.checkpoint()
