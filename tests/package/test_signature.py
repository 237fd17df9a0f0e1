import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.canonical import canonical_bytes
from bedside.errors import PackageDamaged
from bedside.package.signature import read_signature, signed_message, write_signature

FINGERPRINT = "ed25519:" + "ab" * 32


def entry(**changes: object) -> bytes:
    signature = base64.b64encode(bytes(64)).decode()
    parts: dict[str, object] = {"algorithm": "ed25519", "key": FINGERPRINT, "signature": signature}
    return canonical_bytes({**parts, **changes})


@given(st.binary(min_size=64, max_size=64))
def test_any_signature_comes_back_as_it_was(raw: bytes) -> None:
    signature = read_signature(write_signature(raw, FINGERPRINT))
    assert (signature.raw, signature.key) == (raw, FINGERPRINT)


def test_the_signed_message_says_what_it_is_for() -> None:
    assert signed_message("sha256:ab") == b"bedside package 1\nsha256:ab"


def test_the_entry_has_one_spelling() -> None:
    assert write_signature(bytes(64), FINGERPRINT) == entry()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b" " * 2000,
        entry() + b"\n",
        entry(algorithm="none"),
        entry(key="ed25519:" + "ab" * 31),
        entry(public="the key itself"),
        entry(signature=base64.b64encode(bytes(63)).decode()),
        entry(signature=base64.b64encode(bytes(64)).decode().replace("A==", "B==")),
        entry(signature="?" * 88),
        entry(signature="é" * 88),
    ],
)
def test_anything_else_is_refused_as_a_damaged_package(data: bytes) -> None:
    with pytest.raises(PackageDamaged, match=r"signature\.json"):
        read_signature(data)
