from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bedside.errors import LimitExceeded, UsageError
from bedside.imaging.axes import CODES, orientation_of, reoriented
from bedside.imaging.conforming import conformed, conformed_grid
from bedside.imaging.grid import Grid, Placed
from bedside.imaging.resampling import resampled
from tests.imaging.placing import affine_of, grid, noise, stored


def test_a_conformed_volume_stays_as_it_is() -> None:
    one = noise(grid((16, 16, 16), code="LIA"))
    found = conformed(one, conformed_grid(one.grid, side=16))
    assert np.array_equal(found.values, one.values)
    assert found.grid.fits(one.grid, within=1e-9)


def test_is_a_cube_of_256_millimetres_stored_lia() -> None:
    cube = conformed_grid(grid((181, 217, 181), tilt=14))
    assert cube.shape == (256, 256, 256)
    assert cube.affine[:3, :3].tolist() == [[-1, 0, 0], [0, 0, 1], [0, -1, 0]]


def test_lies_where_freesurfer_puts_it() -> None:
    """FreeSurfer: the header's c_ras is the room's point of voxel place n / 2, in LIA's order."""
    one = reoriented(noise(Grid((10, 12, 14), affine_of((2.0, 1.0, 1.5), (5.0, 6.0, 7.0)))), "LIA")
    centre = one.affine @ [5.0, 7.0, 6.0, 1.0]
    cube = conformed_grid(one.grid)
    assert (cube.affine @ [128, 128, 128, 1]).tolist() == pytest.approx(centre.tolist())


@pytest.mark.parametrize("tilt", [0.0, 9.0])
def test_every_order_of_storing_gives_one_answer(tilt: float) -> None:
    one = noise(grid((11, 12, 13), (1.7, 2.2, 3.1), tilt=tilt))
    answers = set()
    for code in CODES:
        other = reoriented(one, code)
        found = conformed(other, conformed_grid(other.grid, 24, 2.0))
        answers.add(found.values.tobytes())
    assert len(answers) == 1


def test_a_real_head_comes_back_where_it_was(samples: Path) -> None:
    native = stored(samples / "heads" / "MNI152_T1_2mm.nii.gz")
    mask = stored(samples / "heads" / "MNI152_T1_2mm_Brain_Mask.nii.gz")
    cube = conformed_grid(native.grid, 128, 2.0)
    back = resampled(conformed(mask, cube), native.grid).values > 0.5
    reference = mask.values > 0.5
    assert 2 * (back & reference).sum() / (back.sum() + reference.sum()) > 0.999
    assert orientation_of(native.affine) == "LAS"


def test_a_blob_on_the_left_stays_on_the_left() -> None:
    where = grid((20, 20, 20), (2.0, 2.0, 2.0), "LPI", tilt=8)
    values = np.zeros(where.shape, dtype=np.float32)
    values[15:18, 9:11, 9:11] = 1  # towards L
    cube = conformed(Placed(values, where.affine), conformed_grid(where, 32, 2.0))
    index = np.argwhere(cube.values > 0.5).mean(axis=0)
    assert (cube.affine @ [*index, 1.0])[0] < where.centre[0] - 5


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="spacing 0"):
        conformed_grid(grid(), spacing=0)
    with pytest.raises(UsageError, match="no orientation"):
        conformed_grid(grid(), code="RAL")
    with pytest.raises(LimitExceeded):
        conformed_grid(grid(), side=1024)
