"""Pictures made for a test, written by others' libraries: DICOM by pydicom, PNG and JPEG by Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian

from bedside.errors import PictureRefused
from bedside.imaging.picture import PictureLimits
from bedside.imaging.reading import read_picture

CR = "1.2.840.10008.5.1.4.1.1.1"
RAMP: NDArray[np.uint16] = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300


def dataset(pixels: NDArray[Any], **changes: object) -> Dataset:
    """A single-frame object of `pixels`; a change of None takes an attribute away."""
    one = Dataset()
    one.SOPClassUID, one.SOPInstanceUID = CR, "1.2.3.4"
    one.Modality, one.BodyPartExamined, one.ViewPosition = "DX", "CHEST", "PA"
    one.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    one.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        one.PlanarConfiguration = 0
    one.Rows, one.Columns = pixels.shape[:2]
    bits = pixels.dtype.itemsize * 8
    one.BitsAllocated = one.BitsStored = bits
    one.HighBit = bits - 1
    one.PixelRepresentation = int(pixels.dtype.kind == "i")
    one.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    one["PixelData"].VR = "OW" if bits == 16 else "OB"
    for name, value in changes.items():
        if value is None:
            delattr(one, name)
        else:
            setattr(one, name, value)
    return one


def written(one: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The object as a file in a transfer syntax."""
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = UID(syntax)
    one.file_meta.MediaStorageSOPClassUID = one.get("SOPClassUID", CR)
    one.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    out = io.BytesIO()
    one.save_as(out, enforce_file_format=True)
    return out.getvalue()


def dicom(pixels: NDArray[Any], syntax: str = ExplicitVRLittleEndian, **changes: object) -> bytes:
    """A single-frame DICOM file of `pixels`."""
    return written(dataset(pixels, **changes), syntax)


def encapsulated(pixels: NDArray[Any], syntax: str, frame: bytes, **changes: object) -> bytes:
    """A DICOM file whose one frame is the codestream `frame`."""
    one = dataset(pixels, **changes)
    one.PixelData = encapsulate([frame], has_bot=False)
    one["PixelData"].VR = "OB"
    one["PixelData"].is_undefined_length = True
    return written(one, syntax)


def file_of(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture written by Pillow."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of these chunks."""
    out = bytearray(b"\x89PNG\r\n\x1a\n")
    for name, body in chunks:
        out += struct.pack(">I", len(body)) + name + body
        out += struct.pack(">I", zlib.crc32(name + body))
    return bytes(out)


def png_header(columns: int, rows: int, depth: int = 8, colour: int = 0) -> tuple[bytes, bytes]:
    """The chunk IHDR."""
    return b"IHDR", struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)


def refusal(data: bytes, limits: PictureLimits | None = None) -> PictureRefused:
    """Why these bytes are refused."""
    with pytest.raises(PictureRefused) as refused:
        read_picture(data, limits or PictureLimits())
    return refused.value


def exif(orientation: int, order: str = "<") -> bytes:
    """An Exif block that states an orientation."""
    mark = b"II" if order == "<" else b"MM"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return mark + struct.pack(f"{order}HIH", 42, 8, 1) + entry + bytes(4)
