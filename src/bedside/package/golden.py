"""Golden cases: inputs kept in the package, with the answers that it must give.

A case goes the whole way, from the raw row as a client sends it to the label that is shown.
`docs/spec/package.md`, section 7, describes the entry.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from bedside.canonical import Json, canonical_bytes
from bedside.errors import PackageDamaged, UsageError
from bedside.package.fields import Frozen, absent
from bedside.package.manifest import AnyOutput
from bedside.package.reading import faults, read_canonical
from bedside.package.segmentation import SegmentationOutput

MAX_GOLDEN_BYTES = 64 * 2**20
"""10,000 cases of a few hundred fields each stay below this."""

MAX_CASES = 10_000

MAX_LABEL = 255


MAX_RUNS = 2**20
"""Runs of one kept label map; a drawn head of 64³ has a few thousand."""


class LabelRuns(Frozen):
    """A label map in runs of equal labels, and how sure the model was.

    Attributes:
        shape: Voxels along i, j, k of the volume as it was read.
        runs: Label, number of voxels, label, number, … in C order (k fastest).
        mean_probability: Mean over all voxels of the probability that it is no background.
        expected: By the label of each class but the background, the mL that its probabilities sum
            to on the network's grid. None in packages that were frozen before it was kept.
    """

    shape: tuple[int, int, int]
    runs: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=2, max_length=2 * MAX_RUNS)
    ]
    mean_probability: Annotated[float, Field(ge=0, le=1)]
    expected: Annotated[
        dict[str, Annotated[float, Field(ge=0)]] | None, Field(exclude_if=absent)
    ] = None

    @model_validator(mode="after")
    def _fills_its_shape(self) -> LabelRuns:
        if min(self.shape) < 1 or len(self.runs) % 2 or max(self.runs[::2]) > MAX_LABEL:
            raise ValueError(f"the runs of a label map of {list(self.shape)} are not well formed")
        if sum(self.runs[1::2]) != math.prod(self.shape):
            raise ValueError(f"the runs hold {sum(self.runs[1::2])} voxels of {list(self.shape)}")
        return self


class GoldenCase(Frozen):
    """One input and the answer it must get.

    Attributes:
        id: A name of the case, used once in the package.
        input: The raw row, as a client sends it.
        label: The label that must be shown; None where the output is a number or a segmentation.
        scores: Calibrated probability by label, the value by its name, or of a segmentation the
            volume in mL of each class but the background.
        note: Why the case is here, such as "just below the threshold".
        segmentation: The labels that a volume must get; only, and always, of segmentations.
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]
    input: dict[str, Json]
    label: Annotated[str, Field(min_length=1, max_length=200)] | None
    scores: Annotated[dict[str, float], Field(min_length=1, max_length=1000)]
    note: Annotated[str, Field(max_length=2_000)] = ""
    segmentation: Annotated[LabelRuns | None, Field(exclude_if=absent)] = None


class GoldenCases(Frozen):
    """All of the golden entry."""

    version: Literal[1] = 1
    cases: Annotated[tuple[GoldenCase, ...], Field(min_length=1, max_length=MAX_CASES)]

    @model_validator(mode="after")
    def _ids_are_distinct(self) -> GoldenCases:
        if len({case.id for case in self.cases}) != len(self.cases):
            raise ValueError("two golden cases have the same id")
        return self


def write_golden(cases: tuple[GoldenCase, ...]) -> bytes:
    """Return the golden entry's canonical bytes.

    Raises:
        UsageError: no case, too many, an id used twice, or an input that JSON cannot carry
            unchanged (such as a whole number beyond 2**53).
    """
    try:
        written = canonical_bytes(GoldenCases(cases=cases).model_dump())
        read_golden(written)
    except ValidationError as problem:
        raise UsageError(f"These golden cases cannot be written: {faults(problem)}.") from problem
    except PackageDamaged as problem:
        raise UsageError(f"These golden cases cannot be written: {problem.message}") from problem
    return written


def read_golden(data: bytes) -> tuple[GoldenCase, ...]:
    """Return the golden cases of an entry.

    Raises:
        PackageDamaged: too large, not canonical JSON, or not golden cases.
    """
    if len(data) > MAX_GOLDEN_BYTES:
        raise PackageDamaged(
            f"The golden cases have {len(data)} bytes; at most {MAX_GOLDEN_BYTES}."
        )
    return read_canonical(GoldenCases, data, "The list of golden cases").cases


def check_golden(cases: tuple[GoldenCase, ...], output: AnyOutput) -> None:
    """Check that every case answers in the words that `output` declares.

    Raises:
        PackageDamaged: a label, a score or a label map that the output does not have; names the case.
    """
    labels: set[str | None]
    if output.kind == "number":
        labels, names = {None}, {output.name}
    elif isinstance(output, SegmentationOutput):
        labels, names = {None}, {one.label for one in output.classes[1:]}
        _check_maps(cases, {one.value for one in output.classes}, names)
    else:
        names = {one.label for one in output.classes}
        labels = {*names}
    for case in cases:
        if case.label not in labels or set(case.scores) != names:
            raise PackageDamaged(
                f"The golden case {case.id!r} answers {case.label!r} with scores for "
                f"{sorted(case.scores)[:5]}; the output declares {sorted(names)[:5]}."
            )
        if case.segmentation is not None and not isinstance(output, SegmentationOutput):
            raise PackageDamaged(f"The golden case {case.id!r} has a label map for {output.kind}.")


def _check_maps(cases: tuple[GoldenCase, ...], known: set[int], names: set[str]) -> None:
    for case in cases:
        if case.segmentation is None:
            raise PackageDamaged(f"The golden case {case.id!r} of a segmentation has no label map.")
        if (expected := case.segmentation.expected) is not None and set(expected) != names:
            raise PackageDamaged(
                f"The golden case {case.id!r} expects volumes of {sorted(expected)[:5]}; the output "
                f"declares {sorted(names)[:5]}."
            )
        if strangers := sorted(set(case.segmentation.runs[::2]) - known):
            raise PackageDamaged(
                f"The golden case {case.id!r} has the label(s) {strangers[:5]}, which no class has."
            )
