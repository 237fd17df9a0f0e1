from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from bedside.canonical import digest
from bedside.imaging.choice import Choice
from bedside.imaging.files import files_at
from bedside.imaging.volume import Volume, VolumeLimits
from bedside.imaging.volume_reading import read_volume
from tests.imaging.made import written
from tests.imaging.made_volumes import UP, enhanced, item, note, read, refused, with_groups

PLANE = np.arange(12).reshape(3, 4)
FOUR = (
    "emri_small",
    "emri_small_RLE",
    "emri_small_jpeg_2k_lossless",
    "emri_small_jpeg_ls_lossless",
)


def volume_of(one: Dataset) -> Volume:
    return read(written(one))


class TestGeometry:
    def test_sits_in_the_functional_groups(self) -> None:
        volume = volume_of(enhanced(UP))
        assert volume.shape == (4, 3, 4)
        expected = [[-0.5, 0, 0, 10], [0, -0.7, 0, 20], [0, 0, 2, 30], [0, 0, 0, 1]]
        assert np.allclose(volume.affine, np.array(expected, dtype=float))

    def test_orders_the_frames(self) -> None:
        volume = volume_of(enhanced([UP[2], UP[0], UP[3], UP[1]]))
        for place, frame in enumerate((1, 3, 0, 2)):
            assert np.array_equal(volume.values[:, :, place].T, PLANE + 100 * frame)

    def test_may_stand_once_for_each_frame(self) -> None:
        own = [{"PixelMeasuresSequence": item(PixelSpacing=[1.5, 1.25])} for _ in UP]
        volume = volume_of(enhanced(UP, own=own))
        assert volume.spacing == pytest.approx((1.25, 1.5, 2.0))

    def test_that_is_not_there_is_refused(self, samples: Path) -> None:
        for name in FOUR:
            problem = refused((samples / "dicom" / "files" / f"{name}.dcm").read_bytes())
            assert problem.code == "no-geometry"

    def test_for_another_number_of_frames_is_refused(self) -> None:
        one = enhanced(UP)
        one.NumberOfFrames = 5
        assert refused(written(one)).code == "corrupt"

    def test_of_one_place_seen_twice_is_four_dimensional(self) -> None:
        assert refused(written(enhanced([*UP, *UP]))).code == "four-dimensional"


