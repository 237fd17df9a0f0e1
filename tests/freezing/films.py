"""Small invented films with and without a bright spot, and a network that looks for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bedside.canonical import Json
from bedside.freezing.spec import Spec, make_spec
from bedside.imaging.writing import write_png
from tests.freezing.building import AGE, answers

SIDE = 96
IMAGE: dict[str, Json] = {
    "media": ["png", "dicom"],
    "modalities": ["DX"],
    "body_parts": ["CHEST"],
    "unstated": "allow",
    "rows": {"minimum": 64, "maximum": 512},
    "columns": {"minimum": 64, "maximum": 512},
    "likeness": {"minimum": 0.3},
}
OPERATIONS: list[Json] = [
    {"op": "full_range"},
    {"op": "resize", "rows": 32, "columns": 32, "filter": "bilinear"},
    {"op": "normalise", "mean": [0.5], "deviation": [0.25]},
]


def film(number: int) -> NDArray[np.uint8]:
    """Return a film, rows × columns; every second one has a bright spot."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    lungs = [np.exp(-((x - at) ** 2 + (y - 48) ** 2) / 500) for at in (30, 66)]
    grey = 90 + 50 * lungs[0] + 50 * lungs[1]
    if number % 2:
        across, down = random.uniform(30, 66, 2)
        grey = grey + 90 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / 60)
    noisy: NDArray[np.float64] = np.clip(grey + random.normal(0, 6, grey.shape), 0, 255)
    return noisy.astype(np.uint8)


@cache
def png(number: int) -> bytes:
    """Return a film as a PNG file."""
    return write_png(film(number))


def folder(path: Path, count: int = 24) -> Path:
    """Write films into a folder; return it."""
    path.mkdir(exist_ok=True)
    for number in range(count):
        (path / f"film-{number:02d}.png").write_bytes(png(number))
    return path


def spot_network() -> nn.Module:
    """Return a network that gives one logit: how bright the brightest spot is."""
    blur = nn.Conv2d(1, 2, 5, padding=2, bias=False)
    nn.init.constant_(blur.weight, 1 / 25)
    norm, last = nn.BatchNorm2d(2), nn.Linear(2, 1)
    state = {"running_mean": torch.full((2,), 0.2), "running_var": torch.full((2,), 0.5)}
    norm.load_state_dict(state, strict=False)
    nn.init.constant_(last.weight, 4.0)
    nn.init.constant_(last.bias, -6.4)
    layers = (blur, norm, nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(), last)
    return nn.Sequential(*layers).eval()


def film_answers(**changes: Json) -> dict[str, Json]:
    """Return the answers of a whole spec for films; `changes` replace answers, None removes one."""
    given = {
        **answers(AGE),
        "fields": None,
        "native_classes": None,
        "comparison": None,
        "image": IMAGE,
        "preprocessing": OPERATIONS,
        "network": {"gives": "logit"},
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def film_spec(**changes: Json) -> Spec:
    """Return a whole spec for films."""
    return make_spec(film_answers(**changes))
