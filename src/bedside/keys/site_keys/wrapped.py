"""A site key in a file, wrapped by a key that never leaves a key management service.

The file can hold the key wrapped by several services at once, which happens while it is moved from
one to another. The settings say which of them is asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bedside.canonical import Json
from bedside.errors import Conflict, KeyUnavailable
from bedside.keys.files import destroy_secret
from bedside.keys.sealing import KEY_BYTES
from bedside.keys.site_keys.envelope import bytes_of, read_envelope, text_of, write_envelope
from bedside.keys.site_keys.source import Choice, KeyService

FILE_NAME: Final = "site.key.wrapped"
MOST_WRAPPED: Final = 8192
"""Bytes: more than any service makes of 64 (an RSA key of 16,384 bits makes 2,048)."""

MOST_WRAPS: Final = 8
_KIND: Final = "wrapped"
_WRAP: Final = {"asked": str, "by": str, "service": str, "wrapped": str}


class WrappedFile:
    """`site.key.wrapped`: without a right at the service it opens nothing.

    Attributes:
        path: The file.
    """

    def __init__(self, folder: Path, site: str, choice: Choice, service: KeyService) -> None:
        self.path = folder / FILE_NAME
        self._site = site
        self._choice = choice
        self._service = service

    @property
    def place(self) -> str:
        """The file's path, and the key that opens it."""
        return f"the file {self.path}, opened by {self._choice.source} {self._choice.key}"

    def unlock(self) -> bytes:
        """Return the key; see `SiteKeySource`."""
        wraps = self._wraps()
        found = next((wrap for wrap in wraps if self._is_ours(wrap)), None)
        if found is None:
            others = ", ".join(f"{wrap['service']} {wrap['asked']}" for wrap in wraps)
            raise KeyUnavailable(
                f"{self.path} was wrapped by {others}, not by {self._choice.source}"
                f" {self._choice.key}.",
                advice="Correct [keys] in site.toml, or move the key: bedside keys site move.",
            )
        wrapped = bytes_of(self.path, found["wrapped"], MOST_WRAPPED)
        secret = self._service.unwrap(wrapped, found["by"])
        if len(secret) != KEY_BYTES:
            raise KeyUnavailable(
                f"{self._choice.source} opened {self.path}, and found {len(secret)} bytes in it"
                f" where a site key has {KEY_BYTES}."
            )
        return secret

    def keep(self, secret: bytes) -> None:
        """Wrap and write; see `SiteKeySource`."""
        wraps = self._wraps() if self.path.exists() else []
        if any(self._is_ours(wrap) for wrap in wraps):
            raise Conflict(
                f"{self.path} holds a key wrapped by {self._choice.key} already.",
                advice="A key is never overwritten. Move the file away if it is not this site's.",
            )
        wrapped, by = self._service.wrap(secret)
        new: dict[str, Json] = {
            "service": self._choice.source.value,
            "asked": self._choice.key,
            "by": by,
            "wrapped": text_of(wrapped),
        }
        self._write([*wraps, new], anew=bool(wraps))

    def destroy(self) -> str:
        """Take our wrap out of the file, or remove it with the last one; see `SiteKeySource`."""
        wraps = self._wraps() if self.path.exists() else []
        others = [wrap for wrap in wraps if not self._is_ours(wrap)]
        if others:
            self._write(others, anew=True)
        else:
            destroy_secret(self.path)
        return (
            f"The key {self._choice.key} is still at {self._choice.source}: keep it there as long"
            " as an old copy of site.key.wrapped may be needed."
        )

    def destroy_others(self) -> bool:
        """Take every wrap but ours out of the file; return whether there was another.

        Raises:
            KeyUnavailable: the file cannot be read or written.
        """
        wraps = self._wraps()
        ours = [wrap for wrap in wraps if self._is_ours(wrap)]
        if not ours or len(ours) == len(wraps):
            return False
        self._write(ours, anew=True)
        return True

    def _is_ours(self, wrap: dict[str, Json]) -> bool:
        return (wrap["service"], wrap["asked"]) == (self._choice.source.value, self._choice.key)

    def _wraps(self) -> list[dict[str, Json]]:
        value = read_envelope(self.path, _KIND, self._site, frozenset({"wraps"}))["wraps"]
        whole = isinstance(value, list) and 1 <= len(value) <= MOST_WRAPS
        if not whole or not all(_is_wrap(wrap) for wrap in value):
            raise KeyUnavailable(
                f"{self.path} does not say what wrapped the key.",
                advice="Restore it from its safe copy; a new one opens nothing of this site.",
            )
        wraps: list[dict[str, Json]] = value
        return wraps

    def _write(self, wraps: list[dict[str, Json]], *, anew: bool) -> None:
        content: dict[str, Json] = {"kind": _KIND, "site": self._site, "wraps": wraps}
        write_envelope(self.path, content, anew=anew)


def _is_wrap(wrap: Json) -> bool:
    return (
        isinstance(wrap, dict)
        and set(wrap) == set(_WRAP)
        and all(isinstance(wrap[name], kind) for name, kind in _WRAP.items())
    )
