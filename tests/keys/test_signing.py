from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bedside.errors import Conflict, KeyUnavailable
from bedside.keys.files import write_secret
from bedside.keys.signing import PublicKey, SigningKey

# RFC 8032, section 7.1, test 3
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
MESSAGE = bytes.fromhex("af82")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def test_the_signature_of_rfc_8032_is_right() -> None:
    assert PublicKey(PUBLIC).verify(SIGNATURE, MESSAGE)


@pytest.mark.parametrize("position", range(0, 64, 7))
def test_an_altered_signature_is_wrong(position: int) -> None:
    altered = bytearray(SIGNATURE)
    altered[position] ^= 1
    assert not PublicKey(PUBLIC).verify(bytes(altered), MESSAGE)


@pytest.mark.parametrize("signature", [b"", SIGNATURE[:63], SIGNATURE + b"\x00"])
def test_a_signature_of_another_length_is_wrong(signature: bytes) -> None:
    assert not PublicKey(PUBLIC).verify(signature, MESSAGE)


def test_an_altered_message_is_not_the_one_signed() -> None:
    assert not PublicKey(PUBLIC).verify(SIGNATURE, MESSAGE + b"\x00")


def test_a_new_key_signs_what_its_public_half_checks() -> None:
    key = SigningKey.new()
    assert key.public.verify(key.sign(b"x"), b"x")
    assert not SigningKey.new().public.verify(key.sign(b"x"), b"x")


def test_a_key_is_saved_and_loaded(tmp_path: Path) -> None:
    key = SigningKey.new()
    key.save(tmp_path / "k.pem")
    assert (tmp_path / "k.pem").stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(tmp_path / "k.pem").public == key.public
    with pytest.raises(Conflict):
        key.save(tmp_path / "k.pem")


def test_a_public_key_is_written_and_read(tmp_path: Path) -> None:
    key = SigningKey.new().public
    (tmp_path / "k.pub").write_text(key.to_pem())
    assert PublicKey.load(tmp_path / "k.pub") == key
    assert PublicKey.from_pem(key.to_pem()) == key


def test_the_fingerprint_is_the_digest_of_the_raw_key() -> None:
    assert PublicKey(PUBLIC).fingerprint == "ed25519:" + hashlib.sha256(PUBLIC).hexdigest()


def test_a_raw_key_of_another_length_is_refused() -> None:
    with pytest.raises(KeyUnavailable, match="32 bytes, not 31"):
        PublicKey(PUBLIC[:31])


def test_the_fingerprint_of_a_private_key_is_not_printed() -> None:
    assert "PRIVATE" not in repr(SigningKey.new())


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyUnavailable, match="not an Ed25519 public key"):
        PublicKey.from_pem(public)
    private = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_secret(tmp_path / "ec.pem", private)
    with pytest.raises(KeyUnavailable, match="not an Ed25519 key"):
        SigningKey.load(tmp_path / "ec.pem")


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    locked = other.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")
    )
    write_secret(tmp_path / "k.pem", locked)
    with pytest.raises(KeyUnavailable, match="not an unencrypted private key"):
        SigningKey.load(tmp_path / "k.pem")


def test_what_is_not_pem_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="not a public key in PEM"):
        PublicKey.from_pem("nonsense")
    write_secret(tmp_path / "k.pem", b"nonsense")
    with pytest.raises(KeyUnavailable, match="not an unencrypted private key"):
        SigningKey.load(tmp_path / "k.pem")
