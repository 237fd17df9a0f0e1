from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.errors import UsageError
from bedside.imaging.grey import full_range, header_window
from bedside.imaging.likeness import correlation, mean_thumbnail, thumbnail
from bedside.imaging.reading import read_picture
from bedside.lab.films.film import Film, make_film

Thumbnail = NDArray[np.float64]

SMALL = 160
"""Rows enough for a thumbnail, and quick."""


@pytest.fixture(scope="module")
def films() -> tuple[Film, ...]:
    """Forty patients, one film each."""
    return tuple(make_film(patient, side=SMALL) for patient in range(40))


@pytest.fixture(scope="module")
def mean_film(films: tuple[Film, ...]) -> Thumbnail:
    """The mean thumbnail of the drawn films, as a package keeps it."""
    return mean_thumbnail([thumbnail(np.asarray(film.grey, np.float32)) for film in films])


def test_the_same_arguments_give_the_same_film() -> None:
    first, again = (make_film(7, 1, side=SMALL).stored(16) for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize(("patient", "number"), [(7, 0), (8, 1)])
def test_another_patient_or_number_is_another_film(patient: int, number: int) -> None:
    film = make_film(7, 1, side=SMALL).stored()
    assert not np.array_equal(film, make_film(patient, number, side=SMALL).stored())


def test_about_every_second_film_shows_an_opacity() -> None:
    shown = [make_film(patient, side=64).opacity is not None for patient in range(60)]
    assert 20 <= sum(shown) <= 40


@pytest.mark.parametrize("patient", range(6))
def test_an_opacity_is_brighter_than_the_lung_it_lies_in(patient: int) -> None:
    ill = make_film(patient, opacity=True, side=256)
    well = make_film(patient, opacity=False, side=256)
    assert ill.opacity is not None
    assert well.opacity is None
    inside = ill.opacity.at > 0.6 * ill.opacity.at.max()
    elsewhere = ill.opacity.at < 0.01
    brighter = (ill.grey - well.grey)[::2, ::2]  # `at` is on every second pixel
    assert brighter[inside].mean() > 0.03
    assert abs(brighter[elsewhere].mean()) < 0.5 * brighter[inside].mean()


def test_air_is_black_lungs_are_dark_and_the_abdomen_is_bright(films: tuple[Film, ...]) -> None:
    mean = np.mean([film.grey for film in films], axis=0)
    row, column = SMALL // 2, SMALL // 2
    right_lung = mean[row - 16 : row, column - 48 : column - 32].mean()
    abdomen = mean[-32:-16, column - 16 : column + 16].mean()
    corner = mean[:8, :8].mean()
    assert corner < 0.15
    assert corner < right_lung < 0.45
    assert abdomen > 0.85


def test_the_heart_lies_on_the_patients_left(films: tuple[Film, ...]) -> None:
    mean = np.mean([film.grey for film in films], axis=0)
    rows = slice(int(0.58 * SMALL), int(0.66 * SMALL))
    left = mean[rows, int(0.62 * SMALL) : int(0.68 * SMALL)].mean()
    right = mean[rows, int(0.32 * SMALL) : int(0.38 * SMALL)].mean()
    assert left > right + 0.1


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (12, np.uint16), (16, np.uint16)])
def test_the_pixels_use_the_bits_that_are_asked_for(bits: int, kind: type) -> None:
    film = make_film(3, side=SMALL)
    pixels = film.stored(bits)
    assert pixels.dtype == kind
    assert 0.9 * 2**bits < pixels.max() < 2**bits
    levels = len(np.unique(pixels))
    assert levels > (100 if bits == 8 else 1000)


def test_a_negative_is_the_same_film_turned_over() -> None:
    film = make_film(3, side=SMALL)
    assert np.all(film.stored(12) + film.stored(12, negative=True) == 4095)


@pytest.mark.parametrize(
    ("patient", "number", "side", "words"),
    [
        (-1, 0, 512, "Patient -1"),
        (0, -2, 512, "film -2"),
        (0, 0, 62, "62 rows"),
        (0, 0, 511, "511 rows"),
        (0, 0, 9000, "9000 rows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(patient: int, number: int, side: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_film(patient, number, side=side)


def test_pixels_of_ten_bits_are_refused() -> None:
    with pytest.raises(UsageError, match="10 bits"):
        make_film(0, side=64).stored(10)


@pytest.mark.parametrize(
    "name",
    [
        "films/00000001_000.png",
        "films/00027426_000.png",
        "films/chest_MONOCHROME2.dcm",
        "dicom/files/RG1_J2KI.dcm",
    ],
)
def test_real_chest_films_look_like_the_mean_film(
    samples: Path, mean_film: Thumbnail, name: str
) -> None:
    assert nearness(samples / name, mean_film) > 0.65


def test_a_film_whose_header_lies_about_its_polarity_looks_like_the_negative(
    samples: Path, mean_film: Thumbnail
) -> None:
    assert nearness(samples / "films" / "chest_MONOCHROME1.dcm", mean_film) < -0.65


@pytest.mark.parametrize(
    "name",
    [
        "dicom/files/RG3_J2KR.dcm",
        "dicom/files/693_UNCR.dcm",
        "dicom/files/MR2_UNCR.dcm",
        "dicom/ct-j2k-series",
    ],
)
def test_what_is_no_chest_film_does_not(samples: Path, mean_film: Thumbnail, name: str) -> None:
    path = samples / name
    for file in sorted(path.iterdir())[::6] if path.is_dir() else [path]:
        for turns in range(4):
            assert abs(nearness(file, mean_film, turns)) < 0.4, (file.name, turns)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_nor_does_a_chest_film_that_lies_on_its_side_or_head(
    films: tuple[Film, ...], mean_film: Thumbnail, turns: int
) -> None:
    for film in films:
        turned = np.ascontiguousarray(np.rot90(np.asarray(film.grey, np.float32), turns))
        assert correlation(mean_film, thumbnail(turned)) < 0.4


def test_nor_does_noise_or_nothing(mean_film: Thumbnail) -> None:
    noise = np.random.default_rng(0).random((SMALL, SMALL), dtype=np.float32)
    for picture in (noise, np.zeros_like(noise)):
        assert abs(correlation(mean_film, thumbnail(picture))) < 0.4


def test_every_drawn_film_does(films: tuple[Film, ...], mean_film: Thumbnail) -> None:
    for film in films:
        assert correlation(mean_film, thumbnail(np.asarray(film.grey, np.float32))) > 0.65


def nearness(path: Path, mean_film: Thumbnail, turns: int = 0) -> float:
    """Return how near a real picture comes to the mean film, turned by `turns` right angles."""
    picture = read_picture(path.read_bytes())
    unit = header_window(picture) if picture.windows else full_range(picture)
    return correlation(mean_film, thumbnail(np.ascontiguousarray(np.rot90(unit, turns))))
