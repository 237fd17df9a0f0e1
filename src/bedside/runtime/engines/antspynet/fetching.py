"""Fetching the library's files on a connected machine, through the library's own functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bedside.errors import ConditionsNotMet, NotFound
from bedside.runtime.engines.antspynet.functions import Files
from bedside.runtime.engines.antspynet.process import MOST_MEMORY, Child
from bedside.runtime.engines.antspynet.weights import (
    RECORD,
    WeightFile,
    check_file,
    read_record,
    weight_file,
    write_record,
)

FETCH_SECONDS: Final = 4 * 3_600.0
"""Longest time for all files: a gigabyte over a slow line."""


def prefetch(
    folder: Path,
    files: Files,
    python: Path | None,
    tell: Callable[[str], None],
) -> tuple[WeightFile, ...]:
    """Fetch `files` into `folder` and write down what was got; return them.

    The library has no digests, so what came first is believed, and written down; whoever has a
    package or a record from elsewhere compares (`verify`). A file that lies there already is not
    fetched again.

    Raises:
        NotFound: no such interpreter, or one without the library.
        Unavailable: a file cannot be fetched; says from where.
        ConditionsNotMet: a file is no longer the one that was written down before.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = read_record(folder) if (folder / RECORD).is_file() else {}
    begin = {
        "weights": str(folder.resolve()),
        "files": [],
        "seed": 0,
        "threads": 1,
        "memory": MOST_MEMORY,
        "idle": 60,
        "network": True,
    }
    child = Child(python, begin, lambda *_: None)
    try:
        asked = {"kind": "fetch", "networks": list(files.networks), "data": list(files.data)}
        answer = child.ask(asked, (), lambda step, _: tell(step), FETCH_SECONDS)
    finally:
        child.close()
    found = tuple(weight_file(one) for one in answer.header["files"])
    for one in found:
        _refuse_change(folder, one, known)
    write_record(folder, {**known, **{one.name: one for one in found}}.values())
    return found


def verified(folder: Path, files: Mapping[str, WeightFile]) -> dict[str, str]:
    """Return what is wrong with each of `files`; an empty text where it is the listed one."""
    return {name: _wrong(folder, one) for name, one in sorted(files.items())}


def recorded(folder: Path, names: tuple[str, ...]) -> dict[str, WeightFile]:
    """Return the recorded files of these names, each checked.

    Raises:
        NotFound: no record, or a file that it does not name.
        ConditionsNotMet: a file is missing or is another one.
    """
    known = read_record(folder)
    if missing := sorted(set(names) - set(known)):
        raise NotFound(
            f"{str(folder / RECORD)!r} does not name {missing}.",
            advice="Fetch them first: bedside antspynet prefetch.",
        )
    for name in names:
        check_file(folder, known[name])
    return {name: known[name] for name in names}


def _wrong(folder: Path, file: WeightFile) -> str:
    try:
        check_file(folder, file)
    except ConditionsNotMet as problem:
        return problem.message
    return ""


def _refuse_change(folder: Path, one: WeightFile, known: Mapping[str, WeightFile]) -> None:
    before = known.get(one.name)
    if before is not None and before.digest != one.digest:
        raise ConditionsNotMet(
            f"{one.name!r} in {str(folder)!r} has the digest {one.digest}; {before.digest} was written "
            "down when it was fetched.",
            advice="Find out who changed it; delete the file to fetch it again.",
        )
