from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bedside.errors import UsageError
from bedside.lab.synthesis.heads import MARGIN, MASKED, Head, read_head
from bedside.lab.synthesis.tissues import Tissue
from tests.lab.synthesis.maps import MIDDLE, SIDE, ball_map, write_map

CENTRE = SIDE // 2
EDGE = 1 - MARGIN
"""Where the kept voxels begin: the skin reaches to 1 voxel from the map's side."""


def at(head: Head, i: int, j: int, k: int) -> tuple[Tissue, bool]:
    """Return the tissue at a voxel of the map, and whether it is brain."""
    code = int(head.coded[i - EDGE, j - EDGE, k - EDGE])
    return Tissue(code % MASKED), code >= MASKED


def test_the_mask_holds_what_is_brain_ventricles_and_narrow_sulci(head: Head) -> None:
    assert at(head, CENTRE, CENTRE, CENTRE) == (Tissue.VENTRICLE, True)
    assert at(head, CENTRE + 11, CENTRE, CENTRE) == (Tissue.GREY, True)
    assert at(head, CENTRE, CENTRE, CENTRE + 8) == (Tissue.SULCAL_FLUID, True)


def test_the_fluid_around_is_told_apart_by_how_far_it_is_and_bone_that_touches_it_is_dura(
    head: Head,
) -> None:
    found = [at(head, CENTRE, CENTRE + step, CENTRE) for step in (12, 13, 14, 15, 17, 18, 19, 20)]
    assert found == [
        (Tissue.GREY, True),
        (Tissue.FLUID_1, False),
        (Tissue.FLUID_2, False),
        (Tissue.FLUID_3, False),
        (Tissue.FLUID_5, False),
        (Tissue.OUTER_FLUID, False),
        (Tissue.OUTER_FLUID, False),
        (Tissue.DURA, False),
    ]


def test_a_wide_gap_is_not_bridged(tmp_path: Path) -> None:
    wide = read_head(write_map(tmp_path / "wide.nii.gz", ball_map(sulcus=12)), closing=2.0)
    assert not at(wide, CENTRE, CENTRE, CENTRE + 11)[1]


def test_the_stem_reaches_as_far_down_as_the_cerebellum(tmp_path: Path) -> None:
    labels = ball_map()
    labels[CENTRE, CENTRE, : CENTRE - 6] = 512
    found = read_head(write_map(tmp_path / "stem.nii.gz", labels))
    assert at(found, CENTRE, CENTRE, CENTRE - 10)[0] is Tissue.STEM
    assert at(found, CENTRE, CENTRE, CENTRE - 16)[0] is Tissue.CORD


def test_stray_voxels_are_left_out(tmp_path: Path) -> None:
    labels = ball_map()
    labels[0, 0, 0] = 511
    assert (
        read_head(write_map(tmp_path / "stray.nii.gz", labels)).coded.shape
        == (46 + 2 * MARGIN,) * 3
    )


def test_the_middle_is_that_of_the_mask(head: Head) -> None:
    assert head.middle == pytest.approx([MIDDLE - EDGE] * 3, abs=0.5)


def test_a_kept_head_is_the_one_that_was_computed_and_another_closing_is_another(
    tmp_path: Path,
) -> None:
    path = write_map(tmp_path / "map.nii.gz", ball_map(sulcus=6))
    first, again = (read_head(path, keep=tmp_path / "kept") for _ in range(2))
    assert np.array_equal(first.coded, again.coded)
    other = read_head(path, closing=0.0, keep=tmp_path / "kept")
    assert (other.coded >= MASKED).sum() < (first.coded >= MASKED).sum()
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_a_kept_head_that_is_damaged_is_computed_anew(tmp_path: Path) -> None:
    path = write_map(tmp_path / "map.nii.gz", ball_map())
    first = read_head(path, keep=tmp_path / "kept")
    (kept,) = (tmp_path / "kept").iterdir()
    whole = kept.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"PK" + bytes(50)):
        kept.write_bytes(damaged)
        assert np.array_equal(read_head(path, keep=tmp_path / "kept").coded, first.coded)
        assert kept.read_bytes() == whole


def test_two_workers_may_keep_the_same_head_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_map(tmp_path / "map.nii.gz", ball_map())
    fork = get_context("fork")
    both, save = fork.Barrier(2), np.savez_compressed

    def saved_by_both(*args: Any, **arrays: Any) -> None:
        save(*args, **arrays)
        both.wait(60)

    monkeypatch.setattr(np, "savez_compressed", saved_by_both)
    workers = [
        fork.Process(target=read_head, args=(path,), kwargs={"keep": tmp_path / "kept"})
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_another_spacing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 mm"):
        read_head(write_map(tmp_path / "coarse.nii.gz", ball_map(), spacing=2.0))
