"""What the library says through our child: the same as alone, on the right voxels, again and again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bedside.imaging.grid import Placed
from bedside.runtime.engines.antspynet.functions import asked, files_of
from tests.antspynet.conftest import ASKED, Asking, Case, Run, as_told
from tests.antspynet.made_weights import MIDDLE, SLOPE

BRAIN = Case("brain_extraction", {"modality": "t1"})

pytestmark = pytest.mark.timeout(3_000)


@pytest.fixture(scope="session")
def alone(
    run: Run, weights: Path, samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, NDArray[np.float32]]:
    """What the library answers without us."""
    out = tmp_path_factory.mktemp("alone") / "answers.npz"
    run("reference.py", weights, out, told=[{**as_told(c, samples), "name": str(c)} for c in ASKED])
    with np.load(out, allow_pickle=False) as answers:
        return dict(answers)


@pytest.mark.parametrize("case", ASKED, ids=str)
def test_it_answers_as_the_library_does_alone_and_reads_what_is_named(
    ask: Asking, alone: dict[str, NDArray[np.float32]], case: Case
) -> None:
    answer = ask(case)
    expected = np.asarray(alone[str(case)], np.float32)
    assert answer.values.shape[0] == asked(case.function, case.parameters).channels
    assert np.abs(answer.values - np.clip(expected, 0, None)).max() <= 1e-5
    files = files_of(asked(case.function, case.parameters), case.images)
    assert set(answer.told["read"]) == set(files.names)


@pytest.mark.parametrize("case", [BRAIN, Case("brain_age", {})], ids=str)
def test_it_repeats_itself_bit_by_bit_and_loads_nothing_again(ask: Asking, case: Case) -> None:
    one, other = ask(case), ask(case)
    assert np.array_equal(one.values, other.values)
    assert one.told["loads"] == other.told["loads"]


def test_the_answer_lies_on_the_right_voxels(ask: Asking, head: Placed) -> None:
    """The made network calls bright what is bright: a block on one side, its mirror made dark."""
    values = head.values.copy()
    one, mirror = np.s_[60:68, 45:53, 45:53], np.s_[23:31, 45:53, 45:53]
    values[one], values[mirror] = values.max(), 0
    found = ask(BRAIN, Placed(values, head.affine)).values[0]
    bright = 1 / (1 + np.exp(-SLOPE * (values / values.max() - MIDDLE)))
    within = np.s_[20:70, 25:85, 20:70]  # inside the template's field of view, off centre
    assert ((found > 0.5) == (bright > 0.5))[within].mean() > 0.97
    assert found[one].mean() > 0.9
    assert found[mirror].mean() < 0.1
