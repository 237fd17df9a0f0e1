"""What a volume package says of its network: what it takes, and whether it sees all at once."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from bedside.package.fields import Binary32, Frozen
from bedside.package.networks import Network
from bedside.package.volume_operations import NetworkShape

MOST_MEMORY: Final = 2**36


class WholeInference(Frozen):
    """The network sees the whole volume at once.

    Attributes:
        shape: Voxels along the three axes of what it takes; None takes any.
    """

    mode: Literal["whole"] = "whole"
    version: Literal[1] = 1
    shape: NetworkShape | None


class SlidingInference(Frozen):
    """The network sees one window after another; where they overlap, scores are averaged.

    Attributes:
        patch: Voxels along the three axes of a window.
        overlap: Share of a window's side that the next one covers again, at most.
        weights: How much a voxel counts: the same everywhere, or less towards a window's faces.
        sigma: Standard deviation of the Gaussian, as a share of the window's side.
        pad: What surrounds a volume that is smaller than a window.
    """

    mode: Literal["sliding"] = "sliding"
    version: Literal[1] = 1
    patch: NetworkShape
    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.25
    weights: Literal["gaussian", "uniform"] = "gaussian"
    sigma: Annotated[float, Field(ge=0.01, le=1)] = 0.125
    pad: Binary32 = 0.0


Inference: TypeAlias = Annotated[WholeInference | SlidingInference, Field(discriminator="mode")]


class VolumeModel(Network):
    """A network that takes volumes, 1 × channels × i × j × k.

    Attributes:
        channels: Of its input.
        inference: Whole, or window by window.
        memory: Most bytes that one run took when it was frozen; None where nobody measured it.
    """

    channels: Literal[1] = 1
    inference: Inference
    memory: Annotated[int, Field(ge=1, le=MOST_MEMORY)] | None = None
