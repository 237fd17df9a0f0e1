from __future__ import annotations

import pytest

from bedside.canonical import Json
from bedside.errors import InputRefused, Refusal
from bedside.runtime.analysis import UNSTATED
from bedside.runtime.volume_rows import read_row, volume_row
from tests.volume_packages import INPUT, MR_HEAD, head, head_nifti


def refused(row: Json) -> tuple[Refusal, ...]:
    with pytest.raises(InputRefused) as caught:
        read_row(row, INPUT)
    return caught.value.refusals


def test_a_row_is_read_as_it_was_made() -> None:
    volume, stated = read_row(volume_row(head_nifti(1), MR_HEAD), INPUT)
    assert (volume.values == head(1).values).all()
    assert stated == MR_HEAD
    assert read_row(volume_row(head_nifti()), INPUT)[1] == UNSTATED


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        ([], "", "wrong-type"),
        ({}, "volume", "missing"),
        ({"volume": 7}, "volume", "wrong-type"),
        ({"volume": "no base64!"}, "volume", "wrong-type"),
        ({"volume": ""}, "volume", "not-a-volume"),
        ({"volume": "AAAA"}, "volume", "not-a-volume"),
        ({**volume_row(head_nifti()), "view": "PA"}, "view", "unknown-field"),
        ({**volume_row(head_nifti()), "modality": 3}, "modality", "wrong-type"),
    ],
    ids=["list", "nothing", "number", "text", "empty", "bytes", "view", "modality"],
)
def test_what_is_no_such_row_is_refused(row: Json, field: str, code: str) -> None:
    (reason,) = refused(row)
    assert (reason.field, reason.code) == (field, code)


def test_a_volume_that_is_too_large_is_refused_by_its_header() -> None:
    small = INPUT.model_copy(update={"most_voxels": 32**3 - 1})
    with pytest.raises(InputRefused, match="too-large"):
        read_row(volume_row(head_nifti()), small)
