"""Which cases a network learns from and which it is judged by: whole patients, never single files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bedside.errors import UsageError
from bedside.lab.datasets.manifest import MASK, Case, Dataset


@dataclass(frozen=True, slots=True)
class Parted:
    """The parts of a data set; no patient is in two.

    Attributes:
        training: What a network learns from.
        validation: What chooses its weights.
        words: How it was drawn, for a lineage.
    """

    training: tuple[Case, ...]
    validation: tuple[Case, ...]
    words: str


def parted(dataset: Dataset, *, seed: int, share: float = 0.2, named: Sequence[str] = ()) -> Parted:
    """Return a data set in two parts, by patient.

    Args:
        dataset: Opened.
        seed: Draws the patients for validation.
        share: Of the patients, for validation; at least one on either side.
        named: The patients for validation, where they are not to be drawn.

    Raises:
        UsageError: a named patient is not there, a part would be empty, or the same file stands in
            both: then one person has two names.
    """
    patients = sorted({case.patient for case in dataset.cases})
    if strangers := sorted(set(named) - set(patients)):
        raise UsageError(
            f"{dataset.manifest.name} has no patient {strangers[0]!r}.",
            advice=f"It has {', '.join(patients[:50])}.",
        )
    if named:
        held = set(named)
        how = "named"
    else:
        number = min(max(round(share * len(patients)), 1), len(patients) - 1)
        drawn = np.random.default_rng(seed).permutation(len(patients))[:number]
        held = {patients[place] for place in drawn.tolist()}
        how = f"drawn, seed {seed}, NumPy PCG64"
    validation = tuple(case for case in dataset.cases if case.patient in held)
    training = tuple(case for case in dataset.cases if case.patient not in held)
    if not training or not validation:
        raise UsageError(
            f"{dataset.manifest.name} has {len(patients)} patients: too few for two parts.",
            advice="Bring more patients.",
        )
    _refuse_common(training, validation)
    words = (
        f"by patient: {len(patients) - len(held)} for training ({len(training)} cases), "
        f"{len(held)} for validation ({len(validation)} cases), {how}"
    )
    return Parted(training, validation, words)


def _refuse_common(training: Sequence[Case], validation: Sequence[Case]) -> None:
    """Refuse a file that is on both sides; a mask may be, since empty ones are alike."""
    known = {digest: case for case in training for digest in _digests(case)}
    for case in validation:
        for digest in _digests(case):
            if (other := known.get(digest)) is not None:
                raise UsageError(
                    f"{case.name!r} of the patient {case.patient!r} and {other.name!r} of "
                    f"{other.patient!r} are the same file, once for validation and once for training.",
                    advice="Give both the same patient, or leave one out.",
                )


def _digests(case: Case) -> list[str]:
    return [case.files[role].digest for role in case.files if role.partition(".")[0] != MASK]
