from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from bedside.errors import UsageError
from bedside.lab.brain.settings import BrainSettings
from bedside.lab.brain.task import KIND, make
from bedside.lab.tasks import kind_of
from bedside.lab.training.task import Task


@pytest.fixture(scope="module")
def task(settings: BrainSettings) -> Task:
    return make(settings)


def test_is_known_to_the_laboratory_by_its_name() -> None:
    assert kind_of("brain-extraction") is KIND


def test_says_what_it_rests_on(task: Task) -> None:
    training, validation = task.data
    assert (training.rows, validation.rows) == (2, 1)
    assert "named" in task.split


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
                weight.data -= 0.03 * weight.grad.sign()
    assert losses[-1] < 0.9 * losses[0]


@torch.no_grad()
def test_is_judged_by_its_score(task: Task) -> None:
    batch = {name: one[None] for name, one in task.validation_cases()[0].items()}
    found = task.metrics(task.network().eval(), batch)
    assert 0 <= found[task.score] <= 1
    assert found["loss"] > 0


def test_without_data_it_says_how_to_name_some() -> None:
    with pytest.raises(UsageError, match="data set"):
        make(BrainSettings())


def test_a_patient_who_is_not_there_cannot_be_held_out(settings: BrainSettings) -> None:
    with pytest.raises(UsageError, match="nobody"):
        make(settings.model_copy(update={"validation_patients": ("nobody",)}))


def test_a_grid_that_the_network_cannot_halve_is_refused() -> None:
    with pytest.raises(ValidationError, match="multiples of 16"):
        BrainSettings(grid=(96, 100, 96))


def test_another_file_than_the_manifests_is_refused(
    settings: BrainSettings, tmp_path: Path
) -> None:
    folder = Path(settings.data).parent
    (tmp_path / "labels.json").write_bytes((folder / "labels.json").read_bytes())
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.nii.gz").write_bytes((folder / "one.nii.gz").read_bytes())
    with pytest.raises(UsageError, match="is not the file of the manifest"):
        make(settings.model_copy(update={"data": str(tmp_path / "labels.json")})).training_cases()
