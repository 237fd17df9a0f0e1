"""One volume from the gate to its measurements; what a large one needs is let go step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import PackageRefused
from bedside.imaging.axes import nearest_turn, turned
from bedside.imaging.grid import Grid
from bedside.imaging.measuring.measurement import Measurement
from bedside.imaging.measuring.measuring import measured
from bedside.imaging.refining import touches_edge
from bedside.imaging.volume import Volume, Voxels
from bedside.package.outputs import NumberOutput
from bedside.package.segmentation import SegmentationOutput, SegmentedClass
from bedside.package.volume_growth import check_scores
from bedside.package.volume_operations import Conform, Resample, VolumeOperation
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis import Analysis, Stated
from bedside.runtime.engines.engine import Engine, Prepared, Scores
from bedside.runtime.flags import Flag
from bedside.runtime.overlap import measured_overlap, overlap_of
from bedside.runtime.progress import Progress, Report, Stage
from bedside.runtime.segmentation import (
    Labels,
    Segmented,
    WayBack,
    activated,
    expected_millilitres,
    refined,
    restored,
)
from bedside.runtime.volume_gate import Passed, VolumeGate
from bedside.runtime.volume_preprocess import VolumePreprocess

VolumeOutput: TypeAlias = SegmentationOutput | NumberOutput


@dataclass(slots=True)
class _Clock:
    """How long each stage took, by the clock."""

    seconds: dict[Stage, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - begun


class VolumePath:
    """The path of a volume; safe to use from several threads."""

    __slots__ = ("_antialias", "_engine", "_gate", "_output", "_preprocess")

    def __init__(
        self,
        declared: VolumeInput,
        operations: tuple[VolumeOperation, ...],
        engine: Engine,
        output: VolumeOutput,
    ) -> None:
        self._gate = VolumeGate(declared)
        self._preprocess = VolumePreprocess(operations)
        self._engine = engine
        self._output = output
        shrunk = (one for one in operations if isinstance(one, Resample | Conform))
        self._antialias = all(one.antialias for one in shrunk)

    def analyse(self, volume: Volume, stated: Stated, report: Report) -> Analysis:
        """Return what the model says of `volume`.

        Raises:
            InputRefused: the gate refused it, with every reason; nothing was computed.
            LimitExceeded: more scores, voxels or windows than one analysis may have.
            PackageRefused: the engine gives nothing that could be shown.
        """
        clock, output = _Clock(), self._output
        report(Progress("gate", 0, 1))
        with clock.timed("gate"):
            passed = self._gate.check(volume, stated)
        with clock.timed("prepare"):
            prepared = self._prepared(volume, report)
        with clock.timed("infer"):
            scores = self._engine(prepared, report)
        _check_finite(scores, "The network gave scores")
        affine, seen = prepared.affine, _seen(prepared, output)
        del prepared
        if isinstance(output, NumberOutput):
            return _number(output, volume, passed, scores, clock)
        way = WayBack(affine, Grid(volume.shape, np.array(volume.affine)), self._antialias)
        with clock.timed("restore"):
            scores = activated(scores, output.activation)
            expected = expected_millilitres(scores, affine, output)
            overlap = overlap_of(seen, scores, way, output)
            found = restored(scores, way, output, report)
        del scores
        with clock.timed("refine"):
            labels = _refined(found.labels, volume, output, report)
        whole = _Found(passed, found, labels, expected, overlap)
        return _segmentation(output, volume, whole, clock, report)

    def _prepared(self, volume: Volume, report: Report) -> Prepared:
        """Return what the network gets, if it can be answered."""
        prepared = self._preprocess(volume, report)
        channels = 1 if isinstance(self._output, NumberOutput) else self._output.channels
        check_scores(channels, prepared.tensor.shape[1:])
        _check_finite(prepared.tensor, "The preprocessing gave the network")
        return prepared

    def close(self) -> None:
        """Let go of the engine."""
        self._engine.close()


def _seen(prepared: Prepared, output: VolumeOutput) -> Voxels | None:
    """Return what the network saw, where an overlap is predicted of it; it is let go otherwise."""
    predicts = isinstance(output, SegmentationOutput) and output.predicted_overlap is not None
    return prepared.tensor[0] if predicts else None


def _refined(labels: Labels, volume: Volume, output: SegmentationOutput, report: Report) -> Labels:
    """Return the labels refined along RAS+: how a file stores its voxels chooses no region."""
    turn = nearest_turn(volume.affine[:3, :3])
    found = refined(turned(labels, turn), output, volume.voxel_millilitres, report)
    return turned(found, turn.inverse)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a segmentation came to, before it is measured."""

    passed: Passed
    segmented: Segmented
    labels: Labels
    expected: dict[str, float]
    overlap: float | None


