"""ANTsPyNet's brain extraction as a package: the true architecture, weights that nobody trained."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bedside.package.antspynet import AntspynetModel
from bedside.runtime.engines.antspynet.engine import needed
from bedside.runtime.engines.antspynet.weights import WeightFile, digest_of, write_record
from tools.bench_imaging.children import ROOT
from tools.bench_imaging.models import Described, answers, write_unproved

FUNCTION, MODALITY = "brain_extraction", "t1"
SCRIPT = ROOT / "tests" / "antspynet" / "made_weights.py"


def antspynet_package(python: Path, weights: Path, head: Path, folder: Path) -> Path:
    """Return the file of a package with the function.

    Args:
        python: An interpreter that has the library.
        weights: Gets the weights, made by the script of `tests/antspynet`.
        head: A real head, for the shapes of its templates.
        folder: Gets the package.
    """
    model = AntspynetModel.model_validate(
        {
            "function": FUNCTION,
            "parameters": {"modality": MODALITY},
            "library": ">=0.3.2,<0.4",
            "weights": _made(python, weights, head),
        }
    )
    output = {
        "activation": "none",  # the library gives a probability
        "channels": 1,
        "threshold": {"value": 0.5, "meaning": {"en": "as likely as not"}},
    }
    source = Described(f"antspynet.{FUNCTION}")
    return write_unproved(folder / "antspynet.bedside", answers(output), (), (model, source), {})


def _made(python: Path, folder: Path, head: Path) -> dict[str, dict[str, object]]:
    """Make the weights in `folder`, and return what a manifest says of them."""
    parameters = {"modality": MODALITY}
    case = {"function": FUNCTION, "images": [str(head)], "parameters": parameters}
    subprocess.run(
        [python, SCRIPT, folder, head],
        input=json.dumps([case]),
        text=True,
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "CUDA_VISIBLE_DEVICES": ""},
    )
    files = [
        WeightFile(name, (folder / name).stat().st_size, digest_of(folder / name), "made here")
        for name in needed(FUNCTION, parameters, 1, upright=True).names
    ]
    write_record(folder, files)
    return {
        one.name: {"size": one.size, "digest": one.digest, "origin": one.origin} for one in files
    }
