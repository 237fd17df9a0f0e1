"""Cosignatures: a witness's statement that, at a time, this was the largest tree that it knew.

Source: C2SP tlog-cosignature (https://c2sp.org/tlog-cosignature), the Ed25519 kind, `cosignature/v1`.
"""

from __future__ import annotations

import struct
from typing import Final

from bedside.errors import LedgerBroken
from bedside.keys.signing import SigningKey
from bedside.ledger.note import COSIGNATURE, NoteKey, SignatureLine, SignedNote

_TIME: Final = struct.Struct(">Q")
_BYTES: Final = _TIME.size + 64
MAX_TIME: Final = 2**63 - 1


def cosign(text: str, name: str, signer: SigningKey, seconds: int) -> SignatureLine:
    """Return a witness's signature of a checkpoint.

    Args:
        text: The checkpoint's text, without signatures.
        name: The witness's name.
        signer: Its key.
        seconds: The time, as seconds since 1970-01-01T00:00:00Z.
    """
    key = NoteKey(name, COSIGNATURE, signer.public)
    signature = signer.sign(_message(text, seconds))
    return SignatureLine(name, key.id, _TIME.pack(seconds) + signature)


def cosigned_at(note: SignedNote, key: NoteKey) -> int:
    """Return when the witness cosigned a note, in seconds since 1970-01-01T00:00:00Z.

    Raises:
        LedgerBroken: it did not, or its signature is wrong.
    """
    for line in note.signatures:
        if line.is_by(key):
            return _checked(note.text, line, key)
    raise LedgerBroken(
        f"The witness {key.name} did not cosign this checkpoint.",
        advice="Ask the witness itself, and compare its verifier key with the one that you have.",
    )


def _checked(text: str, line: SignatureLine, key: NoteKey) -> int:
    if len(line.signature) != _BYTES:
        raise LedgerBroken(f"The cosignature of {key.name} has {len(line.signature)} bytes.")
    (seconds,) = _TIME.unpack_from(line.signature)
    signature = line.signature[_TIME.size :]
    if seconds > MAX_TIME or not key.public.verify(signature, _message(text, seconds)):
        raise LedgerBroken(f"The cosignature of {key.name} is wrong.")
    return int(seconds)


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
