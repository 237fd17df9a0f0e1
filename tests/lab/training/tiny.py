"""Two tiny tasks, as different as tasks are: bright balls in 12³ volumes, and sums of table rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from bedside.canonical import digest
from bedside.lab.training.settings import Settings
from bedside.lab.training.task import Batch, Cases, Kind
from bedside.package.fields import Frozen
from bedside.package.manifest import DataSet

SIDE = 12


class NetworkSettings(Frozen):
    width: int = 4
    dropout: float = 0.2


class BallSettings(Settings):
    steps: int = 12
    lr: float = 0.02
    warmup: int = 2
    validate_every: int = 4
    log_every: int = 3
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    threads: int = 1
    noise: float = 0.3
    network: NetworkSettings = NetworkSettings()


class Balls:
    """Volumes with one bright ball; case `n` follows from the seed and `n` alone."""

    def __init__(self, seed: int, noise: float, count: int) -> None:
        self._seed, self._noise, self._count = seed, noise, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Batch:
        random = np.random.default_rng([self._seed, number])
        places = np.stack(np.meshgrid(*[np.arange(SIDE)] * 3, indexing="ij"))
        centre = random.uniform(3, SIDE - 3, (3, 1, 1, 1))
        target = ((places - centre) ** 2).sum(axis=0) < random.uniform(6, 14)
        image = target + random.normal(0, self._noise, target.shape)
        return {
            "image": torch.from_numpy(image.astype(np.float32))[None],
            "target": torch.from_numpy(target.astype(np.uint8))[None],
        }


class BallTask:
    """Where the ball is."""

    score = "dice"
    split = "drawn anew for each part"

    def __init__(self, settings: BallSettings) -> None:
        self._settings = settings
        self.data: tuple[DataSet, ...] = (
            DataSet(
                name="Balls",
                digest=digest(b"balls"),
                rows=1,
                licence="CC0",
                consent_basis="nobody's data",
                origin="calculated",
            ),
        )

    def network(self) -> nn.Module:
        width = self._settings.network.width
        return nn.Sequential(
            nn.Conv3d(1, width, 3, padding=1),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.Dropout3d(self._settings.network.dropout),
            nn.Conv3d(width, 1, 3, padding=1),
        )

    def training_cases(self) -> Cases:
        return Balls(self._settings.seed, self._settings.noise, 1_000)

    def validation_cases(self) -> Cases:
        return Balls(9_999, self._settings.noise, 3)

    def on_device(self, batch: Batch, number: int) -> Batch:
        random = torch.Generator().manual_seed(number)
        noise = torch.randn(batch["image"].shape, generator=random).to(batch["image"].device)
        return batch | {"image": batch["image"] + 0.1 * noise}

    def loss(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        scores = network(batch["image"]).float()
        return binary_cross_entropy_with_logits(
            scores, batch["target"].float(), pos_weight=torch.tensor(10.0)
        )

    def metrics(self, network: nn.Module, batch: Batch) -> Mapping[str, float]:
        found = network(batch["image"]) > 0
        truth = batch["target"] > 0
        both = float((found & truth).sum())
        return {"dice": (2 * both + 1) / (float(found.sum() + truth.sum()) + 1)}


class RowSettings(Settings):
    steps: int = 40
    batch: int = 16
    ema: float = 0.0
    lr: float = 0.3
    warmup: int = 0
    validate_every: int = 10
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    threads: int = 1


class Rows:
    """Five numbers and a straight line of them; a finite set, gone through again and again."""

    def __init__(self, first: int, count: int) -> None:
        self._first, self._count = first, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Batch:
        row = np.random.default_rng(self._first + number % self._count).normal(size=5)
        return {
            "row": torch.tensor(row, dtype=torch.float32),
            "truth": torch.tensor([row @ [1.0, -2.0, 0.5, 0.0, 3.0]], dtype=torch.float32),
        }


class RowTask:
    """A straight line through rows of a table."""

    score = "closeness"
    split = "by number"

    def __init__(self, settings: RowSettings) -> None:
        self.data: tuple[DataSet, ...] = BallTask(BallSettings()).data

    def network(self) -> nn.Module:
        return nn.Linear(5, 1)

    def training_cases(self) -> Cases:
        return Rows(0, 64)

    def validation_cases(self) -> Cases:
        return Rows(1_000, 8)

    def on_device(self, batch: Batch, number: int) -> Batch:
        return batch

    def loss(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        return mse_loss(network(batch["row"]), batch["truth"])

    def metrics(self, network: nn.Module, batch: Batch) -> Mapping[str, float]:
        return {"closeness": -float((network(batch["row"]) - batch["truth"]).abs().sum())}


BALLS = Kind("Finds a bright ball.", BallSettings, BallTask)
ROWS = Kind("Fits a straight line.", RowSettings, RowTask)
TASKS = {"balls": "tests.lab.training.tiny:BALLS", "rows": "tests.lab.training.tiny:ROWS"}
