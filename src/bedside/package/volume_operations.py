"""Declared preprocessing of a volume: a short, closed list of operations with numbers, no code.

First the geometry, then the values, then at most one change of the axes' order just before the
network. `runtime.volume_preprocess` carries them out; `docs/spec/package.md`, section 13, defines
each one exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from bedside.errors import PackageDamaged
from bedside.package.fields import LARGEST_BINARY32, SMALLEST_BINARY32, Binary32, Frozen

MAX_VOLUME_OPERATIONS: Final = 16

NetworkVoxels: TypeAlias = Annotated[int, Field(ge=1, le=1_024)]
"""Voxels along one axis of what the network gets."""

Shape: TypeAlias = tuple[int, int, int]
NetworkShape: TypeAlias = tuple[NetworkVoxels, NetworkVoxels, NetworkVoxels]
VoxelSpacing: TypeAlias = Annotated[float, Field(ge=0.05, le=50)]
Interpolation: TypeAlias = Literal["nearest", "linear", "cubic"]

PATIENT_AXES: Final[Mapping[str, int]] = MappingProxyType(
    {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}
)
"""Which of the patient's axes a letter of an orientation names."""


def _oriented(code: str) -> str:
    """Check that a code names each of the patient's axes once, such as RAS or LIA."""
    if len(code) != 3 or {PATIENT_AXES.get(letter) for letter in code} != {0, 1, 2}:
        raise ValueError(
            f"{code[:20]!r} is no orientation; it must be three letters, one of R or L, one of A "
            "or P and one of S or I, in any order, such as 'RAS'"
        )
    return code


Orientation: TypeAlias = Annotated[str, AfterValidator(_oriented)]
"""What increases along i, j and k, as in nibabel: RAS is to the right, to the front, to the head."""


class Reorient(Frozen):
    """The axes in another order and direction, exactly, by the nearest of the patient's axes."""

    op: Literal["reorient"] = "reorient"
    version: Literal[1] = 1
    axes: Orientation


class Resample(Frozen):
    """To a stated spacing in mm along i, j, k.

    Attributes:
        spacing: mm from one voxel to the next.
        interpolation: Between voxels.
        antialias: Whether finer detail than the new spacing can hold is smoothed away first.
        anchor: `middle` keeps the middle of the field of view; `first` the centre of voxel (0, 0, 0).
        outside: `zero` or `edge`: what lies beyond the outer faces of the outer voxels.
    """

    op: Literal["resample"] = "resample"
    version: Literal[1] = 1
    spacing: tuple[VoxelSpacing, VoxelSpacing, VoxelSpacing]
    interpolation: Interpolation = "linear"
    antialias: bool = True
    anchor: Literal["middle", "first"] = "middle"
    outside: Literal["zero", "edge"] = "zero"


class Conform(Frozen):
    """Onto a cube of fixed size, spacing and orientation around the middle of the field of view.

    With its defaults the grid of FreeSurfer's `mri_convert --conform`.

    Attributes:
        side: Voxels along each axis.
        spacing: mm.
        axes: Orientation of the cube.
        interpolation: Between voxels.
        antialias: Whether finer detail than the new spacing can hold is smoothed away first.
    """

    op: Literal["conform"] = "conform"
    version: Literal[1] = 1
    side: NetworkVoxels = 256
    spacing: VoxelSpacing = 1.0
    axes: Orientation = "LIA"
    interpolation: Interpolation = "linear"
    antialias: bool = False


class CropForeground(Frozen):
    """The smallest box that holds every value greater than `above`, and `margin` voxels around."""

    op: Literal["crop_foreground"] = "crop_foreground"
    version: Literal[1] = 1
    above: Binary32 = 0.0
    margin: Annotated[int, Field(ge=0, le=256)] = 0


class CropOrPad(Frozen):
    """A fixed shape around the middle; what was not there gets `value`."""

    op: Literal["crop_or_pad"] = "crop_or_pad"
    version: Literal[1] = 1
    shape: NetworkShape
    value: Binary32 = 0.0


class PadToMultiple(Frozen):
    """Each side to the next multiple, around the middle; what was not there gets `value`."""

    op: Literal["pad_to_multiple"] = "pad_to_multiple"
    version: Literal[1] = 1
    multiple: NetworkShape
    value: Binary32 = 0.0


class EightBit(Frozen):
    """To whole numbers from 0 to 255, the brightest few cut off, as FreeSurfer's conform does.

    Attributes:
        share: How much of what is not 0 counts; what is brighter than that becomes 255.
    """

    op: Literal["eight_bit"] = "eight_bit"
    version: Literal[1] = 1
    share: Annotated[float, Field(gt=0, le=1)] = 0.999


class ClipValues(Frozen):
    """What lies below `low` or above `high` becomes `low` or `high`."""

    op: Literal["clip_values"] = "clip_values"
    version: Literal[1] = 1
    low: Binary32
    high: Binary32

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        _in_order(self.low, self.high)
        return self


class ScaleRange(Frozen):
    """A stated window: `from_low` … `from_high` onto `to_low` … `to_high`, clipped where asked."""

    op: Literal["scale_range"] = "scale_range"
    version: Literal[1] = 1
    from_low: Binary32
    from_high: Binary32
    to_low: Binary32 = 0.0
    to_high: Binary32 = 1.0
    clip: bool = True

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        for low, high in ((self.from_low, self.from_high), (self.to_low, self.to_high)):
            _in_order(low, high)
            if not SMALLEST_BINARY32 <= high - low <= LARGEST_BINARY32:
                raise ValueError(f"from {low} to {high} is no length that binary32 holds")
        return self


