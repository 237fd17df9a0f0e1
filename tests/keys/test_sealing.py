from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from bedside.errors import KeyUnavailable
from bedside.keys.sealing import KEY_BYTES, Sealed, Sealer, derive, mac

KEY = bytes(range(KEY_BYTES))


def test_derivation_is_hkdf_as_in_rfc_5869() -> None:
    # appendix A.3 (no salt, no info), its first 32 bytes
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derive(b"\x0b" * 22, b"").hex() == expected


@given(st.binary(min_size=1, max_size=100), st.binary(max_size=100))
def test_derivation_is_that_of_the_library(secret: bytes, purpose: bytes) -> None:
    assert derive(secret, purpose) == HKDF(SHA256(), KEY_BYTES, None, purpose).derive(secret)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=3000))
def test_the_mac_is_that_of_the_library(key: bytes, message: bytes) -> None:
    assert mac(key, message) == hmac.digest(key, message, "sha256")


def test_each_purpose_has_its_own_key() -> None:
    assert derive(KEY, b"a") != derive(KEY, b"b")


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_is_sealed_is_opened(plain: bytes, context: bytes) -> None:
    sealer = Sealer(KEY)
    assert sealer.open(sealer.seal(plain, context), context) == plain


def test_sealing_twice_looks_different() -> None:
    sealer = Sealer(KEY)
    assert sealer.seal(b"x", b"") != sealer.seal(b"x", b"")


def test_every_altered_byte_is_found() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"plain", b"here")
    for position in range(len(sealed.box)):
        box = bytearray(sealed.box)
        box[position] ^= 0x40
        with pytest.raises(KeyUnavailable, match="altered bytes"):
            sealer.open(Sealed(sealed.nonce, bytes(box)), b"here")


def test_another_context_another_key_another_nonce_open_nothing() -> None:
    sealed = Sealer(KEY).seal(b"plain", b"here")
    with pytest.raises(KeyUnavailable):
        Sealer(KEY).open(sealed, b"there")
    with pytest.raises(KeyUnavailable):
        Sealer(KEY[::-1]).open(sealed, b"here")
    with pytest.raises(KeyUnavailable):
        Sealer(KEY).open(Sealed(bytes(12), sealed.box), b"here")


@pytest.mark.parametrize("sealed", [Sealed(b"", b"x" * 20), Sealed(bytes(12), b"short")])
def test_what_is_not_a_box_is_refused(sealed: Sealed) -> None:
    with pytest.raises(KeyUnavailable, match="not a sealed box"):
        Sealer(KEY).open(sealed, b"")
