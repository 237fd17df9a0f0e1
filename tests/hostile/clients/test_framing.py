"""Bytes that are no HTTP, or that two servers could take apart differently; nothing is smuggled."""

from __future__ import annotations

import random
import time

import pytest

from bedside.api.protocol import MAX_PIECES, MAX_WAITING
from bedside.api.unread import MAX_HEADERS, MAX_TARGET_BYTES
from tests.hostile.clients.attacking import Site, others_are_served, statuses

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

MIB = 2**20
INNER = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
"""The request that must not come about."""

POST = b"POST /healthz HTTP/1.1\r\nhost: x\r\n"
GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"

SMUGGLED = {
    "length and chunks": POST + b"content-length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks and length": POST + CHUNKED + b"content-length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"content-length: 0\r\ncontent-length: 5\r\n\r\n",
    "two equal lengths": POST + b"content-length: 0\r\ncontent-length: 0\r\n\r\n",
    "a list of lengths": POST + b"content-length: 0, 5\r\n\r\n",
    "a length with a sign": POST + b"content-length: +0\r\n\r\n",
    "a length below nothing": POST + b"content-length: -1\r\n\r\n",
    "a length in hexadecimal": POST + b"content-length: 0x0\r\n\r\n",
    "a length of nothing": POST + b"content-length: \r\n\r\n",
    "a length beyond every number": POST + b"content-length: 99999999999999999999999\r\n\r\n",
    "chunks twice": POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks of chunks": POST + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks before another coding": POST + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "another coding before chunks": POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding behind a tab": POST + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"transfer-encoding: identity\r\ncontent-length: 0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "a folded line": POST + b"x-one: a\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded first line": b"GET /healthz HTTP/1.1\r\n host: x\r\n\r\n",
    "line feeds alone": b"GET /healthz HTTP/1.1\nhost: x\n\n",
    "a carriage return alone": b"GET /healthz HTTP/1.1\r\nhost: x\rx-two: b\r\n\r\n",
    "a line feed within": b"GET /healthz HTTP/1.1\r\nhost: x\nx-two: b\r\n\r\n",
    "a zero byte in a value": GET + b"x-one: a\0b\r\n\r\n",
    "a zero byte in a name": GET + b"x\0one: a\r\n\r\n",
    "a header without a name": GET + b": a\r\n\r\n",
    "a header without a colon": GET + b"x-one\r\n\r\n",
    "two hosts": GET + b"host: y\r\n\r\n",
    "two equal hosts": GET + b"host: x\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "a host with a path": b"GET /healthz HTTP/1.1\r\nhost: x/healthz\r\n\r\n",
    "a host with a space": b"GET /healthz HTTP/1.1\r\nhost: x y\r\n\r\n",
    "a host with a name before it": b"GET /healthz HTTP/1.1\r\nhost: a@x\r\n\r\n",
    "a chunk without a size": POST + CHUNKED + b"\r\n\r\n\r\n",
    "a chunk of negative size": POST + CHUNKED + b"\r\n-1\r\n\r\n0\r\n\r\n",
    "a chunk of endless size": POST + CHUNKED + b"\r\nfffffffffffffffff\r\n\r\n0\r\n\r\n",
    "a chunk with a sign": POST + CHUNKED + b"\r\n+0\r\n\r\n",
    "a chunk in octal": POST + CHUNKED + b"\r\n0x0\r\n\r\n",
    "a chunk that is longer than it says": POST + CHUNKED + b"\r\n1\r\nabc\r\n0\r\n\r\n",
    "chunks with line feeds": POST + CHUNKED + b"\r\n1\na\n0\n\n",
    "a space in the address": b"GET /healthz HTTP/1.1 HTTP/1.1\r\nhost: x\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n",
    "HTTP/2 in words": b"GET /healthz HTTP/2.0\r\nhost: x\r\n\r\n",
    "HTTP/1.9": b"GET /healthz HTTP/1.9\r\nhost: x\r\n\r\n",
    "a lower case protocol": b"GET /healthz http/1.1\r\nhost: x\r\n\r\n",
    "an unknown method": b"GRAB /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    "a tunnel": b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    "an address that is none": b"GET http://[/healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "the hello of TLS": bytes.fromhex("16030100c8010000c40303") + bytes(197),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a proxy's line": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n",
    "SMTP": b"EHLO x\r\n",
}


@pytest.mark.parametrize("name", sorted(SMUGGLED))
def test_what_could_be_read_in_two_ways_is_refused_and_nothing_follows(
    site: Site, name: str
) -> None:
    answer = site.exchange(SMUGGLED[name] + INNER * 2)
    found = statuses(answer)
    assert len(found) <= 1 or found[:-1] == [405], found
    assert not found or found[-1] in (400, 501, 505), answer
    assert b"alive" not in answer
    if found:
        assert b"connection: close" in answer
        assert b"application/problem+json" in answer


