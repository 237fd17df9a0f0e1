from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from bedside.errors import FreezeRefused, NotFound, UsageError
from bedside.freezing.model_file import ModelFile


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("m.joblib", "estimator"),
        ("m.PKL", "estimator"),
        ("m.skops", "skops"),
        ("m.pth", "torch"),
        ("m.safetensors", "torch"),
        ("m.onnx", "onnx"),
    ],
)
def test_a_file_is_of_the_kind_that_its_name_says(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert ModelFile(tmp_path / name).kind == kind


def test_a_folder_with_an_mlmodel_is_one_of_mlflow(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder of an MLflow model"):
        _ = ModelFile(tmp_path).kind
    (tmp_path / "MLmodel").write_text("flavors: {}")
    assert ModelFile(tmp_path).kind == "mlflow"


def test_what_is_not_there_or_of_no_kind_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no file"):
        _ = ModelFile(tmp_path / "none.pth").kind
    (tmp_path / "m.h5").write_bytes(b"")
    with pytest.raises(UsageError, match=r"others as ONNX"):
        _ = ModelFile(tmp_path / "m.h5").kind


def test_a_pickle_without_code_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({"weights": [1.0, 2.0]}))
    with pytest.raises(UsageError, match=r"holds numbers and names only, and no model"):
        ModelFile(path).refuse_strangers()


def test_a_strangers_code_is_refused_and_passes_on_its_authors_word(tmp_path: Path) -> None:
    for name in ("m.pkl", "m.pth"):
        (tmp_path / name).write_bytes(pickle.dumps(Path))
        with pytest.raises(FreezeRefused, match=r"pathlib\.Path.*--i-made-this"):
            ModelFile(tmp_path / name).refuse_strangers()
        ModelFile(tmp_path / name, i_made_this=True).refuse_strangers()


def test_a_class_is_named_for_networks_alone(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"")
    with pytest.raises(UsageError, match=r"--module names the class of a PyTorch network"):
        ModelFile(tmp_path / "m.onnx", module="net.py:Net").refuse_strangers()
