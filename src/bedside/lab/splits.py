"""Training, validation and test: drawn once, by a seed, with every class in its share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of the rows of each part, rising; no row is in two parts."""

    train: NDArray[np.intp]
    validation: NDArray[np.intp]
    test: NDArray[np.intp]
    seed: int
    fractions: tuple[float, float, float]

    @property
    def words(self) -> str:
        """How it was drawn, for a lineage."""
        shares = "/".join(f"{fraction:.0%}" for fraction in self.fractions)
        sizes = "/".join(str(len(part)) for part in (self.train, self.validation, self.test))
        return (
            f"stratified by label into training/validation/test {shares} ({sizes} rows), "
            f"seed {self.seed}, NumPy PCG64"
        )


def stratified_split(
    labels: Sequence[object] | NDArray[np.generic],
    *,
    seed: int,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
) -> Split:
    """Return a split in which each class has its share in every part, to within one row.

    The same labels, seed and fractions always give the same split.

    Raises:
        UsageError: fractions that do not make 1, or a class too small for three parts.
    """
    if min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise UsageError(f"The fractions {fractions} must be positive and make 1.")
    values = np.asarray(labels)
    random = np.random.default_rng(seed)
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for label in np.unique(values):
        members = random.permutation(np.flatnonzero(values == label))
        first = round(fractions[0] * len(members))
        second = first + round(fractions[1] * len(members))
        pieces = (members[:first], members[first:second], members[second:])
        if not all(len(piece) for piece in pieces):
            raise UsageError(
                f"The class {label!r} has {len(members)} rows, too few for three parts.",
                advice="Bring more rows of this class, or change the fractions.",
            )
        for part, piece in zip(parts, pieces, strict=True):
            part.extend(piece.tolist())
    train, validation, test = (np.array(sorted(part), dtype=np.intp) for part in parts)
    return Split(train, validation, test, seed, fractions)
