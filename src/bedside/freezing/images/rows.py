"""An author's pictures as raw rows, each read from its file only when it is asked for."""

from __future__ import annotations

import base64
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, overload

from bedside.canonical import Json
from bedside.errors import FreezeRefused, LimitExceeded, NotFound, UsageError
from bedside.freezing.rows import RawRow
from bedside.runtime.image_gate import MAX_PICTURE_BYTES

STATED: Final = ("modality", "body_part", "view")
"""What can be said of a picture beside its file."""

LIST: Final = "pictures.csv"
"""A file in the folder that says what its pictures cannot: file, modality, body_part, view."""

SUFFIXES: Final = frozenset({"", ".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".ima"})
"""Names that pictures have; DICOM files often have none, or end in a number."""

MOST_PICTURES: Final = 1_000_000
MAX_LIST_BYTES: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture: what messages call it, where its bytes are, and what is stated of it."""

    name: str
    where: Path | bytes | str
    stated: Mapping[str, str]

    def row(self) -> RawRow:
        """Return the picture as a client would send it.

        Raises:
            LimitExceeded: the file is larger than a picture may be.
        """
        where = self.where
        if isinstance(where, Path):
            if (size := where.stat().st_size) > MAX_PICTURE_BYTES:
                raise LimitExceeded(f"{self.name} has {size} bytes; at most {MAX_PICTURE_BYTES}.")
            where = where.read_bytes()
        text = where if isinstance(where, str) else base64.b64encode(where).decode("ascii")
        return {"image": text, **self.stated}


@dataclass(frozen=True, slots=True)
class PictureRows(Sequence[RawRow]):
    """Raw rows that are read when they are asked for."""

    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, at: int) -> RawRow: ...

    @overload
    def __getitem__(self, at: slice) -> PictureRows: ...

    def __getitem__(self, at: int | slice) -> RawRow | PictureRows:
        """Return one row, or fewer of them, still unread."""
        return PictureRows(self.entries[at]) if isinstance(at, slice) else self.entries[at].row()

    def evenly(self, most: int) -> PictureRows:
        """Return at most `most` of them, evenly spaced."""
        if len(self) <= most:
            return self
        return PictureRows(tuple(self.entries[i * len(self) // most] for i in range(most)))


def picture_rows(data: object) -> tuple[PictureRows, tuple[str, ...]]:
    """Return pictures as raw rows, and what their author must be told.

    Args:
        data: The path of a folder, or a list of paths, of bytes, or of rows with an `image`.

    Raises:
        NotFound: there is no such folder or file.
        UsageError: data of another kind.
        FreezeRefused: no picture, or a list that does not fit the folder.
    """
    if isinstance(data, str | Path):
        return _folder(Path(data))
    if not isinstance(data, list | tuple):
        raise UsageError(
            f"`data` is a {type(data).__name__}, and the spec declares pictures.",
            advice="Give the path of a folder, or a list of paths, of bytes, or of rows like "
            '{"image": "<base64>"}.',
        )
    if not data:
        raise FreezeRefused("The data has no pictures.", advice="Bring pictures to compare with.")
    return PictureRows(tuple(_entry(one, at) for at, one in enumerate(data))), ()


def _entry(one: object, at: int) -> Entry:
    name = f"picture {at}"
    match one:
        case bytes():
            return Entry(name, one, {})
        case str() | Path():
            path = Path(one)
            if not path.is_file():
                raise NotFound(f"There is no picture {str(path)!r}.", advice="Correct the path.")
            return Entry(path.name, path, {})
        case {"image": str(text), **rest}:
            return Entry(name, text, {str(key): str(value) for key, value in rest.items()})
    raise UsageError(
        f"Picture {at} is a {type(one).__name__}.",
        advice='Give a path, the bytes of a file, or a row like {"image": "<base64>"}.',
    )


def _folder(folder: Path) -> tuple[PictureRows, tuple[str, ...]]:
    if not folder.is_dir():
        raise NotFound(
            f"There is no folder {str(folder)!r}.",
            advice="Give a folder of PNG, JPEG or DICOM files.",
        )
    found: list[Path] = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            found.append(path)
        if len(found) > MOST_PICTURES:
            raise LimitExceeded(f"{folder.name} holds more than {MOST_PICTURES} files.")
    named = {path.relative_to(folder).as_posix(): path for path in found}
    pictures = {name: path for name, path in named.items() if _may_be_a_picture(path)}
    if not pictures:
        raise FreezeRefused(
            f"{folder.name} holds no picture.", advice="Give a folder of PNG, JPEG or DICOM files."
        )
    stated = _stated(folder / LIST, pictures) if LIST in named else {}
    others = sorted(set(named) - set(pictures) - {LIST})
    notes = (f"{len(others)} files were not read as pictures: {others[0]} …",) if others else ()
    order = sorted(pictures, key=str.encode)
    return PictureRows(
        tuple(Entry(name, pictures[name], stated.get(name, {})) for name in order)
    ), notes


def _may_be_a_picture(path: Path) -> bool:
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or suffix[1:].isdecimal()


def _stated(path: Path, pictures: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Return what the list says of each picture, by its name."""
    if path.stat().st_size > MAX_LIST_BYTES:
        raise LimitExceeded(f"{path.name} has more than {MAX_LIST_BYTES} bytes.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.DictReader(stream, strict=True))
    except (ValueError, csv.Error) as problem:
        raise FreezeRefused(
            f"{path.name} cannot be read: {problem}.", advice="Save it as CSV in UTF-8."
        ) from problem
    columns = set(lines[0]) if lines else set()
    if "file" not in columns or (strange := columns - {"file", *STATED}):
        told = f"the column {sorted(map(str, strange))[0]!r}" if "file" in columns else "no `file`"
        raise FreezeRefused(
            f"{path.name} has {told}.",
            advice="Its columns are file, and any of modality, body_part and view.",
        )
    found = {}
    for line in lines:
        name = line["file"]
        if name not in pictures:
            raise FreezeRefused(
                f"{path.name} names {name[:80]!r}, and there is no such picture.",
                advice="Write paths as they are in the folder, such as films/a.png.",
            )
        found[name] = {key: line[key] for key in STATED if line.get(key)}
    return found


def stated_of(row: Mapping[str, Json]) -> dict[str, Json]:
    """Return what is stated beside the picture of `row`."""
    return {name: row[name] for name in STATED if name in row}
