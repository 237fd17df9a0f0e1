"""Ed25519 signatures (RFC 8032): who signs packages and checkpoints, and how it is checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bedside.errors import KeyUnavailable
from bedside.keys.files import read_key_file, read_secret, write_secret


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The half that checks.

    Attributes:
        raw: The 32 bytes of RFC 8032, section 5.1.5.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 32:
            raise KeyUnavailable(f"An Ed25519 public key has 32 bytes, not {len(self.raw)}.")

    @property
    def fingerprint(self) -> str:
        """Return `ed25519:` and the SHA-256 of the raw key as 64 hexadecimal digits."""
        return "ed25519:" + hashlib.sha256(self.raw).hexdigest()

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Return whether `signature` (64 bytes) is this key's signature of `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def to_pem(self) -> str:
        """Return the key as PEM text (SubjectPublicKeyInfo, RFC 8410)."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode("ascii")

    @classmethod
    def from_pem(cls, text: str | bytes) -> PublicKey:
        """Read PEM text.

        Raises:
            KeyUnavailable: not PEM, or not an Ed25519 public key.
        """
        data = text.encode() if isinstance(text, str) else text
        try:
            key = serialization.load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm) as problem:
            raise KeyUnavailable(
                "This is not a public key in PEM.",
                advice="It begins with -----BEGIN PUBLIC KEY-----.",
            ) from problem
        if not isinstance(key, Ed25519PublicKey):
            raise KeyUnavailable(
                f"This is a {type(key).__name__}, not an Ed25519 public key.",
                advice="Make one with: bedside keys new NAME",
            )
        return cls(key.public_bytes_raw())

    @classmethod
    def load(cls, path: Path) -> PublicKey:
        """Read a PEM file.

        Raises:
            KeyUnavailable: missing, or not an Ed25519 public key.
        """
        return cls.from_pem(read_key_file(path))


class SigningKey:
    """The half that signs; never printed, never sent, kept in a file of mode 0600.

    Attributes:
        public: The half that checks.
    """

    __slots__ = ("_key", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key().public_bytes_raw())

    @classmethod
    def new(cls) -> SigningKey:
        """Return a new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Read a PKCS#8 PEM file.

        Raises:
            KeyUnavailable: missing, readable by others, or not an unencrypted Ed25519 key.
        """
        data = read_secret(path)
        try:
            key = serialization.load_pem_private_key(data, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
            raise KeyUnavailable(
                f"{path} is not an unencrypted private key in PEM.",
                advice="Make one with: bedside keys new NAME",
            ) from problem
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnavailable(f"{path} holds a {type(key).__name__}, not an Ed25519 key.")
        return cls(key)

    def save(self, path: Path) -> None:
        """Write the key to a new PKCS#8 PEM file of mode 0600.

        Raises:
            Conflict: the file exists.
            KeyUnavailable: it cannot be written.
        """
        write_secret(
            path,
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        return self._key.sign(message)
