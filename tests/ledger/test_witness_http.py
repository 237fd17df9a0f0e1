"""An HTTP witness that does not behave: each answer is bounded, and none is believed unsigned."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bedside.errors import LedgerBroken, Unavailable, UsageError
from bedside.keys.signing import SigningKey
from bedside.ledger import witness_http
from bedside.ledger.cosignature import cosign, cosigned_at
from bedside.ledger.note import COSIGNATURE, NoteKey, read_note
from bedside.ledger.witness import StaleOffer, WitnessRefused
from bedside.ledger.witness_http import HttpWitness
from tests.ledger.witnesses import Growing

pytestmark = [pytest.mark.enable_socket, pytest.mark.loopback]

SIGNER = SigningKey.new()
KEY = NoteKey("example.com/w", COSIGNATURE, SIGNER.public)
LEDGER = Growing().grow(5)
OFFER = LEDGER.offer()
TEXT = read_note(OFFER.checkpoint.note).text
GOOD = str(cosign(TEXT, KEY.name, SIGNER, 1_700_000_000))

Answer = Callable[[BaseHTTPRequestHandler], None]


class Peer:
    """A server on this machine that answers every request in one way."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answer: Answer = lambda request: say(request, 404)
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                peer.answer(self)

            def do_GET(self) -> None:
                peer.answer(self)

            def log_message(self, *words: object) -> None:
                del words

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1/witness"
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.01])
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    found = Peer()
    yield found
    found.close()


@pytest.fixture
def witness(peer: Peer) -> HttpWitness:
    return HttpWitness("north", peer.address, KEY)


def say(
    request: BaseHTTPRequestHandler,
    status: int,
    body: str | bytes = "",
    media_type: str = "text/plain; charset=utf-8",
    **headers: str,
) -> None:
    data = body.encode() if isinstance(body, str) else body
    request.send_response(status)
    request.send_header("content-type", media_type)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("content-length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)


def test_a_cosignature_is_kept_beside_the_ledgers(peer: Peer, witness: HttpWitness) -> None:
    other = str(cosign(TEXT, "example.com/other", SigningKey.new(), 1))
    peer.answer = lambda request: say(request, 200, other + GOOD)
    note = witness.submit(LEDGER.log, OFFER)
    assert note == OFFER.checkpoint.note + GOOD
    assert cosigned_at(read_note(note), KEY) == 1_700_000_000


def test_what_it_saw_is_asked_for(peer: Peer, witness: HttpWitness) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        say(request, 200, OFFER.checkpoint.note + GOOD)

    peer.answer = answer
    assert witness.latest(LEDGER.log) == OFFER.checkpoint
    assert list(witness.history(LEDGER.log)) == [OFFER.checkpoint]
    assert asked[0].startswith("/v1/witness/checkpoint/")
    peer.answer = lambda request: say(request, 204)
    assert witness.latest(LEDGER.log) is None
    assert list(witness.history(LEDGER.log)) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "ok\n",
        GOOD[:-5] + "\n",
        str(cosign(TEXT, "example.com/other", SIGNER, 1)),
        str(cosign(TEXT, KEY.name, SigningKey.new(), 1)),
        GOOD.replace("\u2014", "-"),
    ],
    ids=["nothing", "words", "cut", "another name", "another key", "no dash"],
)
def test_an_answer_without_its_signature_is_none(
    peer: Peer, witness: HttpWitness, body: str
) -> None:
    peer.answer = lambda request: say(request, 200, body)
    with pytest.raises(Unavailable, match="The witness north answered"):
        witness.submit(LEDGER.log, OFFER)
    peer.answer = lambda request: say(request, 200, OFFER.checkpoint.note + body)
    with pytest.raises(LedgerBroken):
        witness.latest(LEDGER.log)


def test_a_signature_of_something_else_is_none(peer: Peer, witness: HttpWitness) -> None:
    older = str(cosign(read_note(LEDGER.fork(4).checkpoint().note).text, KEY.name, SIGNER, 1))
    peer.answer = lambda request: say(request, 200, older)
    with pytest.raises(Unavailable, match="not with its signature"):
        witness.submit(LEDGER.log, OFFER)


def test_a_conflict_with_a_size_is_another_size(peer: Peer, witness: HttpWitness) -> None:
    peer.answer = lambda request: say(request, 409, "17\n", "text/x.tlog.size")
    with pytest.raises(StaleOffer) as stale:
        witness.submit(LEDGER.log, OFFER)
    assert stale.value.size == 17


