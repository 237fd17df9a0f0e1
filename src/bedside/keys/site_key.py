"""The site key: one secret that wraps all others of a site, kept apart from the database."""

from __future__ import annotations

import os
from pathlib import Path

from bedside.errors import KeyUnavailable
from bedside.keys.sealing import KEY_BYTES, NONCE_BYTES, Sealed, Sealer, derive
from bedside.keys.site_keys.opening import source_of
from bedside.keys.site_keys.plain import FILE_NAME, VARIABLE, PlainFile
from bedside.keys.site_keys.source import Choice

__all__ = ["FILE_NAME", "VARIABLE", "SiteKey"]

_WRAPPING = b"bedside/v1/wrap/"
_FINGERPRINT = b"bedside/v1/fingerprint"


class SiteKey:
    """32 secret bytes. Lost, everything sealed under it is lost; keep a copy apart from backups."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise KeyUnavailable(f"A site key has {KEY_BYTES} bytes, not {len(secret)}.")
        self._secret = secret

    @classmethod
    def load(cls, folder: Path) -> SiteKey:
        """Return the key from the environment (`BEDSIDE_SITE_KEY`, base64), else from the folder.

        Raises:
            KeyUnavailable: neither is there, it is readable by others, or it is not a key.
        """
        return cls(source_of(Choice(), folder, "").unlock())

    @classmethod
    def create(cls, folder: Path) -> SiteKey:
        """Return a new random key, written to `site.key` in `folder` with mode 0600.

        Raises:
            Conflict: there is one already.
            KeyUnavailable: it cannot be written.
        """
        secret = os.urandom(KEY_BYTES)
        PlainFile(folder).keep(secret)
        return cls(secret)

    @property
    def fingerprint(self) -> str:
        """Return 32 hexadecimal digits by which the key is known; nothing can be made of them."""
        return self.derive(_FINGERPRINT)[:16].hex()

    def derive(self, purpose: bytes) -> bytes:
        """Return 32 bytes for one purpose; from them the site key cannot be found."""
        return derive(self._secret, purpose)

    def wrap(self, plain: bytes, context: bytes) -> bytes:
        """Return `plain` encrypted for `context`: nonce (12) ‖ ciphertext ‖ tag (16).

        Each context has a wrapping key of its own, so their number does not wear out the nonces.
        """
        sealed = Sealer(self.derive(_WRAPPING + context)).seal(plain, context)
        return sealed.nonce + sealed.box

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return what `wrap` was given.

        Raises:
            KeyUnavailable: another site key, another context, or altered bytes.
        """
        sealed = Sealed(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:])
        return Sealer(self.derive(_WRAPPING + context)).open(sealed, context)
