"""The door to this room: bytes to a picture. What they are is told from the bytes alone.

A picture that cannot be read exactly is refused by name, before memory is taken for its pixels;
nothing that these bytes can do ends in another error than `PictureRefused`.
"""

from __future__ import annotations

from typing import Final

from bedside.errors import PictureRefused
from bedside.imaging import jpeg, png
from bedside.imaging.dicom import part10
from bedside.imaging.dicom.reading import read_dicom
from bedside.imaging.picture import Picture, PictureLimits
from bedside.imaging.raster import read_jpeg, read_png
from bedside.imaging.refusals import too_large, unsupported

USUAL_LIMITS: Final = PictureLimits()

_OTHER_PICTURES: Final = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"RIFF", "WebP"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
)
_ADVICE: Final = "Send a PNG, a JPEG or a single-frame DICOM object (with its 128-byte preamble)."


def read_picture(data: bytes, limits: PictureLimits = USUAL_LIMITS) -> Picture:
    """Return the picture in `data`: a PNG or JPEG file, or a DICOM object of a single frame.

    Args:
        data: The whole file. A name or a media type is not asked for.
        limits: How large it may be.

    Raises:
        PictureRefused: `code` says why: `not-a-picture`, `corrupt`, `too-large`,
            `several-frames`, `no-codec`, `unsupported`.
    """
    if len(data) > limits.file_bytes:
        raise too_large(f"{len(data)} bytes", f"{limits.file_bytes}")
    try:
        return _read(data, limits)
    except MemoryError as problem:
        raise too_large("more than memory can hold here", "what this machine can hold") from problem


def _read(data: bytes, limits: PictureLimits) -> Picture:
    if data.startswith(png.SIGNATURE):
        return read_png(data, limits)
    if data.startswith(jpeg.START + b"\xff"):
        return read_jpeg(data, limits)
    if part10.is_dicom(data):
        return read_dicom(data, limits)
    for start, name in _OTHER_PICTURES:
        if data.startswith(start):
            raise unsupported(f"These bytes look like a {name} file", _ADVICE)
    raise PictureRefused(
        "not-a-picture",
        f"These {len(data)} bytes are no PNG, no JPEG and no DICOM file.",
        advice=_ADVICE,
    )
