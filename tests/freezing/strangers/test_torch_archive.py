from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from bedside.freezing.strangers.torch_archive import UNKNOWN, plan_of


def test_what_torch_save_writes_has_no_doubt(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch missing")
    torch.save({"a": torch.ones(3), "b": torch.zeros(2)}, tmp_path / "w.pth")
    plan = plan_of(ZipFile(tmp_path / "w.pth").namelist())
    assert (plan.kind, plan.doubts, plan.program) == ("PyTorch archive", (), "w/data.pkl")


@pytest.mark.parametrize(
    "name",
    ["w/x.pkl", "w/DATA/0", "w/data/a", "w/data/0/1", "w/data/\u0661", "x/version", "data.pkl"],
)
def test_any_other_entry_is_a_doubt(name: str) -> None:
    assert plan_of(["w/data.pkl", "w/version", name]).doubts


def test_without_one_program_the_kind_is_unknown() -> None:
    for names in ([], ["w/x"], ["a/data.pkl", "b/data.pkl"], ["w/DATA.PKL"], ["data.pkl"]):
        assert plan_of(names).kind == UNKNOWN
        assert plan_of(names).doubts
