"""The local folder with the library's files: each named, sized and hashed before it is believed.

The library fetches a file at its first use and checks nothing. Here a file is used when it is the
one that was listed, and never fetched while working: `prefetch` does that on a connected machine
and writes down what it got (`RECORD`); the folder is then copied by hand.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bedside.errors import ConditionsNotMet, NotFound, UsageError

RECORD: Final = "antspynet-weights.json"
"""What `prefetch` writes beside the files."""

MOST_RECORD: Final = 2**20
MOST_FILE: Final = 4 * 2**30
"""Bytes; the largest file of the library has some hundred megabytes."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_ADVICE: Final = (
    "On a connected machine run `bedside antspynet prefetch`, copy the folder here, and check it with "
    "`bedside antspynet verify`."
)


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file that must lie in the folder.

    Attributes:
        name: Without a folder.
        size: Bytes.
        digest: `sha256:` and 64 digits.
        origin: Where it comes from, in words or as an address.
    """

    name: str
    size: int
    digest: str
    origin: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or not _DIGEST.fullmatch(self.digest):
            raise UsageError(f"{self.name[:100]!r} with {self.digest[:80]!r} is no file's entry.")
        if not 0 < self.size <= MOST_FILE:
            raise UsageError(f"{self.name!r} has {self.size} bytes; at most {MOST_FILE}.")


def digest_of(path: Path) -> str:
    """Return `sha256:` and the digest of a file's bytes."""
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def check_there(folder: Path, file: WeightFile) -> Path:
    """Return the path of `file`, which is there and has its size; its bytes are not read.

    Raises:
        ConditionsNotMet: it is missing or has another size; says which digest, and where from.
    """
    path = folder / file.name
    size = path.stat().st_size if path.is_file() else None
    if size == file.size:
        return path
    found = "is missing" if size is None else f"has {size} bytes"
    raise ConditionsNotMet(
        f"{file.name!r} {found} in the weights folder {str(folder)!r}; it must have {file.size} bytes "
        f"and the digest {file.digest}. It comes from {file.origin or 'an origin that nobody wrote down'}.",
        advice=_ADVICE,
    )


def check_file(folder: Path, file: WeightFile) -> Path:
    """Return the path of `file`, whose bytes are the listed ones.

    Raises:
        ConditionsNotMet: it is missing, or it is another file.
    """
    path = check_there(folder, file)
    if (found := digest_of(path)) != file.digest:
        raise ConditionsNotMet(
            f"{file.name!r} in {str(folder)!r} is another file: its digest is {found}, and "
            f"{file.digest} is listed. It comes from {file.origin or 'an unknown origin'}.",
            advice=_ADVICE,
        )
    return path


def write_record(folder: Path, files: Iterable[WeightFile]) -> None:
    """Write what lies in the folder, beside it."""
    listed = [asdict(one) for one in sorted(files, key=lambda one: one.name)]
    text = json.dumps({"version": 1, "files": listed}, indent=1)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def read_record(folder: Path) -> dict[str, WeightFile]:
    """Return what `prefetch` wrote down, by name.

    Raises:
        NotFound: nobody wrote anything down.
        UsageError: not such a record.
    """
    path = folder / RECORD
    if not path.is_file():
        raise NotFound(f"There is no {RECORD} in {str(folder)!r}.", advice=_ADVICE)
    if path.stat().st_size > MOST_RECORD:
        raise UsageError(f"{str(path)!r} has more than {MOST_RECORD} bytes.")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["version"] != 1:
            raise UsageError(f"{str(path)!r} has the version {told['version']!r}.")
        files = [weight_file(one) for one in told["files"]]
    except (ValueError, KeyError, TypeError) as problem:
        raise UsageError(f"{str(path)!r} cannot be read: {problem}", advice=_ADVICE) from problem
    return {one.name: one for one in files}


def weight_file(told: Mapping[str, Any]) -> WeightFile:
    """Return the entry that a JSON object tells."""
    return WeightFile(
        str(told["name"]), int(told["size"]), str(told["digest"]), str(told.get("origin", ""))
    )
