"""Golden cases: inputs kept in the package, with the answers that it must give.

A case goes the whole way, from the raw row as a client sends it to the label that is shown.
`docs/spec/package.md`, section 7, describes the entry.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from bedside.canonical import Json, canonical_bytes
from bedside.errors import PackageDamaged, UsageError
from bedside.package.fields import Frozen
from bedside.package.outputs import Output
from bedside.package.reading import faults, read_canonical

MAX_GOLDEN_BYTES = 64 * 2**20
"""10,000 cases of a few hundred fields each stay below this."""

MAX_CASES = 10_000


class GoldenCase(Frozen):
    """One input and the answer it must get.

    Attributes:
        id: A name of the case, used once in the package.
        input: The raw row, as a client sends it.
        label: The label that must be shown; None where the output is a number.
        scores: Calibrated probability by label, or the value by its name.
        note: Why the case is here, such as "just below the threshold".
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]
    input: dict[str, Json]
    label: Annotated[str, Field(min_length=1, max_length=200)] | None
    scores: Annotated[dict[str, float], Field(min_length=1, max_length=1000)]
    note: Annotated[str, Field(max_length=2_000)] = ""


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


def check_golden(cases: tuple[GoldenCase, ...], output: Output) -> None:
    """Check that every case answers in the words that `output` declares.

    Raises:
        PackageDamaged: a label or a score that the output does not have; names the case.
    """
    if output.kind == "number":
        labels: set[str | None] = {None}
        names = {output.name}
    else:
        names = {one.label for one in output.classes}
        labels = {*names}
    for case in cases:
        if case.label not in labels or set(case.scores) != names:
            raise PackageDamaged(
                f"The golden case {case.id!r} answers {case.label!r} with scores for "
                f"{sorted(case.scores)[:5]}; the output declares {sorted(names)[:5]}."
            )
