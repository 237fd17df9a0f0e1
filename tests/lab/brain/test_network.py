from __future__ import annotations

import pytest
import torch

from bedside.lab.brain.network import (
    BrainNetwork,
    NetworkSettings,
    StandardisedConv,
    depth_from_space,
    halved,
    largest_of_eight,
    space_from_depth,
)
from bedside.lab.training.training import WORKSPACE

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


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_pooling_in_equal_bits_is_pooling_also_where_values_are_equal(dtype: torch.dtype) -> None:
    values = torch.randint(0, 3, (2, 3, 4, 6, 8)).to(dtype)  # most cubes have several largest
    slope = torch.randn(2, 3, 2, 3, 4).to(dtype)
    usual, other = values.clone().requires_grad_(), values.clone().requires_grad_()
    first, second = halved(usual), largest_of_eight(other)
    assert torch.equal(first, second)
    torch.autograd.backward([first, second], [slope, slope])
    assert usual.grad is not None
    assert other.grad is not None
    assert torch.equal(usual.grad, other.grad)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_gives_gradients_in_equal_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*WORKSPACE)
    image = torch.rand(1, 1, 16, 16, 16, device="cuda")
    torch.use_deterministic_algorithms(True)
    try:
        found = []
        for _ in range(2):
            torch.manual_seed(3)
            there = BrainNetwork(SMALL).cuda()
            there(image).square().mean().backward()
            found.append([one.grad for one in there.parameters()])
    finally:
        torch.use_deterministic_algorithms(False)
    for first, second in zip(*found, strict=True):
        assert first is not None
        assert second is not None
        assert torch.equal(first, second)


def test_the_usual_network_is_compact() -> None:
    count = sum(one.numel() for one in BrainNetwork(NetworkSettings()).parameters())
    assert 1_000_000 < count < 1_500_000
