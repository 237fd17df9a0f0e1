"""Checkpoints: signed tree heads, in a text that witnesses of other logs read as well.

Sources: C2SP signed-note (https://c2sp.org/signed-note), C2SP tlog-checkpoint
(https://c2sp.org/tlog-checkpoint).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bedside.errors import LedgerBroken, UsageError
from bedside.keys.signing import PublicKey, SigningKey
from bedside.ledger.encoding import from_base64, to_base64
from bedside.ledger.merkle import HASH_BYTES
from bedside.ledger.note import ED25519, MARK, NoteKey, read_note

_NOTE = re.compile(
    r"(?P<body>(?P<origin>[^\x00-\x20]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/=]+)\n)"
    r"\n— (?P<name>[^\x00-\x20]+) (?P<signature>[A-Za-z0-9+/=]+)\n"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement: the log `origin` has these `size` entries, whose root is `root`.

    Attributes:
        origin: The log's name.
        size: The number of entries.
        root: The root over them.
        note: The signed text.
    """

    origin: str
    size: int
    root: bytes
    note: str


def check_origin(origin: str) -> str:
    """Return `origin` when it can name a log and its key.

    Raises:
        UsageError: empty, or with a space, a plus sign or a control character (signed-note).
    """
    odd = [c for c in origin if c.isspace() or c == "+" or not c.isprintable()]
    if not origin or odd:
        raise UsageError(
            f"{origin!r} cannot be a ledger's name.", advice="Use a word such as bedside/ward-7."
        )
    return origin


def key_id(name: str, public: PublicKey) -> bytes:
    """Return the 4 bytes that hint at a key: SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]."""
    return NoteKey(name, ED25519, public).id


def verifier_key(name: str, public: PublicKey) -> str:
    """Return the key as a witness reads it: name, key id in hexadecimal, algorithm ‖ key in base64.

    Source: C2SP signed-note, "vkey".
    """
    return NoteKey(name, ED25519, public).vkey


class CheckpointSigner:
    """Signs the checkpoints of one log; its name and key are checked and spelled once."""

    __slots__ = ("_key", "_key_id", "_origin")

    def __init__(self, origin: str, key: SigningKey) -> None:
        """Keep the key.

        Raises:
            UsageError: an origin that cannot name a log.
        """
        self._origin = check_origin(origin)
        self._key = key
        self._key_id = key_id(origin, key.public)

    def sign(self, size: int, root: bytes) -> Checkpoint:
        """Return a checkpoint, signed."""
        body = f"{self._origin}\n{size}\n{to_base64(root)}\n"
        signature = to_base64(self._key_id + self._key.sign(body.encode()))
        note = f"{body}\n{MARK}{self._origin} {signature}\n"
        return Checkpoint(self._origin, size, root, note)


def sign_checkpoint(origin: str, size: int, root: bytes, signer: SigningKey) -> Checkpoint:
    """Return a checkpoint, signed.

    Raises:
        UsageError: an origin that cannot name a log.
    """
    return CheckpointSigner(origin, signer).sign(size, root)


def read_checkpoint(note: str, origin: str, public: PublicKey) -> Checkpoint:
    """Return what a checkpoint says, once it is known that the ledger's key says it.

    Only the spelling that `sign_checkpoint` writes is read: one signature, no extension lines.

    Raises:
        LedgerBroken: not a checkpoint, of another log, or not signed by this key.
    """
    found = _NOTE.fullmatch(note)
    if found is None:
        raise LedgerBroken(f"This is not a checkpoint: {note[:80]!r}.")
    if found["origin"] != origin or found["name"] != origin:
        raise LedgerBroken(
            f"A checkpoint is of the log {found['origin']!r} by {found['name']!r}, not of {origin!r}."
        )
    size = int(found["size"])
    try:
        root, signature = from_base64(found["root"]), from_base64(found["signature"])
    except ValueError as problem:
        raise LedgerBroken(f"The checkpoint of {size} entries is damaged: {problem}.") from problem
    if len(root) != HASH_BYTES or signature[:4] != key_id(origin, public):
        raise LedgerBroken(
            f"The checkpoint of {size} entries was signed with another key than"
            f" {public.fingerprint}.",
            advice="Check it with the public key that the site published.",
        )
    if not public.verify(signature[4:], found["body"].encode()):
        raise LedgerBroken(f"The signature of the checkpoint of {size} entries is wrong.")
    return Checkpoint(origin, size, root, note)


def find_checkpoint(note: str, origin: str, *keys: PublicKey) -> Checkpoint:
    """Return the checkpoint in a note that may carry other signatures beside the ledger's.

    The result's own note has the ledger's signature alone.

    Args:
        note: The note.
        origin: The ledger's name.
        keys: Its keys; one of them must have signed.

    Raises:
        LedgerBroken: not a note, not of this log, or not signed by its key.
    """
    read = read_note(note)
    for public in keys:
        key = NoteKey(origin, ED25519, public)
        for line in read.signatures:
            if line.is_by(key):
                return read_checkpoint(f"{read.text}\n{line}", origin, public)
    raise LedgerBroken(
        f"This checkpoint is not signed by {origin} with the key {keys[0].fingerprint}.",
        advice="Check it with the public key that the site published.",
    )
