"""One step after another: rate, optimiser, precision, and the running mean of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from bedside.errors import UsageError
from bedside.lab.training.settings import Settings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def rate(settings: Settings, step: int) -> float:
    """Return the learning rate of a step, 0 to `settings.steps` - 1.

    Source: I. Loshchilov, F. Hutter, SGDR, ICLR 2017 (one half period), after a linear rise.
    """
    if step < settings.warmup:
        return settings.lr * (step + 1) / settings.warmup
    if settings.schedule == "constant":
        return settings.lr
    whole = max(settings.steps - 1 - settings.warmup, 1)
    share = min((step - settings.warmup) / whole, 1.0)
    falling = (1 + math.cos(math.pi * share)) / 2
    return settings.lr * (settings.final_lr + (1 - settings.final_lr) * falling)


def make_optimiser(network: nn.Module, settings: Settings) -> torch.optim.AdamW:
    """Return AdamW over all weights; those of one axis (biases, norms) do not decay.

    Source: I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019.
    """
    learned = [one for one in network.parameters() if one.requires_grad]
    groups = [
        {"params": [one for one in learned if one.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [one for one in learned if one.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=settings.lr, betas=settings.betas
    )


def chosen_device(settings: Settings) -> torch.device:
    """Return the device of a run.

    Raises:
        UsageError: there is no GPU and one is asked for, or a precision that the CPU has not.
    """
    there = torch.cuda.is_available()
    if settings.device == "cuda" and not there:
        raise UsageError("There is no GPU that torch can use.", advice="Set device=cpu, or auto.")
    device = torch.device("cuda" if there and settings.device != "cpu" else "cpu")
    if settings.precision == "float16" and device.type == "cpu":
        raise UsageError(
            "float16 needs a GPU: its gradients are scaled there.",
            advice="Set precision=bfloat16 or float32.",
        )
    return device


class Average:
    """A running mean of a network's weights: `mean = d × mean + (1 - d) × weights` after each step.

    d rises as (1 + step) / (10 + step) up to the decay, so that the first weights are soon forgotten.
    Buffers are copied.

    Source: B. T. Polyak, A. B. Juditsky, SIAM J Control Optim 30 (1992) 838; the rise as in
    TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay = decay
        for one in self.network.parameters():
            one.requires_grad_(False)

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """Take the weights after a step, 0 and up, into the mean."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for mean, weight in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(weight.detach(), 1 - decay)
        for kept, value in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(value)


class Precise:
    """Mixed precision: products in fewer bits; of float16, gradients scaled so that none vanishes.

    Source: P. Micikevicius et al., Mixed precision training, ICLR 2018.
    """

    def __init__(self, settings: Settings, device: torch.device) -> None:
        self._dtype = DTYPES[settings.precision]
        self._device = device
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")

    def products(self) -> torch.autocast:
        """Return the context in which a network is run."""
        lower = self._dtype is not torch.float32
        dtype = self._dtype if lower else torch.bfloat16  # not looked at where it is not enabled
        return torch.autocast(self._device.type, dtype=dtype, enabled=lower)

    def clipped(
        self, optimiser: torch.optim.Optimizer, weights: Iterable[nn.Parameter], clip: float
    ) -> float:
        """Clip the gradient, and return the norm that it had."""
        self.scaler.unscale_(optimiser)
        return float(torch.nn.utils.clip_grad_norm_(weights, clip if clip > 0 else math.inf))

    def forgives(self, norm: float) -> bool:
        """Return whether a step may be done: what is not finite is left out where gradients are scaled."""
        return math.isfinite(norm) or self.scaler.is_enabled()

    def step(self, optimiser: torch.optim.Optimizer) -> None:
        """Step by the gradient."""
        self.scaler.step(optimiser)
        self.scaler.update()

    def state(self) -> dict[str, Any]:
        """Return what the scaler knows, as numbers; empty where nothing is scaled."""
        return dict(self.scaler.state_dict())

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        if state:
            self.scaler.load_state_dict(state)
