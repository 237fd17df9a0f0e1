"""A site key as it is: in a file of its own, or in the environment."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bedside.errors import Conflict, KeyUnavailable
from bedside.keys.files import destroy_secret, read_secret, write_secret

FILE_NAME: Final = "site.key"
VARIABLE: Final = "BEDSIDE_SITE_KEY"


class PlainFile:
    """`site.key`: base64, readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    @property
    def place(self) -> str:
        """The file's path."""
        return f"the file {self._path}"

    def unlock(self) -> bytes:
        """Return the key; see `SiteKeySource`."""
        return decoded(read_secret(self._path), str(self._path))

    def keep(self, secret: bytes) -> None:
        """Write the file, mode 0600; see `SiteKeySource`."""
        write_secret(self._path, base64.b64encode(secret) + b"\n")

    def destroy(self) -> str:
        """Overwrite and remove the file; see `SiteKeySource`."""
        destroy_secret(self._path)
        return ""


class Environment:
    """The variable `BEDSIDE_SITE_KEY`, base64: whoever starts the service keeps the key."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    @property
    def place(self) -> str:
        """The variable's name."""
        return f"the variable {VARIABLE}"

    def unlock(self) -> bytes:
        """Return the key; see `SiteKeySource`."""
        text = self._environment.get(VARIABLE)
        if text is None:
            raise KeyUnavailable(
                f"The site key is kept in the variable {VARIABLE}, which is not set.",
                advice="Set it for this process, or correct [keys] in site.toml.",
            )
        return decoded(text.encode("utf-8", "replace"), self.place)

    def keep(self, secret: bytes) -> None:
        """Check that the variable holds the key already: nobody else can put it there.

        Raises:
            KeyUnavailable: it is not set.
            Conflict: it holds another key.
        """
        if self.unlock() != secret:
            raise Conflict(
                f"The variable {VARIABLE} holds another key than this site's.",
                advice="Set it to the base64 of this site's key.",
            )

    def destroy(self) -> str:
        """Say that the variable must be taken away where it is set."""
        return f"Remove {VARIABLE} from wherever it is set for the service."


def decoded(text: bytes, place: str) -> bytes:
    """Return the bytes that a base64 text says.

    Raises:
        KeyUnavailable: it is none.
    """
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error as problem:
        raise KeyUnavailable(
            f"The content of {place} is not base64.",
            advice="Restore the site key from its safe copy; a new one opens nothing.",
        ) from problem
