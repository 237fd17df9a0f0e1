"""Native and frozen are the same, for every kind of model, the whole way from a file to a package."""

from __future__ import annotations

import base64
import inspect
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import mlflow.onnx
import mlflow.pytorch
import mlflow.sklearn
import numpy as np
import onnx
import pandas as pd
import pytest
import skops.io
import torch
from mlflow.models import infer_signature
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from torch import nn

from bedside.canonical import Json
from bedside.freezing.frames import raw_rows
from bedside.freezing.isolated import freeze_file
from bedside.freezing.model_file import ModelFile
from bedside.imaging.geometry import resize
from bedside.runtime.runner import load
from tests.freezing.building import AGE, CREATININE, SODIUM, answers, clinic, outcome
from tests.freezing.films import film, film_answers, folder, png, spot_network
from tests.freezing.test_freeze import ALL, clinic_pipeline
from tests.freezing.toml import written

NUMBERS = (AGE, CREATININE, SODIUM)
NET = textwrap.dedent(
    """
    from torch import nn

    class Risk(nn.Module):
        def __init__(self, hidden=4):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(3, hidden), nn.Tanh(), nn.Linear(hidden, 1))
            self.forget = nn.Dropout(0.5)

        def forward(self, x):
            return self.layers(self.forget(x))
    """
)
OPERATIONS: list[Json] = [
    {"op": "select_numbers", "fields": ["age", "creatinine", "sodium"], "output": "raw"},
    {"op": "impute", "input": "raw", "values": [60.0, 1.2, 140.0], "output": "filled"},
    {
        "op": "standardise",
        "input": "filled",
        "centre": [57.0, 1.2, 140.0],
        "scale": [21.0, 0.6, 4.0],
        "output": "scaled",
    },
]
NETWORK: dict[str, Json] = {
    "native_classes": [],
    "preprocessing": OPERATIONS,
    "network": {"gives": "logit"},
}

Native = Callable[[pd.DataFrame], Any]
"""The author's own probabilities of the positive class."""


def prepared(frame: pd.DataFrame) -> Any:
    filled = frame[["age", "creatinine", "sodium"]].fillna(
        {"age": 60, "creatinine": 1.2, "sodium": 140}
    )
    scaled = (filled.to_numpy() - [57.0, 1.2, 140.0]) / [21.0, 0.6, 4.0]
    return torch.tensor(scaled, dtype=torch.float32)


def risk_network(folder: Path) -> tuple[Any, Native]:
    (folder / "net.py").write_text(NET)
    names: dict[str, Any] = {}
    exec(compile(NET, "net.py", "exec"), names)  # noqa: S102 - the text above
    torch.manual_seed(3)
    network = names["Risk"](hidden=6).eval()

    def native(frame: pd.DataFrame) -> Any:
        with torch.no_grad():
            return torch.sigmoid(network(prepared(frame)).double()).numpy()[:, 0]

    return network, native


def fitted(estimator: Any, *, whole: bool) -> tuple[Any, Native]:
    frame = clinic() if whole else clinic()[["age", "creatinine", "sodium"]]
    model = clinic_pipeline(estimator) if whole else estimator
    model.fit(frame, outcome(clinic()))
    return model, lambda rows: model.predict_proba(rows[list(frame.columns)])[:, 1]


def estimator_file(estimator: Any, *, whole: bool = True) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        model, native = fitted(estimator, whole=whole)
        joblib.dump(model, folder / "model.joblib")
        fields = ALL if whole else NUMBERS
        return ModelFile(folder / "model.joblib", i_made_this=True), answers(*fields), native

    return make


def skops_file(folder: Path) -> Any:
    model, native = fitted(CalibratedClassifierCV(LogisticRegression(max_iter=2000)), whole=True)
    skops.io.dump(model, folder / "model.skops")
    return ModelFile(folder / "model.skops"), answers(*ALL), native


def torch_weights(folder: Path) -> Any:
    network, native = risk_network(folder)
    torch.save(network.state_dict(), folder / "weights.pth")
    module = f"{folder / 'net.py'}:Risk"
    file = ModelFile(folder / "weights.pth", module=module, arguments={"hidden": 6})
    return file, {**answers(*NUMBERS), **NETWORK}, native


def exported(network: Any, path: Path) -> None:
    rows = torch.export.Dim("rows")
    made = torch.onnx.export(
        network, (torch.zeros(2, 3),), dynamic_shapes=({0: rows},), verbose=False
    )
    assert made is not None
    onnx.save(made.model_proto, path, save_as_external_data=True, size_threshold=0)


def onnx_table(folder: Path) -> Any:
    network, native = risk_network(folder)
    exported(network, folder / "model.onnx")
    return ModelFile(folder / "model.onnx"), {**answers(*NUMBERS), **NETWORK}, native


def mlflow_skops(folder: Path) -> Any:
    model, native = fitted(LogisticRegression(max_iter=2000), whole=True)
    frame = clinic()
    mlflow.sklearn.save_model(
        model,
        folder / "model",
        serialization_format="skops",
        skops_trusted_types=["numpy.dtype"],
        signature=infer_signature(frame, model.predict(frame)),
        pip_requirements=["scikit-learn"],
    )
    return ModelFile(folder / "model"), answers(*ALL), native


