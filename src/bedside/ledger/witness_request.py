"""The body of `add-checkpoint`: the old size, the proof, an empty line, the checkpoint.

Source: C2SP tlog-witness (https://c2sp.org/tlog-witness), "add-checkpoint".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bedside.errors import BedsideError, UsageError
from bedside.ledger.encoding import from_base64, to_base64
from bedside.ledger.merkle import HASH_BYTES
from bedside.ledger.note import MAX_NOTE_BYTES, SignedNote, read_note
from bedside.ledger.witness import MAX_PATH, Offer

MAX_REQUEST_BYTES: Final = MAX_NOTE_BYTES + 64 * (MAX_PATH + 1)
"""A note, an old size and 63 hashes of 44 characters."""

_HEAD = re.compile(
    r"old (?P<old>0|[1-9][0-9]{0,18})\n(?P<path>(?:[A-Za-z0-9+/=]{44}\n){0,63})\n(?P<note>.*)",
    re.DOTALL,
)
_TREE = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/=]{44})\n(?:[^\n]+\n)*"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent to a witness; nothing in it is believed yet.

    Attributes:
        old: The size that the sender believes the witness saw last.
        path: The consistency proof.
        note: The checkpoint's note, signatures unchecked.
        checkpoint: The same as text.
        text: The whole request as it came.
        origin: The first line of the note.
        size: Its second.
        root: Its third.
    """

    old: int
    path: tuple[bytes, ...]
    note: SignedNote
    checkpoint: str
    text: str
    origin: str
    size: int
    root: bytes


def request_body(offer: Offer) -> bytes:
    """Return an offer as the body of a request."""
    path = "".join(f"{to_base64(one)}\n" for one in offer.path)
    return f"old {offer.old}\n{path}\n{offer.checkpoint.note}".encode()


def read_request(body: bytes) -> Request:
    """Take the body of a request apart.

    Raises:
        UsageError: it is not of this form.
    """
    try:
        text = body.decode() if len(body) <= MAX_REQUEST_BYTES else ""
        found = _HEAD.fullmatch(text)
        if found is None:
            raise _unreadable()
        note = read_note(found["note"])
        tree = _TREE.fullmatch(note.text)
        if tree is None:
            raise _unreadable()
        path = tuple(_hash(line) for line in found["path"].splitlines())
        root = _hash(tree["root"])
    except (ValueError, BedsideError) as problem:
        raise _unreadable() from problem
    old, size = int(found["old"]), int(tree["size"])
    return Request(old, path, note, found["note"], text, tree["origin"], size, root)


def _hash(text: str) -> bytes:
    data = from_base64(text)
    if len(data) != HASH_BYTES:
        raise _unreadable()
    return data


def _unreadable() -> UsageError:
    return UsageError(
        "This is no request to a witness.",
        advice="Send the old size, the proof, an empty line and the checkpoint (C2SP tlog-witness).",
    )
