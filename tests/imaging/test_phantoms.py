from __future__ import annotations

import numpy as np

from bedside.imaging.files import files_of
from bedside.imaging.measuring.head import head_of
from bedside.imaging.phantoms import HEAD, drawn_brain, drawn_head, head_file
from bedside.imaging.volume_reading import read_volume

SHAPE, SPACING = (40, 40, 40), (5.5, 6.0, 5.5)


def test_equal_seeds_draw_equal_heads_and_others_another() -> None:
    assert (drawn_head(seed=3).values == drawn_head(seed=3).values).all()
    assert (drawn_head(seed=3).values != drawn_head(seed=4).values).any()


def test_the_head_lies_where_it_is_drawn() -> None:
    volume = drawn_head(SHAPE, SPACING, 1)
    head = head_of(volume.values, volume.affine)
    assert head is not None
    assert np.abs(np.array(head.centre)).max() < 10
    reach = np.array(head.highest) - np.array(head.lowest)
    assert np.abs(reach - 2 * np.array(HEAD)).max() < 25


def test_the_brain_is_a_persons_in_size_and_is_bright() -> None:
    volume = drawn_head(SHAPE, SPACING, 1)
    brain = drawn_brain(SHAPE, SPACING, 1)
    millilitres = brain.sum() * volume.voxel_millilitres
    assert 1_200 < millilitres < 1_900
    assert np.median(volume.values[brain]) > 350


def test_its_file_is_read_as_it_was_drawn() -> None:
    volume = drawn_head()
    read = read_volume(files_of([("head", head_file(volume))]))
    assert (read.values == volume.values).all()
    assert np.allclose(read.affine, volume.affine)
    assert head_file(volume) == head_file(drawn_head())
