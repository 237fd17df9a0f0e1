"""A new API key on its way to a person: shown once, or written to a file for them alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.canonical import Json
from bedside.cli.options import API_KEY_VARIABLE
from bedside.cli.screen import Page
from bedside.errors import Conflict, NotFound

if TYPE_CHECKING:
    from bedside.people.api_key import IssuedKey


@dataclass(frozen=True, slots=True)
class HandedOver:
    """An issued key and the file that it went to, or None when it is to be shown."""

    issued: IssuedKey
    file: Path | None

    @property
    def document(self) -> dict[str, Json]:
        """The key as JSON; its secret stands in it only when no file holds it."""
        if self.file is not None:
            return {"id": self.issued.id, "file": str(self.file)}
        return {"id": self.issued.id, "secret": self.issued.secret}

    def tell(self, page: Page) -> None:
        """Show the key, or where it is, and how to use it."""
        if self.file is not None:
            page.line(f"  API key in {self.file} (mode 0600), key id {self.issued.id}.")
            page.line(f"  To act as this person: --key-file {self.file}")
            return
        page.line(f"  API key  {self.issued.secret}", style="bold")
        page.line(f"  key id   {self.issued.id}")
        page.line("  It is shown this once and kept nowhere. To act as this person, set")
        page.line(f"  {API_KEY_VARIABLE}, or put the key into a file for --key-file.")


def refuse_taken(*paths: Path | None) -> None:
    """Check that files can be made at `paths`, before anything is done that ends in writing them.

    Raises:
        Conflict: something is there; nothing is overwritten.
        NotFound: the folder is not there.
    """
    for path in paths:
        if path is not None and path.exists():
            raise Conflict(f"{path} is there already.", advice="Choose another name.")
        if path is not None and not path.parent.is_dir():
            raise NotFound(f"There is no folder {path.parent}.", advice="Make it first.")


def hand_over(issued: IssuedKey, file: Path | None) -> HandedOver:
    """Write a new API key to `file` (mode 0600), or keep it to be shown.

    Raises:
        Conflict: the file is there already.
        KeyUnavailable: it cannot be written.
    """
    if file is not None:
        from bedside.keys.files import write_secret

        write_secret(file, issued.secret.encode("ascii") + b"\n")
    return HandedOver(issued, file)
