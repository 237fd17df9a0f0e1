from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bedside.errors import UsageError
from bedside.imaging import oblique
from bedside.imaging.axes import reoriented
from bedside.imaging.bands import Interpolation
from bedside.imaging.cropping import Box, cropped, cropped_or_padded
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.resampling import resampled, strongest
from tests.imaging.placing import CODE, SIDES, affine_of, grid, noise, smooth, stored

KINDS: tuple[Interpolation, ...] = ("nearest", "linear", "cubic")


def cubic(x: float) -> float:
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0


KERNELS: dict[str, Callable[[float], float]] = {
    "linear": lambda x: max(0.0, 1 - abs(x)),
    "cubic": cubic,
}


def by_the_page(source: Placed, onto: Grid, kind: str, outside: float | None = 0.0) -> np.ndarray:
    """Written from the module's words alone, a voxel at a time, without smoothing."""
    out = np.empty(onto.shape)
    inverse = np.linalg.inv(source.affine)
    last = np.array(source.shape) - 1
    for index in np.ndindex(*onto.shape):
        place = (inverse @ onto.affine @ [*index, 1.0])[:3]
        if outside is not None and ((place < -0.5 - 1e-4) | (place > last + 0.5 + 1e-4)).any():
            out[index] = outside
            continue
        if kind == "nearest":
            taken = np.clip(np.floor(place + 0.5 + 1e-6).astype(int), 0, last)
            out[index] = source.values[tuple(taken)]
            continue
        base = np.floor(place).astype(int)
        out[index] = sum(
            math.prod(KERNELS[kind](float(one)) for one in place - base - offset)
            * source.values[tuple(np.clip(base + offset, 0, last))]
            for offset in product(range(-1, 3), repeat=3)
        )
    return out


class TestEveryKind:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("tilt", [0.0, 17.0])
    @pytest.mark.parametrize("outside", [-5.0, None])
    def test_computes_what_the_page_says(
        self, kind: Interpolation, tilt: float, outside: float | None
    ) -> None:
        source = noise(grid((6, 7, 5), (1.1, 0.9, 2.0), "LPS"))
        onto = Grid((6, 5, 4), affine_of((1.2, 1.3, 1.5), (-4.4, 4.3, 10.1), tilt))
        found = resampled(source, onto, kind, outside=outside, antialias=False)
        expected = by_the_page(source, onto, kind, outside)
        assert np.abs(found.values - expected).max() < 0.05  # places are rounded to 1/4096 voxel
        if outside is not None:
            assert np.array_equal(found.values == outside, expected == outside)
            assert 0.1 < (expected == outside).mean() < 0.9

    @pytest.mark.parametrize("kind", ["linear", "cubic"])
    @pytest.mark.parametrize("tilt", [0.0, 17.0])
    def test_gives_a_plane_in_the_room_back_as_it_is(
        self, kind: Interpolation, tilt: float
    ) -> None:
        source = smooth(grid((12, 13, 14), (1.1, 0.9, 1.5), "PIR"))
        onto = Grid((6, 6, 6), affine_of((0.7, 0.8, 0.9), (0.0, 8.0, 17.0), tilt))
        found = resampled(source, onto, kind)
        assert np.abs(found.values - smooth(onto).values).max() < 0.01

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("tilt", [0.0, 17.0])
    def test_keeps_a_flat_volume_flat(self, kind: Interpolation, tilt: float) -> None:
        flat = Placed(np.full((9, 9, 9), 1234.5, dtype=np.float32), affine_of((1.0, 1.0, 1.0)))
        onto = Grid((5, 5, 5), affine_of((1.9, 2.3, 0.4), (1.0, 1.0, 1.0), tilt))
        found = resampled(flat, onto, kind, outside=None).values
        assert np.abs(found / 1234.5 - 1).max() < 1e-6

    def test_agrees_with_scipy_where_axes_are_parallel(self) -> None:
        source = noise(Grid((20, 21, 22), np.eye(4)))
        onto = Grid((25, 14, 30), affine_of((0.71, 1.4, 0.66), (0.3, 0.9, 0.8)))
        places = [
            start + step * np.arange(size)
            for start, step, size in zip(
                (0.3, 0.9, 0.8), (0.71, 1.4, 0.66), onto.shape, strict=True
            )
        ]
        theirs = ndimage.map_coordinates(
            source.values, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest"
        )
        ours = resampled(source, onto, outside=None, antialias=False).values
        assert np.abs(ours - theirs).max() < 0.03

    def test_that_has_no_such_name_is_refused(self) -> None:
        with pytest.raises(UsageError, match="nearest, linear, cubic"):
            resampled(noise(grid()), grid(), "lanczos")  # type: ignore[arg-type]


