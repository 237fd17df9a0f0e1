"""Fits `OpacityNet`: pairs of films that differ in the opacity alone, stopped by the validation films."""

import copy

import numpy as np
import torch
from net import OpacityNet
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from bedside.lab.films.collection import Collection
from bedside.lab.intervals import area_under_curve

PAIRS, PATIENCE = 4, 4
"""Pairs in a batch; epochs without a better validation area before training stops."""


def tensor(inputs: NDArray[np.float32]) -> torch.Tensor:
    """Return films as the last operation of the spec leaves them: films × 1 × rows × columns."""
    return (torch.from_numpy(inputs)[:, None] - 0.5) / 0.25


def scored(net: OpacityNet, films: Collection) -> NDArray[np.float64]:
    """Return the probability of an opacity on each film."""
    net.eval()
    with torch.no_grad():
        logits = torch.cat([net(part) for part in tensor(films.inputs).split(64)])
    return logits[:, 0].double().sigmoid().numpy()


def fit(net: OpacityNet, pairs: Collection, validation: Collection, epochs: int) -> float:
    """Train `net`, leave it as it was in its best epoch, and return its validation area."""
    couples = tensor(pairs.inputs).unflatten(0, (-1, 2))
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.01)
    steps = epochs * -(-len(couples) // PAIRS)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.003, total_steps=steps)
    best, weights, worse = -1.0, net.state_dict(), 0
    for epoch in range(epochs):
        net.train()
        for chosen in torch.randperm(len(couples)).split(PAIRS):
            contrast, level = torch.randn(2, len(chosen), 1, 1, 1, 1)
            films = couples[chosen] * (1 + 0.1 * contrast) + 0.15 * level
            films = films.flip(4) if torch.rand(()) < 0.5 else films
            truth = torch.tensor([1.0, 0.0]).repeat(len(chosen))
            loss = binary_cross_entropy_with_logits(net(films.flatten(0, 1))[:, 0], truth)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            pace.step()
        scores = scored(net, validation)
        area = area_under_curve(scores[validation.opacity], scores[~validation.opacity])
        print(f"epoch {epoch + 1}: area under the curve on the validation films {area:.3f}")
        worse += 1
        if area > best:
            best, weights, worse = area, copy.deepcopy(net.state_dict()), 0
        if worse == PATIENCE:
            break
    net.load_state_dict(weights)
    return best
