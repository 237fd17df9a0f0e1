from __future__ import annotations

import zlib

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from bedside.errors import PictureRefused
from bedside.imaging.dicom.part10 import open_file
from bedside.imaging.picture import PictureLimits
from tests.imaging.bombs import DEFLATED
from tests.imaging.made import RAMP, dataset, dicom, written


def private(size: int, syntax: str) -> bytes:
    """A picture behind whose pixels a maker keeps so many bytes of its own."""
    one = dataset(RAMP)
    one.add_new(0x7FE10010, "OB", bytes(size))
    return written(one, syntax)


def test_what_makers_keep_behind_the_pixels_may_be_large() -> None:
    open_file(private(5_000, ExplicitVRLittleEndian), PictureLimits(header_bytes=2_000))


def test_but_not_where_it_was_deflated_and_cost_nothing_to_send() -> None:
    limits = PictureLimits(header_bytes=2_000)
    open_file(private(1_000, DEFLATED), limits)
    with pytest.raises(PictureRefused, match="beside its pixels") as problem:
        open_file(private(5_000, DEFLATED), limits)
    assert problem.value.code == "too-large"


def test_counting_what_a_deflated_data_set_grows_to_stops_at_the_limit() -> None:
    """Its end is damaged, which nobody sees who stops in time."""
    sound = dicom(np.zeros((4, 4), dtype=np.uint8), DEFLATED)
    start = sound.index(DEFLATED.encode()) + len(DEFLATED)
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packing.compress(bytes(2**22)) + packing.flush()
    with pytest.raises(PictureRefused) as problem:
        open_file(sound[:start] + body[:-3], PictureLimits(file_bytes=100_000))
    assert problem.value.code == "too-large"
