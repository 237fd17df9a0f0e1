"""A folder of pictures as a draft needs it: decoded one by one, only their facts kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bedside.errors import BedsideError, FreezeRefused, LimitExceeded
from bedside.freezing.draft.facts import PictureFacts

if TYPE_CHECKING:
    from bedside.imaging.picture import Facts, Picture

MOST_READ: Final = 200
"""Pictures that are decoded for a proposal, evenly spaced among all of them."""

MOST_FILES: Final = 1_000_000
MOST_REFUSED: Final = 5
GREY_BITS: Final = 8
"""More than these, and a picture has grey values that a screen does not show."""


class _Seen(NamedTuple):
    """What is kept of one picture, so that a thousand films need no memory."""

    facts: Facts
    colour: bool
    deep: bool


def folder_facts(folder: Path) -> PictureFacts:
    """Return what the pictures of a folder, and of the folders in it, show.

    All files are digested; up to `MOST_READ` of them are decoded.

    Raises:
        LimitExceeded: more than `MOST_FILES` files.
        FreezeRefused: none of those decoded is a picture that can be read.
    """
    files = _files(folder)
    pictures, refused = _decoded(folder, files)
    if not pictures:
        raise FreezeRefused(
            f"{folder.name} holds {len(files)} files, and none of those tried is a picture: "
            f"{'; '.join(refused[:1]) or 'there is no file'}.",
            advice="Give a folder of PNG, JPEG or single-frame DICOM files, or a CSV file.",
        )
    facts = [one.facts for one in pictures]
    return PictureFacts(
        folder=folder.name,
        digest=_digest(folder, files),
        pictures=len(files),
        decoded=len(pictures),
        refused=tuple(refused[:MOST_REFUSED]),
        media=_said(one.medium for one in facts),
        modalities=_said(one.modality for one in facts),
        body_parts=_said(one.body_part for one in facts),
        views=_said(one.view for one in facts),
        unstated=sum(None in (one.modality, one.body_part, one.view) for one in facts),
        rows=(min(one.rows for one in facts), max(one.rows for one in facts)),
        columns=(min(one.columns for one in facts), max(one.columns for one in facts)),
        colours=sum(one.colour for one in pictures),
        deep=sum(one.deep for one in pictures),
        elongated=max(_elongation(one.rows, one.columns) for one in facts),
    )


def _files(folder: Path) -> list[Path]:
    files = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            files.append(path)
        if len(files) > MOST_FILES:
            raise LimitExceeded(f"{folder.name} holds more than {MOST_FILES} files.")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix().encode())


def _digest(folder: Path, files: list[Path]) -> str:
    """Return SHA-256 over what `sha256sum` prints of the files, sorted by their paths' bytes."""
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            one = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{one}  {path.relative_to(folder).as_posix()}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def _decoded(folder: Path, files: list[Path]) -> tuple[list[_Seen], list[str]]:
    from bedside.imaging.picture import MOST_FILE_BYTES  # noqa: PLC0415 - only for pictures
    from bedside.imaging.reading import read_picture  # noqa: PLC0415

    pictures, refused = [], []
    step = max(1, len(files) // MOST_READ)
    for path in files[::step][:MOST_READ]:
        try:
            if path.stat().st_size > MOST_FILE_BYTES:
                raise LimitExceeded(f"larger than {MOST_FILE_BYTES} bytes")
            pictures.append(_seen(read_picture(path.read_bytes())))
        except BedsideError as problem:
            refused.append(f"{path.relative_to(folder).as_posix()}: {problem.message}")
    return pictures, refused


def _seen(picture: Picture) -> _Seen:
    return _Seen(picture.facts, colour=picture.is_colour, deep=picture.facts.bits > GREY_BITS)


def _said(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({one for one in values if one}))


def _elongation(rows: int, columns: int) -> float:
    return max(rows, columns) / min(rows, columns)
