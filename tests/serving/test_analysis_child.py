"""What a child that analyses says where the network finds no memory."""

from __future__ import annotations

import io

import pytest

from bedside.errors import PackageRefused
from bedside.jobs.inside import Voice
from bedside.runtime.memory import too_much_asked
from bedside.runtime.runner import Runner
from bedside.serving.analysis_child import Bench
from tests.volume_packages import head_nifti, volume_package

ASKED = {"stated": {"modality": "MR", "body_part": "HEAD"}, "choice": {}}


@pytest.mark.parametrize(
    ("cause", "raised"),
    [
        (
            RuntimeError("[ShapeInferenceError] bfc_arena.cc: Failed to allocate memory"),
            MemoryError,
        ),
        (RuntimeError("another fault"), PackageRefused),
    ],
    ids=["no memory", "another fault"],
)
def test_a_network_that_finds_no_memory_ends_the_job_for_that_reason(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, raised: type[Exception]
) -> None:
    def analyse(*_: object) -> None:
        raise too_much_asked() from cause

    files = (("package", volume_package()), ("head.nii", head_nifti()))
    monkeypatch.setattr(Runner, "analyse", analyse)
    with pytest.raises(raised):
        Bench().work(dict(ASKED), iter(files), Voice(io.BytesIO()))
