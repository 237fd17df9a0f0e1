"""What all work of one process may take together."""

from __future__ import annotations

from pathlib import Path

import pytest

from bedside.jobs.workshop import Bounds, Workshop
from bedside.store.duty import Duty
from bedside.store.workplace import Workplace


def workshop(folder: Path, memory: int, at_once: int) -> Workshop:
    bounds = Bounds(memory, at_once)
    return Workshop(bounds, Duty(folder / "jobs.lock"), Workplace(folder / "work"))


@pytest.mark.parametrize(
    ("taken", "memory", "at_once", "fitting"),
    [((), 10, 1, True), ((4,), 10, 2, True), ((4,), 9, 2, False), ((4,), 100, 1, False)],
)
def test_work_fits_beside_other_work_by_memory_and_by_number(
    tmp_path: Path, taken: tuple[int, ...], memory: int, at_once: int, *, fitting: bool
) -> None:
    shop = workshop(tmp_path, memory, at_once)
    assert all(shop.reserve(one) for one in taken)
    assert shop.reserve(6) is fitting
    for one in (*taken, *([6] if fitting else [])):
        shop.release(one)
    assert shop.reserve(memory)
