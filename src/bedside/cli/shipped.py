"""The packages that come with Bedside, by name, wherever the command line takes a package's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bedside.errors import UsageError

if TYPE_CHECKING:
    from bedside.package.shipped.catalogue import Shipped

BRAIN: Final = Path("brain-extraction")
"""What analyses where nothing else is named."""


def meant(path: Path) -> Shipped | None:
    """Return the package of this installation that a word names; None where it names a file.

    Raises:
        UsageError: there is a file of this name as well.
    """
    from bedside.package.shipped.catalogue import shipped

    found = shipped(str(path)) if len(path.parts) == 1 else None
    if found is not None and path.exists():
        raise UsageError(
            f"{str(path)!r} is a file here, and a package that comes with Bedside.",
            advice=f"Name the file with its folder, as {str(path.absolute())!r}; or go elsewhere.",
        )
    return found


def file_of(path: Path) -> Path:
    """Return the file that is meant: of the shipped package where it is named, else the path itself.

    Raises:
        UsageError: there is a file of this name as well.
    """
    found = meant(path)
    return path if found is None else found.path
