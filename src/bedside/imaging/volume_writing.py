"""A mask or a probability to a NIfTI-1 file that lies where its volume lies.

sform and qform both say the affine, with one code; where a quaternion cannot (shear, or a turn so
near to half a turn that readers lose it), the qform's code is 0. Nothing of time, machine or person
is written, so that equal arguments give equal bytes (of a packed file: on one build of zlib).
Source: NIfTI-1.1, nifti1.h.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from itertools import product
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.nifti.placing import rotation_of
from bedside.imaging.volume import Affine

StoredAs: TypeAlias = Literal["uint8", "uint16", "float32"]

Written: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]

_CODES: Final[Mapping[str, int]] = MappingProxyType(
    {"scanner": 1, "aligned": 2, "talairach": 3, "mni": 4, "template": 5}
)
_KINDS: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {"uint8": (2, "<u1"), "uint16": (512, "<u2"), "float32": (16, "<f4")}
)
_STEPS: Final = 65_535
_MILLIMETRES: Final = 2
_OFFSET: Final = 352
_LONGEST_SIDE: Final = 2**15 - 1
_PIECE: Final = 2**20
_LEVEL: Final = 1
"""Of deflate; masks are small at any level, and higher ones take many times as long."""

_GZIP_HEAD: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""No name, no time, no system. Source: RFC 1952, section 2.3."""

_OFF: Final = 5e-3
"""Millimetres by which qform and sform may differ."""

_ULPS: Final = tuple(product((-2, -1, 0, 1, 2), repeat=3))

_HEADER: Final = struct.Struct("<i35xB8h3fhhhh8f3fhBB4f8x80s24shh18f16s4s4x")


def nifti_bytes(
    values: Written,
    affine: Affine,
    *,
    frame: str = "scanner",
    stored: StoredAs | None = None,
    compressed: bool = True,
    description: str = "",
) -> bytes:
    """Return a NIfTI-1 file of `values`.

    Args:
        values: Along i, j, k: uint8 labels, or float32.
        affine: Voxel indices to RAS+ millimetres; written as binary32.
        frame: What its frame is called, as in `VolumeFacts.frame`; an unknown one is `aligned`.
        stored: None: as they are. `uint16`: probabilities from 0 to 1 in steps of 1/65,535 (by
            scl_slope), which takes a fraction of the bytes and of the time.
        compressed: Whether the file is packed with gzip (.nii.gz); otherwise it is a .nii.
        description: Up to 79 ASCII characters for the header; name nobody.

    Raises:
        UsageError: the values are of another kind, not finite, or outside 0 to 1 for `uint16`.
    """
    kind = stored or ("uint8" if values.dtype == np.uint8 else "float32")
    _check(values, kind)
    said = description.encode("ascii", "replace")[:79]
    head = _header(values.shape, affine, _CODES.get(frame, 2), kind, said)
    pieces = _pieces(values, kind)
    if not compressed:
        return b"".join((head, *pieces))
    return _packed(head, pieces)


def _check(values: Written, kind: StoredAs) -> None:
    if values.ndim != 3 or values.dtype not in (np.uint8, np.float32) or 0 in values.shape:
        raise UsageError(
            f"A NIfTI file is written of 3 axes of uint8 or float32, not {values.shape} of {values.dtype}."
        )
    if max(values.shape) > _LONGEST_SIDE:
        raise UsageError(f"NIfTI-1 has no axis of {max(values.shape)} voxels.")
    if kind != "float32" and (kind == "uint8") is not (values.dtype == np.uint8):
        raise UsageError(f"Values of {values.dtype} are not written as {kind}.")
    if kind == "uint16" and not (values.min() >= 0 and values.max() <= 1):
        raise UsageError(
            f"Probabilities lie from 0 to 1; these go from {values.min()} to {values.max()}."
        )
    if not np.isfinite(values).all():
        raise UsageError("Values that are not finite are not written.")


