"""This site as a witness of other ledgers: which ones, what it saw of each, what it refused.

A checkpoint is cosigned once it continues the one that was cosigned last, and after the new one is
on the disk; both in one write transaction, so that two requests cannot cross.

Source: C2SP tlog-witness (https://c2sp.org/tlog-witness), "add-checkpoint".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from bedside.clock import Clock, timestamp
from bedside.errors import Conflict, NotFound, UsageError
from bedside.keys.signing import SigningKey
from bedside.ledger.checkpoint import Checkpoint
from bedside.ledger.cosignature import cosign
from bedside.ledger.note import (
    ED25519,
    NoteKey,
    SignatureLine,
    SignedNote,
    read_note,
    read_vkey,
)
from bedside.ledger.tables import witness_refusals, witnessed_logs
from bedside.ledger.witness import Offer, StaleOffer, WitnessRefused, judge
from bedside.ledger.witness_http import SIZE_TYPE
from bedside.ledger.witness_request import Request, read_request
from bedside.ledger.witness_shelf import folder_of
from bedside.store.database import Database

MAX_REFUSALS: Final = 1000
"""Kept of one log: enough to convict it. Only what its own key signed is kept at all."""

REFRESHED: Final = timedelta(seconds=60)
"""The same checkpoint again is cosigned anew, with the present time, only after so long."""

PLAIN: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a witness answers.

    Attributes:
        status: HTTP status.
        media_type: Of the body.
        body: The text.
    """

    status: HTTPStatus
    media_type: str
    body: str


