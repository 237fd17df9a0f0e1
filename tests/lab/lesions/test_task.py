from __future__ import annotations

import pytest
import torch

from bedside.errors import UsageError
from bedside.lab.lesions.judging import judged
from bedside.lab.lesions.loss import rare_loss
from bedside.lab.lesions.settings import LesionSettings
from bedside.lab.lesions.task import KIND, make
from bedside.lab.tasks import kind_of
from bedside.lab.training.task import Task


@pytest.fixture(scope="module")
def task(settings: LesionSettings) -> Task:
    return make(settings)


def boxes(*corners: tuple[int, int]) -> torch.Tensor:
    share = torch.zeros(1, 1, 24, 24, 24)
    for corner, side in corners:
        share[:, :, corner : corner + side, 4 : 4 + side, 4 : 4 + side] = 1
    return share


def test_is_known_to_the_laboratory_by_its_name() -> None:
    assert kind_of("lesion-candidates") is KIND


def test_says_what_it_rests_on(task: Task) -> None:
    training, validation = task.data
    assert (training.rows, validation.rows) == (2, 1)


def test_a_few_steps_make_the_loss_smaller(task: Task) -> None:
    torch.manual_seed(1)
    network, cases = task.network(), task.training_cases()
    batch = {name: one[None] for name, one in cases[1].items()}
    losses = list[float]()
    for _ in range(6):
        network.zero_grad()
        loss = task.loss(network, task.on_device(batch, 1))
        torch.autograd.backward(loss)
        losses.append(float(loss.detach()))
        for weight in network.parameters():  # an optimiser of torch's takes seconds to be imported
            if weight.grad is not None:
                weight.data -= 0.002 * weight.grad.sign()
    assert losses[-1] < 0.95 * losses[0]


@torch.no_grad()
def test_is_judged_by_its_score(task: Task) -> None:
    batch = {name: one[None] for name, one in task.validation_cases()[0].items()}
    found = task.metrics(task.network().eval(), batch)
    assert 0 <= found[task.score] <= 1
    assert found["loss"] > 0


def test_lesions_are_counted_not_voxels() -> None:
    share = boxes((2, 2), (8, 4), (16, 2))
    found = judged((boxes((8, 4), (21, 2)) - 0.5) * 20, share, 1.0, 3.0)
    assert found["sensitivity"] == pytest.approx(1 / 3)
    assert found["false"] == 1
    assert found["f1"] == pytest.approx(2 / (2 + 2 + 1))
    assert found["dice"] == pytest.approx(2 * 64 / (72 + 80))


def test_of_no_lesion_nothing_found_is_right_and_anything_is_wrong() -> None:
    assert judged(boxes() - 5, boxes(), 1.0, 3.0)["f1"] == 1
    assert judged(boxes((3, 2)) * 9 - 5, boxes(), 1.0, 3.0)["f1"] == 0


def test_the_loss_is_small_for_what_is_right_and_minds_what_weighs() -> None:
    share = boxes((2, 2), (8, 4))
    right, missed = (share - 0.5) * 20, (boxes((8, 4)) - 0.5) * 20
    even = torch.ones_like(share)
    heavy = torch.where(boxes((2, 2)) > 0, 3.0, 1.0)
    assert float(rare_loss(right, share, even)) < 0.05
    assert float(rare_loss(missed, share, heavy)) > 1.5 * float(rare_loss(missed, share, even)) > 0


def test_without_data_it_says_how_to_name_some() -> None:
    with pytest.raises(UsageError, match="data set"):
        make(LesionSettings())


def test_a_grid_that_the_network_cannot_halve_is_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        LesionSettings(grid=(96, 100, 96))
