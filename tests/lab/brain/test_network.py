from __future__ import annotations

import pytest
import torch

from bedside.lab.brain.network import (
    BrainNetwork,
    NetworkSettings,
    StandardisedConv,
    depth_from_space,
    space_from_depth,
)

SMALL = NetworkSettings(widths=(8, 12))


@pytest.fixture
def network() -> BrainNetwork:
    torch.manual_seed(3)
    return BrainNetwork(SMALL).eval()


def test_eight_neighbours_become_channels_and_come_back() -> None:
    values = torch.arange(2 * 4 * 6 * 8).view(2, 1, 4, 6, 8)
    folded = depth_from_space(values)
    assert folded.shape == (2, 8, 2, 3, 4)
    assert folded[0, :, 0, 0, 0].tolist() == values[0, 0, :2, :2, :2].flatten().tolist()
    assert torch.equal(space_from_depth(folded), values)


@torch.no_grad()
def test_any_size_that_is_a_multiple_is_answered_voxel_by_voxel(network: BrainNetwork) -> None:
    assert SMALL.multiple == 4
    assert network(torch.rand(1, 1, 8, 12, 16)).shape == (1, 1, 8, 12, 16)


@torch.no_grad()
def test_what_is_far_away_changes_nothing(network: BrainNetwork) -> None:
    image = torch.rand(1, 1, 16, 16, 64)
    other = image.clone()
    other[..., 48:] = 0
    here, there = network(image)[..., :16], network(other)[..., :16]
    assert torch.equal(here, there)


def test_weights_that_are_convolved_with_have_no_mean_and_one_size() -> None:
    torch.manual_seed(1)
    layer = StandardisedConv(4, 6)
    layer.weight.data.mul_(100).add_(7)
    flat = layer.plain_weight().flatten(1)
    assert torch.allclose(flat.mean(1), torch.zeros(6), atol=1e-6)
    assert torch.allclose(flat.norm(dim=1), torch.full((6,), 2**0.5), rtol=0.01)


def test_the_usual_network_is_compact() -> None:
    count = sum(one.numel() for one in BrainNetwork(NetworkSettings()).parameters())
    assert 1_000_000 < count < 1_500_000
