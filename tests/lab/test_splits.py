from __future__ import annotations

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.lab.splits import stratified_split

LABELS = np.array(["ill"] * 37 + ["well"] * 63)


def test_every_row_is_in_one_part_and_every_class_has_its_share() -> None:
    split = stratified_split(LABELS, seed=4)
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(100))
    ill = [int((LABELS[part] == "ill").sum()) for part in parts]
    assert ill == [22, 7, 8]


def test_the_seed_decides_the_split() -> None:
    first, again, other = (stratified_split(LABELS, seed=seed) for seed in (4, 4, 5))
    assert first.test.tolist() == again.test.tolist()
    assert first.test.tolist() != other.test.tolist()
    assert "seed 4" in first.words


def test_a_class_too_small_for_three_parts_is_named() -> None:
    with pytest.raises(UsageError, match=r"class np\.str_\('rare'\) has 2 rows|class 'rare' has 2"):
        stratified_split([*LABELS, "rare", "rare"], seed=1)


def test_fractions_must_make_one() -> None:
    with pytest.raises(UsageError, match="must be positive and make 1"):
        stratified_split(LABELS, seed=1, fractions=(0.5, 0.2, 0.2))
