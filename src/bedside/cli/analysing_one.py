"""One volume at the command line: here and unrecorded, or as a job of a site."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from bedside.canonical import Json
from bedside.cli.door import entered
from bedside.cli.packages import read_package
from bedside.cli.screen import on_one_line, progress, show
from bedside.cli.stages import Bars, bars
from bedside.cli.volume_answers import document_of, tell_analysis
from bedside.errors import BedsideError, Conflict, InputRefused, NotFound, UsageError

if TYPE_CHECKING:
    from bedside.imaging.choice import Choice
    from bedside.imaging.volume import VolumeLimits
    from bedside.jobs.job import Job
    from bedside.package.manifest import Manifest
    from bedside.people.person import Caller
    from bedside.runtime.engines.engine import Engines
    from bedside.runtime.progress import Progress
    from bedside.serving.analysing import Analysing, Told
    from bedside.serving.analysis_words import Order
    from bedside.serving.released import Loaded

PIECE: Final = 2**20
MODE: Final = 0o644


@dataclass(frozen=True)
class Wish:
    """What is asked at the command line.

    Attributes:
        path: Where the volume is.
        out: The folder for what comes of it.
        order: What is said of it.
        engines: What this machine has beside ONNX Runtime.
        again: Whether results that are there may be written anew.
    """

    path: Path
    out: Path
    order: Order
    engines: Engines
    again: bool

    def choice(self, manifest: Manifest) -> Choice:
        """Return which series is meant, for the model of `manifest`."""
        from bedside.imaging.choice import Choice
        from bedside.runtime.volume_gate import straightens

        return Choice(self.order.series, self.order.rule, sheared=straightens(manifest))


def analyse_one(wish: Wish, package: Path, *, as_json: bool) -> None:
    """Analyse one volume in this process, and write what comes of it.

    Raises:
        BedsideError: the package, the volume or the folder is not usable; nothing was written.
    """
    from bedside.imaging.files import files_at
    from bedside.imaging.views.view import Style
    from bedside.imaging.volume_reading import read_volume
    from bedside.runtime.analysis import Stated
    from bedside.runtime.analysis_files import files_of
    from bedside.runtime.runner import load

    found = read_package(package)
    limits = limits_of(found.manifest)
    with results_in(wish.out, again=wish.again), refusals_of_a_volume():
        begun = time.monotonic()
        with progress("read"):
            volume = read_volume(files_at(wish.path, limits), limits, wish.choice(found.manifest))
        read = time.monotonic() - begun
        with progress(f"{found.manifest.ref} gives its golden answers"):
            runner = load(found, wish.engines)
        with closing(runner), bars() as shown:
            begun = time.monotonic()
            stated = Stated(wish.order.modality, wish.order.body_part)
            analysis = runner.analyse(volume, stated, lambda one: _tell(shown, one))
            shown.whole("write", 0, 0)
            style = Style(**wish.order.style(), recorded=False)
            files = files_of(analysis, found.manifest, volume, style)
            seconds: dict[str, float] = dict(analysis.seconds.items())
            seconds["read"] = read
            seconds["all"] = read + time.monotonic() - begun
        value = document_of(found.manifest, found.digest, files)
        value["seconds"] = {name: round(one, 3) for name, one in seconds.items()}
        _written(wish.out, files, value, found.manifest, as_json=as_json)


def analyse_recorded(wish: Wish, where: tuple[str, Path, Path | None], *, as_json: bool) -> None:
    """Let a site analyse one volume with the released version, as a job of it; Ctrl-C cancels it.

    Args:
        wish: What is asked.
        where: The model, the folder of the site, and the file of the API key.
        as_json: Whether one JSON document is written.

    Raises:
        BedsideError: it was refused, or nothing came of it.
    """
    model, site, key_file = where
    with (
        entered(site, key_file) as (opened, caller),
        results_in(wish.out, again=wish.again),
        refusals_of_a_volume(),
    ):
        from bedside.imaging.files import files_at
        from bedside.people.permissions import Action

        opened.people.require(caller, Action.PREDICT, model)  # before the file is looked at
        files_at(wish.path)  # before the model is made ready
        loaded = opened.serving.models.fetch(model)
        analysing = opened.analysing
        job = _submitted(analysing, caller, loaded, wish)
        told = _awaited(analysing, caller, job)
        files = _fetched(analysing, caller, told)
        manifest, outcome = loaded.manifest, told.outcome
        assert outcome is not None  # noqa: S101 - there are files
        value = document_of(manifest, outcome.package, files)
        value |= {"id": job.id, "index": outcome.index, "at": outcome.at}
        _written(wish.out, files, value, manifest, as_json=as_json)


@contextmanager
def results_in(out: Path, *, again: bool) -> Iterator[None]:
    """Make the folder for results, or see that it holds none; take it away where nothing comes.

    Raises:
        UsageError: it cannot be made or written to, or holds results that nobody asked to write
            anew.
    """
    there = out.is_dir()
    _prepare(out, again=again)
    try:
        yield
    except BaseException:
        if not there:
            with suppress(OSError):  # something lies there by now
                out.rmdir()
        raise


@contextmanager
def refusals_of_a_volume() -> Iterator[None]:
    """Let a refusal speak of the one volume that was sent, a reason on each line."""
    try:
        yield
    except InputRefused as refused:
        from bedside.runtime.volume_gate import reason_of

        reasons = "".join(f"\n  {reason_of(one)}" for one in refused.refusals)
        refused.message = f"The gate refused the volume:{reasons}"
        refused.advice = "Nothing was computed, and nothing was written."
        raise


def _prepare(out: Path, *, again: bool) -> None:
    from bedside.runtime.analysis_files import MASK, MEASUREMENTS, PICTURE, PROBABILITY

    there = [name for name in (MASK, PROBABILITY, MEASUREMENTS, PICTURE) if (out / name).exists()]
    if there and not again:
        raise UsageError(
            f"{on_one_line(str(out))} holds {', '.join(there)} already.",
            advice="Name another folder with -o, or say --again.",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as problem:
        raise UsageError(
            f"The folder {on_one_line(str(out))} cannot be used: {problem.strerror}.",
            advice="Name another one with -o.",
        ) from problem


def limits_of(manifest: Manifest) -> VolumeLimits:
    """Return the limits under which volumes are read for a package.

    Raises:
        UsageError: it takes no volumes.
    """
    from bedside.package.volumes import VolumeInput
    from bedside.runtime.volume_gate import volume_limits

    if not isinstance(manifest.input, VolumeInput):
        raise UsageError(f"{manifest.ref} takes no volumes.", advice="Use `bedside predict`.")
    return volume_limits(manifest.input)


def _tell(shown: Bars, one: Progress) -> None:
    shown.whole(one.stage, one.done, one.total)


def _submitted(analysing: Analysing, caller: Caller, loaded: Loaded, wish: Wish) -> Job:
    """Bring the files to the site, sealed as they come, and return the job."""
    from bedside.imaging.files import files_at

    files = files_at(wish.path, limits_of(loaded.manifest)).files
    with analysing.submitting.receiving(caller) as received:
        for file in files:
            received.begin(Path(file.name).name)
            with file.opened() as stream:
                while piece := stream.read(PIECE):
                    received.add(piece)
            received.end()
        job, _ = analysing.submit(caller, loaded, wish.order, received)
    return job


def _awaited(analysing: Analysing, caller: Caller, job: Job) -> Told:
    """Return what came of a job; a service that runs does it, and else this process."""
    analysing.runner.start()
    with bars() as shown:
        shown.whole("wait", 0, 0)

        def tell(now: Job) -> None:
            shown.whole(now.stage or now.state.value, now.done, now.total)

        try:
            analysing.wait(job.id, tell)
        except KeyboardInterrupt:
            with suppress(Conflict, NotFound):  # it ended meanwhile
                analysing.cancel(caller, job.id)
            raise
    return analysing.told(caller, job.id)


def _fetched(analysing: Analysing, caller: Caller, told: Told) -> dict[str, bytes]:
    """Return the files that came of a job.

    Raises:
        InputRefused: the gate refused the volume.
        BedsideError: nothing came of it.
    """
    from bedside.errors import Refusal
    from bedside.jobs.job import State
    from bedside.serving.analysis_ends import words_of

    job, outcome = told.job, told.outcome
    if job.state is State.DONE and outcome is not None:
        found = {}
        for one in outcome.files:
            _, pieces = analysing.result(caller, job.id, one.name)
            found[one.name] = b"".join(pieces)
        return found
    if outcome is not None and outcome.refusals:
        raise InputRefused(tuple(Refusal(**one) for one in outcome.refusals))
    message, advice = words_of(job, outcome)
    raise BedsideError(f"The analysis {job.id} is {job.state.value}: {message}", advice=advice)


def _written(
    out: Path,
    files: Mapping[str, bytes],
    value: dict[str, Json],
    manifest: Manifest,
    *,
    as_json: bool,
) -> None:
    """Put the files into the folder, and tell what came of it."""
    from bedside.store.disk import replace_file

    try:
        for name, data in files.items():
            replace_file(out / name, data, MODE)
    except OSError as problem:
        raise UsageError(
            f"The results cannot be written to {on_one_line(str(out))}: {problem.strerror}.",
            advice="Make room, or name another folder with -o.",
        ) from problem
    value["files"] = {name: str(out / name) for name in files}
    show(value, lambda page: tell_analysis(page, manifest, value), as_json=as_json)
