"""Pictures that are bombs, lies and other things than pictures."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from tests.hostile.hostile import Hostile

SEQUENCE = b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
"""The beginning of a sequence and of its first item, both of undefined length."""

MAGIC = b"\x89PNG\r\n\x1a\n"


def pictures() -> Iterator[Hostile]:
    """Yield the pictures of the corpus."""
    everything = {**_good(), **_png(), **_jpeg(), **_dicom(), **_others()}
    for name, (data, says) in everything.items():
        yield Hostile(name, "picture", data, says)


def _good() -> dict[str, tuple[bytes, str | None]]:
    film = Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64))
    png, jpeg = io.BytesIO(), io.BytesIO()
    film.save(png, "PNG")
    film.save(jpeg, "JPEG")
    dicom = _dataset(64, 64, np.arange(4096, dtype=np.uint16).tobytes())
    return {
        "good.png": (png.getvalue(), None),
        "good.jpg": (jpeg.getvalue(), None),
        "good.dcm": (_written(dicom), None),
    }


def _chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _image(width: int, height: int, content: bytes, *chunks: bytes) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return MAGIC + header + b"".join(chunks) + _chunk(b"IDAT", content) + _chunk(b"IEND", b"")


def _png() -> dict[str, tuple[bytes, str | None]]:
    rows = zlib.compress(bytes(65 * 64))
    zeros = zlib.compress(bytes(20 * 2**20), 9)
    text = _chunk(b"zTXt", b"Comment\0\0" + zeros)
    profile = _chunk(b"iCCP", b"icc\0\0" + zeros)
    frames = _chunk(b"acTL", struct.pack(">II", 1000, 0))
    return {
        "bomb.png": (_image(60_000, 60_000, zeros), "too-large"),
        "endless.png": (_image(2**31 - 1, 2**31 - 1, rows), "too-large"),
        "flat.png": (_image(2**31 - 1, 1, rows), "too-large"),
        "no-rows.png": (_image(64, 0, rows), "it has 0 rows"),
        "text-bomb-that-is-passed-over.png": (_image(64, 64, rows, text), None),
        "profile-bomb-that-is-passed-over.png": (_image(64, 64, rows, profile), None),
        "several-frames.png": (_image(64, 64, rows, frames), "several-frames"),
        "cut-short.png": (_image(64, 64, zlib.compress(bytes(65 * 64))[:-9]), "corrupt"),
        "only-a-beginning.png": (MAGIC, "corrupt"),
        "wrong-sum.png": (_image(64, 64, rows)[:-16] + bytes(16), "corrupt"),
        "long-chunk.png": (MAGIC + b"\x7f\xff\xff\xffIHDR", "corrupt"),
    }


def _jpeg() -> dict[str, tuple[bytes, str]]:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(buffer, "JPEG")
    whole = buffer.getvalue()
    size = whole.index(b"\xff\xc0") + 5
    noise, progressive = io.BytesIO(), io.BytesIO()
    film = Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64))
    film.save(noise, "JPEG")
    film.save(progressive, "JPEG", progressive=True)
    scan = noise.getvalue()[:-100].rstrip(b"\xff") + b"\xff\xd9"
    first = progressive.getvalue()
    first = first[: first.index(b"\xff\xc4", first.index(b"\xff\xda"))] + b"\xff\xd9"
    return {
        "cut-in-its-scan.jpg": (scan, "it was cut"),
        "without-its-later-scans.jpg": (first, "it was cut"),
        "bomb.jpg": (whole[:size] + b"\xff\xff\xff\xff" + whole[size + 4 :], "too-large"),
        "cut-short.jpg": (whole[: len(whole) // 2], "corrupt"),
        "only-a-beginning.jpg": (b"\xff\xd8\xff", "corrupt"),
        "no-rows.jpg": (whole[:size] + b"\0\0\0\0" + whole[size + 4 :], "corrupt"),
    }


def _dataset(
    rows: int, columns: int, pixels: bytes, syntax: UID = ExplicitVRLittleEndian
) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1.1")
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    found = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    found.SOPClassUID, found.SOPInstanceUID = meta.MediaStorageSOPClassUID, UID("1.2.3.4")
    found.Modality, found.BodyPartExamined, found.PhotometricInterpretation = (
        "DX",
        "CHEST",
        "MONOCHROME2",
    )
    found.Rows, found.Columns, found.SamplesPerPixel = rows, columns, 1
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 12, 11, 0
    found.PixelData = pixels
    found["PixelData"].VR = "OW"
    if syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        found.PixelData = encapsulate([pixels])
        found["PixelData"].VR = "OB"
        found["PixelData"].is_undefined_length = True
    return found


def _written(found: Dataset) -> bytes:
    buffer = io.BytesIO()
    found.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _dicom() -> dict[str, tuple[bytes, str]]:
    film = np.zeros(4096, np.uint16).tobytes()
    frames = _dataset(64, 64, film)
    frames.NumberOfFrames = 2**31 - 1
    many = _dataset(64, 64, film * 2)
    many.NumberOfFrames = 2
    bare = _dataset(64, 64, film)
    del bare.PixelData
    odd = _dataset(64, 64, film)
    odd.BitsAllocated = 7
    stretched = _dataset(64, 64, film)
    stretched.PixelSpacing = [0.1, 0.4]
    inverse = _dataset(64, 64, film)
    inverse.PresentationLUTShape = "INVERSE"
    sign = _dataset(64, 64, film)
    sign.PixelRepresentation = 2
    whole = _written(_dataset(64, 64, film))
    codestream = (
        b"\xff\x4f\xff\x51"
        + struct.pack(">HHIIIIIIIIH", 41, 0, 2**31, 2**31, 0, 0, 2**31, 2**31, 0, 0, 1)
        + b"\x0b\x01\x01"
    )
    return {
        "bomb.dcm": (_written(_dataset(65_535, 65_535, film)), "too-large"),
        "too-short.dcm": (_written(_dataset(1000, 1000, film)), "corrupt"),
        "billion-frames.dcm": (_written(frames), "several-frames"),
        "two-frames.dcm": (_written(many), "several-frames"),
        "without-pixels.dcm": (_written(bare), "has no pixels"),
        "stretched.dcm": (_written(stretched), "not square"),
        "two-polarities.dcm": (_written(inverse), "cannot be told"),
        "odd-sign.dcm": (_written(sign), "neither 0 nor 1"),
        "odd-bits.dcm": (_written(odd), "7 bits allocated"),
        "cut-short.dcm": (whole[: len(whole) - 4000], "corrupt"),
        "only-a-preamble.dcm": (bytes(128) + b"DICM", "says no transfer syntax"),
        "deflate-bomb.dcm": (_deflate_bomb(), "too-large"),
        "jpeg-2000-bomb.dcm": (
            _written(_dataset(64, 64, codestream, JPEG2000Lossless)),
            "corrupt",
        ),
        "run-length-lies.dcm": (
            _written(_dataset(64, 64, b"\x01" * 64, RLELossless)),
            "run-length header",
        ),
        "endless-element.dcm": (
            whole.replace(b"CS\x02\0DX", b"CS\xff\xffDX"),
            "says it has 65535 bytes",
        ),
        "sequences-in-sequences.dcm": (
            whole.replace(b"\x08\0\x60\0CS", SEQUENCE * 100_000 + b"\x08\0\x60\0CS"),
            "sequences more than 16 deep",
        ),
    }


def _deflate_bomb() -> bytes:
    """Return a deflated DICOM file whose pixels are 80 MiB of zeros in 80 KiB."""
    small = _written(_dataset(64, 64, b"", DeflatedExplicitVRLittleEndian))
    start = small.index(b"1.2.840.10008.1.2.1.99") + 22
    group_end = 128 + 4 + 12 + struct.unpack("<I", small[128 + 4 + 8 : 128 + 4 + 12])[0]
    assert start <= group_end
    packer = zlib.compressobj(9, wbits=-15)
    body = zlib.decompress(small[group_end:], wbits=-15)
    length = 80 * 2**20
    head = (
        body[: body.index(b"\xe0\x7f\x10\0")] + b"\xe0\x7f\x10\0OW\0\0" + struct.pack("<I", length)
    )
    packed = packer.compress(head)
    for _ in range(80):
        packed += packer.compress(bytes(2**20))
    return small[:group_end] + packed + packer.flush()


def _others() -> dict[str, tuple[bytes, str]]:
    return {
        "picture.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-a-picture"),
        "picture.gif": (b"GIF89a\xff\xff\xff\xff", "look like a GIF"),
        "picture.tif": (b"II*\0\x08\0\0\0", "look like a TIFF"),
        "picture.bmp": (b"BM" + bytes(60), "look like a BMP"),
        "empty.png": (b"", "not-a-picture"),
        "zeros.dcm": (bytes(1000), "not-a-picture"),
    }
