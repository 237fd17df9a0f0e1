from __future__ import annotations

import base64

import pytest

from bedside.errors import LedgerBroken, UsageError
from bedside.keys.signing import PublicKey, SigningKey
from bedside.ledger.checkpoint import find_checkpoint, sign_checkpoint
from bedside.ledger.cosignature import cosign, cosigned_at
from bedside.ledger.note import COSIGNATURE, ED25519, NoteKey, read_note, read_signatures, read_vkey

LOG = SigningKey.new()
WITNESS = SigningKey.new()
KEY = NoteKey("example.com/w", COSIGNATURE, WITNESS.public)
SIGNED = sign_checkpoint("bedside/test", 3, bytes(32), LOG)
LINE = cosign(read_note(SIGNED.note).text, KEY.name, WITNESS, 1_679_315_147)

EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
"""The example of C2SP tlog-cosignature; the keys were not published with it."""


def test_the_example_of_c2sp_is_read() -> None:
    note = read_note(EXAMPLE)
    assert note.text.splitlines()[:2] == ["example.com/behind-the-sofa", "20852163"]
    assert [line.name for line in note.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    assert note.signatures[1].key_id.hex() == "8d66cf3f"
    assert int.from_bytes(note.signatures[1].signature[:8], "big") == 1_679_315_147
    assert note.text + "\n" + "".join(str(line) for line in note.signatures) == EXAMPLE


def test_a_cosignature_signs_what_c2sp_says() -> None:
    raw = base64.b64decode(str(LINE).split(" ")[2])
    message = "cosignature/v1\ntime 1679315147\n" + SIGNED.note.split("\n\n", maxsplit=1)[0] + "\n"
    assert raw[4:12] == (1_679_315_147).to_bytes(8, "big")
    assert WITNESS.public.verify(raw[12:], message.encode())
    assert len(raw) == 76


def test_a_cosigned_checkpoint_is_both() -> None:
    note = SIGNED.note + str(LINE)
    assert cosigned_at(read_note(note), KEY) == 1_679_315_147
    assert find_checkpoint(note, "bedside/test", LOG.public) == SIGNED


def test_signatures_of_others_are_ignored() -> None:
    other = NoteKey("example.com/other", COSIGNATURE, SigningKey.new().public)
    with pytest.raises(LedgerBroken, match="other did not cosign"):
        cosigned_at(read_note(SIGNED.note + str(LINE)), other)
    with pytest.raises(LedgerBroken, match="not signed by bedside/test"):
        find_checkpoint(SIGNED.note + str(LINE), "bedside/test", WITNESS.public)


def check(text: str) -> None:
    cosigned_at(read_note(text), KEY)
    find_checkpoint(text, "bedside/test", LOG.public)


def test_every_altered_byte_of_a_cosigned_checkpoint_is_found() -> None:
    data = (SIGNED.note + str(LINE)).encode()
    for position in range(len(data)):
        altered = bytearray(data)
        altered[position] ^= 0x01
        text = altered.decode("utf-8", errors="replace")
        with pytest.raises(LedgerBroken):
            check(text)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "\u2014 name AAAAAAAA\n",
        "text\n\n- name AAAAAAAA\n",
        "text\n\n\u2014 name AAAAAAAA",
        "text\n\n\u2014 name ====\n",
        "text\n\n\u2014 name AAAA\n",
        "text\n\n\u2014 na me AAAAAAAA\n",
        "te\x00xt\n\n\u2014 name AAAAAAAA\n",
        "text\n\n\u2014 na\x00me AAAAAAAA\n",
        "text\n\n\u2014 na\tme AAAAAAAA\n",
        "text\n\n\u2014 " + "\u3042" * 3000 + " AAAAAAAA\n",
        "text\n\n" + "\u2014 name AAAAAAAA\n" * 17,
        "text\n" * 2000 + "\n\u2014 name AAAAAAAA\n",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(LedgerBroken):
        read_note(note)


def test_sixteen_signatures_are_read() -> None:
    assert len(read_note("text\n\n" + "\u2014 name AAAAAAAA\n" * 16).signatures) == 16
    with pytest.raises(LedgerBroken, match="not a signature line"):
        read_signatures("\u2014 na\x00me AAAAAAAA\n")
    for text in ("", "\u2014 name AAAAAAAA\n" * 17, "\u2014 name AAAAAAAA"):
        with pytest.raises(LedgerBroken, match="not 1 to 16 signatures"):
            read_signatures(text)


def test_a_verifier_key_goes_there_and_back() -> None:
    assert read_vkey(f" {KEY.vkey}\n", COSIGNATURE) == KEY
    known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert read_vkey(known, ED25519).vkey == known


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "a+c74f20a3+ARpc",
        "a\x00b+c74f20a3+ARpc",
        "two words+c74f20a3+AAAA",
        pytest.param(KEY.vkey[:-4], id="cut"),  # the key is new each time: two workers would differ
        pytest.param(KEY.vkey + "x", id="longer"),
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="verifier key"):
        read_vkey(text, COSIGNATURE)


def test_the_keys_of_logs_and_witnesses_are_told_apart() -> None:
    log = NoteKey("bedside/test", ED25519, LOG.public)
    with pytest.raises(UsageError, match="is a log's key, not a witness's"):
        read_vkey(log.vkey, COSIGNATURE)
    with pytest.raises(UsageError, match="is a witness's key, not a log's"):
        read_vkey(KEY.vkey, ED25519)
    wrong = KEY.vkey.replace(KEY.id.hex(), "00000000")
    with pytest.raises(UsageError, match="wrong hint"):
        read_vkey(wrong, COSIGNATURE)


def test_a_key_of_another_length_is_refused() -> None:
    raw = base64.b64encode(bytes([4]) + bytes(31)).decode()
    with pytest.raises(UsageError, match="damaged"):
        read_vkey(f"name+00000000+{raw}", COSIGNATURE)
    assert PublicKey(bytes(32)).raw == bytes(32)
