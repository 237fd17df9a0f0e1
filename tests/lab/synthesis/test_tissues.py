from __future__ import annotations

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.lab.synthesis.tissues import Tissue, tissues_of


def test_left_and_right_and_the_numbers_of_both_sources_are_one_tissue() -> None:
    found = tissues_of(np.array([0, 2, 41, 515, 165, 24], dtype=np.int32))
    assert found.tolist() == [
        Tissue.NOTHING,
        Tissue.WHITE,
        Tissue.WHITE,
        Tissue.BONE,
        Tissue.BONE,
        Tissue.SULCAL_FLUID,
    ]


@pytest.mark.parametrize("label", [999, 5000, -1, 6])
def test_a_label_of_no_table_is_refused_by_name(label: int) -> None:
    with pytest.raises(UsageError, match=str(label)):
        tissues_of(np.array([0, label], dtype=np.int32))
