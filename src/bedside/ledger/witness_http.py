"""An HTTP endpoint as a witness: another Bedside, or whoever speaks C2SP tlog-witness.

Bounded in time and size; no redirect is followed, and no answer believed without a signature.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from bedside.errors import LedgerBroken, Unavailable, UsageError
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.cosignature import cosigned_at
from bedside.ledger.note import MAX_NOTE_BYTES, NoteKey, SignedNote, read_note, read_signatures
from bedside.ledger.witness import Log, Offer, StaleOffer, WitnessRefused
from bedside.ledger.witness_request import request_body
from bedside.ledger.witness_shelf import folder_of

SECONDS: Final = 5.0
"""How long one question may take in all, from the first byte of the connection to the last."""

SIZE_TYPE: Final = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    media_type: str
    text: str


class HttpWitness:
    """A witness that signs.

    Attributes:
        name: What the site's settings call it.
        address: The prefix of its addresses.
        key: The key that its signatures must be made with.
    """

    def __init__(self, name: str, address: str, key: NoteKey) -> None:
        """Say where the witness is; nothing is asked yet.

        Args:
            name: What the site's settings call it.
            address: The prefix of its addresses, such as `https://north.example/v1/witness`.
            key: Its verifier key.

        Raises:
            UsageError: not such an address.
        """
        self.name = name
        self.address = address
        self.key = key
        self._parts = _split(address)

    def latest(self, log: Log) -> Checkpoint | None:
        """Return what it cosigned last, as a Bedside tells it at `checkpoint/…`.

        Raises:
            Unavailable: it does not answer, or does not tell.
            LedgerBroken: what it tells is not signed by it and by the ledger.
        """
        answer = self._ask("GET", f"checkpoint/{folder_of(log.origin)}")
        if answer.status == http.HTTPStatus.NO_CONTENT:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise self._odd(answer)
        note = read_note(answer.text)
        cosigned_at(note, self.key)
        return log.checkpoint(answer.text)

    def history(self, log: Log) -> Iterator[Checkpoint]:
        """Yield the latest: a witness need keep no other."""
        found = self.latest(log)
        if found is not None:
            yield found

    def submit(self, log: Log, offer: Offer) -> str:
        """Let it see a checkpoint, and return the note with its cosignature.

        Raises:
            StaleOffer: it saw another size last.
            WitnessRefused: to it, the checkpoint does not continue what it saw.
            Unavailable: it does not answer, or answers what nobody can use.
        """
        answer = self._ask("POST", "add-checkpoint", request_body(offer))
        if answer.status == http.HTTPStatus.OK:
            return offer.checkpoint.note + self._cosignature(offer.checkpoint, answer)
        if answer.status == http.HTTPStatus.CONFLICT and answer.media_type == SIZE_TYPE:
            raise StaleOffer(self._size(answer))
        if answer.status in (http.HTTPStatus.CONFLICT, http.HTTPStatus.UNPROCESSABLE_ENTITY):
            raise WitnessRefused(
                f"The witness {self.name} refused the ledger of {offer.checkpoint.size} entries: it"
                f" does not continue the one of {offer.old} that it saw.",
                advice="Keep the database as it is, and compare with what the witness keeps.",
            )
        raise self._odd(answer)

    def _cosignature(self, checkpoint: Checkpoint, answer: _Answer) -> str:
        try:
            lines = [one for one in read_signatures(answer.text) if one.is_by(self.key)]
            for line in lines:
                cosigned_at(SignedNote(_text_of(checkpoint.note), (line,)), self.key)
        except LedgerBroken as problem:
            raise Unavailable(
                f"The witness {self.name} answered, and not with its signature: {problem.message}"
            ) from problem
        if not lines:
            raise Unavailable(
                f"The witness {self.name} answered with the signature of another key than"
                f" {self.key.vkey}.",
                advice="Compare its verifier key with the vkey in site.toml.",
            )
        return str(lines[0])

    def _size(self, answer: _Answer) -> int:
        digits = answer.text.removesuffix("\n")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 19):
            raise self._odd(answer)
        return int(digits)

    def _odd(self, answer: _Answer) -> Unavailable:
        return Unavailable(
            f"The witness {self.name} answered {answer.status}: {answer.text[:200]!r}.",
            advice="403 or 404: it does not know this ledger's key; on its side, run"
            " bedside ledger witness add with the line in keys/ledger.vkey.",
        )

    def _ask(self, method: str, what: str, body: bytes | None = None) -> _Answer:
        path = f"{self._parts.path.rstrip('/')}/{what}"
        headers = {"content-type": "text/plain; charset=utf-8"}
        try:
            with self._connection() as connection:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                data = answer.read(MAX_NOTE_BYTES + 1)
            if len(data) > MAX_NOTE_BYTES:
                raise OSError(f"an answer of more than {MAX_NOTE_BYTES} bytes")  # noqa: TRY301
            media_type = (answer.getheader("content-type") or "").partition(";")[0].strip().lower()
            return _Answer(answer.status, media_type, data.decode())
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as problem:
            words = str(problem) or type(problem).__name__
            raise Unavailable(
                f"The witness {self.name} at {self.address} does not answer: {words}.",
                advice="Look whether it runs, and whether this machine may reach it.",
            ) from problem

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """Give a connection that is cut after `SECONDS`, wherever the conversation is then."""
        secure = self._parts.scheme == "https"
        host, port = self._parts.hostname or "", self._parts.port or (443 if secure else 80)
        with socket.create_connection((host, port), SECONDS) as plain, plain.dup() as twin:
            late = threading.Event()
            guard = threading.Timer(SECONDS, _cut, [twin, late])
            guard.start()
            try:
                connection = http.client.HTTPConnection(host, port)
                connection.sock = plain
                if secure:
                    context = ssl.create_default_context()
                    connection.sock = context.wrap_socket(plain, server_hostname=host)
                with closing(connection):
                    yield connection
            finally:
                guard.cancel()
            if late.is_set():
                raise TimeoutError(f"no whole answer within {SECONDS:g} s")


def _cut(twin: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):  # it was over a moment ago
        twin.shutdown(socket.SHUT_RDWR)


def _text_of(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"


def _split(address: str) -> SplitResult:
    advice = "Write https://host/v1/witness, without a name or password in it."
    try:
        found = urlsplit(address)
        usable = found.scheme in ("http", "https") and found.hostname and found.port != 0
    except ValueError as problem:
        raise UsageError("This is no address of a witness.", advice=advice) from problem
    if not usable or found.username or found.password or found.query or found.fragment:
        raise UsageError("This is no address of a witness.", advice=advice)
    return found