@dataclass(frozen=True, slots=True)
class WitnessedLog:
    """A ledger that this site witnesses.

    Attributes:
        origin: Its name.
        vkey: Its verifier keys, one a line.
        size: The size that was cosigned last; 0 before the first.
        note: That checkpoint, cosigned; empty before the first.
        seen_at: When that was; empty before the first.
        added_by: The id of the person who added it.
        added_at: When.
        refusals: How many checkpoints were refused and kept.
    """

    origin: str
    vkey: str
    size: int
    note: str
    seen_at: str
    added_by: str
    added_at: str
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A checkpoint that was refused: signed by the log's own key, and no continuation.

    Attributes:
        size: What it says that the log's size is.
        root: And its root.
        why: In words.
        request: The whole request as it came, proof and signatures included.
        at: When.
    """

    size: int
    root: bytes
    why: str
    request: str
    at: str


class WitnessHost:
    """The witness that a site is.

    Attributes:
        key: The verifier key of its cosignatures.
    """

    def __init__(self, database: Database, signer: SigningKey, key: NoteKey, clock: Clock) -> None:
        self.key = key
        self._database = database
        self._signer = signer
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer `add-checkpoint`; what it returns was written to the disk before.

        Raises:
            Unavailable: the database cannot answer.
        """
        try:
            request = read_request(body)
        except UsageError as problem:
            return Reply(HTTPStatus.BAD_REQUEST, PLAIN, f"{problem}\n")
        with self._database.read() as connection:
            known = _known(connection, request)
        said = known if isinstance(known, Reply) else self._said(known, request)
        if said is not None:
            return said
        with self._database.write() as connection:
            return self._judged(connection, request)

    def latest(self, folder: str) -> Reply:
        """Answer which checkpoint was cosigned last.

        Args:
            folder: The SHA-256 of the log's origin, in hexadecimal.
        """
        with self._database.read() as connection:
            notes = connection.execute(select(witnessed_logs.c.origin, witnessed_logs.c.note))
            found = next((row.note for row in notes if folder_of(row.origin) == folder), None)
        if found is None:
            return Reply(HTTPStatus.NOT_FOUND, PLAIN, "This log is not known here.\n")
        return Reply(HTTPStatus.OK if found else HTTPStatus.NO_CONTENT, PLAIN, found)

    def _judged(self, connection: Connection, request: Request) -> Reply:
        known = _known(connection, request)
        if isinstance(known, Reply):
            return known
        new = Checkpoint(request.origin, request.size, request.root, request.checkpoint)
        try:
            judge(_seen(known), Offer(new, request.old, request.path))
        except StaleOffer as stale:
            return Reply(HTTPStatus.CONFLICT, SIZE_TYPE, f"{stale.size}\n")
        except WitnessRefused as refused:
            self._keep(connection, request, refused.message)
            same = request.old == request.size
            status = HTTPStatus.CONFLICT if same else HTTPStatus.UNPROCESSABLE_ENTITY
            return Reply(status, PLAIN, f"{refused.message}\n")
        except UsageError as problem:
            return Reply(HTTPStatus.BAD_REQUEST, PLAIN, f"{problem}\n")
        return self._cosigned(connection, request, _of_log(request.note, known))

    def _said(self, known: Row[Any], request: Request) -> Reply | None:
        """Return what was answered a moment ago to the same; anybody may send that again."""
        same = request.old == request.size == known.size and not request.path
        if not same or not known.note:
            return None
        now, note = self._clock(), read_note(known.note)
        fresh = timestamp(now - REFRESHED) < known.seen_at <= timestamp(now)
        mine = [line for line in note.signatures if line.is_by(self.key)]
        theirs = set(_of_log(request.note, known))
        if fresh and mine and note.text == request.note.text and theirs <= set(note.signatures):
            return Reply(HTTPStatus.OK, PLAIN, str(mine[0]))
        return None

    def _cosigned(
        self, connection: Connection, request: Request, signed: tuple[SignatureLine, ...]
    ) -> Reply:
        now = self._clock()
        line = cosign(request.note.text, self.key.name, self._signer, int(now.timestamp()))
        theirs = "".join(str(one) for one in signed)
        connection.execute(
            update(witnessed_logs)
            .where(witnessed_logs.c.origin == request.origin)
            .values(
                size=request.size,
                note=f"{request.note.text}\n{theirs}{line}",
                seen_at=timestamp(now),
            )
        )
        return Reply(HTTPStatus.OK, PLAIN, str(line))

    def _keep(self, connection: Connection, new: Request, why: str) -> None:
        columns = witness_refusals.c
        mine = columns.origin == new.origin
        same = (columns.size == new.size) & (columns.root == new.root)
        count = select(func.count()).select_from(witness_refusals).where(mine)
        if connection.execute(count).scalar_one() >= MAX_REFUSALS:
            return
        if connection.execute(select(columns.size).where(mine & same)).first() is None:
            row = {"origin": new.origin, "size": new.size, "root": new.root, "why": why}
            row |= {"request": new.text, "at": timestamp(self._clock())}
            connection.execute(insert(witness_refusals), row)


def witnessed(database: Database) -> tuple[WitnessedLog, ...]:
    """Return every ledger that this site witnesses, by origin."""
    with database.read() as connection:
        counted = select(witness_refusals.c.origin, func.count()).group_by(
            witness_refusals.c.origin
        )
        refusals: Mapping[str, int] = {row[0]: row[1] for row in connection.execute(counted)}
        rows = connection.execute(select(witnessed_logs).order_by(witnessed_logs.c.origin)).all()
    return tuple(WitnessedLog(**row._mapping, refusals=refusals.get(row.origin, 0)) for row in rows)


def refusals(database: Database, origin: str) -> tuple[Refused, ...]:
    """Return what was refused of a ledger, oldest first."""
    columns = witness_refusals.c
    query = (
        select(columns.size, columns.root, columns.why, columns.request, columns.at)
        .where(columns.origin == origin)
        .order_by(columns.at, columns.size)
    )
    with database.read() as connection:
        return tuple(Refused(*row) for row in connection.execute(query))


