"""The author's code runs in the process apart: it sees no key and no GPU, and a stranger's does not run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bedside.canonical import Json
from bedside.errors import FreezeRefused
from bedside.freezing.freeze import FrozenModel
from bedside.freezing.isolated import freeze_file
from bedside.freezing.model_file import ModelFile
from tests.freezing.building import AGE, SODIUM, answers, clinic
from tests.freezing.pytorch.authors import save_from
from tests.freezing.toml import written

RISK = """import torch
from torch import nn


class Risk(nn.Module):
    def __init__(self, hidden=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, hidden), nn.BatchNorm1d(hidden), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.layers(x)
"""
PREPARED: list[Json] = [
    {"op": "select_numbers", "fields": ["age", "sodium"], "output": "raw"},
    {
        "op": "standardise",
        "input": "raw",
        "centre": [57.0, 140.0],
        "scale": [21.0, 4.0],
        "output": "scaled",
    },
]


def freeze_in(folder: Path, text: str, weights: str = "risk.pth") -> FrozenModel:
    """Freeze the weights in `folder` with the class in `text`."""
    stated: dict[str, Json] = {
        **answers(AGE, SODIUM),
        "native_classes": [],
        "preprocessing": PREPARED,
        "network": {"gives": "logit"},
    }
    (folder / "spec.toml").write_text(written(stated), encoding="utf-8")
    clinic()[["age", "sodium"]].to_csv(folder / "rows.csv", index=False)
    (folder / "net.py").write_text(text, encoding="utf-8")
    file = ModelFile(folder / weights, module=f"{folder / 'net.py'}:Risk")
    return freeze_file(file, folder / "spec.toml", folder / "rows.csv")


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    return {
        f"layers.{key}": one
        for key, one in torch.nn.Sequential(
            torch.nn.Linear(2, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1)
        )
        .state_dict()
        .items()
    }


@pytest.mark.slow
def test_a_checkpoint_from_another_device_becomes_the_same_package_as_one_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795248000")
    torch.save(state(), tmp_path / "risk.pth")
    here = freeze_in(tmp_path, RISK)
    wrapped = {"state_dict": {f"module.{key}": one for key, one in state().items()}, "epoch": 9}
    save_from("cuda:3", wrapped, tmp_path / "last.ckpt")
    there = freeze_in(tmp_path, RISK, "last.ckpt")
    assert there.archive == here.archive
    assert here.notes == ()
    assert ["checkpoint" in there.notes[0], "'module.…'" in there.notes[1]] == [True, True]
    lineage = here.package.manifest.lineage
    assert lineage.algorithm == "torch.nn.Module net.Risk"
    assert lineage.difference.largest <= 1e-5


def test_the_class_sees_no_secret_and_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEDSIDE_SITE_KEY", "a secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    torch.save(state(), tmp_path / "risk.pth")
    telling = "import os\nraise RuntimeError(repr(sorted(os.environ.items())))\n"
    with pytest.raises(FreezeRefused) as caught:
        freeze_in(tmp_path, telling)
    assert "('CUDA_VISIBLE_DEVICES', '')" in caught.value.message
    assert "a secret" not in caught.value.message


def test_a_strangers_network_is_refused_before_the_class_is_read(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 1)), tmp_path / "risk.pth")
    with pytest.raises(FreezeRefused, match=r"torch\.nn\.modules"):
        freeze_in(tmp_path, f"open({str(mark)!r}, 'w')\n" + RISK)
    assert not mark.exists()
