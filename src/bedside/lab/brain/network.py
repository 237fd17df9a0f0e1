"""A compact U-Net that sees the whole head in one pass, and no statistics of it.

Eight neighbouring voxels are the channels of one (space to depth), so that the widest arrays are an
eighth of the volume; the last layer gives eight logits, which are voxels again. There is no
normalisation of activations: the convolutions' weights are standardised instead (Qiao et al. 2019;
Brock et al., ICLR 2021). So a voxel's answer rests on its surroundings alone, and not on how much
air is in the picture; training and use compute the same; and what is exported is plain convolutions.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Final, TypeAlias

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from bedside.package.fields import Frozen

BLOCK: Final = 2
"""Voxels along each axis that become channels."""

_CUBE: Final = BLOCK**3
SLOPE: Final = 0.1
"""Of what is below 0, in every activation."""

CONTRAST: Final = 4.0
"""Makes grey values from 0 to 1 about as large as activations are."""

_GAIN: Final = math.sqrt(2 / (1 + SLOPE**2))


Width: TypeAlias = Annotated[int, Field(ge=4, le=512)]


class NetworkSettings(Frozen):
    """How large the network is.

    Attributes:
        widths: Channels at each level, the finest first.
    """

    widths: Annotated[tuple[Width, ...], Field(min_length=1)] = (16, 32, 64, 96)

    @property
    def multiple(self) -> int:
        """Each side of what the network gets is a multiple of this."""
        return BLOCK << (len(self.widths) - 1)


class StandardisedConv(nn.Module):
    """A 3 × 3 × 3 convolution whose weights have mean 0 and variance 1/fan-in, times a learnt gain."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3, 3))
        self.gain = nn.Parameter(torch.ones(after))
        self.bias = nn.Parameter(torch.zeros(after))

    def plain_weight(self) -> Tensor:
        """Return the weight that is convolved with."""
        flat = self.weight.flatten(1)
        variance, mean = torch.var_mean(flat, dim=1, keepdim=True, correction=0)
        scale = self.gain[:, None] * torch.rsqrt(variance * flat.shape[1] + 1e-6) * _GAIN
        return ((flat - mean) * scale).view_as(self.weight)

    def forward(self, values: Tensor) -> Tensor:
        """Return (batch, after, i, j, k), before activation."""
        return functional.conv3d(values, self.plain_weight(), self.bias, padding=1)


class Pair(nn.Sequential):
    """Two convolutions, each with its activation."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(
            StandardisedConv(before, after),
            nn.LeakyReLU(SLOPE, inplace=True),
            StandardisedConv(after, after),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class BrainNetwork(nn.Module):
    """(batch, 1, i, j, k) grey values 0 to 1 → (batch, 1, i, j, k) logits of brain."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        widths = settings.widths
        befores = (_CUBE, *widths[:-1])
        self.down = nn.ModuleList(Pair(a, b) for a, b in zip(befores, widths, strict=True))
        self.up = nn.ModuleList(Pair(deep + wide, wide) for wide, deep in pairwise(widths))
        self.last = nn.Conv3d(widths[0], _CUBE, 1)
        nn.init.normal_(self.last.weight, std=0.01)
        self.last.bias = nn.Parameter(
            torch.full((_CUBE,), -1.5)
        )  # about the share of brain in a picture

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits of brain."""
        values = depth_from_space(image * CONTRAST)  # darkness stays 0, as what is padded
        kept = list[Tensor]()
        for level, pair in enumerate(self.down):
            if level:
                kept.append(values)
                values = halved(values)
            values = pair(values)
        for pair in reversed(self.up):
            finer = functional.interpolate(values, scale_factor=2.0, mode="nearest")
            values = pair(torch.cat([finer, kept.pop()], 1))
        return space_from_depth(self.last(values))


def halved(values: Tensor) -> Tensor:
    """Return (batch, channels, i, j, k) pooled to (batch, channels, i/2, j/2, k/2), the largest of eight.

    On a GPU torch's own has no gradient in equal bits; where those are asked for, it is written
    otherwise.
    """
    if values.is_cuda and torch.are_deterministic_algorithms_enabled():
        return largest_of_eight(values)
    return functional.max_pool3d(values, 2)


def largest_of_eight(values: Tensor) -> Tensor:
    """Return what `max_pool3d` does, and its gradient, by operations that give equal bits anywhere."""
    batch, channels, i, j, k = values.shape
    cubes = values.reshape(batch, channels, i // 2, 2, j // 2, 2, k // 2, 2)
    return cubes.permute(0, 1, 2, 4, 6, 3, 5, 7).flatten(5).max(-1).values


def depth_from_space(values: Tensor) -> Tensor:
    """Return (batch, 1, i, j, k) as (batch, 8, i/2, j/2, k/2)."""
    batch, _, i, j, k = values.shape
    i, j, k = i // BLOCK, j // BLOCK, k // BLOCK
    parts = values.reshape(batch, i, BLOCK, j, BLOCK, k, BLOCK)
    return parts.permute(0, 2, 4, 6, 1, 3, 5).reshape(batch, _CUBE, i, j, k)


def space_from_depth(values: Tensor) -> Tensor:
    """Return (batch, 8, i, j, k) as (batch, 1, 2i, 2j, 2k); undoes `depth_from_space`."""
    batch, _, i, j, k = values.shape
    parts = values.reshape(batch, BLOCK, BLOCK, BLOCK, i, j, k)
    parts = parts.permute(0, 4, 1, 5, 2, 6, 3)
    return parts.reshape(batch, 1, i * BLOCK, j * BLOCK, k * BLOCK)
