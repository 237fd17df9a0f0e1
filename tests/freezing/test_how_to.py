from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from bedside.canonical import Json
from bedside.freezing.frames import data_digest
from bedside.package.package import open_package
from tests.freezing.toml import written

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
BLOCK = re.compile(r"```(python|toml|sh)\n(.*?)```", re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    return BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))


def run_python(text: str, page: str, names: dict[str, object]) -> None:
    exec(compile(text, page, "exec"), names)  # noqa: S102 - our own page


def test_the_pages_blocks_run_in_order_and_leave_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = blocks("freeze-scikit-learn.md")
    assert [language for language, _ in found] == ["python", "toml", "python"]
    names: dict[str, object] = {}
    for language, text in found:
        if language == "toml":
            (tmp_path / "spec.toml").write_text(text, encoding="utf-8")
        else:
            run_python(text, "freeze-scikit-learn.md", names)
    package = open_package(tmp_path / "kidney-risk-1.0.0.bedside")
    assert package.manifest.ref == "kidney-risk@1.0.0"
    rows = names["rows"]
    assert isinstance(rows, pd.DataFrame)
    assert package.manifest.lineage.data[0].digest == data_digest(rows)


def whole(partial: str) -> dict[str, Json]:
    """Return the page's answers, and those that it leaves to the page on scikit-learn."""
    [text] = [text for language, text in blocks("freeze-scikit-learn.md") if language == "toml"]
    told: dict[str, Json] = tomllib.loads(text)
    for name in ("fields", "native_classes"):
        del told[name]
    told["origin"]["trained_at"] = "2026-11-21T08:00:00Z"
    return {**told, **tomllib.loads(partial)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["onnx", "skops", "mlflow"])
def test_the_page_of_a_file_makes_it_and_freezes_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    (python, text), (toml, spec), (sh, script) = blocks(f"freeze-{kind}.md")
    assert (python, toml, sh) == ("python", "toml", "sh")
    run_python(text, f"freeze-{kind}.md", {})
    (tmp_path / "spec.toml").write_text(written(whole(spec)), encoding="utf-8")
    environment = {**os.environ, "PATH": programs}
    done = subprocess.run(
        ["sh", "-euc", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert open_package(tmp_path / "risk-1.0.0.bedside").manifest.ref == "kidney-risk@1.0.0"
