from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside.runtime.explain.orders import _below, orders

PRINT = """
from bedside.runtime.explain.orders import orders
print(orders(11, 40, 6).tolist())
"""


def by_the_page(seed: int, fields: int) -> list[int]:
    """The first order, written from section 12.2 of the page alone; no word of it is rejected."""
    words: list[int] = []
    for block in range(fields):
        text = b"bedside contributions 1\n" + seed.to_bytes(8, "big") + block.to_bytes(8, "big")
        given = hashlib.sha256(text).digest()
        words += [int.from_bytes(given[8 * i : 8 * i + 8], "big") for i in range(4)]
    order = list(range(fields))
    for draw, last in enumerate(range(fields - 1, 0, -1)):
        other = words[draw] % (last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def test_these_orders_are_kept_for_good() -> None:
    kept = [[4, 1, 3, 2, 0], [0, 2, 3, 1, 4], [2, 4, 0, 3, 1], [1, 3, 0, 4, 2]]
    assert orders(7, 5, 4).tolist() == kept


@pytest.mark.parametrize("seed", [0, 1, 2**53 - 1])
def test_a_second_reader_of_the_page_draws_the_same_order(seed: int) -> None:
    assert orders(seed, 30, 2)[0].tolist() == by_the_page(seed, 30)


def test_another_process_with_another_hash_seed_draws_the_same() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "src"},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "31337")
    }
    assert told == {f"{orders(11, 40, 6).tolist()}\n"}


@given(st.integers(0, 2**53 - 1), st.integers(1, 40), st.integers(1, 4))
def test_every_order_holds_each_field_once_and_is_followed_by_its_reverse(
    seed: int, fields: int, pairs: int
) -> None:
    drawn = orders(seed, fields, 2 * pairs)
    assert (np.sort(drawn, axis=1) == np.arange(fields)).all()
    assert (drawn[0::2] == drawn[1::2, ::-1]).all()


def test_more_permutations_begin_with_the_same_ones() -> None:
    assert (orders(3, 9, 20)[:8] == orders(3, 9, 8)).all()


def test_each_of_the_24_orders_of_four_is_equally_likely() -> None:
    counts = Counter(map(tuple, orders(5, 4, 48_000)[0::2].tolist()))
    assert len(counts) == 24
    chi_squared = sum((count - 1000) ** 2 / 1000 for count in counts.values())
    assert chi_squared < 49.7  # 0.999 quantile with 23 degrees of freedom


def test_a_word_that_would_favour_small_numbers_is_thrown_away() -> None:
    assert 2**64 % 3 == 1
    assert _below(3, iter([2**64 - 1, 2**64 - 2, 0])) == (2**64 - 2) % 3
