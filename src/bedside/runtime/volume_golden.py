"""Golden cases of volumes: recorded while freezing, replayed before a package answers anybody.

A case holds a small volume in base64, the volume of each class by its labels and by its
probabilities, and the whole label map in runs.
`docs/spec/package.md`, section 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.canonical import Json
from bedside.errors import GoldenMismatch, InputRefused, UsageError
from bedside.package.golden import MAX_RUNS, GoldenCase, LabelRuns
from bedside.package.manifest import Manifest
from bedside.package.segmentation import SegmentationOutput
from bedside.package.volumes import VolumeInput
from bedside.runtime.analysis import Analysis
from bedside.runtime.progress import Report
from bedside.runtime.volume_path import VolumePath
from bedside.runtime.volume_rows import read_row

LEAST_MILLILITRES: Final = 1.0
"""Below it, a class may differ by the tolerance of 1 mL."""


def golden_case(name: str, row: dict[str, Json], analysis: Analysis, note: str = "") -> GoldenCase:
    """Return `analysis` of `row` as a case that a package must give again.

    Raises:
        UsageError: the label map has too many runs to be kept.
    """
    kept = None
    if analysis.labels is not None and analysis.probability is not None:
        i, j, k = analysis.labels.shape
        kept = LabelRuns(
            shape=(i, j, k),
            runs=runs_of(analysis.labels),
            mean_probability=_mean(analysis.probability),
            expected=dict(analysis.expected),
        )
    return GoldenCase(
        id=name, input=row, label=None, scores=dict(analysis.values), note=note, segmentation=kept
    )


def runs_of(labels: NDArray[np.uint8]) -> tuple[int, ...]:
    """Return label, length, label, length, … of a label map in C order.

    Raises:
        UsageError: more than `MAX_RUNS` runs.
    """
    flat = labels.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    begins = np.concatenate(([0], edges))
    if len(begins) > MAX_RUNS:
        raise UsageError(
            f"A label map of {len(begins)} runs is no golden case; at most {MAX_RUNS}.",
            advice="Take a smaller or a smoother volume.",
        )
    lengths = np.diff(np.concatenate((begins, [flat.size])))
    pairs = np.stack((flat[begins].astype(np.int64), lengths), axis=1)
    return tuple(pairs.ravel().tolist())


def labels_of(kept: LabelRuns) -> NDArray[np.uint8]:
    """Return the label map that runs tell, along (i, j, k)."""
    pairs = np.array(kept.runs, dtype=np.int64).reshape(-1, 2)
    flat = np.repeat(pairs[:, 0].astype(np.uint8), pairs[:, 1])
    return flat.reshape(kept.shape)


def replay(
    path: VolumePath, manifest: Manifest, cases: Sequence[GoldenCase], report: Report
) -> float:
    """Replay every case and return the largest difference of a value, as `golden.tolerance` counts it.

    Args:
        path: The package at work.
        manifest: Says the tolerance and the classes.
        cases: What must come.
        report: Told while a case is computed; what it raises ends the replay.

    Raises:
        GoldenMismatch: a case is refused by the gate, or gets another answer; names the case.
    """
    declared = manifest.input
    if not isinstance(declared, VolumeInput):
        raise UsageError(f"{manifest.ref} takes no volumes.")
    largest, most = 0.0, largest_scores(cases)
    for case in cases:
        try:
            volume, stated = read_row(case.input, declared)
            analysis = path.analyse(volume, stated, report)
        except InputRefused as refused:
            first = refused.refusals[0]
            raise GoldenMismatch(
                f"The golden case {case.id!r} of {manifest.ref} does not pass the package's own "
                f"gate: {first.field!r}: {first.code}.",
                advice="Freeze the model again.",
            ) from refused
        differences = dict(_differences(case, analysis, most))
        largest = max(largest, _checked(differences, case, analysis, manifest))
    return largest


def largest_scores(cases: Sequence[GoldenCase]) -> dict[str, float]:
    """Return by name the largest magnitude that any case records; 1 where all record 0."""
    names = {name for case in cases for name in case.scores}
    found = {name: max(abs(case.scores.get(name, 0.0)) for case in cases) for name in names}
    return {name: most or 1.0 for name, most in found.items()}


def _differences(
    case: GoldenCase, analysis: Analysis, most: dict[str, float]
) -> Iterator[tuple[str, float]]:
    """Yield what differs, and how much: relative, and to no less than 1 mL where it is a volume."""
    kept = case.segmentation
    for name, wanted in case.scores.items():
        scale = (abs(wanted) or most[name]) if kept is None else max(wanted, LEAST_MILLILITRES)
        yield name, abs(analysis.values[name] - wanted) / scale
    if kept is None or analysis.probability is None:
        return
    yield "mean probability", abs(_mean(analysis.probability) - kept.mean_probability)
    for name, wanted in (kept.expected or {}).items():
        scale = max(wanted, LEAST_MILLILITRES)
        yield f"probability of {name}", abs(analysis.expected[name] - wanted) / scale


def _checked(
    differences: dict[str, float], case: GoldenCase, analysis: Analysis, manifest: Manifest
) -> float:
    """Return the largest difference; GoldenMismatch where one is too large."""
    tolerance, output = manifest.golden.tolerance, manifest.postprocessing
    worst = max(differences, key=lambda name: differences[name])
    if not differences[worst] <= tolerance:
        raise _mismatch(
            case, manifest, f"{worst!r} differs by {differences[worst]:.3g}, above {tolerance:g}"
        )
    if isinstance(output, SegmentationOutput):
        _check_overlap(case, analysis, output, manifest)
    return differences[worst]


def _check_overlap(
    case: GoldenCase, analysis: Analysis, output: SegmentationOutput, manifest: Manifest
) -> None:
    kept, least = case.segmentation, manifest.golden.least_dice
    if kept is None or least is None or analysis.labels is None:
        raise UsageError(f"The golden case {case.id!r} has no label map.")
    if kept.shape != analysis.labels.shape:
        raise _mismatch(case, manifest, f"the label map has the shape {analysis.labels.shape}")
    wanted = labels_of(kept)
    for one in output.classes[1:]:
        found = dice(analysis.labels == one.value, wanted == one.value)
        if not found >= least:
            told = f"{one.label!r} overlaps by {found:.4f} (Dice), below {least:g}"
            raise _mismatch(case, manifest, told)


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return twice the common voxels by the sum of both; 1 for two empty masks. Source: Dice 1945."""
    both = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    return 2 * int(np.count_nonzero(one & other)) / both if both else 1.0


def _mean(probability: NDArray[np.float32]) -> float:
    return float(np.mean(probability, dtype=np.float64))


def _mismatch(case: GoldenCase, manifest: Manifest, told: str) -> GoldenMismatch:
    return GoldenMismatch(
        f"The golden case {case.id!r} of {manifest.ref} gets another answer: {told}.",
        advice="Do not use this package here: it no longer gives the answers that it was verified "
        "with.",
    )
