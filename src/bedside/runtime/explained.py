"""Why an answer is what it is: values that `runtime.explain` computes and every door can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FieldsExplained:
    """What each field of a row added to the answer, against the declared reference row.

    Attributes:
        contributions: By field, on `scale`; they sum to `total` minus `base`.
        errors: Standard error of each, 0 where it is exact.
        base: The answer to the reference row.
        total: The answer to this row.
        scale: `logit`, `probability` or `value`.
        of: The label or the quantity that is explained.
        passes: Rows that the network computed for it.
    """

    contributions: Mapping[str, float]
    errors: Mapping[str, float]
    base: float
    total: float
    scale: str
    of: str
    passes: int


@dataclass(frozen=True, slots=True, eq=False)
class PictureExplained:
    """How much the answer falls where a part of the picture is covered.

    Attributes:
        grid: Fall of the answer, rows × columns of the network's input, on `scale`; positive
            where the picture speaks for `of`.
        png: The same as a picture over the film, for people.
        base: The answer to the whole picture.
        scale: `logit` or `probability`.
        of: The label that is explained.
        passes: Pictures that the network computed for it.
    """

    grid: NDArray[np.float64]
    png: bytes
    base: float
    scale: str
    of: str
    passes: int


Explained: TypeAlias = FieldsExplained | PictureExplained
