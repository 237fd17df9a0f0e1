from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.freeze import FrozenModel, freeze
from bedside.freezing.images.writing import PictureWriter
from bedside.imaging.geometry import resize
from bedside.imaging.reading import read_picture
from bedside.package.golden import GoldenCase
from bedside.runtime.gate import Refusals
from bedside.runtime.image_gate import ImageGate
from tests.freezing.building import WHEN
from tests.freezing.films import IMAGE, film, film_spec, folder, spot_network


def frozen(films: Path, **changes: Json) -> FrozenModel:
    return freeze(spot_network(), data=films, spec=film_spec(**changes), frozen_at=WHEN)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> tuple[GoldenCase, ...]:
    return frozen(folder(tmp_path_factory.mktemp("films"))).package.golden


def pixels(case: GoldenCase) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    picture = read_picture(base64.b64decode(case.input["image"]))
    return picture.highest - picture.values if picture.negative else picture.values


def test_a_package_holds_eight_small_pictures(golden: tuple[GoldenCase, ...]) -> None:
    assert len(golden) == 8
    assert {pixels(case).shape for case in golden} == {(64, 64)}
    assert sum(len(case.input["image"]) for case in golden) < 100_000


def test_two_lie_close_to_the_threshold_on_either_side(golden: tuple[GoldenCase, ...]) -> None:
    gaps = [case.scores["ill"] - 0.37 for case in golden if "next to the line" in case.note]
    assert min(gaps) < 0 < max(gaps)
    assert all(1e-4 <= abs(gap) <= 0.01 for gap in gaps)


def test_each_kind_of_file_and_a_negative_are_tried(golden: tuple[GoldenCase, ...]) -> None:
    notes = [case.note for case in golden]
    assert "a dicom file" in notes
    assert "a negative (MONOCHROME1)" in notes


def test_none_is_a_real_picture_nor_shows_one(golden: tuple[GoldenCase, ...]) -> None:

    real = [resize(film(n).astype(np.float32), 64, 64, "bilinear") for n in range(24)]
    mean = np.mean(real, axis=0)
    for case in golden:
        own = pixels(case) - mean
        assert all(np.corrcoef(own.ravel(), (one - mean).ravel())[0, 1] < 0.9 for one in real)


def test_real_pictures_are_taken_only_where_the_author_says_so(tmp_path: Path) -> None:
    films = folder(tmp_path, 4)
    image = {**IMAGE, "likeness": None}
    image.pop("likeness")
    with pytest.raises(FreezeRefused, match=r"4 of your pictures can be mixed.*at least 5"):
        frozen(films, image=image)
    made = frozen(films, image=image, golden={"from_real_rows": True})
    assert made.package.manifest.lineage.golden_from_real_rows
    assert any(case.note == "real row" for case in made.package.golden)


def test_a_threshold_that_no_mixture_reaches_is_refused_with_the_way_out(tmp_path: Path) -> None:
    output = film_spec().output.model_dump(mode="json")
    line = {"value": 0.9999999, "meaning": {"en": "never"}}
    with pytest.raises(FreezeRefused, match=r"No mixture of your pictures.*from_real_rows = true"):
        frozen(folder(tmp_path, 12), output={**output, "threshold": line})


@pytest.mark.parametrize(
    ("media", "window"),
    [
        (["dicom"], {"op": "full_range"}),
        (["jpeg"], {"op": "full_range"}),
        (["dicom", "png"], {"op": "fixed_window", "centre": 127.5, "width": 256}),
        (["png"], {"op": "percentile_window", "low": 1, "high": 99}),
        (["dicom"], {"op": "header_window"}),
    ],
)
def test_golden_cases_are_written_for_any_media_and_window(
    tmp_path: Path, media: list[str], window: Json
) -> None:
    spec = film_spec(
        image={**IMAGE, "media": media},
        preprocessing=[
            window,
            *film_spec().model_dump(mode="json")["preprocessing"][1:],
        ],
    )
    assert spec.image is not None

    declared, first = spec.image.declared(None), spec.preprocessing[0]
    writer = PictureWriter(declared, first)  # type: ignore[arg-type]
    for medium in declared.media:
        row = writer.row(film(1), medium)
        refusals = Refusals()
        found = ImageGate(declared, first).check(row, 0, refusals)  # type: ignore[arg-type]
        assert not refusals.found
        assert found is not None
        if window["op"] != "percentile_window":
            slack = 0.05 if medium == "jpeg" else 0.006
            assert np.abs(found.unit - film(1) / 255).max() < slack
