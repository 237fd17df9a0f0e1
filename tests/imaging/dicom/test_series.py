from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from bedside.imaging.choice import Choice
from bedside.imaging.files import files_of
from bedside.imaging.volume_reading import list_series
from tests.imaging.made_volumes import MR, files, note, read, refused, slices

T1, T2 = "1.2.826.0.1.1.777001", "1.2.826.0.1.1.888002"
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
NAME = "Yamada^Taro"

HEAD = files(slices(6))
SMALL = files(slices(4, SeriesInstanceUID=T2, SeriesDescription="Ax T2 " + NAME, Modality="MR"))
SCOUT = files(
    slices(
        3, SeriesInstanceUID="1.2.826.0.1.1.999003", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
)


class TestSeveral:
    def test_are_refused_with_a_list(self) -> None:
        problem = refused(*HEAD, *SMALL)
        assert problem.code == "several-series"
        assert "777001: CT, 6 slices of 4 × 3" in problem.message
        assert '888002: MR, "ax t2", 4 slices of 4 × 3' in problem.message
        assert "Yamada" not in problem.message

    def test_are_never_the_first(self) -> None:
        assert refused(*SMALL, *HEAD).message == refused(*HEAD, *SMALL).message

    @pytest.mark.parametrize("name", ["777001", T1, "1.777001", "777001/1"])
    def test_one_may_be_named(self, name: str) -> None:
        volume = read(*HEAD, *SMALL, choice=Choice(series=name))
        assert volume.shape == (4, 3, 6)
        assert volume.facts.series == T1
        assert "1 other series left out" in note(volume, "series-chosen")

    @pytest.mark.parametrize("name", ["777", "123456", "777001/2", "", "/1"])
    def test_none_that_is_not_there(self, name: str) -> None:
        problem = refused(*HEAD, *SMALL, choice=Choice(series=name))
        assert problem.code == "no-such-series"
        assert "888002" in problem.message

    def test_the_largest_may_be_asked_for(self) -> None:
        assert read(*SMALL, *HEAD, choice=Choice(rule="largest")).facts.series == T1

    def test_of_two_that_are_as_large_none_is_the_largest(self) -> None:
        twin = files(slices(6, SeriesInstanceUID=T2))
        assert refused(*HEAD, *twin, choice=Choice(rule="largest")).code == "several-series"

    def test_the_only_one_that_is_a_volume_may_be_asked_for(self) -> None:
        gap = files(slices(9, SeriesInstanceUID=T2))
        others = [*gap[:3], *gap[5:]]
        rule = Choice(rule="only-volumetric")
        assert read(*others, *HEAD, *SCOUT, choice=rule).facts.series == T1
        assert refused(*SMALL, *HEAD, choice=rule).code == "several-series"

    def test_where_none_is_a_volume_the_reason_is_told(self) -> None:
        gap = files(slices(9))
        rule = Choice(rule="only-volumetric")
        assert refused(*gap[:3], *gap[5:], choice=rule).code == "missing-slices"

    def test_whose_ends_are_alike_get_longer_names(self) -> None:
        other = files(slices(4, SeriesInstanceUID="1.2.826.0.1.5.777001"))
        assert "1.777001: " in refused(*HEAD, *other).message


class TestALocalizer:
    def test_is_never_taken_silently(self) -> None:
        assert refused(*SCOUT).code == "localizer"
        assert refused(*SCOUT, choice=Choice(rule="largest")).code == "localizer"
        assert refused(*HEAD, *SCOUT).code == "several-series"

    def test_is_told_by_its_description_too(self) -> None:
        assert refused(*files(slices(6, SeriesDescription="3-plane_loc"))).code == "localizer"

    def test_may_be_named(self) -> None:
        volume = read(*SCOUT, choice=Choice(series="999003"))
        assert note(volume, "localizer")

    def test_is_left_out_by_a_rule_however_large(self) -> None:
        large = files(
            slices(9, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesInstanceUID=T2)
        )
        assert read(*HEAD, *large, choice=Choice(rule="largest")).facts.series == T1


class TestOneSeries:
    def test_of_two_directions_is_two_stacks(self) -> None:
        turned = files(slices(3, orientation=SAGITTAL, step=(2, 0, 0), SOPInstanceUID="1.2.3.99"))
        problem = refused(*HEAD, *turned)
        assert "777001: CT, 6 slices" in problem.message
        assert "777001/2: CT, 3 slices" in problem.message
        assert read(*HEAD, *turned, choice=Choice(series="777001/2")).shape == (4, 3, 3)
        assert read(*HEAD, *turned, choice=Choice(series="777001")).shape == (4, 3, 6)
        assert refused(*HEAD, *turned, choice=Choice(series=T1)).code == "several-series"

    def test_of_a_direction_for_each_slice_is_refused_soon(self) -> None:
        series = slices(130)
        for place, one in enumerate(series):
            turn = np.radians(place * 1.5)
            across = [np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0]
            one.ImageOrientationPatient = [f"{part:.6f}" for part in across]
        assert "128 directions" in refused(*files(series)).message

    def test_of_two_echoes_is_two_stacks(self) -> None:
        first, second = (files(slices(4, SOPClassUID=MR, EchoTime=time)) for time in ("10", "80"))
        assert refused(*first, *second).code == "several-series"

    def test_of_two_times_is_four_dimensional(self) -> None:
        again = files(slices(6, AcquisitionNumber=2, SOPInstanceUID=None))
        problem = refused(*HEAD, *again)
        assert problem.code == "four-dimensional"
        assert "12 images at 6 places" in problem.message

    def test_that_came_twice_is_no_second_time(self) -> None:
        assert refused(*HEAD, *HEAD).code == "duplicate-slices"

    @pytest.mark.parametrize(
        ("name", "values", "words"),
        [
            ("TemporalPositionIdentifier", ("1", "2"), "time"),
            ("EchoNumbers", ("1", "2"), "echo"),
            ("DiffusionBValue", (0.0, 1000.0), "b"),
        ],
    )
    def test_of_two_times_or_weightings_at_places_of_their_own_is_no_volume(
        self, name: str, values: tuple[str | float, str | float], words: str
    ) -> None:
        series = slices(6, SOPClassUID=MR, Modality="MR")
        for place, one in enumerate(series):
            setattr(one, name, values[place // 3])
        problem = refused(*files(series))
        assert problem.code == "several-series"
        assert f"777001: MR, 3 slices of 4 × 3, {words} {float(values[0]):g};" in problem.message
        assert refused(*files(series[:4]), choice=Choice(rule="largest")).code == "several-series"

    def test_of_two_times_is_read_one_time_at_a_time(self) -> None:
        series = [
            *slices(
                4,
                SOPClassUID=MR,
                TemporalPositionIdentifier="2",
                RescaleSlope="1",
                RescaleIntercept="7",
            ),
            *slices(4, SOPClassUID=MR, TemporalPositionIdentifier="1"),
        ]
        found = [
            read(*files(series), choice=Choice(series=name)) for name in ("777001/1", "777001/2")
        ]
        assert [volume.values.min() for volume in found] == [0, 7]
        assert "1 other stack of the same series left out" in note(found[0], "series-chosen")

    def test_of_an_echo_time_that_is_spelt_in_two_ways_is_one_stack(self) -> None:
        series = slices(6, SOPClassUID=MR)
        for place, one in enumerate(series):
            one.EchoTime = "4.20" if place % 2 else "4.2"
        assert read(*files(series)).shape == (4, 3, 6)

    def test_of_two_sizes_is_two_stacks(self) -> None:
        wide = files(slices(3, side=(3, 8)))
        assert "3 slices of 8 × 3" in refused(*HEAD, *wide).message

    def test_of_two_pixel_sizes_is_two_stacks(self) -> None:
        series = slices(6)
        for one in series[4:]:
            one.PixelSpacing = [0.8, 0.5]
        problem = refused(*files(series))
        assert problem.code == "several-series"
        assert "777001: CT, 4 slices" in problem.message
        assert "777001/2: CT, 2 slices" in problem.message

    def test_without_a_uid_has_a_name_too(self) -> None:
        first = files(slices(4, SeriesInstanceUID=None))
        assert read(*first).facts.series is None
        assert "no-uid: CT" in refused(*HEAD, *first).message
        assert read(*HEAD, *first, choice=Choice(series="no-uid")).shape == (4, 3, 4)

    def test_of_mosaics_is_refused_by_name(self) -> None:
        mosaic = files(slices(4, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]))
        problem = refused(*mosaic)
        assert problem.code == "unsupported"
        assert "MOSAIC" in problem.message


def test_no_file_name_decides_where_a_series_is_cut() -> None:
    def drifting(order: Iterable[int]) -> list[bytes]:
        series = slices(20)
        for place, one in enumerate(series):
            turn = np.radians(0.004 * place)
            across = (np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0)
            one.ImageOrientationPatient = [f"{part:.7f}" for part in across]
        return files([series[place] for place in order])

    ascending = refused(*drifting(range(20)))
    middle_first = refused(*drifting([10, *range(10), *range(11, 20)]))
    assert ascending.code == middle_first.code == "several-series"
    assert ascending.message == middle_first.message


def test_no_file_name_decides_what_body_part_it_is_of() -> None:
    series = slices(3, BodyPartExamined="")
    series[1].BodyPartExamined = "BRAIN"
    for order in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        assert read(*files([series[place] for place in order])).facts.body_part == "BRAIN"


def test_no_value_that_could_be_a_name_is_told() -> None:
    series = [*slices(3, EchoTime="1"), *slices(3, EchoTime="2")]
    given = [data.replace(b"\x81\0DS\x02\x002 ", b"\x81\0DS\x02\x00Ai") for data in files(series)]
    told = refused(*given).message
    assert "echo time 1 ms" in told
    assert "Ai" not in told


def test_what_there_is_can_be_listed() -> None:
    given = [(str(place), data) for place, data in enumerate((*HEAD, *SCOUT))]
    found = list_series(files_of(given))
    assert [(one.name, len(one.planes), one.is_volumetric) for one in found] == [
        ("777001", 6, True),
        ("999003", 3, False),
    ]
