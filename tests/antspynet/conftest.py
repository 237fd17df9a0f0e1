"""The real library, in its own interpreter, with weights that these tests make.

    make test-antspynet            or
    BEDSIDE_ANTSPYNET_PYTHON=…/bin/python pytest tests/antspynet

Everything here is skipped, loudly, where that variable names no interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bedside.imaging.files import files_at
from bedside.imaging.grid import Placed
from bedside.imaging.volume_reading import read_volume
from bedside.runtime.engines.antspynet.functions import FUNCTIONS, Parameter
from bedside.runtime.engines.antspynet.process import MOST_MEMORY, Child, unheard
from bedside.runtime.engines.antspynet.weights import WeightFile, digest_of, write_record

HERE = Path(__file__).parent
HEAD = "heads/MNI152_T1_2mm.nii.gz"
FILM = "films/00000001_000.png"


@dataclass(frozen=True)
class Case:
    """A call whose weights are made; `slow` ones take minutes."""

    function: str
    parameters: Mapping[str, Parameter]
    images: int = 1

    def __str__(self) -> str:
        told = "-".join(str(one) for one in self.parameters.values())
        return f"{self.function}-{told}".strip("-")


CASES = (
    Case("brain_extraction", {"modality": "t1"}),
    Case("brain_extraction", {"modality": "t1threetissue"}),
    Case("sysu_media_wmh_segmentation", {"use_ensemble": False}),
    Case("brain_age", {}),
    Case("chexnet", {"include_tuberculosis_diagnosis": True}),
)
"""A minute or two each, on two cores, with the library alone beside it."""

LONG = (
    Case("deep_atropos", {}),
    Case("shiva_wmh_segmentation", {"which_model": 0}),
    Case("lesion_segmentation", {}),
)
"""Some minutes each; `BEDSIDE_ANTSPYNET_LONG=1` lets them run."""

ASKED = CASES + LONG if os.environ.get("BEDSIDE_ANTSPYNET_LONG") else CASES


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter that has the library."""
    named = os.environ.get("BEDSIDE_ANTSPYNET_PYTHON")
    if not named:
        pytest.skip("BEDSIDE_ANTSPYNET_PYTHON names no interpreter with antspynet")
    assert Path(named).is_file(), named
    return Path(named)


@dataclass(frozen=True)
class Run:
    """Runs a script of this folder under the library's interpreter."""

    python: Path
    home: Path

    def __call__(self, script: str, *words: str | Path, told: object = None) -> str:
        done = subprocess.run(
            [self.python, HERE / script, *map(str, words)],
            input=json.dumps(told),
            capture_output=True,
            text=True,
            timeout=3_000,
            cwd=self.home,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "CUDA_VISIBLE_DEVICES": "",
                "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1",
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4_000:]
        return done.stdout


@pytest.fixture(scope="session")
def run(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(python, tmp_path_factory.mktemp("home"))


def as_told(case: Case, samples: Path) -> dict[str, Any]:
    image = samples / (FILM if FUNCTIONS[case.function].axes == 2 else HEAD)
    parameters = dict(case.parameters)
    return {
        "function": case.function,
        "parameters": parameters,
        "images": [str(image)] * case.images,
    }


@pytest.fixture(scope="session")
def weights(run: Run, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of every case, and their record.

    BEDSIDE_ANTSPYNET_MADE names one that an earlier run made, which spares two minutes.
    """
    if made := os.environ.get("BEDSIDE_ANTSPYNET_MADE"):
        return Path(made)
    folder = tmp_path_factory.mktemp("weights")
    cases = [as_told(case, samples) for case in ASKED]
    orientation = {"function": "check_xray_lung_orientation", "parameters": {}}
    cases.append({**orientation, "images": [str(samples / FILM)]})
    run("made_weights.py", folder, samples / HEAD, told=cases)
    files = [
        WeightFile(one.name, one.stat().st_size, digest_of(one), "made by a test")
        for one in folder.iterdir()
    ]
    write_record(folder, files)
    return folder


@pytest.fixture(scope="session")
def head(samples: Path) -> Placed:
    """A template's head, 2 mm, as its file stores it."""
    return Placed.of(read_volume(files_at(samples / HEAD)))


@dataclass(frozen=True)
class Answer:
    values: NDArray[np.float32]
    told: Mapping[str, Any]


Asking = Callable[..., Answer]


@pytest.fixture(scope="session")
def ask(python: Path, weights: Path, samples: Path, head: Placed) -> Iterator[Asking]:
    """Ask the kept child; it is started once for all tests."""
    film = np.asarray(Image.open(samples / FILM).convert("L"), np.float32).T
    files = [
        asdict(WeightFile(one.name, one.stat().st_size, digest_of(one), "made by a test"))
        for one in weights.iterdir()
        if one.suffix in {".h5", ".gz"}
    ]
    begin = {"weights": str(weights), "files": files, "seed": 123, "threads": 2, "idle": 3_000}
    child = Child(python, {**begin, "memory": MOST_MEMORY, "network": False}, unheard)

    def asking(
        case: Case, *images: Placed, steady: bool = False, **parameters: Parameter
    ) -> Answer:
        given: Sequence[Placed] = images or [head] * case.images
        arrays, affines = [one.values for one in given], [one.affine.tolist() for one in given]
        if FUNCTIONS[case.function].axes == 2:
            arrays, affines = [film], [None]
        header = {
            "kind": "call",
            "function": case.function,
            "parameters": {**case.parameters, **parameters},
            "affines": affines,
            "outliers": steady,
            "upright": steady,
        }
        answer = child.ask(header, arrays, unheard, 3_000)
        return Answer(answer.arrays[0], answer.header)

    yield asking
    child.close()
