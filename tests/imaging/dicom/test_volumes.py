from __future__ import annotations

import hashlib
import io
import struct
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from bedside.canonical import digest
from bedside.errors import VolumeRefused
from bedside.imaging.choice import Choice
from bedside.imaging.dicom import volumes
from bedside.imaging.files import FileSet, GivenFile, files_at
from bedside.imaging.volume import VolumeLimits
from bedside.imaging.volume_reading import read_volume
from tests.imaging.made import written
from tests.imaging.made_volumes import UP, enhanced, files, item, note, read, refused, slices

PLANE = np.arange(12).reshape(3, 4)
EXPECTED = np.stack([PLANE + 100 * place for place in range(5)]).transpose(2, 1, 0)
"""Along column, row, plane."""


class TestAMadeSeries:
    def test_lies_along_column_row_and_plane(self) -> None:
        volume = read(*files(slices()))
        assert np.array_equal(volume.values, EXPECTED)
        expected = [[-0.5, 0, 0, 10], [0, -0.7, 0, 20], [0, 0, 2.5, 30], [0, 0, 0, 1]]
        assert np.allclose(volume.affine, np.array(expected, dtype=float))

    def test_takes_its_spacing_from_positions_and_not_from_the_thickness(self) -> None:
        volume = read(*files(slices(SpacingBetweenSlices="7", SliceLocation="3")))
        assert volume.spacing == pytest.approx((0.5, 0.7, 2.5))

    def test_is_ordered_by_position_and_not_by_name_or_number(self) -> None:
        series = slices()
        for place, one in enumerate(series):
            one.InstanceNumber = (place * 3) % 5
        volume = read(*files([series[place] for place in (3, 0, 4, 1, 2)]))
        assert np.array_equal(volume.values, EXPECTED)
        assert volume.facts.digest == read(*files(series)).facts.digest

    @pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
    def test_is_the_same_however_it_is_written(self, syntax: str) -> None:
        assert np.array_equal(read(*files(slices(), syntax)).values, EXPECTED)

    def test_is_the_same_in_the_other_byte_order(self) -> None:
        series = slices()
        for one in series:
            one.PixelData = np.frombuffer(one.PixelData, "<u2").astype(">u2").tobytes()
        assert np.array_equal(read(*files(series, ExplicitVRBigEndian)).values, EXPECTED)

    def test_says_what_its_headers_say(self) -> None:
        facts = read(*files(slices())).facts
        assert (facts.medium, facts.modality, facts.body_part) == ("dicom-series", "CT", "HEAD")
        assert (facts.study, facts.series) == ("1.2.826.0.1.1", "1.2.826.0.1.1.777001")
        assert (facts.frame_of_reference, facts.frame) == ("1.2.826.0.1.1.9", "scanner")
        assert (facts.stored, facts.syntax) == ("uint16", "Explicit VR Little Endian")

    def test_is_named_by_all_of_its_files(self) -> None:
        given = files(slices())
        lines = "".join(f"{one}\n" for one in sorted(digest(data) for data in given))
        expected = "sha256:" + hashlib.sha256(lines.encode()).hexdigest()
        assert read(*given).facts.digest == expected

    def test_may_have_files_beside_it(self) -> None:
        report = written(item(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR"))
        volume = read(*files(slices()), b"readme", report)
        assert volume.shape == (4, 3, 5)
        assert "2 files" in note(volume, "other-files-skipped")

    def test_that_is_tilted_is_refused_or_kept_as_it_is(self) -> None:
        tilted = files(slices(step=(0.0, 0.6, 2.4)))
        problem = refused(*tilted)
        assert problem.code == "sheared"
        assert "14.0°" in problem.message
        volume = read(*tilted, choice=Choice(sheared=True))
        assert np.allclose(volume.affine[:3, 2], (0, -0.6, 2.4))
        assert volume.voxel_millilitres == pytest.approx(0.5 * 0.7 * 2.4 / 1000)
        assert note(volume, "sheared")

    def test_with_a_missing_slice_is_refused(self) -> None:
        given = files(slices(9))
        assert refused(*given[:4], *given[5:]).code == "missing-slices"

    def test_whose_slice_came_twice_is_refused(self) -> None:
        given = files(slices(4))
        assert refused(*given, given[1]).code == "duplicate-slices"


def test_a_file_that_changes_while_it_is_read_is_refused() -> None:
    given = files(slices())
    moved = files(slices(first=(-10.0, -20.0, 31.0)))
    opened = iter([given[0]] * 3 + [moved[0]])  # twice for what it is, once for its header
    first = GivenFile("0", len(given[0]), lambda: io.BytesIO(next(opened)))
    rest = [
        GivenFile(str(place), len(data), partial(io.BytesIO, data))
        for place, data in enumerate(given)
    ][1:]
    with pytest.raises(VolumeRefused, match="changed while it was read"):
        read_volume(FileSet((first, *rest)))


class TestBodyParts:
    def test_are_told_by_a_code_too(self) -> None:
        region = Items([item(CodeValue="69536005", CodingSchemeDesignator="SCT")])
        given = files(slices(BodyPartExamined=None, AnatomicRegionSequence=region))
        assert read(*given).facts.body_part == "HEAD"

    def test_with_a_code_that_nobody_knows_are_not_told(self) -> None:
        region = Items([item(CodeValue="1", CodingSchemeDesignator="99X")])
        given = files(slices(BodyPartExamined="", AnatomicRegionSequence=region))
        assert read(*given).facts.body_part is None


class TestValues:
    def test_are_rescaled_slice_by_slice(self) -> None:
        series = slices(3)
        for place, one in enumerate(series):
            one.RescaleSlope, one.RescaleIntercept = f"{place + 1}", "-1024"
        values = read(*files(series)).values
        for place in range(3):
            expected = (PLANE + 100 * place) * (place + 1) - 1024
            assert np.array_equal(values[:, :, place].T, expected)

    @pytest.mark.parametrize(("there", "missing"), [("Slope", "Intercept"), ("Intercept", "Slope")])
    def test_are_not_rescaled_by_half_a_rescale(self, there: str, missing: str) -> None:
        series = slices(3)
        for one in series:
            setattr(one, f"Rescale{there}", "2")
        problem = refused(*files(series))
        assert problem.code == "corrupt"
        assert f"a Rescale {there} and no Rescale {missing}" in problem.message

    def test_may_come_out_of_a_table(self) -> None:
        table = Dataset()
        table.LUTDescriptor, table.LUTData = [300, 0, 16], [3 * one for one in range(300)]
        for name in ("LUTDescriptor", "LUTData"):
            table[name].VR = "US"
        values = read(*files(slices(3, ModalityLUTSequence=Items([table])))).values
        assert np.array_equal(values[:, :, 2].T, (PLANE + 200) * 3)

    def test_of_padding_become_the_lowest_of_the_others(self) -> None:
        series = slices(3, RescaleIntercept="-1000", RescaleSlope="1")
        for one in series:
            one.PixelPaddingValue = 105
        volume = read(*files(series))
        assert volume.values.min() == -1000
        assert volume.values[1, 1, 1] == -1000
        assert "2.8%" in note(volume, "padding-replaced")

    def test_of_nothing_but_padding_are_refused(self) -> None:
        series = slices(3)
        for one in series:
            one.PixelPaddingValue, one.PixelPaddingRangeLimit = 0, 60_000
        assert refused(*files(series)).code == "corrupt"

    @pytest.mark.parametrize("kind", ["MONOCHROME1", "PALETTE COLOR"])
    def test_that_were_not_measured_are_refused(self, kind: str) -> None:
        problem = refused(*files(slices(PhotometricInterpretation=kind)))
        assert problem.code == "unsupported"
        assert kind in problem.message

    def test_of_floating_point_are_refused(self) -> None:
        series = slices(3)
        for one in series:
            del one.PixelData
            one.FloatPixelData = np.zeros(12, dtype="<f4").tobytes()
        assert refused(*files(series)).code == "unsupported"

    def test_need_pixels(self) -> None:
        assert refused(*files(slices(PixelData=None))).code == "not-a-volume"


class TestLimits:
    @pytest.mark.parametrize(
        "limits",
        [
            VolumeLimits(voxels=59),
            VolumeLimits(side=3),
            VolumeLimits(slices=4),
            VolumeLimits(file_bytes=2_000),
        ],
    )
    def test_each_one_is_held_before_a_pixel_is_decoded(self, limits: VolumeLimits) -> None:
        assert refused(*files(slices()), limits=limits).code == "too-large"

    def test_deflated_files_are_bounded_all_together(self) -> None:
        series = slices(3, side=(64, 64))
        given = files(series, DeflatedExplicitVRLittleEndian)
        one = VolumeLimits(inflated_bytes=10_000)  # a file inflates to 8.6 kB
        assert read(*given, limits=VolumeLimits(inflated_bytes=30_000)).shape == (64, 64, 3)
        assert refused(*given, limits=one).code == "too-large"
        assert refused(*given, limits=VolumeLimits(inflated_bytes=20_000)).code == "too-large"
        assert read(*files(series[:2]), given[2], limits=one).shape == (64, 64, 3)
        plain = VolumeLimits(inflated_bytes=9_000)
        assert read(*files(series), limits=plain).shape == (64, 64, 3)

    def test_frames_are_bounded_all_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(volumes, "_MOST_OBJECTS", 2)
        limits = VolumeLimits(slices=4)
        whole = [written(enhanced(UP, SeriesInstanceUID=f"1.2.3.{one}")) for one in range(4)]
        assert refused(*whole[:2], limits=limits).code == "several-series"
        problem = refused(*whole, limits=limits)
        assert problem.code == "too-large"
        assert "more than 8 frames" in problem.message

    def test_a_file_alone_may_be_too_large(self) -> None:
        problem = refused(*files(slices()), limits=VolumeLimits(file_bytes=300))
        assert "a file of" in problem.message


class TestRefused:
    def test_a_damaged_file_is_said_by_its_place_and_not_by_its_name(self) -> None:
        given = files(slices())
        given[2] = given[2][:-7]
        problem = refused(*given)
        assert problem.code == "corrupt"
        assert "file 3 of 5" in problem.message

    def test_one_in_a_syntax_that_nobody_reads(self) -> None:
        given = files(slices())
        given[3] = given[3].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0")
        assert refused(*given).code == "no-codec"

    def test_several_frames_without_places(self) -> None:
        series = slices(3, NumberOfFrames=2)
        for one in series:
            one.PixelData += one.PixelData
        assert refused(*files(series)).code == "no-geometry"
        alone = refused(*files(series[:1]))
        assert alone.code == "no-geometry"
        assert "one DICOM picture" not in alone.message

    def test_more_data_elements_than_so_many_files_can_have(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(volumes, "_MOST_ELEMENTS", 500)
        monkeypatch.setattr(volumes, "_ELEMENTS_EACH", 10)
        empty = b"".join(struct.pack("<HH2sH", 9, place, b"LO", 0) for place in range(400))
        body = b"\x18\0\x15\0CS"
        problem = refused(*(data.replace(body, empty + body) for data in files(slices(2))))
        assert problem.code == "too-large"
        assert "data elements" in problem.message

    def test_no_frames(self) -> None:
        assert refused(*files(slices(3, NumberOfFrames=0))).code == "corrupt"


class TestTheRealSeries:
    def test_has_its_true_spacing_order_and_values(self, samples: Path) -> None:
        folder = samples / "dicom" / "ct-j2k-series"
        volume = read_volume(files_at(folder))
        assert volume.spacing == pytest.approx((0.9765625, 0.9765625, 2.0))
        assert volume.shape == (512, 512, 20)
        slices = [pydicom.dcmread(path) for path in folder.iterdir()]
        slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
        for place in (0, 11, 19):
            expected = slices[place].pixel_array.astype(np.float32) - 1024
            assert np.array_equal(volume.values[:, :, place], expected.T)
        first = np.array([*slices[0].ImagePositionPatient], dtype=float) * (-1, -1, 1)
        assert np.allclose(volume.affine[:3, 3], first)
        assert volume.facts.syntax == "JPEG 2000 (Lossless Only)"


class TestLosslessPairs:
    @pytest.mark.parametrize("name", ["MR2", "693"])
    def test_are_bit_equal_as_volumes(self, samples: Path, name: str) -> None:
        read_both = [
            read(*(written(one, one.file_meta.TransferSyntaxUID) for one in shifted(path)))
            for path in (
                samples / "dicom" / "files" / f"{name}_J2KR.dcm",
                samples / "dicom" / "files" / f"{name}_UNCR.dcm",
            )
        ]
        assert np.array_equal(read_both[0].values, read_both[1].values)
        assert np.array_equal(read_both[0].affine, read_both[1].affine)
        raw = pydicom.dcmread(samples / "dicom" / "files" / f"{name}_UNCR.dcm")
        slope, intercept = float(raw.RescaleSlope), float(raw.RescaleIntercept)
        stored = raw.pixel_array.astype(np.float64)
        if "PixelPaddingValue" in raw:  # -2,000 outside the circle of the CT
            stored[stored == raw.PixelPaddingValue] = stored[stored != raw.PixelPaddingValue].min()
        expected = (stored * slope + intercept).astype(np.float32)
        assert np.array_equal(read_both[0].values[:, :, 1], expected.T)

    @pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
    def test_made_by_others_too(self, syntax: str) -> None:
        series = slices(3, side=(64, 48))
        plain = read(*files(series)).values
        for one in series:
            one.compress(syntax, generate_instance_uid=False)
        assert np.array_equal(read(*(written(one, syntax) for one in series)).values, plain)


def shifted(path: Path) -> list[Dataset]:
    """Two slices with the pixels of one real file, 3 mm apart."""
    found = list[Dataset]()
    for place in range(2):
        one = pydicom.dcmread(path)
        across, down = np.array(one.ImageOrientationPatient, dtype=float).reshape(2, 3)
        where = np.array(one.ImagePositionPatient, dtype=float) + 3 * place * np.cross(across, down)
        one.ImagePositionPatient = [f"{part:.6f}" for part in where]
        one.SOPInstanceUID = f"1.2.3.{place}"
        found.append(one)
    return found
