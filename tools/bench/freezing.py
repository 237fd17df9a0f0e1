"""How long freezing and verifying take, how large a package is, and what a picture costs.

A picture's answer is measured beside ONNX Runtime alone, which gets the network's input ready made,
and beside the least that any server must do: decode, resize, run. Turns alternate in one process.
"""

from __future__ import annotations

import base64
import io
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import bedside
from bedside.freezing.freeze import FrozenModel
from bedside.keys.signing import SigningKey
from bedside.lab import breast_cancer_model
from bedside.lab.films.files import film_png
from bedside.lab.films.film import make_film
from bedside.package.networks import Network
from bedside.package.package import check_signature, open_package
from bedside.runtime.runner import Runner, load
from tools.bench.network import network

SIDE, FILM, FILMS = 224, 512, 16
PATCH, STRIDE = 56, 28
MEAN, DEVIATION = 0.5, 0.25
Tensor = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frozen:
    """One model: seconds to freeze and to verify (medians), bytes of package and network."""

    name: str
    freeze: float
    verify: float
    package: int
    network: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median of the ratios of neighbouring turns, with the lowest and the highest."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"**{self.middle:.2f}** ({self.low:.2f}–{self.high:.2f})"


@dataclass(frozen=True, slots=True)
class PictureCost:
    """One answer to a film, in milliseconds (medians), and how it stands to less than that."""

    ours: float
    decoded: float
    alone: float
    explained: float
    passes: int
    to_decoded: Ratio
    to_alone: Ratio


def measure_freezing(turns: int) -> tuple[list[Frozen], PictureCost]:
    """Freeze a linear model of 30 fields and a network of 18 layers, and measure both."""
    key = SigningKey.new()
    tabular, tabular_seconds = timed(lambda: _freeze_tabular(key), 3)
    picture, picture_seconds = timed(lambda: freeze_picture(key), 3)
    rows = [
        _measured("logistic regression, 30 fields", tabular, tabular_seconds, key),
        _measured(f"ResNet-18, 1 × {SIDE} × {SIDE}", picture, picture_seconds, key),
    ]
    return rows, _cost(picture, turns)


def timed(work: Callable[[], Any], times: int) -> tuple[Any, float]:
    """Return what `work` gives, and the median of its seconds."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
    return found, statistics.median(seconds)


def _measured(name: str, made: FrozenModel, seconds: float, key: SigningKey) -> Frozen:
    def verify() -> Runner:
        package = open_package(made.archive)
        check_signature(package, (key.public,))
        return load(package)

    _, verified = timed(verify, 5)
    return Frozen(name, seconds, verified, len(made.archive), len(made.package.network))


def _freeze_tabular(key: SigningKey) -> FrozenModel:
    patients = breast_cancer_model.read_patients(0)
    frame, malignant = patients.part(patients.split.train)
    steps = [("scale", StandardScaler()), ("classify", LogisticRegression(max_iter=1000))]
    model = Pipeline(steps).fit(frame, np.where(malignant, "malignant", "benign"))
    measured = breast_cancer_model.measure(model, patients, 0)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    spec = breast_cancer_model.make_breast_cancer_spec(patients, measured, (b"{}", moment))
    return bedside.freeze(model, data=frame, spec=spec, key=key, frozen_at=moment)


def _films() -> list[bytes]:
    return [
        film_png(make_film(number, opacity=bool(number % 2), side=FILM)) for number in range(FILMS)
    ]


def tensor_of(png: bytes) -> Tensor:
    """Return the network's input of a PNG: the least that any server must do with it."""
    with Image.open(io.BytesIO(png)) as opened:
        unit = np.asarray(opened, dtype=np.float32) / 255
    small = Image.fromarray(unit).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    normalised = (np.asarray(small) - np.float32(MEAN)) / np.float32(DEVIATION)
    return np.asarray(normalised[np.newaxis, np.newaxis], dtype=np.float32)


