"""Who stands for a package: an Ed25519 signature over the digest of its manifest.

The manifest lists the digest of every other entry, so the signature covers the whole package.
The public key is never in the package: a list of trusted keys inside the thing to be trusted
would be no list (MLflow pull request 25686). `docs/spec/package.md`, section 3.

Source: RFC 8032 (Ed25519); RFC 4648, section 4 (base64 with padding).
"""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bedside.canonical import canonical_bytes
from bedside.errors import PackageDamaged
from bedside.package.fields import Frozen
from bedside.package.reading import read_canonical

SIGNATURE_BYTES = 64
MAX_SIGNATURE_ENTRY_BYTES = 1024
"""The entry has about 210 bytes."""

_PREFIX = b"bedside package 1\n"


class Signature(Frozen):
    """All of `signature.json`."""

    algorithm: Literal["ed25519"] = "ed25519"
    key: Annotated[str, Field(pattern=r"^ed25519:[0-9a-f]{64}$")]
    """Fingerprint of the public key."""
    signature: str
    """64 bytes in base64 with padding."""

    @field_validator("signature")
    @classmethod
    def _is_64_bytes_spelt_once(cls, text: str) -> str:
        try:
            raw = base64.b64decode(text, validate=True)
        except ValueError as problem:
            raise ValueError(f"not base64: {problem}") from problem
        if len(raw) != SIGNATURE_BYTES or base64.b64encode(raw).decode() != text:
            raise ValueError("not 64 bytes in the one base64 spelling")
        return text

    @property
    def raw(self) -> bytes:
        """The signature's 64 bytes."""
        return base64.b64decode(self.signature)


def signed_message(manifest_digest: str) -> bytes:
    """Return what is signed: a line that says what it is for, then the digest in ASCII."""
    return _PREFIX + manifest_digest.encode("ascii")


def write_signature(raw: bytes, fingerprint: str) -> bytes:
    """Return the entry `signature.json` for a signature of 64 bytes by the key `fingerprint`."""
    signature = Signature(key=fingerprint, signature=base64.b64encode(raw).decode("ascii"))
    return spelled_signature(signature)


def spelled_signature(signature: Signature) -> bytes:
    """Return the entry `signature.json` that says the same."""
    return canonical_bytes(signature.model_dump())


def read_signature(data: bytes) -> Signature:
    """Return the signature that an entry holds; it is not verified yet.

    Raises:
        PackageDamaged: too large, not canonical JSON, or not a signature.
    """
    if len(data) > MAX_SIGNATURE_ENTRY_BYTES:
        raise PackageDamaged(
            f"signature.json has {len(data)} bytes; at most {MAX_SIGNATURE_ENTRY_BYTES}."
        )
    return read_canonical(Signature, data, "signature.json")
