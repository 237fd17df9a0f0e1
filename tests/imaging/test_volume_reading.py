from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from bedside.errors import VolumeRefused
from bedside.imaging.files import files_at, files_of
from bedside.imaging.volume_reading import list_series, read_volume
from tests.imaging.made import RAMP, dicom
from tests.imaging.made_volumes import files, nifti, packed, read, refused, slices


class TestWhatTheBytesAre:
    @pytest.mark.parametrize(
        ("start", "word"),
        [
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"\xff\xd8\xff\xe0", "JPEG"),
            (b"%PDF-1.7", "PDF"),
            (b"NRRD0004", "NRRD"),
            (b"", "0 bytes"),
            (bytes(5000), "5000 bytes"),
        ],
    )
    def test_is_said_where_they_are_no_volume(self, start: bytes, word: str) -> None:
        problem = refused(start)
        assert problem.code == "not-a-volume"
        assert word in problem.message
        assert "NIfTI" in problem.advice

    def test_is_said_of_many_too(self) -> None:
        assert "None of the 3 files" in refused(b"a", b"b", b"c").message

    def test_a_chest_film_is_no_volume(self, samples: Path) -> None:
        for path in sorted((samples / "films").iterdir()):
            with pytest.raises(VolumeRefused) as problem:
                read_volume(files_at(path))
            assert problem.value.code == "not-a-volume", path.name
        assert refused(dicom(RAMP)).code == "not-a-volume"

    def test_is_told_of_one_of_several_behind_a_long_gzip_header_too(self) -> None:
        out = io.BytesIO()
        with gzip.GzipFile("x" * 5_000, "wb", fileobj=out) as file:
            file.write(nifti())
        assert read(out.getvalue(), b"a letter").shape == (4, 5, 6)

    def test_a_packed_letter_beside_a_series_is_left_out(self) -> None:
        given = [
            ("z.gz", packed(b"a letter")),
            *((str(n), f) for n, f in enumerate(files(slices()))),
        ]
        assert read_volume(files_of(given)).shape == (4, 3, 5)


class TestSeveralVolumes:
    @pytest.mark.parametrize(
        "given", [[nifti(), packed(nifti())], [nifti(), *files(slices())]], ids=["NIfTI", "both"]
    )
    def test_are_refused(self, given: list[bytes]) -> None:
        assert refused(*given).code == "several-series"


class TestRealNegatives:
    def test_four_dimensions_are_refused(self, samples: Path) -> None:
        with pytest.raises(VolumeRefused) as problem:
            read_volume(files_at(samples / "negatives" / "pcasl.nii.gz"))
        assert problem.value.code == "four-dimensional"
        assert "52 × 68 × 20 × 10" in problem.value.message

    def test_a_segmentation_is_no_image(self, samples: Path) -> None:
        with pytest.raises(VolumeRefused) as problem:
            read_volume(files_at(samples / "dicom" / "files" / "liver_deflate.dcm"))
        assert problem.value.code == "not-a-volume"


def test_a_nifti_file_has_no_series_to_list() -> None:
    assert list_series(files_of([("x", nifti())])) == ()