def add_log(connection: Connection, vkey: str, by: str, at: str) -> NoteKey:
    """Begin to witness a ledger, in the caller's `database.write()`; return its key.

    A ledger that is witnessed already gets another key: it changed its own. Once a checkpoint by a
    later key was cosigned, none by an earlier one is.

    Raises:
        UsageError: not a log's verifier key.
        Conflict: a ledger of this name and this key is witnessed already.
    """
    key = read_vkey(vkey, ED25519)
    known = _log(connection, key.name)
    if known is not None:
        if key in _keys(known.vkey):
            raise Conflict(
                f"{key.name} is witnessed already.",
                advice="A log keeps its name for good. If it began anew, remove it first.",
            )
        mine = witnessed_logs.c.origin == key.name
        vkeys = f"{known.vkey}\n{key.vkey}"
        connection.execute(update(witnessed_logs).where(mine).values(vkey=vkeys))
        return key
    row = {"origin": key.name, "vkey": key.vkey, "size": 0, "note": "", "seen_at": ""}
    connection.execute(insert(witnessed_logs), row | {"added_by": by, "added_at": at})
    return key


def is_known(connection: Connection, vkey: str) -> bool:
    """Return whether a ledger is witnessed under this key.

    Raises:
        UsageError: not a log's verifier key.
    """
    key = read_vkey(vkey, ED25519)
    known = _log(connection, key.name)
    return known is not None and key in _keys(known.vkey)


def remove_log(connection: Connection, origin: str) -> WitnessedLog:
    """Witness a ledger no longer, in the caller's `database.write()`; return what was known of it.

    What was refused of it stays.

    Raises:
        NotFound: it is not witnessed here.
    """
    found = _log(connection, origin)
    if found is None:
        raise NotFound(
            f"{origin!r} is not witnessed here.", advice="bedside ledger witness list shows who is."
        )
    connection.execute(delete(witnessed_logs).where(witnessed_logs.c.origin == origin))
    return WitnessedLog(**found._mapping)


def _log(connection: Connection, origin: str) -> Row[Any] | None:
    query = select(witnessed_logs).where(witnessed_logs.c.origin == origin)
    return connection.execute(query).one_or_none()


def _known(connection: Connection, request: Request) -> Row[Any] | Reply:
    """Return what is known of the log that signed a request, or what a stranger is answered."""
    known = _log(connection, request.origin)
    if known is None:
        return Reply(HTTPStatus.NOT_FOUND, PLAIN, "This log is not known here.\n")
    if not _signed(request.note, _in_force(known)):
        return Reply(HTTPStatus.FORBIDDEN, PLAIN, "This log's key did not sign this.\n")
    return known


def _in_force(known: Row[Any]) -> tuple[NoteKey, ...]:
    """Return the keys of a log without those before the one that signed what was cosigned last."""
    keys = _keys(known.vkey)
    if not known.note:
        return keys
    lines = read_note(known.note).signatures
    used = [place for place, key in enumerate(keys) if any(line.is_by(key) for line in lines)]
    return keys[max(used, default=0) :]


def _of_log(note: SignedNote, known: Row[Any]) -> tuple[SignatureLine, ...]:
    keys = _in_force(known)
    return tuple(line for line in note.signatures if any(line.is_by(key) for key in keys))


def _seen(known: Row[Any]) -> Checkpoint | None:
    if not known.note:
        return None
    request = read_request(f"old 0\n\n{known.note}".encode())
    return Checkpoint(known.origin, known.size, request.root, known.note)


def _keys(vkeys: str) -> tuple[NoteKey, ...]:
    return tuple(read_vkey(line, ED25519) for line in vkeys.splitlines())


def _signed(note: SignedNote, keys: tuple[NoteKey, ...]) -> bool:
    """Return whether one of the keys signed, and no signature in the name of any is wrong."""
    text = note.text.encode()
    found = [(one, key) for one in note.signatures for key in keys if one.is_by(key)]
    return bool(found) and all(
        len(one.signature) == 64 and key.public.verify(one.signature, text) for one, key in found
    )
