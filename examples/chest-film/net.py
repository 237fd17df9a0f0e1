"""A small network that looks for opacities: 76 thousand parameters, one logit.

A demonstration on drawn films. It knows nothing about patients.
"""

import torch
from torch import nn


class OpacityNet(nn.Module):
    """Films × 1 × 224 × 224, mean 0 and deviation about 1, to films × 1: the logit of an opacity."""

    def __init__(self, channels: tuple[int, ...] = (24, 48, 64)) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.AvgPool2d(2)]  # an opacity is never finer than this
        before = 1
        for after in channels:
            layers += [
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
            before = after
        layers += [
            nn.Conv2d(before, before, 3, padding=1, bias=False),
            nn.BatchNorm2d(before),
            nn.ReLU(),
        ]
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(2 * before, 1)

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        """Return one logit a film: from the mean and the strongest of each feature."""
        seen = self.features(films)
        summary = torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], dim=1)
        logit: torch.Tensor = self.head(self.dropout(summary))
        return logit
