"""Picture files as a person has them: one file, or a folder of them, read one at a time."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.canonical import Json
from bedside.cli.rows import read_bytes
from bedside.cli.screen import on_one_line
from bedside.errors import NotFound, UsageError

if TYPE_CHECKING:
    from bedside.runtime.explained import Explained

STDIN = "-"

PNG = b"\x89PNG\r\n\x1a\n"
"""How every PNG begins. Source: PNG 3rd ed., section 5.2."""

HEAT = ".heat.png"
"""How the names of heat maps end; a file that is named so may be written again, and is no picture."""


def picture_files(source: str) -> list[str]:
    """Return the files that `source` names: itself, or what lies directly in that folder.

    Files whose name begins with a dot are left out, and so are heat maps; the order is that of
    their names.

    Raises:
        NotFound: there is nothing of that name.
        UsageError: the folder holds no file.
    """
    path = Path(source)
    if source == STDIN or path.is_file():
        return [source]
    if not path.is_dir():
        raise NotFound(
            f"There is no file or folder {on_one_line(source)}.",
            advice="Name a picture, or a folder of them.",
        )
    files = sorted(
        one
        for one in path.iterdir()
        if one.is_file() and one.name[0] != "." and not one.name.endswith(HEAT)
    )
    if not files:
        raise UsageError(
            f"The folder {on_one_line(source)} holds no file.", advice="Name one with pictures."
        )
    return [str(one) for one in files]


def picture_row(source: str, stated: Mapping[str, str]) -> dict[str, Json]:
    """Return the raw row of one picture file, with what was stated beside it.

    Raises:
        NotFound: there is no such file.
        LimitExceeded: it is larger than a file that is read here may be.
        UsageError: it cannot be read.
    """
    try:
        data = read_bytes(source)
    except OSError as problem:
        raise UsageError(
            f"{on_one_line(source)} cannot be read: {problem.strerror}.",
            advice="Look at its rights.",
        ) from problem
    return {"image": base64.b64encode(data).decode("ascii"), **stated}


def heat_map_path(chosen: Path, source: str, *, folder: bool) -> Path:
    """Return where the heat map of one picture goes: `chosen`, or a file in that folder.

    Args:
        chosen: What was asked for.
        source: The picture.
        folder: Whether it is one of a folder of pictures.

    Raises:
        UsageError: another file is there, or the folder is not, or may not be written to.
    """
    path = chosen / f"{Path(source).name}{HEAT}" if folder or chosen.is_dir() else chosen
    named = on_one_line(str(path))
    if not path.parent.is_dir():
        raise UsageError(
            f"There is no folder {on_one_line(str(path.parent))}.", advice="Make it first."
        )
    if path.exists() and not _is_heat_map(path):
        raise UsageError(
            f"The heat map would take the place of {named}.",
            advice=f"Name another file with --heat-map; one that ends in {HEAT} is written anew.",
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{named} cannot be written.", advice="Name another file with --heat-map.")
    return path


def _is_heat_map(path: Path) -> bool:
    """Return whether `path` is a file as heat maps are written here."""
    if not path.name.endswith(HEAT) or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(PNG)) in (b"", PNG)


def write_heat_map(explanation: Explained | None, path: Path) -> str:
    """Write the heat map of an explanation to `path`, and return where that is.

    Raises:
        UsageError: it cannot be written there.
    """
    from bedside.runtime.explained import PictureExplained

    assert isinstance(explanation, PictureExplained)  # noqa: S101 - a picture has no other
    try:
        path.write_bytes(explanation.png)
    except OSError as problem:
        raise UsageError(
            f"The heat map cannot be written to {on_one_line(str(path))}: {problem.strerror}.",
            advice="Name another file with --heat-map.",
        ) from problem
    return str(path)