def test_the_same_in_small_pieces(site: Site) -> None:
    for name in ("length and chunks", "two hosts", "a folded line", "line feeds alone"):
        data = SMUGGLED[name]
        parts = [data[at : at + 7] for at in range(0, len(data), 7)]
        assert statuses(site.exchange(*parts, INNER, pause=0.002)) == [400], name


def test_noise_is_refused_or_let_go(site: Site) -> None:
    noise = random.Random(20261121)  # noqa: S311 - the same noise each time
    for length in (1, 7, 100, 5_000, 100_000):
        for _ in range(6):
            found = statuses(site.exchange(noise.randbytes(length) + b"\r\n\r\n"))
            assert found in ([400], []), found


def test_what_follows_the_last_request_of_a_connection_is_not_read(site: Site) -> None:
    last = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    assert statuses(site.exchange(last + INNER)) == [200]
    assert statuses(site.exchange(last + b"\0nonsense")) == [200]
    assert statuses(site.exchange(b"GET /healthz HTTP/1.0\r\n\r\n" + INNER)) == [200]


def test_a_refusal_comes_after_the_answers_before_it(site: Site) -> None:
    """Two predictions on one connection, then nonsense: both are answered, and nothing between."""
    body = b'{"input": {"radius": 14.5, "sex": "female", "age": 50}}'
    one = site.post(body, "content-type: application/json").replace(b"connection: close\r\n", b"")
    answer = site.exchange(one + one + b"nonsense\r\n\r\n" + one)
    assert statuses(answer) == [200, 200, 400]
    assert answer.count(b'"label"') == 2


def test_a_field_behind_the_body_counts_for_nothing(site: Site) -> None:
    head = b"POST /v1/predictions/0/decision HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + CHUNKED
    secret = site.hospital["clinician"].secret.encode()
    trailer = b"authorization: Bearer " + secret + b"\r\n\r\n"
    assert statuses(site.exchange(head + b"\r\n0\r\n", trailer, pause=0.2)) == [401]
    assert statuses(site.exchange(head + b"\r\n0\r\n" + trailer)) == [401]
    many = b"".join(b"x-%d: y\r\n" % number for number in range(MAX_HEADERS + 1))
    answer = site.exchange(POST + CHUNKED + b"\r\n0\r\n" + many + b"\r\n" + INNER)
    assert b"alive" not in answer


def test_sixteen_requests_may_wait_and_thousands_may_not(site: Site) -> None:
    last = INNER.replace(b"x\r\n", b"x\r\nconnection: close\r\n")
    answered = statuses(site.exchange(INNER * MAX_WAITING + last))
    assert answered == [200] * (MAX_WAITING + 1)
    with others_are_served(site, memory=40 * MIB):
        for _ in range(20):
            found = statuses(site.exchange(INNER * 20_000))
            assert found[-1:] in ([429], []), found[-3:]
            assert set(found[:-1]) <= {200}
            assert len(found) < 4 * MAX_WAITING


def test_a_body_in_countless_pieces_is_refused(site: Site) -> None:
    head = site.head("content-type: application/json", "transfer-encoding: chunked")
    with others_are_served(site, memory=40 * MIB):
        answer = site.exchange(head, b"1\r\n \r\n" * (MAX_PIECES + 1))
    assert statuses(answer) in ([400], [])


def test_a_chunk_that_describes_itself_for_ever_takes_no_memory(site: Site) -> None:
    head = site.head("content-type: application/json", "transfer-encoding: chunked")
    with others_are_served(site, memory=40 * MIB):
        answer = site.exchange(head, b"1;", *[b"x" * MIB] * 40)
    assert statuses(answer) in ([408], [400], [])


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (GET + b"".join(b"x-%d: y\r\n" % n for n in range(MAX_HEADERS)) + b"\r\n", 431),
        (GET + b"x-long: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (GET + b"x" * 70_000 + b": a\r\n\r\n", 431),
        (b"GET /healthz?" + b"a" * MAX_TARGET_BYTES + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 431),
        (b"\r\n" * 50_000, 431),
    ],
)
def test_a_bomb_of_a_head_is_refused(site: Site, request_head: bytes, status: int) -> None:
    with others_are_served(site, memory=30 * MIB):
        for _ in range(20):
            found = statuses(site.exchange(request_head))
            assert found in ([status], [414], []), found
    assert statuses(site.exchange(request_head)) in ([status], [414])


def test_a_head_that_never_ends_is_cut_off_soon(site: Site) -> None:
    begun = time.monotonic()
    with others_are_served(site, memory=40 * MIB):
        parts = [b"x-more: " + b"a" * 1000 + b"\r\n"] * 5_000
        assert statuses(site.exchange(GET, *parts)) in ([431], [])
    assert time.monotonic() - begun < 10