@pytest.mark.parametrize("body", ["", "-1\n", "1e9\n", "9" * 30, "\u0661"])
def test_a_size_that_is_none_is_trouble(peer: Peer, witness: HttpWitness, body: str) -> None:
    peer.answer = lambda request: say(request, 409, body, "text/x.tlog.size")
    with pytest.raises(Unavailable):
        witness.submit(LEDGER.log, OFFER)


@pytest.mark.parametrize("status", [409, 422])
def test_a_refusal_is_a_refusal(peer: Peer, witness: HttpWitness, status: int) -> None:
    peer.answer = lambda request: say(request, status, "no")
    with pytest.raises(WitnessRefused, match="The witness north refused the ledger of 5"):
        witness.submit(LEDGER.log, OFFER)


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_other_answers_are_trouble(peer: Peer, witness: HttpWitness, status: int) -> None:
    peer.answer = lambda request: say(request, status, "words")
    for ask in (lambda: witness.submit(LEDGER.log, OFFER), lambda: witness.latest(LEDGER.log)):
        with pytest.raises(Unavailable, match=f"answered {status}: 'words'"):
            ask()


def test_no_redirect_is_followed(peer: Peer, witness: HttpWitness) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        say(request, 307, "", location=f"{peer.address}/elsewhere")

    peer.answer = answer
    with pytest.raises(Unavailable, match="answered 307"):
        witness.submit(LEDGER.log, OFFER)
    assert asked == ["/v1/witness/add-checkpoint"]


def test_an_answer_has_a_bound(peer: Peer, witness: HttpWitness) -> None:
    peer.answer = lambda request: say(request, 200, b"x" * 100_000)
    with pytest.raises(Unavailable, match="more than 8192 bytes"):
        witness.submit(LEDGER.log, OFFER)
    peer.answer = lambda request: say(request, 200, b"\xff\xfe")
    with pytest.raises(Unavailable, match="does not answer"):
        witness.submit(LEDGER.log, OFFER)


def test_a_slow_answer_is_waited_for_no_longer(
    peer: Peer, witness: HttpWitness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_http, "SECONDS", 0.3)
    stopped = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\nx-slow: ")
        with contextlib.suppress(OSError):
            while not stopped.wait(0.05):
                request.wfile.write(b"x")

    def drip_body(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\ncontent-length: 8000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not stopped.wait(0.05):
                request.wfile.write(b"x")

    def silent(request: BaseHTTPRequestHandler) -> None:
        del request
        stopped.wait(20)

    for answer in (drip, drip_body, silent):
        peer.answer = answer
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            witness.submit(LEDGER.log, OFFER)
        assert time.monotonic() - begun < 5
    stopped.set()


def test_what_is_no_http_is_trouble(peer: Peer, witness: HttpWitness) -> None:

    def hello(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"hello\r\n\r\n")

    peer.answer = hello
    with pytest.raises(Unavailable, match="does not answer"):
        witness.submit(LEDGER.log, OFFER)


def test_nobody_there_is_trouble(free_port: int) -> None:
    gone = HttpWitness("gone", f"http://127.0.0.1:{free_port}", KEY)
    with pytest.raises(Unavailable, match=r"gone at http://127\.0\.0\.1:.* does not answer"):
        gone.submit(LEDGER.log, OFFER)


def test_a_certificate_that_nobody_vouches_for_is_trouble(peer: Peer) -> None:
    plain = HttpWitness("tls", peer.address.replace("http://", "https://"), KEY)
    with pytest.raises(Unavailable, match="does not answer"):
        plain.latest(LEDGER.log)


def test_a_certificate_that_the_machine_trusts_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    peer = Peer(context)
    peer.answer = lambda request: say(request, 200, GOOD)
    try:
        address = peer.address.replace("http://127.0.0.1", "https://localhost")
        assert GOOD in HttpWitness("tls", address, KEY).submit(LEDGER.log, OFFER)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(Unavailable, match="certificate verify failed"):
            HttpWitness("tls", address, KEY).submit(LEDGER.log, OFFER)
    finally:
        peer.close()


def self_signed(folder: Path) -> Path:
    """Write a certificate for localhost and its key into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    path = folder / "localhost.pem"
    path.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.com",
        "https://",
        "https://user:secret@example.com/w",
        "https://example.com/w?x=1",
        "https://example.com/w#x",
        "https://example.com:99999/w",
        "https://[::1/w",
    ],
)
def test_an_address_that_cannot_be_one_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="no address") as problem:
        HttpWitness("x", address, KEY)
    assert "secret" not in problem.value.message
