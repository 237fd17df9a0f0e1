from __future__ import annotations

import pytest

from bedside.errors import Unavailable
from bedside.keys.spares import MOST_SPARE_KEYS, SPARE_KEYS, Spares


class Maker:
    """Makes numbers in the place of keys, and keeps in mind how many at once."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.now = 0.0

    def __call__(self, count: int) -> list[int]:
        first = sum(self.batches)
        self.batches.append(count)
        return list(range(first, first + count))

    def tick(self) -> float:
        return self.now


@pytest.fixture
def maker() -> Maker:
    return Maker()


def taken(spares: Spares[int], count: int) -> list[int]:
    made = spares.take(count)
    spares.settle(20)
    return made


def test_nobody_gets_a_key_that_another_has(maker: Maker) -> None:
    spares = Spares(maker, maker.tick)
    found = [key for count in (1, 5, 0, 300, 1000, 1) for key in taken(spares, count)]
    assert len(found) == len(set(found)) == 1307
    spares.close()


def test_a_rush_is_met_with_ever_more_and_a_rest_with_fewer(maker: Maker) -> None:
    spares = Spares(maker, maker.tick)
    for _ in range(40):  # within the same moment
        taken(spares, SPARE_KEYS)
    assert max(maker.batches) == MOST_SPARE_KEYS
    assert len(maker.batches) < 15
    for _ in range(200):
        maker.now += 61
        taken(spares, SPARE_KEYS)
    assert maker.batches[-1] == SPARE_KEYS
    spares.close()


def test_who_finds_none_meets_the_problem_that_the_thread_met() -> None:
    def fail(_count: int) -> list[int]:
        raise Unavailable("the disk is full")

    spares = Spares(fail)
    with pytest.raises(Unavailable, match="the disk is full"):
        spares.take(1)
    spares.close()


def test_a_refill_that_fails_is_tried_again(maker: Maker) -> None:
    broken: list[bool] = []

    def sometimes(count: int) -> list[int]:
        if broken:
            raise Unavailable("not now")
        return maker(count)

    spares = Spares(sometimes, maker.tick)
    taken(spares, 1)
    broken.append(True)
    taken(spares, 1)
    broken.clear()
    before = len(maker.batches)
    taken(spares, 1)
    assert len(maker.batches) == before + 1
    spares.close()


def test_after_closing_none_is_made_ahead(maker: Maker) -> None:
    spares = Spares(maker, maker.tick)
    taken(spares, 1)
    spares.close()
    before = list(maker.batches)
    spares.take(1)
    assert maker.batches == [*before, 1 + SPARE_KEYS]
