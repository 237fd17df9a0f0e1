"""The volumes in a folder of many: each a NIfTI file, a zip, or a folder that holds DICOM files.

What a file is, is told by how it begins; names decide only what a volume is called. A folder with
DICOM files is one volume of what lies directly in it: several series there are refused by the
reader, which says how to choose.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bedside.errors import LimitExceeded, NotFound
from bedside.imaging import zip_entries
from bedside.imaging.dicom.part10 import is_dicom
from bedside.imaging.files import MOST_FILES, FileSet, files_at, on_disk
from bedside.imaging.hidden import is_hidden
from bedside.imaging.nifti.reading import beginning, looks_like_nifti
from bedside.imaging.volume import VolumeLimits

MOST_VOLUMES: Final = 100_000
"""Of one folder."""

_ENDS: Final = (".nii.gz", ".nii", ".zip")
_SLICES: Final = ("", ".dcm", ".ima")
_HERE: Final = "volume"
"""What the folder itself is called, where it holds slices."""


@dataclass(frozen=True, slots=True)
class Found:
    """One volume of a folder, not yet read.

    Attributes:
        name: Its path in the folder, with / between, without the end of a file's name; no two are
            alike.
        paths: The files that it is of.
        fingerprint: Of their names, sizes and times of change: another one is another volume.
    """

    name: str
    paths: tuple[Path, ...]
    fingerprint: str

    def files(self, limits: VolumeLimits) -> FileSet:
        """Return its files for the reader.

        Raises:
            NotFound: one is there no more.
            VolumeRefused: a zip is damaged or too large.
        """
        if len(self.paths) == 1 and not _is_slice(self.paths[0]):
            return files_at(self.paths[0], limits)
        return FileSet(tuple(on_disk(path, path.name) for path in self.paths))


def volumes_in(folder: Path, aside: Path | None = None) -> tuple[Found, ...]:
    """Return the volumes in a folder and all folders below, in order of their names.

    Links to folders are not followed; hidden files and folders are left out. What cannot be opened and
    may be a volume, or a slice of one, is not left out: whoever reads that volume is told.

    Args:
        folder: Where to look.
        aside: A folder below that is left out: where results go.

    Raises:
        NotFound: there is no volume.
        LimitExceeded: there are more than `MOST_VOLUMES`.
    """
    found: list[Found] = []
    closed: list[OSError] = []
    for where, inside, names in os.walk(folder, onerror=closed.append):
        here = Path(where)
        inside[:] = sorted(
            one for one in inside if not is_hidden([one]) and not _same(here / one, aside)
        )
        paths = [here / name for name in sorted(names) if not is_hidden([name])]
        found += _volumes_of(folder, here, paths)
        if len(found) > MOST_VOLUMES:
            raise LimitExceeded(f"There are more than {MOST_VOLUMES} volumes in {folder}.")
    found += [_found(folder, one, (one,)) for one in map(_place_of, closed)]
    if not found:
        raise NotFound(
            f"There is no volume in {folder}.", advice="NIfTI files, zips and DICOM slices count."
        )
    return _shortened(sorted(found, key=lambda one: one.name))


def _volumes_of(folder: Path, here: Path, paths: Sequence[Path]) -> Iterator[Found]:
    """Yield what lies directly in one folder."""
    slices, closed = [], []
    for path in paths:
        start = _start(path)
        if start is None and not path.name.endswith(_ENDS):
            closed.append(path)
        elif start is None or looks_like_nifti(start) or start[:4] in zip_entries.STARTS:
            yield _found(folder, path, (path,))
        elif is_dicom(start):
            slices.append(path)
    if slices or any(map(_may_be_slice, closed)):
        slices = sorted(slices + closed)
        if len(slices) > MOST_FILES:
            raise LimitExceeded(f"There are {len(slices)} DICOM files in {here}.")
        yield _found(folder, here, tuple(slices))


def _found(folder: Path, path: Path, paths: tuple[Path, ...]) -> Found:
    name = "/".join(path.relative_to(folder).parts) or _HERE
    digest = hashlib.sha256()
    for one in paths:
        digest.update(f"{one.name}\0{_facts(one)}\n".encode(errors="replace"))
    return Found(name, paths, "sha256:" + digest.hexdigest())


def _facts(path: Path) -> str:
    try:
        facts = path.stat()
    except OSError:  # it went while its folder was looked through; reading it will say so
        return "gone"
    return f"{facts.st_size}\0{facts.st_mtime_ns}"


def _shortened(found: Sequence[Found]) -> tuple[Found, ...]:
    """Return the volumes without the ends of their names, where that leaves no two alike."""
    short = [_without_end(one.name) for one in found]
    times = Counter(short) + Counter(one.name for one in found if one.name in short)
    return tuple(
        replace(one, name=name) if times[name] == (2 if name == one.name else 1) else one
        for one, name in zip(found, short, strict=True)
    )


def _without_end(name: str) -> str:
    end = next((end for end in _ENDS if name.endswith(end)), "")
    short = name.removesuffix(end)
    return name if short in ("", "/") or short.endswith("/") else short


def _may_be_slice(path: Path) -> bool:
    """Return whether a file that cannot be opened is called as slices are; many end in a number."""
    return path.suffix.lower() in _SLICES or path.suffix[1:].isdigit()


def _is_slice(path: Path) -> bool:
    return is_dicom(_start(path) or b"")


def _start(path: Path) -> bytes | None:
    """Return how a file begins; nothing of what is no file, and None of what cannot be opened."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        return beginning(on_disk(path, path.name))
    except (NotFound, OSError):
        return None


def _place_of(problem: OSError) -> Path:
    return Path(problem.filename)


def _same(path: Path, other: Path | None) -> bool:
    return other is not None and path.resolve() == other.resolve()
