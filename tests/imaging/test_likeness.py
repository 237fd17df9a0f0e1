from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.grey import full_range, header_window
from bedside.imaging.likeness import correlation, mean_thumbnail, thumbnail
from bedside.imaging.reading import read_picture

CHANCE = np.random.default_rng(4)


class TestThumbnail:
    @given(st.integers(1, 60), st.integers(1, 60))
    @settings(max_examples=30, deadline=None)
    def test_has_mean_0_and_deviation_1_whatever_the_size(self, rows: int, columns: int) -> None:
        values = thumbnail(np.random.default_rng(rows).random((rows, columns), dtype=np.float32))
        assert values.shape == (256,)
        assert values.dtype == np.float64
        if rows * columns > 1:
            assert abs(values.mean()) < 1e-9
            assert values.std() == pytest.approx(1)

    def test_is_the_mean_of_each_cell(self) -> None:
        picture = CHANCE.random((64, 32), dtype=np.float32)
        cells = picture.reshape(16, 4, 16, 2).mean(axis=(1, 3)).ravel().astype(np.float64)
        expected = (cells - cells.mean()) / cells.std()
        assert np.abs(thumbnail(picture) - expected).max() < 1e-4

    def test_of_a_flat_picture_is_zeros(self) -> None:
        assert not thumbnail(np.full((40, 50), 0.7, dtype=np.float32)).any()

    def test_does_not_mind_brightness_and_contrast(self) -> None:
        picture = CHANCE.random((50, 40), dtype=np.float32)
        assert np.abs(thumbnail(picture) - thumbnail(picture * 0.3 + 0.2)).max() < 1e-4


class TestCorrelation:
    def test_is_1_with_itself_and_minus_1_with_the_negative(self) -> None:
        picture = CHANCE.random((30, 30), dtype=np.float32)
        assert correlation(thumbnail(picture), thumbnail(picture)) == pytest.approx(1)
        assert correlation(thumbnail(picture), thumbnail(1 - picture)) == pytest.approx(-1)

    def test_is_that_of_numpy(self) -> None:
        one, other = CHANCE.random(256), CHANCE.random(256)
        assert correlation(one, other) == pytest.approx(np.corrcoef(one, other)[0, 1])

    def test_with_a_flat_picture_is_0(self) -> None:
        assert correlation(np.zeros(256), CHANCE.random(256)) == 0

    def test_of_two_sizes_is_refused(self) -> None:
        with pytest.raises(UsageError, match="256 and 64"):
            correlation(np.zeros(256), np.zeros(64))


class TestMean:
    def test_is_standardised_again(self) -> None:
        mean = mean_thumbnail(
            [thumbnail(CHANCE.random((20, 20), dtype=np.float32)) for _ in range(5)]
        )
        assert abs(mean.mean()) < 1e-9
        assert mean.std() == pytest.approx(1)

    def test_of_nothing_is_refused(self) -> None:
        with pytest.raises(UsageError, match="no thumbnail"):
            mean_thumbnail([])


def test_a_chest_is_nearer_to_a_chest_than_a_shin_is(samples: Path) -> None:
    def of(name: str) -> NDArray[np.float64]:
        picture = read_picture((samples / name).read_bytes())
        return thumbnail(header_window(picture) if picture.windows else full_range(picture))

    film, other = of("films/00000001_000.png"), of("films/00027426_000.png")
    chest, shin = of("dicom/files/RG1_J2KI.dcm"), of("dicom/files/RG3_J2KR.dcm")
    reference = mean_thumbnail([film, other])
    assert correlation(film, other) > 0.6
    assert correlation(reference, chest) > correlation(reference, shin) + 0.2
