from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bedside.errors import UsageError
from bedside.imaging.files import files_at
from bedside.imaging.views.overlay import COLOURS
from bedside.imaging.views.picture import WIDTH, mosaic, picture, three_planes
from bedside.imaging.views.view import Findings, ShownClass, Style
from bedside.imaging.views.words import caption
from bedside.imaging.volume_reading import read_volume
from tests.imaging.measuring.shapes import ball, placed, stored_in_48_ways

AFFINE = placed((4.0, 4.0, 4.0))
HEAD = ball(AFFINE, radius=50.0).astype(np.float32)
LEFT = ball(AFFINE, (-25.0, 10.0, 0.0), 12.0).astype(np.uint8)


def pixels(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def coloured(shown: NDArray[np.uint8], colour: int = 0) -> NDArray[np.bool_]:
    wanted = np.rint(np.array(COLOURS[colour]) * 255)
    found: NDArray[np.bool_] = (np.abs(shown.astype(int) - wanted) <= 1).all(axis=2)
    return found


@pytest.mark.parametrize("draw", [picture, three_planes, mosaic])
def test_every_picture_is_as_wide_as_the_page(draw: Callable[..., bytes]) -> None:
    shown = pixels(draw(HEAD, AFFINE, Findings(LEFT)))
    assert shown.shape[1:] == (WIDTH, 3)
    assert 200 < shown.shape[0] < 1300
    assert coloured(shown).any()


def test_a_finding_on_the_left_is_drawn_on_the_side_that_the_convention_says() -> None:
    panel = {}
    for convention in ("radiological", "neurological"):
        style = Style(convention=convention)
        shown = coloured(pixels(three_planes(HEAD, AFFINE, Findings(LEFT), style)))
        panel[convention] = np.nonzero(shown[:, :390])[1].mean()
    assert panel["radiological"] > 195 > panel["neurological"]
    assert panel["radiological"] - 195 == pytest.approx(195 - panel["neurological"], abs=12)


def test_the_48_ways_to_store_a_volume_give_one_picture() -> None:
    ways = zip(stored_in_48_ways(HEAD, AFFINE), stored_in_48_ways(LEFT, AFFINE), strict=True)
    seen = []
    for number, ((values, affine), (labels, _)) in enumerate(ways):
        if number % 13 == 0:
            findings = Findings(labels.astype(np.uint8))
            seen.append(pixels(three_planes(values.astype(np.float32), affine, findings)))
    assert all(np.mean(np.abs(one.astype(int) - seen[0])) < 0.02 for one in seen)


def test_the_planes_go_through_the_largest_finding() -> None:
    small = ball(AFFINE, (30.0, 30.0, 30.0), 5.0).astype(np.uint8)
    shown = coloured(pixels(three_planes(HEAD, AFFINE, Findings(LEFT | small))))
    for start in (0, 405, 810):
        assert shown[:, start : start + 390].any()


def test_classes_have_colours_of_their_own_and_what_is_not_shown_has_none() -> None:
    labels = LEFT + 2 * ball(AFFINE, (25.0, 10.0, 0.0), 12.0).astype(np.uint8)
    both = pixels(mosaic(HEAD, AFFINE, Findings(labels)))
    assert coloured(both, 0).any()
    assert coloured(both, 1).any()
    one = pixels(mosaic(HEAD, AFFINE, Findings(labels, classes=(ShownClass(2, "right"),))))
    assert coloured(one, 0).any()
    assert not coloured(one, 1).any()


def test_a_heat_map_takes_the_place_of_outlines() -> None:
    findings = Findings(LEFT, LEFT.astype(np.float32))
    shown = pixels(picture(HEAD, AFFINE, findings, Style(probability=True)))
    assert not coloured(shown).any()
    yellow = (shown[..., 0] > 200) & (shown[..., 2] < 200)
    assert yellow.any()


def test_words_are_in_the_language_asked_for_and_the_warning_is_in_the_picture() -> None:
    variants = {
        three_planes(HEAD, AFFINE, None, Style(language=language, recorded=recorded))
        for language in ("en", "ja")
        for recorded in (True, False)
    }
    assert len(variants) == 4


def test_nothing_found_and_nothing_standing_out_are_shown_all_the_same() -> None:
    empty = np.zeros((8, 8, 8), dtype=np.float32)
    assert pixels(picture(empty, np.eye(4))).shape[1] == WIDTH
    assert pixels(picture(HEAD, AFFINE, Findings(np.zeros(HEAD.shape, dtype=np.uint8)))).any()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 40, 40), (300, 2, 2), (2, 2, 300)])
def test_a_volume_of_any_proportions_has_a_page_of_bounded_size(
    shape: tuple[int, int, int],
) -> None:
    values = np.random.default_rng(1).random(shape, dtype=np.float32)
    shown = pixels(picture(values, np.eye(4), Findings(np.ones(shape, dtype=np.uint8))))
    assert shown.shape[1] == WIDTH
    assert shown.shape[0] < 2000


def test_findings_on_another_grid_are_refused() -> None:
    with pytest.raises(UsageError, match=r"labels has \(4, 4, 4\) voxels and the volume \(32, 32"):
        picture(HEAD, AFFINE, Findings(np.zeros((4, 4, 4), dtype=np.uint8)))


def test_the_caption_says_in_words_what_the_picture_shows() -> None:
    findings = Findings(LEFT, classes=(ShownClass(1, "brain"),))
    assert caption(findings, Style()) == (
        "Axial, coronal and sagittal planes above a mosaic of axial planes, with the outline of: "
        "brain. Radiological: patient's right at the left."
    )
    told = caption(findings, Style(language="ja", recorded=False))
    assert "放射線科の向き：左が患者の右" in told
    assert "診療に使わないこと" in told
    assert "heat map" in caption(Findings(probability=HEAD), Style(probability=True))
    assert "nothing" in caption(Findings(), Style())


def test_a_real_oblique_head_is_drawn_to_the_same_bytes_each_time(samples: Path) -> None:
    volume = read_volume(files_at(samples / "heads" / "chris_PD.nii.gz"))
    first = three_planes(volume.values, volume.affine)
    assert first == three_planes(volume.values, volume.affine)
