"""Signed notes and the keys that check them, as C2SP writes them.

A note is a text, an empty line, and lines of signatures; each names its key and carries a hint at
it. What is signed by an unknown key is ignored, so that a note may carry signatures for others.

Source: C2SP signed-note (https://c2sp.org/signed-note).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from bedside.errors import BedsideError, LedgerBroken, UsageError
from bedside.keys.signing import PublicKey
from bedside.ledger.encoding import from_base64, to_base64

ED25519: Final = 0x01
"""Signature type: Ed25519 over the note's text."""

COSIGNATURE: Final = 0x04
"""Signature type: a witness's timestamped Ed25519 signature (C2SP tlog-cosignature)."""

MARK: Final = "— "
"""What a signature line begins with: U+2014 and a space."""

MAX_NOTE_BYTES: Final = 8 * 1024
"""A checkpoint with 16 signatures, which every reader must take, has less than 4,000."""

MAX_SIGNATURES: Final = 16

_NOTE = re.compile(
    r"(?P<text>(?:[^\x00-\x1f]*\n)+)\n(?P<lines>(?:— [^\x00-\x20]+ [^\x00-\x20]+\n)+)"
)
_NAME = re.compile(r"[^\x00-\x20]+")
_VKEY = re.compile(
    r"(?P<name>[^\s\x00-\x1f+]{1,255})\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)"
)


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A key that checks signatures of one type under one name.

    Attributes:
        name: The key's name; of a log, its origin.
        type: `ED25519` or `COSIGNATURE`.
        public: The key.
    """

    name: str
    type: int
    public: PublicKey

    @property
    def id(self) -> bytes:
        """Return the 4 bytes that hint at it: SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]."""
        content = self.name.encode() + b"\n" + bytes([self.type]) + self.public.raw
        return hashlib.sha256(content).digest()[:4]

    @property
    def vkey(self) -> str:
        """Return it on one line: name, hint in hexadecimal, type ‖ key in base64."""
        key = to_base64(bytes([self.type]) + self.public.raw)
        return f"{self.name}+{self.id.hex()}+{key}"


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature under a note.

    Attributes:
        name: The name of the key.
        key_id: The 4 bytes that hint at it.
        signature: The rest.
    """

    name: str
    key_id: bytes
    signature: bytes

    def is_by(self, key: NoteKey) -> bool:
        """Return whether it says that this key made it."""
        return (self.name, self.key_id) == (key.name, key.id)

    def __str__(self) -> str:
        """Return the line, its end included."""
        return f"{MARK}{self.name} {to_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text and its signatures, none of them checked yet.

    Attributes:
        text: What is signed, its last line end included.
        signatures: In the order of the note.
    """

    text: str
    signatures: tuple[SignatureLine, ...]


def read_note(note: str) -> SignedNote:
    """Take a note apart.

    Raises:
        LedgerBroken: not a signed note, too long, or with more than `MAX_SIGNATURES`.
    """
    fits = len(note) <= MAX_NOTE_BYTES and len(note.encode(errors="replace")) <= MAX_NOTE_BYTES
    found = _NOTE.fullmatch(note) if fits else None
    if found is None:
        raise LedgerBroken(f"This is not a signed note: {note[:80]!r}.")
    lines = read_signatures(found["lines"])
    return SignedNote(found["text"], lines)


def read_signatures(text: str) -> tuple[SignatureLine, ...]:
    """Return the signature lines that a text consists of.

    Raises:
        LedgerBroken: another line is among them, or there are none, or too many.
    """
    lines = text.split("\n")
    if not 2 <= len(lines) <= MAX_SIGNATURES + 1 or lines[-1]:
        raise LedgerBroken(f"These are not 1 to {MAX_SIGNATURES} signatures: {text[:80]!r}.")
    return tuple(_signature(line) for line in lines[:-1])


def _signature(line: str) -> SignatureLine:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        data = from_base64(encoded)
    except ValueError as problem:
        raise LedgerBroken(f"A signature line is {problem}: {line[:80]!r}.") from problem
    if dash + " " != MARK or not _NAME.fullmatch(name) or len(data) < 5:
        raise LedgerBroken(f"This is not a signature line: {line[:80]!r}.")
    return SignatureLine(name, data[:4], data[4:])


def read_vkey(text: str, wanted: int) -> NoteKey:
    """Read a key from its line.

    Args:
        text: `name+hint+base64`; white space around it is not minded.
        wanted: `ED25519` for a log's key, `COSIGNATURE` for a witness's.

    Raises:
        UsageError: not such a line, of another type, or a hint that is not this key's.
    """
    advice = "It is one line: name+8 hexadecimal digits+base64, as in a site's keys/*.vkey."
    found = _VKEY.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text.strip()[:120]!r} is no verifier key.", advice=advice)
    try:
        data = from_base64(found["key"])
        key = NoteKey(found["name"], data[0], PublicKey(data[1:]))
    except (ValueError, IndexError, BedsideError) as problem:
        raise UsageError(
            f"The verifier key of {found['name']} is damaged.", advice=advice
        ) from problem
    if key.type != wanted:
        kinds = {ED25519: "a log's", COSIGNATURE: "a witness's"}
        raise UsageError(
            f"The verifier key of {key.name} is {kinds.get(key.type, 'another')} key,"
            f" not {kinds[wanted]}.",
            advice="A log's is in keys/ledger.vkey, a witness's in keys/witness.vkey.",
        )
    if key.id.hex() != found["id"]:
        raise UsageError(f"The verifier key of {key.name} has the wrong hint.", advice=advice)
    return key
