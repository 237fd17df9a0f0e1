"""A set of DICOM files to one volume: every header is read, one series is chosen, its planes gathered.

Files are read one at a time and twice: for their headers, and, of the chosen series, for their
pixels; what the headers say is held against each other, should a file change in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from bedside.canonical import digest
from bedside.errors import PictureRefused
from bedside.imaging.choice import Choice
from bedside.imaging.dicom.choosing import chosen
from bedside.imaging.dicom.enhanced import frame_count, groups_of, planes_of
from bedside.imaging.dicom.header import Header
from bedside.imaging.dicom.part10 import is_dicom, open_file
from bedside.imaging.dicom.planes import FUNCTIONAL_GROUPS, Origin, Plane, origin_of, plane_of
from bedside.imaging.dicom.series import Series, series_of
from bedside.imaging.dicom.syntaxes import TransferSyntax
from bedside.imaging.dicom.volume_pixels import decoded, frames, put, volume_layout
from bedside.imaging.files import FileSet
from bedside.imaging.picture import PictureLimits
from bedside.imaging.volume import Volume, VolumeFacts, VolumeLimits
from bedside.imaging.volume_checks import Note, checked_affine
from bedside.imaging.volume_refusals import check_shape, corrupt, in_file, not_a_volume, too_large

_PREFIX: Final = 132
_ENHANCED: Final = (
    "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4",
    "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.128.1",
)  # fmt: skip
"""Enhanced and legacy converted enhanced CT, MR and PET. Source: PS3.6, table A-1."""

_SOP_CLASS, _PRESENTATION = 0x00080016, 0x00089205
_MOST_ELEMENTS: Final = 500_000
"""Steps through one file's elements, some more than a second. An element of an item without a
length takes two, one to pass over it and one to read it: 4,096 frames of some 60 elements."""

_MOST_HEADER: Final = 32 * 2**20
"""8 KiB for each of 4,096 frames."""

_ELEMENTS_EACH: Final = 600
"""On average over all files: a slice has 150 to 400."""

_MOST_OBJECTS: Final = 16
"""So many of the largest multi-frame objects may lie in one set of files, or more smaller ones."""


@dataclass(slots=True)
class _Found:
    """What was found on the way through the headers.

    Attributes:
        left: Data elements that may still be walked through.
        bytes_left: To how many bytes deflated files may still inflate, all together.
        planes_left: How many slices and frames there may still be.
        skipped: Files that are no DICOM objects with pixels of a patient.
    """

    left: int
    bytes_left: int
    planes_left: int
    skipped: int = 0


def find_series(files: FileSet, limits: VolumeLimits) -> tuple[tuple[Series, ...], int]:
    """Return the stacks in a set of files, and how many of its files are something else.

    Raises:
        VolumeRefused: a DICOM file is damaged, too large or in a syntax that is not read.
    """
    count = len(files.files)
    found = _Found(
        left=_MOST_ELEMENTS + _ELEMENTS_EACH * count,
        bytes_left=limits.inflated_bytes,
        planes_left=_MOST_OBJECTS * limits.slices + count,
    )
    return series_of(_planes(files, limits, found)), found.skipped


def read_dicom_volume(files: FileSet, limits: VolumeLimits, choice: Choice) -> Volume:
    """Return the volume of the chosen series: values after rescale, along column, row, plane.

    Args:
        files: All files that came, of any number of series.
        limits: How large the volume may be.
        choice: Which series, and whether a sheared one.

    Raises:
        VolumeRefused: it cannot be read safely and exactly; `code` says why.
    """
    found, skipped = find_series(files, limits)
    if not found:
        raise not_a_volume(
            "There is no DICOM object with pixels", "Send all DICOM files of a series."
        )
    series, left_out = chosen(found, choice)
    stack, origin = series.stack, series.origin
    shape = (origin.columns, origin.rows, len(stack.planes))
    _check_size(files, series, shape, limits)
    notes = checked_affine(stack.affine, sheared=choice.sheared)
    if left_out:
        notes.append(("series-chosen", left_out))
    if skipped:
        notes.append(("other-files-skipped", f"{skipped} files are no images and were left out"))
    if origin.is_localizer:
        notes.append(("localizer", "the series is a localizer"))
    return _Gathering(files, limits, series).volume(notes)


def _check_size(
    files: FileSet, series: Series, shape: tuple[int, int, int], limits: VolumeLimits
) -> None:
    if len(series.planes) > limits.slices:
        raise too_large(f"{len(series.planes)} slices", f"{limits.slices}")
    check_shape(shape, limits)
    size = sum(files.files[number].size for number in {plane.file for plane in series.planes})
    if size > limits.file_bytes:
        raise too_large(f"{size} bytes in its files", f"{limits.file_bytes}")


def _planes(files: FileSet, limits: VolumeLimits, found: _Found) -> Iterator[tuple[Origin, Plane]]:
    for number, file in enumerate(files.files):
        if not is_dicom(file.start(_PREFIX)):
            found.skipped += 1
            continue
        if file.size > limits.file_bytes:
            raise too_large(f"a file of {file.size} bytes", f"{limits.file_bytes}")
        try:
            most = min(_MOST_ELEMENTS, found.left)
            most_bytes = _picture_limits(limits, max(found.bytes_left, 1))
            header, syntax = open_file(file.read(), most_bytes, most)
            planes = list(_planes_in(header, number, limits.slices))
            found.left -= header.walk.count
            found.bytes_left -= len(header.data) if syntax.deflated else 0
            found.planes_left -= len(planes)
        except PictureRefused as refused:
            if refused.code != "not-a-picture":
                raise in_file(refused, files.place(number)) from refused
            found.skipped += 1
            continue
        if found.planes_left < 0:
            most = _MOST_OBJECTS * limits.slices
            raise too_large(f"more than {most} frames in all of its files", f"{most}")
        yield from planes


def _planes_in(header: Header, file: int, most: int) -> Iterator[tuple[Origin, Plane]]:
    """Yield the planes of one object."""
    if _is_enhanced(header):
        yield from planes_of(header, file, most)
        return
    count, plane = frame_count(header), plane_of(header, file)
    if count > 1:  # its one position cannot be that of every frame
        plane = Plane(file, 0, (), (), (), frames=count)
    yield origin_of(header), plane


def _is_enhanced(header: Header) -> bool:
    return any(tag in header for tag in FUNCTIONAL_GROUPS) or header.uid(_SOP_CLASS) in _ENHANCED


def _picture_limits(limits: VolumeLimits, inflated_bytes: int) -> PictureLimits:
    return PictureLimits(
        file_bytes=inflated_bytes,
        rows=limits.side,
        columns=limits.side,
        pixels=min(limits.voxels, limits.side**2),
        header_bytes=_MOST_HEADER,
    )


class _Gathering:
    """Reads the pixels of one series, file by file, into one array."""

    def __init__(self, files: FileSet, limits: VolumeLimits, series: Series) -> None:
        self._files, self._series = files, series
        self._limits = _picture_limits(limits, limits.inflated_bytes)
        self._most = limits.slices
        stack = series.stack
        self._affine = stack.affine
        self._places = {plane: place for place, plane in enumerate(stack.planes)}
        shape = (len(stack.planes), series.origin.rows, series.origin.columns)
        self._values = np.empty(shape, dtype=np.float32)
        self._padded = 0
        self._digests = list[str]()
        self._stored, self._syntax = "", ""
        self._coloured = False

    def volume(self, notes: list[Note]) -> Volume:
        """Return the volume, with `notes` and what reading the pixels adds to them.

        Raises:
            VolumeRefused: a file's pixels cannot be read, or it is not what it was.
        """
        planes = sorted(self._places, key=lambda plane: (plane.file, plane.frame))
        for number, group in groupby(planes, key=lambda plane: plane.file):
            try:
                self._read(number, list(group))
            except PictureRefused as refused:
                raise in_file(refused, self._files.place(number)) from refused
        notes += self._without_padding()
        if self._coloured:
            notes.append(("supplemental-colour", "some values may stand for colours, not for grey"))
        facts = self._facts(tuple(notes))
        return Volume(self._values.transpose(2, 1, 0), self._affine, facts)

    def _read(self, number: int, planes: list[Plane]) -> None:
        data = self._files.files[number].read()
        self._digests.append(digest(data))
        header, syntax = open_file(data, self._limits, _MOST_ELEMENTS)
        again = {plane for _, plane in _planes_in(header, number, self._most)}
        if not again.issuperset(planes):
            raise corrupt("a file changed while it was read")
        layout = volume_layout(header, self._limits)
        if (layout.rows, layout.columns) != self._values.shape[1:]:
            raise corrupt("a file changed while it was read")
        self._tell(syntax, f"{'int' if layout.signed else 'uint'}{layout.allocated}", header)
        wanted = [plane.frame for plane in planes]
        only = frames(header, syntax, layout, frame_count(header), wanted)
        rescales = self._rescales(header, wanted)
        for plane, frame, rescale in zip(planes, only, rescales, strict=True):
            numbers = decoded(frame, syntax, layout, self._limits)
            place = self._values[self._places[plane]]
            self._padded += put(place, numbers, header, rescale, layout)

    def _rescales(self, header: Header, wanted: list[int]) -> list[Header]:
        """Return where the rescale of each wanted frame stands."""
        if not _is_enhanced(header):
            return [header for _ in wanted]
        groups = list(groups_of(header, self._most))
        return [groups[frame].rescale for frame in wanted]

    def _tell(self, syntax: TransferSyntax, stored: str, header: Header) -> None:
        self._syntax, self._stored = self._syntax or syntax.name, self._stored or stored
        self._coloured |= header.code(_PRESENTATION) in ("COLOR", "MIXED")

    def _without_padding(self) -> list[Note]:
        if not self._padded:
            return []
        if self._padded == self._values.size:
            raise corrupt("all of its pixels are padding")
        lowest = np.nanmin(self._values)
        self._values[np.isnan(self._values)] = lowest
        share = self._padded / self._values.size
        return [
            ("padding-replaced", f"padding ({share:.1%} of the voxels) got {lowest:g}, the lowest")
        ]

    def _facts(self, notes: tuple[Note, ...]) -> VolumeFacts:
        origin = self._series.origin
        joined = hashlib.sha256("".join(f"{one}\n" for one in sorted(self._digests)).encode())
        return VolumeFacts(
            medium="dicom-series" if origin.whole is None else "dicom-enhanced",
            digest=self._digests[0] if origin.whole is not None else f"sha256:{joined.hexdigest()}",
            modality=origin.modality,
            body_part=origin.body_part,
            study=origin.study,
            series=origin.series,
            frame_of_reference=origin.frame_of_reference,
            frame="scanner",
            stored=self._stored,
            syntax=self._syntax,
            notes=notes,
        )
