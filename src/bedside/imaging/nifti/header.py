"""The header of a NIfTI-1 or NIfTI-2 file: what it promises, checked before a voxel is read.

Sources: NIfTI-1.1 (nifti1.h, "The header structure"), NIfTI-2 (nifti2.h).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_refusals import (
    check_shape,
    corrupt,
    four_dimensional,
    not_a_volume,
    unsupported,
)

SIZE_1: Final = 348
SIZE_2: Final = 540
LONGEST: Final = SIZE_2

_MAGIC_1, _PAIR_1, _PAIR_2 = b"n+1\0", b"ni1\0", b"ni2\0\r\n\x1a\n"
_MAGIC_2: Final = b"n+2\0\r\n\x1a\n"
_MOST_BEFORE: Final = 16 * 2**20
"""Most bytes before the voxels: the header and its extensions."""

_KINDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4",
        1024: "i8", 1280: "u8",
    }
)  # fmt: skip
_OTHERS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "unknown", 1: "single bits", 32: "complex numbers", 128: "red, green and blue",
        1536: "128-bit numbers", 1792: "complex numbers", 2048: "complex numbers",
        2304: "red, green, blue and transparency",
    }
)  # fmt: skip
_MILLIMETRES: Final[Mapping[int, float]] = MappingProxyType({0: 1.0, 1: 1000.0, 2: 1.0, 3: 1e-3})
_CONVERT: Final = "Convert it to one .nii or .nii.gz file of whole or real numbers."


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What a NIfTI header says.

    Attributes:
        version: 1 or 2.
        shape: Number of voxels along i, j, k.
        stored: How one voxel is stored, byte order included.
        offset: Bytes before the first voxel.
        slope: What a stored number is multiplied by; 0 or not finite means that nothing is done.
        intercept: What is added then.
        pixdim: pixdim[0…3]: qfac, and the spacing along i, j, k in the file's unit.
        unit: Millimetres in one of the file's unit.
        units: The code that it states for it; 0 states none.
        qform_code: What frame the quaternion leads to; 0 means that there is none.
        sform_code: The same for the matrix.
        quaternion: b, c, d and the offsets x, y, z.
        matrix: The three rows of the sform, 12 numbers.
    """

    version: Literal[1, 2]
    shape: tuple[int, int, int]
    stored: np.dtype[np.generic]
    offset: int
    slope: float
    intercept: float
    pixdim: tuple[float, ...]
    unit: float
    units: int
    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    matrix: tuple[float, ...]

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def bytes_in_all(self) -> int:
        """Bytes from the file's beginning to behind its last voxel."""
        return self.offset + self.voxels * self.stored.itemsize


@dataclass(frozen=True, slots=True)
class _Version:
    """Where the two versions keep their fields, as (place, kind) for `struct`."""

    number: Literal[1, 2]
    size: int
    dim: tuple[int, str]
    datatype: int
    pixdim: tuple[int, str]
    offset: tuple[int, str]
    scale: tuple[int, str]
    units: tuple[int, str]
    codes: tuple[int, str]
    forms: tuple[int, str]


_ONE: Final = _Version(
    1, SIZE_1, (40, "8h"), 70, (76, "4f"), (108, "f"), (112, "2f"), (123, "B"), (252, "2h"),
    (256, "18f"),
)  # fmt: skip
_TWO: Final = _Version(
    2, SIZE_2, (16, "8q"), 12, (104, "4d"), (168, "q"), (176, "2d"), (500, "i"), (344, "2i"),
    (352, "18d"),
)  # fmt: skip


def is_nifti(start: bytes) -> bool:
    """Return whether a file that begins so is NIfTI, or Analyze, which is refused by name."""
    return _order(start, SIZE_1) is not None or _order(start, SIZE_2) is not None


