"""The site key: one secret that wraps all others of a site, kept apart from the database."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from bedside.errors import KeyUnavailable
from bedside.keys.files import read_secret, write_secret
from bedside.keys.sealing import KEY_BYTES, NONCE_BYTES, Sealed, Sealer, derive

FILE_NAME = "site.key"
VARIABLE = "BEDSIDE_SITE_KEY"
_WRAPPING = b"bedside/v1/wrap/"


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
        text = os.environ.get(VARIABLE)
        if text is not None:
            return cls(_decoded(text.encode(), f"the variable {VARIABLE}"))
        path = folder / FILE_NAME
        return cls(_decoded(read_secret(path), str(path)))

    @classmethod
    def create(cls, folder: Path) -> SiteKey:
        """Return a new random key, written to `site.key` in `folder` with mode 0600.

        Raises:
            Conflict: there is one already.
            KeyUnavailable: it cannot be written.
        """
        secret = os.urandom(KEY_BYTES)
        write_secret(folder / FILE_NAME, base64.b64encode(secret) + b"\n")
        return cls(secret)

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


def _decoded(text: bytes, place: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error as problem:
        raise KeyUnavailable(
            f"The content of {place} is not base64.",
            advice="Restore the site key from its safe copy; a new one opens nothing.",
        ) from problem
