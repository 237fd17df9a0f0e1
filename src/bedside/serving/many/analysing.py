"""The many: each volume of a folder by one package; what fails keeps no other back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from bedside.canonical import Json
from bedside.errors import SiteProblem
from bedside.imaging.folders import Found
from bedside.jobs.task import Finished, Step, Task, Workers
from bedside.runtime.analysis_files import MASK, MEASUREMENTS, PICTURE, PROBABILITY
from bedside.serving.many.diary import Diary, Entry, State
from bedside.serving.many.plan import Plan
from bedside.store.disk import replace_file, sync_folder

MODE: Final = 0o644

REFUSALS: Final = ("InputRefused", "VolumeRefused", "LimitExceeded")
"""What would be said of a volume another time, too."""

NAMES: Final = (MASK, PROBABILITY, MEASUREMENTS, PICTURE)

Told: TypeAlias = Step | Entry
"""How far one is, or what came of it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far all of them are.

    Attributes:
        done: Volumes of which something came, or nothing will.
        total: All of them.
        last: What was heard last.
    """

    done: int
    total: int
    last: Told | None


def analyse_many(
    found: Sequence[Found],
    plan: Plan,
    folder: Path,
    workers: Workers,
    tell: Callable[[Progress], None],
) -> tuple[Entry, ...]:
    """Return what came of each volume, in their order; files lie in a folder for each.

    What an earlier run of the same question brought to an end is not done again: unless its volume
    changed, its files are gone, or it failed for a reason that may have passed.

    Args:
        found: The volumes.
        plan: What is asked, and of which package.
        folder: Where results go; it is there.
        workers: Who does it.
        tell: Hears how far it is, and may raise.

    Raises:
        Conflict: the folder holds results of another question.
        SiteProblem: results cannot be written.
    """
    fingerprints = {one.name: one.fingerprint for one in found}
    with Diary(folder, _question(plan)) as diary:
        left = [one for one in found if not _ended(diary.entries.get(one.name), one, folder)]
        done = len(found) - len(left)
        tell(Progress(done, len(found), None))
        begun: dict[str, float] = {}
        heard = workers.run(_begun(left, plan, begun))
        for one in heard:
            if isinstance(one, Step):
                tell(Progress(done, len(found), one))
                continue
            seconds = time.monotonic() - begun[one.name]
            entry = _kept(one, fingerprints[one.name], seconds, folder)
            diary.add(entry)
            done += 1
            tell(Progress(done, len(found), entry))
        return tuple(diary.entries[one.name] for one in found)


def _begun(left: Iterable[Found], plan: Plan, begun: dict[str, float]) -> Iterator[Task]:
    for one in left:
        begun[one.name] = time.monotonic()
        yield plan.task(one)


def _question(plan: Plan) -> dict[str, Json]:
    order = plan.order
    return {"package": plan.digest, **order.stated(), **order.choice(), **order.style()}


def _ended(entry: Entry | None, found: Found, folder: Path) -> bool:
    """Return whether nothing is left to do for a volume."""
    if entry is None or entry.fingerprint != found.fingerprint or entry.state == "failed":
        return False
    own = folder / entry.name
    return all(
        (own / name).is_file() and (own / name).stat().st_size == size
        for name, size in entry.files.items()
    )


def _kept(finished: Finished, fingerprint: str, seconds: float, folder: Path) -> Entry:
    """Write the files of a volume, and return what is noted of it."""
    said = finished.said
    if "answer" not in said:
        state: State = "refused" if said["problem"] in REFUSALS else "failed"
        _cleared(folder / finished.name)
        taken = round(seconds, 2)
        return Entry(finished.name, fingerprint, state, seconds=taken, reason=_reason(said))
    answer = said["answer"]
    _written(folder / finished.name, finished.files)
    return Entry(
        name=finished.name,
        fingerprint=fingerprint,
        state="done",
        values={name: float(value) for name, value in answer["values"].items()},
        flags=tuple((str(code), str(detail)) for code, detail in answer["flags"]),
        out_of_domain=answer["out_of_domain"],
        seconds=round(seconds, 2),
        files={name: len(data) for name, data in finished.files.items()},
        id=str(said.get("id", "")),
    )


def _reason(said: dict[str, Json]) -> str:
    """Return why nothing came of a volume, on one line."""
    if refusals := said.get("refusals"):
        return "; ".join(
            f"{one['field']}: {one['code']}: {one['value']}; allowed: {one['allowed']}"
            for one in refusals
        )
    return f"{said['message']} {said['advice']}".rstrip()


def _written(own: Path, files: dict[str, bytes]) -> None:
    try:
        own.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            replace_file(own / name, data, MODE)
        sync_folder(own.parent)
    except OSError as problem:
        raise SiteProblem(
            f"The results cannot be written to {own}: {problem.strerror}.",
            advice="Make room, or name another folder with -o; what is done stays done.",
        ) from problem


def _cleared(own: Path) -> None:
    """Remove what an earlier run left of a volume of which nothing comes now."""
    for name in NAMES:
        (own / name).unlink(missing_ok=True)
