"""What has no graph, or no ONNX counterpart, is told with the author's line and the way out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.freezing.pytorch.networks import network, rows
from tests.freezing.pytorch.test_checks import Base, refusal, translate


def test_a_branch_on_a_value() -> None:
    class Branches(Base):
        def between(self, x: torch.Tensor) -> torch.Tensor:
            if x.sum() > 0:
                return x
            return -x

    told = refusal(network(Branches))
    assert "decides by the values it computes at test_capture.py, line" in told.message
    assert "if x.sum() > 0:" in told.message
    assert "torch.where" in told.advice


def test_a_value_taken_out_of_its_tensor() -> None:
    class Items(Base):
        def between(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, : 1 + int(x.abs().max().item() > 100)].repeat(1, 4)

    assert "int(x.abs().max().item() > 100)" in refusal(network(Items)).message


def test_a_step_in_numpy() -> None:
    class Leaves(Base):
        def between(self, x: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(x.detach().numpy() * 2)

    told = refusal(network(Leaves))
    assert "leaves PyTorch at test_capture.py, line" in told.message
    assert "torch functions" in told.advice


def test_a_loop_over_the_rows() -> None:
    class Loops(Base):
        def between(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([row * 2 for row in x])

    told = refusal(network(Loops))
    assert "only works for some numbers of rows" in told.message
    assert "for row in x" in told.advice


def test_pairs_of_rows() -> None:
    class Pairs(Base):
        def between(self, x: torch.Tensor) -> torch.Tensor:
            return x.view(x.shape[0] // 2, 2, 4).flip(0).reshape(-1, 4)

    told = refusal(network(Pairs))
    assert (
        "fails on an input of the shape 1 × 4, in Pairs.forward, at test_capture.py" in told.message
    )


def test_another_device_in_the_class() -> None:
    class Elsewhere(Base):
        def between(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.ones(4, device="cuda")

    told = refusal(network(Elsewhere))
    assert 'torch.ones(4, device="cuda")' in told.message
    assert "device=x.device" in told.advice


def test_an_operator_without_an_onnx_counterpart() -> None:
    class Inner(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = torch.special.bessel_j0(x)
            return made

    told = refusal(nn.Sequential(nn.Linear(4, 4), Inner(), nn.Linear(4, 2)))
    assert "bessel_j0 in the layer '1' (Inner), at test_capture.py, line" in told.message
    assert "declared preprocessing" in told.advice


def test_an_operator_that_the_translator_only_half_knows() -> None:
    class Attends(Base):
        def between(self, x: torch.Tensor) -> torch.Tensor:
            query = x[:, None]
            return nn.functional.scaled_dot_product_attention(query, query, query)[:, 0]

    told = refusal(network(Attends))
    assert "the step scaled_dot_product_attention in the forward of Attends" in told.message
    assert "only 4D query" in told.message


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_a_tensor_kept_on_the_side_and_a_scripted_layer_are_no_hindrance() -> None:
    class Keeps(Base):
        def __init__(self) -> None:
            super().__init__()
            self.relu = torch.jit.script(nn.ReLU())
            self.last = torch.zeros(0)

        def between(self, x: torch.Tensor) -> torch.Tensor:
            self.last = self.relu(x)
            return self.last

    translate(network(Keeps), rows(4, 4))
