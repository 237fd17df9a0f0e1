"""A MeshNet as a value: dilated 3-D convolutions in a row, nothing beside them.

Sources: Fedorov et al., "End-to-end learning of brain tissue segmentation from imperfect labeling"
(2017); the layer lists of brainchop, whose names ending in `_gn` ask for a normalisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Activation: TypeAlias = Literal["linear", "relu", "elu", "gelu"]
"""`gelu` is the exact one, x · Φ(x); `elu` has α = 1."""

ACTIVATIONS: Final[tuple[str, ...]] = get_args(Activation)

NORMALISED: Final = "_gn"
"""How the name of a convolution ends that is followed by a normalisation."""

EPSILON: Final = 1e-5
"""Added to the variance of a channel before its root is taken."""

Kernel: TypeAlias = NDArray[np.float32]
"""Along the three axes, then input channels, then output channels (Keras, channels last)."""


@dataclass(frozen=True, slots=True, eq=False)
class MeshLayer:
    """One convolution with `same` padding by zeros, and what follows it.

    Attributes:
        name: As the layer list calls it.
        kernel: Odd sides; kernel sides × input channels × output channels.
        bias: One number an output channel, or None.
        dilation: Voxels from one tap to the next along the three axes.
        normalised: Whether each channel then has its mean over the whole volume taken away and is
            divided by the root of its variance plus `EPSILON`.
        activation: What comes last.
    """

    name: str
    kernel: Kernel
    bias: NDArray[np.float32] | None
    dilation: tuple[int, int, int]
    normalised: bool
    activation: Activation

    @property
    def takes(self) -> int:
        """Number of input channels."""
        return int(self.kernel.shape[3])

    @property
    def gives(self) -> int:
        """Number of output channels."""
        return int(self.kernel.shape[4])

    @property
    def reach(self) -> tuple[int, int, int]:
        """Voxels to each side that an output voxel sees, along the three axes."""
        one, two, three = (
            step * (side // 2)
            for step, side in zip(self.dilation, self.kernel.shape[:3], strict=True)
        )
        return one, two, three


@dataclass(frozen=True, slots=True, eq=False)
class MeshNet:
    """A whole network: one channel in, one channel a class out (before softmax).

    Attributes:
        shape: Voxels along the three axes of what it takes.
        layers: In order.
        digest: Over the layer list's bytes and the weights' bytes.
        made_by: The program that wrote the layer list, as it says.
    """

    shape: tuple[int, int, int]
    layers: tuple[MeshLayer, ...]
    digest: str
    made_by: str

    @property
    def classes(self) -> int:
        """Number of output channels."""
        return self.layers[-1].gives

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(
            one.kernel.size + (0 if one.bias is None else one.bias.size) for one in self.layers
        )

    @property
    def field(self) -> int:
        """Voxels along an axis that one output voxel sees; more where a layer is normalised."""
        return 1 + 2 * max(sum(one.reach[axis] for one in self.layers) for axis in range(3))
