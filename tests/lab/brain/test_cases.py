from __future__ import annotations

import pickle

import pytest
import torch

from bedside.lab.brain.settings import BrainSettings
from bedside.lab.brain.task import make
from bedside.lab.training.task import Cases


@pytest.fixture(scope="module")
def training(settings: BrainSettings) -> Cases:
    return make(settings).training_cases()


def test_a_case_follows_from_its_number_alone(training: Cases, settings: BrainSettings) -> None:
    later = make(settings).training_cases()[7]
    training[3]
    assert torch.equal(training[7]["image"], later["image"])
    assert not torch.equal(training[8]["image"], later["image"])


def test_another_seed_draws_other_cases(training: Cases, settings: BrainSettings) -> None:
    other = make(settings.model_copy(update={"seed": 2})).training_cases()
    assert not torch.equal(training[0]["image"], other[0]["image"])


def test_images_are_scaled_and_shares_fit_them(training: Cases) -> None:
    case = training[0]
    assert case["image"].shape == case["share"].shape == (1, 32, 32, 32)
    assert float(case["image"].min()) >= 0
    assert float(case["image"].max()) <= 1


def test_travels_to_a_worker_without_its_heads(training: Cases) -> None:
    travelled = pickle.dumps(training)
    assert len(travelled) < 20_000
    again: Cases = pickle.loads(travelled)  # noqa: S301 - our own, from two lines above
    assert torch.equal(again[5]["share"], training[5]["share"])


def test_validation_has_so_many_cases_and_no_more(settings: BrainSettings) -> None:
    held_out = make(settings).validation_cases()
    assert len(held_out) == 2
    assert not torch.equal(held_out[0]["image"], held_out[1]["image"])
    with pytest.raises(IndexError):
        held_out[2]