class TestHalfWay:
    @pytest.mark.parametrize("code", ["RAS", "LPI", "SRA"])
    def test_nearest_takes_the_voxel_to_the_right_the_front_and_the_head(self, code: str) -> None:
        source = reoriented(noise(Grid((4, 4, 4), np.eye(4))), code)
        onto = Grid((2, 2, 2), affine_of((1.0, 1.0, 1.0), (0.5, 1.5, 0.5)))
        found = resampled(source, onto, "nearest")
        assert np.array_equal(found.values, reoriented(source, "RAS").values[1:3, 2:4, 1:3])

    def test_is_above_though_the_place_was_rounded_below(self) -> None:
        source = Placed(np.arange(16, dtype=np.float32).reshape(16, 1, 1), np.eye(4))
        onto = Grid((23, 1, 1), affine_of((15 / 22, 1.0, 1.0)))  # 11 · 15 / 22 is 7.499… in 64 bits
        assert resampled(source, onto, "nearest").values[11, 0, 0] == 8


class TestAPlaceBeyond:
    @pytest.mark.parametrize("tilt", [0.0, 1e-3])
    @pytest.mark.parametrize(
        ("first", "inside"), [(-0.5, True), (-0.502, False), (3.5, True), (3.502, False)]
    )
    def test_begins_at_the_outer_faces(self, tilt: float, first: float, inside: bool) -> None:
        source = Placed(np.ones((4, 40, 40), dtype=np.float32), np.eye(4))
        onto = Grid((1, 1, 30), affine_of((1.0, 1.0, 1.0), (first, 1.0, 1.0), tilt))
        assert (resampled(source, onto, outside=0.0).values == inside).all()

    def test_is_told_along_an_axis_that_stands_upright(self) -> None:
        """Turned about k only: along a row of the new grid, two of the three places stay as they are."""
        turned_grid = affine_of((1.0, 1.0, 1.0), (-3.0, 2.0, 1.0))
        turned_grid[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
        source = noise(Grid((6, 7, 8), np.eye(4)))
        onto = Grid((9, 8, 7), turned_grid)
        expected = by_the_page(source, onto, "linear", -5.0)
        found = resampled(source, onto, outside=-5.0).values
        assert np.array_equal(found == -5, expected == -5)
        assert np.abs(found - expected).max() < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_change_nothing(kind: Interpolation, monkeypatch: pytest.MonkeyPatch) -> None:
    source, onto = noise(grid((12, 13, 14))), grid((9, 17, 11), tilt=12)
    at_once = resampled(source, onto, kind).values
    monkeypatch.setattr(oblique, "CHUNK", 2 * 17 * 11)
    monkeypatch.setattr(oblique, "GATHERED", 5 * 11)
    assert np.abs(resampled(source, onto, kind).values - at_once).max() < 1e-4


class TestTheSameLattice:
    """Permuted, flipped, cropped or padded voxels come back bit by bit, by the affines alone."""

    @pytest.mark.parametrize("kind", KINDS)
    @given(SIDES, CODE, CODE, st.sampled_from([0.0, 22.0, 44.0]), st.data())
    @settings(max_examples=25, deadline=None)
    def test_gives_every_bit_back(
        self,
        kind: Interpolation,
        shape: tuple[int, int, int],
        code: str,
        other: str,
        tilt: float,
        data: st.DataObject,
    ) -> None:
        native = noise(grid(shape, (0.7, 1.3, 2.9), code, tilt))
        turned_one = reoriented(native, other)
        padded = cropped(
            turned_one,
            Box((-2, 0, -1), tuple(size + 3 for size in turned_one.shape)),  # type: ignore[arg-type]
        )
        moved = reoriented(padded, data.draw(CODE))
        back = resampled(moved, native.grid, kind)
        assert np.array_equal(back.values, native.values)

    def test_gives_what_was_cut_away_as_outside(self) -> None:
        native = noise(grid((8, 9, 10), code="LIA"))
        small = cropped_or_padded(reoriented(native, "RAS"), (4, 4, 4))
        back = resampled(small, native.grid, outside=-1.0)
        kept = back.values != -1
        assert kept.sum() == 64
        assert np.array_equal(back.values[kept], native.values[kept])

    def test_is_told_though_the_affine_was_rounded_to_32_bits(self) -> None:
        native = noise(grid((40, 41, 42), (0.883, 0.877, 1.2), tilt=25))
        rounded = native.affine.astype(np.float32).astype(np.float64)
        back = resampled(Placed(native.values, rounded), native.grid, "cubic")
        assert np.array_equal(back.values, native.values)


class TestALargerStep:
    def test_smooths_first_as_the_page_says(self) -> None:
        source = noise(Grid((40, 40, 40), np.eye(4)))
        onto = Grid((8, 9, 10), affine_of((3.0, 2.0, 1.0), (8.0, 9.0, 10.0)))
        sigmas = [math.sqrt((f**2 - 1) / (8 * math.log(2))) for f in (3.0, 2.0, 1.0)]
        soft = ndimage.gaussian_filter(source.values, sigmas, mode="nearest", truncate=4.0)
        found = resampled(source, onto)
        assert np.abs(found.values - soft[8:32:3, 9:27:2, 10:20]).max() < 1e-3

    def test_smooths_an_oblique_one_too(self) -> None:
        source = noise(Grid((30, 30, 30), np.eye(4)))
        onto = Grid((7, 7, 7), affine_of((2.5, 2.5, 2.5), (9.0, 7.0, 5.0), tilt=20))
        sharp = resampled(source, onto, antialias=False).values
        assert resampled(source, onto).values.std() < 0.4 * sharp.std()

    def test_leaves_labels_as_they_are(self) -> None:
        labels = Placed(
            np.random.default_rng(1).integers(0, 4, (20, 20, 20)).astype(np.float32), np.eye(4)
        )
        found = resampled(labels, labels.grid.spaced((3.0, 3.0, 3.0)), "nearest")
        assert set(np.unique(found.values)) <= {0.0, 1.0, 2.0, 3.0}


class TestTheOrderOfStoring:
    @pytest.mark.parametrize("tilt", [0.0, 12.0])
    @given(CODE, CODE)
    @settings(max_examples=15, deadline=None)
    def test_changes_no_bit_of_the_answer(self, tilt: float, source: str, target: str) -> None:
        one = noise(grid((9, 8, 7), (1.0, 1.3, 2.1), tilt=tilt))
        onto = grid((6, 6, 9), (1.7, 0.6, 1.1))
        expected = resampled(one, onto, "cubic").values
        other = reoriented(one, source)
        other = Placed(np.asfortranarray(other.values), other.affine)
        wanted = reoriented(Placed(np.zeros(onto.shape, dtype=np.float32), onto.affine), target)
        found = resampled(other, wanted.grid, "cubic")
        assert np.array_equal(reoriented(found, "RAS").values, expected)

    def test_of_48_files_of_one_image_changes_no_bit(self, samples: Path) -> None:
        files = sorted((samples / "orientation").glob("*.nii.gz"))
        assert len(files) == 48
        there, back = set(), set()
        for path in files:
            native = stored(path)
            half = resampled(native, reoriented(native, "RAS").grid.spaced((3.1, 4.0, 5.3)))
            there.add((half.shape, half.values.tobytes()))
            home = resampled(half, native.grid)
            assert home.shape == native.shape
            back.add(reoriented(home, "RAS").values.tobytes())
        assert len(there) == 1
        assert len(back) == 1


def test_an_oblique_coarser_grid_is_smoothed_along_each_axis_of_the_source() -> None:
    """By how far the coarser steps reach along it, whatever axis of the target they are of."""
    source = noise(grid((30, 34, 32)))
    onto = Grid((14, 8, 5), affine_of((1.0, 1.0, 3.0), (8.0, 10.0, 12.0), tilt=40))
    steps = np.abs(np.linalg.inv(source.affine) @ onto.affine)[:3, :3]
    sigmas = [math.sqrt(max(float(row @ row) - 1, 0) / (8 * math.log(2))) for row in steps]
    smoothed = ndimage.gaussian_filter(source.values, sigmas, mode="nearest")
    expected = resampled(source.with_values(smoothed), onto, antialias=False)
    found = resampled(source, onto)
    assert expected.values.std() > 0.05
    assert np.abs(found.values - expected.values).max() < 0.02 * expected.values.std()


class TestTheStrongest:
    def test_is_the_largest_of_the_probabilities_brought_there(self) -> None:
        rng = np.random.default_rng(4)
        raw = rng.random((3, 8, 8, 8), dtype=np.float32)
        channels = raw / raw.sum(axis=0)
        where = grid((8, 8, 8), (2.0, 2.0, 2.0))
        onto = grid((11, 10, 9), (1.3, 1.4, 1.6), "LIA", tilt=5)
        number, probability = strongest(channels, where.affine, onto)
        all_three = np.stack(
            [
                resampled(Placed(one, where.affine), onto, outside=float(at == 0)).values
                for at, one in enumerate(channels)
            ]
        )
        assert np.array_equal(number, all_three.argmax(axis=0))
        assert np.array_equal(probability, all_three.max(axis=0))
        assert set(np.unique(number)) == {0, 1, 2}

    def test_of_equals_is_the_first(self) -> None:
        half = np.full((2, 3, 3, 3), 0.5, dtype=np.float32)
        number, probability = strongest(half, np.eye(4), Grid((3, 3, 3), np.eye(4)))
        assert (number == 0).all()
        assert (probability == 0.5).all()

    def test_of_one_channel_is_refused(self) -> None:
        with pytest.raises(UsageError, match="1 channels"):
            strongest(np.zeros((1, 2, 2, 2), dtype=np.float32), np.eye(4), grid())


def test_axes_that_lie_apart_give_nothing_but_outside() -> None:
    far = Grid((4, 4, 4), affine_of((1.0, 1.0, 1.0), (500.0, 0.0, 0.0)))
    near = noise(grid())
    assert (resampled(near, far, outside=-3.0).values == -3).all()
    tilted = Grid((4, 4, 4), affine_of((1.0, 1.0, 1.0), (500.0, 0.0, 0.0), tilt=9))
    assert (resampled(near, tilted, outside=-3.0).values == -3).all()