def _check_finite(numbers: NDArray[np.float32], who: str) -> None:
    """Refuse numbers of which nothing true can be said; in binary32 they were too large or none.

    Raises:
        PackageRefused: one is not finite.
    """
    low, high = float(numbers.min()), float(numbers.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise PackageRefused(
            f"{who} from {low} to {high}; there is no answer to show.",
            advice="Narrow the declared domain, or freeze a model that answers all of it.",
        )


def _number(
    output: NumberOutput, volume: Volume, passed: Passed, scores: Scores, clock: _Clock
) -> Analysis:
    value = float(scores.ravel()[0])
    if scores.size != 1:
        raise PackageRefused(
            f"The model gave {value:g} ({scores.size} number(s)); there is no answer to show.",
            advice="Narrow the declared domain, or freeze a model that answers all of it.",
        )
    return Analysis(
        labels=None,
        probability=None,
        affine=volume.affine,
        facts=passed.facts,
        values={output.name: value},
        unit=output.unit,
        measurements={},
        flags=(*passed.flags, *_implausible_value(output, value)),
        out_of_domain=passed.out_of_domain,
        seconds=clock.seconds,
    )


def _implausible_value(output: NumberOutput, value: float) -> Iterator[Flag]:
    wanted = output.plausible
    if wanted is not None and not wanted.minimum <= value <= wanted.maximum:
        yield Flag(
            "implausible-value",
            f"{output.name}: {value:.6g} {output.unit}; a person has from {wanted.minimum:g} to "
            f"{wanted.maximum:g} {output.unit}",
        )


def _segmentation(
    output: SegmentationOutput, volume: Volume, found: _Found, clock: _Clock, report: Report
) -> Analysis:
    values: dict[str, float] = {}
    measurements: dict[str, tuple[Measurement, ...]] = {}
    flags = list(found.passed.flags)
    classes = output.classes[1:]
    with clock.timed("measure"):
        for done, one in enumerate(classes):
            report(Progress("measure", done, len(classes)))
            mask = found.labels == one.value
            values[one.label] = float(np.count_nonzero(mask)) * volume.voxel_millilitres
            shape = measured(mask, volume.affine, output.measurements, found.passed.head)
            measurements[one.label] = (*shape, *measured_overlap(found.overlap))
            flags += _implausible(one, values[one.label])
        flags += (*_quality(found.labels), *_badly_fitting(output, found.overlap))
        report(Progress("measure", len(classes), len(classes)))
    return Analysis(
        labels=found.labels,
        probability=found.segmented.probability,
        affine=volume.affine,
        facts=found.passed.facts,
        values=values,
        unit="mL",
        measurements=measurements,
        flags=tuple(flags),
        out_of_domain=found.passed.out_of_domain,
        seconds=clock.seconds,
        expected=found.expected,
        predicted_overlap=found.overlap,
    )


def _implausible(one: SegmentedClass, millilitres: float) -> Iterator[Flag]:
    wanted = one.plausible
    if wanted is not None and not wanted.minimum <= millilitres <= wanted.maximum:
        yield Flag(
            "implausible-volume",
            f"{one.label}: {millilitres:.3g} mL; a person has from {wanted.minimum:g} to "
            f"{wanted.maximum:g} mL",
        )


def _badly_fitting(output: SegmentationOutput, overlap: float | None) -> Iterator[Flag]:
    declared = output.predicted_overlap
    if declared is not None and overlap is not None and overlap < declared.flag_below:
        yield Flag(
            "low-predicted-overlap",
            f"predicted Dice {overlap:.3f}, below {declared.flag_below:g}; when it was calibrated it "
            f"was wrong by {declared.calibration.mean_absolute_error:.3f} on average",
        )


def _quality(labels: Labels) -> Iterator[Flag]:
    mask = labels > 0
    if not mask.any():
        yield Flag("mask-empty", "nothing was found in the volume")
    elif touches_edge(mask):
        yield Flag(
            "mask-touches-edge",
            "what was found reaches the edge of the volume: a part of it may lie outside",
        )
