"""A NIfTI-1 or NIfTI-2 file, packed with gzip or not, to a volume.

The header is read first; the voxels are then inflated piece by piece straight into the volume, so
that no more than the volume and one piece are in memory. A packed file may not go on after its last
voxel, so that nothing can grow beyond what its header promised.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bedside.imaging.files import GivenFile
from bedside.imaging.nifti.gzip_stream import GZIP, WITH_GZIP, Stream
from bedside.imaging.nifti.header import LONGEST, Header, header_of, is_nifti
from bedside.imaging.nifti.placing import placed
from bedside.imaging.volume import Volume, VolumeFacts, VolumeLimits
from bedside.imaging.volume_checks import Note, checked_affine, not_finite, without_gaps
from bedside.imaging.volume_refusals import corrupt, too_large

_PIECE: Final = 2**18
"""Voxels at a time: they and what is made of them stay in the processor's cache."""

_START, _LONG_START = 2**11, 2**17
_EXACT: Final = 2**24
"""The largest whole number up to which binary32 holds all."""

_MOST_DEFLATED: Final = 1032
"""No deflate stream grows more than this many times. Source: RFC 1951, section 3.2.5."""


def beginning(file: GivenFile) -> bytes:
    """Return the first bytes of a file, as many as tell what it is.

    Of a gzip file they are more: its header may hold a long name before the first packed byte.

    Raises:
        NotFound: it is there no more.
        VolumeRefused: it is an entry of a zip that is damaged.
    """
    start = file.start(_START)
    return file.start(_LONG_START) if start.startswith(GZIP) else start


def looks_like_nifti(start: bytes) -> bool:
    """Return whether a file that begins so is NIfTI, packed or not; a hundred bytes are enough."""
    if not start.startswith(GZIP):
        return is_nifti(start)
    try:
        return is_nifti(zlib.decompressobj(WITH_GZIP).decompress(start, 4))
    except zlib.error:
        return False


def read_nifti(file: GivenFile, limits: VolumeLimits, *, sheared: bool = False) -> Volume:
    """Return the volume in a .nii or .nii.gz file.

    Values are `slope × stored + intercept` in double precision, then float32; a slope of 0, or one
    that is not finite, means the stored numbers themselves.

    Args:
        file: The file.
        limits: How large it may be.
        sheared: Whether an affine whose axes are not at right angles is let through.

    Raises:
        VolumeRefused: it cannot be read safely and exactly; `code` says why.
    """
    if file.size > limits.file_bytes:
        raise too_large(f"{file.size} bytes", f"{limits.file_bytes}")
    digest = hashlib.sha256()
    with file.opened() as source:
        stream = Stream(source, digest)
        start = stream.read(LONGEST)
        header = header_of(start, limits)
        _check_size(header, file.size, limits, packed=stream.packed)
        affine, frame, notes = placed(header)
        notes += checked_affine(affine, sheared=sheared)
        stream.pushed_back(start)
        stream.skip(header.offset)
        values, more = _values(stream, header)
        stream.finish()
    facts = VolumeFacts(
        medium="nifti",
        digest=f"sha256:{digest.hexdigest()}",
        frame=frame,
        stored=header.stored.newbyteorder("=").name,
        syntax=f"NIfTI-{header.version}",
        notes=(*notes, *more),
    )
    return Volume(values.reshape(header.shape, order="F"), affine, facts)


def _check_size(header: Header, size: int, limits: VolumeLimits, *, packed: bool) -> None:
    """Hold what the header promises against what the file can hold."""
    promised = header.bytes_in_all
    if promised > limits.inflated_bytes:
        raise too_large(f"{promised} bytes", f"{limits.inflated_bytes}")
    if promised > (size * _MOST_DEFLATED if packed else size):
        raise corrupt(
            f"its header promises {promised} bytes, and {size} cannot hold them: it was cut"
        )


def _values(stream: Stream, header: Header) -> tuple[NDArray[np.float32], list[Note]]:
    """Return the values of all voxels, i fastest, and what was decided."""
    scale = _Scale(header)
    values = np.empty(header.voxels, dtype=np.float32)
    size = header.stored.itemsize
    for first in range(0, header.voxels, _PIECE):
        count = min(_PIECE, header.voxels - first)
        raw = stream.read(count * size)
        if len(raw) < count * size:
            raise corrupt(f"it ends after {first} of {header.voxels} voxels: it was cut")
        values[first : first + count] = scale.applied(np.frombuffer(raw, header.stored))
    return values, scale.notes + without_gaps(values, scale.missing)


class _Scale:
    """The file's rescale, and what it met on its way.

    Attributes:
        missing: Voxels that are not a number.
        notes: What was decided.
    """

    def __init__(self, header: Header) -> None:
        self._slope, self._intercept = header.slope, header.intercept
        self._plain = self._slope == 0 or not np.isfinite(self._slope)
        self._largest = 0.0
        self.missing = 0
        self._ignored = not np.isfinite(self._slope)
        if not self._plain and not np.isfinite(self._intercept):
            raise corrupt(f"its scl_inter is {self._intercept}")
        self._plain = self._plain or (self._slope, self._intercept) == (1.0, 0.0)
        self._wide = header.stored.itemsize >= 4 and header.stored.kind in "iu"

    @property
    def notes(self) -> list[Note]:
        """What was decided."""
        found = list[Note]()
        if self._ignored:
            found.append(("slope-ignored", f"scl_slope is {self._slope}; stored values are used"))
        if self._largest > _EXACT:
            found.append(("rounded", f"values up to {self._largest:g} are rounded to 24 bits"))
        return found

    def applied(self, stored: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the values of some voxels.

        Raises:
            VolumeRefused: one of them is infinite.
        """
        if self._wide:
            self._largest = max(self._largest, float(np.abs(stored.astype(np.float64)).max()))
        with np.errstate(over="ignore", invalid="ignore"):
            if self._plain:
                values = stored.astype(np.float32)
            else:
                values = (stored.astype(np.float64) * self._slope + self._intercept).astype(
                    np.float32
                )
        if stored.dtype.kind == "f" or not self._plain:
            self._count(values)
        return values

    def _count(self, values: NDArray[np.float32]) -> None:
        if np.isfinite(values).all():
            return
        if np.isinf(values).any():
            raise not_finite("at least one is infinite, or too large for binary32")
        self.missing += int(np.isnan(values).sum())
