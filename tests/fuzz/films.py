"""Small valid pictures for the fuzzer, one for each coding of DICOM pixels, and how they change.

Made by others' encoders when they are needed. There is no encoder for HTJ2K here: OpenJPEG's
decoder is reached by JPEG 2000 alone.
"""

from __future__ import annotations

import random
import struct
import tempfile
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from tests.imaging.made import dataset, dicom, encapsulated, file_of, written

_START = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0"
"""Compressed pixel data, up to its offset table's length."""

_END = 8
_BASELINE = "1.2.840.10008.1.2.4.50"


def films() -> dict[str, bytes]:
    """Return a DICOM file for each coding, by the name of its transfer syntax."""
    from PIL import Image  # noqa: PLC0415

    rows = np.add.outer(np.arange(36), np.arange(44))
    noise = np.random.default_rng(11).integers(0, 9, rows.shape)
    small, wide = (rows * 3 + noise).astype(np.uint8), (rows * 50 + noise).astype(np.uint16)
    words = dataset(small)
    words["PixelData"].VR = "OW"
    return {
        "Explicit VR Big Endian": written(words, ExplicitVRBigEndian),
        "JPEG Baseline (Process 1)": encapsulated(
            small, _BASELINE, file_of(Image.fromarray(small), "JPEG", restart_marker_blocks=4)
        ),
        "JPEG Lossless (Process 14, SV1)": _by_gdcm(wide, gdcm.TransferSyntax.JPEGLosslessProcess14_1),
        "JPEG-LS Lossless": _by_gdcm(wide, gdcm.TransferSyntax.JPEGLSLossless),
        "JPEG 2000 (Lossless Only)": _by_pydicom(wide, JPEG2000Lossless),
        "RLE Lossless": _by_pydicom(wide, RLELossless),
    }  # fmt: skip


def _by_pydicom(pixels: NDArray[Any], syntax: UID) -> bytes:
    one = dataset(pixels)
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.compress(syntax, generate_instance_uid=False)
    return written(one, syntax)


def _by_gdcm(pixels: NDArray[Any], syntax: int) -> bytes:
    """Return what GDCM, which reads and writes files only, makes of native pixels."""
    with tempfile.TemporaryDirectory() as folder:
        native, coded = Path(folder) / "native.dcm", Path(folder) / "coded.dcm"
        native.write_bytes(dicom(pixels))
        reader, change, writer = (
            gdcm.ImageReader(),
            gdcm.ImageChangeTransferSyntax(),
            gdcm.ImageWriter(),
        )
        reader.SetFileName(str(native))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFileName(str(coded))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return coded.read_bytes()


def change_codestream(data: bytes, choose: random.Random) -> bytes:
    """Change a few bytes of compressed pixels, and nothing of the headers around them.

    Half of the places lie among the first hundred bytes, where a codestream has its own headers.
    """
    place = data.rfind(_START)
    if place < 0 or place + len(_START) + 4 > len(data):
        return data
    (table,) = struct.unpack_from("<I", data, place + len(_START))
    first, last = place + len(_START) + 4 + table + 8, len(data) - _END
    if first >= last:
        return data
    found = bytearray(data)
    for _ in range(choose.choice((1, 1, 1, 2, 4))):
        end = min(last, first + 100) if choose.random() < 0.5 else last
        at = choose.randrange(first, end)
        match choose.randrange(3):
            case 0:
                found[at] = choose.randrange(256)
            case 1:
                found[at] ^= 1 << choose.randrange(8)
            case _:
                found[at] = choose.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(found)
