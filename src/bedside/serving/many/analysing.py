"""The many: each volume of a folder by one package; what fails keeps no other back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from bedside.canonical import Json
from bedside.errors import Conflict, Refusal, SiteProblem
from bedside.imaging.folders import Found
from bedside.jobs.task import Finished, Step, Task, Workers
from bedside.runtime.analysis_files import MASK, MEASUREMENTS, PICTURE, PROBABILITY
from bedside.runtime.volume_gate import reason_of
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
    *,
    again: bool = False,
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
        again: Whether all is done anew, over whatever files are in its place.

    Raises:
        Conflict: the folder holds results of another question, another process writes there, or a
            file is in the way that did not come of such a run.
        SiteProblem: results cannot be written.
    """
    fingerprints = {one.name: one.fingerprint for one in found}
    with Diary(folder, _question(plan), again=again) as diary:
        left = [one for one in found if not _ended(diary.entries.get(one.name), one, folder)]
        done = len(found) - len(left)
        if not again:
            _refuse_strangers(left, diary, folder)
        tell(Progress(done, len(found), None))
        begun: dict[str, float] = {}
        heard = workers.run(_begun(left, plan, begun))
        for one in heard:
            if isinstance(one, Step):
                tell(Progress(done, len(found), one))
                continue
            seconds = time.monotonic() - begun[one.name]
            entry = _entry(one, fingerprints[one.name], seconds)
            _keep(one, entry, diary, folder)
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
    if entry is None or entry.fingerprint != found.fingerprint:
        return False
    if entry.state in ("failed", "writing"):
        return False
    own = folder / entry.name
    return all(
        (own / name).is_file() and (own / name).stat().st_size == size
        for name, size in entry.files.items()
    )


def _refuse_strangers(left: Iterable[Found], diary: Diary, folder: Path) -> None:
    """Check that no file is in the way that the diary does not tell of, or tells otherwise.

    Raises:
        Conflict: names the first.
    """
    for one in left:
        entry, own = diary.before.get(one.name), folder / one.name
        for name in NAMES:
            if (own / name).exists() and not _ours(own / name, entry):
                raise Conflict(
                    f"{own / name} did not come of an earlier run, or was changed since.",
                    advice="Name another folder with -o, or say --again to write over it.",
                )


def _ours(path: Path, entry: Entry | None) -> bool:
    """Return whether a file is as an entry tells."""
    if entry is None or path.name not in entry.files or not path.exists():
        return False
    return entry.state == "writing" or path.stat().st_size == entry.files[path.name]


def _keep(finished: Finished, entry: Entry, diary: Diary, folder: Path) -> None:
    """Put the files of a volume in their place, and note it; remove what came of it before."""
    own, before = folder / finished.name, diary.before.get(finished.name)
    if entry.state == "done":
        diary.add(replace(entry, state="writing"))
        _written(own, finished.files)
    for name in NAMES:
        if name not in entry.files and _ours(own / name, before):
            (own / name).unlink(missing_ok=True)
    diary.add(entry)


def _entry(finished: Finished, fingerprint: str, seconds: float) -> Entry:
    """Return what is noted of a volume."""
    said = finished.said
    if "answer" not in said:
        state: State = "refused" if said["problem"] in REFUSALS else "failed"
        taken = round(seconds, 2)
        return Entry(finished.name, fingerprint, state, seconds=taken, reason=_reason(said))
    answer = said["answer"]
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
        return "; ".join(reason_of(Refusal(**one)) for one in refusals)
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
