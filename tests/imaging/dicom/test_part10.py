from __future__ import annotations

import zlib

import numpy as np
import pytest

from bedside.errors import PictureRefused
from bedside.imaging.dicom.part10 import open_file
from bedside.imaging.picture import PictureLimits
from tests.imaging.bombs import DEFLATED
from tests.imaging.made import dicom


def test_counting_what_a_deflated_data_set_grows_to_stops_at_the_limit() -> None:
    """Its end is damaged, which nobody sees who stops in time."""
    sound = dicom(np.zeros((4, 4), dtype=np.uint8), DEFLATED)
    start = sound.index(DEFLATED.encode()) + len(DEFLATED)
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packing.compress(bytes(2**22)) + packing.flush()
    with pytest.raises(PictureRefused) as problem:
        open_file(sound[:start] + body[:-3], PictureLimits(file_bytes=100_000))
    assert problem.value.code == "too-large"
