"""Bodies that are too long, endless, too deep, or not what they say they are."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.bedside_site import ROW
from tests.hostile.clients.attacking import Site, others_are_served, statuses

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

MIB = 2**20
JSON = "content-type: application/json"
GOOD = json.dumps({"input": ROW}).encode()


@pytest.mark.parametrize("length", [5 * MIB, 2**31, 2**63 - 1, 10**18])
def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(
    site: Site, length: int
) -> None:
    answer = site.exchange(site.head(JSON, f"content-length: {length}"))
    assert statuses(answer) == [413]
    assert b"limit-exceeded" in answer


def test_an_endless_body_is_refused_when_it_is_too_long(site: Site) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with others_are_served(site, memory=50 * MIB):
        for _ in range(3):
            answer = site.exchange(site.head(JSON, "transfer-encoding: chunked"), *[chunk] * 400)
            assert statuses(answer) in ([413], []), answer[:200]


def test_a_strangers_body_is_not_kept(site: Site) -> None:
    """Whoever is not signed in is told so before the body; what still comes is thrown away."""
    head = site.head(JSON, "transfer-encoding: chunked")
    head = head.replace(b"authorization", b"x-nothing")
    chunk = b"40000\r\n" + b" " * 0x40000 + b"\r\n"
    with others_are_served(site, memory=40 * MIB):
        assert statuses(site.exchange(head, *[chunk] * 200)) in ([401], [])


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"input":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"inputs":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
        b'{"input":{"a":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_002,
        b"[" + b"[]," * 1_000_000 + b"[]]",
        b'{"inputs":[' + b"{}," * 1_000_000 + b"{}]}",
    ],
)
def test_a_nest_is_refused(site: Site, body: bytes) -> None:
    with others_are_served(site, memory=80 * MIB):
        for _ in range(3):
            assert statuses(site.exchange(site.post(body, JSON))) in ([400], [413])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7",
        b'"text"',
        b"[]",
        b"{}",
        b"{" + b'"input":1,' * 3 + b'"input":1}',
        b'{"input": NaN}',
        b'{"input": {"radius": Infinity}}',
        b'{"input": {"radius": 1e999}}',
        b'{"input": {"radius": ' + b"9" * 100_000 + b"}}",
        b'{"input": {"radius": "\\ud800"}}',
        b'{"input": {"radius": 14.5} /* words */}',
        b"{'input': 1}",
        b'{"input": {"radius": 14.5}}x',
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        GOOD.decode().encode("utf-32-le"),
        b'{"input": {"\xe9": 1}}',
        b'{"input": {"\xc0\xaf": 1}}',
        b"\0" * 1000,
        gzip.compress(GOOD, mtime=0),
        GOOD[:-1],
    ],
)
def test_what_is_no_row_in_json_is_refused(site: Site, body: bytes) -> None:
    answer = site.exchange(site.post(body, JSON))
    assert statuses(answer)[0] in (400, 413, 422), answer
    assert b"application/problem+json" in answer
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("content-type: text/plain",),
        ("content-type: text/html",),
        ("content-type: application/x-www-form-urlencoded",),
        ("content-type: multipart/form-data; boundary=x",),
        ("content-type: application/octet-stream",),
        ("content-type: application/xml",),
        ("content-type: application/json5",),
        ("content-type: application/jsonp",),
        ("content-type: *",),
        ("content-type: ",),
        ("content-type: ;",),
        ("content-type: " + "a" * 5_000,),
        (JSON, "content-encoding: gzip"),
        (JSON, "content-encoding: br, gzip"),
        (JSON, "content-encoding: identity", "content-encoding: gzip"),
        ("content-type: application/json; charset=utf-16",),
        ("content-type: application/json; charset=shift_jis",),
        ('content-type: application/json; charset="latin-1"',),
        (JSON, "content-type: text/plain"),
    ],
)
def test_a_type_that_is_not_read_is_refused(site: Site, lines: tuple[str, ...]) -> None:
    answer = site.exchange(site.post(GOOD, *lines))
    assert statuses(answer) in ([415], [400]), answer
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "line",
    [
        JSON,
        "content-type: application/json; charset=utf-8",
        'content-type: Application/JSON; Charset="UTF-8"',
        "content-type: application/json;charset=UTF8",
    ],
)
def test_json_under_its_own_name_is_read(site: Site, line: str) -> None:
    assert statuses(site.exchange(site.post(GOOD, line))) == [200]


def test_a_body_that_is_shorter_than_it_says_is_not_answered(site: Site) -> None:
    head = site.head(JSON, f"content-length: {len(GOOD) + 1}")
    assert statuses(site.exchange(head + GOOD)) == [408]
    with site.connect() as connection:
        connection.sendall(head + GOOD)
        connection.close()
    assert statuses(site.exchange(site.post(GOOD, JSON))) == [200]
