from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from bedside.imaging.choice import Choice, Rule
from tests.imaging.made_volumes import SERIES, files, note, read, refused, slices

OTHER = ["ORIGINAL", "PRIMARY", "AXIAL", "X"]
RULES: tuple[Rule, ...] = ("largest", "only-volumetric")


def of_other_type(series: list[Dataset], *places: int) -> list[bytes]:
    """The series as files, of which some have another Image Type."""
    for place in places:
        series[place].ImageType = OTHER
    return files(series)


@pytest.mark.parametrize("rule", RULES)
class TestAPartOfASeries:
    """What a rule must not take for the whole."""

    def test_without_its_last_slices_is_refused(self, rule: Rule) -> None:
        problem = refused(*of_other_type(slices(20), 18, 19), choice=Choice(rule=rule))
        assert problem.code == "several-series"
        assert "no part is the whole" in problem.message
        assert "777001/2: CT, 2 slices" in problem.message

    def test_of_which_the_rest_begins_at_its_last_place_is_refused(self, rule: Rule) -> None:
        rest = slices(2, ImageType=OTHER, first=(-10, -20, 30 + 2.5 * 6))
        problem = refused(*files([*slices(7), *rest]), choice=Choice(rule=rule))
        assert "no part is the whole" in problem.message

    def test_without_every_second_slice_is_refused(self, rule: Rule) -> None:
        given = of_other_type(slices(5), 1, 3)
        assert "no part is the whole" in refused(*given, choice=Choice(rule=rule)).message

    def test_without_a_slice_that_is_turned_round_is_refused(self, rule: Rule) -> None:
        series = slices(10)
        series[9].ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
        problem = refused(*files(series), choice=Choice(rule=rule))
        assert "no part is the whole" in problem.message

    def test_that_its_uid_names_is_refused_too(self, rule: Rule) -> None:
        given = of_other_type(slices(9), 7, 8)
        assert refused(*given, choice=Choice(SERIES, rule)).code == "several-series"

    def test_may_be_named_itself(self, rule: Rule) -> None:
        volume = read(*of_other_type(slices(9), 7, 8), choice=Choice("777001", rule))
        assert volume.shape == (4, 3, 7)
        assert "1 other stack of the same series left out" in note(volume, "series-chosen")


@pytest.mark.parametrize("rule", RULES)
class TestAWholeStack:
    """What a rule may take although more is there."""

    def test_may_have_others_at_its_places(self, rule: Rule) -> None:
        given = [*files(slices(6)), *files(slices(2, ImageType=OTHER))]
        assert read(*given, choice=Choice(rule=rule)).shape == (4, 3, 6)

    def test_may_have_a_thick_one_among_its_slices(self, rule: Rule) -> None:
        thick = files(slices(2, ImageType=OTHER, step=(0, 0, 10), first=(-10, -20, 31)))
        assert read(*files(slices(6)), *thick, choice=Choice(rule=rule)).shape == (4, 3, 6)

    def test_may_have_others_of_another_direction_or_pixel_size(self, rule: Rule) -> None:
        sagittal = slices(2, orientation=(0, 1, 0, 0, 0, -1), step=(2, 0, 0))
        wide = slices(2, first=(-10, -20, 90), PixelSpacing=[0.9, 0.9])
        given = files([*slices(6), *sagittal, *wide])
        assert read(*given, choice=Choice(rule=rule)).shape == (4, 3, 6)

    def test_may_have_a_localizer_and_a_picture_without_a_place_beside_it(self, rule: Rule) -> None:
        survey = slices(2, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], first=(0, 0, 500))
        picture = slices(1, ImagePositionPatient=None, ImageType=OTHER)
        given = files([*slices(6), *survey, *picture])
        assert read(*given, choice=Choice(rule=rule)).shape == (4, 3, 6)

    def test_may_have_others_whose_direction_is_none(self, rule: Rule) -> None:
        nowhere = slices(2, orientation=(0, 0, 0, 0, 0, 0), first=(0, 0, 500))
        found = read(*files([*slices(6), *nowhere]), choice=Choice(rule=rule))
        assert np.array_equal(found.values, read(*files(slices(6))).values)
