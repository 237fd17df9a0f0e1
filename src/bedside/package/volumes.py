"""The declared domain of a model that reads one 3-D volume: what it may be, and how large.

Everything here is a frozen value. `runtime.volume_gate` judges a volume by it;
`docs/spec/package.md`, section 13, says exactly how.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from bedside.package.fields import Frozen, absent
from bedside.package.images import CROWD, CodeString, Share

MOST_SIDE: Final = 2_048
"""Voxels along one axis; more than any scanner writes."""

MOST_VOXELS: Final = 64 * 2**20
"""Voxels of one volume: 256 MiB of values."""

THUMBNAIL_SIDES: Final = (4, 24)
"""Smallest and largest side of a reference: too coarse for anybody to be recognised in a mean."""

MOST_REFERENCES: Final = 8

VolumeMedium: TypeAlias = Literal["nifti", "dicom-series", "dicom-enhanced"]
Millimetres: TypeAlias = Annotated[float, Field(gt=0, le=2_000)]
VoxelCount: TypeAlias = Annotated[int, Field(ge=1, le=MOST_SIDE)]


class MillimetreRange(Frozen):
    """Smallest and largest length in mm, both included."""

    minimum: Millimetres
    maximum: Millimetres

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} mm is above maximum {self.maximum} mm")
        return self


class VoxelRange(Frozen):
    """Smallest and largest number of voxels along one axis, both included."""

    minimum: VoxelCount
    maximum: VoxelCount

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class FieldOfView(Frozen):
    """How far a volume reaches along the patient's axes, in mm.

    Of an oblique volume, each of its own axes counts as the patient's axis that is nearest.

    Attributes:
        left_right: Along the patient's x axis.
        back_front: Along the patient's y axis.
        foot_head: Along the patient's z axis.
    """

    left_right: MillimetreRange
    back_front: MillimetreRange
    foot_head: MillimetreRange


class VolumeIntensity(Frozen):
    """What a volume's values must show, whatever their scale.

    Attributes:
        levels: Fewest different values, on 65,536 steps from the smallest to the largest.
        most_at_one_level: Largest share of all voxels that may have one and the same step; the
            air around a head is often exactly 0.
        least_continuity: Smallest correlation of neighbouring voxels, along the axis where it is
            largest. Noise has about 0, a scan 0.8 and more.
    """

    levels: Annotated[int, Field(ge=2, le=65_536)] = 32
    most_at_one_level: Share = 0.98
    least_continuity: Annotated[float, Field(ge=0, lt=1)] = 0.5


class VolumeLikeness(Frozen):
    """How the volumes of the domain look on a coarse grid, and how near a new one must come.

    The grid is centred on the head. The nearness is the largest of Pearson's correlations between
    the volume's own thumbnail and the references; 1 less that is the out-of-domain score.

    Attributes:
        side: Thumbnails have side × side × side numbers.
        references: Mean thumbnails of volumes, one for each contrast, along i, j, k of RAS+ in C
            order, each of mean 0 and standard deviation 1.
        volumes: How many volumes the means were taken of.
        minimum: Smallest correlation of a volume that is of the domain.
        otherwise: What happens to any other: it is refused, or answered with a flag.
        refuse_below: Where any other is flagged: what is less alike than this is refused all the same.
    """

    version: Literal[1] = 1
    side: Annotated[int, Field(ge=THUMBNAIL_SIDES[0], le=THUMBNAIL_SIDES[1])]
    references: Annotated[
        tuple[tuple[float, ...], ...], Field(min_length=1, max_length=MOST_REFERENCES)
    ]
    volumes: Annotated[int, Field(ge=CROWD)]
    minimum: Annotated[float, Field(gt=0, lt=1)]
    otherwise: Literal["refuse", "flag"] = "refuse"
    refuse_below: Annotated[float | None, Field(gt=0, lt=1, exclude_if=absent)] = None

    @model_validator(mode="after")
    def _refuses_what_it_would_flag(self) -> Self:
        least = self.refuse_below
        if least is not None and not (self.otherwise == "flag" and least < self.minimum):
            raise ValueError(
                f"likeness: refuse_below {least} is for what is flagged, and below the minimum "
                f"{self.minimum}"
            )
        return self

    @model_validator(mode="after")
    def _references_are_standardised(self) -> Self:
        for reference in self.references:
            if len(reference) != self.side**3:
                raise ValueError(
                    f"likeness: a reference has {len(reference)} numbers; with side {self.side} it "
                    f"must have {self.side**3}"
                )
            mean = sum(reference) / len(reference)
            variance = sum((value - mean) ** 2 for value in reference) / len(reference)
            if abs(mean) > 1e-6 or abs(variance - 1) > 1e-6:
                raise ValueError(
                    f"likeness: a reference has mean {mean:.3g} and variance {variance:.6g}; "
                    "they must be 0 and 1"
                )
        return self


class VolumeDomain(Frozen):
    """What an author says of the volumes: everything but how they look.

    Attributes:
        media: Kinds of file that are read.
        modalities: DICOM modalities that are of the domain, such as MR.
        body_parts: Values of Body Part Examined that are of the domain; empty accepts any.
        unstated: What happens when neither the header nor the sender says one of these. NIfTI
            files say neither.
        spacing: From one voxel to the next, along each axis.
        field_of_view: How far the volume reaches along each of the patient's axes.
        sides: Voxels along each axis.
        most_voxels: Most voxels in all; refused from the header, before memory is taken.
        most_anisotropic: Largest ratio of the widest spacing to the narrowest.
        intensity: What the values must show.
    """

    media: Annotated[tuple[VolumeMedium, ...], Field(min_length=1)]
    modalities: Annotated[tuple[CodeString, ...], Field(min_length=1, max_length=64)]
    body_parts: Annotated[tuple[CodeString, ...], Field(max_length=64)] = ()
    unstated: Literal["refuse", "flag", "allow"] = "flag"
    spacing: MillimetreRange
    field_of_view: FieldOfView
    sides: VoxelRange
    most_voxels: Annotated[int, Field(ge=1, le=MOST_VOXELS)]
    most_anisotropic: Annotated[float, Field(ge=1, le=1_000)] = 10.0
    intensity: VolumeIntensity = VolumeIntensity()

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        for name in ("media", "modalities", "body_parts"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names one value twice: {list(values)}")
        return self


class VolumeInput(VolumeDomain):
    """One 3-D volume: a NIfTI file, the slices of a DICOM series, or an enhanced DICOM object."""

    kind: Literal["volume"] = "volume"
    likeness: VolumeLikeness | None = None
