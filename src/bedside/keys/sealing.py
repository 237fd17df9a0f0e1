"""Sealing: AES-256-GCM under keys that are derived for one purpose each.

Sources: NIST SP 800-38D (GCM), RFC 5869 (HKDF).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bedside.errors import KeyUnavailable

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
_EMPTY_SALT = bytes(32)
_PADDING = bytes(32)  # to a block of SHA-256
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def derive(secret: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes for one purpose: HKDF-SHA256 with an empty salt and `purpose` as info."""
    return expand(extract(secret), purpose)


def extract(secret: bytes) -> bytes:
    """Return the pseudorandom key of a secret, from which any number of purposes are expanded.

    Source: RFC 5869, section 2.2, with an empty salt.
    """
    return mac(_EMPTY_SALT, secret)


def expand(pseudorandom: bytes, purpose: bytes) -> bytes:
    """Return the 32 bytes of one purpose: the first block of HKDF-SHA256.

    Source: RFC 5869, section 2.3.
    """
    return mac(pseudorandom, purpose + b"\x01")


def mac(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA256 (RFC 2104) under a key of 32 bytes.

    `hmac.digest` gives up the interpreter for each, which is the longer the more threads there are;
    this does not for less than 2 kB.
    """
    padded = key + _PADDING
    inner = sha256(padded.translate(_INNER))
    inner.update(message)
    return sha256(padded.translate(_OUTER) + inner.digest()).digest()


@dataclass(frozen=True, slots=True)
class Sealed:
    """Encrypted bytes.

    Attributes:
        nonce: 12 random bytes.
        box: The ciphertext, followed by the 16-byte tag.
    """

    nonce: bytes
    box: bytes


class Sealer:
    """Seals and opens with one AES-256-GCM key.

    Nonces are random 96-bit numbers, so one key may seal at most 2**32 times (SP 800-38D, 8.3).
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, context: bytes, nonce: bytes = b"") -> Sealed:
        """Return `plain` encrypted, bound to `context` (the additional authenticated data).

        Args:
            plain: What nobody else may read.
            context: What it belongs to.
            nonce: 12 random bytes that were never used; drawn now where none are given.
        """
        nonce = nonce or os.urandom(NONCE_BYTES)
        return Sealed(nonce, self._cipher.encrypt(nonce, plain, context))

    def open(self, sealed: Sealed, context: bytes) -> bytes:
        """Return the plain bytes.

        Raises:
            KeyUnavailable: another key, another context, or altered bytes.
        """
        if len(sealed.nonce) != NONCE_BYTES or len(sealed.box) < TAG_BYTES:
            raise KeyUnavailable("What should be opened is not a sealed box.")
        try:
            return self._cipher.decrypt(sealed.nonce, sealed.box, context)
        except InvalidTag as problem:
            raise KeyUnavailable(
                "The key does not open this box: another key, another place, or altered bytes."
            ) from problem
