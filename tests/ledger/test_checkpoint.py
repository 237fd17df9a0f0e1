from __future__ import annotations

import base64
import hashlib

import pytest

from bedside.errors import LedgerBroken, UsageError
from bedside.keys.signing import PublicKey, SigningKey
from bedside.ledger.checkpoint import key_id, read_checkpoint, sign_checkpoint, verifier_key
from bedside.ledger.encoding import to_base64

SIGNER = SigningKey.new()
ROOT = bytes(range(32))
ORIGIN = "bedside/ward-7"
SIGNED = sign_checkpoint(ORIGIN, 42, ROOT, SIGNER)


def test_a_checkpoint_says_what_was_signed() -> None:
    assert read_checkpoint(SIGNED.note, ORIGIN, SIGNER.public) == SIGNED
    assert (SIGNED.origin, SIGNED.size, SIGNED.root) == (ORIGIN, 42, ROOT)


def test_its_text_is_that_of_c2sp() -> None:
    body, _, signature = SIGNED.note.partition("\n\n")
    assert body.split("\n") == [ORIGIN, "42", base64.b64encode(ROOT).decode()]
    dash, name, encoded = signature.removesuffix("\n").split(" ")
    assert (dash, name) == ("\u2014", ORIGIN)
    raw = base64.b64decode(encoded)
    named = ORIGIN.encode() + b"\n" + b"\x01" + SIGNER.public.raw
    assert raw[:4] == hashlib.sha256(named).digest()[:4]
    assert SIGNER.public.verify(raw[4:], body.encode() + b"\n")


def test_the_key_hint_is_that_of_the_signed_note_specification() -> None:
    # the example of C2SP signed-note: PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
    raw = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert raw[0] == 1
    assert key_id("PeterNeumann", PublicKey(raw[1:])).hex() == "c74f20a3"
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert verifier_key("PeterNeumann", PublicKey(raw[1:])) == vkey


def test_every_altered_byte_is_found() -> None:
    data = SIGNED.note.encode()
    for position in range(len(data)):
        for bit in (0x01, 0x20, 0x80):
            altered = bytearray(data)
            altered[position] ^= bit
            text = altered.decode("utf-8", errors="replace")
            with pytest.raises(LedgerBroken):
                read_checkpoint(text, ORIGIN, SIGNER.public)


def test_another_key_is_named() -> None:
    other = SigningKey.new()
    with pytest.raises(LedgerBroken, match=f"another key than {other.public.fingerprint}"):
        read_checkpoint(SIGNED.note, ORIGIN, other.public)


def test_a_signature_under_a_borrowed_hint_is_wrong() -> None:
    forged = SigningKey.new().sign(SIGNED.note.partition("\n\n")[0].encode() + b"\n")
    line = to_base64(key_id(ORIGIN, SIGNER.public) + forged)
    body = SIGNED.note.partition("\n\n")[0]
    with pytest.raises(LedgerBroken, match="signature of the checkpoint of 42 entries is wrong"):
        read_checkpoint(f"{body}\n\n\u2014 {ORIGIN} {line}\n", ORIGIN, SIGNER.public)


def test_another_log_is_named() -> None:
    with pytest.raises(LedgerBroken, match="of the log 'bedside/ward-7'"):
        read_checkpoint(SIGNED.note, "bedside/ward-8", SIGNER.public)


@pytest.mark.parametrize("size", ["042", "-1", "4 2", "+42", "\u0664\u0662"])
def test_a_size_has_one_spelling(size: str) -> None:
    body = f"{ORIGIN}\n{size}\n{to_base64(ROOT)}\n"
    line = to_base64(key_id(ORIGIN, SIGNER.public) + SIGNER.sign(body.encode()))
    with pytest.raises(LedgerBroken, match="not a checkpoint"):
        read_checkpoint(f"{body}\n\u2014 {ORIGIN} {line}\n", ORIGIN, SIGNER.public)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "line\nbreak", "a\u2003b", "a\x00"])
def test_a_name_that_cannot_stand_in_a_note_is_refused(origin: str) -> None:
    with pytest.raises(UsageError, match="cannot be a ledger's name"):
        sign_checkpoint(origin, 1, ROOT, SIGNER)
