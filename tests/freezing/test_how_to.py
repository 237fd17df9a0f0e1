from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from bedside.freezing.frames import data_digest
from bedside.package.package import open_package

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "freeze-scikit-learn.md"


def test_the_pages_blocks_run_in_order_and_leave_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(python|toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [language for language, _ in blocks] == ["python", "toml", "python"]
    names: dict[str, object] = {}
    for language, text in blocks:
        if language == "toml":
            (tmp_path / "spec.toml").write_text(text, encoding="utf-8")
        else:
            exec(compile(text, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    package = open_package(tmp_path / "kidney-risk-1.0.0.bedside")
    assert package.manifest.ref == "kidney-risk@1.0.0"
    rows = names["rows"]
    assert isinstance(rows, pd.DataFrame)
    assert package.manifest.lineage.data[0].digest == data_digest(rows)