class TestStacks:
    def test_are_told_apart_by_their_identifier(self) -> None:
        own = [{"FrameContentSequence": item(StackID=str(1 + place // 4))} for place in range(8)]
        data = written(enhanced([*UP, *UP], own=own))
        assert refused(data).code == "several-series"
        volume = read(data, choice=Choice(series="777001/2"))
        assert np.array_equal(volume.values[:, :, 0].T, PLANE + 400)

    def test_are_told_apart_by_their_echo(self) -> None:
        own = [
            {"MREchoSequence": item(EffectiveEchoTime=float(10 + place // 4))} for place in range(8)
        ]
        assert refused(written(enhanced([*UP, *UP], own=own))).code == "several-series"

    @pytest.mark.parametrize(
        "own",
        [
            [
                {"FrameContentSequence": item(TemporalPositionIndex=place // 2 + 1)}
                for place in range(4)
            ],
            [
                {"MRDiffusionSequence": item(DiffusionBValue=1000.0 * (place // 2))}
                for place in range(4)
            ],
        ],
        ids=["times", "weightings"],
    )
    def test_of_two_times_or_weightings_at_places_of_their_own_are_no_volume(
        self, own: list[dict[str, Dataset]]
    ) -> None:
        data = written(enhanced(UP, own=own))
        assert refused(data).code == "several-series"
        assert refused(data, choice=Choice(rule="largest")).code == "several-series"

    def test_that_are_localizers_are_said(self) -> None:
        kinds = item(FrameType=["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"])
        data = written(enhanced(UP, shared={"MRImageFrameTypeSequence": kinds}))
        assert refused(data).code == "localizer"

    def test_of_two_objects_are_two(self) -> None:
        problem = refused(written(enhanced(UP)), written(enhanced(UP)))
        assert problem.code == "several-series"

    def test_of_one_frame_each_are_a_series(self) -> None:
        given = [written(enhanced([position])) for position in UP]
        volume = read(*given)
        assert volume.shape == (4, 3, 4)
        assert volume.facts.medium == "dicom-series"

    def test_that_are_one_part_of_a_whole_are_refused(self) -> None:
        data = written(enhanced(UP, InConcatenationTotalNumber=2))
        assert "concatenation" in refused(data).message


class TestRescale:
    def test_may_be_shared(self) -> None:
        shared = {"PixelValueTransformationSequence": item(RescaleSlope="2", RescaleIntercept="-9")}
        values = volume_of(enhanced(UP, shared=shared)).values
        assert np.array_equal(values[:, :, 3].T, (PLANE + 300) * 2 - 9)

    def test_may_be_each_frame_s_own(self) -> None:
        own = [
            {
                "PixelValueTransformationSequence": item(
                    RescaleSlope=str(n + 1), RescaleIntercept="0"
                )
            }
            for n in range(4)
        ]
        values = volume_of(enhanced(UP, own=own)).values
        for place in range(4):
            assert np.array_equal(values[:, :, place].T, (PLANE + 100 * place) * (place + 1))

    def test_may_stand_at_the_top(self) -> None:
        values = volume_of(enhanced(UP, RescaleSlope="3", RescaleIntercept="1")).values
        assert np.array_equal(values[:, :, 0].T, PLANE * 3 + 1)

    def test_of_the_real_ct_is_only_in_the_shared_group(self, samples: Path) -> None:
        path = samples / "dicom" / "files" / "eCT_Supplemental.dcm"
        volume, raw = read_volume(files_at(path)), pydicom.dcmread(path)
        pixels = raw.pixel_array.astype(np.float32) - 1024
        assert np.array_equal(volume.values[:, :, 0], pixels[1 if UPSIDE_DOWN else 0].T)
        assert volume.spacing == pytest.approx((0.388672, 0.388672, 10.0))
        assert (volume.facts.modality, volume.facts.body_part) == ("CT", "BRAIN")
        assert note(volume, "supplemental-colour")


UPSIDE_DOWN = True
"""The real CT's rows go to the patient's right, so that its normal points to the feet."""


class TestFourSyntaxes:
    def test_of_one_real_object_are_bit_equal(self, samples: Path) -> None:
        folder = samples / "dicom" / "files"
        raw = pydicom.dcmread(folder / "emri_small.dcm").pixel_array.astype(np.float32)
        for name in FOUR:
            one = pydicom.dcmread(folder / f"{name}.dcm")
            places = [(0.0, 0.0, 1.2 * place) for place in range(10)]
            data = written(with_groups(one, places), one.file_meta.TransferSyntaxUID)
            volume = read(data)
            assert np.array_equal(volume.values, raw.transpose(2, 1, 0)), name
            assert volume.facts.body_part == "HEAD"
            assert volume.facts.medium == "dicom-enhanced"
            assert volume.facts.digest == digest(data)

    def test_cut_is_refused(self, samples: Path) -> None:
        path = samples / "dicom" / "files" / "emri_small_jpeg_2k_lossless_too_short.dcm"
        assert refused(path.read_bytes()).code == "corrupt"


class TestLimits:
    def test_frames_are_counted_before_they_are_read(self) -> None:
        data = written(enhanced(UP))
        problem = refused(data, limits=VolumeLimits(slices=3))
        assert problem.code == "too-large"
        assert "4 frames" in problem.message

    def test_more_frames_than_pixels_are_refused(self) -> None:
        one = enhanced(UP)
        one.PixelData = one.PixelData[:-24]
        assert refused(written(one)).code == "corrupt"