def header_of(start: bytes, limits: VolumeLimits) -> Header:
    """Return what a header says.

    Args:
        start: The first `LONGEST` bytes of the file, inflated; all of it where it is shorter.
        limits: How many voxels it may promise.

    Raises:
        VolumeRefused: it contradicts itself, promises too much, or is of a kind that is not read.
    """
    version, order = _version(start)
    shape = _shape(_taken(start, order, version.dim))
    check_shape(shape, limits)
    matrix = _taken(start, order, version.forms)
    units = int(_taken(start, order, version.units)[0]) & 7
    if units not in _MILLIMETRES:
        raise corrupt(f"its unit of length has the code {units}, which NIfTI does not have")
    slope, intercept = _taken(start, order, version.scale)
    qform_code, sform_code = _taken(start, order, version.codes)
    return Header(
        version=version.number,
        shape=shape,
        stored=_stored(_taken(start, order, (version.datatype, "2h")), order),
        offset=_offset(_taken(start, order, version.offset)[0], version),
        slope=slope,
        intercept=intercept,
        pixdim=_taken(start, order, version.pixdim),
        unit=_MILLIMETRES[units],
        units=units,
        qform_code=max(int(qform_code), 0),
        sform_code=max(int(sform_code), 0),
        quaternion=matrix[:6],
        matrix=matrix[6:],
    )


def _order(start: bytes, size: int) -> str | None:
    """Return the byte order in which a file begins with the size of its header."""
    for order in "<>":
        if start[:4] == struct.pack(f"{order}i", size):
            return order
    return None


def _version(start: bytes) -> tuple[_Version, str]:
    for version in (_ONE, _TWO):
        order = _order(start, version.size)
        if order is None:
            continue
        if len(start) < version.size:
            raise corrupt(f"its NIfTI header has {len(start)} bytes of {version.size}")
        _check_magic(start[344:348] if version is _ONE else start[4:12])
        return version, order
    raise not_a_volume("This is no NIfTI file", _CONVERT)


def _check_magic(magic: bytes) -> None:
    if magic in (_MAGIC_1, _MAGIC_2):
        return
    if magic in (_PAIR_1, _PAIR_2):
        raise unsupported("This is the header of a pair of files (.hdr and .img)", _CONVERT)
    if not magic.strip(b"\0 "):
        raise unsupported(
            "This is Analyze 7.5, which does not say which side is the patient's left", _CONVERT
        )
    raise corrupt(f"its NIfTI header ends in {magic[:8]!r}")


def _taken(start: bytes, order: str, field: tuple[int, str]) -> tuple[float, ...]:
    return struct.unpack_from(order + field[1], start, field[0])


def _shape(dim: tuple[float, ...]) -> tuple[int, int, int]:
    count, *sides = (int(one) for one in dim)
    told = " × ".join(str(side) for side in sides[: max(min(count, 7), 0)])
    if not 1 <= count <= 7:
        raise corrupt(f"its NIfTI header says that it has {count} axes")
    if count < 3:
        raise not_a_volume(f"This NIfTI file has {told} pixels", "Send all slices in one file.")
    if any(side < 1 for side in sides[:count]):
        raise corrupt(f"it has {told} voxels")
    if any(side > 1 for side in sides[3:count]):
        raise four_dimensional(f"The NIfTI file has {told} values: more than one volume")
    i, j, k = sides[:3]
    return i, j, k


def _stored(kind: tuple[float, ...], order: str) -> np.dtype[np.generic]:
    code, bits = (int(one) for one in kind)
    if code not in _KINDS:
        raise unsupported(
            f"The voxels are stored as {_OTHERS.get(code, 'something unknown')} (datatype {code})",
            _CONVERT,
        )
    stored = np.dtype(order + _KINDS[code])
    if bits != 8 * stored.itemsize:
        raise corrupt(f"its datatype {code} has {8 * stored.itemsize} bits, and bitpix says {bits}")
    return stored


def _offset(said: float, version: _Version) -> int:
    least = version.size + 4
    if not math.isfinite(said) or said != int(said) or not 0 <= said <= _MOST_BEFORE:
        raise corrupt(f"its voxels begin at byte {said}")
    if said and said < least:
        raise corrupt(f"its voxels begin at byte {int(said)}, inside its header")
    return int(said) or least
