from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.imaging.picture import PictureLimits
from bedside.imaging.reading import read_picture
from tests.imaging.made import RAMP, dicom, refusal


class TestWhatTheBytesAre:
    def test_is_told_from_them_alone(self, samples: Path) -> None:
        film = samples / "films" / "00000001_000.png"
        assert read_picture(film.read_bytes()).facts.medium == "png"
        assert read_picture(dicom(RAMP)).facts.medium == "dicom"

    @pytest.mark.parametrize(
        ("start", "name"), [(b"GIF89a", "GIF"), (b"BM\0\0", "BMP"), (b"II*\0\x08", "TIFF")]
    )
    def test_another_kind_of_picture_is_refused_by_its_name(self, start: bytes, name: str) -> None:
        refused = refusal(start + bytes(200))
        assert refused.code == "unsupported"
        assert name in refused.message

    @pytest.mark.parametrize("data", [b"", b"\x89PNG", b"%PDF-1.7", b"PK\x03\x04", bytes(4096)])
    def test_anything_else_is_no_picture(self, data: bytes) -> None:
        refused = refusal(data)
        assert refused.code == "not-a-picture"
        assert "DICOM" in refused.advice

    def test_a_data_set_without_preamble_is_no_dicom_file(self) -> None:
        assert refusal(dicom(RAMP)[132:]).code == "not-a-picture"

    def test_a_file_above_the_limit_is_not_looked_at(self) -> None:
        refused = refusal(dicom(RAMP), PictureLimits(file_bytes=100))
        assert refused.code == "too-large"


class TestThePicture:
    def test_cannot_be_changed_by_accident(self) -> None:
        picture = read_picture(dicom(RAMP))
        with pytest.raises(ValueError, match="read-only"):
            picture.values[0, 0] = 1

    def test_of_16_bits_keeps_every_value(self) -> None:
        picture = read_picture(dicom(RAMP))
        assert np.array_equal(picture.values, RAMP)
        assert (picture.lowest, picture.highest) == (0, 65_535)

    def test_says_what_its_header_says(self, samples: Path) -> None:
        tibia = read_picture((samples / "dicom" / "files" / "RG3_J2KR.dcm").read_bytes())
        facts = tibia.facts
        assert (facts.modality, facts.body_part, facts.view) == ("CR", "EXTREMITY", "AP")
        assert (facts.laterality, facts.bits, facts.rows, facts.columns) == ("R", 10, 1760, 1760)
        assert facts.sop_instance == "1.3.6.1.4.1.5962.1.1.11.1.2.20040826185059.5457"
        assert facts.syntax == "JPEG 2000 (Lossless Only)"


class TestLimits:
    def test_never_go_beyond_what_is_safe_to_decode(self) -> None:
        with pytest.raises(UsageError, match="pixels"):
            PictureLimits(pixels=2**27)

    def test_are_positive(self) -> None:
        with pytest.raises(UsageError, match="rows"):
            PictureLimits(rows=0)

    @pytest.mark.parametrize(
        ("limits", "what"),
        [
            (PictureLimits(rows=2), "3 rows"),
            (PictureLimits(columns=3), "4 columns"),
            (PictureLimits(pixels=11), "3 × 4 pixels"),
        ],
    )
    def test_each_one_is_named_when_it_is_passed(self, limits: PictureLimits, what: str) -> None:
        refused = refusal(dicom(RAMP), limits)
        assert refused.code == "too-large"
        assert what in refused.message
