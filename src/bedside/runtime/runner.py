"""A package at work: gate, preprocess, network, postprocess; and the replay of its golden cases.

A `Runner` exists only for a package that gives its golden answers on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bedside.canonical import Json
from bedside.errors import GoldenMismatch, InputRefused, PackageRefused, UsageError
from bedside.imaging.volume import Volume
from bedside.package.antspynet import AntspynetModel
from bedside.package.golden import MAX_CASES, GoldenCase
from bedside.package.manifest import Manifest
from bedside.package.networks import RowModel
from bedside.package.package import Package
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis import UNSTATED, Analysis, Stated
from bedside.runtime.at_once import PICTURES_AT_ONCE
from bedside.runtime.engines.engine import ONNX_ONLY, Engines
from bedside.runtime.patience import GoingOn, always
from bedside.runtime.pipeline import Parts, Pipeline
from bedside.runtime.postprocess import Answer
from bedside.runtime.progress import Progress, Report, silent
from bedside.runtime.session import check_conditions
from bedside.runtime.tabular_path import PlainAnswers

if TYPE_CHECKING:
    from bedside.runtime.volume_path import VolumePath

TOGETHER: Final = {"tabular": MAX_CASES, "image": PICTURES_AT_ONCE}
"""Golden cases that are replayed in one call, by kind of input."""


REPLAY_SECONDS: Final = 1_800.0
"""Longest time for all golden cases, as long as a freeze may take."""


@dataclass(frozen=True, slots=True)
class GoldenReport:
    """What the replay found.

    Attributes:
        cases: Number of golden cases, all of them within tolerance.
        largest_difference: The largest difference of a score from the recorded one.
        tolerance: What the manifest allows.
    """

    cases: int
    largest_difference: float
    tolerance: float


class Runner:
    """A loaded package. Safe to use from several threads.

    Attributes:
        manifest: The package's manifest.
        digest: The digest that names the package.
        row_seconds: Processor time of the calling thread for one row of a group (`plain`), by the replay
            of the golden cases; 0 before it.
    """

    def __init__(self, package: Package, engines: Engines = ONNX_ONLY) -> None:
        self.manifest: Manifest = package.manifest
        self.digest = package.digest
        self._golden = package.golden
        volumes = isinstance(package.manifest.input, VolumeInput)
        self._volumes = _volume_path(package, engines) if volumes else None
        self._rows = None if volumes else Pipeline(parts_of(package, engines))
        self._alike = False
        self.row_seconds = 0.0

    def predict(
        self, rows: Sequence[Json], *, explain: bool = False, going_on: GoingOn = always
    ) -> tuple[Answer, ...]:
        """Return one answer for each row, in their order, explained where that is asked.

        Args:
            rows: As a client sends them.
            explain: Whether each answer comes with its explanation.
            going_on: Asked between pictures and between batches; what it raises ends the work.

        Raises:
            InputRefused: the gate refused the input, with every reason; nothing was predicted.
            UsageError: no row at all, or an explanation that the model does not declare.
            LimitExceeded: more pictures than are read at once.
            PackageRefused: the model gives no usable number for a row that its domain allows.
        """
        return self._pipeline().answer(rows, explain=explain, going_on=going_on)

    def plain(self, rows: Sequence[Json]) -> PlainAnswers:
        """Return the places of the plain rows among `rows`, and an answer for each of those.

        For a group of rows that people sent who do not know of each other: a row that is not
        plain (a gap, another unit, or one that the gate would refuse) touches no other, and is
        left to `predict`. An answer is the one that its row would get alone, bit for bit, as far
        as the golden cases show: where their replay found a difference, the network computes
        one row at a time.

        Raises:
            PackageRefused: the model gives no usable number for one of them.
        """
        return self._pipeline().plain(rows, together=self._alike)

    def analyse(
        self, volume: Volume, stated: Stated = UNSTATED, report: Report = silent
    ) -> Analysis:
        """Return what the model says of a volume.

        Args:
            volume: As `imaging.volume_reading` gives it, within `volume_gate.volume_limits`.
            stated: What the sender says beside the files.
            report: Told where the work stands, at least every second; what it raises ends it.

        Raises:
            InputRefused: the gate refused the volume, with every reason; nothing was computed.
            UsageError: a model that answers rows.
            LimitExceeded: more voxels, windows or scores than one analysis may have.
            PackageRefused: the model gives nothing that could be shown.
        """
        if self._volumes is None:
            raise UsageError(
                f"{self.manifest.ref} takes no volumes.", advice="Ask it for a prediction instead."
            )
        return self._volumes.analyse(volume, stated, report)

    def close(self) -> None:
        """End what runs beside this process for a model; it answers no more."""
        if self._volumes is not None:
            self._volumes.close()
        if self._rows is not None:
            self._rows.close()

    def _pipeline(self) -> Pipeline:
        if self._rows is None:
            raise self.manifest.no_rows()
        return self._rows

    def replay_golden(self) -> GoldenReport:
        """Replay every golden case, one by one and many at once, and return what was found.

        Both ways, because a clinician sends one row and a study sends thousands, and the
        network's arithmetic may take another path for each.

        Raises:
            PackageRefused: all of them together take longer than `REPLAY_SECONDS`.
            GoldenMismatch: a case gets another label, or a score beyond the tolerance; the
                message names the case, what was expected and what came.
        """
        in_time = _until(time.monotonic() + REPLAY_SECONDS)
        tolerance = self.manifest.golden.tolerance
        if self._volumes is not None:
            from bedside.runtime.volume_golden import replay  # noqa: PLC0415 - as below

            def report(_: Progress) -> None:
                in_time()

            found = replay(self._volumes, self.manifest, self._golden, report)
            return GoldenReport(len(self._golden), found, tolerance)
        answers, took = [], []
        for case in self._golden:
            begun = time.thread_time()  # what others do at the same time is no part of it
            answers.append(self._golden_answer(case, in_time))
            took.append(time.thread_time() - begun)
        together, begun = TOGETHER[self.manifest.input.kind], time.thread_time()
        for start in range(0, len(self._golden), together):
            rows = [case.input for case in self._golden[start : start + together]]
            answers += self.predict(rows, going_on=in_time)
        alone, many = answers[: len(self._golden)], answers[len(self._golden) :]
        shared = (time.thread_time() - begun) / len(many)
        self._alike = len(many) > 1 and all(
            a.scores == b.scores for a, b in zip(alone, many, strict=True)
        )
        self.row_seconds = shared if self._alike else min(took if many[1:] else [*took, shared])
        pairs = zip((*self._golden, *self._golden), answers, strict=True)
        largest = max(self._difference(case, answer) for case, answer in pairs)
        return GoldenReport(len(self._golden), largest, tolerance)

    def _golden_answer(self, case: GoldenCase, in_time: GoingOn) -> Answer:
        in_time()
        try:
            return self.predict([case.input], going_on=in_time)[0]
        except InputRefused as refused:
            first = refused.refusals[
                0
            ]  # its value may be a person's, and this is told in the clear
            raise GoldenMismatch(
                f"The golden case {case.id!r} of {self.manifest.ref} does not pass the package's "
                f"own gate: {first.field!r}: {first.code}.",
                advice="Freeze the model again.",
            ) from refused

    def _difference(self, case: GoldenCase, answer: Answer) -> float:
        """Return the largest difference of a score; GoldenMismatch when it is too large."""
        tolerance = self.manifest.golden.tolerance
        largest = max(abs(answer.scores[name] - score) for name, score in case.scores.items())
        if answer.label != case.label or not largest <= tolerance:
            raise GoldenMismatch(
                f"The golden case {case.id!r} of {self.manifest.ref} must give "
                f"{_told(case.label, case.scores)}, within {tolerance:g}; it gives "
                f"{_told(answer.label, answer.scores)}.",
                advice="Do not use this package here: it no longer gives the answers that it was "
                "verified with.",
            )
        return largest


def parts_of(package: Package, engines: Engines = ONNX_ONLY) -> Parts:
    """Return what decides the answers of a `package` that answers rows.

    Args:
        package: What was opened and found whole.
        engines: What this machine has for engines beside ONNX Runtime.

    Raises:
        UsageError: it analyses volumes.
    """
    manifest = package.manifest
    if not isinstance(manifest.model, RowModel | AntspynetModel):
        raise manifest.no_rows()
    library = isinstance(manifest.model, AntspynetModel)
    return Parts(
        declared=manifest.row_input,
        operations=manifest.preprocessing,
        network=b"" if library else package.network,
        model=manifest.model,
        conditions=manifest.conditions,
        output=manifest.row_output,
        explanation=manifest.explanation,
        engines=engines,
    )


def _volume_path(package: Package, engines: Engines) -> VolumePath:
    from bedside.runtime.volume_loading import volume_path  # noqa: PLC0415 - brings SciPy

    return volume_path(package, engines)


def load(package: Package, engines: Engines = ONNX_ONLY) -> Runner:
    """Return `package` ready to predict or to analyse, after its golden cases were replayed.

    Whether the package is trusted is asked before: `package.check_signature`.

    Args:
        package: What was opened and found whole.
        engines: What this machine has for engines beside ONNX Runtime.

    Raises:
        ConditionsNotMet: another runtime version or processor than the package was verified with.
        PackageDamaged: the network does not load, or is not what the manifest declares.
        GoldenMismatch: a golden case gets another answer than it must.
    """
    check_conditions(package.manifest.conditions)
    runner = Runner(package, engines)
    runner.replay_golden()
    return runner


def _until(end: float) -> GoingOn:
    """Return what refuses to go on after `end` of the monotonic clock, in seconds."""

    def in_time() -> None:
        if time.monotonic() > end:
            raise PackageRefused(
                f"The golden cases take longer than {REPLAY_SECONDS:g} s to replay.",
                advice="Do not use a package that you did not expect to be so slow; freeze it "
                "again with fewer golden cases.",
            )

    return in_time


def _told(label: str | None, scores: Mapping[str, float]) -> str:
    few = sorted(scores.items(), key=lambda item: -item[1])[:3]
    told = ", ".join(f"{name!r} {score:.9g}" for name, score in few)
    return told if label is None else f"{label!r} ({told})"
