"""Each of the examples on numbers, run as a reader runs it, leaves a package that proves itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bedside.package.package import open_package
from bedside.runtime.runner import load

EXAMPLES = Path(__file__).parents[2] / "examples"
MASS = {"mean radius": 20.6, "mean texture": 29.3, "mean smoothness": 0.118}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("scikit_learn.py", "masses-scikit-learn"),
        ("pytorch_tabular.py", "masses-pytorch"),
        ("onnx_file.py", "masses-onnx"),
    ],
)
def test_it_freezes_a_model_that_answers_here_too(tmp_path: Path, script: str, name: str) -> None:
    out = tmp_path / "frozen.bedside"
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / script, out],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    package = open_package(out.read_bytes())
    assert package.manifest.name == name
    assert package.manifest.claim_level == "demonstration"
    assert done.stdout.startswith(f"{name}@1.0.0: largest difference ")
    (answer,) = load(package).predict([MASS])
    assert answer.label == "malignant"


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")) + sorted(EXAMPLES.rglob("*.sh")))
def test_every_example_is_shorter_than_sixty_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 60, path.name
