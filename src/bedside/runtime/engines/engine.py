"""The one small interface of what computes scores, whatever library stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.volume import Affine
from bedside.runtime.progress import Report

Scores: TypeAlias = NDArray[np.float32]
"""Score channels × i × j × k on the grid of what was prepared; or one number, shape (1,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What a network gets of a volume.

    Attributes:
        tensor: float32, channels × i × j × k.
        affine: Indices of the tensor's last three axes to mm, RAS+.
    """

    tensor: NDArray[np.float32]
    affine: Affine


class Engine(Protocol):
    """Computes the scores of one prepared volume. Safe to call from several threads."""

    def __call__(self, prepared: Prepared, report: Report) -> Scores:
        """Return the scores, as the manifest's activation says of them.

        Raises:
            PackageRefused: the network fails, takes too long or too much memory, or gives another
                shape than declared.
        """

    def close(self) -> None:
        """Let go of what it holds; it is not called again."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What a machine has for engines beside ONNX Runtime.

    Attributes:
        weights: The folder with weights of libraries; None where there is none.
        python: The interpreter in whose environment such a library lives; None for this one.
    """

    weights: Path | None = None
    python: Path | None = None


ONNX_ONLY: Final = Engines()
"""A machine that has nothing beside ONNX Runtime."""