def _header(
    shape: tuple[int, ...], affine: Affine, code: int, kind: StoredAs, description: bytes
) -> bytes:
    datatype, form = _KINDS[kind]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    turned = affine[:3, :3] / spacing
    qfac = -1.0 if np.linalg.det(turned) < 0 else 1.0
    length = float(spacing @ shape)
    quaternion = _quaternion(turned * (1.0, 1.0, qfac), length)
    told = (0.0,) * 6 if quaternion is None else (*quaternion, *affine[:3, 3])
    intent = (1002, b"Labels") if kind == "uint8" else (0, b"")
    return _HEADER.pack(
        348, 0, 3, *shape, 1, 1, 1, 1, 0.0, 0.0, 0.0, intent[0],
        datatype, 8 * np.dtype(form).itemsize, 0, qfac, *spacing, 1.0, 1.0, 1.0, 1.0,
        float(_OFFSET), 1 / _STEPS if kind == "uint16" else 1.0, 0.0, 0, 0, _MILLIMETRES,
        0.0, 0.0, 0.0, 0.0, description, b"", code if quaternion else 0, code,
        *told, *affine[:3].ravel(), intent[1], b"n+1\0",
    )  # fmt: skip


def _quaternion(rotation: NDArray[np.float64], length: float) -> tuple[float, float, float] | None:
    """Return b, c and d of a rotation, with a ≥ 0; None where readers would lose it.

    Args:
        rotation: 3 × 3; perhaps sheared, which no quaternion says.
        length: Millimetres over which it may be off by `_OFF`.

    A reader computes a from their squares, which near half a turn leaves it three digits: of the
    binary32 numbers around b, c and d those are taken that give a best. Some readers take a square
    below 4e-7 for 0.

    Source: the eigenvector of Bar-Itzhack's matrix (J. Guidance, 2000), exact for a rotation and
    the nearest one for what rounding made of it.
    """
    xx, yx, zx, xy, yy, zy, xz, yz, zz = rotation.ravel()
    matrix = np.array(
        [
            [xx - yy - zz, 0, 0, 0],
            [yx + xy, yy - xx - zz, 0, 0],
            [zx + xz, zy + yz, zz - xx - yy, 0],
            [yz - zy, zx - xz, xy - yx, xx + yy + zz],
        ]
    )
    found = np.linalg.eigh(matrix / 3)[1][:, -1]
    exact = found * (-1.0 if found[3] < 0 else 1.0)
    near = exact[:3].astype(np.float32) + np.array(_ULPS) * np.spacing(exact[:3].astype(np.float32))
    a = np.sqrt(np.clip(1 - (near**2).sum(axis=1), 0, None))
    best = int(np.argmin(((np.column_stack((near, a)) - exact) ** 2).sum(axis=1)))
    b, c, d = (float(one) for one in near[best])
    read = (float(a[best]), 0.0 if a[best] ** 2 < 4e-7 else float(a[best]))
    off = max(float(np.abs(rotation_of(one, b, c, d) - rotation).max()) for one in read)
    return None if off * length > _OFF else (b, c, d)


def _pieces(values: Written, kind: StoredAs) -> Iterator[bytes]:
    """Yield the voxels as they are stored, i fastest, some planes at a time."""
    form = _KINDS[kind][1]
    planes = max(1, _PIECE // (values.shape[0] * values.shape[1]))
    for first in range(0, values.shape[2], planes):
        part = values[:, :, first : first + planes]
        if kind == "uint16":
            part = np.rint(part.astype(np.float64) * _STEPS)
        yield part.astype(form).tobytes(order="F")


def _packed(head: bytes, pieces: Iterator[bytes]) -> bytes:
    """Return a gzip file. Source: RFC 1952."""
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    crc, size, out = zlib.crc32(head), len(head), [_GZIP_HEAD, packing.compress(head)]
    for piece in pieces:
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        out.append(packing.compress(piece))
    out += (packing.flush(), struct.pack("<II", crc, size & 0xFFFFFFFF))
    return b"".join(out)
