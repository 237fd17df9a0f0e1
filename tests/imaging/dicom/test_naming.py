from __future__ import annotations

import pytest

from bedside.imaging.dicom.naming import sop_instance_of
from tests.package.building_images import BRIGHT, SOP_INSTANCE, dicom, film

FILE = dicom(film(60.0))


def test_a_file_is_named_by_its_sop_instance_uid() -> None:
    assert sop_instance_of(FILE) == SOP_INSTANCE


def test_an_object_whose_pixels_cannot_be_read_is_named_all_the_same() -> None:
    assert sop_instance_of(dicom(film(60.0), PhotometricInterpretation="ODD")) == SOP_INSTANCE


@pytest.mark.parametrize("data", [b"", BRIGHT, bytes(128) + b"DICM", FILE[:200], FILE[:-3000]])
def test_what_cannot_be_read_has_no_name(data: bytes) -> None:
    assert sop_instance_of(data) is None
