"""Small networks of the kinds that researchers bring; the weights are drawn, the layers are real."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Rows = NDArray[np.float32]


class Perceptron(nn.Module):
    """A table of 12 columns, three classes, dropout and batch-norm."""

    def __init__(self, columns: int = 12, classes: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(columns, 32),
            nn.BatchNorm1d(32),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(32, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.layers(x)
        return made


class Convolutions(nn.Module):
    """Grey pictures of 64 × 64, two classes; batch-norm and max pooling."""

    def __init__(self, channels: int = 1, classes: int = 2) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1, groups=4),
            nn.BatchNorm2d(16),
            nn.SiLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16 * 16 * 16, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.head(self.features(x))
        return made


class Residual(nn.Module):
    """A block of a residual network (He et al. 2016)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.short = nn.Sequential(
            nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(made + self.short(x))


class ResidualNetwork(nn.Module):
    """Colour pictures of 224 × 224, one logit without a second axis; adaptive pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 7, 2, 3, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        self.blocks = nn.Sequential(Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.fc(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))
        return made.squeeze(1)


class Attention(nn.Module):
    """A series of 20 steps of 6 values; layer norm, attention, a learnt position, a class token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 32)
        self.token = nn.Parameter(torch.randn(1, 1, 32))
        self.position = nn.Parameter(torch.randn(1, 21, 32) * 0.1)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        token = self.token.expand(x.shape[0], -1, -1)
        made = torch.cat([token, self.embed(x)], dim=1) + self.position
        made = self.head(self.norm(self.encoder(made)[:, 0]))
        return torch.softmax(made, dim=1)


class Recurrent(nn.Module):
    """A series of steps of 6 values, read both ways by an LSTM or GRU."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.read = getattr(nn, kind)(6, 16, 2, batch_first=True, bidirectional=True, dropout=0.2)
        self.head = nn.Linear(32, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.head(self.read(x)[0][:, -1])
        return made


class AnySize(nn.Module):
    """Fully convolutional: shapes are asked at run time, the picture is halved and pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5, padding=2)
        self.pool = nn.AdaptiveAvgPool2d((2, 2))
        self.head = nn.Linear(24, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, _, height, width = x.shape
        half = nn.functional.interpolate(
            x, size=(height // 2, width // 2), mode="bilinear", align_corners=False
        )
        made = self.pool(torch.relu(self.conv(half))).reshape(rows, -1)
        scored: torch.Tensor = self.head(made)
        return scored


class TwoHeads(nn.Module):
    """Two outputs in a dict: a score map that nobody asked for, and logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        seen = torch.relu(self.conv(x))
        return {"map": seen, "logits": self.head(seen.mean(dim=(2, 3)))}


KINDS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "perceptron": (Perceptron, (12,)),
    "convolutions": (Convolutions, (1, 64, 64)),
    "residual network": (ResidualNetwork, (3, 224, 224)),
    "attention": (Attention, (20, 6)),
    "lstm": (lambda: Recurrent("LSTM"), (8, 6)),
    "gru": (lambda: Recurrent("GRU"), (8, 6)),
    "any size": (AnySize, (1, 48, 40)),
}
"""Each kind: how it is made, and the shape of one row."""


def network(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """Return a network with drawn weights and batch-norm statistics, in training mode."""
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    made = make()
    for layer in made.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.5, 2)
    torch.random.set_rng_state(state)
    return made


def rows(*shape: int, seed: int = 1) -> Rows:
    """Return drawn rows, float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
