"""Picture files as a person has them: one file, or a folder of them, read one at a time."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bedside.canonical import Json
from bedside.cli.rows import read_bytes
from bedside.errors import NotFound, UsageError

if TYPE_CHECKING:
    from bedside.runtime.explained import Explained

STDIN = "-"

HEAT = ".heat.png"
"""How the names of heat maps end that are written beside or for a folder of pictures."""

SOFTWARE = b"tEXtSoftware\x00"
"""Where a PNG says what wrote it. Source: PNG 3rd ed., section 11.3.3."""


def picture_files(source: str) -> list[str]:
    """Return the files that `source` names: itself, or what lies directly in that folder.

    Files whose name begins with a dot are left out; the order is that of their names.

    Raises:
        NotFound: there is nothing of that name.
        UsageError: the folder holds no file.
    """
    path = Path(source)
    if source == STDIN or path.is_file():
        return [source]
    if not path.is_dir():
        raise NotFound(
            f"There is no file or folder {source}.", advice="Name a picture, or a folder of them."
        )
    files = sorted(one for one in path.iterdir() if one.is_file() and one.name[0] != ".")
    if not files:
        raise UsageError(f"The folder {source} holds no file.", advice="Name one with pictures.")
    return [str(one) for one in files]


def picture_row(source: str, stated: Mapping[str, str]) -> dict[str, Json]:
    """Return the raw row of one picture file, with what was stated beside it.

    Raises:
        NotFound: there is no such file.
        LimitExceeded: it is larger than a file that is read here may be.
    """
    return {"image": base64.b64encode(read_bytes(source)).decode("ascii"), **stated}


def heat_map_path(chosen: Path, source: str, *, many: bool) -> Path:
    """Return where the heat map of one picture goes: `chosen`, or a file in that folder.

    Raises:
        UsageError: it would take the place of the picture, or the folder is not there.
    """
    path = chosen / f"{Path(source).name}.heat.png" if many or chosen.is_dir() else chosen
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", advice="Make it first.")
    if path.exists() and source != STDIN and path.samefile(source):
        raise UsageError(
            f"The heat map would take the place of the picture {source}.",
            advice="Name another file with --heat-map.",
        )
    return path


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
            f"The heat map cannot be written to {path}: {problem.strerror}.",
            advice="Name another file with --heat-map.",
        ) from problem
    return str(path)
