"""One 3-D image as it was read, where it lies in the room, and how large it may be.

One convention in the whole house: an affine takes voxel indices (i, j, k) to millimetres in the
scanner's RAS+ frame (x to the patient's right, y to the front, z to the head), as NIfTI does
(NIfTI-1 standard, "3D image orientation"). DICOM's LPS is turned into it once, where a DICOM object
is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError

VolumeMedium: TypeAlias = Literal["nifti", "dicom-series", "dicom-enhanced"]

Affine: TypeAlias = NDArray[np.float64]
"""4 × 4, voxel indices to millimetres, RAS+."""

Voxels: TypeAlias = NDArray[np.float32]
"""Along i, j, k; in memory in any order."""

MOST_VOXELS: Final = 64 * 2**20
"""512 × 512 × 256; 256 MiB as values."""

MOST_VOLUME_BYTES: Final = 512 * 2**20
"""Of one file, or of all slices together; the largest volume in 64-bit floats."""

MOST_SLICES: Final = 4_096
"""Frames or files of one series."""

MOST_VOLUME_SIDE: Final = 2_048
"""Voxels along one axis."""


@dataclass(frozen=True, slots=True)
class VolumeLimits:
    """How large a volume may be; everything here is checked before memory is taken.

    Attributes:
        file_bytes: Largest file, or all files of a series together.
        inflated_bytes: Most that a compressed file may inflate to.
        voxels: Most voxels of one volume.
        side: Most voxels along one axis.
        slices: Most files or frames of one series.
    """

    file_bytes: int = MOST_VOLUME_BYTES
    inflated_bytes: int = MOST_VOLUME_BYTES + 2**20
    voxels: int = MOST_VOXELS
    side: int = MOST_VOLUME_SIDE
    slices: int = MOST_SLICES

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.voxels > MOST_VOXELS:
            raise UsageError(f"voxels is {self.voxels}; no volume has more than {MOST_VOXELS}.")


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """What the files say of a volume; None where they say nothing.

    Attributes:
        medium: Kind of file, told from its bytes.
        digest: `sha256:` and 64 digits over the bytes that were read: of a file, or over the sorted
            digests of a series' files, so that the order in which they came means nothing.
        modality: DICOM Modality (0008,0060), such as MR; NIfTI says none.
        body_part: Body Part Examined (0018,0015).
        study: Study Instance UID.
        series: Series Instance UID.
        frame_of_reference: Frame of Reference UID.
        frame: What the affine's frame is called: `scanner`, `aligned`, `talairach`, `mni`, `template` or
            `unknown` (NIfTI's sform and qform codes); `scanner` for DICOM.
        stored: How a value was stored, such as `int16`.
        syntax: How the pixels were written, in words: `NIfTI-1`, `NIfTI-2`, or the DICOM syntax.
        notes: What had to be decided in reading, each a code and words, such as
            ("sform-over-qform", "…"); the answer carries them as flags.
    """

    medium: VolumeMedium
    digest: str
    modality: str | None = None
    body_part: str | None = None
    study: str | None = None
    series: str | None = None
    frame_of_reference: str | None = None
    frame: str = "scanner"
    stored: str = ""
    syntax: str = ""
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """One 3-D image, read-only.

    Attributes:
        values: float32 along (i, j, k), after rescale, without NaN or infinity.
        affine: Voxel indices to millimetres, RAS+; its 3 × 3 part can be inverted.
        facts: What the files say.
    """

    values: Voxels
    affine: Affine
    facts: VolumeFacts

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.dtype != np.float32:
            raise UsageError(
                f"A volume has three axes of float32; this has {self.values.shape} of "
                f"{self.values.dtype}."
            )
        if self.affine.shape != (4, 4) or not np.isfinite(self.affine).all():
            raise UsageError(f"An affine is 4 × 4 finite numbers; this is {self.affine.tolist()}.")
        self.values.flags.writeable = False
        self.affine.flags.writeable = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along i, j, k."""
        i, j, k = self.values.shape
        return i, j, k

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres from one voxel to the next along i, j, k."""
        i, j, k = (float(one) for one in np.linalg.norm(self.affine[:3, :3], axis=0))
        return i, j, k

    @property
    def voxel_millilitres(self) -> float:
        """Volume of one voxel in mL, by the determinant, so that shear is counted."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0
