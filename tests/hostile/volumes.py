"""Volumes that are bombs, lies and other things than volumes."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset

from tests.hostile.hostile import Hostile
from tests.imaging.made import written
from tests.imaging.made_volumes import UP, enhanced, files, nifti, packed, patched, slices, zipped

ZEROS = gzip.compress(bytes(32 * 2**20), 1, mtime=0)
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def volumes() -> Iterator[Hostile]:
    """Yield the volumes of the corpus."""
    everything = {**_good(), **_nifti(), **_gzip(), **_zips(), **_dicom(), **_others()}
    for name, (data, says) in everything.items():
        yield Hostile(name, "volume", data, says)


def _good() -> dict[str, tuple[bytes, str | None]]:
    series = {f"IM{place}": data for place, data in enumerate(files(slices()))}
    return {
        "good.nii": (nifti(), None),
        "good-2.nii": (nifti(version=2), None),
        "good.nii.gz": (packed(nifti()), None),
        "good-series.zip": (zipped(series), None),
        "good-enhanced.dcm": (written(enhanced(UP)), None),
    }


def _nifti() -> dict[str, tuple[bytes, str | None]]:
    small = nifti()
    shape = struct.pack("<8h", 3, 512, 512, 256, 1, 1, 1, 1)
    large = small[:40] + shape + small[56:]
    return {
        "endless.nii": (patched(small, 40, "<4h", 3, 32_767, 32_767, 32_767), "too-large"),
        "many-axes.nii": (patched(small, 40, "<8h", 7, *[32_767] * 7), "four-dimensional"),
        "promises-64-million-voxels.nii": (large, "cannot hold them"),
        "negative-side.nii": (patched(small, 40, "<4h", 3, -1, 5, 6), "corrupt"),
        "far-voxels.nii": (patched(small, 108, "<f", 3e38), "corrupt"),
        "no-number-as-offset.nii": (patched(small, 108, "<f", float("nan")), "corrupt"),
        "four-axes.nii": (patched(small, 40, "<5h", 4, 2, 3, 4, 5), "four-dimensional"),
        "only-a-header.nii": (small[:348], "cannot hold them"),
        "nowhere.nii": (patched(small, 252, "<2h", 0, 0), "orientation-unknown"),
        "flat-world.nii": (patched(small, 280, "<4f", 0, 0, 0, 0), "corrupt"),
        "infinite-voxels.nii": (nifti(np.full((4, 5, 6), np.inf, np.float32)), "not-finite"),
    }


def _gzip() -> dict[str, tuple[bytes, str | None]]:
    small = nifti()
    promising = small[:40] + struct.pack("<8h", 3, 512, 512, 256, 1, 1, 1, 1) + small[56:]
    return {
        "bomb-behind-the-last-voxel.nii.gz": (packed(small) + ZEROS, "after its last voxel"),
        "promises-what-it-cannot-hold.nii.gz": (packed(promising), "cannot hold them"),
        "bomb-of-zeros.nii.gz": (ZEROS, "not-a-volume"),
        "twenty-thousand-members.nii.gz": (packed(b"") * 20_000 + packed(small), None),
        "cut.nii.gz": (packed(small)[:-40], "corrupt"),
        "wrong-sum.nii.gz": (packed(small)[:-8] + bytes(8), "corrupt"),
    }  # fmt: skip


def _zips() -> dict[str, tuple[bytes, str | None]]:
    small = zipped({"head.nii": nifti()})
    first, last = small.index(CENTRAL), small.rindex(END)
    listed = small[first:last] * 3_000
    end = struct.pack("<4sHHHHIIH", END, 0, 0, 3_000, 3_000, len(listed), first, 0)
    size = zlib.crc32(bytes(8))
    return {
        "overlapping.zip": (small[:first] + listed + end, "overlap"),
        "many-entries.zip": (patched(small, last + 8, "<2H", 60_000, 60_000), "too-large"),
        "long-list.zip": (patched(small, last + 12, "<I", 2**31), "corrupt"),
        "bomb.zip": (_repeated(zlib.compress(bytes(2**23))[2:-4], 2**23, 70), "too-large"),
        "one-byte-is-eight.zip": (_repeated(b"\0", size, 1), "corrupt"),
        "nested.zip": (zipped({"a.zip": small}), "zip inside another"),
        "password.zip": (patched(small, first + 8, "<H", 1), "password"),
        "cut.zip": (small[:-30], "corrupt"),
        "empty.zip": (zipped({}), "not-a-volume"),
        "upwards.zip": (zipped({"../../head.nii": b"x"}), "not-a-volume"),
        "strange-method.zip": (zipped({"a": bytes(99)}, zipfile.ZIP_LZMA), "method 14"),
        "a-gigabyte-in-one-entry.zip": (patched(small, first + 24, "<I", 2**30), "cannot hold"),
    }


def _repeated(packed_once: bytes, size: int, count: int) -> bytes:
    """A zip of many entries that all say the same size."""
    out, listed = bytearray(), bytearray()
    for place in range(count):
        name = f"{place:04}".encode()
        common = struct.pack("<HHHHIIIHH", 0, 8, 0, 33, 0, len(packed_once), size, len(name), 0)
        listed += CENTRAL + struct.pack("<HH", 20, 20) + common
        listed += struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + name
        out += LOCAL + struct.pack("<H", 20) + common + name + packed_once
    end = struct.pack("<4sHHHHIIH", END, 0, 0, count, count, len(listed), len(out), 0)
    return bytes(out + listed) + end


def _dicom() -> dict[str, tuple[bytes, str | None]]:
    one = enhanced(UP)
    one.NumberOfFrames = 4_000_000
    wide = slices(2, Rows=60_000, Columns=60_000)
    promising = slices(2, Rows=2_048, Columns=2_048)
    sequence = b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
    start, end = files(slices(1))[0].split(b"\x08\0\x16\0UI", 1)
    return {
        "endless-frames.dcm": (written(one), "too-large"),
        "wide-slices.zip": (_series(wide), "too-large"),
        "promising-slices.zip": (_series(promising), "corrupt"),
        "deep-sequences.dcm": (start + sequence * 3_000 + b"\x08\0\x16\0UI" + end, "16 deep"),
        "one-slice.dcm": (files(slices(1))[0], "too-few-slices"),
        "far-slices.zip": (_series(slices(2, step=(0, 0, 1e9))), "corrupt"),
        "cut-slice.zip": (zipped({"1": files(slices(1))[0][:-9]}), "corrupt"),
    }


def _series(given: list[Dataset]) -> bytes:
    return zipped({str(place): data for place, data in enumerate(files(given))})


def _others() -> dict[str, tuple[bytes, str | None]]:
    return {
        "nothing.nii": (b"", "not-a-volume"),
        "letter.nii": (b"Dear colleague, " * 50, "not-a-volume"),
        "gzip-in-name-alone.gz": (b"\x1f\x8b" + bytes(500), "corrupt"),
    }
