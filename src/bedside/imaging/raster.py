"""PNG and JPEG files to pictures; Pillow decodes what `png` and `jpeg` let through."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bedside.imaging import jpeg, png
from bedside.imaging.colour import Stored, without_colour
from bedside.imaging.orientation import UPRIGHT, exif_orientation, upright
from bedside.imaging.picture import Facts, Medium, Picture, PictureLimits
from bedside.imaging.refusals import corrupt, too_large, unsupported

_BIT_DEPTH_8: Final = 8
_GREY_ALPHA, _RGB_ALPHA = 4, 6
_PROCESSES: Final = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}
_SAVE_AGAIN: Final = "Save it as a grey or RGB JPEG of 8 bits, or as PNG."


def read_png(data: bytes, limits: PictureLimits) -> Picture:
    """Return the picture in a PNG file.

    Raises:
        PictureRefused: it cannot be read safely and exactly.
    """
    file = png.take_apart(data, limits)
    pixels = _opaque(decoded(file.stripped, "PNG"), file)
    orientation = UPRIGHT if file.exif is None else exif_orientation(file.exif)
    return _picture("png", pixels, orientation, max(file.depth, _BIT_DEPTH_8))


def read_jpeg(data: bytes, limits: PictureLimits) -> Picture:
    """Return the picture in a JPEG file.

    Raises:
        PictureRefused: it cannot be read safely and exactly.
    """
    stream = jpeg.take_apart(data, limits)
    frame, channels = stream.frame, len(stream.frame.components)
    if frame.process not in _PROCESSES or frame.precision != _BIT_DEPTH_8:
        raise unsupported(
            f"The JPEG has process FF{frame.process:02X} and {frame.precision} bits", _SAVE_AGAIN
        )
    if channels not in (1, 3):
        words = "is for printing (CMYK)" if channels == 4 else f"has {channels} components"
        raise unsupported(f"The JPEG {words}", _SAVE_AGAIN)
    pixels = decoded_jpeg(stream, int(is_ycc(stream)))
    orientation = UPRIGHT if stream.exif is None else exif_orientation(stream.exif)
    return _picture("jpeg", pixels, orientation, _BIT_DEPTH_8)


def is_ycc(stream: jpeg.JpegStream) -> bool:
    """Return whether three components are YCbCr, as libjpeg tells it where nobody says so.

    Source: libjpeg's `default_decompress_parms`: JFIF, then Adobe's marker, then the identifiers.
    """
    if stream.jfif:
        return True
    if stream.adobe is not None:
        return stream.adobe == 1
    return stream.frame.components != tuple(b"RGB")


def decoded_jpeg(stream: jpeg.JpegStream, transform: int) -> Stored:
    """Return the stored values of a JPEG stream that reaches its last pixel.

    Args:
        stream: Checked before.
        transform: 1 where three components are YCbCr, which become RGB; 0 else.

    Raises:
        PictureRefused: the decoder finds it damaged, or it ends before its pixels do.
    """
    pixels = decoded(stream.with_transform(transform), "JPEG")
    again = decoded(stream.refilled().with_transform(transform), "JPEG")
    check_same(pixels, again)
    return pixels


def check_same(pixels: Stored, again: Stored) -> None:
    """Check what a stream and its refilled twin gave.

    Raises:
        PictureRefused: they differ, so that the decoder made values up.
    """
    if not np.array_equal(pixels, again):
        raise corrupt("its JPEG scans end before its pixels do: it was cut")


def decoded(data: bytes, kind: Literal["PNG", "JPEG"]) -> Stored:
    """Return the stored values of a file whose structure and size were checked before.

    Returns:
        Rows × columns, or rows × columns × channels; a palette's indices where it has one.

    Raises:
        PictureRefused: the decoder finds it damaged.
    """
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            image.load()
            pixels = np.asarray(image)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error) as problem:
        raise corrupt(f"its pixels cannot be decoded ({problem})") from problem
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise too_large(
            "more pixels than memory can hold here", "what this machine can hold"
        ) from problem
    return pixels * np.uint8(255) if pixels.dtype == np.bool_ else pixels


def _opaque(pixels: Stored, file: png.PngFile) -> Stored:
    """Return grey or RGB values; a palette is looked up.

    Raises:
        PictureRefused: something shines through, or an index is outside the palette.
    """
    if file.colour_type == png.PALETTE:
        if int(pixels.max()) >= len(file.palette):
            raise corrupt(f"it uses colour {pixels.max()} of a palette of {len(file.palette)}")
        alpha = np.full(len(file.palette), 255, dtype=np.uint8)
        alpha[: len(file.transparency)] = np.frombuffer(file.transparency, dtype=np.uint8)
        shown, pixels = alpha[pixels], file.palette[pixels]
    elif file.colour_type == _GREY_ALPHA:
        shown, pixels = pixels[..., 1], pixels[..., 0]
    elif file.colour_type == _RGB_ALPHA:
        shown, pixels = pixels[..., 3], pixels[..., :3]
    else:
        return pixels
    if int(shown.min()) < 255:
        raise unsupported(
            "The PNG is transparent in places, which has no brightness", png.SAVE_AGAIN
        )
    return pixels


def _picture(medium: Medium, pixels: Stored, orientation: int, bits: int) -> Picture:
    turned = without_colour(upright(pixels, orientation))
    rows, columns = turned.shape[:2]
    return Picture(
        values=np.ascontiguousarray(turned, dtype=np.float32),
        lowest=0.0,
        highest=float(2**bits - 1),
        negative=False,
        windows=(),
        facts=Facts(medium, rows, columns, bits=bits, syntax=medium.upper()),
    )


def packbits(data: bytes, rows: int, columns: int) -> NDArray[np.uint8]:
    """Return rows × columns bytes of a PackBits stream, as DICOM's run-length segments are.

    Raises:
        PictureRefused: it gives fewer or more, or more than one zero follows it.
    """
    line = _unpacked(data, rows * columns)
    if line is None:
        raise corrupt(f"its run-length pixels are fewer than {rows} × {columns}")
    shorter = data[:-1] if data[-1] else data[:-2]
    if _unpacked(data, rows * columns + 1) is not None or _unpacked(shorter, line.size) is not None:
        raise corrupt(f"its run-length pixels go on after {rows} × {columns} values")
    return line.reshape(rows, columns)


def _unpacked(data: bytes, count: int) -> NDArray[np.uint8] | None:
    """Return the first `count` bytes of a PackBits stream; None where it has fewer."""
    try:
        return np.asarray(Image.frombytes("L", (count, 1), data, "packbits", "L")).ravel()
    except (ValueError, OSError):
        return None
