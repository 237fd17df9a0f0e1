from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bedside.errors import PackageDamaged
from bedside.package.explanation import Occlusion, occlusion_passes
from bedside.package.image_operations import (
    CropSquare,
    FullRange,
    Greyscale,
    Normalise,
    RepeatChannel,
)
from bedside.runtime.explain.occlusion import PICTURES_AT_ONCE, covering, occlusion

Pictures = NDArray[np.float32]
BLACK = np.zeros(1, dtype=np.float32)


def declared(patch: int, stride: int, rows: int, columns: int, **changes: Any) -> Occlusion:
    passes = occlusion_passes(patch, stride, rows, columns)
    parts: dict[str, Any] = {"fill": 0.0, "scale": "value", "passes": passes} | changes
    return Occlusion(patch=patch, stride=stride, **parts)


def picture(rows: int, columns: int, channels: int = 1, seed: int = 0) -> Pictures:
    return np.random.default_rng(seed).random((channels, rows, columns), dtype=np.float32)


def test_a_spot_that_alone_decides_is_found_and_nothing_else() -> None:
    film = np.zeros((1, 32, 48), dtype=np.float32)
    film[0, 8:12, 20:24] = 1.0

    def spot(films: Pictures) -> NDArray[np.float64]:
        return np.asarray(films[:, 0, 8:12, 20:24].mean(axis=(1, 2), dtype=np.float64))

    found = occlusion(declared(4, 4, 32, 48), film, BLACK, spot)
    assert found.grid.shape == (32, 48)
    assert (found.grid[8:12, 20:24] == 1.0).all()
    assert found.grid.sum() == 16.0
    assert found.base == 1.0
    assert found.passes == 8 * 12 + 1


def test_what_speaks_against_the_answer_is_negative() -> None:
    film = picture(8, 8)
    found = occlusion(
        declared(4, 4, 8, 8),
        film,
        BLACK,
        lambda films: -films.sum(axis=(1, 2, 3), dtype=np.float64),
    )
    assert (found.grid < 0).all()


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(1, 20), st.integers(1, 3)
)
def test_every_place_gets_the_mean_fall_over_the_patches_that_cover_it(
    patch: int, stride: int, rows: int, columns: int, channels: int
) -> None:
    stride = min(stride, patch)
    film = picture(rows, columns, channels)
    cover = np.linspace(0, 1, channels, dtype=np.float32)
    weights = np.random.default_rng(1).normal(size=film.shape)

    def score(films: Pictures) -> NDArray[np.float64]:
        assert len(films) <= PICTURES_AT_ONCE
        return np.asarray(np.tanh((films * weights).sum(axis=(1, 2, 3))))

    found = occlusion(declared(patch, stride, rows, columns), film, cover, score)
    base = score(film[np.newaxis])[0]
    falls: dict[tuple[int, int], list[float]] = {}
    tops = sorted({*range(0, max(rows - patch, 0), stride), max(rows - patch, 0)})
    lefts = sorted({*range(0, max(columns - patch, 0), stride), max(columns - patch, 0)})
    for top in tops:
        for left in lefts:
            covered = film.copy()
            for channel in range(channels):
                covered[channel, top : top + patch, left : left + patch] = cover[channel]
            fall = base - score(covered[np.newaxis])[0]
            for row in range(top, min(top + patch, rows)):
                for column in range(left, min(left + patch, columns)):
                    falls.setdefault((row, column), []).append(fall)
    assert len(falls) == rows * columns  # every place is covered
    expected = [[np.mean(falls[row, column]) for column in range(columns)] for row in range(rows)]
    assert found.grid == pytest.approx(np.array(expected))
    assert found.passes == len(tops) * len(lefts) + 1


def test_the_picture_itself_is_left_as_it_was() -> None:
    film = picture(16, 16)
    before = film.copy()
    occlusion(declared(4, 2, 16, 16), film, BLACK, lambda films: films.mean(axis=(1, 2, 3)))
    assert (film == before).all()


def test_the_fall_is_on_the_declared_scale() -> None:
    film = np.full((1, 4, 4), 0.75, dtype=np.float32)
    explanation = declared(4, 4, 4, 4, fill=0.25, scale="logit")
    cover = np.array([0.25], dtype=np.float32)
    found = occlusion(explanation, film, cover, lambda films: films[:, 0, 0, 0].astype(float))
    assert found.base == pytest.approx(np.log(3))
    assert found.grid == pytest.approx(np.full((4, 4), 2 * np.log(3)))


def test_another_size_than_the_declared_cost_stands_for_is_refused() -> None:
    with pytest.raises(PackageDamaged, match=r"65 passes; .* takes 26 on 20 × 20"):
        occlusion(declared(4, 4, 32, 32), picture(20, 20), BLACK, lambda films: films.mean())


class TestWhatCovers:
    def test_the_mean_is_that_of_each_channel_of_the_networks_input(self) -> None:
        film = picture(8, 8, 3)
        cover = covering(declared(4, 4, 8, 8, fill="mean"), film, [])
        assert cover == pytest.approx(film.mean(axis=(1, 2)))
        assert cover.dtype == np.float32

    def test_a_stated_shade_is_normalised_like_the_picture(self) -> None:
        film, grey = picture(8, 8, 3), Normalise(mean=(0.5,), deviation=(0.25,))
        colours = Normalise(mean=(0.0, 0.5, 1.0), deviation=(1.0, 0.5, 0.25))
        explanation = declared(4, 4, 8, 8, fill=0.25)
        for operations, expected in (
            ((FullRange(), CropSquare()), [0.25, 0.25, 0.25]),
            ((FullRange(), grey, RepeatChannel()), [-1.0, -1.0, -1.0]),
            ((FullRange(), RepeatChannel(), colours), [0.25, -0.5, -3.0]),
            ((FullRange(), colours), [0.25, -0.5, -3.0]),
        ):
            assert covering(explanation, film, operations).tolist() == expected

    def test_a_shade_that_became_three_is_weighed_into_one(self) -> None:
        colours = Normalise(mean=(0.0, 0.5, 1.0), deviation=(1.0, 0.5, 0.25))
        cover = covering(
            declared(4, 4, 8, 8, fill=0.25), picture(8, 8), (FullRange(), colours, Greyscale())
        )
        assert cover == pytest.approx([0.299 * 0.25 - 0.587 * 0.5 - 0.114 * 3.0])
