from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bedside.lab.brain.overlap.cases import HARDSHIPS, HardCase, HardCases
from bedside.lab.brain.overlap.settings import CalibrationSettings


@pytest.fixture(scope="session")
def drawn(heads: list[Path], small: CalibrationSettings) -> list[HardCase]:
    cases = HardCases(heads, small)
    return [cases[number] for number in range(len(cases))]


def test_every_hardship_befalls_every_head(drawn: list[HardCase]) -> None:
    met = {(one.patient, one.hardship) for one in drawn}
    assert met == {(name, one) for name in ("a.nii.gz", "b.nii.gz") for one in HARDSHIPS}


def test_a_case_follows_from_the_seed_and_its_number(
    heads: list[Path], small: CalibrationSettings, drawn: list[HardCase]
) -> None:
    again = HardCases(heads, small)[4]
    assert np.array_equal(again.volume.values, drawn[4].volume.values)
    other = HardCases(heads, small.model_copy(update={"seed": 2}))[4]
    assert not np.array_equal(other.volume.values, drawn[4].volume.values)


def test_the_truth_lies_on_the_volumes_grid_and_is_never_more_than_the_whole(
    drawn: list[HardCase],
) -> None:
    for one in drawn:
        assert one.truth.shape == one.volume.shape
        assert np.count_nonzero(one.truth) <= one.brain


def test_what_was_cut_away_is_still_counted(drawn: list[HardCase]) -> None:
    cut = [one for one in drawn if one.hardship == "cut" and one.severity > 0.3]
    assert any(np.count_nonzero(one.truth) < 0.9 * one.brain for one in cut)


def test_where_there_is_no_head_there_is_no_brain(drawn: list[HardCase]) -> None:
    none = [one for one in drawn if one.hardship == "no-head"]
    assert {one.brain for one in none} == {0}
    assert all(not one.truth.any() for one in none)


def test_there_is_none_of_a_number_beyond(heads: list[Path], small: CalibrationSettings) -> None:
    with pytest.raises(IndexError):
        HardCases(heads, small)[38]