class MinimumMaximum(Frozen):
    """The smallest value of the volume becomes 0 and the largest 1; a flat volume becomes 0."""

    op: Literal["minimum_maximum"] = "minimum_maximum"
    version: Literal[1] = 1


class Percentiles(Frozen):
    """One percentile of all values becomes 0 and another 1, clipped where asked.

    Attributes:
        low: Percentile, 0 to 100.
        high: Percentile, 0 to 100.
        clip: Whether what lies beyond is cut to 0 and 1.
        of: All voxels, or those whose value is not 0.
    """

    op: Literal["percentiles"] = "percentiles"
    version: Literal[1] = 1
    low: Annotated[float, Field(ge=0, le=100)]
    high: Annotated[float, Field(ge=0, le=100)]
    clip: bool = True
    of: Literal["all", "non-zero"] = "all"

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        _in_order(self.low, self.high)
        return self


class ZScore(Frozen):
    """Less the mean, divided by the standard deviation (population), of the volume itself.

    With `non-zero`, both are of the values that are not 0, and a value of 0 stays 0.
    """

    op: Literal["z_score"] = "z_score"
    version: Literal[1] = 1
    of: Literal["all", "non-zero"] = "all"


class SubtractDivide(Frozen):
    """Less a stated number, divided by another."""

    op: Literal["subtract_divide"] = "subtract_divide"
    version: Literal[1] = 1
    subtract: Binary32
    divide: Binary32

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if abs(self.divide) < SMALLEST_BINARY32:
            raise ValueError(f"divides by {self.divide}, which is 0 or less than binary32 holds")
        return self


class Transpose(Frozen):
    """The axes of the array in another order for the network alone, undone on what it gives.

    Axis a of what the network gets is axis `order[a]` of what came before.
    """

    op: Literal["transpose"] = "transpose"
    version: Literal[1] = 1
    order: tuple[Literal[0, 1, 2], Literal[0, 1, 2], Literal[0, 1, 2]]

    @model_validator(mode="after")
    def _is_a_permutation(self) -> Self:
        if set(self.order) != {0, 1, 2}:
            raise ValueError(f"the order {list(self.order)} must name 0, 1 and 2, each once")
        return self


def _in_order(low: float, high: float) -> None:
    if not low < high:
        raise ValueError(f"{low} is not below {high}")


Geometry: TypeAlias = Reorient | Resample | Conform | CropForeground | CropOrPad | PadToMultiple
ValueOperation: TypeAlias = (
    EightBit | ClipValues | ScaleRange | MinimumMaximum | Percentiles | ZScore | SubtractDivide
)
VolumeOperation: TypeAlias = Geometry | ValueOperation | Transpose

_RANKS: Final = {
    "reorient": 0,
    "resample": 1,
    "conform": 1,
    "crop_foreground": 2,
    "crop_or_pad": 3,
    "pad_to_multiple": 4,
    "transpose": 6,
}
"""Where an operation may stand: each rank but the values' once, ranks never falling."""

_VALUES_RANK: Final = 5


def check_order(operations: Sequence[VolumeOperation]) -> None:
    """Check that the geometry comes first, each operation in its place, and a transpose last.

    Raises:
        PackageDamaged: too many operations, or one that stands where it may not; names it.
    """
    if len(operations) > MAX_VOLUME_OPERATIONS:
        raise PackageDamaged(
            f"The preprocessing has {len(operations)} operations; at most {MAX_VOLUME_OPERATIONS}."
        )
    before, name = -1, ""
    for position, operation in enumerate(operations):
        rank = _RANKS.get(operation.op, _VALUES_RANK)
        if rank < before or (rank == before and rank != _VALUES_RANK):
            raise PackageDamaged(
                f"The operation {operation.op!r} at place {position} stands after {name!r}; the "
                f"order is {', '.join(_RANKS)} with those of the values before transpose.",
                advice="resample and conform exclude each other, and each but those of the values "
                "stands at most once.",
            )
        before, name = rank, operation.op


def volume_shape(operations: Sequence[VolumeOperation]) -> Shape | None:
    """Return the shape that the operations give any volume; None where it depends on the volume.

    Raises:
        PackageDamaged: the operations stand in another order than they may.
    """
    check_order(operations)
    shape: Shape | None = None
    for operation in operations:
        match operation:
            case Conform():
                shape = (operation.side, operation.side, operation.side)
            case CropForeground():
                shape = None
            case CropOrPad():
                shape = operation.shape
            case PadToMultiple() if shape is not None:
                shape = multiples(shape, operation.multiple)
            case Transpose() if shape is not None:
                first, second, third = operation.order
                shape = shape[first], shape[second], shape[third]
    return shape


def multiples(shape: Shape, multiple: Shape) -> Shape:
    """Return the smallest shape of multiples that holds `shape`."""
    i, j, k = (-(-side // step) * step for side, step in zip(shape, multiple, strict=True))
    return i, j, k


def told_sides(shape: Shape) -> str:
    """Return a shape in words."""
    return " × ".join(map(str, shape))