def freeze_picture(key: SigningKey) -> FrozenModel:
    """Freeze the network of 18 layers, with drawn films as its data."""
    module, films = network(), _films()
    with torch.no_grad():
        logits = module(torch.from_numpy(np.concatenate([tensor_of(one) for one in films])))
    middle = float(torch.sigmoid(logits.median()))
    spec = bedside.make_spec(_answers(middle))
    rows = [{"image": base64.b64encode(one).decode(), "modality": "DX"} for one in films]
    return bedside.freeze(module, data=rows, spec=spec, key=key)


def _answers(threshold: float) -> dict[str, Any]:
    data = {
        "name": "drawn films",
        "digest": "sha256:" + "0" * 64,
        "rows": FILMS,
        "licence": "Apache-2.0",
        "consent_basis": "none needed: nobody is shown",
        "origin": "bedside.lab.films",
    }
    metric = {"name": "none", "value": 0.5, "lower": 0.0, "upper": 1.0, "confidence": 0.95}
    return {
        "name": "bench-resnet-18",
        "version": "1.0.0",
        "title": {"en": "A network with random weights, for timing"},
        "licence": "Apache-2.0",
        "intended_use": {"en": "Timing"},
        "not_for": {"en": "Everything else"},
        "claim_level": "demonstration",
        "image": {
            "media": ["png"],
            "modalities": ["DX"],
            "rows": {"minimum": SIDE, "maximum": 1024},
            "columns": {"minimum": SIDE, "maximum": 1024},
        },
        "preprocessing": [
            {"op": "full_range"},
            {"op": "resize", "rows": SIDE, "columns": SIDE, "filter": "bilinear"},
            {"op": "normalise", "mean": [MEAN], "deviation": [DEVIATION]},
        ],
        "network": {"gives": "logit"},
        "output": {
            "kind": "binary",
            "classes": [{"label": "low"}, {"label": "high"}],
            "positive": "high",
            "threshold": {"value": threshold, "meaning": {"en": "the middle of the films here"}},
        },
        "explanation": {"kind": "occlusion", "patch": PATCH, "stride": STRIDE},
        "origin": {
            "trained_by": "nobody: random weights",
            "trained_at": "2026-01-01T00:00:00Z",
            "code": "tools/bench/network.py",
            "split": "none",
            "data": [data],
        },
        "evaluation": {"data": data, "metrics": [{**metric, "method": "none", "n": 1}]},
    }


def _cost(made: FrozenModel, turns: int) -> PictureCost:
    runner, film = load(made.package), _films()[1]
    row = {"image": base64.b64encode(film).decode(), "modality": "DX"}
    options = ort.SessionOptions()
    options.intra_op_num_threads = made.package.manifest.conditions.threads
    session = ort.InferenceSession(
        made.package.network, options, providers=["CPUExecutionProvider"]
    )
    model, ready = made.package.manifest.model, tensor_of(film)
    assert isinstance(model, Network)
    bare = float(session.run([model.output], {model.input: ready})[0][0, 1])
    (answer,) = runner.predict([row])
    if abs(answer.raw["high"] - bare) > 1e-4:
        raise RuntimeError(f"the two ways disagree: {answer.raw['high']} and {bare}")
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: runner.predict([row]),
        "decoded": lambda: session.run([model.output], {model.input: tensor_of(film)}),
        "alone": lambda: session.run([model.output], {model.input: ready}),
    }
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns):
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            seen[name].append(1000 * timed(ways[name], 1)[1])
    explained, seconds = timed(lambda: runner.predict([row], explain=True)[0].explanation, 3)
    return PictureCost(
        ours=statistics.median(seen["ours"]),
        decoded=statistics.median(seen["decoded"]),
        alone=statistics.median(seen["alone"]),
        explained=1000 * seconds,
        passes=explained.passes,
        to_decoded=_ratio(seen["decoded"], seen["ours"]),
        to_alone=_ratio(seen["alone"], seen["ours"]),
    )


def _ratio(less: list[float], ours: list[float]) -> Ratio:
    """Return how many answers of ours fit into the time of one with less, turn by turn."""
    found = sorted(a / b for a, b in zip(less, ours, strict=True))
    tenth = len(found) // 10
    return Ratio(statistics.median(found), found[tenth], found[-1 - tenth])