def mlflow_pickle(folder: Path) -> Any:
    model, native = fitted(LogisticRegression(max_iter=2000), whole=True)
    mlflow.sklearn.save_model(
        model,
        folder / "model",
        serialization_format="cloudpickle",
        pip_requirements=["scikit-learn"],
    )
    return ModelFile(folder / "model", i_made_this=True), answers(*ALL), native


def mlflow_torch(folder: Path) -> Any:
    torch.manual_seed(4)
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1)).eval()
    mlflow.pytorch.save_model(
        network, folder / "model", serialization_format="pickle", pip_requirements=["torch"]
    )

    def native(frame: pd.DataFrame) -> Any:
        with torch.no_grad():
            return torch.sigmoid(network(prepared(frame)).double()).numpy()[:, 0]

    file = ModelFile(folder / "model", i_made_this=True)
    return file, {**answers(*NUMBERS), **NETWORK}, native


def mlflow_onnx(folder: Path) -> Any:
    network, native = risk_network(folder)
    exported(network, folder / "own.onnx")
    mlflow.onnx.save_model(
        onnx.load(folder / "own.onnx"), folder / "model", pip_requirements=["onnx"]
    )
    return ModelFile(folder / "model"), {**answers(*NUMBERS), **NETWORK}, native


TABLES = {
    "logistic regression": estimator_file(LogisticRegression(max_iter=2000)),
    "random forest": estimator_file(RandomForestClassifier(10, random_state=0)),
    "random forest with gaps": estimator_file(
        RandomForestClassifier(10, random_state=0), whole=False
    ),
    "gradient boosting": estimator_file(GradientBoostingClassifier(n_estimators=10)),
    "histogram boosting with gaps": estimator_file(
        HistGradientBoostingClassifier(max_iter=10), whole=False
    ),
    "skops file": skops_file,
    "PyTorch weights and class": torch_weights,
    "ONNX file": onnx_table,
    "MLflow, skops": mlflow_skops,
    "MLflow, pickle": mlflow_pickle,
    "MLflow, PyTorch": mlflow_torch,
    "MLflow, ONNX": mlflow_onnx,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", TABLES)
def test_a_table_gets_the_native_answer_gaps_included(kind: str, tmp_path: Path) -> None:
    file, told, native = TABLES[kind](tmp_path)
    near = float(np.quantile(native(clinic()), 0.6).round(3))
    told["output"]["threshold"]["value"] = near
    (tmp_path / "spec.toml").write_text(written(told), encoding="utf-8")
    names = [field["name"] for field in told["fields"]]
    clinic()[names].to_csv(tmp_path / "rows.csv", index=False)
    made = freeze_file(file, tmp_path / "spec.toml", tmp_path / "rows.csv")
    others = clinic(seed=9)[names]
    assert others.isna().any().any()
    rows = raw_rows(others, made.package.manifest.input.fields)  # type: ignore[union-attr]
    found = [answer.scores["ill"] for answer in load(made.package).predict(rows)]
    np.testing.assert_allclose(found, native(others), rtol=0, atol=1e-6)
    assert made.report.largest < 1e-5
    assert any("missing" in name for name, _, _ in made.report.groups)


def film_weights(folder: Path) -> ModelFile:
    text = inspect.getsource(spot_network)
    (folder / "net.py").write_text(f"import torch\nfrom torch import nn\n\n{text}")
    torch.save(spot_network().state_dict(), folder / "weights.pth")
    return ModelFile(folder / "weights.pth", module=f"{folder / 'net.py'}:spot_network")


def film_onnx(folder: Path) -> ModelFile:
    made = torch.onnx.export(spot_network(), (torch.zeros(1, 1, 32, 32),), verbose=False)
    assert made is not None
    onnx.save(made.model_proto, folder / "model.onnx")
    return ModelFile(folder / "model.onnx")


def native_film_scores(numbers: range) -> Any:
    units = [
        resize(film(n).astype(np.float32) / np.float32(255), 32, 32, "bilinear") for n in numbers
    ]
    tensor = torch.tensor(np.stack(units)[:, None])
    with torch.no_grad():
        logits = spot_network()((tensor - 0.5) / 0.25)
    return torch.sigmoid(logits.double()).numpy()[:, 0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [film_onnx, film_weights], ids=["ONNX file", "PyTorch weights"])
def test_a_picture_gets_the_native_answer(
    make: Callable[[Path], ModelFile], tmp_path: Path
) -> None:
    films = folder(tmp_path / "films")
    (tmp_path / "spec.toml").write_text(written(film_answers()), encoding="utf-8")
    made = freeze_file(make(tmp_path), tmp_path / "spec.toml", films)
    numbers = range(50, 58)
    rows = [{"image": base64.b64encode(png(number)).decode()} for number in numbers]
    found = [answer.scores["ill"] for answer in load(made.package).predict(rows)]
    np.testing.assert_allclose(found, native_film_scores(numbers), rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_what_mlflow_knows_is_kept_in_the_lineage(tmp_path: Path) -> None:
    file, told, _ = mlflow_skops(tmp_path)
    (tmp_path / "spec.toml").write_text(written(told), encoding="utf-8")
    clinic().to_csv(tmp_path / "rows.csv", index=False)
    made = freeze_file(file, tmp_path / "spec.toml", tmp_path / "rows.csv")
    kept = made.package.manifest.lineage.parameters["mlflow"]
    assert kept["flavour"] == "sklearn"
    assert len(kept["model_uuid"]) == 32
    assert json.dumps(kept)
