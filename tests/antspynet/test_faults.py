"""The library's faults: that they are still there, and that our child meets each of them.

Where a test of the first kind fails, the library has been mended, and so may our way round it be.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.errors import ConditionsNotMet
from bedside.imaging.grid import Placed
from tests.antspynet.conftest import Asking, Case, Run

BRAIN = Case("brain_extraction", {"modality": "t1"})

pytestmark = pytest.mark.timeout(3_000)
FILMS = Case("chexnet", {"include_tuberculosis_diagnosis": True})


def dice(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    a, b = one > 0.5, other > 0.5
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def seen_alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How far the template's field of view, outside of which all is 0, lies on the same voxels."""
    a, b = one > 0, other > 0
    return float((a & b).sum() / (a | b).sum())


def tilted(head: Placed, degrees: float, axes: tuple[int, int]) -> Placed:
    """The same voxels of a head that was turned in the scanner."""
    turn, angle = np.eye(4), np.radians(degrees)
    i, j = axes
    turn[i, i] = turn[j, j] = np.cos(angle)
    turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
    return Placed(head.values, turn @ head.affine)


def test_the_library_still_has_its_faults(run: Run, weights: Path, samples: Path) -> None:
    film = samples / "films/00000001_000.png"
    told = run("faults.py", weights, film).split()
    assert told[-2:] == ["NameError", "AttributeError"]


def test_a_well_oriented_film_is_answered_as_without_the_check(ask: Asking) -> None:
    checked = ask(FILMS, check_image_orientation=True)
    assert "xrayLungOrientation.h5" in checked.told["read"]
    assert np.array_equal(checked.values, ask(FILMS).values)


@pytest.mark.parametrize(
    ("degrees", "axes"), [(40.0, (1, 2)), (-35.0, (0, 2)), (50.0, (0, 1))], ids=str
)
def test_a_tilted_head_is_set_upright_where_the_library_alone_fails(
    ask: Asking, head: Placed, degrees: float, axes: tuple[int, int]
) -> None:
    straight, turned = ask(BRAIN).values[0], tilted(head, degrees, axes)
    steadied = ask(BRAIN, turned, steady=True)
    assert steadied.told["turned"] == pytest.approx(abs(degrees), abs=8)
    assert seen_alike(steadied.values[0], straight) > 0.9
    assert seen_alike(ask(BRAIN, turned).values[0], straight) < 0.8


def test_an_upright_head_is_left_as_it_is(ask: Asking, head: Placed) -> None:
    steadied = ask(BRAIN, head, steady=True)
    assert (steadied.told["turned"], steadied.told["cut"]) == (0, 0)
    assert np.array_equal(steadied.values, ask(BRAIN).values)


def test_one_bright_voxel_takes_nothing_from_the_others(ask: Asking, head: Placed) -> None:
    values = head.values.copy()
    values[45, 50, 45] = 50 * values.max()
    spoilt, straight = Placed(values, head.affine), ask(BRAIN).values[0]
    assert (
        ask(BRAIN, spoilt).values[0].max() < 0.5
        or dice(ask(BRAIN, spoilt).values[0], straight) < 0.1
    )
    steadied = ask(BRAIN, spoilt, steady=True)
    assert steadied.told["cut"] == 1
    assert dice(steadied.values[0], straight) > 0.999


def test_nothing_is_fetched_and_what_is_not_listed_is_not_read(ask: Asking, head: Placed) -> None:
    with pytest.raises(ConditionsNotMet, match=r"brainExtractionRobustT2\.h5"):
        ask(BRAIN, head, modality="t2")
