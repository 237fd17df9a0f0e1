from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.imaging.grey import full_range
from bedside.imaging.reading import read_picture
from bedside.lab.films.collection import Order, draw, pairs
from bedside.lab.films.files import film_dicom, film_png, write_films
from bedside.lab.films.film import make_film

ORDERS = (Order(1), Order(2, 3, opacity=True))


def test_a_collection_is_the_same_however_many_processes_draw_it() -> None:
    alone = draw({"few": ORDERS}, side=64, network_side=32)["few"]
    together = draw({"few": ORDERS}, side=64, network_side=32, workers=2)["few"]
    assert np.array_equal(alone.inputs, together.inputs)
    assert alone.digest == together.digest
    assert alone.inputs.shape == (2, 32, 32)
    assert alone.opacity[1]


def test_its_digest_covers_pixels_and_labels() -> None:
    digests = {
        draw({"one": [order]}, side=64)["one"].digest
        for order in (Order(1), Order(2), Order(1, 0, True), Order(1, 0, False))
    }
    assert len(digests) == 3  # the coin of the first one fell on one of the last two


def test_a_pair_is_one_film_with_and_without_an_opacity() -> None:
    films = draw({"pairs": pairs([4, 5])}, side=64)["pairs"]
    assert films.opacity.tolist() == [True, False, True, False]
    assert films.patients == 2
    assert films.described("training split").name.endswith("training split, 2 invented patients")


def test_nobody_is_in_two_splits() -> None:
    with pytest.raises(UsageError, match="Patient 2 is in the training and the test split"):
        draw({"training": [Order(1), Order(2)], "test": [Order(2, 1)]})


def test_a_split_has_films() -> None:
    with pytest.raises(UsageError, match="The test split has no film"):
        draw({"training": [Order(1)], "test": []})


def test_files_hold_the_films_pixels_and_say_what_they_are() -> None:
    film = make_film(3, side=64)
    png, dicom, negative = (
        read_picture(data)
        for data in (film_png(film), film_dicom(film), film_dicom(film, negative=True))
    )
    assert np.array_equal(png.values, film.stored())
    assert np.array_equal(dicom.values, film.stored())
    assert negative.negative
    assert np.allclose(full_range(negative), full_range(dicom), atol=1e-6)
    assert png.facts.modality is None
    assert (dicom.facts.modality, dicom.facts.body_part, dicom.facts.view) == ("DX", "CHEST", "PA")


def test_a_folder_names_patient_number_and_what_is_shown(tmp_path: Path) -> None:
    write_films(tmp_path / "films", [Order(7, 1, True), Order(7, 0, False)], side=64)
    assert sorted(path.name for path in (tmp_path / "films").iterdir()) == [
        "patient-00007-film-0-none.png",
        "patient-00007-film-1-opacity.png",
    ]
