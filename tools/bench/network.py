"""A residual network of 18 layers for one grey picture of 224 × 224, with weights from a seed.

Source of the layout: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2016,
table 1. What it answers means nothing; how long it takes does.
"""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    """Two 3 × 3 convolutions and a way around them."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        around = [nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)]
        self.around = nn.Sequential(*around) if stride > 1 or before != after else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        found: torch.Tensor = torch.relu(self.body(x) + self.around(x))
        return found


def network(seed: int = 0) -> nn.Module:
    """Return the network: pictures × 1 × 224 × 224 in, one logit each out."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = [
        nn.Conv2d(1, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    before = 64
    for after, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(before, after, stride), Block(after, after, 1)]
        before = after
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1)]
    return nn.Sequential(*layers).eval()
